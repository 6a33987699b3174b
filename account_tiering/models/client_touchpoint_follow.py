from odoo import models


class ClientTouchpoint(models.Model):
    """Following: what is open goes along with its entry in the calendar, its client and
    its account manager."""

    _inherit = "client.touchpoint"

    def _follow_entries(self, field):
        """Take over the days to which somebody has moved the meetings or activities of
        these touchpoints; the plan leaves them there.

        :param field: ``event_id`` or ``activity_id``
        """
        moved = self.with_context(touchpoint_plan=True)
        for touchpoint in moved:
            entry = touchpoint[field]
            day = self._get_day(entry) if field == "event_id" else entry.date_deadline
            touchpoint.write({"date_planned": day, "agreed": True})
        moved._replan_soon()

    def _offer_anew(self):
        """Let touchpoints whose meeting or activity was cancelled be planned again."""
        self.with_context(touchpoint_plan=True).write(
            {
                "agreed": False,
                "invited_on": False,
                "event_id": False,
                "activity_id": False,
            }
        )
        self._replan_soon()
