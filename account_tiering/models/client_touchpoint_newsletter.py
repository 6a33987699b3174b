from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.mailing_match import Noted, Owed, Sent, match
from .client_tier_assignment import REACH
from .client_touchpoint_fulfil import LOOK_BACK, SAME_DAYS

#: Days after a mailing in which those whose mails come back are owed it again.
BOUNCE_DAYS = 30
#: What a trace says when a mail has arrived, and when it has not.
ARRIVED = ("sent", "open", "reply")
CAME_BACK = ("bounce", "error")


class ClientTouchpoint(models.Model):
    """Newsletters: sent mailings fulfil the touchpoints of all clients that they have
    reached, whether they were prepared for that or not."""

    _inherit = "client.touchpoint"

    newsletter_id = fields.Many2one(
        comodel_name="client.newsletter", compute="_compute_newsletter_id"
    )
    newsletter_reach = fields.Selection(
        selection=REACH,
        string="Does Not Arrive",
        compute="_compute_newsletter_reach",
        search="_search_newsletter_reach",
        help="Why the newsletter reaches nobody of the client.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("channel", "cadence_id", "year", "number")
    def _compute_newsletter_id(self):
        letters = self.filtered(lambda one: one.channel == "newsletter")
        known = {}
        if letters:
            known = {
                (one.cadence_id, one.year, one.number): one
                for one in self.env["client.newsletter"].search(
                    [
                        ("cadence_id", "in", letters.cadence_id.ids),
                        ("year", "in", letters.mapped("year")),
                    ]
                )
            }
        for touchpoint in self:
            slot = (touchpoint.cadence_id, touchpoint.year, touchpoint.number)
            touchpoint.newsletter_id = known.get(slot)

    @api.depends("channel", "is_open", "state", "partner_id", "company_id")
    def _compute_newsletter_reach(self):
        letters = self.filtered(lambda one: one.channel == "newsletter")
        reach = {}
        if letters:
            # Raw SQL: what became of thousands of mails, counted.
            reach = dict(
                self.env.execute_query(
                    self._get_reach_query(
                        SQL("touchpoint.id = ANY(%s)", list(letters._origin.ids))
                    )
                )
            )
        for touchpoint in self:
            touchpoint.newsletter_reach = reach.get(touchpoint._origin.id)

    def _search_newsletter_reach(self, operator, value):
        if operator != "in":
            return NotImplemented
        query = self._get_reach_query(SQL("TRUE"))
        found = Domain(
            "id",
            "in",
            SQL(
                "(SELECT id FROM (%s) AS found WHERE reach = ANY(%s))",
                query,
                [one for one in value if one],
            ),
        )
        if any(not one for one in value):
            found |= Domain(
                "id",
                "not in",
                SQL("(SELECT id FROM (%s) AS found WHERE reach IS NOT NULL)", query),
            )
        return found

    @api.model
    def _get_reach_query(self, condition):
        """Return the query of newsletters that are owed, or were withdrawn, and why
        they reach nobody.

        :param condition: SQL about ``touchpoint``
        """
        self.env["res.partner"]._flush_audiences()
        self.env["mailing.trace"].flush_model()
        self.env["mailing.mailing"].flush_model()
        # Raw SQL: one look at all contacts, the blacklist and the traces, which not
        # everybody may read.
        return SQL(
            """
            SELECT touchpoint.id, COALESCE(
                   %(reach)s,
                   CASE WHEN touchpoint.is_open AND
                        (touchpoint.partner_id, touchpoint.cadence_id, touchpoint.year,
                         touchpoint.number) IN (
                        SELECT person.commercial_partner_id, letter.cadence_id,
                               letter.year, letter.number
                          FROM client_newsletter letter
                          JOIN mailing_mailing mailing
                            ON mailing.id = letter.mailing_id AND mailing.state = 'done'
                          JOIN mailing_trace trace
                            ON trace.mass_mailing_id = mailing.id
                           AND trace.model = 'res.partner'
                          JOIN res_partner person ON person.id = trace.res_id
                         WHERE letter.cadence_id IS NOT NULL
                         GROUP BY person.commercial_partner_id, letter.id
                        HAVING bool_or(trace.trace_status = ANY(%(came_back)s))
                           AND NOT bool_or(trace.trace_status = ANY(%(arrived)s)))
                   THEN 'bounced' END) AS reach
              FROM client_touchpoint touchpoint
             WHERE touchpoint.channel = 'newsletter' AND %(condition)s
               AND (touchpoint.is_open OR touchpoint.withdrawn)
            """,
            reach=self.env["res.partner"]._get_newsletter_reach_sql(
                SQL("touchpoint.partner_id"), SQL("touchpoint.company_id")
            ),
            arrived=list(ARRIVED),
            came_back=list(CAME_BACK),
            condition=condition,
        )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_newsletter(self):
        """Open the newsletter that the touchpoint belongs to.

        :raises UserError: none was prepared yet
        """
        self.ensure_one()
        if not self.newsletter_id:
            raise UserError(
                self.env._(
                    "The newsletter is not prepared yet. It is %(days)s days before it "
                    "is due.",
                    days=self.company_id.newsletter_days,
                )
            )
        return self.newsletter_id.get_formview_action()

    def action_prepare_newsletter(self):
        """Prepare the newsletters of these touchpoints now, and open the first."""
        newsletters = self.env["client.newsletter"]._prepare_for(self)
        return newsletters[:1].get_formview_action()

    def action_open_touch(self):
        """Open the newsletter rather than a mailing that the user may not read."""
        if self.touch_model == "mailing.mailing" and not self.env[
            "mailing.mailing"
        ].has_access("read"):
            newsletter = self.env["client.newsletter"].search(
                [("mailing_id", "=", self.touch_id)], limit=1
            )
            if not newsletter:
                return self.action_open_entry()
            return newsletter.get_formview_action()
        return super().action_open_touch()

    # ------------------------------------------------------------
    # FULFILLING
    # ------------------------------------------------------------

    @api.model
    def _fulfil_from_records(self, company, since=None):
        self._offer_returned(company)
        fulfilled = super()._fulfil_from_records(company, since)
        return fulfilled | self._fulfil_from_mailings(company, since)

    @api.model
    def _fulfil_from_mailings(self, company, since=None):
        """Let mailings that were sent fulfil the newsletters of the clients that they
        have reached, see :mod:`tools.mailing_match`.

        :param since: day from which mailings are looked at
        :returns: the touchpoints that were fulfilled
        """
        since = since or fields.Date.context_today(self) - timedelta(days=LOOK_BACK)
        self.env.flush_all()
        sent = self._read_sent(company, since)
        if not sent:
            return self.browse()
        clients = list({one.client for one in sent})
        found = match(sent, *self._read_letters(company, clients), SAME_DAYS)
        fulfilled = self.browse(found)
        groups = fulfilled.grouped(lambda one: found[one.id]._replace(client=None))
        for one, touchpoints in groups.items():
            touchpoints._close_as_done(
                one.day, self.env["mailing.mailing"].browse(one.mailing)
            )
        fulfilled._replan_soon()
        return fulfilled

    def _read_sent(self, company, since):
        """Return the :class:`Sent` mailings that have reached clients with newsletters
        open, and count for none yet."""
        # sudo: whoever sends a newsletter need not see working hours
        # Raw SQL below: mailings and recipients are counted in one query.
        zone = pytz.timezone(company.sudo().resource_calendar_id.tz or "UTC")
        return [
            Sent(
                mailing,
                client,
                pytz.utc.localize(moment).astimezone(zone).date(),
                letter and (cadence, year, number),
            )
            for mailing, client, moment, letter, cadence, year, number in (
                self.env.execute_query(self._get_mailing_query(company, since))
            )
        ]

    def _get_mailing_query(self, company, since):
        """Return the query of mailings and the clients that they have reached.

        Mailings have no company. One that was prepared counts for its own; any other
        where its responsible works, in his own company first.
        """
        # Raw SQL: thousands of traces, joined with the contacts of all clients.
        return SQL(
            """
            SELECT mailing.id, reached.client, MIN(reached.moment),
                   letter.id, letter.cadence_id, letter.year, letter.number
              FROM mailing_mailing mailing
              JOIN (%(reached)s) AS reached ON reached.mailing = mailing.id
              LEFT JOIN client_newsletter letter ON letter.mailing_id = mailing.id
              LEFT JOIN res_users sender
                ON sender.id = mailing.user_id AND sender.active
             WHERE EXISTS (
                   SELECT FROM client_touchpoint open
                    WHERE open.partner_id = reached.client AND open.is_open
                      AND open.company_id = %(company)s AND open.channel = 'newsletter')
               AND NOT EXISTS (
                   SELECT FROM client_touchpoint used
                    WHERE used.touch_model = 'mailing.mailing'
                      AND used.touch_id = mailing.id
                      AND used.partner_id = reached.client)
               AND CASE WHEN letter.id IS NOT NULL
                        THEN letter.company_id = %(company)s
                        WHEN sender.id IS NULL OR sender.company_id = %(company)s
                        THEN TRUE
                        ELSE EXISTS (
                             SELECT FROM res_company_users_rel works
                              WHERE works.user_id = sender.id
                                AND works.cid = %(company)s)
                         AND NOT EXISTS (
                             SELECT FROM client_touchpoint nearer
                              WHERE nearer.partner_id = reached.client
                                AND nearer.is_open AND nearer.channel = 'newsletter'
                                AND nearer.company_id = sender.company_id)
                   END
             GROUP BY mailing.id, reached.client, letter.id
            """,
            reached=self._get_reached_query(
                since, SQL("trace.trace_status = ANY(%s)", list(ARRIVED))
            ),
            company=company.id,
        )

    def _get_reached_query(self, since, condition):
        """Return the query of mailings, the clients whose people they were sent to, and
        when: by the contact, or by its address.

        Odoo leaves blacklisted addresses out itself, unless somebody tells it not to:
        then they have not consented.

        :param condition: SQL about ``trace``
        """
        return SQL(
            """
            WITH traced AS (
                SELECT mailing.id AS mailing, trace.id, trace.model, trace.res_id,
                       trace.email, trace.trace_status,
                       COALESCE(trace.sent_datetime, trace.open_datetime,
                                trace.reply_datetime, mailing.sent_date) AS moment
                  FROM mailing_mailing mailing
                  JOIN mailing_trace trace ON trace.mass_mailing_id = mailing.id
                 WHERE mailing.state = 'done' AND mailing.mailing_type = 'mail'
                   AND mailing.sent_date >= %(since)s
                   AND trace.trace_type = 'mail'
                   AND NOT COALESCE(trace.is_test_trace, FALSE)
                   AND trace.model IN ('res.partner', 'mailing.contact')
                   AND %(condition)s
                   AND (mailing.use_exclusion_list OR NOT EXISTS (
                        SELECT FROM mail_blacklist blocked
                         WHERE blocked.email = trace.email AND blocked.active)))
            SELECT traced.mailing, person.commercial_partner_id AS client,
                   traced.moment, traced.trace_status
              FROM traced
              JOIN res_partner person
                ON traced.model = 'res.partner' AND person.id = traced.res_id
             UNION ALL
            SELECT traced.mailing, person.commercial_partner_id,
                   traced.moment, traced.trace_status
              FROM traced
              JOIN res_partner person
                ON person.email_normalized = traced.email AND person.active
            """,
            since=since,
            condition=condition,
        )

    def _read_letters(self, company, clients):
        """Return the open newsletters of clients as :class:`Owed`, and those that were
        marked as held by hand as :class:`Noted`."""
        # Raw SQL: tuples, not records, of some thousand touchpoints.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT touchpoint.id, touchpoint.partner_id, touchpoint.cadence_id,
                       touchpoint.year, touchpoint.number, touchpoint.date_due,
                       touchpoint.date_done, touchpoint.is_open,
                       COALESCE(cadence.times_per_year, 1)
                  FROM client_touchpoint touchpoint
                  LEFT JOIN client_tier_cadence cadence
                    ON cadence.id = touchpoint.cadence_id
                 WHERE touchpoint.company_id = %(company)s
                   AND touchpoint.partner_id = ANY(%(clients)s)
                   AND touchpoint.channel = 'newsletter'
                   AND (touchpoint.is_open OR (
                        touchpoint.state = 'done' AND touchpoint.touch_id IS NULL))
                """,
                company=company.id,
                clients=clients,
            )
        )
        owed, noted = [], []
        for id_, client, cadence, year, number, due, done, is_open, times in rows:
            if is_open:
                slot = (cadence, year, number)
                owed.append(Owed(id_, client, slot, due, 365 // times // 2))
            else:
                noted.append(Noted(id_, client, done))
        return owed, noted

    @api.model
    def _offer_returned(self, company):
        """Open newsletters again whose mails have come back after they seemed to have
        arrived.

        :returns: the touchpoints that are owed again
        """
        self.env.flush_all()
        since = fields.Date.context_today(self) - timedelta(days=BOUNCE_DAYS)
        # Raw SQL: thousands of traces, as above.
        returned = self.browse(
            id_
            for (id_,) in self.env.execute_query(
                SQL(
                    """
                    SELECT touchpoint.id
                      FROM client_touchpoint touchpoint
                     WHERE touchpoint.touch_model = 'mailing.mailing'
                       AND touchpoint.state = 'done'
                       AND touchpoint.company_id = %(company)s
                       AND (touchpoint.touch_id, touchpoint.partner_id) IN (
                           SELECT sent.mailing, sent.client FROM (%(sent)s) AS sent
                            GROUP BY sent.mailing, sent.client
                           HAVING bool_or(sent.trace_status = ANY(%(came_back)s))
                              AND NOT bool_or(sent.trace_status = ANY(%(arrived)s)))
                    """,
                    sent=self._get_reached_query(since, SQL("TRUE")),
                    company=company.id,
                    came_back=list(CAME_BACK),
                    arrived=list(ARRIVED),
                )
            )
        )
        returned.with_context(touchpoint_plan=True).write(
            {
                "state": "planned",
                "is_open": True,
                "date_done": False,
                "touch_model": False,
                "touch_id": False,
            }
        )
        returned._replan_soon()
        return returned
