from odoo import fields, models


class ResCompany(models.Model):
    """How reports tell what playbooks have brought."""

    _inherit = "res.company"

    retention_effect_months = fields.Integer(
        string="Months Compared",
        default=6,
        help="The revenue of so many months after a client has entered a playbook is "
        "compared with that of as many months before.",
    )
    retention_revenue_source = fields.Selection(
        selection=[("invoice", "Invoices"), ("order", "Orders")],
        string="Revenue in Reports",
        required=True,
        default="invoice",
        help="What counts as revenue in reports on retention, without taxes: invoices "
        "less credit notes, or confirmed orders.",
    )

    _retention_effect_months_positive = models.Constraint(
        "CHECK(retention_effect_months > 0)", "Compare one month at least."
    )
