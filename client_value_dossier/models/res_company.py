from odoo import fields, models

from .client_value_rule_hours import HOUR_KINDS


class ResCompany(models.Model):
    _inherit = "res.company"

    client_value_rate = fields.Monetary(
        string="Hourly Rate of Client Value",
        currency_field="currency_id",
        help="What an hour given away is worth to the client when neither the "
        "task, the project nor the order tells a price.",
    )
    client_value_review_activity = fields.Boolean(
        string="Weekly Review of Suggestions",
        default=True,
        help="Account managers with suggestions to review get an activity each week.",
    )
    client_value_threshold = fields.Float(
        string="Over-servicing Threshold",
        digits=(16, 1),
        default=10.0,
        help="Clients that were given more than this percentage of their revenue "
        "are shown in red.",
    )

    def write(self, vals):
        result = super().write(vals)
        if "client_value_rate" in vals or "resource_calendar_id" in vals:
            # The worth of all hours is another one.
            rules = self.env["client.value.rule"]._get_all_rules()
            rules.filtered(lambda rule: rule.kind in HOUR_KINDS)._forget_scans()
        return result
