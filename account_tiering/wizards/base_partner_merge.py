from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Leave one tier per company, before Odoo moves foreign keys by SQL.

        The one that stays keeps its tier; without one it gets that of a merged client.
        A lock goes before no lock. Drafts of reviews keep one line of the client; they
        are brought up to date by *Recompute*. Touchpoints of the same slot become one.
        """
        # sudo: whoever may merge contacts must not leave tiers behind that he cannot
        # see
        given = self.env["client.tier.assignment"].sudo()
        given = given.search([("partner_id", "in", (src_partners | dst_partner).ids)])
        for same_company in given.grouped("company_id").values():
            kept = same_company.sorted(
                lambda one: (not one.is_locked, one.partner_id != dst_partner, one.id)
            )[0]
            (same_company - kept).with_context(tier_kind="merge").unlink()
        lines = self.env["client.tier.review.line"].sudo()
        lines = lines.search(
            [
                ("partner_id", "in", (src_partners | dst_partner).ids),
                ("review_id.state", "=", "draft"),
            ]
        )
        for same_review in lines.grouped("review_id").values():
            same_review.sorted(
                lambda line: (line.partner_id != dst_partner, -line.revenue)
            )[1:].unlink()
        # sudo: whoever may merge contacts must not leave touchpoints behind
        self.env["client.touchpoint"].sudo()._merge_clients(src_partners, dst_partner)
        self.env.flush_all()
        return super()._update_foreign_keys(src_partners, dst_partner)

    @api.model
    def _update_reference_fields(self, src_partners, dst_partner):
        result = super()._update_reference_fields(src_partners, dst_partner)
        dst_partner._move_tiers_to_client()
        return result
