from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    client_value_rate = fields.Monetary(
        string="Hourly Rate of Client Value",
        currency_field="currency_id",
        help="What an hour given away is worth to the client when neither the "
        "task, the project nor the order tells a price.",
    )
    client_value_threshold = fields.Float(
        string="Over-servicing Threshold",
        digits=(16, 1),
        default=10.0,
        help="Clients that were given more than this percentage of their revenue "
        "are shown in red.",
    )
