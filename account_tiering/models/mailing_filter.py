from odoo import api, fields, models


class MailingFilter(models.Model):
    """Audiences of tiers: one for each tier that is owed newsletters.

    They follow their tier, as far as nobody has changed them by hand.
    """

    _inherit = "mailing.filter"

    active = fields.Boolean(default=True)
    tier_id = fields.Many2one(
        comodel_name="client.tier",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The filter was made for the newsletters of this tier.",
    )
    # What was written last by itself: anything else is somebody's own.
    tier_values = fields.Json(readonly=True, copy=False)

    _tier_uniq = models.UniqueIndex(
        "(tier_id) WHERE tier_id IS NOT NULL", "This tier has an audience already."
    )

    @api.model
    def _follow_tiers(self, tiers):
        """Create and update the audiences of tiers.

        One that was deleted is not made again. What was changed by hand stays.

        :param tiers: ``client.tier``, archived ones, too
        """
        # sudo: whoever edits tiers need not do mailings
        filters = self.sudo().with_context(active_test=False)
        tiers = tiers.sudo().with_context(active_test=False)
        known = {
            one.tier_id: one for one in filters.search([("tier_id", "in", tiers.ids)])
        }
        vals_list = []
        for tier in tiers:
            values = tier._prepare_newsletter_filter()
            if tier in known:
                known[tier]._follow(values)
            elif values["active"] and not tier.newsletter_filter_made:
                vals_list.append(
                    {
                        **values,
                        "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                        "tier_id": tier.id,
                        "tier_values": values,
                    }
                )
        created = filters.create(vals_list)
        created.tier_id.newsletter_filter_made = True
        return created

    def _follow(self, values):
        """Take over those of these values that nobody has changed by hand."""
        self.ensure_one()
        last = self.tier_values or {}
        changed = {
            name: value
            for name, value in values.items()
            if self[name] == last.get(name) and self[name] != value
        }
        if changed:
            self.write({**changed, "tier_values": {**last, **changed}})

    def _is_as_made(self):
        """Return whether nobody has changed the audience by hand."""
        self.ensure_one()
        return all(
            self[name] == value for name, value in (self.tier_values or {}).items()
        )
