from odoo import models


class CalendarAttendee(models.Model):
    """Clients hear of a proposed meeting when they are invited, not before."""

    _inherit = "calendar.attendee"

    def _notify_attendees(self, mail_template, notify_author=False, force_send=False):
        return super(CalendarAttendee, self - self._get_uninvited())._notify_attendees(
            mail_template, notify_author=notify_author, force_send=force_send
        )

    def _get_uninvited(self):
        """Return those who are no users, of proposed meetings that they have not been
        invited to."""
        # sudo: the rule holds for whoever changes the meeting
        proposed = (
            self.env["client.touchpoint"]
            .sudo()
            .search([("event_id", "in", self.event_id.ids), ("invited_on", "=", False)])
        )
        return self.filtered(
            lambda one: (
                one.event_id in proposed.event_id
                and not one.partner_id.sudo().user_ids.filtered(
                    lambda user: not user.share
                )
            )
        )
