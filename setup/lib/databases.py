"""Databases: templates that are built once, and copies of them.

What a database is worth is written into its comment, which lives and dies with it: a
database whose comment does not say that it is finished is half made, and is made anew;
one without any comment of ours belongs to somebody else, and is left alone.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from . import postgres
from .console import Problem
from .paths import DATA
from .postgres import psql
from .process import locked

_MARK = "made by setup: "


def _filestore(name: str) -> Path:
    return DATA / "filestore" / name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def key(name: str) -> str | None:
    """Return what a database was made from: "" if half made, None if it is not."""
    comment = psql(
        "SELECT coalesce(shobj_description(oid, 'pg_database'), 'none')"
        f" FROM pg_database WHERE datname = {_literal(name)}"
    )
    if not comment:
        return None
    if not comment.startswith(_MARK):
        raise Problem(
            f"The server already has a database {name} that was not made here. "
            "Choose another name (--database) or drop it yourself."
        )
    return comment.removeprefix(_MARK).removeprefix("half")


def names(prefix: str) -> list[str]:
    """Return the names of the databases of ours that begin like this."""
    rows = psql(
        "SELECT datname FROM pg_database WHERE starts_with(datname, "
        f"{_literal(prefix)}) AND shobj_description(oid, 'pg_database') LIKE "
        f"{_literal(_MARK + '%')} ORDER BY 1"
    )
    return rows.split()


def mark(name: str, made_from: str) -> None:
    """Say that the database is finished, and what it was made from."""
    psql(f"COMMENT ON DATABASE {_quoted(name)} IS {_literal(_MARK + made_from)}")


def drop(name: str) -> None:
    """Drop a database of ours with its files; whoever is connected is thrown out."""
    if key(name) is not None:
        psql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")
    shutil.rmtree(_filestore(name), ignore_errors=True)


def create(name: str) -> None:
    """Create an empty, half made database: Odoo itself would want extensions."""
    drop(name)
    locale = "LC_COLLATE 'C'" if postgres.is_own() else ""
    psql(f"CREATE DATABASE {_quoted(name)} TEMPLATE template0 ENCODING 'UTF8' {locale}")
    mark(name, "half")


def clone(template: str, name: str) -> None:
    """Create a half made copy of a template with its files."""
    drop(name)
    psql(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)}")
    mark(name, "half")
    # A copy has to differ from its template in what must be unique.
    psql(
        "UPDATE ir_config_parameter SET value = gen_random_uuid()::text"
        " WHERE key IN ('database.uuid', 'database.secret')",
        database=name,
    )
    if _filestore(template).exists():
        # The files of a filestore are never changed in place: links do.
        copy = ["cp", "-al", str(_filestore(template)), str(_filestore(name))]
        subprocess.run(copy, check=True)


def template(name: str, made_from: str, build: Callable[[str], None]) -> str:
    """See that a finished template made from this is there; return its name.

    ``build`` fills an empty or cloned database of the name it is given. Two commands
    that want the same template build it once.
    """
    with locked(f"database-{name}"):
        if key(name) != made_from:
            build(name)
            psql(f"ALTER DATABASE {_quoted(name)} ALLOW_CONNECTIONS false")
            mark(name, made_from)
    return name
