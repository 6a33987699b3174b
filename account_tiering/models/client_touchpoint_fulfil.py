from collections import defaultdict
from datetime import date, timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

#: A record counts for a touchpoint marked as held by hand, when not more days apart.
SAME_DAYS = 3
#: Days back in which records are looked for: half the interval of one a year, at most.
LOOK_BACK = 190


class Touch(NamedTuple):
    """A contact that took place, with the record that shows it."""

    model: str
    id: int
    partner: int
    channel: str
    day: date
    user: int | None


class ClientTouchpoint(models.Model):
    """What really happened counts: meetings that were held and calls that were made
    fulfil touchpoints, also when nobody clicked on them."""

    _inherit = "client.touchpoint"

    @api.model
    def _fulfil_from_records(self, company, since=None):
        """Let what took place fulfil the touchpoints of a company.

        :param since: day from which records are looked at
        :returns: the touchpoints that were fulfilled
        """
        since = since or fields.Date.context_today(self) - timedelta(days=LOOK_BACK)
        self.env.flush_all()
        touches = [
            touch
            for query in self._get_touch_queries(company, since)
            for touch in self._read_touches(query)
        ]
        return self._fulfil(company, touches)

    def _get_touch_queries(self, company, since):
        """Return SQL queries of contacts that took place with clients who have open
        touchpoints: the columns of :class:`Touch`, with the time instead of the day.

        A hook: other records may count, too.
        """
        return [
            self._get_meeting_query(company, since),
            self._get_activity_query(company, since),
        ]

    def _get_meeting_query(self, company, since, ids=None):
        """Return the query of meetings that were held with somebody of the client.

        A meeting that the plan has proposed counts when it was agreed only.
        """
        # Raw SQL, here and below: joins of calendars with touchpoints, for all clients.
        return SQL(
            """
            SELECT DISTINCT 'calendar.event', event.id, client.commercial_partner_id,
                   'meeting', event.start, event.user_id
              FROM calendar_event event
              JOIN calendar_attendee attendee ON attendee.event_id = event.id
               AND attendee.state IS DISTINCT FROM 'declined'
              JOIN res_partner client ON client.id = attendee.partner_id
             WHERE event.active AND event.stop <= %(now)s AND event.start >= %(since)s
               AND %(of_ids)s
               AND EXISTS (
                   SELECT FROM client_touchpoint open
                    WHERE open.partner_id = client.commercial_partner_id
                      AND open.company_id = %(company)s AND open.is_open
                      AND open.channel = 'meeting')
               AND NOT EXISTS (
                   SELECT FROM client_touchpoint own
                    WHERE own.event_id = event.id AND own.is_open
                      AND NOT COALESCE(own.agreed, FALSE))
               AND NOT EXISTS (
                   SELECT FROM client_touchpoint used
                    WHERE used.touch_model = 'calendar.event'
                      AND used.touch_id = event.id
                      AND used.partner_id = client.commercial_partner_id)
            """,
            now=fields.Datetime.now(),
            since=since,
            company=company.id,
            of_ids=SQL("event.id = ANY(%s)", list(ids)) if ids else SQL("TRUE"),
        )

    def _get_activity_query(self, company, since, ids=None):
        """Return the query of activities that are done with somebody of the client, or
        on a document of his: calls, meetings that are not in the calendar, and those of
        other cadences."""
        # The activities first: few are done, and statistics may lag behind a plan.
        return SQL(
            """
            WITH activity AS MATERIALIZED (
                SELECT * FROM mail_activity activity
                 WHERE NOT active AND date_done >= %(since)s AND %(of_ids)s)
            SELECT DISTINCT 'mail.activity', activity.id, client.commercial_partner_id,
                   open.channel, activity.date_done, activity.user_id
              FROM activity
              JOIN mail_activity_type type ON type.id = activity.activity_type_id
              JOIN (%(documents)s) AS document (model, id, partner_id, company_id)
                ON document.model = activity.res_model
               AND document.id = activity.res_id
              JOIN res_partner client ON client.id = document.partner_id
              JOIN client_touchpoint open
                ON open.partner_id = client.commercial_partner_id
               AND open.company_id = %(company)s AND open.is_open
              LEFT JOIN client_tier_cadence cadence ON cadence.id = open.cadence_id
             WHERE COALESCE(document.company_id, %(company)s) = %(company)s
               AND (open.activity_id = activity.id
                    OR (open.channel = 'call' AND type.category = 'phonecall')
                    OR (open.channel = 'meeting' AND type.category = 'meeting'
                        AND activity.calendar_event_id IS NULL)
                    OR (open.channel = 'other'
                        AND type.id = cadence.activity_type_id))
               AND NOT EXISTS (
                   SELECT FROM client_touchpoint used
                    WHERE used.touch_model = 'mail.activity'
                      AND used.touch_id = activity.id
                      AND used.partner_id = client.commercial_partner_id)
            """,
            documents=self._get_documents_query(),
            since=since,
            company=company.id,
            of_ids=SQL("activity.id = ANY(%s)", list(ids)) if ids else SQL("TRUE"),
        )

    @api.model
    def _get_document_queries(self):
        """Return {model: SQL query of (model, id, contact, company)} of the documents
        whose activities count for their client.

        A hook: other documents may count, too.
        """
        return {
            # Clients are shared by companies: their touchpoints tell them apart.
            "res.partner": SQL(
                "SELECT 'res.partner', id, id, NULL::int FROM res_partner"
            ),
            "crm.lead": SQL(
                "SELECT 'crm.lead', id, partner_id, company_id FROM crm_lead"
            ),
            "sale.order": SQL(
                "SELECT 'sale.order', id, partner_id, company_id FROM sale_order"
            ),
        }

    @api.model
    def _get_documents_query(self):
        return SQL(" UNION ALL ").join(self._get_document_queries().values())

    def _read_touches(self, query):
        """Return the contacts of a query, with the day where the manager is."""
        # Raw SQL: contacts of several models in one query.
        rows = self.env.execute_query(query)
        # sudo: only the day of meetings is read, whoever may read them
        events = self.env["calendar.event"].sudo()
        events = events.browse({row[1] for row in rows if row[0] == events._name})
        days = {event.id: self._get_day(event) for event in events}
        return [
            Touch(
                model,
                id_,
                partner,
                channel,
                days[id_] if model == events._name else when,
                user,
            )
            for model, id_, partner, channel, when, user in rows
        ]

    # ------------------------------------------------------------
    # MATCHING
    # ------------------------------------------------------------

    def _fulfil(self, company, touches):
        """Let contacts fulfil the nearest open touchpoints of their channel and client.

        A contact counts for one touchpoint of the client at most, and for none that is
        due more than half an interval away, unless it is the touchpoint's own meeting
        or activity. One that was marked as held by hand in the days around it, it is
        noted with.

        :param touches: :class:`Touch` of clients
        :returns: the touchpoints that were fulfilled
        """
        partners = {touch.partner for touch in touches}
        if not partners:
            return self.browse()
        candidates = self.search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "in", list(partners)),
                "|",
                ("is_open", "=", True),
                "&",
                ("state", "=", "done"),
                ("touch_id", "=", False),
            ]
        )
        pools = defaultdict(list)
        for touchpoint in candidates:
            pools[touchpoint.partner_id.id, touchpoint.channel].append(touchpoint)
        fulfilled = self.browse()
        used = set()
        for touch in sorted(touches, key=lambda one: (one.day, one.model, one.id)):
            if (touch.model, touch.id, touch.partner) in used:
                continue
            pool = pools[touch.partner, touch.channel]
            best = min(
                filter(None, (self._rate(one, touch) for one in pool)), default=None
            )
            if not best:
                continue
            used.add((touch.model, touch.id, touch.partner))
            touchpoint = self.browse(best[-1])
            pool.remove(touchpoint)
            if touchpoint.is_open:
                fulfilled |= touchpoint
                touchpoint._close_as_done(
                    touch.day, self.env[touch.model].browse(touch.id)
                )
                touchpoint._remove_unused_entry(touch)
            else:
                touchpoint.with_context(touchpoint_plan=True).write(
                    {"touch_model": touch.model, "touch_id": touch.id}
                )
        fulfilled._replan_soon()
        return fulfilled

    def _rate(self, touchpoint, touch):
        """Return how near a touchpoint is to a contact, as a tuple to compare, or None
        when the contact does not count for it."""
        own = (
            touchpoint.event_id
            if touch.model == "calendar.event"
            else (touchpoint.activity_id)
        )
        is_own = own.id == touch.id
        if not touchpoint.is_open:
            apart = abs((touchpoint.date_done - touch.day).days)
            return (0, apart, touchpoint.id) if apart <= SAME_DAYS else None
        apart = abs((touchpoint.date_due - touch.day).days)
        times = touchpoint.cadence_id.times_per_year or 1
        if not is_own and apart > 365 // times // 2:
            return None
        return (1 if is_own else 2, apart, touchpoint.id)

    def _remove_unused_entry(self, touch):
        """Remove the meeting or activity that is not needed any more, because another
        contact has taken its place."""
        for touchpoint in self:
            event, activity = touchpoint.event_id, touchpoint.activity_id
            if event and (touch.model, touch.id) != ("calendar.event", event.id):
                if touchpoint.agreed:
                    # What is agreed takes place, and counts for the next one.
                    touchpoint.with_context(touchpoint_plan=True).event_id = False
                else:
                    touchpoint._remove_entries()
            elif activity and (touch.model, touch.id) != ("mail.activity", activity.id):
                touchpoint._remove_entries()

    @api.model
    def _fulfil_from_activities(self, activities):
        """Let activities that have just been done fulfil touchpoints.

        :param activities: ``mail.activity``
        """
        self.env.flush_all()
        since = fields.Date.context_today(self) - timedelta(days=LOOK_BACK)
        for company in self._get_companies_of(activities):
            query = self._get_activity_query(company, since, activities.ids)
            self._fulfil(company, self._read_touches(query))

    @api.model
    def _fulfil_from_events(self, events):
        """Let meetings that have been entered after they were held fulfil touchpoints.

        :param events: ``calendar.event``
        """
        self.env.flush_all()
        since = fields.Date.context_today(self) - timedelta(days=LOOK_BACK)
        for company in self.env["res.company"].search(
            [("touch_first_plan", "!=", False)]
        ):
            query = self._get_meeting_query(company, since, events.ids)
            self._fulfil(company, self._read_touches(query))

    def _get_companies_of(self, activities):
        """Return the companies where clients of activities have open touchpoints."""
        # Raw SQL: the same documents as in the query of activities.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT open.company_id
                  FROM mail_activity activity
                  JOIN (%s) AS document (model, id, partner_id, company_id)
                    ON document.model = activity.res_model
                   AND document.id = activity.res_id
                  JOIN res_partner client ON client.id = document.partner_id
                  JOIN client_touchpoint open
                    ON open.partner_id = client.commercial_partner_id AND open.is_open
                 WHERE activity.id = ANY(%s)
                """,
                self._get_documents_query(),
                list(activities.ids),
            )
        )
        return self.env["res.company"].browse(company for (company,) in rows)
