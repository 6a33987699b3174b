"""Programs, ports, locks."""

import socket
import subprocess
import sys
import time

import pytest

from lib import process
from lib.console import Problem


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
    monkeypatch.setattr(process, "LOGS", tmp_path / "log")
    monkeypatch.setattr(process, "HOME", tmp_path / "home")


def test_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"Port {port} is in use.*--port {port + 1}"):
            process.require_port(port)
    process.require_port(process.free_port())


@pytest.mark.parametrize("port", [0, -1, 70000])
def test_no_port(port):
    with pytest.raises(Problem, match="is not a port"):
        process.require_port(port)


def test_output_of_a_program(tmp_path):
    output = process.run([sys.executable, "-c", "print(1)"], log="x", what="It")
    assert output == "1\n"
    assert (tmp_path / "log" / "x.log").read_text() == "1\n"


@pytest.mark.parametrize(
    ("says", "remedy"),
    [
        ("OSError: [Errno 28] No space left on device", "no space left on the disk"),
        ("Temporary failure in name resolution", "check the connection"),
        ("something else", "Its last lines:\n    something else"),
    ],
)
def test_failure_names_cause_and_log(says, remedy):
    code = f"import sys; sys.exit({says!r})"
    with pytest.raises(Problem) as caught:
        process.run([sys.executable, "-c", code], log="x", what="It")
    assert remedy in str(caught.value)
    assert "x.log" in str(caught.value)


def test_missing_program():
    with pytest.raises(Problem, match="no-such-program is not installed"):
        process.run(["no-such-program"], log="x", what="It")


def test_what_a_program_started_ends_with_it():
    code = "import subprocess; subprocess.run(['sleep', '77'])"
    started = process.spawn([sys.executable, "-c", code], output=subprocess.DEVNULL)
    time.sleep(0.3)
    process.stop(started)
    assert started.returncode is not None


def test_a_failing_task_ends_the_others(monkeypatch):
    monkeypatch.setattr(process, "_given_up", type(process._given_up)())

    def fail():
        time.sleep(0.3)
        raise Problem("no")

    def long():
        process.run(["sleep", "60"], log="long", what="Sleeping")

    start = time.monotonic()
    with pytest.raises(Problem, match="no"):
        process.parallel(fail, long)
    assert time.monotonic() - start < 20


def test_lock_is_free_after_its_holder_died():
    process.HOME.mkdir()
    code = (
        "import fcntl, os, signal, sys; f = open(sys.argv[1], 'w');"
        "fcntl.flock(f, fcntl.LOCK_EX); os.kill(os.getpid(), signal.SIGKILL)"
    )
    lock = process.HOME / "x.lock"
    subprocess.run([sys.executable, "-c", code, lock], check=False)
    with process.locked("x"):
        pass
