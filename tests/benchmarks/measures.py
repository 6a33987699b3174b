"""What is measured, each by a function that runs in Odoo and returns figures."""

import gc
import io
import json
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

from lxml import etree

from odoo import http
from odoo.tools.pdf import PdfFileReader

from odoo.addons.base.models import ir_actions_report
from odoo.addons.web.controllers.export import ExcelExport

ADDON = "client_value_dossier"
DOSSIER_REPORT = f"{ADDON}.action_report_dossier"
ORDER_REPORT = "sale.action_report_saleorder"

#: The fields of Odoo's export that the columns of the sheet of entries correspond to.
EXPORTED = (
    "date",
    "partner_id",
    "contact_id",
    "project_id",
    "section",
    "category_id",
    "name",
    "hours",
    "days",
    "amount",
    "currency_id",
    "amount_company",
    "account_manager_id",
    "company_id",
)
#: Rows of a list on the screen, and of one that is cut short.
LONG_LIST, SHORT_LIST = 80, 10


def _seconds(env, call):
    """Return how long a call takes that finds no records in the cache."""
    env.invalidate_all()
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _alternate(env, rounds, **calls):
    """Return {name: seconds of each round} of calls that are made by turns."""
    for call in calls.values():
        call()  # templates are compiled, caches filled
    seconds = {name: [] for name in calls}
    for _round in range(rounds):
        for name, call in calls.items():
            seconds[name].append(_seconds(env, call))
    return seconds


# ------------------------------------------------------------
# A dossier and an order
# ------------------------------------------------------------


def workbook(env, dossier, rounds):
    """Measure the snapshot and workbook of a draft."""
    return _alternate(
        env, rounds, ours=env["client.value.dossier"].browse(dossier)._render_workbook
    )


def html(env, dossier, order, rounds):
    """Measure the HTML of both reports, as it goes to wkhtmltopdf."""
    report = env["ir.actions.report"]
    return _alternate(
        env,
        rounds,
        ours=lambda: report._render_qweb_html(DOSSIER_REPORT, [dossier]),
        odoo=lambda: report._render_qweb_html(ORDER_REPORT, [order]),
    )


def pdf(env, dossier, order, engine, patched, rounds):
    """Measure wkhtmltopdf alone, on both reports.

    :param engine: path of wkhtmltopdf
    :param patched: whether it has the patched Qt
    """
    report = env["ir.actions.report"]
    reports = {"ours": (DOSSIER_REPORT, dossier), "odoo": (ORDER_REPORT, order)}
    info = ir_actions_report._wkhtml()._replace(bin=engine, is_patched_qt=patched)
    run = ir_actions_report._run_wkhtmltopdf
    seconds = {name: [] for name in reports}
    figures = {}

    def timed_run(args):
        start = time.perf_counter()
        process = run(args)
        seconds[name].append(time.perf_counter() - start)
        return process

    with (
        patch.object(ir_actions_report, "_wkhtml", lambda: info),
        patch.object(ir_actions_report, "_run_wkhtmltopdf", timed_run),
    ):
        for _round in range(rounds):
            for name, (reference, record) in reports.items():
                content = report._render_qweb_pdf(reference, [record])[0]
                pages = len(PdfFileReader(io.BytesIO(content)).pages)
                figures[name] = {"pages": pages, "size": len(content)}
    for name, figure in figures.items():
        figure["seconds"] = seconds[name]
    return figures


# ------------------------------------------------------------
# All entries as a workbook
# ------------------------------------------------------------


def portfolio(env):
    """Measure time and memory of the portfolio workbook."""

    def export(selection):
        writer = env["client.value.portfolio"].create({"selection": selection})
        with TemporaryDirectory() as folder:
            path = Path(folder, "portfolio.xlsx")
            writer._write_workbook(str(path))
            return path.stat().st_size

    some = env["client.value.entry"].search([], limit=LONG_LIST)
    return _resources(env, lambda: export([("id", "in", some.ids)]), lambda: export([]))


def odoo_export(env):
    """Measure time and memory of Odoo's own export of the same rows and columns."""
    entries = env["client.value.entry"]
    exported = [
        {"name": name, "label": entries._fields[name].string}
        | {"type": entries._fields[name].type}
        for name in EXPORTED
    ]

    def export(ids):
        parameters = {
            "model": entries._name,
            "fields": exported,
            "ids": ids,
            "domain": [],
            "import_compat": False,
        }
        with _request(env):
            return len(ExcelExport().base(json.dumps(parameters)))

    some = entries.search([], limit=LONG_LIST).ids
    return _resources(env, lambda: export(some), lambda: export(False))


@contextmanager
def _request(env):
    """Provide what Odoo's export uses of a request."""
    http._request_stack.push(
        SimpleNamespace(
            env=env,
            db=env.cr.dbname,
            httprequest=SimpleNamespace(environ={"REMOTE_ADDR": "127.0.0.1"}),
            make_response=lambda content, headers: content,
        )
    )
    try:
        yield
    finally:
        http._request_stack.pop()


def _resources(env, warm_up, call):
    """Return time, additional peak memory and the result (a size) of a call."""
    warm_up()
    sizes = []
    env.invalidate_all()
    gc.collect()
    try:
        # On Linux: from now on the peak is that of what follows.
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass
    before = _peak_memory()
    seconds = _seconds(env, lambda: sizes.append(call()))
    return {
        "seconds": seconds,
        "memory": _peak_memory() - before,
        "size": sizes[0],
    }


def _peak_memory():
    """Return the most memory that the process has had, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


# ------------------------------------------------------------
# Queries
# ------------------------------------------------------------


def queries(env, small_client, large_client, small_dossier, dossier):
    """Count the queries of a client's form with and without the addon's fields, of
    a snapshot, and of the list of entries; with few and with many entries."""
    return {
        "few": _count_queries(env, small_client, small_dossier),
        "many": _count_queries(env, large_client, dossier),
        "lists": [
            _count_list(env, large_client, limit) for limit in (SHORT_LIST, LONG_LIST)
        ],
    }


def _count_queries(env, client, dossier):
    partner = env["res.partner"].browse(client)
    snapshot = env["client.value.dossier"].browse(dossier)._prepare_snapshot
    return {
        "form": _count_form(env, partner),
        "form_without": _count_form(env, partner, without=ADDON),
        "snapshot": _count(env, snapshot),
    }


def _count(env, call):
    for _time in range(2):  # fills the caches that outlast a request
        call()
        env.invalidate_all()
    before = env.cr.sql_log_count
    call()
    return env.cr.sql_log_count - before


def _count_form(env, partner, without=None):
    specification = _specification(env, partner, "form", without)
    return _count(env, lambda: partner.web_read(specification))


def _count_list(env, client, limit):
    entries = env["client.value.entry"]
    specification = _specification(env, entries, "list")
    domain = [("partner_id", "=", client)]
    return _count(
        env, lambda: entries.web_search_read(domain, specification, limit=limit)
    )


def _specification(env, model, view, without=None):
    """Return what the web client asks for when it shows a view.

    :param without: name of an addon whose own fields are left out
    """
    arch = model.get_views([(False, view)])["views"][view]["arch"]
    return _read_arch(env, model, etree.fromstring(arch), without)


def _read_arch(env, model, arch, without):
    specification = {}
    level = int(arch.xpath("count(ancestor-or-self::field)"))
    for node in arch.xpath(f".//field[count(ancestor::field) = {level}]"):
        field = model._fields[node.get("name")]
        if field._modules == (without,):
            continue
        specification[field.name] = {}
        if field.relational:
            records = env[field.comodel_name]
            inner = {"display_name": {}}
            for subview in node.xpath("list | kanban"):
                inner |= _read_arch(env, records, subview, without)
            specification[field.name]["fields"] = inner
    return specification
