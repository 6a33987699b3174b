from odoo import api, fields, models


class RetentionRunAnswer(models.Model):
    """What a client answered to a point of a talk list."""

    _name = "retention.run.answer"
    _description = "Answer to a Talk List"
    _order = "sequence, id"

    run_step_id = fields.Many2one(
        comodel_name="retention.run.step",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="run_step_id.company_id", store=True)
    question_id = fields.Many2one(
        comodel_name="retention.step.question",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    sequence = fields.Integer(readonly=True)
    name = fields.Char(string="Point", required=True, readonly=True)
    kind = fields.Selection(
        selection=[("text", "Note"), ("check", "Yes or no")],
        required=True,
        readonly=True,
        default="text",
    )
    choice = fields.Selection(selection=[("yes", "Yes"), ("no", "No")], string="Yes/No")
    text = fields.Char(string="Answer")
    is_answered = fields.Boolean(compute="_compute_is_answered")

    @api.depends("choice", "text")
    def _compute_is_answered(self):
        for answer in self:
            answer.is_answered = bool(answer.choice or (answer.text or "").strip())

    def _meets(self, condition):
        """Tell whether this answer, none if empty, meets the condition of a step."""
        if condition in ("yes", "no"):
            return self.choice == condition
        return bool(self.is_answered) == (condition == "filled")
