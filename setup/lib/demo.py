"""``setup/demo``: a database with demo data, sample dossiers, and Odoo serving it."""

import json
import signal
from pathlib import Path

from . import databases, environment, process
from .console import say, step
from .environment import Environment
from .options import ENVIRONMENT, parser
from .paths import (
    HOME,
    LOGS,
    OUT,
    PYTHON,
    ROOT,
    SHELL_SCRIPTS,
    addons,
    addons_digest,
    digest,
)

DESCRIPTION = """\
Provides Odoo 19 with the addons of this repository and demo data, writes sample
dossiers (PDF and XLSX) to the folder out, and serves Odoo on this machine only.
A second call takes seconds; an interrupted one can be repeated."""
_SAMPLES = HOME / "samples.json"


def main(arguments: list[str]) -> int:
    options = parser("demo", DESCRIPTION, ENVIRONMENT)
    add = options.add_argument
    add(
        "--port", type=int, default=8069, help="port to serve on (default: %(default)s)"
    )
    add(
        "--database", default="demo", help="name of the database (default: %(default)s)"
    )
    add("--no-serve", action="store_true", help="stop when the files are written")
    add("--reset", action="store_true", help="remove all that was provided, begin anew")
    add("--stop", action="store_true", help="only stop the private database server")
    chosen = options.parse_args(arguments)
    if chosen.stop:
        environment.stop()
        return 0
    if not chosen.no_serve:
        process.require_port(chosen.port)
    if chosen.reset:
        environment.reset()
    env = environment.provide()
    with process.locked(f"demo-{chosen.database}"):
        provide_database(env, chosen.database)
        port = process.free_port() if chosen.no_serve else chosen.port
        process.require_port(port)
        wanted = samples_key(chosen.database)
        files = written_samples(wanted)
        if chosen.no_serve and files is not None:
            say_files(files)
            return 0
        server = start_server(env, chosen.database, port)
    try:
        if files is None:
            files = write_samples(env, chosen.database, port, wanted)
        say_files(files)
        if not chosen.no_serve:
            say(
                f"\nOdoo serves on http://localhost:{port}"
                " (login admin, password admin)"
            )
            say(f"Its log: {LOGS / 'server.log'}\nCtrl-C ends it.")
            serve(server)
    finally:
        process.stop(server)
    return 0


def provide_database(env: Environment, name: str) -> None:
    """See that the database has the present addons: built, updated or left alone."""
    template = env.template_key("template_demo")
    content = digest(addons_digest())
    parts = (databases.key(name) or "").split()
    if parts == [template, content]:
        return
    names = ",".join(addons())
    options = ["-d", name, "--stop-after-init", "--no-http", "--log-level=warn"]
    if parts[:1] == [template]:
        with step(f"Database {name}: updating {names}"):
            # -u leaves an addon alone that is not installed yet, and -i one that is.
            update = [*options, "-u", names, "-i", names, "--with-demo"]
            env.run_odoo(*update, log="demo", what=f"Updating database {name}")
    else:
        env.template("template_demo")
        with step(f"Database {name}: installing {names}"):
            databases.clone("template_demo", name)
            if names:
                install = [*options, "-i", names, "--with-demo"]
                env.run_odoo(*install, log="demo", what=f"Filling database {name}")
    databases.mark(name, f"{template} {content}")


def samples_key(database: str) -> str:
    """Name what the sample files are made from."""
    script = (SHELL_SCRIPTS / "samples.py").read_bytes()
    return digest(script, database, databases.key(database) or "")


def written_samples(wanted: str) -> list[str] | None:
    """Return the sample files, when those of an earlier call are still right."""
    try:
        written = json.loads(_SAMPLES.read_text())
    except (OSError, ValueError):
        return None
    right = written["key"] == wanted and all(
        (ROOT / f).exists() for f in written["files"]
    )
    return written["files"] if right else None


def write_samples(env: Environment, database: str, port: int, wanted: str) -> list[str]:
    """Print the sample dossiers; their style comes from the running server."""
    with step("Sample dossiers"):
        _SAMPLES.unlink(missing_ok=True)
        OUT.mkdir(exist_ok=True)
        before = {path: path.stat().st_mtime_ns for path in OUT.iterdir()}
        env.run_script(
            "samples",
            database,
            log="samples",
            what="Writing the sample dossiers",
            SAMPLES_FOLDER=OUT,
            SAMPLES_SERVER=f"http://127.0.0.1:{port}",
        )
        files = [
            str(path.relative_to(ROOT))
            for path in sorted(OUT.iterdir())
            if path.stat().st_mtime_ns != before.get(path)
        ]
        _SAMPLES.write_text(json.dumps({"key": wanted, "files": files}))
    return files


def start_server(env: Environment, database: str, port: int):
    """Start Odoo and wait until it answers."""
    with step(f"Odoo on port {port}"):
        command = [PYTHON, "-m", "odoo", "-d", database, f"--db-filter=^{database}$"]
        command.append(f"--http-port={port}")
        with (LOGS / "server.log").open("wb") as log:
            server = process.spawn(command, output=log, env=env.variables())
        try:
            process.wait_until_listening(server, port, 120)
        except BaseException:
            process.stop(server)
            raise
    return server


def say_files(files: list[str]) -> None:
    if files:
        say("\nSample files:")
    for name in files:
        say(f"  {Path(ROOT, name)}")


def serve(server) -> None:
    """Keep serving until Ctrl-C, which is the normal end."""
    try:
        status = server.wait()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        say("\nStopping Odoo. The private database server stays up: --stop ends it.")
    else:
        say(f"Odoo ended by itself (exit status {status}); see its log.")
