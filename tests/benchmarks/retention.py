"""What looking after clients costs: signals, playbooks, lists and reports, beside plain
SQL of the same tables and beside Odoo's own ORM and lists."""

import gc
import os
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.models import MAGIC_COLUMNS
from odoo.tools import SQL, split_every

from odoo.addons.retention_playbooks.models.retention_client_refresh import (
    BATCH as LIST_BATCH,
)
from odoo.addons.retention_playbooks.models.retention_scan import BATCH as SCAN_BATCH

from .copies import copy_record

#: Records that the ORM writes at once.
BATCH = 1_000
#: Readings before and after what is measured: a machine is not equally busy all the
#: time.
READINGS = 2

# ------------------------------------------------------------
# PLAIN AGGREGATIONS
# ------------------------------------------------------------

# Rows of (client, day, amount), as the rules count them: the client is the commercial
# entity of whom a record names.
_ORDERS = """
    SELECT partner.commercial_partner_id, sale.date_order::date,
           sale.amount_untaxed
      FROM sale_order sale JOIN res_partner partner ON partner.id = sale.partner_id
     WHERE sale.company_id = %(company)s AND sale.state = 'sale'
"""
_INVOICES = """
    SELECT partner.commercial_partner_id, move.invoice_date,
           move.amount_untaxed_signed
      FROM account_move move JOIN res_partner partner ON partner.id = move.partner_id
     WHERE move.company_id = %(company)s AND move.state = 'posted'
       AND move.move_type IN ('out_invoice', 'out_refund')
"""
#: What makes an invoice a purchase of its own is that no order is behind it.
_WITHOUT_ORDER = """
       AND move.move_type = 'out_invoice'
       AND NOT EXISTS (SELECT FROM account_move_line line
                         JOIN sale_order_line_invoice_rel link
                           ON link.invoice_line_id = line.id
                        WHERE line.move_id = move.id)
"""
_PURCHASES = (_ORDERS, _INVOICES + _WITHOUT_ORDER)
#: {kind: the rows that it is found in}. What is asked of the findings alone is left
#: out, such as whether we worked for a client whose people have changed.
SOURCES = {
    "open_tickets": (
        """
        SELECT partner.commercial_partner_id, task.create_date::date,
               1
          FROM project_task task
          JOIN project_project project ON project.id = task.project_id
          JOIN res_partner partner
            ON partner.id = COALESCE(task.partner_id, project.partner_id)
         WHERE project.is_support AND task.active
           AND task.state NOT IN ('1_done', '1_canceled')
        """,
    ),
    "complaint": (
        """
        SELECT partner.commercial_partner_id, message.date::date,
               1
          FROM mail_message message
          JOIN res_partner partner ON partner.id = message.complaint_partner_id
         WHERE message.date >= %(today)s::date - 90
        """,
        """
        SELECT partner.commercial_partner_id, rating.rated_on::date, rating.rating
          FROM rating_rating rating
          JOIN res_partner partner ON partner.id = rating.partner_id
         WHERE rating.consumed AND rating.rating <= 2
           AND rating.rated_on >= %(today)s::date - 90
        """,
    ),
    "no_usage": (
        """
        SELECT partner.commercial_partner_id, line.date,
               line.unit_amount
          FROM account_analytic_line line
          JOIN project_project project ON project.id = line.project_id
          JOIN res_partner partner ON partner.id = project.partner_id
         WHERE project.is_support IS NOT TRUE
        """,
        """
        SELECT partner.commercial_partner_id, task.date_last_stage_update::date, 0
          FROM project_task task
          JOIN project_project project ON project.id = task.project_id
          JOIN res_partner partner ON partner.id = project.partner_id
         WHERE project.is_support IS NOT TRUE
        """,
        """
        SELECT partner.commercial_partner_id, message.date::date, 0
          FROM mail_message message
          JOIN project_task task
            ON message.model = 'project.task' AND task.id = message.res_id
          JOIN project_project project ON project.id = task.project_id
          JOIN res_partner partner ON partner.id = project.partner_id
         WHERE project.is_support IS NOT TRUE
           AND message.message_type IN ('comment', 'email')
        """,
        """
        SELECT partner.commercial_partner_id, login.create_date::date, 0
          FROM res_users_log login
          JOIN res_users visitor ON visitor.id = login.create_uid AND visitor.share
          JOIN res_partner partner ON partner.id = visitor.partner_id
        """,
    ),
    "broken_pattern": _PURCHASES,
    "lapsed": _PURCHASES,
    "lost": (
        *_PURCHASES,
        """
        SELECT partner.commercial_partner_id, project.date, 0
          FROM project_project project
          JOIN res_partner partner ON partner.id = project.partner_id
         WHERE project.is_contract
        """,
        """
        SELECT partner.commercial_partner_id, lead.date_closed::date, 0
          FROM crm_lead lead JOIN res_partner partner ON partner.id = lead.partner_id
         WHERE lead.client_lost
        """,
    ),
    "new_contact": (
        """
        SELECT change.client_id, change.date, 1
          FROM retention_contact_change change
         WHERE change.date >= %(today)s::date - 60
        """,
        """
        SELECT commercial_partner_id, %(today)s::date, message_bounce
          FROM res_partner WHERE message_bounce >= 3 AND active
        """,
    ),
    "overdue_touch": (
        """
        SELECT partner_id, window_end, 1
          FROM client_touchpoint WHERE company_id = %(company)s AND is_open
        """,
    ),
    "late_payer": (
        """
        SELECT partner.commercial_partner_id, move.invoice_date_due,
               move.amount_residual_signed
          FROM account_move move
          JOIN res_partner partner ON partner.id = move.partner_id
         WHERE move.company_id = %(company)s AND move.state = 'posted'
           AND move.payment_state IN ('not_paid', 'partial')
           AND move.move_type IN ('out_invoice', 'out_refund')
        """,
    ),
    "shrinking": (
        _INVOICES + " AND move.invoice_date > %(today)s::date - INTERVAL '2 years'",
    ),
}


def _get_plain(env, rows):
    """Return the least that finding a kind could take: one plain aggregation of its
    records for each client, with the tier that tells which rule counts.

    :param rows: SELECTs of (client, day, amount)
    """
    return SQL(
        """
        SELECT client.id, given.tier_id, COUNT(day), MIN(day), MAX(day), SUM(amount)
          FROM res_partner client
          LEFT JOIN client_tier_assignment given
            ON given.partner_id = client.id AND given.company_id = %(company)s
          LEFT JOIN (%(source)s) AS source (client, day, amount)
            ON source.client = client.id
         WHERE client.active AND client.id = client.commercial_partner_id
         GROUP BY client.id, given.tier_id
        """,
        company=env.company.id,
        source=_unite(env, rows),
    )


def _unite(env, rows):
    return SQL(" UNION ALL ").join(
        SQL(one, company=env.company.id, today=fields.Date.today()) for one in rows
    )


def _read(env, query, readings=READINGS):
    """Return the seconds of some readings, after one that fills the caches."""
    seconds = []
    for _reading in range(readings + 1):
        start = time.perf_counter()
        env.cr.execute(query)
        env.cr.fetchall()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


# ------------------------------------------------------------
# SIGNALS
# ------------------------------------------------------------


def signal_kinds(env):
    """Measure finding and writing the signals of each kind alone, in the batches of the
    job, and the plain aggregation of what it is found in.

    :return: {kind: {"find", "write", "plain" (seconds), "found", "clients"}}
    """
    clients = _get_clients(env)
    figures = {}
    for kind, rows in SOURCES.items():
        query = _get_plain(env, rows)
        plain = _read(env, query)
        one = _find_kind(env, kind, clients)
        env.cr.rollback()
        plain += _read(env, query)
        figures[kind] = {**one, "plain": median(plain), "clients": len(clients)}
    return figures


def _find_kind(env, kind, clients):
    """Find and write the signals of one kind of all clients."""
    signals = env["retention.signal"].sudo()
    today = env["retention.rule"]._get_today(env.company)
    figures = {"find": 0.0, "write": 0.0, "found": 0}
    with _timing(env["retention.rule"], "_find", lambda rule: rule.kind) as seconds:
        for ids in split_every(SCAN_BATCH, clients, list):
            env.cr.cache["retention_batch"] = {"client_ids": ids, "purchases": {}}
            [findings] = signals._collect_findings(env.company, ids, [kind]).values()
            del env.cr.cache["retention_batch"]
            start = time.perf_counter()
            written = signals._insert_signals(
                env.company, list(findings.values()), today
            )
            figures["write"] += time.perf_counter() - start
            figures["found"] += len(written)
    figures["find"] = seconds[kind]
    return figures


@contextmanager
def _timing(records, name, key):
    """Add up the seconds of the calls of a method; yield {key: seconds}.

    :param key: function that returns the key for a recordset
    """
    model = type(records)
    method = getattr(model, name)
    seconds = defaultdict(float)

    def timed(self, *args, **kwargs):
        start = time.perf_counter()
        try:
            return method(self, *args, **kwargs)
        finally:
            seconds[key(self)] += time.perf_counter() - start

    with patch.object(model, name, timed):
        yield seconds


def weekly_job(env):
    """Measure the weekly job, a transaction for each batch, twice in a row, and one
    plain aggregation of everything that it reads, each once."""
    company = env.company
    # Rows that several kinds are found in are read once.
    rows = {row: None for some in SOURCES.values() for row in some}
    query = SQL(
        "SELECT client, COUNT(*), MIN(day), MAX(day), SUM(amount)"
        " FROM (%s) AS source (client, day, amount) GROUP BY client",
        _unite(env, rows),
    )
    plain = _read(env, query, 1)
    first, again = _scan(env), _scan(env)
    plain += _read(env, query, 1)
    kinds = (
        env["retention.signal"]
        .sudo()
        ._read_group(
            [("state", "=", "open"), ("company_id", "=", company.id)],
            ["kind"],
            ["__count"],
        )
    )
    levels = (
        env["retention.health"]
        .sudo()
        ._read_group(
            [("part", "=", "total"), ("date_to", "=", False)], ["level"], ["__count"]
        )
    )
    return {
        "first": first,
        "again": again,
        "plain": median(plain),
        "kinds": dict(kinds),
        "health": dict(levels),
        "listed": env["retention.client"].sudo().search_count([]),
    }


def _scan(env):
    """Look for the signals of all clients, and return what it took."""
    env.invalidate_all()
    gc.collect()
    memory, queries = [], []
    parts = {}
    start = time.perf_counter()
    scan = env["retention.scan"].sudo().create({"company_id": env.company.id})
    env.cr.commit()
    with (
        _timing(env["retention.health"], "_refresh", lambda _one: "health") as health,
        _timing(env["retention.client"], "_refresh", lambda _one: "list") as listed,
        _timing(env["retention.rule"], "_find", lambda rule: rule.kind) as kinds,
    ):
        while scan.state == "running":
            before = env.cr.sql_log_count
            scan._scan_batch()
            env.cr.commit()
            queries.append(env.cr.sql_log_count - before)
            gc.collect()
            memory.append(_memory())
        parts = {**health, **listed, **kinds}
    return {
        "seconds": time.perf_counter() - start,
        "parts": parts,
        "queries": queries,
        "memory": memory,
        "raised": scan.raised_count,
        "updated": scan.updated_count,
        "expired": scan.expired_count,
        "clients": scan.client_count,
    }


def _get_clients(env):
    scan = env["retention.scan"].new({"company_id": env.company.id})
    return scan._get_next_clients(None)


def _memory():
    """Return the memory that the process has now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# ------------------------------------------------------------
# THE LIST OF THE WEEK
# ------------------------------------------------------------


def refresh_list(env):
    """Measure making the whole list of the week anew, doing so again, and creating the
    same records by the ORM."""
    clients = env["retention.client"].sudo()
    env.cr.execute("DELETE FROM retention_client")
    env.invalidate_all()
    first = _refresh_list(env)
    again = _refresh_list(env)
    rows = _read_values(clients.with_context(active_test=False).search([]))
    env.cr.execute("DELETE FROM retention_client")

    def create():
        for some in split_every(BATCH, rows, list):
            clients.create(some)
            env.flush_all()
            env.invalidate_all()

    created = _seconds(env, create)
    env.cr.rollback()
    return {"first": first, "again": again, "orm": created, "rows": len(rows)}


def _refresh_list(env):
    clients = env["retention.client"].sudo()
    memory, queries, last = [], [], 0
    start = time.perf_counter()
    while last is not None:
        before = env.cr.sql_log_count
        last = clients._refresh_after(env.company, last, LIST_BATCH)
        queries.append(env.cr.sql_log_count - before)
        env.invalidate_all()
        gc.collect()
        memory.append(_memory())
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "memory": memory, "queries": queries}


def open_board(env, rounds):
    """Measure opening the list of the week of one account manager, and Odoo's own list
    of the clients of the same one: the records of the first page, and their number."""
    manager = env["res.users"].search([("login", "=", "manager_0")])
    env = env(user=manager.id, context={"lang": "en_US", "tz": "UTC"})
    today = fields.Date.today()
    figures = {}
    for name, model, view, domain in (
        (
            "board",
            "retention.client",
            "kanban",
            [
                *("|", ("user_id", "=", env.uid)),
                ("partner_id.user_id", "=", env.uid),
                *("|", ("snoozed_until", "=", False)),
                ("snoozed_until", "<=", today),
            ],
        ),
        ("partners", "res.partner", "list", [("user_id", "=", env.uid)]),
    ):
        records = env[model]
        arch = records.get_view(view_type=view)["arch"]
        names = {node.get("name") for node in etree.fromstring(arch).iter("field")}
        shown = {
            field: {"fields": {"display_name": {}}}
            if records._fields[field].relational
            else {}
            for field in names
            if records._has_field_access(records._fields[field], "read")
        }
        seconds, queries = [], 0
        for _round in range(rounds + 1):
            env.invalidate_all()
            gc.collect()
            before, start = env.cr.sql_log_count, time.perf_counter()
            found = records.web_search_read(domain, shown, limit=80, count_limit=10001)
            seconds.append(time.perf_counter() - start)
            queries = env.cr.sql_log_count - before
        figures[name] = {
            "seconds": median(seconds[1:]),
            "queries": queries,
            "rows": len(found["records"]),
            "length": found["length"],
        }
    return figures


# ------------------------------------------------------------
# PLAYBOOKS
# ------------------------------------------------------------


def advance_runs(env, runs):
    """Measure bringing runs up to date that have just begun, doing so again, and
    creating and writing the same records by the ORM."""
    run_model = env["retention.run"].sudo()
    _make_runs(env, runs)
    env.cr.execute("SAVEPOINT before_runs")
    first = _advance(env)
    steps = env["retention.run.step"].sudo()
    opened = steps.search(
        [("run_id.state", "=", "running"), ("activity_id", "!=", False)]
    ).read(["state", "since", "date_due", "user_id", "activity_id"], load=None)
    activities, answers = (
        env[name].sudo() for name in ("mail.activity", "retention.run.answer")
    )
    made = {
        activities: _read_values(
            activities.browse(step.pop("activity_id") for step in opened)
        ),
        answers: _read_values(answers.search([])),
    }
    env.cr.execute("UPDATE retention_run SET advanced_at = NULL")
    env.invalidate_all()
    again = _advance(env)
    env.cr.execute("ROLLBACK TO SAVEPOINT before_runs")
    env.invalidate_all()
    ids = run_model.search([("state", "=", "running")]).ids

    def write():
        context = run_model._get_quiet_context()
        now = fields.Datetime.now()
        for rows in split_every(BATCH, opened, list):
            for row in rows:
                steps.browse(row["id"]).write(
                    {name: row[name] for name in row if name != "id"}
                )
            env.flush_all()
            env.invalidate_all()
        for model, rows in made.items():
            for some in split_every(BATCH, rows, list):
                model.with_context(**context).create(some)
                env.flush_all()
                env.invalidate_all()
        for some in split_every(BATCH, ids, list):
            run_model.browse(some).write({"advanced_at": now})
            env.cr.flush()
            env.invalidate_all()

    written = _seconds(env, write)
    env.cr.rollback()
    return {
        "first": first,
        "again": again,
        "orm": written,
        "rows": len(opened) + sum(map(len, made.values())) + len(ids),
        "runs": len(ids),
    }


def _make_runs(env, count):
    """Give clients a playbook that has just begun, written by SQL."""
    env = env(su=True)
    playbook = env.ref("retention_playbooks.playbook_lapsed")
    clients = env["res.partner"].search(
        [("is_company", "=", True), ("user_id", "!=", False)], limit=count
    )
    sample = env["retention.run"].create(
        {
            "playbook_id": playbook.id,
            "partner_id": clients[0].id,
            "company_id": env.company.id,
            "user_id": clients[0].user_id.id,
        }
    )
    sample._start()
    env.flush_all()
    first = copy_record(
        env,
        sample,
        count - 1,
        SQL(
            """
            SELECT copy.id, copy.number, client.id AS client, client.user_id AS manager,
                   (SELECT MIN(id) FROM res_partner WHERE parent_id = client.id)
                       AS person
              FROM copy
              JOIN res_partner client ON client.id = (%s)[copy.number]
            """,
            clients[1:].ids,
        ),
        partner_id=SQL("copy.client"),
        user_id=SQL("copy.manager"),
        contact_id=SQL("copy.person"),
    )
    for step in sample.step_ids:
        copy_record(env, step, count - 1, run_id=SQL("%s + number", first))
    env.cr.execute("ANALYZE retention_run, retention_run_step")
    env.invalidate_all()


def _advance(env):
    """Bring all running runs up to date as the job does."""
    runs = env["retention.run"].sudo()
    figures = {"seconds": [], "queries": [], "memory": [], "count": 0}
    while True:
        gc.collect()
        before, start = env.cr.sql_log_count, time.perf_counter()
        due = runs._get_due()
        if not due:
            break
        due._advance_safely()
        # The list of the week follows at the end of the transaction.
        env.cr.flush()
        figures["seconds"].append(time.perf_counter() - start)
        figures["queries"].append(env.cr.sql_log_count - before)
        figures["count"] += len(due)
        env.invalidate_all()
        gc.collect()
        figures["memory"].append(_memory())
    return figures


# ------------------------------------------------------------
# REPORTS
# ------------------------------------------------------------


def read_reports(env, rounds):
    """Measure the reports as they open, each beside one plain aggregation.

    :return: {name: {"seconds", "plain", "rows"}}
    """
    company = env.company
    invoices = SQL(_INVOICES, company=company.id)
    by_quarter = SQL(
        "SELECT date_trunc('quarter', day), client, COUNT(*), SUM(amount)"
        " FROM (%s) AS revenue (client, day, amount) GROUP BY 1, 2",
        invoices,
    )
    by_case = SQL(
        "SELECT partner_id, kind, state, COUNT(*), MIN(date_open), MAX(date_closed),"
        " MAX(revenue) FROM retention_signal WHERE company_id = %s GROUP BY 1, 2, 3",
        company.id,
    )
    # What clients brought around the time of their runs.
    by_playbook = SQL(
        """
        SELECT run.playbook_id, run.state, COUNT(DISTINCT run.id), SUM(amount)
          FROM retention_run run
          LEFT JOIN (%s) AS revenue (client, day, amount)
            ON revenue.client = run.partner_id
           AND revenue.day BETWEEN run.started_on - INTERVAL '1 month' * %s
                               AND run.started_on + INTERVAL '1 month' * %s
         GROUP BY 1, 2
        """,
        invoices,
        company.retention_effect_months,
        company.retention_effect_months,
    )
    by_offer = SQL(
        "SELECT reason_id, offer_id, run.state, COUNT(*), SUM(amount) FROM (%s) AS run"
        " GROUP BY 1, 2, 3",
        SQL(
            """
            SELECT run.id, run.reason_id, run.offer_id, run.state, SUM(amount) AS amount
              FROM retention_run run
              LEFT JOIN (%s) AS revenue (client, day, amount)
                ON revenue.client = run.partner_id
               AND revenue.day BETWEEN run.started_on - INTERVAL '1 month' * %s
                                   AND run.started_on + INTERVAL '1 month' * %s
             WHERE run.kind = 'win_back'
             GROUP BY run.id
            """,
            invoices,
            company.retention_effect_months,
            company.retention_effect_months,
        ),
    )
    two_years = fields.Date.subtract(fields.Date.today(), months=27)
    quarters = env["retention.client.quarter"]
    reports = {
        "retention": (
            lambda: quarters.formatted_read_group(
                [("status", "!=", False), ("date", ">=", two_years)],
                ["date:quarter", "tier_id"],
                [
                    *("clients:sum", "kept:sum", "lost:sum", "new:sum"),
                    *("client_rate:avg", "base:sum", "net_rate:avg", "__count"),
                ],
            ),
            by_quarter,
        ),
        "cohorts": (
            lambda: quarters.formatted_read_group(
                [("bought", "=", 1)], ["cohort:quarter", "age"], ["bought:sum"]
            ),
            by_quarter,
        ),
        "risk": (
            lambda: env["retention.risk.case"].formatted_read_group(
                [],
                ["date:quarter", "result"],
                ["noticed:sum", "acted:sum", "kept:sum", "lost:sum", "kept_rate:avg"],
            ),
            by_case,
        ),
        "effect": (lambda: env["retention.effect"]._compute_rows(), by_playbook),
        "win_back": (
            lambda: env["retention.win.back.result"]._compute_rows(),
            by_offer,
        ),
    }
    figures = {}
    for name, (call, query) in reports.items():
        plain = _read(env, query)
        seconds = []
        for _round in range(rounds):
            env.invalidate_all()
            gc.collect()
            start = time.perf_counter()
            rows = call()
            seconds.append(time.perf_counter() - start)
        plain += _read(env, query)
        figures[name] = {
            "seconds": median(seconds),
            "plain": median(plain),
            "rows": len(rows),
        }
    env.cr.rollback()
    return figures


def _read_values(records):
    """Return the values to create the same records with."""
    names = [
        name
        for name, field in records._fields.items()
        if field.store and not field.compute and name not in MAGIC_COLUMNS
    ]
    rows = records.read(names, load=None)
    for row in rows:
        del row["id"]
    return rows


def _seconds(env, call):
    env.invalidate_all()
    gc.collect()
    start = time.perf_counter()
    call()
    env.flush_all()
    return time.perf_counter() - start
