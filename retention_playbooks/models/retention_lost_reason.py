from odoo import fields, models


class RetentionLostReason(models.Model):
    """Why a client left. It decides what to offer to win it back."""

    _name = "retention.lost.reason"
    _description = "Reason for Losing a Client"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True, help="A short name that playbooks and integrations refer to."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    note = fields.Text(
        translate=True, help="Tells your colleagues when to choose this reason."
    )

    _code_uniq = models.Constraint(
        "UNIQUE(code)",
        "Another reason has this code (it may be archived): choose a different one.",
    )
