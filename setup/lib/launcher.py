"""Start a command of this folder under a Python that Odoo 19 runs on.

This file is read by whatever ``python3`` (or ``python``) the machine has, so it keeps
to what every Python understands; everything else may use Python 3.10.
"""

import os
import subprocess
import sys

SUPPORTED = ((3, 10), (3, 11), (3, 12), (3, 13))
TRIED = "SETUP_PYTHON_TRIED"
REMEDY = (
    "Odoo 19 needs Python 3.10, 3.11, 3.12 or 3.13; this is Python %d.%d and no other "
    "one was found on PATH.\nInstall one of them (on Debian or Ubuntu: apt install "
    "python3 python3-venv) and call again.\n"
)


def is_supported(version):
    """Tell whether Odoo 19 runs on this (major, minor, ...) version of Python."""
    return tuple(version[:2]) in SUPPORTED


def find_python(path):
    """Return a supported interpreter in the folders of ``path``, newest first.

    A candidate has to run: version managers leave stubs on PATH that do not.
    """
    check = "import sys; sys.exit(sys.version_info[:2] not in %r)" % (SUPPORTED,)
    for major, minor in reversed(SUPPORTED):
        for folder in path.split(os.pathsep):
            name = os.path.join(folder or os.curdir, "python%d.%d" % (major, minor))
            if not os.access(name, os.X_OK):
                continue
            with open(os.devnull, "wb") as null:
                try:
                    failed = subprocess.call([name, "-c", check], stderr=null)
                except OSError:
                    continue
            if not failed:
                return name
    return None


def main(name):
    """Run ``main(arguments)`` of the module *name* and exit with what it returns."""
    if not is_supported(sys.version_info):
        tried = os.environ.get(TRIED)
        other = None if tried else find_python(os.environ.get("PATH", os.defpath))
        if not other:
            sys.stderr.write(REMEDY % tuple(sys.version_info[:2]))
            sys.exit(1)
        os.environ[TRIED] = "1"
        os.execv(other, [other] + sys.argv)
    os.environ.pop(TRIED, None)
    import importlib

    console = importlib.import_module("lib.console")
    module = importlib.import_module(name)
    sys.exit(console.guarded(module.main, sys.argv[1:]))
