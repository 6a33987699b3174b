from odoo import fields, models


class ClientTierAssignment(models.Model):
    """What the plan of touchpoints keeps about a client of a company."""

    _inherit = "client.tier.assignment"

    touch_since = fields.Date(
        string="Planned Since",
        readonly=True,
        copy=False,
        help="Day on which touchpoints of the client were planned first.",
    )
    touch_at_once = fields.Boolean(
        string="Contacted at Once",
        readonly=True,
        copy=False,
        help="A new client: the first contact was due on the day of the first plan. "
        "The others begin at a time of the year of their own.",
    )
    touch_planned_on = fields.Date(
        string="Planned On",
        readonly=True,
        copy=False,
        help="Day of the last plan; empty when the client is to be planned again.",
    )

    _touch_idx = models.Index("(company_id, touch_planned_on)")

    def unlink(self):
        """Withdraw what the clients are no longer owed."""
        # sudo: touchpoints follow whoever takes the tier away
        touchpoints = self.env["client.touchpoint"].sudo()
        for company, given in self.grouped("company_id").items():
            touchpoints |= touchpoints.search(
                [
                    ("company_id", "=", company.id),
                    ("partner_id", "in", given.partner_id.ids),
                    ("is_open", "=", True),
                ]
            )
        result = super().unlink()
        touchpoints._withdraw(self.env._("The client has no tier any more"))
        return result
