from odoo import fields, models


class ResCompany(models.Model):
    """How many mails playbooks send by themselves."""

    _inherit = "res.company"

    retention_mail_limit = fields.Integer(
        string="Automatic Mails a Month",
        default=4,
        help="How many mails playbooks send to a client by themselves within 30 days; "
        "the next ones are offered to the account manager. 0: as many as there are.",
    )

    _retention_mail_limit_positive = models.Constraint(
        "CHECK(retention_mail_limit >= 0)", "A number of mails is not negative."
    )
