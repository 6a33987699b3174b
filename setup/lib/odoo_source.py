"""Odoo 19 itself: the user's own, or the package of Debian unpacked into ``.odoo``."""

import os
import re
import shutil
from pathlib import Path

from .console import Problem, step
from .paths import HOME
from .process import run

_SOURCE = HOME / "odoo"
#: Debian's suite that has Odoo 19, and the one whose Font Awesome is still 4.7.
_SUITE, _FONT_SUITE = "unstable", "bookworm"
#: The package, and those whose files its web assets link to.
_PACKAGES = (
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-glyphicons-halflings",
    "fonts-inconsolata",
    "fonts-montserrat",
    "fonts-ocr-b",
    "fonts-roboto-unhinted",
    f"fonts-font-awesome/{_FONT_SUITE}",
)
_KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)
_REMEDY = (
    "Name an Odoo 19.0 of your own and call again, for example:\n"
    "    git clone --depth 1 --branch 19.0 <the address of Odoo's repository> odoo\n"
    "    ODOO_PATH=$PWD/odoo ./setup/demo"
)


def own_odoo(name: str) -> Path:
    """Return the folder to import the user's Odoo from, given as ``ODOO_PATH``.

    A checkout, the folder of an installed package, or the package ``odoo`` itself.
    """
    given = Path(name).expanduser().resolve()
    for folder in (given, given.parent):
        release = folder / "odoo" / "release.py"
        if release.exists():
            break
    else:
        raise Problem(f"ODOO_PATH is {given}, but there is no Odoo. {_REMEDY}")
    version = re.search(r"^version_info = \((\d+), (\d+)", release.read_text(), re.M)
    if not version or version.groups() != ("19", "0"):
        found = ".".join(version.groups()) if version else "of an unknown version"
        raise Problem(f"The Odoo in {folder} is {found}, not 19.0. {_REMEDY}")
    return folder


def provide() -> Path:
    """Return the folder to import Odoo from, after fetching Odoo if need be."""
    if os.environ.get("ODOO_PATH"):
        return own_odoo(os.environ["ODOO_PATH"])
    folder = _SOURCE / "usr" / "lib" / "python3" / "dist-packages"
    if not (_SOURCE / "ready").exists():
        with step("Odoo 19 from Debian's package"):
            _fetch()
    return folder


def _fetch() -> None:
    """Download and unpack the packages; the folder appears only when it is whole."""
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if not shutil.which(tool):
            raise Problem(
                f"Odoo comes from a Debian package, and {tool} is not here. {_REMEDY}"
            )
    keyring = next(filter(os.path.exists, _KEYRINGS), None)
    if not keyring:
        raise Problem(
            "The keys of the Debian archive are missing: apt install "
            f"debian-archive-keyring. Or do without the package: {_REMEDY}"
        )
    part = HOME / "odoo.part"
    shutil.rmtree(part, ignore_errors=True)
    debs, root = part / "debs", part / "root"
    for folder in (debs, root, part / "lists" / "partial", part / "archives/partial"):
        folder.mkdir(parents=True)
    mirror = _mirror()
    (part / "sources.list").write_text(
        f"deb [signed-by={keyring}] {mirror} {_SUITE} main\n"
        f"deb [signed-by={keyring}] {mirror} {_FONT_SUITE} main\n"
    )
    (part / "status").touch()
    private = {
        "Dir::Etc::SourceList": part / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::Etc::Preferences": "-",
        "Dir::Etc::PreferencesParts": "-",
        "Dir::State": part,
        "Dir::State::Lists": part / "lists",
        "Dir::State::Status": part / "status",
        "Dir::Cache": part,
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    apt = ["apt-get", *(f"-o{name}={value}" for name, value in private.items())]
    what = "Downloading Odoo's package with apt"
    run([*apt, "update"], log="odoo-source", what=what)
    run([*apt, "download", *_PACKAGES], log="odoo-source", what=what, cwd=debs)
    for deb in debs.glob("*.deb"):
        # The package also holds a second, incomplete tree of addons: leave that out.
        unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --exclude "$3"'
        run(
            ["bash", "-o", "pipefail", "-c", unpack, "-", deb, root]
            + ["./usr/lib/python3/dist-packages/addons"],
            log="odoo-source",
            what=f"Unpacking {deb.name}",
            append=True,
        )
    _make_links_relative(root)
    (root / "ready").touch()
    shutil.rmtree(_SOURCE, ignore_errors=True)
    root.rename(_SOURCE)
    shutil.rmtree(part)


def _mirror() -> str:
    """Return the address of the Debian mirror that this machine's apt uses."""
    query = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)"]
    for attempt in range(2):
        lines = run(
            [*query, "Created-By: Packages"],
            log="apt-mirror",
            what="Asking apt for its mirror",
        )
        for line in lines.splitlines():
            origin, label, address = line.split("|", 2)
            if origin == label == "Debian":
                return address
        if attempt or os.geteuid():
            break
        # A fresh machine has not read its mirrors' lists yet.
        run(["apt-get", "update"], log="apt-update", what="Updating apt's lists")
    raise Problem(
        "This machine's apt knows no Debian mirror (or has not read its lists yet: "
        f"apt-get update). {_REMEDY}"
    )


def _make_links_relative(root: Path) -> None:
    """Let links into the root of a Debian system point into the unpacked one."""
    for folder, _folders, files in os.walk(root):
        for name in files:
            link = os.path.join(folder, name)
            target = os.readlink(link) if os.path.islink(link) else ""
            if target.startswith("/"):
                os.unlink(link)
                os.symlink(os.path.relpath(f"{root}{target}", folder), link)
