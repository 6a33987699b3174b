from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Leave one open signal of a kind, before Odoo moves foreign keys by SQL."""
        # sudo: whoever may merge contacts must not leave signals behind that he cannot
        # see
        self.env["retention.signal"].sudo()._merge_clients(src_partners, dst_partner)
        self.env.flush_all()
        return super()._update_foreign_keys(src_partners, dst_partner)
