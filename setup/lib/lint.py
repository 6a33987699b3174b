"""The checks that need no database: style, old idioms, XML, paths of a machine.

Each check returns what it has to say; nothing means that it has nothing against it.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from .environment import Environment
from .paths import PYTHON, ROOT, SETUP, addons

#: What must not be in a file of the repository: it holds on one machine only.
_MACHINE = re.compile(
    r"(?<![\w.)\]}>/-])/(?:home|root|work|Users|opt|mnt|srv)/[\w.-]+"
    r"|(?:https?|ssh)://(?!localhost|127\.0\.0\.1)[\w.:@-]*"
    r"(?:pypi|debian|ubuntu|mirror|registry|artifact|npmjs)[\w.:-]*",
    re.ASCII,
)
_TEXT = {".py", ".xml", ".csv", ".js", ".scss", ".css", ".md", ".rst", ".txt", ".in"}
_TEXT |= {".toml", ".ini", ".cfg", ".po", ".pot", ".html", ".svg", ".json", ".yml", ""}


def files() -> list[Path]:
    """Return the files of the repository: all that git does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        found = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        # Not a checkout of git: the folders that are known to be ours.
        tops = [SETUP, ROOT / "tests", *(ROOT / addon for addon in addons())]
        found = [path for top in tops for path in top.rglob("*")]
        found = [path for path in found if "__pycache__" not in path.parts]
        found += list(ROOT.glob("*.*"))
    return sorted({path for path in found if path.is_file()})


def _tool(env: Environment, *command: str | Path) -> str:
    """Return what a tool printed, when it found something to complain about."""
    result = subprocess.run(
        ["nice", PYTHON, "-m", *command],
        cwd=ROOT,
        env=env.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode == 0:
        return ""
    return result.stdout.strip() or f"exit status {result.returncode}"


def ruff_format(env: Environment) -> str:
    return _tool(env, "ruff", "format", "--check", "--no-cache", ".")


def ruff(env: Environment) -> str:
    return _tool(env, "ruff", "check", "--no-cache", "--output-format=concise", ".")


def pylint_odoo(env: Environment) -> str:
    return _tool(env, "pylint", f"--rcfile={ROOT / '.pylintrc'}", *addons())


def odoo_files(env: Environment) -> str:
    """Check XML, CSV and PO files as the Odoo Community Association does."""
    disabled = "--disable=" + ",".join(
        (
            # We write README.md, by hand.
            "prefer-readme-rst",
            # Odoo's own files write these in all ways.
            "xml-field-numeric-without-eval",
            "xml-header-wrong",
            "xml-id-position-first",
        )
    )
    module = "oca_pre_commit_hooks.cli"
    complaints = [_tool(env, module, disabled, *(ROOT / addon for addon in addons()))]
    translations = [p for a in addons() for p in (ROOT / a).glob("i18n/*.po*")]
    if translations:
        module = "oca_pre_commit_hooks.cli_po"
        # Odoo's own export is wrapped another way than this check wants.
        disabled = "--disable=po-pretty-format"
        complaints.append(_tool(env, module, disabled, *translations))
    return "\n".join(filter(None, complaints))


def well_formed(env: Environment) -> str:
    """Check that every XML file can be read, listed in a manifest or not."""
    complaints = []
    for path in files():
        if path.suffix in (".xml", ".svg"):
            try:
                ElementTree.parse(path)
            except ElementTree.ParseError as error:
                complaints.append(f"{path.relative_to(ROOT)}: {error}")
    return "\n".join(complaints)


def old_idioms(env: Environment) -> str:
    """Ask Odoo's own rewriter what it would rewrite."""
    complaints = []
    for addon in addons():
        command = ["upgrade_code", "--from", "17.0", "--dry-run"]
        command += ["--addons-path", str(ROOT), "--glob", f"{addon}/**/*"]
        result = subprocess.run(
            ["nice", PYTHON, "-m", "odoo", *command],
            cwd=ROOT,
            env=env.variables(),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode or result.stdout.strip():
            complaints.append(f"odoo {' '.join(command)}\n{result.stdout.strip()}")
            complaints += [result.stderr.strip()] if result.returncode else []
    return "\n".join(complaints)


def machine_traces(env: Environment) -> str:
    """Look for paths of one machine and addresses of package registries."""
    complaints = []
    for path in files():
        if path.suffix not in _TEXT:
            continue
        text = path.read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if found := _MACHINE.search(line):
                where = f"{path.relative_to(ROOT)}:{number}"
                complaints.append(f"{where}: {found[0]} holds on one machine only")
    return "\n".join(complaints)


CHECKS: dict[str, Callable[[Environment], str]] = {
    "ruff format": ruff_format,
    "ruff check": ruff,
    "pylint-odoo": pylint_odoo,
    "XML, CSV and PO files": odoo_files,
    "well-formed XML": well_formed,
    "odoo upgrade_code": old_idioms,
    "paths of a machine": machine_traces,
}


def run(env: Environment) -> dict[str, str]:
    """Run all checks; return what each of them has to say."""
    return {name: check(env) for name, check in CHECKS.items()}
