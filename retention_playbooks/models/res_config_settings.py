from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    signal_weekday = fields.Selection(
        related="company_id.signal_weekday", readonly=False
    )
    signal_hour = fields.Float(related="company_id.signal_hour", readonly=False)
