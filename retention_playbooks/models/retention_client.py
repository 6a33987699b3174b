from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_amount, format_date, formatLang

from .retention_signal import CHANNELS, KINDS, NOBODY, SEVERITIES


class RetentionClient(models.Model):
    """A client that needs its account manager this week, and how urgently.

    There is one record per client and company, active as long as the client has open
    signals or a due step of a playbook. It is kept up to date in sets, see
    :mod:`retention_client_refresh`; nobody writes it by hand. What can be done about
    the client is in :mod:`retention_client_action`.
    """

    _name = "retention.client"
    _description = "Client of the Week"
    _inherit = ["client.tier.mixin"]
    _order = "urgency desc, date_due, id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, ondelete="cascade"
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        readonly=True,
        ondelete="set null",
        falsy_value_label=NOBODY,
        help="Of the client; else who was asked to see to it.",
    )
    active = fields.Boolean(default=True, readonly=True)

    # How urgent
    urgency = fields.Float(
        digits=(16, 1),
        readonly=True,
        aggregator="max",
        help="Severity of all reasons, times the client's tier, times its lifetime "
        "revenue beside that of your usual client: from 0 to 100.",
    )
    urgency_parts = fields.Json(
        readonly=True, help="The factors: severity, tier, value; each from 0 to 1."
    )
    urgency_note = fields.Char(string="How It Came About", compute="_compute_notes")
    severity = fields.Selection(
        selection=SEVERITIES,
        readonly=True,
        help="Of the gravest reason.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    revenue = fields.Monetary(string="Lifetime Revenue", readonly=True)

    # Why
    signal_id = fields.Many2one(
        comodel_name="retention.signal",
        string="Gravest Signal",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    kind = fields.Selection(selection=KINDS, string="Main Reason", readonly=True)
    signal_count = fields.Integer(string="Signals", readonly=True)
    signal_ids = fields.One2many(
        related="partner_id.open_signal_ids",
        string="Open Signals",
        groups="sales_team.group_sale_salesman",
    )
    reason = fields.Char(string="Why", compute="_compute_reasons")
    reasons = fields.Html(
        string="All Reasons", compute="_compute_reasons", sanitize=False
    )

    # What to do
    run_id = fields.Many2one(
        comodel_name="retention.run",
        string="Playbook",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="A playbook that runs for the client.",
    )
    step_id = fields.Many2one(
        comodel_name="retention.run.step",
        string="Due Step",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    date_due = fields.Date(string="Due", readonly=True)
    channel = fields.Selection(
        selection=CHANNELS,
        string="Recommended",
        readonly=True,
        help="How to reach the client best about the gravest reason.",
    )
    contact_id = fields.Many2one(
        comodel_name="res.partner",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Whom to address.",
    )
    contact_phone = fields.Char(related="contact_id.phone", string="Phone")
    next_step = fields.Char(compute="_compute_next_step")
    next_action = fields.Selection(
        selection=[
            ("call", "Call"),
            ("meeting", "Meeting"),
            ("email", "Mail"),
            ("step", "Step"),
            ("run", "Playbook"),
        ],
        compute="_compute_next_step",
        help="Which button comes first.",
    )

    # Not now
    snooze_id = fields.Many2one(
        comodel_name="retention.snooze",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    snoozed_until = fields.Date(
        readonly=True, help="It comes back by itself on that day."
    )
    snooze_reason = fields.Char(related="snooze_id.reason", string="Why Snoozed")
    snoozed_by_id = fields.Many2one(related="snooze_id.user_id", string="Snoozed By")
    is_snoozed = fields.Boolean(compute="_compute_is_snoozed")

    health = fields.Selection(related="partner_id.health")

    _client_uniq = models.Constraint(
        "UNIQUE(partner_id, company_id)", "The client is on the list already."
    )
    _owner_idx = models.Index("(user_id, urgency) WHERE active")
    _company_idx = models.Index("(company_id, urgency) WHERE active")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("urgency", "urgency_parts", "revenue", "signal_count")
    @api.depends_context("lang")
    def _compute_notes(self):
        for client in self:
            parts = client.urgency_parts or {}
            # sudo: names of tier and currency, which are no secret to who has a list
            client.urgency_note = self.env._(
                "%(urgency)s of 100 = severity %(severity)s × tier %(tier)s "
                "(%(tier_name)s) × value %(value)s (%(revenue)s)",
                urgency=round(client.urgency),
                severity=self._say_factor(parts.get("severity")),
                tier=self._say_factor(parts.get("tier")),
                tier_name=client.sudo().tier_id.name or self.env._("none"),
                value=self._say_factor(parts.get("value")),
                revenue=format_amount(
                    self.env, client.revenue, client.sudo().currency_id
                ),
            )

    @api.depends("signal_id", "signal_count", "step_id", "date_due")
    @api.depends_context("lang", "tz")
    def _compute_reasons(self):
        # sudo: whoever may see the client on his list may know why it is there
        clients = self.sudo()
        signals = clients._get_open_signals()
        today = fields.Date.context_today(self)
        for client, own in zip(self, clients, strict=True):
            found = signals.get((own.partner_id.id, own.company_id.id), own.signal_id)
            texts = [signal.explanation for signal in found]
            if step := own._get_step_reason(today):
                texts.append(step)
            client.reason = (
                self.env._("%(text)s; and %(count)s more", text=texts[0], count=more)
                if (more := len(texts) - 1) > 0
                else "".join(texts)
            )
            client.reasons = Markup('<ul class="mb-0 ps-3">%s</ul>') % Markup("").join(
                Markup("<li>%s</li>") % text for text in texts
            )

    @api.depends("step_id", "run_id", "channel", "contact_id")
    @api.depends_context("lang")
    def _compute_next_step(self):
        for client, own in zip(self, self.sudo(), strict=True):
            # sudo: as for the reasons
            client.next_step = own._get_next_step()
            client.next_action = own._get_next_action()

    @api.depends("snoozed_until")
    @api.depends_context("tz")
    def _compute_is_snoozed(self):
        today = fields.Date.context_today(self)
        for client in self:
            client.is_snoozed = bool(
                client.snoozed_until and client.snoozed_until > today
            )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _say_factor(self, factor):
        return formatLang(self.env, factor or 0.0)

    def _get_open_signals(self):
        """Return {(client id, company id): open signals, the gravest first}."""
        signals = self.env["retention.signal"].search(
            [
                ("partner_id", "in", self.partner_id.ids),
                ("company_id", "in", self.company_id.ids),
                ("state", "=", "open"),
            ],
            order="severity desc, date_open, id",
        )
        return signals.grouped(lambda one: (one.partner_id.id, one.company_id.id))

    def _get_step_reason(self, today):
        """Return why the due step is a reason by itself: it is late, or has failed; or
        that it is due, when there is nothing else."""
        step = self.step_id
        if not step:
            if self.signal_count or not self.run_id:
                return ""
            return self.env._("%s has come to its end", self.run_id.playbook_id.name)
        if step.state == "failed":
            return self.env._(
                "%(step)s has failed: %(remark)s",
                step=step.name,
                remark=step.remark or "",
            )
        due = self.date_due or today
        if due < today:
            return self.env._(
                "%(step)s was due on %(day)s",
                step=step.name,
                day=format_date(self.env, due),
            )
        return "" if self.signal_count else self.env._("%s is due", step.name)

    def _get_next_step(self):
        """Return in a few words what to do next: the due step of a playbook, else to
        reach the client as the gravest signal recommends."""
        if step := self.step_id:
            names = {"step": step.name, "playbook": self.run_id.playbook_id.name}
            if self._is_of_colleague(step):
                return self.env._(
                    "%(user)s: %(step)s (%(playbook)s)", user=step.user_id.name, **names
                )
            return self.env._("%(step)s (%(playbook)s)", **names)
        if self.run_id:
            playbook = self.run_id.playbook_id.name
            if self.run_id.current_step_id:
                return self.env._("%s is running: nothing to do now", playbook)
            return self.env._(
                "All steps of %s are done: is its goal reached?", playbook
            )
        who = self.contact_id.name or self.partner_id.name or ""
        return {
            "call": self.env._("Call %s", who),
            "meeting": self.env._("Meet %s", who),
            "email": self.env._("Write to %s", who),
        }.get(self.channel, self.env._("Get in touch with %s", who))

    def _get_next_action(self):
        """Return which button does the next step: one for calls, mails and meetings,
        else the step itself, or the playbook when all of them are done."""
        step = self.step_id
        if self.run_id and not self.run_id.current_step_id:
            return "run"
        if not step:
            return self.channel if self.channel in ("meeting", "email") else "call"
        if step.can_mail:
            return "email"
        if step.activity_id.activity_category == "phonecall":
            return "step" if self._is_of_colleague(step) else "call"
        return "step"

    def _is_of_colleague(self, step):
        """Return whether somebody else than the account manager does a step."""
        return bool(step.user_id and self.user_id and step.user_id != self.user_id)
