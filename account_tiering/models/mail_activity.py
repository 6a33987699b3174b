from odoo import models


class MailActivity(models.Model):
    """Activities of touchpoints: done ones fulfil them, moved ones move them."""

    _inherit = "mail.activity"

    def write(self, vals):
        result = super().write(vals)
        if "date_deadline" in vals and not self.env.context.get("touchpoint_plan"):
            self._get_touchpoints()._follow_entries("activity_id")
        return result

    def unlink(self):
        """Let the touchpoints of cancelled activities be offered again."""
        touchpoints = self._get_touchpoints()
        result = super().unlink()
        if not self.env.context.get("touchpoint_plan"):
            touchpoints._offer_anew()
        return result

    def _action_done(self, feedback=False, attachment_ids=False):
        # sudo: whoever makes the call need not be the account manager
        touchpoints = self.env["client.touchpoint"].sudo()
        documents = touchpoints._get_document_queries()
        of_clients = self.filtered(lambda one: one.res_model in documents)
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        if of_clients and not self.env.context.get("touchpoint_plan"):
            touchpoints._fulfil_from_activities(of_clients)
        return result

    def _get_touchpoints(self):
        """Return the open touchpoints of these activities."""
        # sudo: touchpoints follow whoever may change the activity
        return (
            self.env["client.touchpoint"]
            .sudo()
            .search([("activity_id", "in", self.ids), ("is_open", "=", True)])
        )
