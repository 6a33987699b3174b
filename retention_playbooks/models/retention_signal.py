from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

#: Name of groups without a value.
NOBODY = _lt("Nobody")

#: Kinds of signals. Those of ``retention.rule`` are the same: whoever adds one extends
#: the selection here, writes ``_find_<kind>`` of the rule and ``_explain_<kind>``.
KINDS = [
    ("open_tickets", "Open Tickets"),
    ("complaint", "Complaint"),
    ("no_usage", "No Usage"),
    ("broken_pattern", "Broken Pattern"),
    ("lapsed", "Lapsed"),
    ("lost", "Lost Client"),
    ("new_contact", "New Contact"),
    ("overdue_touch", "Overdue Touchpoint"),
    ("late_payer", "Late Payer"),
    ("shrinking", "Shrinking"),
]
SEVERITIES = [("1", "Low"), ("2", "Medium"), ("3", "High")]
CHANNELS = [("call", "Call"), ("meeting", "Meeting"), ("email", "Email")]

#: Changes of contacts that bring somebody new.
NEWCOMERS = ("new", "replaced")
#: Fields that the list of the week depends on.
SHOWN = frozenset(
    ("state", "severity", "user_id", "partner_id", "company_id", "kind", "channel")
)


class RetentionSignal(models.Model):
    """One reason to act on one client, found by the weekly job or logged by hand.

    There is one open signal per client, company and kind. It closes itself when its
    reason is gone, and is kept, so that what was noticed can be measured.

    What was found is kept as figures and dates (``facts``); the sentence is put
    together for who reads it, in his language and as of his day.
    """

    _name = "retention.signal"
    _description = "Retention Signal"
    _inherit = ["mail.thread", "client.tier.mixin"]
    _order = "severity desc, revenue desc, date_open, id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self._default_company_id(),
        ondelete="cascade",
    )
    kind = fields.Selection(selection=KINDS, required=True)
    severity = fields.Selection(
        selection=SEVERITIES,
        required=True,
        default="2",
    )
    facts = fields.Json(
        copy=False,
        help="What was found: figures, dates and names. See the methods _explain_* for "
        "what a kind keeps.",
    )
    explanation = fields.Char(
        compute="_compute_explanation", string="Why", help="The reason in a sentence."
    )
    res_model = fields.Char(string="Evidence Model")
    res_id = fields.Many2oneReference(
        string="Evidence",
        model_field="res_model",
        aggregator=None,
        help="The record that shows it best.",
    )
    evidence_ids = fields.Json(
        string="All Evidence",
        copy=False,
        help="The ids of all records of that model which show it.",
    )
    reason_key = fields.Char(
        copy=False,
        help="What the signal is about, such as the last order. A handled signal comes "
        "back when it is something else.",
    )
    reason_id = fields.Many2one(
        comodel_name="retention.lost.reason",
        string="Lost Because",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        ondelete="set null",
        tracking=True,
        falsy_value_label=NOBODY,
    )
    channel = fields.Selection(
        selection=CHANNELS,
        string="Recommended",
        help="How to reach the client best about it.",
    )
    date_open = fields.Date(
        string="Since", required=True, default=fields.Date.context_today
    )
    date_closed = fields.Date(string="Until", copy=False)
    state = fields.Selection(
        selection=[
            ("open", "Open"),
            ("handled", "Handled"),
            ("expired", "Expired"),
        ],
        required=True,
        default="open",
        copy=False,
        tracking=True,
        help="Expired: its reason is gone, without anybody having handled it.",
    )
    handled_note = fields.Char(string="What Was Done", copy=False, tracking=True)
    handled_by_id = fields.Many2one(
        comodel_name="res.users", copy=False, ondelete="set null"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    revenue = fields.Monetary(
        string="Lifetime Revenue",
        help="What the client was invoiced in all, credit notes deducted, or what it "
        "ordered where that is more. Without taxes.",
    )
    days_open = fields.Integer(
        compute="_compute_days_open", string="Days", aggregator=None
    )
    run_ids = fields.One2many(
        comodel_name="retention.run", inverse_name="signal_id", string="Runs"
    )

    _open_uniq = models.UniqueIndex(
        "(partner_id, company_id, kind) WHERE state = 'open'",
        "The client has an open signal of this kind already.",
    )
    _client_idx = models.Index("(partner_id, company_id, kind, date_closed)")
    _owner_idx = models.Index("(user_id, severity) WHERE state = 'open'")
    _company_idx = models.Index("(company_id, kind, state)")

    def _default_company_id(self):
        return self.env.company

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("kind", "facts", "state", "date_closed")
    @api.depends_context("lang", "tz")
    def _compute_explanation(self):
        for signal in self:
            signal.explanation = signal._get_explanation()

    @api.depends("date_open", "date_closed")
    def _compute_days_open(self):
        today = fields.Date.context_today(self)
        for signal in self:
            until = signal.date_closed or today
            since = signal.date_open or today
            signal.days_open = max((until - since).days, 0)

    @api.depends("partner_id", "kind")
    @api.depends_context("lang")
    def _compute_display_name(self):
        labels = dict(self._fields["kind"]._description_selection(self.env))
        for signal in self:
            name = signal.partner_id.display_name or ""
            signal.display_name = f"{name}: {labels.get(signal.kind, '')}"

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Signals belong to the commercial entity, and to its account manager."""
        partners = self.env["res.partner"]
        for vals in vals_list:
            client = partners.browse(vals.get("partner_id")).commercial_partner_id
            vals["partner_id"] = client.id
            if "user_id" not in vals:
                company = self.env["res.company"].browse(
                    vals.get("company_id") or self._default_company_id().id
                )
                vals["user_id"] = client._get_account_manager(company).id
        signals = super().create(vals_list)
        signals._mark_clients()
        return signals

    def write(self, vals):
        """Let nobody write by hand what was found; the buttons close a signal.

        :raises AccessError: somebody who is no Sales administrator does
        """
        if vals.keys() & self._get_found_fields() and not self._is_administered():
            raise AccessError(
                self.env._(
                    "Signals are found by the weekly job. Use the buttons to say what "
                    "became of one."
                )
            )
        shown = bool(vals.keys() & SHOWN)
        if shown:
            self._mark_clients()
        result = super().write(vals)
        if shown:
            self._mark_clients()
        return result

    def unlink(self):
        self._mark_clients()
        return super().unlink()

    def _mark_clients(self):
        """Bring the clients of these signals up to date on the list of the week."""
        # sudo: the list follows whoever may write the signal
        self.env["retention.client"]._mark(
            (signal.company_id.id, signal.partner_id.id) for signal in self.sudo()
        )

    @api.model
    def _get_found_fields(self):
        """Return the names of the fields that account managers do not write."""
        return {
            *("partner_id", "company_id", "kind", "severity", "facts", "res_model"),
            *("res_id", "evidence_ids", "reason_key", "channel", "revenue", "state"),
            *("date_open", "date_closed", "handled_by_id", "handled_note"),
        }

    def _is_administered(self):
        """Return whether the user may write every field."""
        return self.env.su or self.env.user.has_group("sales_team.group_sale_manager")

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_open_handle(self):
        """Open the dialog that closes these signals with a note."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Handled"),
            "res_model": "retention.signal.handle",
            "view_mode": "form",
            "target": "new",
            "context": {"default_signal_ids": self.ids},
        }

    def action_handle(self, note):
        """Close open signals: somebody has done what was needed.

        :param note: what was done, for colleagues; it goes to the client's chatter
        :raises UserError: without a note
        :raises AccessError: the user may not write one of them
        """
        note = (note or "").strip()
        if not note:
            raise UserError(self.env._("Say what was done, for your colleagues."))
        self.check_access("write")
        # sudo: the button writes fields that are not written by hand
        signals = self.sudo().filtered(lambda signal: signal.state == "open")
        signals.write(
            {
                "state": "handled",
                "date_closed": fields.Date.context_today(self),
                "handled_note": note,
                "handled_by_id": self.env.uid,
            }
        )
        signals._log_handled(note)
        return True

    def action_reopen(self):
        """Open handled signals again that were closed by mistake.

        :raises UserError: there is an open one of the same kind
        """
        self.check_access("write")
        # sudo: as in action_handle
        signals = self.sudo().filtered(lambda signal: signal.state == "handled")
        for signal in signals:
            if self.sudo().search_count(
                [
                    ("partner_id", "=", signal.partner_id.id),
                    ("company_id", "=", signal.company_id.id),
                    ("kind", "=", signal.kind),
                    ("state", "=", "open"),
                ],
                limit=1,
            ):
                raise UserError(
                    self.env._(
                        "%s has an open signal of this kind already.",
                        signal.partner_id.display_name,
                    )
                )
        signals.write(
            {
                "state": "open",
                "date_closed": False,
                "handled_note": False,
                "handled_by_id": False,
            }
        )
        return True

    def action_start_playbook(self):
        """Open the dialog that starts a playbook for the clients of these signals."""
        action = self.partner_id.action_start_playbook()
        playbook = self.env["retention.playbook"].search(
            [
                ("state", "=", "active"),
                ("company_id", "in", (*self.company_id.ids, False)),
                ("trigger_ids.signal_kind", "in", self.mapped("kind")),
            ],
            limit=1,
        )
        action["context"] |= {
            "default_playbook_id": playbook.id,
            "default_reason_id": self.reason_id[:1].id,
        }
        return action

    def action_open_evidence(self):
        """Open the record behind the signal; a list when there are several."""
        self.ensure_one()
        model = self.res_model
        ids = self.evidence_ids or ([self.res_id] if self.res_id else [])
        if not ids or model not in self.env:
            return self.action_open_client()
        records = self.env[model].with_context(active_test=False)
        # Whoever may see the signal need not see all that shows it.
        seen = records.search([("id", "in", ids)])
        if not seen:
            raise UserError(
                self.env._(
                    "The records behind this signal are gone, or you may not see them."
                )
            )
        if model == "mail.message":
            return self._open_message(seen[:1])
        action = {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": model,
        }
        if len(seen) == 1:
            return seen._get_records_action(context={})
        return {
            **action,
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", seen.ids)],
            "context": {"active_test": False, "create": False},
        }

    def _open_message(self, message):
        """Return the action that opens the record to which a message belongs."""
        if not message.res_id or message.model not in self.env:
            return self.action_open_client()
        record = self.env[message.model].browse(message.res_id)
        return record._get_records_action(context={})

    def action_open_client(self):
        """Open the client."""
        self.ensure_one()
        return self.partner_id._get_records_action(context={})

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_about_contacts(self):
        """Return {signal id: id of the new person at the client}, for those that are
        about one."""
        return {
            signal.id: signal.res_id
            for signal in self
            if signal.kind == "new_contact"
            and signal.res_model == "res.partner"
            and (signal.facts or {}).get("change") in NEWCOMERS
        }

    def _log_handled(self, note):
        """Tell in the chatter of the clients what was done."""
        for signal in self:
            # The author is the user: sudo keeps the user id.
            signal.partner_id.message_post(
                body=self.env._(
                    "%(signal)s was handled: %(note)s",
                    signal=dict(
                        self._fields["kind"]._description_selection(self.env)
                    ).get(signal.kind),
                    note=note,
                ),
                subtype_xmlid="mail.mt_note",
            )

    @api.model
    def _expire(self, domain):
        """Close open signals whose reason is gone, without noise.

        :param domain: which ones
        :returns: them
        """
        # sudo: a reason is gone whoever makes it go
        signals = self.sudo().search([("state", "=", "open"), *domain])
        signals.with_context(tracking_disable=True).write(
            {"state": "expired", "date_closed": fields.Date.context_today(self)}
        )
        return signals

    # ------------------------------------------------------------
    # CLIENTS
    # ------------------------------------------------------------

    @api.model
    def _follow_managers(self, partners):
        """Hand the open signals of clients over to their account managers.

        :param partners: clients whose account manager has changed
        """
        signals = self.search(
            [("partner_id", "in", partners.ids), ("state", "=", "open")]
        )
        for (client, company), some in signals.grouped(
            lambda signal: (signal.partner_id, signal.company_id)
        ).items():
            some.user_id = client._get_account_manager(company)

    @api.model
    def _merge_clients(self, sources, target):
        """Give the signals of clients to the one that they become. Of two open ones of
        a kind the graver one stays open, else the target's.

        :param sources: ``res.partner`` that cease to be clients of their own
        :param target: the client that they become
        """
        signals = self.search([("partner_id", "in", (sources | target).ids)])
        opened = signals.filtered(lambda signal: signal.state == "open")
        for same in opened.grouped(lambda one: (one.company_id, one.kind)).values():
            kept = same.sorted(
                lambda one: (one.severity, one.partner_id == target, -one.id),
                reverse=True,
            )[:1]
            self._expire([("id", "in", (same - kept).ids)])
        self.flush_model()
        signals.with_context(tracking_disable=True).partner_id = target
        self.flush_model()
