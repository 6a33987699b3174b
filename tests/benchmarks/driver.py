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
Prints a table of what the addon client_value_dossier costs: time, memory, size and
database queries, beside Odoo's own reports and exports of as many rows, measured in
the same run on a fresh database, which is dropped at the end. Times are medians; only
ratios mean something on a busy machine.

The exit status is 1 when a target is missed (never with --quick: the targets are for
the full sizes)."""

ROUNDS = 3
FULL = {"dossier": 1_000, "large": 10_000, "total": 100_000}
QUICK = {"dossier": 100, "large": 1_000, "total": 5_000}
SMALL = 10  # entries of a small client
LOG = "benchmarks"


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
    options = parser.parse_args(arguments)
    sizes, rounds = (QUICK, 1) if options.quick else (FULL, ROUNDS)

    env = environment.provide()
    python_env.provide_patched_wkhtmltopdf()
    runs = check.Runs(env, [])
    try:
        database = runs.clone(runs.tests_template(), "benchmarks")
        before = machine()
        rows = Benchmark(env, database, sizes, rounds).run()
    finally:
        runs.clean_up()
    heading = ["Benchmarks of client_value_dossier", before, f"at the end: {load()}"]
    if options.quick:
        heading.append("Quick: the targets are for larger sizes.")
    say("\n" + render(heading, rows, verdicts=not options.quick))
    return 0 if options.quick or all(row.good for row in rows) else 1


class Benchmark:
    """One run in one database."""

    def __init__(self, env, database, sizes, rounds):
        self.variables = env.variables()
        self.database = database
        self.sizes = sizes
        self.rounds = rounds
        (LOGS / f"{LOG}.log").unlink(missing_ok=True)

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

    def _work(self, measurement, **arguments):
        """Take one measurement in a process of its own; return its result."""
        output = process.run(
            [
                *(PYTHON, "-m", "benchmarks.worker"),
                *(measurement, self.database, json.dumps(arguments)),
            ],
            log=LOG,
            what=f"The measurement {measurement}",
            env={**self.variables, "PYTHONPATH": str(Path(__file__).parents[1])},
            append=True,
        )
        return json.loads(output.splitlines()[-1])

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
