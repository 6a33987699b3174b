"""The command: provides Odoo and a database, takes the measurements, prints them."""

import argparse
import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from lib import check, environment, process, python_env
from lib.console import Problem, say, step
from lib.options import ENVIRONMENT
from lib.paths import LOGS, PATCHED_WKHTMLTOPDF, PYTHON

from .table import (
    fact_row,
    growth_row,
    kilobytes,
    limit_row,
    load,
    machine,
    megabytes,
    more_row,
    number,
    ratio_row,
    render,
    seconds,
)

DESCRIPTION = """\
Prints a table of what the addons of this repository cost: time, memory, size and
database queries, beside Odoo's own reports and exports of as many rows, measured in
the same run on fresh databases, which are dropped at the end. A scan for suggestions is
measured beside plain SELECTs that sum up the same tables; a review of tiers beside one
plain SQL aggregation of the invoices, and beside writing as many partners by the ORM;
a plan of touchpoints beside creating the same meetings and activities by the ORM.
Looking after clients: the signals of each kind, the weekly job and each report are
measured beside plain SQL aggregations of the tables that they read, playbooks and the
list of the week beside creating and writing the same records by the ORM, opening that
list beside Odoo's own list of partners.
Times are medians; only ratios mean something on a busy machine.

The exit status is 1 when a target is missed (never with --quick: the targets are for
the full sizes)."""

ROUNDS = 3
FULL = {"dossier": 1_000, "large": 10_000, "total": 100_000}
QUICK = {"dossier": 100, "large": 1_000, "total": 5_000}
# Timesheets of the history that is scanned; clients, orders, ... are in proportion.
FULL_HISTORY, QUICK_HISTORY = 1_000_000, 20_000
SMALL = 10  # entries of a small client
CHANGED = 0.001  # the share of a history that changes on a day
# Clients that are classified, and their invoices.
FULL_PORTFOLIO = {"clients": 100_000, "invoices": 1_000_000}
QUICK_PORTFOLIO = {"clients": 2_000, "invoices": 20_000}
BATCH = 1_000  # partners that are read at once
MOVED = 0.01  # the share of clients that a usual review moves
LOG = "benchmarks"
# Clients whose touchpoints are planned, and their account managers.
FULL_CLIENTS = {"clients": 2_000, "managers": 25}
QUICK_CLIENTS = {"clients": 200, "managers": 5}
# Clients that are looked after, their account managers, and runs of playbooks.
FULL_CLIENTELE = {"clients": 100_000, "managers": 50}
QUICK_CLIENTELE = {"clients": 2_000, "managers": 5}
FULL_RUNS, QUICK_RUNS = 10_000, 200
PARTS = ("dossiers", "scans", "tiers", "touchpoints", "retention")


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="tests/benchmarks/run",
        description=DESCRIPTION,
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, each measured once"
    )
    parser.add_argument("--only", choices=PARTS, help="one part of the figures")
    options = parser.parse_args(arguments)
    rounds = 1 if options.quick else ROUNDS

    env = environment.provide()
    python_env.provide_patched_wkhtmltopdf()
    runs = check.Runs(env, [])
    try:
        (LOGS / f"{LOG}.log").unlink(missing_ok=True)
        before = machine()
        rows = []
        if options.only in (None, "dossiers"):
            sizes = QUICK if options.quick else FULL
            rows += Dossiers(env, runs, rounds, sizes).run()
        if options.only in (None, "scans"):
            timesheets = QUICK_HISTORY if options.quick else FULL_HISTORY
            rows += Scans(env, runs, rounds, timesheets).run()
        if options.only in (None, "tiers"):
            sizes = QUICK_PORTFOLIO if options.quick else FULL_PORTFOLIO
            rows += Tiers(env, runs, rounds, sizes).run()
        if options.only in (None, "touchpoints"):
            sizes = QUICK_CLIENTS if options.quick else FULL_CLIENTS
            rows += Touchpoints(env, runs, rounds, sizes).run()
        if options.only in (None, "retention"):
            sizes = QUICK_CLIENTELE if options.quick else FULL_CLIENTELE
            count = QUICK_RUNS if options.quick else FULL_RUNS
            rows += Retention(env, runs, rounds, sizes, count).run()
    finally:
        runs.clean_up()
    heading = ["Benchmarks of the addons", before, f"at the end: {load()}"]
    if options.quick:
        heading.append("Quick: the targets are for larger sizes.")
    say("\n" + render(heading, rows, verdicts=not options.quick))
    return 0 if options.quick or all(row.good for row in rows) else 1


class Benchmark:
    """One part of the figures, measured in a database of its own."""

    def __init__(self, env, runs, rounds):
        self.variables = env.variables()
        self.runs = runs
        self.rounds = rounds
        self.database = runs.clone(runs.tests_template(), type(self).__name__.lower())

    def _work(self, measurement, database=None, **arguments):
        """Take one measurement in a process of its own; return its result."""
        output = process.run(
            [
                *(PYTHON, "-m", "benchmarks.worker"),
                *(measurement, database or self.database, json.dumps(arguments)),
            ],
            log=LOG,
            what=f"The measurement {measurement}",
            env={**self.variables, "PYTHONPATH": str(Path(__file__).parents[1])},
            append=True,
        )
        return json.loads(output.splitlines()[-1])


class Scans(Benchmark):
    """The scan of a history for suggestions."""

    def __init__(self, env, runs, rounds, timesheets):
        super().__init__(env, runs, rounds)
        self.timesheets = timesheets

    def run(self):
        """Take all measurements and return the rows of the table."""
        with step("History"):
            self._work("make_history", timesheets=self.timesheets)
        first, again, changes = [], [], []
        for number_of_round in range(1, self.rounds + 1):
            with step(f"Scans, round {number_of_round}"):
                database = self.runs.clone(self.database, "scanned")
                first.append(self._work("full_scan", database))
                again.append(self._work("full_scan", database))
                changes.append(
                    self._work("changes_scan", database, share=CHANGED, rounds=3)
                )
        with step("Queries of scans"):
            queries = self._work("batch_queries")
        return [
            *self._time_rows(first, again, changes),
            limit_row(
                "Full scan: memory beyond that of the first batches",
                median(scan["growth"] for scan in first),
                None,
                10_000_000,
                megabytes,
            ),
            *(
                growth_row(f"Scan of {unit}: queries, small / whole batch", *counts)
                for unit, counts in queries.items()
            ),
        ]

    def _time_rows(self, first, again, changes):
        size = number(self.timesheets)
        for what, scans in (("first", first), ("again", again)):
            # Each beside the readings of its own minute.
            scan = sorted(scans, key=lambda scan: scan["seconds"] / scan["reading"])[
                len(scans) // 2
            ]
            yield ratio_row(
                f"Full scan {what}, {size} timesheets / plain SELECTs",
                scan["seconds"],
                scan["reading"],
                10,
                seconds,
            )
        full = median(scan["seconds"] for scan in first)
        yield ratio_row(
            f"Scan after {CHANGED:.1%} changed lately / full scan",
            median(scan["latest"]["seconds"] for scan in changes),
            full,
            1 / 20,
            seconds,
        )
        # One timesheet each of many projects: all of these are scanned again.
        records = changes[0]["spread"]["records"] / first[0]["records"]
        yield fact_row(
            f"Scan after {CHANGED:.1%} changed everywhere ({records:.1%} of records)",
            median(scan["spread"]["seconds"] for scan in changes),
            full,
            seconds,
        )


class Tiers(Benchmark):
    """Reviews of the tiers of many clients."""

    def __init__(self, env, runs, rounds, sizes):
        super().__init__(env, runs, rounds)
        self.sizes = sizes

    def run(self):
        """Take all measurements and return the rows of the table."""
        with step("Clients and invoices"):
            self._work("make_portfolio", **self.sizes)
        proposed, applied = [], []
        for number_of_round in range(1, self.rounds + 1):
            with step(f"Reviews of tiers, round {number_of_round}"):
                proposed.append(self._work("propose_tiers"))
                database = self.runs.clone(self.database, "tiered")
                applied.append(self._work("apply_tiers", database, share=MOVED))
        with step("Writing as many clients by the ORM"):
            written = self._work("write_partners", database)
        with step("Partners grouped by tier"):
            grouped = self._work("group_partners", database, rounds=self.rounds)
            queries = self._work("tier_queries", database, few=10, many=BATCH)
        return list(self._rows(proposed, applied, written, grouped, queries))

    def _rows(self, proposed, applied, written, grouped, queries):
        clients = number(self.sizes["clients"])
        invoices = number(self.sizes["invoices"])
        # Each beside the readings of its own minute.
        proposal = sorted(proposed, key=lambda one: one["seconds"] / one["reading"])[
            len(proposed) // 2
        ]
        yield ratio_row(
            f"Tiers of {clients} clients from {invoices} invoices / plain SELECT",
            proposal["seconds"],
            proposal["reading"],
            3,
            seconds,
        )
        everybody = median(one["all"] for one in applied)
        for what, measured in (
            ("Apply to", everybody),
            ("Undo for", median(one["undo"] for one in applied)),
        ):
            yield ratio_row(
                f"{what} {clients} clients / ORM writing a field of clients",
                measured,
                written,
                1 / 10,
                seconds,
            )
        yield ratio_row(
            f"Apply a review that moves {MOVED:.0%} / all",
            median(one["some"] for one in applied),
            everybody,
            1 / 5,
            seconds,
        )
        yield ratio_row(
            "All partners grouped by tier / by salesperson",
            grouped["tier_id"],
            grouped["user_id"],
            5,
            seconds,
        )
        yield growth_row(
            f"Partners with their tier: queries, 10 / {number(BATCH)} rows", *queries
        )


class Touchpoints(Benchmark):
    """The plan of a year of touchpoints."""

    def __init__(self, env, runs, rounds, sizes):
        super().__init__(env, runs, rounds)
        self.sizes = sizes

    def run(self):
        """Take all measurements and return the rows of the table."""
        with step("Clients and managers"):
            self._work("make_clients", **self.sizes)
        planned = []
        for number_of_round in range(1, self.rounds + 1):
            with step(f"Plans of touchpoints, round {number_of_round}"):
                database = self.runs.clone(self.database, "planned")
                planned.append(self._work("plan_touchpoints", database))
        with step("Queries and memory of plans"):
            batches = self._work("plan_batches", database)
        return list(self._rows(planned, batches))

    def _rows(self, planned, batches):
        plan = sorted(planned, key=lambda one: one["plan"] / one["orm"])[
            len(planned) // 2
        ]
        clients = number(self.sizes["clients"])
        entries = number(plan["entries"])
        yield ratio_row(
            f"Plan a year, {clients} clients / {entries} meetings, activities by ORM",
            plan["plan"],
            plan["orm"],
            1.5,
            seconds,
        )
        yield ratio_row(
            "Plan it again / the first time", plan["again"], plan["plan"], 1, seconds
        )
        yield growth_row(
            "Plan: queries, 100 clients / whole batch", *batches["queries"]
        )
        yield limit_row(
            "Plan: memory that a batch leaves behind",
            batches["growth"],
            None,
            5_000_000,
            megabytes,
        )


class Retention(Benchmark):
    """Signals, playbooks, the list of the week, and reports on them."""

    def __init__(self, env, runs, rounds, sizes, count):
        super().__init__(env, runs, rounds)
        self.sizes = sizes
        self.count = count

    def run(self):
        """Take all measurements and return the rows of the table."""
        with step("Clients and what happened to them"):
            counts = self._work("make_clientele", **self.sizes)
        with step("Signals of each kind"):
            kinds = self._work("signal_kinds")
        jobs = []
        for number_of_round in range(1, self.rounds + 1):
            with step(f"Weekly jobs, round {number_of_round}"):
                database = self.runs.clone(self.database, "weekly")
                jobs.append(self._work("weekly_job", database))
        with step("List of the week"):
            listed = self._work("refresh_list", database)
            opened = self._work("open_board", database, rounds=self.rounds)
        with step("Reports"):
            reports = self._work("read_reports", database, rounds=self.rounds)
        with step("Runs of playbooks"):
            advanced = self._work("advance_runs", database, runs=self.count)
        job = sorted(jobs, key=lambda one: one["first"]["seconds"] / one["plain"])[
            len(jobs) // 2
        ]
        return [
            *self._kind_rows(kinds),
            *self._job_rows(job, counts),
            *self._list_rows(listed, opened),
            *self._report_rows(reports),
            *self._run_rows(advanced),
        ]

    def _kind_rows(self, kinds):
        for kind, one in kinds.items():
            share = one["found"] / one["clients"]
            yield ratio_row(
                f"{number(one['found'])} signals {kind} ({share:.1%}) / plain SELECT",
                one["find"] + one["write"],
                one["plain"],
                5,
                seconds,
            )

    def _job_rows(self, job, counts):
        first, again = job["first"], job["again"]
        size = f"{number(counts['client'])} clients, {number(counts['order'])} orders"
        found = sum(
            value for part, value in first["parts"].items() if part in job["kinds"]
        )
        yield ratio_row(
            f"Weekly job: finding all kinds, {size} / plain SELECT",
            found,
            job["plain"],
            5,
            seconds,
        )
        for part in ("health", "list"):
            yield fact_row(
                f"Weekly job: {part} of {number(first['clients'])} clients / "
                "plain SELECT",
                first["parts"][part],
                job["plain"],
                seconds,
            )
        yield fact_row(
            "Weekly job, all of it / plain SELECT",
            first["seconds"],
            job["plain"],
            seconds,
        )
        yield ratio_row(
            "Weekly job again / the first time",
            again["seconds"],
            first["seconds"],
            1,
            seconds,
        )
        yield limit_row(
            f"Weekly job again: signals raised, of {number(first['raised'])}",
            again["raised"],
            None,
            0,
            number,
        )
        yield self._memory_row("Weekly job", first["memory"])
        yield self._queries_row("Weekly job", first["queries"])

    def _list_rows(self, listed, opened):
        rows = number(listed["rows"])
        first = listed["first"]
        yield ratio_row(
            f"List of the week, {rows} clients / creating them by the ORM",
            first["seconds"],
            listed["orm"],
            1,
            seconds,
        )
        yield ratio_row(
            "List of the week again / creating it by the ORM",
            listed["again"]["seconds"],
            listed["orm"],
            1,
            seconds,
        )
        yield self._memory_row("List of the week", first["memory"])
        yield self._queries_row("List of the week", first["queries"])
        board, partners = opened["board"], opened["partners"]
        yield ratio_row(
            f"Opening the list, {board['rows']} of {number(board['length'])} / "
            "Odoo's partners",
            board["seconds"],
            partners["seconds"],
            3,
            seconds,
        )
        yield more_row(
            "Opening the list: queries / Odoo's partners",
            board["queries"],
            partners["queries"],
            0,
        )

    def _report_rows(self, reports):
        for what, report in (
            ("Retention by quarter and tier", "retention"),
            ("Cohorts", "cohorts"),
            ("At risk, and caught", "risk"),
            ("Effect of playbooks", "effect"),
            ("Win-back results", "win_back"),
        ):
            yield ratio_row(
                f"{what} / plain SELECT",
                reports[report]["seconds"],
                reports[report]["plain"],
                5,
                seconds,
            )

    def _run_rows(self, advanced):
        runs = number(advanced["runs"])
        first, again = advanced["first"], advanced["again"]
        yield ratio_row(
            f"First step of {runs} runs / {number(advanced['rows'])} records by ORM",
            sum(first["seconds"]),
            advanced["orm"],
            1.5,
            seconds,
        )
        yield ratio_row(
            f"Looking at {runs} runs again / the first time",
            sum(again["seconds"]),
            sum(first["seconds"]),
            1 / 3,
            seconds,
        )
        yield self._memory_row("Runs", first["memory"])
        yield self._queries_row("Runs, first step", first["queries"])
        yield self._queries_row("Runs again", again["queries"])

    def _memory_row(self, what, memory):
        few, many = self._compared(memory)
        return limit_row(
            f"{what}: memory beyond that of the second batch, of {len(memory)}",
            max(0, many - few),
            None,
            10_000_000,
            megabytes,
        )

    def _queries_row(self, what, queries):
        few, many = self._compared(queries)
        return growth_row(f"{what}: queries, second / last full batch", few, many)

    @staticmethod
    def _compared(figures):
        """Return the figures of the second batch and of the last one that is full: the
        first one fills caches, and the last one has something to do at the end."""
        few, many = figures[1:2] or figures, figures[-2:-1] or figures
        return few[0], many[0]


class Dossiers(Benchmark):
    """Dossiers, exports of entries, and what people see of them."""

    def __init__(self, env, runs, rounds, sizes):
        super().__init__(env, runs, rounds)
        self.sizes = sizes

    def run(self):
        """Take all measurements and return the rows of the table."""
        port = process.free_port()
        url = f"http://127.0.0.1:{port}"
        with step("Records"):
            records = self._work("make_data", small=SMALL, report_url=url, **self.sizes)
        dossier, order = records["dossier"], records["order"]
        documents = {"dossier": dossier, "order": order, "rounds": self.rounds}
        with step("Workbook and HTML of a dossier"):
            workbook = self._work("workbook", dossier=dossier, rounds=self.rounds)
            html = self._work("html", **documents)
        with self._server(port):
            pdfs = {}
            for patched, engine in self._engines().items():
                with step(f"PDF {_with_or_without(patched)} patched Qt"):
                    pdfs[patched] = self._work(
                        "pdf", engine=engine, patched=patched, **documents
                    )
        ours, odoo = [], []
        for number_of_round in range(1, self.rounds + 1):
            with step(f"Export of all entries, round {number_of_round}"):
                ours.append(self._work("portfolio"))
                odoo.append(self._work("odoo_export"))
        with step("Queries"):
            del records["order"]
            queries = self._work("queries", **records)
        return [
            *self._dossier_rows(workbook, html, pdfs),
            *self._export_rows(ours, odoo),
            *self._query_rows(**queries),
        ]

    def _dossier_rows(self, workbook, html, pdfs):
        size = number(self.sizes["dossier"])
        yield limit_row(
            f"Snapshot and workbook, {size} entries",
            median(workbook["ours"]),
            None,
            2,
            seconds,
        )
        yield ratio_row(
            f"HTML, {size} entries / order lines",
            median(html["ours"]),
            median(html["odoo"]),
            1,
            seconds,
        )
        for patched, pdf in pdfs.items():
            build = f"{_with_or_without(patched)} patched Qt"
            ours, odoo = pdf["ours"], pdf["odoo"]
            yield ratio_row(
                f"PDF {build}: wkhtmltopdf",
                median(ours["seconds"]),
                median(odoo["seconds"]),
                0.6 if patched else 0.25,
                seconds,
            )
            yield limit_row(
                f"PDF {build}: a page, of {ours['pages']} / {odoo['pages']}",
                ours["size"] / ours["pages"],
                odoo["size"] / odoo["pages"],
                60_000,
                kilobytes,
            )

    def _export_rows(self, ours, odoo):
        for what, figure, target, unit in (
            ("time", "seconds", 0.6, seconds),
            ("additional memory", "memory", 1 / 20, megabytes),
        ):
            yield ratio_row(
                f"Workbook of {number(self.sizes['total'])} entries: {what}",
                median(result[figure] for result in ours),
                median(result[figure] for result in odoo),
                target,
                unit,
            )

    def _query_rows(self, few, many, lists):
        """
        :param few: queries with few entries
        :param many: the same with many
        :param lists: queries of a short and of a long list
        """
        sizes = {"few": SMALL, "many": self.sizes["large"]}
        for counted, queries in (("few", few), ("many", many)):
            yield more_row(
                f"Client's form, {number(sizes[counted])} entries: "
                "queries with / without addon",
                queries["form"],
                queries["form_without"],
                3,
            )
        large, dossier = sizes["many"], self.sizes["dossier"]
        yield growth_row(
            f"Client's form: queries, {SMALL} / {number(large)} entries",
            few["form"],
            many["form"],
        )
        yield growth_row("List of entries: queries, 10 / 80 rows", *lists)
        yield growth_row(
            f"Snapshot: queries, {SMALL} / {number(dossier)} entries",
            few["snapshot"],
            many["snapshot"],
        )

    @contextmanager
    def _server(self, port):
        """Run Odoo's server: wkhtmltopdf gets the style sheets of Odoo's report."""
        command = [PYTHON, "-m", "odoo", "-d", self.database, "--log-level=warn"]
        command += [f"--http-port={port}", "--max-cron-threads=0"]
        with (LOGS / f"{LOG}-server.log").open("wb") as output:
            server = process.spawn(command, env=self.variables, output=output)
            try:
                process.wait_until_listening(server, port, 60)
                yield
            finally:
                process.stop(server)

    def _engines(self):
        """Return {whether it has patched Qt: path} of the wkhtmltopdf's there are."""
        engines = {}
        for path in (
            shutil.which("wkhtmltopdf", path=self.variables["PATH"]),
            PATCHED_WKHTMLTOPDF,
        ):
            if path and Path(path).exists():
                version = subprocess.run(
                    [path, "--version"], capture_output=True, text=True, check=False
                )
                engines.setdefault("patched qt" in version.stdout, str(path))
        if not engines:
            raise Problem("wkhtmltopdf is missing: install it and call again.")
        return engines


def _with_or_without(patched):
    return "with" if patched else "without"
