from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    retention_effect_months = fields.Integer(
        related="company_id.retention_effect_months", readonly=False
    )
    retention_revenue_source = fields.Selection(
        related="company_id.retention_revenue_source", readonly=False
    )
