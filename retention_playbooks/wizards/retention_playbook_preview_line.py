from odoo import fields, models


class RetentionPlaybookPreviewLine(models.TransientModel):
    """A client in the preview of a playbook."""

    _name = "retention.playbook.preview.line"
    _description = "Client in a Preview"

    preview_id = fields.Many2one(
        comodel_name="retention.playbook.preview", required=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(comodel_name="res.partner", string="Client")
    signal_id = fields.Many2one(comodel_name="retention.signal", ondelete="cascade")
    explanation = fields.Char(related="signal_id.explanation", string="Why")
    severity = fields.Selection(
        selection=[("1", "Low"), ("2", "Medium"), ("3", "High")]
    )
    tier_id = fields.Many2one(comodel_name="client.tier")
    user_id = fields.Many2one(comodel_name="res.users", string="Account Manager")
    held_out = fields.Boolean(string="Left Alone")
