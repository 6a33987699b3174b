from odoo import fields, models


class ResCompany(models.Model):
    """When a company prepares its newsletters."""

    _inherit = "res.company"

    newsletter_days = fields.Integer(
        string="Newsletters Prepared Ahead",
        default=14,
        help="Days before its due date at which the draft of a newsletter is made.",
    )

    _newsletter_days_range = models.Constraint(
        "CHECK(newsletter_days BETWEEN 0 AND 180)",
        "Newsletters are prepared 0 to 180 days ahead.",
    )
