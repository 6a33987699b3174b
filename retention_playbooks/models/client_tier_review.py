from odoo import models


class ClientTierReview(models.Model):
    """A review makes many clients more or less urgent."""

    _inherit = "client.tier.review"

    def _after_change(self, client_ids):
        result = super()._after_change(client_ids)
        self.env["retention.client"]._follow_tiers(self.company_id, client_ids)
        return result
