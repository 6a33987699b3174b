from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    touch_hours_per_day = fields.Float(
        related="company_id.touch_hours_per_day", readonly=False
    )
    touch_weeks = fields.Integer(related="company_id.touch_weeks", readonly=False)
    touch_horizon_months = fields.Integer(
        related="company_id.touch_horizon_months", readonly=False
    )
    touch_digest = fields.Boolean(related="company_id.touch_digest", readonly=False)
