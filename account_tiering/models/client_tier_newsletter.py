from odoo import fields, models


class ClientTier(models.Model):
    """The audience of a tier, and its newsletters."""

    _inherit = "client.tier"

    newsletter_filter_made = fields.Boolean(
        readonly=True,
        copy=False,
        help="The audience of its newsletters was made; it is not made again.",
    )
    newsletter_count = fields.Integer(
        string="Newsletters", compute="_compute_newsletter_count"
    )

    def _compute_newsletter_count(self):
        counts = dict(
            self.env["client.newsletter"]._read_group(
                [("tier_id", "in", self.ids)], ["tier_id"], ["__count"]
            )
        )
        for tier in self:
            tier.newsletter_count = counts.get(tier._origin, 0)

    def write(self, vals):
        result = super().write(vals)
        if {"name", "active", "company_id"} & vals.keys():
            self.env["mailing.filter"]._follow_tiers(self)
        return result

    def unlink(self):
        """Remove the audiences with their tiers, unless somebody has made them his."""
        # sudo: whoever removes tiers need not do mailings
        filters = self.env["mailing.filter"].sudo().with_context(active_test=False)
        filters = filters.search([("tier_id", "in", self.ids)])
        result = super().unlink()
        filters.filtered(lambda one: one._is_as_made()).unlink()
        return result

    def action_view_newsletters(self):
        """Open the newsletters of these tiers."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_newsletter_action"
        )
        action["domain"] = [("tier_id", "in", self.ids)]
        action["context"] = {}
        return action

    def _prepare_newsletter_filter(self):
        """Return the values of the ``mailing.filter`` of the tier's newsletters.

        Those who have asked for no mailings are left out as Odoo's own audiences do.
        """
        self.ensure_one()
        localized = self.with_context(lang=self.company_id.partner_id.lang)
        name = localized.env._("Tier %s", localized.name)
        # sudo: to tell companies apart, it matters how many there are at all
        if self.env["res.company"].sudo().search_count([], limit=2) > 1:
            name = f"{name} ({self.company_id.name})"
        return {
            "name": name,
            "mailing_domain": repr(
                [
                    ("newsletter_tier_ids", "in", self.ids),
                    ("is_blacklisted", "=", False),
                ]
            ),
            "active": self.active
            and "newsletter" in self.cadence_ids.mapped("channel"),
        }
