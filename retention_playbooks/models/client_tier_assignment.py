from odoo import api, models


class ClientTierAssignment(models.Model):
    """Tiers make clients more or less urgent: the list of the week follows them."""

    _inherit = "client.tier.assignment"

    @api.model_create_multi
    def create(self, vals_list):
        created = super().create(vals_list)
        created._follow_on_lists()
        return created

    def write(self, vals):
        if not {"tier_id", "partner_id"} & vals.keys():
            return super().write(vals)
        self._follow_on_lists()
        result = super().write(vals)
        self._follow_on_lists()
        return result

    def unlink(self):
        self._follow_on_lists()
        return super().unlink()

    def _follow_on_lists(self):
        """Bring these clients up to date on the list of the week."""
        clients = self.env["retention.client"]
        # sudo: the list follows whoever gives tiers
        for company, given in self.sudo().grouped("company_id").items():
            clients._follow_tiers(company, given.partner_id.ids)
