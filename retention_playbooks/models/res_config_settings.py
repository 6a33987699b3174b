from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    signal_weekday = fields.Selection(
        related="company_id.signal_weekday", readonly=False
    )
    signal_hour = fields.Float(related="company_id.signal_hour", readonly=False)
    retention_mail_limit = fields.Integer(
        related="company_id.retention_mail_limit", readonly=False
    )
    retention_mail_quiet_days = fields.Integer(
        related="company_id.retention_mail_quiet_days", readonly=False
    )
    retention_digest = fields.Boolean(
        related="company_id.retention_digest", readonly=False
    )
    retention_digest_mail = fields.Boolean(
        related="company_id.retention_digest_mail", readonly=False
    )
    retention_effect_months = fields.Integer(
        related="company_id.retention_effect_months", readonly=False
    )
    retention_revenue_source = fields.Selection(
        related="company_id.retention_revenue_source", readonly=False
    )
