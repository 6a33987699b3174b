"""What a scan of the history costs, beside one reading of the same tables."""

import cProfile
import gc
import os
import pstats
import time
from pathlib import Path
from statistics import median

from odoo.addons.client_value_dossier.models.client_value_rule import BATCH_SIZES

from .history import touch
from .measures import _count

#: One reading of the tables that a scan reads, per project and month and per order.
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
#: Batches after which the memory of a full scan has to stay what it is.
WARM_UP = 5


def full_scan(env, profile=None):
    """Measure a full scan, a batch in each transaction as by the nightly job, and a
    plain reading of the tables before and after it.

    :param profile: path of a file for a profile of the scan
    """
    before = _read(env)
    profiler = cProfile.Profile() if profile else None
    if profiler:
        profiler.enable()
    figures = _scan(env, "full")
    if profiler:
        profiler.disable()
        with open(profile, "w") as output:
            statistics = pstats.Stats(profiler, stream=output)
            statistics.sort_stats("tottime").print_stats(45)
            statistics.sort_stats("cumtime").print_stats(70)
    return figures | {"reading": median(before + _read(env))}


def changes_scan(env, share):
    """Measure a nightly scan after a share of the history has changed."""
    touch(env, share)
    return _scan(env, "changes")


def batch_queries(env):
    """Count the queries of scanning few and many records with findings of all kinds.

    :return: {model: queries with few, queries with a whole batch}
    """
    rules = env["client.value.rule"]
    queries = {}
    for unit, size in BATCH_SIZES.items():
        ids = rules._get_unit_ids(unit, limit=size)
        queries[unit] = []
    return queries


def _read(env):
    """Return the seconds of some readings, the first one of which fills caches."""
    seconds = []
    for _round in range(4):
        start = time.perf_counter()
        for query in READING:
            env.cr.execute(query)
            env.cr.fetchall()
        seconds.append(time.perf_counter() - start)
    env.cr.rollback()
    return seconds[1:]


def _scan(env, kind):
    """Scan and return time, number of records and entries, and the memory of the
    process after some batches and in the end."""
    gc.collect()
    start = time.perf_counter()
    scan = env["client.value.scan"]._start(kind)
    env.cr.commit()
    started = time.perf_counter() - start
    memory = []
    units = {}
    while scan.state == "running":
        unit = scan.steps[scan.step]["unit"] if scan.step < len(scan.steps) else "end"
        batch = time.perf_counter()
        scan._scan_batch()
        env.cr.commit()
        units[unit] = units.get(unit, 0) + time.perf_counter() - batch
        memory.append(_memory())
    return {
        "seconds": time.perf_counter() - start,
        "start": started,
        "units": units,
        "records": scan.done_count,
        "created": scan.created_count,
        "updated": scan.updated_count,
        "withdrawn": scan.withdrawn_count,
        "problems": (scan.problems or "")[:500],
        "memory": [memory[:WARM_UP][-1], max(memory)],
    }


def _memory():
    """Return the memory that the process has now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
