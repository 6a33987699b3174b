"""What classifying all clients costs, beside plain SQL and Odoo's own writing."""

import gc
import time
from statistics import median

from odoo import Command, fields
from odoo.tools import SQL, split_every

from .copies import commit, copy_record, leave_out_foreign_keys

#: The least that has to be read: what each client was invoiced in the period.
READING = """
    SELECT commercial_partner_id, SUM(amount_untaxed_signed)
      FROM account_move
     WHERE move_type IN ('out_invoice', 'out_refund') AND state = 'posted'
       AND company_id = %(company)s
       AND invoice_date BETWEEN %(date_from)s AND %(date_to)s
     GROUP BY commercial_partner_id
"""
#: Readings before and after a proposal: a machine is not equally busy all the time.
READINGS = 3
BATCH = 1000
#: Days back that the invoices are spread over.
DAYS = 360


def make_portfolio(env, clients, invoices):
    """Create clients, and invoices of the last year, few of which bring most.

    One record of each model is created by Odoo and then copied by SQL, so that a copy
    has every column that Odoo fills. The figures in a copy depend on its number alone.
    """
    env = env(context={**env.context, "tracking_disable": True, "mail_notrack": True})
    env["account.chart.template"].try_loading(
        "generic_coa", company=env.company, install_demo=False
    )
    client = env["res.partner"].create(
        {"name": "Northern Light Retail", "is_company": True, "user_id": env.uid}
    )
    contact = env["res.partner"].create({"name": "Ann Lee", "parent_id": client.id})
    invoice = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": client.id,
            "invoice_date": fields.Date.today(),
            "invoice_line_ids": [
                Command.create({"name": "Study", "price_unit": 100, "tax_ids": []})
            ],
        }
    )
    invoice.action_post()
    env.flush_all()
    leave_out_foreign_keys(env)
    first = copy_record(
        env,
        client,
        clients,
        commercial_partner_id=SQL("copy.id"),
        name=SQL("'Client ' || number"),
        complete_name=SQL("'Client ' || number"),
    )
    # Each has a person whom we know.
    owner = SQL("%s + number", first)
    copy_record(
        env,
        contact,
        clients,
        parent_id=owner,
        commercial_partner_id=owner,
        name=SQL("'Person ' || number"),
        complete_name=SQL("'Client ' || number || ', Person ' || number"),
    )
    # A client's revenue falls with its number: the first tenth brings most.
    partner = SQL("%s + 1 + number %% %s", first, clients)
    date = SQL("%s - (number / 7) %% %s", fields.Date.today(), DAYS)
    amount = SQL(
        "ROUND(1000000.0 / (1 + number %% %(clients)s) + number %% 97, 2)",
        clients=clients,
    )
    copy_record(
        env,
        invoice,
        invoices,
        name=SQL("'B/' || number"),
        partner_id=partner,
        commercial_partner_id=partner,
        partner_shipping_id=partner,
        date=date,
        invoice_date=date,
        invoice_date_due=date,
        amount_untaxed=amount,
        amount_untaxed_signed=amount,
    )
    commit(env)
    return {"clients": clients, "invoices": invoices}


def propose_tiers(env):
    """Measure a proposal for all clients, and plain readings of the invoices."""
    review = env["client.tier.review"].create({})
    env.flush_all()
    readings = _read(env, review)
    seconds = _seconds(env, review.action_propose)
    readings += _read(env, review)
    count = review.client_count
    env.cr.rollback()
    return {"seconds": seconds, "reading": median(readings), "clients": count}


def apply_tiers(env, share):
    """Measure applying a review that gives every client a tier, and one that moves a
    share of them."""
    review = env["client.tier.review"].create({"stay_months": 0, "margin": 0.0})
    review.action_propose()
    env.cr.commit()
    everybody = _seconds(env, review.action_apply)
    env.cr.commit()
    undone = _seconds(env, review.action_undo)
    env.cr.rollback()
    env.cr.execute(
        SQL(
            """
            UPDATE client_tier_assignment given
               SET tier_id = (SELECT MAX(id) FROM client_tier
                               WHERE company_id = given.company_id
                                 AND id != given.tier_id)
             WHERE id %% %s = 0
            """,
            round(1 / share),
        )
    )
    env.invalidate_all()
    review = env["client.tier.review"].create({"stay_months": 0, "margin": 0.0})
    review.action_propose()
    env.cr.commit()
    some = _seconds(env, review.action_apply)
    moved = env["client.tier.change"].search_count([("review_id", "=", review.id)])
    env.cr.rollback()
    return {"all": everybody, "undo": undone, "some": some, "moved": moved}


def write_partners(env):
    """Measure giving as many clients a stored value that their contacts share, as a
    tier is, through the ORM in batches: their industry."""
    ids = (
        env["client.tier.assignment"]
        .search([("company_id", "=", env.company.id)])
        .partner_id.ids
    )
    partners = env["res.partner"]
    industries = env["res.partner.industry"].search([], limit=3)
    env.invalidate_all()
    start = time.perf_counter()
    for number, some in enumerate(split_every(BATCH, ids)):
        industry = industries[number % len(industries)]
        partners.browse(some).write({"industry_id": industry.id})
        env.flush_all()
        env.invalidate_all()
    seconds = time.perf_counter() - start
    env.cr.rollback()
    return seconds


def group_partners(env, rounds):
    """Measure grouping all partners by tier, and by a field of their own table."""
    partners = env["res.partner"]
    seconds = {"tier_id": [], "user_id": []}
    for _round in range(rounds + 1):
        for field, measured in seconds.items():
            start = time.perf_counter()
            partners._read_group([], [field], ["__count"])
            measured.append(time.perf_counter() - start)
    return {field: median(measured[1:]) for field, measured in seconds.items()}


def tier_queries(env, few, many):
    """Count the queries of reading the tiers of few and of many partners."""
    ids = env["res.partner"].search([("tier_id", "!=", False)], limit=many).ids
    counts = []
    for some in (ids[:few], ids):
        for _time in range(2):  # the first one fills the caches that outlast a request
            env.invalidate_all()
            before = env.cr.sql_log_count
            env["res.partner"].browse(some).read(["name", "tier_id", "tier_since"])
            count = env.cr.sql_log_count - before
        counts.append(count)
    return counts


def _read(env, review):
    """Return the seconds of some readings, after one that fills the caches."""
    query = SQL(
        READING,
        company=review.company_id.id,
        date_from=review.date_from,
        date_to=review.date_to,
    )
    seconds = []
    for _reading in range(READINGS + 1):
        start = time.perf_counter()
        env.cr.execute(query)
        env.cr.fetchall()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def _seconds(env, call):
    env.invalidate_all()
    gc.collect()
    start = time.perf_counter()
    call()
    env.flush_all()
    return time.perf_counter() - start
