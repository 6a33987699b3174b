from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

KINDS = [
    ("onboarding", "Onboarding"),
    ("at_risk", "At-Risk Rescue"),
    ("lapsed", "Lapsed Buyer"),
    ("win_back", "Win-Back"),
    ("referral", "Referral"),
    ("recovery", "Recovery"),
    ("new_contact", "New Contact"),
    ("departing", "Departing Account"),
]
#: What ends a run as won. Each is served by ``retention.run._get_<goal>_query``, those
#: of ``HAND_GOALS`` by a button only.
GOALS = [
    ("order", "Order confirmed"),
    ("invoice_paid", "Invoice paid"),
    ("meeting", "Meeting held"),
    ("meeting_contact", "Meeting held with the contact"),
    ("result", "First result accepted"),
    ("reply", "Reply received"),
    ("signal_closed", "Reason of the signal gone"),
    ("manual", "By hand"),
]
HAND_GOALS = ("manual",)


class RetentionPlaybook(models.Model):
    """A programme for clients: whom it is for, its steps, and what it wants to reach.

    A playbook without a company is shared by all companies. Which clients enter, and
    when, is in :mod:`retention_playbook_enter`.
    """

    _name = "retention.playbook"
    _description = "Retention Playbook"
    _inherit = ["mail.thread"]
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    note = fields.Text(
        string="What It Is For",
        translate=True,
        help="Tells your colleagues when, and why, the playbook is used.",
    )
    kind = fields.Selection(
        selection=KINDS,
        required=True,
        tracking=True,
        help="A client has one running playbook of a kind at most.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        index=True,
        help="Empty: shared by all companies.",
    )
    sequence = fields.Integer(
        string="Priority",
        default=10,
        help="Of several playbooks of a kind, the first one takes the client.",
    )
    active = fields.Boolean(default=True)
    state = fields.Selection(
        selection=[("draft", "Draft"), ("active", "Active")],
        required=True,
        default="draft",
        copy=False,
        readonly=True,
        tracking=True,
        help="Clients enter active playbooks only. By hand, too.",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="If There Is No Manager",
        domain="[('share', '=', False)]",
        help="Who looks after clients that have no account manager.",
    )

    # Whom it is for
    trigger = fields.Selection(
        selection=[
            ("signal", "A signal"),
            ("stage", "A stage reached"),
            ("manual", "By hand"),
        ],
        string="Begins With",
        required=True,
        default="signal",
        tracking=True,
        help="Account managers can begin any active playbook by hand.",
    )
    trigger_ids = fields.One2many(
        comodel_name="retention.playbook.trigger",
        inverse_name="playbook_id",
        string="Signals",
        copy=True,
    )
    stage = fields.Selection(
        selection=[
            ("first_order", "First order confirmed"),
            ("lead_won", "Opportunity won"),
        ],
        default="first_order",
    )
    stage_days = fields.Integer(
        string="Reached Within",
        default=14,
        help="Days. Whoever reached the stage before does not enter.",
    )
    tier_ids = fields.Many2many(
        comodel_name="client.tier",
        string="Tiers",
        help="Empty: clients of all tiers, and those without one.",
    )
    domain = fields.Char(
        string="Only Clients That", default="[]", help="A filter on clients."
    )

    # What it does
    step_ids = fields.One2many(
        comodel_name="retention.playbook.step",
        inverse_name="playbook_id",
        string="Steps",
    )
    goal = fields.Selection(
        selection=GOALS,
        required=True,
        default="order",
        tracking=True,
        help="What ends a run as won.",
    )
    limit_days = fields.Integer(
        string="Time Limit",
        default=90,
        tracking=True,
        help="Days after which a run that has not reached its goal ends as lost.",
    )
    cool_down_days = fields.Integer(
        string="Pause",
        default=90,
        help="Days after the end of a run, in which the client does not enter again.",
    )
    daily_cap = fields.Integer(
        string="New Clients a Day",
        default=3,
        tracking=True,
        help="How many clients enter per account manager and day; the others wait, "
        "those with the highest severity and the best tier first.",
    )
    use_seasons = fields.Boolean(
        string="Mind the Seasons",
        help="Steps that address the client avoid holidays and wait for a good time "
        "that is near: see Configuration > Seasons.",
    )
    holdout_share = fields.Float(
        string="Left Alone",
        help="Percentage of the clients that are left alone, drawn by lot, so that you "
        "can see what the playbook brings. A client always draws the same lot.",
    )
    holdout_seed = fields.Integer(
        string="Lot Number",
        default=1,
        copy=False,
        help="Another number draws other lots.",
    )
    asks_reason = fields.Boolean(
        compute="_compute_asks_reason",
        help="What the client is offered, or a step, depends on why it leaves.",
    )
    steps_open = fields.Boolean(
        copy=False,
        readonly=True,
        help="Steps are being changed, and running runs will follow.",
    )
    steps_locked = fields.Boolean(
        compute="_compute_steps_locked",
        help="Clients are on their way through these steps.",
    )

    # Figures
    run_ids = fields.One2many(
        comodel_name="retention.run", inverse_name="playbook_id", string="Runs"
    )
    queued_count = fields.Integer(compute="_compute_counts", string="In Queue")
    running_count = fields.Integer(compute="_compute_counts", string="In Progress")
    won_count = fields.Integer(compute="_compute_counts", string="Runs Won")
    lost_count = fields.Integer(compute="_compute_counts", string="Runs Lost")
    stopped_count = fields.Integer(compute="_compute_counts", string="Runs Stopped")
    holdout_count = fields.Integer(
        compute="_compute_holdout_count",
        string="Clients Left Alone",
        groups="sales_team.group_sale_manager",
    )
    success = fields.Float(
        string="Won %",
        compute="_compute_counts",
        help="Of the runs that were won or lost, how many were won.",
    )

    _figures_sensible = models.Constraint(
        "CHECK(limit_days > 0 AND cool_down_days >= 0 AND daily_cap > 0"
        " AND stage_days > 0)",
        "Time limit, new clients a day and the days of a stage must be positive.",
    )
    _share_sensible = models.Constraint(
        "CHECK(holdout_share >= 0 AND holdout_share <= 100)",
        "The percentage of clients that are left alone is between 0 and 100.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("step_ids.kind", "step_ids.reason_ids")
    def _compute_asks_reason(self):
        for playbook in self:
            playbook.asks_reason = any(
                step.kind == "quotation" or step.reason_ids
                for step in playbook.step_ids
            )

    @api.depends("run_ids.state")
    def _compute_counts(self):
        counts = {
            (playbook.id, state): count
            for playbook, state, count in self.env["retention.run"]._read_group(
                [("playbook_id", "in", self.ids)], ["playbook_id", "state"], ["__count"]
            )
        }
        for playbook in self:
            for state in ("queued", "running", "won", "lost", "stopped"):
                playbook[f"{state}_count"] = counts.get((playbook._origin.id, state), 0)
            ended = playbook.won_count + playbook.lost_count
            playbook.success = playbook.won_count * 100 / ended if ended else 0.0

    def _compute_holdout_count(self):
        counts = dict(
            self.env["retention.holdout"]._read_group(
                [("playbook_id", "in", self.ids)], ["playbook_id"], ["__count"]
            )
        )
        for playbook in self:
            playbook.holdout_count = counts.get(playbook._origin, 0)

    @api.depends("steps_open", "run_ids.state")
    def _compute_steps_locked(self):
        busy = self._get_busy()
        for playbook in self:
            playbook.steps_locked = playbook._origin in busy and not playbook.steps_open

    # ------------------------------------------------------------
    # CONSTRAINS
    # ------------------------------------------------------------

    @api.constrains("domain")
    def _check_domain(self):
        for playbook in self:
            try:
                self.env["res.partner"]._search(playbook._get_client_domain())
            except Exception as error:
                raise ValidationError(
                    self.env._("The filter on clients makes no sense: %s", error)
                ) from error

    @api.constrains("state", "step_ids", "trigger", "trigger_ids")
    def _check_complete(self):
        for playbook in self.filtered(lambda one: one.state == "active"):
            problems = playbook._get_problems()
            if problems:
                raise ValidationError("\n".join([playbook.name, *problems]))

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def copy(self, default=None):
        copies = super().copy(default)
        for playbook, copied in zip(self, copies, strict=True):
            playbook.step_ids._copy_to(copied)
        return copies

    def copy_data(self, default=None):
        names = self.mapped("name")
        return [
            {**vals, "name": (default or {}).get("name", self.env._("%s (copy)", name))}
            for name, vals in zip(names, super().copy_data(default), strict=True)
        ]

    def write(self, vals):
        self._check_unchanged(vals)
        result = super().write(vals)
        if vals.get("active") is False or vals.get("state") == "draft":
            # sudo: whoever ends the playbook ends the waiting of all clients
            self.sudo().run_ids.filtered(lambda run: run.state == "queued").unlink()
        return result

    def _check_unchanged(self, vals):
        """Refuse to make another playbook of one that clients are in.

        :raises UserError: its kind or company would change
        """
        changed = self.filtered(
            lambda playbook: (
                ("kind" in vals and vals["kind"] != playbook.kind)
                or (vals.get("company_id") or playbook.company_id.id)
                != playbook.company_id.id
            )
        )
        # sudo: clients of all account managers and companies count
        if changed.sudo().run_ids:
            raise UserError(
                self.env._(
                    "Clients have been through this playbook: duplicate it for another "
                    "kind or company."
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self.run_ids:
            raise UserError(
                self.env._(
                    "Clients have been through this playbook: archive it instead."
                )
            )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_activate(self):
        """Let clients enter.

        :raises ValidationError: the playbook has no steps, or one is not complete
        """
        self.write({"state": "active"})
        return True

    def action_deactivate(self):
        """Let no more clients enter; those on their way go on to the end."""
        self.write({"state": "draft"})
        return True

    def action_preview(self):
        """Open the list of the clients that would enter today."""
        self.ensure_one()
        preview = self.env["retention.playbook.preview"].create(
            {"playbook_id": self.id}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Who Would Enter Today"),
            "res_model": preview._name,
            "res_id": preview.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_change_steps(self):
        """Ask what happens to running runs, and let the steps be changed."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Change Steps"),
            "res_model": "retention.playbook.change",
            "view_mode": "form",
            "target": "new",
            "context": {"default_playbook_id": self.id},
        }

    def action_finish_change(self):
        """Let running runs follow the steps as they are now."""
        self.check_access("write")
        # sudo: runs of all account managers
        self.sudo()._get_running()._follow_steps()
        self.write({"steps_open": False})
        return True

    def action_view_runs(self):
        """Open the runs of these playbooks; the context may name a state."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_run_action"
        )
        action["domain"] = [("playbook_id", "in", self.ids)]
        state = self.env.context.get("run_state")
        action["context"] = {f"search_default_{state}": 1} if state else {}
        return action

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _start_version(self):
        """Give the playbook steps of its own again; running runs keep the old ones."""
        for playbook in self:
            old = playbook.step_ids
            old._copy_to(playbook)
            old.with_context(retention_version=True).write({"active": False})

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_client_domain(self):
        """Return the filter on clients as a domain.

        :raises ValueError: it is no domain
        """
        self.ensure_one()
        return Domain(literal_eval(self.domain or "[]"))

    def _get_running(self):
        return self.env["retention.run"].search(
            [("playbook_id", "in", self.ids), ("state", "=", "running")]
        )

    def _get_busy(self):
        """Return those of these playbooks that have running runs on their steps."""
        # sudo: runs of all account managers and companies count
        groups = (
            self.env["retention.run.step"]
            .sudo()
            ._read_group(
                [
                    ("run_id.state", "=", "running"),
                    ("step_id.active", "=", True),
                    ("step_id.playbook_id", "in", self._origin.ids),
                ],
                ["step_id"],
            )
        )
        steps = self.env["retention.playbook.step"].union(*(step for (step,) in groups))
        return steps.playbook_id

    def _get_problems(self):
        """Return sentences that say what is missing before clients can enter."""
        self.ensure_one()
        problems = []
        if not self.step_ids:
            problems.append(self.env._("It has no steps."))
        if self.trigger == "signal" and not self.trigger_ids:
            problems.append(self.env._("Choose the signals that it begins with."))
        for step in self.step_ids:
            problem = step._get_problem()
            if problem:
                problems.append(
                    self.env._("%(step)s: %(problem)s", step=step.name, problem=problem)
                )
        return problems
