"""The records that are measured: an agency with many entries, and a long order."""

from odoo import Command, fields
from odoo.tools import SQL

CLIENTS = 200
PROJECTS = 40

WHAT = "Second round of interviews with the regional managers"
DETAILS = "Two of the first respondents had misunderstood question 7."


def make_data(env, dossier, small, large, total, report_url):
    """Create the records and return their ids.

    :param dossier: entries of the dossier, and lines of the order
    :param small: entries of a small client
    :param large: entries of a large client
    :param total: all entries, those above included
    :param report_url: where wkhtmltopdf finds Odoo's style sheets
    """
    env = env(context={**env.context, "tracking_disable": True})
    env["ir.config_parameter"].sudo().set_param("report.url", report_url)
    clients = _create_clients(env)
    projects = env["project.project"].create(
        [
            {"name": f"Brand tracker {number}", "partner_id": client.id}
            for number, client in enumerate(clients[:PROJECTS])
        ]
    )
    samples = _create_samples(env, clients, projects)
    dossier_client, small_client, large_client, *_others = clients
    counts = {dossier_client: dossier, small_client: small, large_client: large}
    by_client = samples.grouped("partner_id")
    for client, count in counts.items():
        _multiply(env, by_client.pop(client), count)
    others = env["client.value.entry"].union(*by_client.values())
    _multiply(env, others, total - sum(counts.values()))
    return {
        "dossier": _create_dossier(env, dossier_client).id,
        "small_dossier": _create_dossier(env, small_client).id,
        "order": _create_order(env, dossier_client, dossier).id,
        "small_client": small_client.id,
        "large_client": large_client.id,
    }


def _create_clients(env):
    clients = env["res.partner"].create(
        [
            {
                "name": f"Northern Light Retail {number:03}",
                "is_company": True,
                "user_id": env.uid,
            }
            for number in range(CLIENTS)
        ]
    )
    env["res.partner"].create(
        [{"name": f"Ann Lee {client.id}", "parent_id": client.id} for client in clients]
    )
    return clients


def _create_samples(env, clients, projects):
    """Create entries of each client, one for each category."""
    categories = env["client.value.category"].search([], limit=8)
    return env["client.value.entry"].create(
        [
            {
                "name": WHAT,
                "description": DETAILS if place % 2 else False,
                "partner_id": client.id,
                "contact_id": client.child_ids.id,
                "project_id": projects[number].id if number < PROJECTS else False,
                "category_id": category.id,
                "date": fields.Date.today(),
                "hours": 1.5 if place % 4 == 0 else 0.0,
                "days": 3.0 if place % 4 == 1 else 0.0,
                "amount": 120.5 + place,
            }
            for number, client in enumerate(clients)
            for place, category in enumerate(categories)
        ]
    )


def _multiply(env, samples, count):
    """Replace sample entries by so many copies of them, over four years."""
    entries = env["client.value.entry"]
    columns = {
        name: SQL.identifier("source", name)
        for name, field in entries._fields.items()
        if field.store and field.column_type and name != "id"
    }
    columns["name"] = SQL("source.name || ' ' || number")
    columns["date"] = SQL("source.date - number %% 1400")
    env.flush_all()
    env.execute_query(
        SQL(
            """
            WITH source AS (
                SELECT *, row_number() OVER (ORDER BY id) - 1 AS place
                  FROM client_value_entry WHERE id IN %(samples)s
            )
            INSERT INTO client_value_entry (%(names)s)
            SELECT %(values)s
              FROM generate_series(1, %(count)s) AS number
              JOIN source ON source.place = number %% %(divisor)s
            RETURNING id
            """,
            samples=tuple(samples.ids),
            names=SQL(", ").join(map(SQL.identifier, columns)),
            values=SQL(", ").join(columns.values()),
            count=count,
            divisor=len(samples),
        )
    )
    samples.unlink()


def _create_dossier(env, client):
    return env["client.value.dossier"].create(
        {"partner_id": client.id, "recipient_id": client.child_ids.id}
    )


def _create_order(env, client, lines):
    product = env["product.product"].create(
        {"name": "Interviews", "type": "service", "list_price": 120.5}
    )
    return env["sale.order"].create(
        {
            "partner_id": client.id,
            "order_line": [
                Command.create(
                    {
                        "product_id": product.id,
                        # As much to read as in an entry.
                        "name": f"{WHAT} {number}" + f"\n{DETAILS}" * (number % 2),
                        "product_uom_qty": 1.5,
                    }
                )
                for number in range(lines)
            ],
        }
    )
