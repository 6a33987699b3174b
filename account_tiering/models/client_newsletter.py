from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, LockError, UserError
from odoo.tools import SQL, format_date, is_html_empty

#: While mails of the last days are still leaving, it is looked again after a while.
STILL_SENDING_DAYS = 2
LOOK_AGAIN = timedelta(minutes=30)


class ClientNewsletter(models.Model):
    """The newsletter that all clients of a tier are owed at a time: "2 of 2026".

    There is one for each slot of a cadence (see :mod:`tools.rhythm`). Its mailing is
    prepared as a draft; a human writes and sends it. When the draft is deleted, the
    newsletter stays, so that it is not made again unless somebody asks for it.
    """

    _name = "client.newsletter"
    _description = "Newsletter of a Tier"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_due desc, id desc"
    # Those who may not write it still do their activity.
    _mail_post_access = "read"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    tier_id = fields.Many2one(
        comodel_name="client.tier",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    tier_color = fields.Integer(related="tier_id.color")
    cadence_id = fields.Many2one(
        comodel_name="client.tier.cadence",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    year = fields.Integer(required=True, readonly=True, aggregator=None)
    number = fields.Integer(
        required=True,
        readonly=True,
        aggregator=None,
        help="Which one it is of those of the year.",
    )
    date_due = fields.Date(string="Due", required=True, readonly=True)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Responsible",
        readonly=True,
        ondelete="set null",
    )
    mailing_id = fields.Many2one(
        comodel_name="mailing.mailing",
        readonly=True,
        ondelete="set null",
    )
    # sudo: account managers see what they may not open
    subject = fields.Char(related="mailing_id.subject", related_sudo=True)
    sent_date = fields.Datetime(
        related="mailing_id.sent_date", string="Sent", related_sudo=True
    )
    state = fields.Selection(
        selection=[
            ("removed", "Not Prepared"),
            ("draft", "Draft"),
            ("queued", "Being Sent"),
            ("sent", "Sent"),
        ],
        compute="_compute_state",
        store=True,
        readonly=True,
    )
    client_count = fields.Integer(
        string="Clients",
        compute="_compute_counts",
        help="Clients that are owed it, or got it.",
    )
    held_count = fields.Integer(
        string="Reached",
        compute="_compute_counts",
        help="Clients that got it, or another one in its place.",
    )
    unreached_count = fields.Integer(
        string="Unreached",
        compute="_compute_counts",
        help="Clients of whom nobody can be reached: without an email address, "
        "blacklisted, or all mails came back.",
    )
    recipient_count = fields.Integer(
        string="Recipients",
        compute="_compute_recipient_count",
        help="Contacts to whom it is sent now.",
    )
    can_prepare = fields.Boolean(compute="_compute_can_prepare")
    can_open_mailing = fields.Boolean(compute="_compute_can_prepare")

    _slot_uniq = models.Constraint(
        "UNIQUE(cadence_id, year, number)", "This newsletter exists already."
    )
    _mailing_uniq = models.UniqueIndex(
        "(mailing_id) WHERE mailing_id IS NOT NULL",
        "This mailing is another newsletter already.",
    )
    _company_due_idx = models.Index("(company_id, date_due)")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("mailing_id.state")
    def _compute_state(self):
        states = {"draft": "draft", "in_queue": "queued", "sending": "queued"}
        for newsletter in self:
            mailing = newsletter.mailing_id
            newsletter.state = (
                states.get(mailing.state, "sent") if mailing else "removed"
            )

    @api.depends("tier_id", "year", "number")
    def _compute_display_name(self):
        for newsletter in self:
            # sudo: the tier's name is no secret to who sees the newsletter
            newsletter.display_name = self.env._(
                "Newsletter %(number)s of %(year)s, tier %(tier)s",
                number=newsletter.number,
                year=newsletter.year,
                tier=newsletter.tier_id.sudo().name or "",
            )

    def _compute_counts(self):
        counts = self._read_counts()
        for newsletter in self:
            held, still, unreached = counts.get(newsletter._origin.id, (0, 0, 0))
            newsletter.client_count = held + still
            newsletter.held_count = held
            newsletter.unreached_count = unreached

    def _read_counts(self):
        """Return {id: (clients that got it, that are owed it, that are not reached)}"""
        touchpoints = self.env["client.touchpoint"]
        # Raw SQL: counts of all clients, which are no secret, and no look at each.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT letter.id,
                       COUNT(*) FILTER (WHERE touchpoint.state = 'done'),
                       COUNT(*) FILTER (WHERE touchpoint.is_open),
                       COUNT(reach.reach)
                  FROM client_newsletter letter
                  JOIN client_touchpoint touchpoint
                    ON touchpoint.cadence_id = letter.cadence_id
                   AND touchpoint.year = letter.year
                   AND touchpoint.number = letter.number
                  LEFT JOIN (%(reach)s) AS reach ON reach.id = touchpoint.id
                 WHERE letter.id = ANY(%(ids)s)
                 GROUP BY letter.id
                """,
                reach=touchpoints._get_reach_query(
                    SQL(
                        "touchpoint.cadence_id = ANY(%s)",
                        # sudo: ids alone, of cadences of all companies
                        list(self.sudo().cadence_id.ids),
                    )
                ),
                ids=list(self._origin.ids),
            )
        )
        return {id_: tuple(counts) for id_, *counts in rows}

    def _compute_recipient_count(self):
        partners = self.env["res.partner"]
        partners._flush_audiences()
        # Raw SQL: as in the audience itself.
        counts = dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT audience.target, COUNT(DISTINCT person.email_normalized)
                      FROM (%(audience)s) AS audience
                      JOIN res_partner person ON person.id = audience.contact
                     WHERE audience.target = ANY(%(ids)s)
                       AND NOT EXISTS (
                           SELECT FROM mail_blacklist blocked
                            WHERE blocked.email = person.email_normalized
                              AND blocked.active)
                     GROUP BY audience.target
                    """,
                    audience=partners._get_newsletter_audience_sql(),
                    ids=list(self._origin.ids),
                )
            )
        )
        for newsletter in self:
            newsletter.recipient_count = counts.get(newsletter._origin.id, 0)

    @api.depends_context("uid")
    def _compute_can_prepare(self):
        self.can_prepare = self._is_prepared_by_user()
        self.can_open_mailing = self.env["mailing.mailing"].has_access("read")

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_prepare(self):
        """Make the drafts of these newsletters that have none.

        :raises AccessError: the user is neither a Sales administrator nor does mailings
        :raises UserError: nobody is owed it any more, or somebody is at it right now
        """
        self.check_access("read")
        self._check_can_prepare()
        # sudo: who prepares a newsletter need not do mailings
        missing = self.sudo()
        try:
            missing.lock_for_update()
        except LockError as error:
            raise UserError(
                self.env._("Somebody is just preparing it. Try again in a minute.")
            ) from error
        missing.invalidate_recordset(["mailing_id"])
        missing = missing.filtered(lambda one: not one.mailing_id)
        if any(not one._get_open_touchpoints(limit=1) for one in missing):
            raise UserError(self.env._("No client is owed this newsletter any more."))
        missing._refresh_due()
        missing._create_mailings()
        return True

    def action_open_mailing(self):
        """Open the mailing, for those who may."""
        self.ensure_one()
        return self.mailing_id._get_records_action(context={})

    def action_view_touchpoints(self):
        """Open the touchpoints of all clients that are owed it."""
        return self._get_touchpoint_action([])

    def action_view_unreached(self):
        """Open the touchpoints of the clients of whom nobody can be reached."""
        return self._get_touchpoint_action([("newsletter_reach", "!=", False)])

    def _get_touchpoint_action(self, domain):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": "client.touchpoint",
            "views": [
                (
                    self.env.ref(
                        "account_tiering.client_touchpoint_view_list_newsletter"
                    ).id,
                    "list",
                ),
                (False, "form"),
            ],
            "domain": self._get_slot_domain() + domain,
        }

    # ------------------------------------------------------------
    # PREPARING
    # ------------------------------------------------------------

    @api.model
    def _prepare_due(self, company):
        """Prepare the newsletters of a company that are due within its days.

        Doing so again, or twice at once, makes nothing twice. A newsletter that nobody
        would get is not prepared.

        :returns: those that were prepared
        """
        last = fields.Date.context_today(self) + timedelta(days=company.newsletter_days)
        newsletters = self._claim(company, SQL("TRUE"), last)
        newsletters._create_mailings()
        return newsletters

    @api.model
    def _prepare_for(self, touchpoints):
        """Prepare the newsletters of touchpoints now, however early.

        :returns: the newsletters, also those that were there
        :raises UserError: nobody would get it
        """
        self._check_can_prepare()
        touchpoints.check_access("read")
        letters = touchpoints.filtered(lambda one: one.channel == "newsletter")
        # sudo: as in action_prepare()
        for company, some in letters.sudo().grouped("company_id").items():
            condition = SQL("touchpoint.id = ANY(%s)", list(some.ids))
            self.sudo()._claim(company, condition)._create_mailings()
        letters.invalidate_recordset(["newsletter_id"])
        newsletters = letters.newsletter_id
        newsletters.filtered(lambda one: not one.sudo().mailing_id).action_prepare()
        if not newsletters:
            raise UserError(
                self.env._(
                    "Nobody would get this newsletter: no client is owed it who has an "
                    "email address that is not blacklisted."
                )
            )
        return newsletters

    @api.model
    def _claim(self, company, condition, last=None):
        """Create the newsletters that somebody is owed and would get.

        :param condition: SQL about ``touchpoint``, one of those that are open
        :param last: day until which they are due
        :returns: those that were created; none that was there already
        """
        self.env["res.partner"]._flush_audiences()
        self.env["client.tier"].flush_model()
        self.env["client.tier.cadence"].flush_model()
        # Raw SQL: the unique constraint decides who makes it.
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO client_newsletter (
                    company_id, tier_id, cadence_id, year, number, date_due, state,
                    create_uid, write_uid, create_date, write_date)
                SELECT %(company)s, cadence.tier_id, cadence.id, slot.year, slot.number,
                       slot.day, 'removed', %(user)s, %(user)s, %(now)s, %(now)s
                  FROM (%(slots)s) AS slot
                  JOIN client_tier_cadence cadence ON cadence.id = slot.cadence_id
                  JOIN client_tier tier ON tier.id = cadence.tier_id AND tier.active
                 WHERE (%(last)s::date IS NULL OR slot.day <= %(last)s)
                   AND EXISTS (
                       SELECT FROM client_touchpoint touchpoint
                        WHERE touchpoint.cadence_id = slot.cadence_id
                          AND touchpoint.year = slot.year
                          AND touchpoint.number = slot.number
                          AND touchpoint.company_id = %(company)s
                          AND touchpoint.is_open
                          AND %(reach)s IS NULL)
                 ORDER BY slot.day, cadence.id, slot.year, slot.number
                ON CONFLICT (cadence_id, year, number) DO NOTHING
                RETURNING id
                """,
                slots=self._get_slots_query(company, condition),
                company=company.id,
                user=self.env.uid,
                now=fields.Datetime.now(),
                last=last,
                reach=self.env["res.partner"]._get_newsletter_reach_sql(
                    SQL("touchpoint.partner_id"), SQL("touchpoint.company_id")
                ),
            )
        )
        return self.browse(id_ for (id_,) in rows)

    def _get_slots_query(self, company, condition):
        """Return the query of the slots of newsletters that are open, with the day on
        which most clients are due."""
        return SQL(
            """
            SELECT touchpoint.cadence_id, touchpoint.year, touchpoint.number,
                   mode() WITHIN GROUP (ORDER BY touchpoint.date_planned) AS day
              FROM client_touchpoint touchpoint
             WHERE touchpoint.company_id = %(company)s AND touchpoint.is_open
               AND touchpoint.channel = 'newsletter'
               AND touchpoint.cadence_id IS NOT NULL AND %(condition)s
             GROUP BY touchpoint.cadence_id, touchpoint.year, touchpoint.number
            """,
            company=company.id,
            condition=condition,
        )

    def _create_mailings(self):
        """Create the draft of each of these newsletters, and an activity for whoever is
        responsible."""
        for newsletter in self:
            user = newsletter._get_responsible()
            # As the responsible: what Odoo takes from the author is his then.
            # sudo: he need not do mailings himself
            mailings = (
                self.env["mailing.mailing"]
                .with_user(user)
                .sudo()
                .with_company(newsletter.company_id)
                .with_context(lang=newsletter._get_lang(), mail_create_nosubscribe=True)
            )
            newsletter.mailing_id = mailings.create(
                newsletter._prepare_mailing(user)
            ).with_env(self.env)
            newsletter.user_id = user
            newsletter._schedule_activity()

    def _prepare_mailing(self, user):
        """Return the values of the draft.

        Its subject and body are for clients: they say nothing about tiers.

        :param user: who is responsible
        """
        self.ensure_one()
        body = self._get_body()
        values = {
            "subject": self._get_subject(),
            "user_id": user.id,
            "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
            "mailing_domain": repr(self._get_audience_domain()),
            "body_arch": body,
            "body_html": body,
        }
        # Who sends it is computed by Odoo, as for any mailing, if he has an address.
        values["reply_to"] = user.email_formatted
        if not user.email:
            values["email_from"] = values["reply_to"] = self._get_sender()
        return values

    def _get_audience_domain(self):
        """Return the domain of the contacts who get the newsletter."""
        return [("newsletter_ids", "in", self.ids), ("is_blacklisted", "=", False)]

    def _get_subject(self):
        """Return the subject that the draft begins with, in the company's language."""
        localized = self.with_context(lang=self._get_lang())
        return localized.env._(
            "News from %(company)s, %(month)s",
            company=self.company_id.name,
            month=format_date(
                localized.env,
                self.date_due,
                lang_code=self._get_lang(),
                date_format="MMMM yyyy",
            ),
        )

    def _get_body(self):
        """Return the HTML that the draft begins with: the agenda of the cadence, and
        how to unsubscribe."""
        localized = self.with_context(lang=self._get_lang())
        agenda = localized.cadence_id.agenda
        return localized.env["ir.qweb"]._render(
            "account_tiering.newsletter_body",
            {
                "agenda": "" if is_html_empty(agenda) else agenda,
                "company": self.company_id,
            },
            lang=self._get_lang(),
        )

    def _get_lang(self):
        return self.company_id.partner_id.lang or self.env.lang or "en_US"

    def _get_sender(self):
        """Return the address of a newsletter whose responsible has none."""
        partners = (self.company_id.partner_id, self.env.ref("base.partner_root"))
        for partner in partners:
            if partner.email:
                return partner.email_formatted
        return self.env["ir.mail_server"]._get_default_from_address()

    def _get_responsible(self):
        """Return who is to write and send it: the director; else the account manager of
        most clients that are owed it. Those who may do mailings come first."""
        self.ensure_one()
        users = self.company_id.tier_director_id.filtered("active")
        users |= self.env["res.users"].union(
            *(
                user
                for user, _count in self.env["client.touchpoint"]._read_group(
                    self._get_slot_domain()
                    + [("is_open", "=", True), ("user_id.active", "=", True)],
                    ["user_id"],
                    ["__count"],
                    order="__count DESC, user_id",
                )
            )
        )
        able = users.filtered(
            lambda user: user.has_group("mass_mailing.group_mass_mailing_user")
        )
        return (able or users or self._get_mailing_users() or self.env.user)[:1]

    def _get_mailing_users(self):
        """Return who may do mailings in the company."""
        group = self.env.ref("mass_mailing.group_mass_mailing_user")
        return group.all_user_ids.filtered(
            lambda user: user.active and self.company_id in user.company_ids
        ).sorted("id")

    # ------------------------------------------------------------
    # ACTIVITIES
    # ------------------------------------------------------------

    def _schedule_activity(self):
        """Tell the responsible that the draft is there, and when it is due."""
        for newsletter in self:
            localized = newsletter.with_context(lang=newsletter.user_id.lang)
            newsletter.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=newsletter.date_due,
                summary=localized.env._(
                    "Newsletter for tier %(tier)s due on %(day)s",
                    tier=localized.tier_id.name,
                    day=format_date(localized.env, newsletter.date_due),
                ),
                note=localized.env._(
                    "The draft is prepared for %(count)s recipients. Write it, send "
                    "yourself a test, and send it.",
                    count=newsletter.recipient_count,
                ),
                user_id=newsletter.user_id.id,
            )

    def _get_own_activities(self):
        """Return the open activities that were scheduled for the drafts."""
        return self.activity_ids.filtered("automated")

    def _close_activities(self):
        """Mark the activities of newsletters that were sent as done."""
        for newsletter in self:
            newsletter._get_own_activities().action_feedback(
                feedback=self.env._("The newsletter was sent.")
            )

    def _remove_activities(self):
        """Take back the activities of newsletters whose draft was deleted."""
        self.exists()._get_own_activities().unlink()

    def _follow_responsible(self, author):
        """Hand newsletters over to who has become responsible for their mailing.

        :param author: who has decided so; nobody needs to tell him
        """
        for newsletter in self:
            user = newsletter.mailing_id.user_id
            if user and user != newsletter.user_id:
                newsletter.user_id = user
                newsletter._get_own_activities().with_context(
                    mail_activity_quick_update=user == author
                ).write({"user_id": user.id})

    def _refresh_due(self):
        """Take over the day on which most clients are due now, as long as it is not
        over: one that is late stays late."""
        today = fields.Date.context_today(self)
        for newsletter in self:
            days = self.env["client.touchpoint"]._read_group(
                newsletter._get_slot_domain() + [("is_open", "=", True)],
                ["date_planned:day"],
                ["__count"],
                order="__count DESC, date_planned:day",
                limit=1,
            )
            day = days and days[0][0]
            if day and day != newsletter.date_due and newsletter.date_due >= today:
                newsletter.date_due = day
                newsletter._get_own_activities().write({"date_deadline": day})

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    @api.model
    def _is_prepared_by_user(self):
        """Return whether the user may have newsletters prepared."""
        return self.env.su or self.env.user.has_groups(
            "sales_team.group_sale_manager,mass_mailing.group_mass_mailing_user"
        )

    def _check_can_prepare(self):
        if not self._is_prepared_by_user():
            raise AccessError(
                self.env._(
                    "Only Sales administrators and those who do mailings prepare "
                    "newsletters."
                )
            )

    def _get_slot_domain(self):
        """Return the domain of the touchpoints of a newsletter."""
        self.ensure_one()
        return [
            ("company_id", "=", self.company_id.id),
            ("cadence_id", "=", self.cadence_id.id or 0),
            ("year", "=", self.year),
            ("number", "=", self.number),
        ]

    def _get_open_touchpoints(self, limit=None):
        """Return the touchpoints of clients that are still owed it."""
        return self.env["client.touchpoint"].search(
            self._get_slot_domain() + [("is_open", "=", True)], limit=limit
        )

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_newsletters(self):
        """Let mailings that were sent fulfil touchpoints, and prepare what is due."""
        progress = self.env["ir.cron"]._commit_progress
        companies = self.env["res.company"].search([("touch_first_plan", "!=", False)])
        tiers = self.env["client.tier"].with_context(active_test=False)
        self.env["mailing.filter"]._follow_tiers(
            tiers.search([("company_id.active", "=", True)])
        )
        progress(remaining=len(companies))
        is_complete = True
        for number, company in enumerate(companies, 1):
            if self.env["client.touchpoint"]._lock_plan(company, wait=False):
                self._run_company(company)
            else:
                is_complete = False
            if not progress(1, remaining=len(companies) - number):
                break
        if not is_complete or self._is_sending():
            self.env.ref("account_tiering.ir_cron_newsletters")._trigger(
                fields.Datetime.now() + LOOK_AGAIN
            )

    @api.model
    def _run_company(self, company):
        """Do what is to be done for the newsletters of one company."""
        self = self.with_company(company)
        touchpoints = self.env["client.touchpoint"]
        touchpoints._offer_returned(company)
        touchpoints._fulfil_from_mailings(company)
        self.search(
            [("company_id", "=", company.id), ("state", "=", "draft")]
        )._refresh_due()
        self._prepare_due(company)

    @api.model
    def _is_sending(self):
        """Return whether mails of mailings that were sent are still leaving."""
        since = fields.Datetime.now() - timedelta(days=STILL_SENDING_DAYS)
        return bool(
            self.env["mailing.trace"].search_count(
                [
                    ("trace_status", "in", ("outgoing", "process")),
                    ("trace_type", "=", "mail"),
                    ("mass_mailing_id.state", "=", "done"),
                    ("mass_mailing_id.sent_date", ">=", since),
                ],
                limit=1,
            )
        )
