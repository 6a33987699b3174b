from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    retention_mail_limit = fields.Integer(
        related="company_id.retention_mail_limit", readonly=False
    )
