"""Which Python runs the commands."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib import launcher

SETUP = Path(launcher.__file__).parents[1]


@pytest.mark.parametrize("version", [(3, 10), (3, 11, 2), (3, 12), (3, 13, 0, "final")])
def test_supported(version):
    assert launcher.is_supported(version)


@pytest.mark.parametrize("version", [(2, 7), (3, 9, 18), (3, 14)])
def test_unsupported(version):
    assert not launcher.is_supported(version)


def program(folder, name, text):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_stub_that_does_not_run_is_passed_over(tmp_path):
    program(tmp_path / "a", "python3.13", "#!/bin/sh\nexit 127\n")
    good = program(tmp_path / "b", "python3.12", "#!/bin/sh\nexit 0\n")
    path = os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")])
    assert launcher.find_python(path) == str(good)


def test_no_python_is_found(tmp_path):
    assert launcher.find_python(str(tmp_path)) is None


@pytest.mark.parametrize("command", ["demo", "test", "odoo"])
def test_an_old_python_gets_a_plain_message(command, tmp_path):
    code = (
        "import sys; sys.version_info = (3, 8, 1); "
        f"sys.argv = [{command!r}]; exec(open({command!r}).read())"
    )
    env = {"PATH": str(tmp_path)}
    code = f"__file__ = {str(SETUP / command)!r}; {code}"
    result = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=SETUP, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "this is Python 3.8" in result.stderr
    assert "apt install python3" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["demo", "test", "odoo", "lib/launcher.py"])
def test_an_old_python_can_read_it(name):
    tree = ast.parse((SETUP / name).read_text(), feature_version=(3, 4))
    new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr)
    assert not [node for node in ast.walk(tree) if isinstance(node, new)]


@pytest.mark.parametrize("command", ["demo", "test", "odoo"])
def test_help(command):
    result = subprocess.run(
        [sys.executable, SETUP / command, "--help"], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert f"setup/{command}" in result.stdout
