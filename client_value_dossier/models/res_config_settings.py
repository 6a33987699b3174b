from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    client_value_rate = fields.Monetary(
        related="company_id.client_value_rate",
        readonly=False,
    )
    client_value_review_activity = fields.Boolean(
        related="company_id.client_value_review_activity",
        readonly=False,
    )
    client_value_threshold = fields.Float(
        related="company_id.client_value_threshold",
        readonly=False,
    )
