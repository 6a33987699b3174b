from odoo import models


class _Undo(Exception):
    """Ends a rehearsal."""


class ClientTierReview(models.Model):
    """What a review means for the calendar."""

    _inherit = "client.tier.review"

    def action_preview_touchpoints(self):
        """Show what the plan would do after this review: the review is applied, the
        plan computed, and all of it taken back."""
        self.ensure_one()
        touchpoints = self.env["client.touchpoint"].with_company(self.company_id)
        touchpoints = touchpoints.with_context(allowed_company_ids=self.company_id.ids)
        before = touchpoints.plan_preview(self.company_id.touch_horizon_months)
        after = before
        try:
            with self.env.cr.savepoint():
                if self.state == "draft":
                    self.with_context(touchpoint_rehearsal=True)._apply()
                after = touchpoints.plan_preview(self.company_id.touch_horizon_months)
                raise _Undo
        except _Undo:
            self.env.invalidate_all()
        return self.env["client.touchpoint.preview"].action_open(after, review=self)

    def _post_applied(self, count, left):
        """Tell nobody of a rehearsal."""
        if self.env.context.get("touchpoint_rehearsal"):
            return None
        return super()._post_applied(count, left)
