from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    newsletter_days = fields.Integer(
        related="company_id.newsletter_days", readonly=False
    )
