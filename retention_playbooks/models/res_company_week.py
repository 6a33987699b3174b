from odoo import fields, models


class ResCompany(models.Model):
    """The list of the week of a company."""

    _inherit = "res.company"

    retention_digest = fields.Boolean(
        string="Digest of Clients",
        default=True,
        help="When signals have been found, account managers get an activity with the "
        "clients that need them this week. Who has none gets none.",
    )
    retention_usual_revenue = fields.Monetary(
        string="Revenue of the Usual Client",
        readonly=True,
        copy=False,
        help="Lifetime revenue of the median client, found every week. Urgency "
        "measures the value of clients by it.",
    )
