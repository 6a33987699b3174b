"""What planning touchpoints costs, beside creating the same entries by Odoo's ORM."""

import gc
import time
import tracemalloc

from odoo import Command
from odoo.tools import split_every

from .copies import commit

BATCH = 1000
#: Weeks whose meetings and activities a plan makes: a whole year.
YEAR = 53


def make_clients(env, clients, managers):
    """Create account managers and their clients, each with a contact, by thirds of
    tiers A, B and C."""
    env = env(context={**env.context, "tracking_disable": True})
    env["ir.config_parameter"].set_param("mail.mail_force_send_limit", 0)
    env.company.touch_weeks = YEAR
    env.company.touch_hours_per_day = 8
    users = env["res.users"].create(
        [
            {
                "name": f"Manager {number}",
                "login": f"manager_{number}",
                "tz": "Europe/Brussels",
                "group_ids": [
                    Command.set(env.ref("sales_team.group_sale_salesman").ids)
                ],
            }
            for number in range(managers)
        ]
    )
    tiers = env["client.tier"].search(
        [("company_id", "=", env.company.id)], order="sequence", limit=3
    )
    for numbers in split_every(BATCH, range(clients)):
        partners = env["res.partner"].create(
            [
                {
                    "name": f"Client {number}",
                    "is_company": True,
                    "user_id": users[number % managers].id,
                    "child_ids": [
                        Command.create(
                            {
                                "name": f"Contact {number}",
                                "email": f"contact{number}@example.com",
                            }
                        )
                    ],
                }
                for number in numbers
            ]
        )
        env["client.tier.assignment"].create(
            [
                {
                    "partner_id": partner.id,
                    "company_id": env.company.id,
                    "tier_id": tiers[number % 3].id,
                }
                for number, partner in zip(numbers, partners, strict=True)
            ]
        )
        env.flush_all()
        env.invalidate_all()
    commit(env)


def plan_touchpoints(env):
    """Measure a first plan, planning again, and creating the same meetings and
    activities by the ORM, in batches done well."""
    touchpoints = env["client.touchpoint"]
    planned = _seconds(env, lambda: touchpoints.plan())
    env.cr.commit()
    again = _seconds(env, lambda: touchpoints.plan())
    env.cr.commit()
    model_id = env["ir.model"]._get_id("res.partner")
    activities = env["mail.activity"].search_read(
        [("res_model", "=", "res.partner"), ("automated", "=", True)],
        [
            "res_id",
            "activity_type_id",
            "summary",
            "note",
            "date_deadline",
            "user_id",
        ],
        load=None,
    )
    events = [
        {
            "name": event.name,
            "start": event.start,
            "stop": event.stop,
            "user_id": event.user_id.id,
            "partner_ids": [Command.set(event.partner_ids.ids)],
            "alarm_ids": [Command.set(event.alarm_ids.ids)],
            "description": event.description,
            "notes": event.notes,
        }
        for event in touchpoints.search([("event_id", "!=", False)]).event_id
    ]
    for activity in activities:
        del activity["id"]
        activity["res_model_id"] = model_id

    def create():
        for model, rows in (("mail.activity", activities), ("calendar.event", events)):
            records = env[model].with_context(
                mail_activity_quick_update=True,
                skip_contact_description=True,
                no_mail_to_attendees=True,
                mail_create_nolog=True,
                mail_create_nosubscribe=True,
            )
            for some in split_every(BATCH, rows, list):
                records.create(some)
                env.flush_all()
                env.invalidate_all()

    created = _seconds(env, create)
    env.cr.rollback()
    return {
        "plan": planned,
        "again": again,
        "orm": created,
        "entries": len(activities) + len(events),
        "touchpoints": touchpoints.search_count([]),
    }


def plan_batches(env):
    """Count the queries of planning a few and many clients again, and measure the
    memory that each batch of a plan leaves behind, in bytes."""
    touchpoints = env["client.touchpoint"].sudo()
    batches = touchpoints._get_plan_batches(env.company)
    few = batches[0][:100]
    counts = []
    for batch in (few, batches[0]):
        for _time in range(2):  # the first one fills the caches that outlast a request
            env.invalidate_all()
            before = env.cr.sql_log_count
            touchpoints._plan_batch(env.company, batch, dry_run=True)
            count = env.cr.sql_log_count - before
        counts.append(count)
    tracemalloc.start()
    sizes = []
    for _time in range(3):
        touchpoints._plan_batch(env.company, batches[0])
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    env.cr.rollback()
    return {"queries": counts, "growth": sizes[-1] - sizes[0]}


def _seconds(env, call):
    env.invalidate_all()
    gc.collect()
    start = time.perf_counter()
    call()
    env.flush_all()
    return time.perf_counter() - start
