from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    retention_digest = fields.Boolean(
        related="company_id.retention_digest", readonly=False
    )
