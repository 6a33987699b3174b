from odoo import api, fields, models

TIME_FIELDS = frozenset({"start", "stop", "start_date", "stop_date", "allday"})


class CalendarEvent(models.Model):
    """Meetings of touchpoints: held ones fulfil them, moved ones move them."""

    _inherit = "calendar.event"

    touchpoint_ids = fields.One2many(
        comodel_name="client.touchpoint",
        inverse_name="event_id",
        string="Touchpoints",
        groups="sales_team.group_sale_salesman",
    )

    @api.model_create_multi
    def create(self, vals_list):
        events = super().create(vals_list)
        if not self.env.context.get("touchpoint_plan"):
            # A meeting is often entered when it is over.
            now = fields.Datetime.now()
            events.filtered(lambda one: one.stop and one.stop <= now)._note_held()
        return events

    def write(self, vals):
        names = set(vals)
        result = super().write(vals)
        if self.env.context.get("touchpoint_plan"):
            return result
        if names & TIME_FIELDS:
            self._get_touchpoints()._follow_entries("event_id")
        if vals.get("active") is False:
            self._get_touchpoints()._offer_anew()
        elif names & (TIME_FIELDS | {"partner_ids", "attendee_ids", "active"}):
            now = fields.Datetime.now()
            self.filtered(lambda one: one.stop and one.stop <= now)._note_held()
        return result

    def unlink(self):
        """Let the touchpoints of cancelled meetings be offered again."""
        touchpoints = self._get_touchpoints()
        result = super().unlink()
        if not self.env.context.get("touchpoint_plan"):
            touchpoints._offer_anew()
        return result

    @api.model
    def _get_activity_excluded_models(self):
        """A meeting of a touchpoint needs no activity beside it."""
        excluded = super()._get_activity_excluded_models()
        if self.env.context.get("touchpoint_plan"):
            return [*excluded, "res.partner"]
        return excluded

    def _get_touchpoints(self):
        """Return the open touchpoints of these meetings."""
        # sudo: touchpoints follow whoever may change the meeting
        return (
            self.env["client.touchpoint"]
            .sudo()
            .search([("event_id", "in", self.ids), ("is_open", "=", True)])
        )

    def _note_held(self):
        """Let these meetings, which are over, fulfil touchpoints."""
        if self:
            # sudo: whoever enters the meeting need not be the account manager
            self.env["client.touchpoint"].sudo()._fulfil_from_events(self)
