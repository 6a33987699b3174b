"""``setup/test``: lint, all tests in fresh databases, and a summary."""

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from . import databases, environment, lint, postgres, process, python_env
from .console import Problem, say, step
from .environment import Environment
from .options import ENVIRONMENT, parser
from .paths import LOGS, PYTHON, ROOT, SETUP, addons, addons_digest, digest

DESCRIPTION = """\
Runs lint, the tests of setup/, the tests of the addons and tests/ with pytest, and the
addons' tests once more with Odoo's own runner on a database with demo data.

Fails when a check complains, when a test fails or is skipped, when no test ran, and
when Odoo logs a warning or an error.
With paths or pytest options (-k ...) only pytest runs, with these."""

#: Lines of Odoo's log that say nothing about our addons, each with its reason.
HARMLESS: tuple[str, ...] = (
    # Odoo's own import screen sends more than its controller takes.
    r"base_import\.controllers\.main\.set_file> called ignoring args",
)
_LOUD = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ \d+ (WARNING|ERROR|CRITICAL) ")
_RESULT = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests")
_SKIPPED = re.compile(r" INFO \S+ \S+: skipped (.+)")


@dataclass
class Part:
    """What one part of the run found."""

    name: str
    count: str = ""
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __enter__(self) -> "Part":
        say(f"-> {self.name} ...")
        self._start = time.monotonic()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self.seconds = time.monotonic() - self._start
        if isinstance(error, Problem):
            self.problems.append(str(error))
        if error is None or isinstance(error, Problem):
            say(f"   {self.name}: {'; '.join(self.outcome())}, {self.seconds:.1f} s")
        return isinstance(error, Problem)

    def outcome(self) -> list[str]:
        state = f"{len(self.problems)} problem(s)" if self.problems else "good"
        return [state, *filter(None, [self.count])]


def main(arguments: list[str]) -> int:
    options = parser("test", DESCRIPTION, ENVIRONMENT)
    add = options.add_argument
    add("--fast", action="store_true", help="leave out the run of Odoo's own runner")
    add("-k", metavar="EXPRESSION", help="only the tests whose names match")
    chosen, extra = options.parse_known_args(arguments)
    selection = [*extra, *(["-k", chosen.k] if chosen.k else [])]
    start = time.monotonic()
    env = environment.provide()
    python_env.provide_patched_wkhtmltopdf()
    if not addons():
        raise Problem("There is no addon here: nothing to test.")
    runs = Runs(env, selection)
    try:
        parts = runs.selected() if selection else runs.everything(fast=chosen.fast)
    finally:
        runs.clean_up()
    return summary(parts, time.monotonic() - start)


def summary(parts: list[Part], seconds: float) -> int:
    """Print what every part found; return the exit status."""
    for part in parts:
        for problem in part.problems:
            say(f"\n--- {part.name}\n{problem}")
    say("\nSummary")
    for part in parts:
        state = "; ".join(part.outcome())
        say(f"  {part.name:34} {state:44} {part.seconds:6.1f} s")
    failed = any(part.problems for part in parts)
    say(f"  {'FAILED' if failed else 'All good'} after {seconds:.0f} s")
    return 1 if failed else 0


class Runs:
    """The parts of one run, each in a database of its own, dropped at the end."""

    def __init__(self, env: Environment, selection: list[str]) -> None:
        self.env = env
        self.selection = selection
        self.names = ",".join(addons())
        self.variables = env.variables()

    def selected(self) -> list[Part]:
        """Run what the caller selected with pytest."""
        ours = (str(SETUP), "setup/")
        paths = [word for word in self.selection if not word.startswith("-")]
        if paths and all(path.startswith(ours) for path in paths):
            return [self.setup_tests(self.selection)]
        return [self.pytest()]

    def everything(self, *, fast: bool) -> list[Part]:
        """Run all parts; what does not disturb the browser runs beside it."""
        tasks = [self.lint_and_setup_tests, self.database]
        if not fast:
            tasks.append(lambda: self.env.template("template_demo"))
        parts, database, *_template = process.parallel(*tasks)
        parts.append(database)
        tasks = [] if fast else [self.native]
        if not database.problems:
            tasks.insert(0, self.pytest)
            parts.append(self.translations())
        if (os.cpu_count() or 1) >= 4:
            return parts + process.parallel(*tasks)
        return parts + [task() for task in tasks]

    def database(self) -> Part:
        """Install the addons into the template that the tests' databases copy."""
        with Part("installation of the addons") as part:
            self.tests_template()
        return part

    def lint_and_setup_tests(self) -> list[Part]:
        return [*self.lint(), self.setup_tests([])]

    def lint(self) -> list[Part]:
        parts = []
        for name, check in lint.CHECKS.items():
            with Part(name) as part:
                if complaint := check(self.env):
                    part.problems.append(complaint)
            parts.append(part)
        return parts

    def tests_template(self) -> str:
        """See that a template with our addons and their assets is there."""
        plain = self.env.template("template_plain")
        content = digest(self.env.template_key(plain), addons_digest())
        name = f"template_tests_{content}"
        with process.locked("tests-template"):
            if databases.key(name) != content:
                for old in databases.names("template_tests_"):
                    databases.drop(old)
        return databases.template(name, content, self._build_tests_template)

    def _build_tests_template(self, name: str) -> None:
        with step(f"Database of the tests: {self.names}"):
            databases.clone("template_plain", name)
            self.env.run_odoo(
                *("-d", name, "-i", self.names, "--stop-after-init", "--no-http"),
                log="tests-template",
                what="Installing the addons",
            )
            what = "Building the asset bundles"
            self.env.run_script("prepare_tests", name, log="tests-template", what=what)

    def clone(self, template: str, purpose: str) -> str:
        """Return the name of a new database; :meth:`clean_up` drops it."""
        name = f"run_{os.getpid()}_{purpose}"
        with process.locked("tests-template"):
            databases.clone(template, name)
        return name

    def clean_up(self) -> None:
        """Drop the databases of this run, and of runs that were killed."""
        for name in databases.names("run_"):
            pid = int(name.split("_")[1])
            if pid == os.getpid() or not _is_alive(pid):
                databases.drop(name)
        if self.env.started_server and not postgres.is_used():
            postgres.stop()

    def setup_tests(self, selection: list[str]) -> Part:
        """Run the tests of this folder, which need no Odoo."""
        with Part("pytest: setup") as part:
            words = ["-p", "no:odoo", *(selection or [SETUP / "tests"])]
            self._pytest(part, "pytest-setup", words, streamed=bool(selection))
        return part

    def pytest(self) -> Part:
        """Run the tests of the addons and the journeys, with server and browser."""
        with Part("pytest: addons and journeys") as part:
            database = self.clone(self.tests_template(), "pytest")
            words = [f"--odoo-database={database}", "--odoo-http", *self.selection]
            if all(
                word.startswith("-") or word == self._k() for word in self.selection
            ):
                words += addons()
                words += ["tests"] if any(ROOT.glob("tests/**/test_*.py")) else []
            self._pytest(part, "pytest", words, streamed=True)
        return part

    def _k(self) -> str | None:
        words = self.selection
        return words[words.index("-k") + 1] if "-k" in words else None

    def _pytest(self, part: Part, log: str, words: list, *, streamed: bool) -> None:
        """Run pytest; a skipped test is a failure, and so is a run without tests."""
        report = LOGS / f"{log}.xml"
        report.unlink(missing_ok=True)
        command = [PYTHON, "-m", "pytest", f"--junitxml={report}", *words]
        if streamed:
            status = process.wait(process.spawn(command, env=self.variables))
        else:
            with (LOGS / f"{log}.log").open("wb") as output:
                started = process.spawn(command, env=self.variables, output=output)
                status = process.wait(started)
        judge_pytest(part, report, status)
        if part.problems and not streamed:
            part.problems[-1] += "\n" + (LOGS / f"{log}.log").read_text(
                errors="replace"
            )

    def native(self) -> Part:
        """Run Odoo's own runner on a fresh database with demo data; read its log."""
        with Part("Odoo's runner, with demo data") as part:
            database = self.clone("template_demo", "native")
            words = ["-d", database, "-i", self.names, "--with-demo"]
            words += ["--test-tags", ",".join(f"/{addon}" for addon in addons())]
            words += ["--stop-after-init", f"--http-port={process.free_port()}"]
            path = LOGS / "native.log"
            with path.open("wb") as output:
                command = [PYTHON, "-m", "odoo", *words]
                started = process.spawn(command, env=self.variables, output=output)
                status = process.wait(started)
            judge_log(part, path.read_text(errors="replace"), status)
            if part.problems:
                part.problems[-1] += f"\nThe whole log: {path}"
        return part

    def translations(self) -> Part:
        """Check that each .pot has the terms that its addon has."""
        with Part("translation templates") as part:
            database = self.clone(self.tests_template(), "translations")
            output = self.env.run_script(
                "check_translations",
                database,
                log="translations",
                what="Comparing the translation templates",
                CHECKED_ADDONS=self.names,
                CHECKED_ROOT=ROOT,
            )
            terms = [line for line in output.splitlines() if line.startswith("TERM")]
            if terms:
                more = [f"... and {len(terms) - 20} more"] if len(terms) > 20 else []
                remedy = "Update it: ./setup/odoo i18n export -d demo <addon>"
                part.problems.append("\n".join([*terms[:20], *more, remedy]))
        return part


def judge_pytest(part: Part, report: Path, status: int) -> None:
    """Read pytest's report into the part of the run."""
    if not report.exists():
        part.problems.append(f"pytest ended with exit status {status}, no test ran")
        return
    root = ElementTree.parse(report).getroot()
    # The report counts a test once more for each of its subtests.
    tests = len({(t.get("classname"), t.get("name")) for t in root.iter("testcase")})
    part.count = f"{tests} tests"
    bad = [
        f"{total} {name}"
        for name in ("failures", "errors", "skipped")
        if (total := sum(int(suite.get(name, 0)) for suite in root.iter("testsuite")))
    ]
    if bad:
        part.problems.append(", ".join(bad) + f" of {tests} tests")
    elif not tests:
        part.problems.append("no test ran")
    elif status:
        part.problems.append(f"pytest ended with exit status {status}")


def judge_log(part: Part, text: str, status: int) -> None:
    """Read the log of Odoo's runner into the part of the run."""
    results = [tuple(map(int, found)) for found in _RESULT.findall(text)]
    tests = sum(count for _failed, _errors, count in results)
    part.count = f"{tests} tests"
    failed = sum(failed + errors for failed, errors, _count in results)
    if failed:
        part.problems.append(f"{failed} of {tests} tests failed")
    if not tests:
        part.problems.append("Odoo's runner ran no test")
    for reason in _SKIPPED.findall(text):
        part.problems.append(f"skipped: {reason}")
    # An entry of the log goes on, with a trace say, until the next one begins.
    for entry in re.split(r"^(?=\d{4}-\d\d-\d\d )", text, flags=re.M):
        if _LOUD.match(entry) and not any(re.search(h, entry) for h in HARMLESS):
            lines = entry.strip().splitlines()
            part.problems.append("\n".join(lines[:3] + lines[3:][-17:]))
    if status and not part.problems:
        part.problems.append(f"Odoo ended with exit status {status}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
