from odoo import api, models


class ClientTierCadence(models.Model):
    """A tier has an audience for as long as it is owed newsletters."""

    _inherit = "client.tier.cadence"

    @api.model_create_multi
    def create(self, vals_list):
        cadences = super().create(vals_list)
        self.env["mailing.filter"]._follow_tiers(cadences.tier_id)
        return cadences

    def write(self, vals):
        tiers = self.tier_id
        result = super().write(vals)
        if {"channel", "tier_id"} & vals.keys():
            self.env["mailing.filter"]._follow_tiers(tiers | self.tier_id)
        return result

    def unlink(self):
        tiers = self.tier_id
        result = super().unlink()
        self.env["mailing.filter"]._follow_tiers(tiers)
        return result
