from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Why newsletters reach nobody of a client.
REACH = [
    ("no_email", "Nobody has an email address"),
    ("blacklisted", "All addresses are blacklisted"),
    ("bounced", "All mails came back"),
]


class ClientTierAssignment(models.Model):
    """Clients that newsletters do not reach."""

    _inherit = "client.tier.assignment"

    newsletter_reach = fields.Selection(
        # Whether mails come back shows with a touchpoint, when one was sent.
        selection=[one for one in REACH if one[0] != "bounced"],
        string="Newsletters Do Not Arrive",
        compute="_compute_newsletter_reach",
        search="_search_newsletter_reach",
        help="Why newsletters reach nobody of the client.",
    )

    def _compute_newsletter_reach(self):
        self.env["res.partner"]._flush_audiences()
        # Raw SQL, here and below: one look at all contacts and the blacklist, which
        # not everybody may read.
        reach = dict(
            self.env.execute_query(
                SQL(
                    "SELECT given.id, %s FROM client_tier_assignment given"
                    " WHERE given.id = ANY(%s)",
                    self._get_newsletter_reach_sql(),
                    list(self._origin.ids),
                )
            )
        )
        for given in self:
            given.newsletter_reach = reach.get(given._origin.id)

    def _search_newsletter_reach(self, operator, value):
        if operator != "in":
            return NotImplemented
        self.env["res.partner"]._flush_audiences()
        return Domain(
            "id",
            "in",
            SQL(
                "(SELECT given.id FROM client_tier_assignment given"
                " WHERE COALESCE(%s, '') = ANY(%s))",
                self._get_newsletter_reach_sql(),
                [one or "" for one in value],
            ),
        )

    @api.model
    def _get_newsletter_reach_sql(self):
        return self.env["res.partner"]._get_newsletter_reach_sql(
            SQL("given.partner_id"), SQL("given.company_id")
        )
