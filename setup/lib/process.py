"""Run programs: their output in a log file, their end guaranteed."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .console import Problem
from .paths import HOME, LOGS, ROOT

_NO_SPACE = ("No space left on device", "Disk quota exceeded")
_NO_NETWORK = (
    "Temporary failure in name resolution",
    "Could not resolve",
    "Failed to establish a new connection",
    "Network is unreachable",
    "Connection timed out",
    "Could not connect to",
    "Failed to fetch",
    "Connection refused",
)
#: The programs that run now, to be ended when this program ends early.
_running: set[subprocess.Popen] = set()
#: Set when parallel tasks are given up: nothing new is started then.
_given_up = threading.Event()


def diagnose(output: str) -> str:
    """Return the cause that a failed program's output names, and its remedy."""
    if any(sign in output for sign in _NO_SPACE):
        return "There is no space left on the disk: free some and call again."
    if any(sign in output for sign in _NO_NETWORK):
        return (
            "The network or a package mirror cannot be reached: check the connection "
            "(or the proxy settings of apt and pip) and call again."
        )
    return ""


def tail(text: str, lines: int = 15) -> str:
    """Return the last lines of a text, indented."""
    return "\n".join(f"    {line[:240]}" for line in text.splitlines()[-lines:])


def run(
    command: Sequence[str | Path],
    *,
    log: str,
    what: str,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    stdin: str | None = None,
    append: bool = False,
) -> str:
    """Run a program to its end and return its output, kept in ``.odoo/log/<log>.log``.

    When it fails, :class:`Problem` says what was tried, why it failed as far as the
    output tells, and where the whole output is.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{log}.log"
    with path.open("ab" if append else "wb") as output:
        start = output.tell()
        status = wait(spawn(command, output=output, env=env, cwd=cwd, stdin=stdin))
    text = path.read_bytes()[start:].decode(errors="replace")
    if status:
        cause = diagnose(text) or f"Its last lines:\n{tail(text)}"
        raise Problem(f"{what} failed (exit status {status}). {cause}\nLog: {path}")
    return text


def spawn(
    command: Sequence[str | Path],
    *,
    output: Any = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    stdin: str | None = None,
) -> subprocess.Popen:
    """Start a program in a session of its own, so that Ctrl-C reaches only us.

    When we are killed ourselves, the system ends it (on Linux).
    """
    if _given_up.is_set():
        raise Problem("Given up.")
    if not shutil.which(str(command[0])):
        raise Problem(f"The program {command[0]} is not installed.")
    if shutil.which("setpriv"):
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    process = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=None if env is None else dict(env),
        cwd=cwd,
        start_new_session=True,
    )
    _running.add(process)
    if stdin is not None:
        with process.stdin:
            process.stdin.write(stdin.encode())
    return process


def wait(process: subprocess.Popen) -> int:
    """Wait for the end of a program; end it when we are interrupted."""
    try:
        return process.wait()
    finally:
        stop(process)


def stop(process: subprocess.Popen, patience: float = 10) -> None:
    """End a program and everything it started."""
    _running.discard(process)
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5)):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, number)
            process.wait(seconds)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def parallel(*tasks: Callable[[], Any]) -> list[Any]:
    """Run tasks at the same time; when one fails or we are interrupted, end all."""
    with ThreadPoolExecutor(len(tasks) or 1) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            return [future.result() for future in futures]
        except BaseException:
            _given_up.set()
            for process in list(_running):
                stop(process)
            raise


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Let only one command at a time do this; the lock dies with its holder."""
    HOME.mkdir(exist_ok=True)
    with (HOME / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def port_is_free(port: int) -> bool:
    """Tell whether a server can listen on this port of the local interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def require_port(port: int) -> None:
    """Raise unless a server can listen on this port."""
    if not 1 <= port <= 65535:
        raise Problem(f"{port} is not a port: choose one from 1024 to 65535.")
    if port < 1024 and os.geteuid() != 0:
        raise Problem(f"Only root may listen on port {port}: choose 1024 or above.")
    if not port_is_free(port):
        raise Problem(
            f"Port {port} is in use by another program. Stop that one, or choose "
            f"another port: --port {port + 1}"
        )


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(process: subprocess.Popen, port: int, seconds: int) -> None:
    """Wait until a server that was just started accepts connections."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Problem(f"The server ended by itself: see the log files in {LOGS}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise Problem(f"The server does not answer on port {port} after {seconds} s.")
