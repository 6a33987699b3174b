from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from .retention_playbook import KINDS
from .retention_signal import NOBODY

STATES = [
    ("queued", "Waiting"),
    ("running", "Running"),
    ("won", "Won"),
    ("lost", "Lost"),
    ("stopped", "Stopped"),
]
#: States in which a client takes part.
OPEN_STATES = ("queued", "running")
#: Fields that an account manager may write; of steps, their talk lists only.
WRITABLE = frozenset({"contact_id", "reason_id", "note", "step_ids"})
#: Fields that the list of the week depends on.
SHOWN = frozenset({"state", "user_id", "partner_id", "contact_id"})


class RetentionRun(models.Model):
    """A playbook applied to one client.

    How clients enter is in :mod:`retention_playbook_enter`, how a run goes on in
    :mod:`retention_run_advance`, what counts as goal or event in
    :mod:`retention_run_event`, and how it follows client and manager in
    :mod:`retention_run_follow`.
    """

    _name = "retention.run"
    _description = "Run of a Playbook"
    _inherit = ["mail.thread", "client.tier.mixin"]
    _order = "id desc"
    _rec_name = "partner_id"
    _mail_post_access = "read"

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    kind = fields.Selection(selection=KINDS, required=True, readonly=True)
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
    contact_id = fields.Many2one(
        comodel_name="res.partner",
        index="btree_not_null",
        ondelete="set null",
        domain="[('commercial_partner_id', '=', partner_id)]",
        help="Who gets the mails, and the dossier.",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        readonly=True,
        ondelete="set null",
        falsy_value_label=NOBODY,
    )
    signal_id = fields.Many2one(
        comodel_name="retention.signal",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    explanation = fields.Char(related="signal_id.explanation", string="Why")
    severity = fields.Selection(
        selection=[("1", "Low"), ("2", "Medium"), ("3", "High")], readonly=True
    )
    reason_id = fields.Many2one(
        comodel_name="retention.lost.reason",
        index="btree_not_null",
        ondelete="restrict",
        help="Why the client left, or wants to leave: it decides the offer.",
    )
    asks_reason = fields.Boolean(related="playbook_id.asks_reason")
    note = fields.Text()

    # What became of it
    state = fields.Selection(
        selection=STATES, required=True, readonly=True, default="running"
    )
    started_on = fields.Datetime(readonly=True)
    limit_on = fields.Date(
        string="Ends", readonly=True, help="If the goal is not reached by then."
    )
    ended_on = fields.Datetime(readonly=True)
    stop_reason = fields.Char(string="Why Stopped", readonly=True)
    goal = fields.Selection(related="playbook_id.goal")
    goal_model = fields.Char(readonly=True)
    goal_res_id = fields.Many2oneReference(
        string="Won By", model_field="goal_model", readonly=True, aggregator=None
    )
    attention = fields.Boolean(
        string="Needs You",
        readonly=True,
        help="A step has failed, and the run waits for you.",
    )
    advanced_at = fields.Datetime(readonly=True)

    # Steps and what they made
    step_ids = fields.One2many(
        comodel_name="retention.run.step", inverse_name="run_id", string="Timeline"
    )
    activity_ids = fields.Many2many(
        comodel_name="mail.activity",
        string="Activities",
        compute="_compute_activity_ids",
    )
    current_step_id = fields.Many2one(
        comodel_name="retention.run.step",
        string="Next Step",
        compute="_compute_progress",
    )
    next_date = fields.Date(string="Due", compute="_compute_progress")
    progress = fields.Float(
        compute="_compute_progress",
        aggregator=None,
        help="Percentage of the steps that are over.",
    )
    order_id = fields.Many2one(
        comodel_name="sale.order",
        string="Offered",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    offer_id = fields.Many2one(
        comodel_name="retention.offer",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    coupon_id = fields.Many2one(
        comodel_name="loyalty.card",
        readonly=True,
        groups="sales_team.group_sale_salesman",
        ondelete="set null",
    )
    dossier_id = fields.Many2one(
        comodel_name="client.value.dossier",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    # For mail templates
    manager_photo = fields.Char(
        string="Address of the Manager's Photo", compute="_compute_manager"
    )
    manager_position = fields.Char(compute="_compute_manager")

    # For pivot and graph
    is_won = fields.Integer(string="Runs Won", compute="_compute_figures", store=True)
    days = fields.Integer(
        compute="_compute_figures",
        store=True,
        aggregator="avg",
        help="Days from start to end.",
    )
    success = fields.Float(
        string="Won %",
        compute="_compute_figures",
        store=True,
        aggregator="avg",
        help="Of the runs that were won or lost.",
    )

    _open_uniq = models.UniqueIndex(
        "(partner_id, company_id, kind) WHERE state IN ('queued', 'running')",
        "The client takes part in a playbook of this kind already.",
    )
    _client_idx = models.Index("(partner_id, playbook_id, ended_on)")
    _playbook_idx = models.Index("(playbook_id, state, user_id)")
    _owner_idx = models.Index("(user_id) WHERE state IN ('queued', 'running')")
    _advance_idx = models.Index("(advanced_at NULLS FIRST, id) WHERE state = 'running'")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("partner_id", "playbook_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for run in self:
            client = run.partner_id.display_name or ""
            run.display_name = f"{client}: {run.playbook_id.name or ''}"

    @api.depends("step_ids.activity_id")
    def _compute_activity_ids(self):
        for run in self:
            run.activity_ids = run.step_ids.activity_id

    @api.depends("state", "step_ids.state", "step_ids.date_due")
    def _compute_progress(self):
        for run in self:
            steps = run.step_ids
            over = steps.filtered(lambda step: step.state in ("done", "skipped"))
            run.progress = 100.0 * len(over) / len(steps) if steps else 0.0
            if run.state not in OPEN_STATES and run.state != "stopped":
                run.progress = 100.0
            pending = (steps - over) if run.state == "running" else steps.browse()
            run.current_step_id = pending[:1]
            run.next_date = pending[:1].date_due

    @api.depends("user_id")
    def _compute_manager(self):
        for run in self:
            user = run.user_id
            run.manager_photo = user._get_introduction_photo() if user else False
            run.manager_position = user._get_position() if user else False

    @api.depends("state", "started_on", "ended_on")
    def _compute_figures(self):
        for run in self:
            run.is_won = run.state == "won"
            ended = run.state in ("won", "lost")
            run.success = 100.0 * run.is_won if ended else False
            run.days = (
                (run.ended_on - run.started_on).days
                if run.started_on and run.ended_on
                else 0
            )

    # ------------------------------------------------------------
    # CONSTRAINS
    # ------------------------------------------------------------

    # Not of the client: contacts are merged and move away.
    @api.constrains("contact_id")
    def _check_contact(self):
        for run in self:
            contact = run.contact_id
            if contact and contact.commercial_partner_id != run.partner_id:
                raise ValidationError(
                    self.env._(
                        "%(contact)s is no contact of %(client)s.",
                        contact=contact.name,
                        client=run.partner_id.name,
                    )
                )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Runs belong to the commercial entity; their kind is that of the playbook."""
        playbooks = self.env["retention.playbook"].browse(
            [vals["playbook_id"] for vals in vals_list]
        )
        partners = self.env["res.partner"].browse(
            [vals["partner_id"] for vals in vals_list]
        )
        for vals, playbook, partner in zip(vals_list, playbooks, partners, strict=True):
            vals["kind"] = playbook.kind
            vals["partner_id"] = partner.commercial_partner_id.id
        runs = super().create(vals_list)
        runs._mark_clients()
        return runs

    def write(self, vals):
        """Let account managers choose contact, reason and note only.

        :raises AccessError: somebody who is no Sales administrator writes anything else
        """
        own = {name for name in vals if not name.startswith("message_")}
        if own - WRITABLE and not self._is_administered():
            raise AccessError(
                self.env._(
                    "Runs are written by their playbook. Use the buttons to say what "
                    "became of one."
                )
            )
        shown = bool(vals.keys() & SHOWN)
        if shown:
            self._mark_clients()
        result = super().write(vals)
        if shown:
            self._mark_clients()
        if vals.get("contact_id"):
            self._follow_contact()
        return result

    def unlink(self):
        self._mark_clients()
        return super().unlink()

    def _mark_clients(self):
        """Bring the clients of these runs up to date on the list of the week."""
        # sudo: the list follows whoever may write the run
        self.env["retention.client"]._mark(
            (run.company_id.id, run.partner_id.id) for run in self.sudo()
        )

    def _follow_contact(self):
        """Prepare the drafts of dossiers for the contact that was chosen."""
        # sudo: the dossier follows whoever may choose the contact
        for run in self.sudo().filtered(lambda one: one.dossier_id.state == "draft"):
            if run.contact_id != run.partner_id:
                run.dossier_id.recipient_id = run.contact_id

    def _is_administered(self):
        """Return whether the user may write every field."""
        return self.env.su or self.env.user.has_group("sales_team.group_sale_manager")

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_win(self):
        """Mark running runs as won: the goal is reached.

        :raises AccessError: the user may not write one of them
        """
        self._get_for_action()._end("won")
        return True

    def action_lose(self):
        """Mark running runs as lost."""
        self._get_for_action()._end("lost")
        return True

    def action_stop(self, reason=None):
        """Stop these runs, queued ones included.

        :param reason: why, for colleagues
        :raises UserError: without a reason
        """
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why, for your colleagues."))
        self._get_for_action(OPEN_STATES)._end("stopped", reason)
        return True

    def action_open_stop(self):
        """Open the dialog that asks why these runs are stopped."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Stop"),
            "res_model": "retention.run.stop",
            "view_mode": "form",
            "target": "new",
            "context": {"default_run_ids": self.ids},
        }

    def action_start_now(self):
        """Let waiting clients enter now, whatever the cap of the day."""
        runs = self._get_for_action(("queued",))
        runs._start()
        runs._advance()
        return True

    def action_view_order(self):
        """Open the quotation."""
        return self.order_id._get_records_action(context={})

    def action_view_dossier(self):
        """Open the dossier."""
        return self.dossier_id._get_records_action(context={})

    def action_view_goal(self):
        """Open the record that ended the run as won."""
        record = self.env[self.goal_model].browse(self.goal_res_id)
        return record._get_records_action(context={})

    def _get_for_action(self, states=("running",)):
        """Return those of these runs that are in a state, to be written by a button."""
        self.check_access("write")
        # sudo: buttons write fields that are not written by hand
        return self.sudo().filtered(lambda run: run.state in states)

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _start(self):
        """Let queued or new runs begin: give them their steps."""
        now = fields.Datetime.now()
        runs = self.with_context(**self._get_quiet_context())
        contacts = runs._find_contacts()
        # Each of them is checked to be the client's: they are read at once.
        people = self.env["res.partner"].browse(filter(None, contacts.values()))
        people.fetch(["name", "commercial_partner_id"])
        for playbook, some in runs.grouped("playbook_id").items():
            for run in some:
                values = {
                    "state": "running",
                    "started_on": now,
                    "limit_on": run._get_today() + timedelta(playbook.limit_days),
                }
                if not run.contact_id:
                    values["contact_id"] = contacts.get(run.id)
                run.write(values)
        self.env["retention.run.step"].create(
            [
                step._prepare_run_step(run)
                for run in runs
                for step in run.playbook_id.step_ids
            ]
        )
        runs._log_on_client(
            lambda run: self.env._("%s has begun.", run.playbook_id.name)
        )

    def _end(self, state, reason=None):
        """End runs; what is still to be done is taken from the calendars.

        :param state: ``won``, ``lost`` or ``stopped``
        :param reason: why it was stopped
        """
        runs = self.filtered(lambda run: run.state in OPEN_STATES)
        runs = runs.with_context(**self._get_quiet_context())
        runs.write(
            {
                "state": state,
                "ended_on": fields.Datetime.now(),
                "stop_reason": reason,
                "attention": False,
            }
        )
        steps = runs.step_ids.filtered(lambda step: step.state not in ("done",))
        steps = steps.filtered(lambda step: step.state != "skipped")
        activities = steps.activity_id.filtered("active")
        steps.write({"state": "skipped", "remark": self.env._("The run has ended.")})
        activities.with_context(retention_job=True).unlink()
        texts = {
            "won": self.env._("reached its goal"),
            "lost": self.env._("ended without reaching its goal"),
            "stopped": self.env._("was stopped"),
        }
        if state == "won":
            runs._handle_signals()
        runs._log_on_client(
            lambda run: self.env._(
                "%(playbook)s %(result)s. %(reason)s",
                playbook=run.playbook_id.name,
                result=texts[state],
                reason=reason or "",
            )
        )

    def _handle_signals(self):
        """Close the open signals that these runs were about: the goal is reached. What
        the rules still find comes back after some days of quiet."""
        today = self._get_today()
        for run in self.filtered(lambda run: run.signal_id.state == "open"):
            run.signal_id.write(
                {
                    "state": "handled",
                    "date_closed": today,
                    "handled_note": self.env._(
                        "%s reached its goal", run.playbook_id.name
                    ),
                    "handled_by_id": run.user_id.id,
                }
            )

    def _log_on_client(self, get_text):
        """Leave a note in the chatter of each client, with a link to its run.

        :param get_text: function that returns the text for a run
        """
        bodies = {}
        for run in self:
            note = Markup("%s %s") % (get_text(run), run._get_html_link("→"))
            # Two runs of one client in a batch are one note.
            parts = filter(None, (bodies.get(run.partner_id.id), note))
            bodies[run.partner_id.id] = Markup("<br/>").join(parts)
        self.partner_id._message_log_batch(bodies=bodies)

    def _notify_owners(self, subject, get_text):
        """Tell the account managers something about their runs, one message each.

        :param get_text: function that returns a line for a run
        """
        # sudo: the job, or whoever hands clients over, writes to colleagues
        threads = self.env["mail.thread"].sudo()
        for user, runs in self.grouped("user_id").items():
            if not user or user == self.env.user:
                continue
            runs = runs.with_context(lang=user.lang)
            threads.with_context(lang=user.lang).message_notify(
                partner_ids=user.partner_id.ids,
                subject=subject(runs.env),
                body=Markup("<ul>%s</ul>")
                % Markup("").join(
                    Markup("<li>%s %s</li>") % (get_text(run), run._get_html_link())
                    for run in runs
                ),
            )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    @api.model
    def _get_quiet_context(self):
        """Return the context in which the job writes: nobody is mailed about it."""
        return {
            "tracking_disable": True,
            "mail_activity_quick_update": True,
        }

    @api.model
    def _get_today(self):
        return fields.Date.context_today(self)

    def _find_contacts(self):
        """Return {run id: id of whom to address}: the contact that the signal is about,
        else the first person with an address, else any person."""
        self.partner_id.fetch(["name"])
        self.env["res.partner"].flush_model()
        # Raw SQL: the first contact of each of a thousand clients.
        self.env.cr.execute(
            """
            SELECT DISTINCT ON (commercial_partner_id) commercial_partner_id, id
              FROM res_partner
             WHERE commercial_partner_id = ANY(%s) AND active
               AND (id = commercial_partner_id OR type = 'contact')
             ORDER BY commercial_partner_id, email_normalized IS NULL,
                      message_bounce > 0, id = commercial_partner_id, id
            """,
            [self.partner_id.ids],
        )
        first = dict(self.env.cr.fetchall())
        about = self.signal_id._get_about_contacts()
        return {
            run.id: about.get(run.signal_id.id) or first.get(run.partner_id.id)
            for run in self
        }

    def _message_receive_bounce(self, email, partner):
        """A mail of the run came back: its step has failed, and the manager is told."""
        result = super()._message_receive_bounce(email, partner)
        # sudo: mails that come back are read by nobody in particular
        self.sudo().step_ids._note_bounced(email)
        return result

    def _message_post_after_hook(self, message, msg_vals):
        """A mail that was offered is sent: its step is done."""
        result = super()._message_post_after_hook(message, msg_vals)
        # sudo: steps are written by buttons and mails; the message shows who it was
        step = self.env["retention.run.step"].sudo()
        step = step.browse(self.env.context.get("retention_run_step") or [])
        if step and step.run_id == self and step.state in ("open", "failed"):
            step._note_sent(message)
        return result

    def _mail_get_partners(self, introspect_fields=False):
        """Mails of a run go to its contact."""
        return {run.id: run.contact_id or run.partner_id for run in self}
