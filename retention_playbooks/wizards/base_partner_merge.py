from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Leave one open signal and one open run of a kind, and forget list and health
        of clients that cease to be, before Odoo moves foreign keys by SQL: they are
        told anew of the one that remains."""
        partners = self.env["res.partner"]
        # sudo: whoever may merge contacts must not leave behind what he cannot see
        self.env["retention.signal"].sudo()._merge_clients(src_partners, dst_partner)
        self.env["retention.run"].sudo()._merge_clients(src_partners, dst_partner)
        partners._forget_health_and_list(src_partners)
        self.env.flush_all()
        result = super()._update_foreign_keys(src_partners, dst_partner)
        partners._mark_on_lists(dst_partner)
        return result
