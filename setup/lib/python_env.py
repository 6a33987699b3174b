"""The virtual environment: Odoo's libraries, PostgreSQL, and the tools of the tests."""

import importlib.util
import io
import shutil
import sys
import tarfile
from pathlib import Path

from .console import Problem, step
from .paths import HOME, PATCHED_WKHTMLTOPDF, PYTHON, REQUIREMENTS, SETUP, VENV, digest
from .process import run

_STAMP = VENV / "ready"
_PIP = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries=2")


def site_packages() -> Path:
    """Return the folder of the environment's packages."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return VENV / "lib" / version / "site-packages"


def _wanted() -> str:
    """Name the environment that should be there: its place and Python, and its pins.

    A moved checkout needs a new one.
    """
    return f"{digest(sys.version, str(VENV))} {digest(REQUIREMENTS.read_bytes())}"


def _stamp() -> str:
    """Name the environment that is there, "" when it is not whole."""
    return _STAMP.read_text() if _STAMP.exists() else ""


def is_ready() -> bool:
    """Tell whether the environment is there, with the present pins."""
    return _stamp() == _wanted()


def provide() -> None:
    """Create the environment from the lock file, unless it is there."""
    if is_ready():
        return
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise Problem(
            "This Python cannot make virtual environments. Install its module and "
            f"call again: apt install python3-venv (or python{version}-venv)"
        )
    with step("Python packages"):
        # Other pins alone are installed over the old ones: Odoo may run from them.
        if _stamp().split()[:1] != _wanted().split()[:1]:
            shutil.rmtree(VENV, ignore_errors=True)
            venv = [sys.executable, "-m", "venv", VENV]
            run(venv, log="venv", what="Creating the virtual environment")
        _STAMP.unlink(missing_ok=True)
        run(
            [*_PIP, "install", "--no-deps", "-r", REQUIREMENTS],
            log="pip",
            what="Installing the Python packages",
        )
        _STAMP.write_text(_wanted())


def add_to_path(folder: Path) -> None:
    """Let the environment import what lies in this folder (and pip know of it)."""
    pth = site_packages() / "odoo-source.pth"
    if not pth.exists() or pth.read_text() != f"{folder}\n":
        pth.write_text(f"{folder}\n")


def provide_patched_wkhtmltopdf() -> None:
    """Unpack the wkhtmltopdf with patched Qt that a package of pip carries.

    Most production servers print with such a build, Debian with an unpatched one: the
    tests print with both.
    """
    target = PATCHED_WKHTMLTOPDF.parents[1]
    if PATCHED_WKHTMLTOPDF.exists():
        return
    with step("wkhtmltopdf with patched Qt (for the tests)"):
        part = HOME / "wkhtmltopdf-patched.part"
        shutil.rmtree(part, ignore_errors=True)
        run(
            [*_PIP, "download", "--no-deps", "--no-binary", ":all:", "-d", part]
            + ["-r", SETUP / "requirements-wkhtmltopdf.txt"],
            log="wkhtmltopdf-patched",
            what="Downloading the patched wkhtmltopdf",
        )
        (archive,) = part.glob("*.tar.gz")
        with tarfile.open(archive) as outer:
            (name,) = (n for n in outer.getnames() if n.endswith("/wkhtmltox.tar.gz"))
            with tarfile.open(fileobj=io.BytesIO(outer.extractfile(name).read())) as t:
                (member,) = (m for m in t if m.name.endswith("bin/wkhtmltopdf"))
                (part / "bin").mkdir()
                (part / "bin" / "wkhtmltopdf").write_bytes(t.extractfile(member).read())
        (part / "bin" / "wkhtmltopdf").chmod(0o755)
        archive.unlink()
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
