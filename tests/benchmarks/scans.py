"""What a scan of the history costs, beside one reading of the same tables."""

import cProfile
import gc
import os
import time
from pathlib import Path
from statistics import median

from odoo import fields
from odoo.tools import SQL

from odoo.addons.client_value_dossier.models.client_value_rule import BATCH_SIZES

#: One reading of what a scan reads: per project and month, and per order.
READING = (
    """
    SELECT project_id, date_trunc('month', date), COUNT(*), SUM(unit_amount),
           SUM(amount)
      FROM account_analytic_line
     WHERE project_id IS NOT NULL
     GROUP BY 1, 2
    """,
    """
    SELECT order_id, COUNT(*), SUM(price_subtotal),
           SUM(price_unit * product_uom_qty * discount / 100)
      FROM sale_order_line
     GROUP BY 1
    """,
)
#: Readings before and after a scan: a machine is not equally busy all the time.
READINGS = 3
#: A day's work; and as many records of as many projects and orders as there can be.
_LATEST = "id > (SELECT MAX(id) - %(share)s * COUNT(*) FROM %(table)s)"
_SPREAD = "id %% (1 / %(share)s)::integer = 0"
#: After so many batches a scan has all the memory that it needs.
WARM_UP = 3
#: Records in the middle of a batch: enough of them for findings of each kind.
FEW = 150


def full_scan(env, profile=None):
    """Measure a full scan with a transaction for each batch, as the job makes it, and
    plain readings of the tables.

    :param profile: path of a file for a profile of the scan, for ``pstats``
    """
    readings = _read(env)
    profiler = cProfile.Profile()
    if profile:
        figures = profiler.runcall(_scan, env, "full")
        profiler.dump_stats(profile)
    else:
        figures = _scan(env, "full")
    return figures | {"reading": median(readings + _read(env))}


def changes_scan(env, share, rounds):
    """Measure nightly scans, each after a share of the history has changed: what was
    recorded last, and records from all over the history.

    :return: {"latest" and "spread": {"seconds", "records"}}
    """
    figures = {}
    for kind, condition in (("latest", _LATEST), ("spread", _SPREAD)):
        _age(env)
        _touch(env, share, condition)
        _scan(env, "changes")  # caches that outlast a scan are filled
        scans = []
        for _round in range(rounds):
            _touch(env, share, condition)
            scans.append(_scan(env, "changes"))
        figures[kind] = {
            "seconds": median(scan["seconds"] for scan in scans),
            "records": scans[0]["records"],
        }
    return figures


def batch_queries(env):
    """Count the queries of scanning few records, and a whole batch of them, that are
    not known yet; findings of all kinds are in both.

    :return: {model: [with few, with a whole batch]}
    """
    queries = {}
    for unit, size in BATCH_SIZES.items():
        ids = env["client.value.rule"]._get_unit_ids(unit, limit=size)
        start = max(0, len(ids) - FEW) // 2
        queries[unit] = [
            _count_batch(env, unit, some) for some in (ids[start : start + FEW], ids)
        ]
    return queries


def _read(env):
    """Return the seconds of some readings, after one that fills the caches."""
    seconds = []
    for _reading in range(READINGS + 1):
        start = time.perf_counter()
        for query in READING:
            env.cr.execute(query)
            env.cr.fetchall()
        seconds.append(time.perf_counter() - start)
    env.cr.rollback()
    return seconds[1:]


def _scan(env, kind):
    """Scan, and return what it took."""
    gc.collect()
    memory = []
    start = time.perf_counter()
    scan = env["client.value.scan"]._start(kind)
    env.cr.commit()
    while scan.state == "running":
        scan._scan_batch()
        env.cr.commit()
        memory.append(_memory())
    return {
        "seconds": time.perf_counter() - start,
        "records": scan.done_count,
        "created": scan.created_count,
        # How much the process grew after the first batches.
        "growth": max(memory[WARM_UP:], default=memory[-1]) - max(memory[:WARM_UP]),
        "memory": max(memory),
    }


def _age(env):
    """Have what says that it was changed lately say so no more."""
    for table in ("account_analytic_line", "project_task", "sale_order_line"):
        env.cr.execute(
            SQL(
                "UPDATE %s SET write_date = %s WHERE write_date > %s",
                SQL.identifier(table),
                fields.Datetime.subtract(fields.Datetime.now(), days=2),
                fields.Datetime.subtract(fields.Datetime.now(), days=1),
            )
        )
    env.cr.commit()


def _touch(env, share, condition):
    """Have a share of timesheets and order lines say that they were changed now. Odoo
    writes the task of a timesheet whose hours change, too.

    :param condition: SQL of which ones, by ``table`` and ``share``
    """
    sheets, lines = (
        SQL(condition, table=SQL.identifier(table), share=share)
        for table in ("account_analytic_line", "sale_order_line")
    )
    env.cr.execute(
        SQL(
            """
            WITH sheet AS (
                UPDATE account_analytic_line SET write_date = %(now)s WHERE %(sheets)s
             RETURNING task_id
            ), task AS (
                UPDATE project_task SET write_date = %(now)s
                 WHERE id IN (SELECT task_id FROM sheet)
            )
            UPDATE sale_order_line SET write_date = %(now)s WHERE %(lines)s
            """,
            now=fields.Datetime.now(),
            sheets=sheets,
            lines=lines,
        )
    )
    env.cr.commit()


def _count_batch(env, unit, ids):
    for _time in range(2):  # the first one fills the caches that outlast a request
        before = env.cr.sql_log_count
        env["client.value.rule"]._harvest_batch(unit, ids)
        env.flush_all()
        count = env.cr.sql_log_count - before
        env.cr.rollback()
    return count


def _memory():
    """Return the memory that the process has now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
