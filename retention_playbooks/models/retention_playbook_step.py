from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

#: Kinds of steps. Each is opened by ``retention.run.step._open_<kind>``.
STEP_KINDS = [
    ("activity", "Activity"),
    ("mail", "Mail"),
    ("quotation", "Quotation"),
    ("dossier", "Dossier"),
    ("wait", "Wait For"),
]
#: What a step can wait for, and what can start its delay: see
#: ``retention.run._get_<event>_query``.
EVENTS = [
    ("reply", "A reply"),
    ("meeting", "A meeting held"),
    ("order", "An order confirmed"),
]
#: Fields that do not change what happens.
HARMLESS = frozenset({"name", "note"})


class RetentionPlaybookStep(models.Model):
    """One step of a playbook: what happens, when, and for which clients.

    While clients are on their way, steps change through
    ``retention.playbook.action_change_steps`` only.
    """

    _name = "retention.playbook.step"
    _description = "Step of a Playbook"
    _order = "sequence, id"
    _check_company_auto = True

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="playbook_id.company_id", store=True)
    active = fields.Boolean(
        default=True, help="Archived steps are those of an earlier version."
    )
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    kind = fields.Selection(selection=STEP_KINDS, required=True, default="activity")
    note = fields.Html(
        string="Instructions",
        translate=True,
        help="For whoever does it; part of the activity.",
    )

    # When
    delay_days = fields.Integer(string="Due After", help="Working days.")
    delay_from = fields.Selection(
        selection=[
            ("previous", "the step before"),
            ("start", "the start"),
            ("event", "an event"),
        ],
        string="Counted From",
        required=True,
        default="previous",
    )
    delay_event = fields.Selection(selection=EVENTS, string="Event")

    # For whom
    tier_ids = fields.Many2many(
        comodel_name="client.tier", string="Only Tiers", help="Empty: all."
    )
    reason_ids = fields.Many2many(
        comodel_name="retention.lost.reason",
        string="Only Reasons",
        help="Why the client left or wants to leave. Empty: all.",
    )
    condition_question_id = fields.Many2one(
        comodel_name="retention.step.question",
        string="Only If the Point",
        domain="[('step_id.playbook_id', '=', playbook_id), ('step_id', '!=', id)]",
        ondelete="set null",
    )
    condition_answer = fields.Selection(
        selection=[
            ("yes", "was answered with yes"),
            ("no", "was answered with no"),
            ("filled", "was answered"),
            ("empty", "was not answered"),
        ],
        string="Was",
    )

    # Activities, also those that offer a mail
    activity_type_id = fields.Many2one(
        comodel_name="mail.activity.type",
        ondelete="restrict",
        domain="[('res_model', 'in', (False, 'res.partner'))]",
    )
    user_role = fields.Selection(
        selection=[
            ("manager", "Account manager"),
            ("director", "Account director"),
            ("project", "Project manager"),
            ("user", "This user"),
        ],
        string="Done By",
        required=True,
        default="manager",
        help="The director is that of the company, or else the leader of the account "
        "manager's sales team.",
    )
    user_id = fields.Many2one(
        comodel_name="res.users", domain="[('share', '=', False)]"
    )
    question_ids = fields.One2many(
        comodel_name="retention.step.question",
        inverse_name="step_id",
        string="Talk List",
    )

    # Mails
    template_id = fields.Many2one(
        comodel_name="mail.template",
        string="Mail Template",
        domain="[('model', '=', 'retention.run')]",
        ondelete="restrict",
    )
    send_mode = fields.Selection(
        selection=[
            ("auto", "Sent by itself"),
            ("offer", "Offered to edit"),
        ],
        string="Sending",
        required=True,
        default="offer",
    )

    # Quotations, dossiers, waiting
    offer_ids = fields.Many2many(
        comodel_name="retention.offer",
        string="Offers",
        help="The first one that suits the reason is made.",
    )
    dossier_purpose = fields.Selection(
        selection="_get_dossier_purposes", string="Dossier For"
    )
    wait_for = fields.Selection(selection=EVENTS, string="Waits For")
    wait_days = fields.Integer(
        string="At Most",
        default=10,
        help="Working days, after which the run goes on without.",
    )

    _days_sensible = models.Constraint(
        "CHECK(delay_days >= 0 AND wait_days >= 0)", "Days must not be negative."
    )

    # ------------------------------------------------------------
    # CONSTRAINS
    # ------------------------------------------------------------

    @api.model
    def _get_dossier_purposes(self):
        dossiers = self.env["client.value.dossier"]
        return dossiers._fields["purpose"]._description_selection(self.env)

    @api.constrains("condition_question_id", "sequence")
    def _check_condition(self):
        for step in self:
            before = step.condition_question_id.step_id
            if before and (
                before.playbook_id != step.playbook_id
                or (before.sequence, before.id) >= (step.sequence, step.id)
            ):
                raise ValidationError(
                    self.env._(
                        "%s depends on a point that is talked about later only.",
                        step.name,
                    )
                )

    # Instead of required fields: which of them are depends on the kind.
    @api.constrains(
        "kind", "template_id", "offer_ids", "wait_for", "delay_event", "user_id"
    )
    def _check_complete(self):
        for step in self:
            problem = step.playbook_id.state == "active" and step._get_problem()
            if problem:
                raise ValidationError(
                    self.env._("%(step)s: %(problem)s", step=step.name, problem=problem)
                )

    def _get_problem(self):
        """Return a sentence that says what is missing, or False."""
        self.ensure_one()
        _ = self.env._
        if self.kind == "mail" and not self.template_id:
            return _("Choose the template of the mail.")
        if self.kind == "mail" and self.template_id.model != "retention.run":
            return _("The template is not one for runs of playbooks.")
        if self.kind == "quotation" and not self.offer_ids:
            return _("Choose what is offered.")
        if self.kind == "dossier" and not self.dossier_purpose:
            return _("Choose what the dossier is for.")
        if self.kind == "wait" and not self.wait_for:
            return _("Choose what it waits for.")
        if self.delay_from == "event" and not self.delay_event:
            return _("Choose the event from which its days are counted.")
        if self.user_role == "user" and not self.user_id:
            return _("Choose who does it.")
        if self.condition_question_id and not self.condition_answer:
            return _("Choose what the answer has to be.")
        return False

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        steps = super().create(vals_list)
        steps._check_unlocked()
        return steps

    def write(self, vals):
        if vals.keys() - HARMLESS and not self.env.context.get("retention_version"):
            self._check_unlocked()
        return super().write(vals)

    def unlink(self):
        """Let running runs that have not come to these steps leave them out."""
        self._check_unlocked()
        # sudo: runs of all account managers
        runs = self.env["retention.run.step"].sudo()
        runs.search([("step_id", "in", self.ids), ("state", "=", "waiting")]).unlink()
        return super().unlink()

    def _check_unlocked(self):
        """Refuse to change steps behind the back of running runs. What an upgrade adds
        is for those who begin afterwards.

        :raises UserError: clients are on their way through them
        """
        context = self.env.context
        if context.get("retention_version") or context.get("install_mode"):
            return
        locked = self.playbook_id._get_busy().filtered(lambda one: not one.steps_open)
        if locked:
            raise UserError(
                self.env._(
                    "Clients are on their way through %s: use Change Steps, which asks "
                    "what happens to them.",
                    ", ".join(locked.mapped("name")),
                )
            )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _copy_to(self, playbook):
        """Copy these steps, with their talk lists, to a playbook."""
        questions = {}
        for step in self.sorted():
            copied = step.with_context(retention_version=True).copy(
                {
                    "playbook_id": playbook.id,
                    "name": step.name,
                    "condition_question_id": questions.get(
                        step.condition_question_id.id
                    ),
                }
            )
            for question in step.question_ids:
                questions[question.id] = question.copy({"step_id": copied.id}).id

    def _prepare_run_step(self, run):
        """Return the values of this step in a run."""
        return {
            "run_id": run.id,
            "step_id": self.id,
            "step_name": self.name,
            "kind": self.kind,
            "sequence": self.sequence,
            "company_id": run.company_id.id,
        }
