from odoo import fields, models


class RetentionStepQuestion(models.Model):
    """A point of a talk list; its answer is kept with the run."""

    _name = "retention.step.question"
    _description = "Point of a Talk List"
    _order = "sequence, id"

    name = fields.Char(string="Point", required=True, translate=True)
    step_id = fields.Many2one(
        comodel_name="retention.playbook.step",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="step_id.company_id", store=True)
    sequence = fields.Integer(default=10)
    kind = fields.Selection(
        selection=[("text", "Note"), ("check", "Yes or no")],
        string="Answer",
        required=True,
        default="text",
    )
