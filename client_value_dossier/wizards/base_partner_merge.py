from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_reference_fields(self, src_partners, dst_partner):
        """Let value entries that name a merged contact as evidence follow.

        Client and client's manager are foreign keys, which Odoo moves itself by
        SQL; what is stored because of them is brought up to date here.
        """
        result = super()._update_reference_fields(src_partners, dst_partner)
        # sudo: whoever may merge contacts must not leave entries behind that he
        # cannot see
        entries = self.env["client.value.entry"].sudo()
        entries.search(
            [("res_model", "=", "res.partner"), ("res_id", "in", src_partners.ids)]
        ).write({"res_id": dst_partner.id})
        moved = entries.search([("partner_id", "=", dst_partner.id)])
        self.env.add_to_compute(entries._fields["account_manager_id"], moved)
        moved._follow_commercial_entity()
        dossiers = self.env["client.value.dossier"].sudo()
        dossiers.search(
            [("partner_id", "=", dst_partner.id)]
        )._follow_commercial_entity()
        return result

    @api.model
    def _update_values(self, src_partners, dst_partner):
        """Keep the earliest of the dates since when they are clients."""
        partners = src_partners | dst_partner
        since = min(filter(None, partners.mapped("client_since_manual")), default=None)
        result = super()._update_values(src_partners, dst_partner)
        if since:
            dst_partner.client_since_manual = since
        return result
