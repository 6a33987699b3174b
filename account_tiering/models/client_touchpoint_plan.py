import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import NamedTuple
from zlib import crc32

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..tools.rhythm import Demand, Fixed, Planned, get_bounds, stagger
from ..tools.spread import Owner, spread

#: Clients that are planned together, at least: those of one manager are never parted.
BATCH = 1000
#: Owner, in plans, of clients that have no account manager.
NOBODY = 0
#: Owner, in plans, of newsletters: one mailing reaches all.
MAILING = -1
#: Newsletters of all clients go back to this day, so that one mailing fulfils many.
NEWSLETTERS_SINCE = date(2000, 1, 1)
#: Days over which the first contacts of new clients have to find a place; those of whom
#: it cannot hold begin at a time of the year of their own.
AT_ONCE_DAYS = 14
MOST_TIMES = 365

#: Columns that a plan writes, with their type in PostgreSQL.
PLANNED_COLUMNS = {
    "tier_id": "int",
    "channel": "varchar",
    "user_id": "int",
    "hours": "float",
    "date_due": "date",
    "window_start": "date",
    "window_end": "date",
    "date_planned": "date",
    "reason": "varchar",
    "state": "varchar",
}
SLOT_COLUMNS = {
    "partner_id": "int",
    "cadence_id": "int",
    "year": "int",
    "number": "int",
}


class Client(NamedTuple):
    """A client in a plan; ``user`` is an id or None."""

    assignment: int
    partner: int
    tier: int
    user: int | None
    since: date | None
    at_once: bool
    no_newsletter: bool


class Row(NamedTuple):
    """What a plan reads of a touchpoint."""

    id: int
    partner_id: int
    cadence_id: int | None
    channel: str
    year: int
    number: int
    tier_id: int
    user_id: int | None
    hours: float
    date_due: date
    window_start: date
    window_end: date
    date_planned: date
    reason: str | None
    state: str
    is_open: bool
    agreed: bool
    keep_user: bool
    withdrawn: bool
    date_done: date | None
    has_event: bool


class ClientTouchpoint(models.Model):
    """Planning: which touchpoints there are, and on which days.

    Clients of one manager share his days, so they are planned together. Everything a
    batch needs is read by a handful of queries, computed by :mod:`tools.spread`, and
    written by a handful of statements.
    """

    _inherit = "client.touchpoint"

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def plan(self, horizon_months=12):
        """Plan the touchpoints of all clients of the user's companies.

        Planning again changes nothing, unless something has changed since. What is
        done, agreed with a client or cancelled by hand stays as it is.

        :param horizon_months: how far ahead
        :returns: what it did, see :meth:`_get_empty_effect`
        :raises AccessError: the user is no Sales administrator
        :raises UserError: somebody else is planning right now
        """
        self._check_can_plan()
        effect = self._get_empty_effect()
        # sudo: the plan covers the clients of all account managers
        touchpoints = self.sudo()
        for company in self.env.companies:
            touchpoints._lock_plan(company)
            touchpoints._fulfil_from_records(company)
            effect.update(touchpoints._withdraw_lost(company))
            for batch in touchpoints._get_plan_batches(company):
                effect.update(touchpoints._plan_batch(company, batch, horizon_months))
            touchpoints._note_first_plan(company)
        return dict(effect)

    @api.model
    def plan_preview(self, horizon_months=12):
        """Return what :meth:`plan` would do, and do nothing.

        :raises AccessError: the user is no Sales administrator
        """
        self._check_can_plan()
        effect = self._get_empty_effect()
        # sudo: as in plan()
        touchpoints = self.sudo()
        for company in self.env.companies:
            effect.update(touchpoints._withdraw_lost(company, dry_run=True))
            for batch in touchpoints._get_plan_batches(company):
                effect.update(
                    touchpoints._plan_batch(
                        company, batch, horizon_months, dry_run=True
                    )
                )
        return dict(effect)

    @api.model
    def _get_empty_effect(self):
        """Return the counts of what a plan does.

        ``added``, ``moved`` (to another day), ``changed`` (in another way),
        ``cancelled``, ``missed`` (given up for the next one), ``entries`` (meetings and
        activities made); and those of the placements that are not as they should be,
        by :data:`PLACEMENT_REASONS`, and ``nobody`` (without an account manager).
        """
        names = ("added", "moved", "changed", "cancelled", "missed", "entries")
        reasons = [value for value, _label in self._fields["reason"].selection]
        return Counter(dict.fromkeys((*names, *reasons, "nobody"), 0))

    @api.model
    def _get_managers_without_hours(self):
        """Return the account managers of clients with a tier who have no working hours
        in the coming weeks: their touchpoints find no day."""
        today = fields.Date.context_today(self)
        found = self.env["res.users"]
        for company in self.env.companies:
            groups = self.env["client.tier.assignment"]._read_group(
                [("company_id", "=", company.id), ("tier_id", "!=", False)],
                ["partner_id.user_id"],
            )
            users = found.union(*(user for (user,) in groups)).filtered("active")
            hours = self._get_hours(company, users, today, today + timedelta(weeks=8))
            found |= users.filtered(lambda user, hours=hours: not hours[user.id])
        return found

    def _check_can_plan(self):
        if not self._is_administered():
            raise AccessError(self.env._("Only Sales administrators plan touchpoints."))

    # ------------------------------------------------------------
    # BATCHES
    # ------------------------------------------------------------

    @api.model
    def _lock_plan(self, company, wait=True):
        """Keep others from planning for a company until the transaction ends.

        :param wait: raise UserError when somebody is planning, instead of telling so
        :returns: whether it is ours
        """
        # Raw SQL: an advisory lock keeps nobody from working with the company. The
        # unique constraint is there, too, for those who do not ask.
        [(locked,)] = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(%s, %s)",
                crc32(self._name.encode()) & 0x7FFFFFFF,
                company.id,
            )
        )
        if not locked and wait:
            raise UserError(
                self.env._("Touchpoints are just being planned. Try again in a minute.")
            )
        return locked

    @api.model
    def _get_plan_batches(self, company, pending=False):
        """Return the clients of a company to plan, as lists of ids of assignments.

        :param pending: only those of managers who have a client that was not planned
            today
        """
        self.env.flush_all()
        # Raw SQL: ids alone of as many clients as there are.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT given.id, %(owner)s AS owner,
                       COALESCE(given.touch_planned_on < %(today)s, TRUE)
                  FROM client_tier_assignment given
                  JOIN res_partner partner ON partner.id = given.partner_id
                  JOIN client_tier tier ON tier.id = given.tier_id
                 WHERE given.company_id = %(company)s AND partner.active AND tier.active
                 ORDER BY owner NULLS LAST, given.id
                """,
                owner=self.env["res.partner"]._get_account_manager_sql(
                    "partner", company
                ),
                today=fields.Date.context_today(self),
                company=company.id,
            )
        )
        owners, waiting = defaultdict(list), set()
        for assignment, owner, is_pending in rows:
            owners[owner].append(assignment)
            if is_pending:
                waiting.add(owner)
        batches, batch = [], []
        for owner, ids in owners.items():
            if pending and owner not in waiting:
                continue
            if owner is None:
                batches += [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]
                continue
            batch += ids
            if len(batch) >= BATCH:
                batches.append(batch)
                batch = []
        if batch:
            batches.insert(0, batch)
        return batches

    @api.model
    def _plan_batch(self, company, assignment_ids, horizon_months=None, dry_run=False):
        """Plan the clients of these assignments; all of a manager's are among them.

        :returns: what it did, or would do
        """
        self = self.with_company(company).with_context(touchpoint_plan=True)
        today = fields.Date.context_today(self)
        months = horizon_months or company.touch_horizon_months
        last = today + relativedelta(months=months) - timedelta(days=1)
        self.env.flush_all()
        clients = self._read_clients(company, assignment_ids)
        rows = self._read_rows(company, clients, today)
        cadences = self._read_cadences(company)
        owners = self._get_owners(company, clients, rows, today, last)
        clients = self._decide_start(company, clients, cadences, owners, today)
        given_up = self._get_given_up(rows, today)
        demands, holds = self._get_demands(
            company, clients, rows, cadences, given_up, today
        )
        placements = spread(demands, owners.values(), today, last)
        demands = self._drop_past(demands, placements, rows, today)
        if demands:
            placements = spread(demands, owners.values(), today, last)
        changes = self._compare(
            clients, rows, cadences, placements, given_up | holds, today, last
        )
        effect = self._count_changes(changes, given_up, placements, clients)
        if not dry_run:
            moved = self._write_changes(company, changes, given_up)
            self._note_planned(clients, today)
            moved._move_entries()
            effect["entries"] += self._make_entries(company, clients, today)
            self.env.flush_all()
            self.env.invalidate_all()
        return effect

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    def _read_clients(self, company, assignment_ids):
        """Return {partner id: :class:`Client`} of assignments.

        Newsletters do not reach a client whose addresses are all blacklisted.
        """
        return {
            client.partner: client
            for client in (
                Client(*values)
                for values in self.env.execute_query(
                    # Raw SQL: columns of four tables for all clients of a batch.
                    SQL(
                        """
                        SELECT given.id, given.partner_id, given.tier_id, %(owner)s,
                               given.touch_since,
                               COALESCE(given.touch_at_once, FALSE),
                               COALESCE(mailable.blocked, FALSE)
                          FROM client_tier_assignment given
                          JOIN res_partner partner ON partner.id = given.partner_id
                          LEFT JOIN LATERAL (
                               SELECT bool_and(blocked.id IS NOT NULL) AS blocked
                                 FROM res_partner person
                                 LEFT JOIN mail_blacklist blocked
                                   ON blocked.email = person.email_normalized
                                  AND blocked.active
                                WHERE person.commercial_partner_id = given.partner_id
                                  AND person.active
                                  AND person.email_normalized IS NOT NULL
                               ) mailable ON TRUE
                         WHERE given.id = ANY(%(ids)s)
                         ORDER BY given.id
                        """,
                        owner=self.env["res.partner"]._get_account_manager_sql(
                            "partner", company
                        ),
                        ids=list(assignment_ids),
                    )
                )
            )
        }

    def _read_rows(self, company, clients, today):
        """Return the touchpoints of these clients that matter to a plan: open ones, and
        settled ones from the year before."""
        columns = [
            SQL("event_id IS NOT NULL")
            if name == "has_event"
            else SQL("COALESCE(%s, FALSE)", SQL.identifier(name))
            if name in ("is_open", "agreed", "keep_user", "withdrawn")
            else SQL.identifier(name)
            for name in Row._fields
        ]
        return [
            Row(*values)
            for values in self.env.execute_query(
                # Raw SQL: tuples, not records, of some thousand touchpoints.
                SQL(
                    """
                    SELECT %(columns)s FROM client_touchpoint
                     WHERE partner_id = ANY(%(partners)s) AND company_id = %(company)s
                       AND cadence_id IS NOT NULL
                       AND (is_open OR year >= %(year)s)
                     ORDER BY id
                    """,
                    columns=SQL(", ").join(columns),
                    partners=list(clients),
                    company=company.id,
                    year=today.year - 1,
                )
            )
        ]

    def _read_cadences(self, company):
        """Return {tier id: its cadences, the most personal one first}."""
        cadences = self.env["client.tier.cadence"].search(
            [("company_id", "=", company.id), ("tier_id.active", "=", True)]
        )
        order = ("meeting", "call", "other", "newsletter")
        return {
            tier.id: own.sorted(lambda one: (order.index(one.channel), one.id))
            for tier, own in cadences.grouped("tier_id").items()
        }

    def _get_owners(self, company, clients, rows, today, last):
        """Return {key: :class:`Owner`} with the working hours of these clients'
        managers and of the director, and of those whose time nobody counts."""
        director = company._get_director()
        users = director | self.env["res.users"].browse(
            {client.user for client in clients.values() if client.user}
        )
        # Some days more: a window may end after the horizon.
        until = last + timedelta(days=get_bounds(1).reach + 1)
        hours = self._get_hours(company, users, today, until)
        limit = company.touch_hours_per_day
        owners = {user.id: Owner(user.id, hours[user.id], limit) for user in users}
        for key in (NOBODY, MAILING):
            owners[key] = Owner(key, hours[False])
        if director:
            owner = owners[director.id]
            taken = self._get_taken(company, director, owner, clients, rows, today)
            owners[director.id] = owner._replace(taken=taken)
        return owners

    def _get_taken(self, company, director, owner, clients, rows, today):
        """Return {day: hours} of the director's touchpoints with other clients.

        They leave what is planned for these clients its time: a day that is too full
        was reported when the others were planned, and none moves to and fro.
        """
        shared = company._get_director_hours()
        taken, own = Counter(), Counter()
        for cadence, user, day, hours, count in self._read_group(
            [
                ("company_id", "=", company.id),
                ("is_open", "=", True),
                ("date_planned", ">=", today),
                ("partner_id", "not in", list(clients)),
                "|",
                ("user_id", "=", director.id),
                ("cadence_id", "in", list(shared)),
            ],
            ["cadence_id", "user_id", "date_planned:day"],
            ["hours:sum", "__count"],
        ):
            taken[day] += hours if user == director else shared[cadence.id] * count
        for row in rows:
            if row.is_open:
                own[row.date_planned] += (
                    row.hours
                    if row.user_id == director.id
                    else shared.get(row.cadence_id, 0)
                )
        return {
            day: min(
                hours, max(min(owner.hours.get(day, 0), owner.limit) - own[day], 0)
            )
            for day, hours in taken.items()
        }

    # ------------------------------------------------------------
    # COMPUTING
    # ------------------------------------------------------------

    def _decide_start(self, company, clients, cadences, owners, today):
        """Return the clients, with a decision for those that are planned first.

        Those of the first plan of a company begin at a time of the year of their own.
        Later ones are new: the first contact is due at once, as long as their manager
        has the time for it in the next days.
        """
        decided = {}
        left = {
            key: sum(
                min(owner.hours.get(today + timedelta(days=at), 0), owner.limit or 24)
                for at in range(AT_ONCE_DAYS)
            )
            for key, owner in owners.items()
        }
        is_first = not company.touch_first_plan
        for partner, client in clients.items():
            if not client.since:
                personal = [
                    cadence
                    for cadence in cadences.get(client.tier, ())
                    if cadence.channel != "newsletter"
                ]
                hours = self._get_hours_of(personal[0]) if personal else 0
                owner = client.user or NOBODY
                at_once = not is_first and bool(personal) and hours <= left[owner]
                if at_once:
                    left[owner] -= hours
                client = client._replace(since=today, at_once=at_once)
            decided[partner] = client
        return decided

    def _get_hours_of(self, cadence):
        """Return the hours that one of these takes the account manager."""
        return cadence.duration + cadence.preparation

    def _get_given_up(self, rows, today):
        """Return the ids of open ones that were missed and whose successor's time has
        come."""
        latest = {}
        for row in rows:
            if row.window_start <= today and row.state != "cancelled":
                slot = (row.partner_id, row.cadence_id)
                latest[slot] = max(latest.get(slot, (0, 0)), (row.year, row.number))
        return {
            row.id
            for row in rows
            if row.is_open
            and row.window_end < today
            and not (row.agreed and row.date_planned >= today)
            and (row.year, row.number) < latest[row.partner_id, row.cadence_id]
        }

    def _get_demands(self, company, clients, rows, cadences, given_up, today):
        """Return the demands of :func:`tools.spread.spread`, and the ids of open
        touchpoints whose day stays as it is."""
        fixed, planned = defaultdict(list), defaultdict(list)
        touches, holds = defaultdict(list), set()
        for row in rows:
            key = (row.partner_id, row.cadence_id)
            slot = (row.year, row.number)
            if row.state == "done":
                fixed[key].append(Fixed(*slot, row.date_due, row.date_done))
                touches[row.partner_id, row.channel].append(
                    (row.date_done, row.cadence_id)
                )
            elif row.id in given_up or (not row.is_open and not row.withdrawn):
                fixed[key].append(Fixed(*slot, row.date_due, None))
            elif row.is_open and self._is_held_fast(row, today):
                holds.add(row.id)
                fixed[key].append(Fixed(*slot, row.date_due, row.date_planned))
            elif row.is_open:
                planned[key].append(Planned(*slot, row.date_planned))
        director = company._get_director()
        shared = company._get_director_hours()
        demands = []
        for client in clients.values():
            own = cadences.get(client.tier, ())
            first = own[0].channel if own else None
            for cadence in own:
                if cadence.channel == "newsletter" and client.no_newsletter:
                    continue
                key = (client.partner, cadence.id)
                demands.append(
                    Demand(
                        key=key,
                        client=client.partner,
                        owner=MAILING
                        if cadence.channel == "newsletter"
                        else client.user or NOBODY,
                        channel=cadence.channel,
                        times=min(cadence.times_per_year, MOST_TIMES),
                        hours=self._get_hours_of(cadence),
                        start=self._get_start(
                            client, cadence, cadence.channel == first
                        ),
                        last_touch=self._get_last_touch(
                            cadence,
                            touches[client.partner, cadence.channel],
                            fixed[key],
                        ),
                        fixed=fixed[key],
                        planned=planned[key],
                        others=[(director.id, shared[cadence.id])]
                        if cadence.id in shared and client.user != director.id
                        else (),
                    )
                )
        return demands, holds

    def _drop_past(self, demands, placements, rows, today):
        """Return the demands without slots that have become overdue only because the
        cadence was edited: another number a year has other dates. Nothing when there
        are none."""
        in_time = {
            (row.partner_id, row.cadence_id, row.year, row.number)
            for row in rows
            if row.window_end >= today
        }
        past = {
            (*placement.key, placement.year, placement.number)
            for placement in placements
            if placement.window_end < today
        } & in_time
        return past and [
            demand._replace(
                planned=[
                    slot
                    for slot in demand.planned
                    if (*demand.key, *slot[:2]) not in past
                ]
            )
            for demand in demands
        ]

    def _is_held_fast(self, row, today):
        """Return whether the day of an open touchpoint is not to be moved: it is
        agreed, or was yet to be answered for."""
        if row.date_planned >= today:
            return row.agreed
        return row.has_event and not row.agreed and row.window_end >= today

    def _get_start(self, client, cadence, is_first):
        """Return the day to which the due dates go back, see :mod:`tools.rhythm`."""
        times = min(cadence.times_per_year, MOST_TIMES)
        if cadence.channel == "newsletter":
            return stagger(NEWSLETTERS_SINCE, "newsletter", times)
        if not client.at_once:
            return None
        return client.since if is_first else stagger(client.since, "call", times)

    def _get_last_touch(self, cadence, touches, fixed):
        """Return the last contact on a channel before all of this cadence: one that was
        owed by the client's former tier."""
        first = min((slot.day or slot.due for slot in fixed), default=date.max)
        return max(
            (day for day, other in touches if other != cadence.id and day < first),
            default=None,
        )

    def _compare(self, clients, rows, cadences, placements, kept, today, last):
        """Return what has to be written: (new values, {id: changed values}, ids to
        withdraw)."""
        known = {
            (row.partner_id, row.cadence_id, row.year, row.number): row for row in rows
        }
        by_id = {cadence.id: cadence for own in cadences.values() for cadence in own}
        added, changed, placed = [], {}, set()
        for placement in placements:
            partner, cadence = placement.key
            client = clients[partner]
            values = self._prepare_planned(client, by_id[cadence], placement, today)
            row = known.get((partner, cadence, placement.year, placement.number))
            if row is None:
                added.append(
                    {
                        "partner_id": partner,
                        "cadence_id": cadence,
                        "year": placement.year,
                        "number": placement.number,
                        **values,
                    }
                )
                continue
            placed.add(row.id)
            if row.keep_user:
                values["user_id"] = row.user_id
            if not row.is_open or any(
                getattr(row, name) != value for name, value in values.items()
            ):
                changed[row.id] = (row, values)
        withdrawn = []
        for row in rows:
            if not row.is_open or row.id in placed:
                continue
            client = clients[row.partner_id]
            cadence = by_id.get(row.cadence_id)
            is_owed = (
                cadence
                and cadence.tier_id.id == client.tier
                and row.number <= cadence.times_per_year
                and not (row.channel == "newsletter" and client.no_newsletter)
            )
            if row.id in kept:
                if not row.keep_user and row.user_id != client.user:
                    values = {name: getattr(row, name) for name in PLANNED_COLUMNS}
                    changed[row.id] = (row, dict(values, user_id=client.user))
            elif not (is_owed and row.date_due > last):
                withdrawn.append(row.id)
        return added, changed, withdrawn

    def _prepare_planned(self, client, cadence, placement, today):
        """Return the values of :data:`PLANNED_COLUMNS` of a placement."""
        return {
            "tier_id": client.tier,
            "channel": cadence.channel,
            "user_id": client.user,
            "hours": self._get_hours_of(cadence),
            "date_due": placement.due,
            "window_start": placement.window_start,
            "window_end": placement.window_end,
            "date_planned": placement.day,
            "reason": placement.reason,
            "state": "missed" if placement.window_end < today else "planned",
        }

    def _count_changes(self, changes, given_up, placements, clients):
        """Return the counts of changes, see :meth:`_get_empty_effect`."""
        added, changed, withdrawn = changes
        effect = self._get_empty_effect()
        moved = sum(
            row.is_open and row.date_planned != values["date_planned"]
            for row, values in changed.values()
        )
        effect["added"] = len(added)
        effect["moved"] = moved
        effect["changed"] = len(changed) - moved
        effect["cancelled"] = len(withdrawn)
        effect["missed"] = len(given_up)
        for placement in placements:
            if placement.reason:
                effect[placement.reason] += 1
            if not clients[placement.key[0]].user:
                effect["nobody"] += 1
        return effect

    # ------------------------------------------------------------
    # WRITING
    # ------------------------------------------------------------

    def _write_changes(self, company, changes, given_up):
        """Write what a plan has changed.

        :returns: the touchpoints whose day or manager is another one
        """
        added, changed, withdrawn = changes
        self._insert_planned(company, added)
        self._update_planned(
            [{"id": id_, **values} for id_, (_row, values) in changed.items()]
        )
        given_up = self.browse(given_up)
        given_up.write({"is_open": False, "state": "missed"})
        given_up._remove_entries()
        self.browse(withdrawn)._withdraw(self.env._("The client is no longer owed it"))
        return self.browse(
            id_
            for id_, (row, values) in changed.items()
            if (row.date_planned, row.user_id)
            != (values["date_planned"], values["user_id"])
        )

    def _insert_planned(self, company, rows):
        """Insert touchpoints; those that another plan has inserted stay as they are."""
        columns = {**SLOT_COLUMNS, **PLANNED_COLUMNS}
        # Raw SQL: a first plan inserts a year of touchpoints of all clients.
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO client_touchpoint (
                    %(columns)s, company_id, is_open, owed, held, adherence,
                    create_uid, write_uid, create_date, write_date)
                SELECT %(columns)s, %(company)s, TRUE, (state = 'missed')::int, 0, 0,
                       %(user)s, %(user)s, %(now)s, %(now)s
                  FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (%(typed)s)
                ON CONFLICT (partner_id, company_id, cadence_id, year, number)
                   DO NOTHING
                """,
                columns=SQL(", ").join(map(SQL.identifier, columns)),
                typed=_get_typed(columns),
                rows=_dump(rows),
                company=company.id,
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )

    def _update_planned(self, rows):
        """Write the planned columns of open and of withdrawn touchpoints."""
        # Raw SQL: another value for each of some thousand rows.
        self.env.cr.execute(
            SQL(
                """
                UPDATE client_touchpoint present
                   SET %(columns)s, is_open = TRUE, withdrawn = FALSE,
                       cancel_reason = NULL,
                       agreed = present.agreed AND present.date_planned
                                IS NOT DISTINCT FROM row.date_planned,
                       owed = (row.state = 'missed')::int, held = 0, adherence = 0,
                       write_uid = %(user)s, write_date = %(now)s
                  FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (id int, %(typed)s)
                 WHERE present.id = row.id AND present.state != 'done'
                """,
                columns=SQL(", ").join(
                    SQL("%s = row.%s", SQL.identifier(name), SQL.identifier(name))
                    for name in PLANNED_COLUMNS
                ),
                typed=_get_typed(PLANNED_COLUMNS),
                rows=_dump(rows),
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )
        self.invalidate_model()

    def _note_planned(self, clients, today):
        """Write when these clients were planned, and how new ones begin."""
        # Raw SQL: one statement for the batch; a plan changes nothing else of them.
        self.env.cr.execute(
            SQL(
                """
                UPDATE client_tier_assignment given
                   SET touch_since = row.since, touch_at_once = row.at_once,
                       touch_planned_on = %(today)s
                  FROM jsonb_to_recordset(%(rows)s::jsonb)
                       AS row (id int, since date, at_once bool)
                 WHERE given.id = row.id
                   AND (given.touch_planned_on IS DISTINCT FROM %(today)s
                        OR given.touch_since IS DISTINCT FROM row.since)
                """,
                today=today,
                rows=_dump(
                    [
                        {
                            "id": client.assignment,
                            "since": client.since,
                            "at_once": client.at_once,
                        }
                        for client in clients.values()
                    ]
                ),
            )
        )
        self.env["client.tier.assignment"].invalidate_model()

    def _note_first_plan(self, company):
        """From now on clients are planned every night, and new ones start at once."""
        if not company.touch_first_plan:
            # sudo: a Sales administrator may plan, but not write companies
            company.sudo().touch_first_plan = fields.Date.context_today(self)

    @api.model
    def _withdraw_lost(self, company, dry_run=False):
        """Withdraw what clients are owed no more that are archived, have no tier any
        more, or became part of another client.

        :returns: what it did, or would do
        """
        self.env.flush_all()
        # Raw SQL: a search for what is not there.
        lost = self.browse(
            id_
            for (id_,) in self.env.execute_query(
                SQL(
                    """
                    SELECT touchpoint.id FROM client_touchpoint touchpoint
                     WHERE touchpoint.is_open AND touchpoint.company_id = %s
                       AND NOT EXISTS (
                           SELECT FROM client_tier_assignment given
                             JOIN res_partner partner ON partner.id = given.partner_id
                             JOIN client_tier tier ON tier.id = given.tier_id
                            WHERE given.partner_id = touchpoint.partner_id
                              AND given.company_id = touchpoint.company_id
                              AND partner.active AND tier.active
                              AND touchpoint.cadence_id IS NOT NULL)
                    """,
                    company.id,
                )
            )
        )
        if not dry_run:
            lost._withdraw(self.env._("The client is no longer owed it"))
        return Counter(cancelled=len(lost))

    def _withdraw(self, why):
        """Cancel open touchpoints that are owed no more; they come back by themselves
        when they are owed again.

        :param why: for the one who reads it
        """
        touchpoints = self.filtered("is_open")
        touchpoints.with_context(touchpoint_plan=True).write(
            {
                "state": "cancelled",
                "is_open": False,
                "withdrawn": True,
                "cancel_reason": why,
                "reason": False,
            }
        )
        touchpoints._remove_entries()

    def _replan_soon(self):
        """Let the clients of these touchpoints be planned again within minutes."""
        if not self:
            return
        self.env.flush_all()
        # Raw SQL: a write by the ORM would change who changed the tier last.
        self.env.cr.execute(
            SQL(
                """
                UPDATE client_tier_assignment given SET touch_planned_on = NULL
                  FROM client_touchpoint touchpoint
                 WHERE touchpoint.id = ANY(%s)
                   AND given.partner_id = touchpoint.partner_id
                   AND given.company_id = touchpoint.company_id
                   AND given.touch_planned_on IS NOT NULL
                """,
                list(self.ids),
            )
        )
        self.env["client.tier.assignment"].invalidate_model(["touch_planned_on"])
        self._trigger_plan()

    @api.model
    def _trigger_plan(self):
        """Let clients that are to be planned be planned within minutes."""
        # sudo: everybody may ask for it
        self.env.ref("account_tiering.ir_cron_plan_touchpoints").sudo()._trigger()

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_plan(self):
        """See what took place, and plan clients that were not planned today, batch by
        batch. Whatever is left is taken up by the next run."""
        companies = self.env["res.company"].search([("touch_first_plan", "!=", False)])
        progress = self.env["ir.cron"]._commit_progress
        todo = []
        for company in companies:
            if self._lock_plan(company, wait=False):
                self._fulfil_from_records(company)
                self._withdraw_lost(company)
                todo += [
                    (company, batch)
                    for batch in self._get_plan_batches(company, pending=True)
                ]
            progress(remaining=len(todo))
        for number, (company, batch) in enumerate(todo, 1):
            if self._lock_plan(company, wait=False):
                self._plan_batch(company, batch)
            if not progress(1, remaining=len(todo) - number):
                break


def _get_typed(columns):
    """Return "name type, …" of the columns as SQL."""
    return SQL(", ").join(
        SQL("%s %s", SQL.identifier(name), SQL(kind)) for name, kind in columns.items()
    )


def _dump(rows):
    """Return rows as text: psycopg2 takes ten times as long for lists of values."""
    return json.dumps(rows, default=str)
