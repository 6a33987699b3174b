"""Everything that has to be there before Odoo runs, and how to run it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import databases, odoo_source, postgres, python_env, system_packages
from .console import Problem, say, step
from .paths import (
    CONFIG,
    DATA,
    HOME,
    LOGS,
    PATCHED_WKHTMLTOPDF,
    PYTHON,
    ROOT,
    SHELL_SCRIPTS,
    addons,
    digest,
)
from .process import locked, parallel, run

#: What the templates have: all that the addons of this repository depend on so far.
TEMPLATE_MODULES = ("crm", "sale_timesheet", "portal", "mass_mailing")
#: The templates, and with which options they are made.
TEMPLATES = {"template_plain": (), "template_demo": ("--with-demo",)}
#: Space that a complete environment takes, in GB, with some to spare.
SPACE = 4


@dataclass
class Environment:
    """A provisioned environment with a running database server."""

    odoo: Path
    started_server: bool = False

    def variables(self) -> dict[str, str]:
        """Return the environment variables of a program that uses Odoo."""
        path = [str(PYTHON.parent), str(postgres.binaries()), os.environ["PATH"]]
        # The system's own wkhtmltopdf comes first, where there is one.
        path.append(str(PATCHED_WKHTMLTOPDF.parent))
        variables = {
            **os.environ,
            **postgres.connection(),
            "PATH": os.pathsep.join(path),
            "ODOO_RC": str(CONFIG),
            "PYTHONUNBUFFERED": "1",
            # For the tests of PDFs, which print with both builds.
            "WKHTMLTOPDF_PATCHED": str(PATCHED_WKHTMLTOPDF),
        }
        # Odoo takes seconds longer to start when Python may not keep what it compiled.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        variables.pop("PYTHONPATH", None)
        return variables

    def run_odoo(self, *arguments: str, log: str, what: str, **options) -> str:
        """Run Odoo's command line to its end and return its output."""
        command = [PYTHON, "-m", "odoo", *arguments]
        return run(command, log=log, what=what, env=self.variables(), **options)

    def run_script(
        self, name: str, database: str, *, log: str, what: str, **extra
    ) -> str:
        """Run a script of ``setup/lib/shell`` in Odoo's shell."""
        code = (SHELL_SCRIPTS / f"{name}.py").read_text()
        env = {**self.variables(), **{k: str(v) for k, v in extra.items()}}
        shell = [PYTHON, "-m", "odoo", "shell", "-d", database, "--no-http"]
        shell += ["--log-level=warn", "--shell-interface=python"]
        # The shell goes on after an error in what it reads: the last line tells.
        end = f"script {name} finished"
        code = f"exec(compile({code!r}, {name!r}, 'exec'))\nprint({end!r})\n"
        output = run(shell, log=log, what=what, env=env, stdin=code, append=True)
        if end not in output:
            raise Problem(f"{what} failed. Log: {LOGS / log}.log\n{output[-2000:]}")
        return output

    def template(self, name: str) -> str:
        """See that one of :data:`TEMPLATES` is there; return its name."""
        return databases.template(name, self.template_key(name), self._build_template)

    def template_key(self, name: str) -> str:
        """Name what the template is made from."""
        return digest(str(self.odoo), " ".join(TEMPLATE_MODULES), name)

    def _build_template(self, name: str) -> None:
        with step(f"Database {name}: Odoo with {', '.join(TEMPLATE_MODULES)}"):
            databases.create(name)
            self.run_odoo(
                *("-d", name, "-i", ",".join(TEMPLATE_MODULES), *TEMPLATES[name]),
                *("--stop-after-init", "--no-http", "--log-level=warn"),
                log=name,
                what=f"Installing Odoo in database {name}",
            )
            self.run_script(
                "prepare_template", name, log=name, what=f"Preparing database {name}"
            )


def provide(*, system: bool = True) -> Environment:
    """Provision all that is missing, start the database server, write the settings."""
    check_place()
    with locked("provision"):
        tasks = [odoo_source.provide, python_env.provide]
        if system:
            tasks.append(system_packages.provide)
        source = parallel(*tasks)[0]
        python_env.add_to_path(source)
        if system and not shutil.which("wkhtmltopdf"):
            python_env.provide_patched_wkhtmltopdf()
        started = postgres.provide()
        _write_settings()
    return Environment(source, started)


def check_place() -> None:
    """Raise when the checkout cannot hold the environment."""
    if not os.access(ROOT, os.W_OK):
        raise Problem(f"{ROOT} cannot be written: call as the owner of the checkout.")
    if not (HOME / "odoo.conf").exists():
        free = shutil.disk_usage(ROOT).free / 1e9
        if free < SPACE:
            raise Problem(
                f"Only {free:.1f} GB are free on the disk of {ROOT}, and about {SPACE} "
                "GB are needed: free some and call again."
            )


def reset() -> None:
    """Remove everything that was provisioned."""
    if not HOME.exists():
        return
    with step("Removing what was provisioned"):
        if postgres.is_own():
            for name in databases.names(""):
                databases.drop(name)
        postgres.stop()
        shutil.rmtree(HOME)


def stop() -> None:
    """Stop the private database server."""
    postgres.stop()
    say("The private database server is stopped.")


def _write_settings() -> None:
    """Write Odoo's settings, whole or not at all, unless they are there."""
    server = postgres.connection()
    settings = {
        "data_dir": DATA,
        "db_host": server["PGHOST"],
        "db_port": server.get("PGPORT", "5432"),
        "db_user": server.get("PGUSER", os.environ.get("USER", "")),
        "pg_path": postgres.binaries(),
        "http_interface": "127.0.0.1",
        "list_db": "False",
        "proxy_mode": "False",
        "workers": "0",
        "max_cron_threads": "1",
        "admin_passwd": "admin",
    }
    if "PGPASSWORD" in server:
        settings["db_password"] = server["PGPASSWORD"]
    if addons():
        settings["addons_path"] = ROOT
    text = "[options]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items())
    if not CONFIG.exists() or CONFIG.read_text() != text:
        DATA.mkdir(exist_ok=True)
        part = CONFIG.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(text)
        part.rename(CONFIG)
