from odoo import fields, models


class ProjectProject(models.Model):
    """What projects mean for keeping a client."""

    _inherit = "project.project"

    is_support = fields.Boolean(
        string="Support Project",
        help="Its tasks are tickets of clients: too many open ones are a signal.",
    )
    is_contract = fields.Boolean(
        string="Contract",
        help="A running contract, such as a retainer. When its end is over and nothing "
        "follows, the client counts as lost.",
    )
