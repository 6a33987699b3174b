"""Where things are, and which addons this repository has."""

import hashlib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / "setup"
#: Everything that is provisioned; ignored by git, removed by ``--reset``.
HOME = ROOT / ".odoo"
#: What the demo writes; ignored by git.
OUT = ROOT / "out"

VENV = HOME / "venv"
PYTHON = VENV / "bin" / "python"
PATCHED_WKHTMLTOPDF = HOME / "wkhtmltopdf-patched" / "bin" / "wkhtmltopdf"
LOGS = HOME / "log"
DATA = HOME / "data"
CONFIG = HOME / "odoo.conf"
REQUIREMENTS = SETUP / "requirements.txt"
SHELL_SCRIPTS = SETUP / "lib" / "shell"


def addons() -> list[str]:
    """Return the names of the addons of this repository."""
    return sorted(manifest.parent.name for manifest in ROOT.glob("*/__manifest__.py"))


def digest(*parts: str | bytes) -> str:
    """Return a short name for this content."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.encode() if isinstance(part, str) else part)
        sha.update(b"\0")
    return sha.hexdigest()[:16]


def is_installed_file(path: Path) -> bool:
    """Tell whether a database has to be updated when this file of an addon changes.

    ``path`` is relative to the repository. Python tests are read when they run.
    """
    if path.parts[1] in ("tests", "readme"):
        return False
    return not any(part.startswith((".", "__pycache__")) for part in path.parts)


def addons_digest(wanted: Callable[[Path], bool] = is_installed_file) -> str:
    """Return a name for the present content of the addons."""
    parts: list[str | bytes] = []
    for addon in addons():
        for path in sorted((ROOT / addon).rglob("*")):
            if path.is_file() and wanted(path.relative_to(ROOT)):
                parts += [str(path.relative_to(ROOT)), path.read_bytes()]
    return digest(*parts)
