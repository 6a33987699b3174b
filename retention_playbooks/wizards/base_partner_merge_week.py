from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Forget what was told of clients that cease to be, before Odoo moves foreign
        keys by SQL: list and health are told anew of the one that remains."""
        partners = self.env["res.partner"]
        partners._forget_health_and_list(src_partners)
        self.env.flush_all()
        result = super()._update_foreign_keys(src_partners, dst_partner)
        partners._mark_on_lists(dst_partner)
        return result
