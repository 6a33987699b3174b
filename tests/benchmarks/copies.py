"""Copies of records by SQL: one is created by Odoo, so that every column is filled."""

from contextlib import suppress

from psycopg2.errors import InsufficientPrivilege

from odoo.tools import SQL


def copy_record(env, sample, count, source=None, **values):
    """Insert copies of a record; return the id before the first one.

    SQL of the values may use ``number``: 1, 2, ... of the copy, ``id``: its id, so many
    above the one before, and ``chance``: a number from 0 up to 1, evenly spread, the
    same in each run. As these texts become part of an ``SQL``, their percent signs are
    doubled.

    :param source: SELECT of further columns for *values*, from ``copy``
    :param values: column values that differ from the sample's, SQL or not
    """
    env.cr.execute(
        SQL(
            "SELECT setval(%(ids)s, nextval(%(ids)s) + %(count)s) - %(count)s",
            ids=f"{sample._table}_id_seq",
            count=count,
        )
    )
    [before] = env.cr.fetchone()
    values = {**values, "id": SQL("copy.id")}
    kept = [
        field.name
        for field in sample._fields.values()
        if field.store and field.column_type and field.name not in values
    ]
    columns = {name: SQL.identifier("sample", name) for name in kept} | values
    env.cr.execute("SELECT setseed(0.5)")
    env.cr.execute(
        SQL(
            """
            WITH copy AS MATERIALIZED (
                SELECT %(before)s + number AS id, number, random() AS chance
                  FROM generate_series(1, %(count)s) AS number
            )
            INSERT INTO %(table)s (%(names)s)
            SELECT %(values)s
              FROM (%(source)s) AS copy
             CROSS JOIN (SELECT %(kept)s FROM %(table)s WHERE id = %(sample)s) AS sample
             ORDER BY copy.id
            """,
            before=before,
            count=count,
            kept=SQL(", ").join(map(SQL.identifier, kept)),
            table=SQL.identifier(sample._table),
            names=SQL(", ").join(map(SQL.identifier, columns)),
            values=SQL(", ").join(
                value if isinstance(value, SQL) else SQL("%s", value)
                for value in columns.values()
            ),
            source=source or SQL("SELECT * FROM copy"),
            sample=sample.id,
        )
    )
    return before


def leave_out_foreign_keys(env):
    """Let this transaction not check foreign keys, some twenty for each invoice, where
    the database's role may do so: only making the data takes longer with them."""
    with suppress(InsufficientPrivilege), env.cr.savepoint():
        env.cr.execute("SET LOCAL session_replication_role = replica")


def commit(env):
    """Commit, and leave the tables as in a database that has been used for years."""
    env.cr.commit()
    # Not allowed in a transaction.
    env.cr._cnx.autocommit = True
    env.cr.execute("VACUUM ANALYZE")
    env.cr._cnx.autocommit = False
