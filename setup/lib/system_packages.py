"""Programs of the system that Odoo and the tests call; apt installs missing ones."""

import os
import shutil
import subprocess

from .console import Problem, step
from .paths import PATCHED_WKHTMLTOPDF
from .process import run

#: Debian package: the program it brings, under its possible names.
_PROGRAMS = {
    "wkhtmltopdf": ("wkhtmltopdf", PATCHED_WKHTMLTOPDF),
    "chromium": ("chromium", "chromium-browser", "google-chrome", "chrome"),
    "poppler-utils": ("pdftotext",),
    "fontconfig": ("fc-list",),
}
_FONTS = {"fonts-dejavu-core": "DejaVu Sans"}


def missing() -> list[str]:
    """Return the names of the packages that are not here."""
    packages = [
        package
        for package, programs in _PROGRAMS.items()
        if not any(map(shutil.which, programs))
    ]
    for package, family in _FONTS.items():
        listing = ["fc-list", "-q", family]
        if "fontconfig" in packages or subprocess.run(listing, check=False).returncode:
            packages.append(package)
    return packages


def provide() -> None:
    """Install what is missing, as root and with apt; else say what to install."""
    packages = missing()
    if not packages:
        return
    names = " ".join(packages)
    if os.geteuid() != 0:
        raise Problem(
            f"These packages are missing and only root can install them: {names}\n"
            f"Install them and call again: sudo apt-get install {names}"
        )
    if not shutil.which("apt-get"):
        raise Problem(
            f"Install these programs (Debian's names) and call again: {names}"
        )
    with step(f"System packages: {names}"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update"], log="apt", what="Reading apt's lists", env=env)
        packages = [package for package in packages if _is_installable(package)]
        install = ["apt-get", "-oDPkg::Lock::Timeout=120", "install", "-y"]
        run(
            [*install, "--no-install-recommends", *packages],
            log="apt",
            what=f"Installing {' '.join(packages)} with apt",
            env=env,
            append=True,
        )


def _is_installable(package: str) -> bool:
    """Tell whether apt has the package.

    Debian 13 has no wkhtmltopdf; then the one of the tests prints everything.
    """
    if package != "wkhtmltopdf":
        return True
    show = ["apt-cache", "show", package]
    return not subprocess.run(show, capture_output=True, check=False).returncode
