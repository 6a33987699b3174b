from odoo import api, models
from odoo.tools import format_date


class ClientTouchpoint(models.Model):
    """Following: what is open goes along with its entry in the calendar, its client and
    its account manager."""

    _inherit = "client.touchpoint"

    # ------------------------------------------------------------
    # ENTRIES
    # ------------------------------------------------------------

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

    # ------------------------------------------------------------
    # ACCOUNT MANAGERS
    # ------------------------------------------------------------

    @api.model
    def _follow_managers(self, partners, only_future=False):
        """Hand the open touchpoints of clients over to their account managers, and tell
        those.

        :param partners: clients whose account manager has changed
        :param only_future: leave with the former manager what is in his calendar
            already
        :returns: the touchpoints that were handed over
        """
        handed = self.search(
            [("partner_id", "in", partners.ids), ("is_open", "=", True)]
        ).filtered(lambda one: one.user_id != one._get_manager())
        if only_future:
            kept = handed.filtered(lambda one: one.event_id or one.activity_id)
            kept.with_context(touchpoint_plan=True).keep_user = True
            handed -= kept
        handed = handed.with_context(touchpoint_plan=True)
        for user, some in handed.grouped(lambda one: one._get_manager()).items():
            some.write({"user_id": user.id, "keep_user": False})
        # Proposals are made anew, at times that are free for the new manager.
        proposed = handed.filtered(lambda one: one.event_id and not one.agreed)
        proposed._remove_entries()
        (handed - proposed)._move_entries()
        for user, some in handed.grouped("user_id").items():
            if user and user != self.env.user:
                some._notify_manager(user)
        handed._replan_soon()
        return handed

    def _get_manager(self):
        """Return who manages the client of a touchpoint in its company."""
        return self.partner_id._get_account_manager(self.company_id)

    def _notify_manager(self, user):
        """Tell a manager which touchpoints he has been handed over, in one message."""
        localized = self.with_context(lang=user.lang)
        clients = self.partner_id
        first = min(self.mapped("date_planned"))
        # sudo: whoever hands clients over need not have the right to post
        self.env["mail.thread"].sudo().message_notify(
            partner_ids=user.partner_id.ids,
            subject=localized.env._("Clients were handed over to you"),
            body=localized.env._(
                "%(touchpoints)s planned touchpoints with %(count)s clients are yours "
                "now: %(names)s. The first one is on %(day)s.",
                touchpoints=len(self),
                count=len(clients),
                names=", ".join(clients[:10].mapped("display_name"))
                + (" …" if len(clients) > 10 else ""),
                day=format_date(localized.env, first, lang_code=user.lang),
            ),
        )

    # ------------------------------------------------------------
    # CLIENTS
    # ------------------------------------------------------------

    @api.model
    def _follow_archived(self, partners):
        """Withdraw what archived clients are owed no more."""
        self.search(
            [("partner_id", "in", partners.ids), ("is_open", "=", True)]
        )._withdraw(self.env._("The client is archived"))

    @api.model
    def _merge_clients(self, sources, target):
        """Give the touchpoints of clients to the one that they become.

        What was held stays; of two touchpoints of the same slot the one that was held,
        or the target's, is kept. One that was held, too, is kept apart from its
        cadence.

        :param sources: ``res.partner`` that cease to be clients of their own
        :param target: the client that they become
        """
        touchpoints = self.search([("partner_id", "in", (sources | target).ids)])
        moved = touchpoints.filtered(lambda one: one.partner_id != target)
        slots = {
            one._get_slot(): one for one in touchpoints if one.partner_id == target
        }
        touches = {
            (one.touch_model, one.touch_id)
            for one in touchpoints
            if one.partner_id == target and one.touch_id
        }
        for touchpoint in moved.sorted(lambda one: (one.state != "done", one.id)):
            other = slots.get(touchpoint._get_slot())
            values = {"partner_id": target.id}
            if (touchpoint.touch_model, touchpoint.touch_id) in touches:
                values |= {"touch_model": False, "touch_id": False}
            touches.add((touchpoint.touch_model, touchpoint.touch_id))
            if touchpoint.state == "done" and other and other.state == "done":
                values["cadence_id"] = False
            elif touchpoint.state == "done" and other:
                other._remove_entries()
                other.unlink()
            elif other:
                touchpoint._remove_entries()
                touchpoint.unlink()
                continue
            touchpoint.with_context(touchpoint_plan=True).write(values)
            touchpoint.flush_recordset()
            slots.setdefault(touchpoint._get_slot(), touchpoint)
        moved.exists()._replan_soon()

    def _get_slot(self):
        return self.company_id, self.cadence_id, self.year, self.number
