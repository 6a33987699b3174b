from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import LazyTranslate

from .client_tier_cadence import CHANNELS

_lt = LazyTranslate(__name__)

#: Name of the group of touchpoints without an account manager.
NOBODY = _lt("Nobody")
#: Fields that an account manager may write; all others are written by the plan.
WRITABLE = frozenset({"date_planned", "note", "agreed"})
#: Why a touchpoint is not on a day as it should be; the words of :mod:`tools.spread`.
PLACEMENT_REASONS = [
    ("no_working_day", "Nobody works around the due date"),
    ("capacity", "The days around it are full"),
    ("same_week", "Another contact with the client in the same week"),
    ("overdue", "Its time is over; it is offered again"),
]


class ClientTouchpoint(models.Model):
    """One contact that one client is owed: "call, 2026, 2 of 4".

    Client, company, cadence, year and number identify it for ever, see
    :mod:`tools.rhythm`. ``is_open`` tells whether it is still to be held: one that was
    missed is offered again until the time of the next one has come.

    How they are planned is in :mod:`client_touchpoint_plan`, how they get into the
    calendar in :mod:`client_touchpoint_calendar`, how one is fulfilled by what took
    place in :mod:`client_touchpoint_fulfil`, and how they follow their client and
    manager in :mod:`client_touchpoint_follow`.
    """

    _name = "client.touchpoint"
    _description = "Client Touchpoint"
    _order = "date_planned, id"
    _rec_name = "partner_id"

    # What is owed
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    cadence_id = fields.Many2one(
        comodel_name="client.tier.cadence",
        readonly=True,
        ondelete="set null",
    )
    tier_id = fields.Many2one(
        comodel_name="client.tier",
        readonly=True,
        ondelete="restrict",
        help="The tier for which it is owed.",
    )
    tier_color = fields.Integer(related="tier_id.color")
    channel = fields.Selection(selection=CHANNELS, required=True, readonly=True)
    year = fields.Integer(required=True, readonly=True, aggregator=None)
    number = fields.Integer(
        required=True,
        readonly=True,
        aggregator=None,
        help="Which one it is of those of the year.",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        readonly=True,
        ondelete="set null",
        falsy_value_label=NOBODY,
    )
    keep_user = fields.Boolean(
        string="Stays with the Manager",
        readonly=True,
        help="It was left with the former account manager when the client was handed "
        "over.",
    )
    agenda = fields.Html(related="cadence_id.agenda")
    hours = fields.Float(
        readonly=True,
        help="Hours that it takes the account manager, preparation included.",
    )

    # When
    date_due = fields.Date(string="Due", required=True, readonly=True)
    window_start = fields.Date(string="From", required=True, readonly=True)
    window_end = fields.Date(string="To", required=True, readonly=True)
    date_planned = fields.Date(string="Planned", required=True)
    reason = fields.Selection(
        selection=PLACEMENT_REASONS,
        string="Remark",
        readonly=True,
        help="Why the day is not as it should be.",
    )
    agreed = fields.Boolean(
        help="The day is fixed: the plan does not move it, and a meeting counts as "
        "held once it is over. Set by inviting the client, and by whoever moves it.",
    )
    invited_on = fields.Datetime(string="Invited", readonly=True)

    # What became of it
    state = fields.Selection(
        selection=[
            ("planned", "Planned"),
            ("done", "Done"),
            ("missed", "Missed"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="planned",
        readonly=True,
    )
    is_open = fields.Boolean(
        string="Open", default=True, readonly=True, help="It is still to be held."
    )
    withdrawn = fields.Boolean(
        readonly=True,
        help="It was cancelled because the client is no longer owed it; it comes back "
        "when that changes.",
    )
    cancel_reason = fields.Char(string="Why Cancelled", readonly=True)
    note = fields.Char()
    date_done = fields.Date(string="Held On", readonly=True)
    activity_id = fields.Many2one(
        comodel_name="mail.activity",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    event_id = fields.Many2one(
        comodel_name="calendar.event",
        string="Meeting",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    touch_model = fields.Char(
        readonly=True, help="The model of the record that fulfilled it."
    )
    touch_id = fields.Many2oneReference(
        model_field="touch_model", string="Fulfilled By", readonly=True
    )

    # Adherence, for pivot and graph
    owed = fields.Integer(compute="_compute_adherence", store=True)
    held = fields.Integer(compute="_compute_adherence", store=True)
    adherence = fields.Float(
        string="Adherence %",
        compute="_compute_adherence",
        store=True,
        aggregator="avg",
        help="Of those that were owed, how many were held.",
    )
    needs_answer = fields.Boolean(
        string="Held or Not?",
        compute="_compute_needs_answer",
        search="_search_needs_answer",
        help="The time of a proposed meeting is over, and nobody has said whether it "
        "took place.",
    )

    # Finds the touchpoints of a client, too. Cadences and tiers are seldom deleted, and
    # have no index: a first plan inserts a year of touchpoints of all clients.
    _slot_uniq = models.Constraint(
        "UNIQUE(partner_id, company_id, cadence_id, year, number)",
        "This touchpoint exists already.",
    )
    _touch_uniq = models.UniqueIndex(
        "(touch_model, touch_id, partner_id) WHERE touch_id IS NOT NULL",
        "This contact counts for another touchpoint of the client already.",
    )
    _owner_idx = models.Index("(user_id, date_planned) WHERE is_open")
    _company_idx = models.Index("(company_id, state, date_due)")
    _number_positive = models.Constraint(
        "CHECK(number > 0 AND hours >= 0)", "Number and hours must not be negative."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("state")
    def _compute_adherence(self):
        for touchpoint in self:
            touchpoint.owed = touchpoint.state in ("done", "missed")
            touchpoint.held = touchpoint.state == "done"
            touchpoint.adherence = 100.0 * touchpoint.held

    @api.depends("is_open", "event_id", "agreed", "date_planned")
    def _compute_needs_answer(self):
        today = fields.Date.context_today(self)
        for touchpoint in self:
            touchpoint.needs_answer = (
                touchpoint.is_open
                and touchpoint.event_id
                and not touchpoint.agreed
                and touchpoint.date_planned < today
            )

    def _search_needs_answer(self, operator, value):
        if operator != "in":
            return NotImplemented
        asked = Domain(
            [
                ("is_open", "=", True),
                ("event_id", "!=", False),
                ("agreed", "=", False),
                ("date_planned", "<", fields.Date.context_today(self)),
            ]
        )
        return Domain.OR([asked if wanted else ~asked for wanted in value])

    @api.depends("partner_id", "channel", "year", "number")
    def _compute_display_name(self):
        labels = dict(self._fields["channel"]._description_selection(self.env))
        for touchpoint in self:
            touchpoint.display_name = self.env._(
                "%(client)s: %(channel)s, %(number)s of %(year)s",
                channel=labels.get(touchpoint.channel, ""),
                number=touchpoint.number,
                year=touchpoint.year,
                client=touchpoint.partner_id.display_name or "",
            )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        """Let account managers change the day and a note only; the calendar follows.

        :raises AccessError: somebody who is no Sales administrator writes anything else
        """
        if not (vals.keys() <= WRITABLE or self._is_administered()):
            raise AccessError(
                self.env._(
                    "Touchpoints are written by the plan. Use the buttons to say what "
                    "became of one, or move it to another day."
                )
            )
        moves = "date_planned" in vals and not self.env.context.get("touchpoint_plan")
        if not moves:
            return super().write(vals)
        if any(not touchpoint.is_open for touchpoint in self):
            raise UserError(
                self.env._("A touchpoint that is closed is not moved any more.")
            )
        result = super().write({"agreed": True, **vals})
        # sudo: the meeting or activity follows whoever may move the touchpoint
        self.sudo()._move_entries()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        if any(touchpoint.state == "done" for touchpoint in self):
            raise UserError(
                self.env._("A touchpoint that was held is part of the client's record.")
            )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_done(self, day=None, note=None):
        """Mark these touchpoints as held.

        :param day: when, today by default
        :raises UserError: the day lies in the future, or one is cancelled
        """
        day = fields.Date.to_date(day) or fields.Date.context_today(self)
        if day > fields.Date.context_today(self):
            raise UserError(self.env._("What lies in the future was not held yet."))
        touchpoints = self._get_for_action()
        if any(touchpoint.state == "cancelled" for touchpoint in touchpoints):
            raise UserError(
                self.env._("A cancelled touchpoint cannot be held: offer it again.")
            )
        for touchpoint in touchpoints.filtered("is_open"):
            touchpoint._hold(day, note)
        touchpoints._replan_soon()
        return True

    def action_cancel(self, reason=None):
        """Skip these touchpoints: they are not owed any more.

        :param reason: why, for colleagues
        """
        touchpoints = self._get_for_action().filtered("is_open")
        touchpoints.with_context(touchpoint_plan=True).write(
            {
                "state": "cancelled",
                "is_open": False,
                "withdrawn": False,
                "cancel_reason": reason,
            }
        )
        touchpoints._remove_entries()
        touchpoints._replan_soon()
        return True

    def action_offer_again(self):
        """Open cancelled touchpoints again."""
        touchpoints = self._get_for_action().filtered(
            lambda one: one.state == "cancelled"
        )
        today = fields.Date.context_today(self)
        for touchpoint in touchpoints.with_context(touchpoint_plan=True):
            touchpoint.write(
                {
                    "state": "planned",
                    "is_open": True,
                    "withdrawn": False,
                    "agreed": False,
                    "cancel_reason": False,
                    "date_planned": max(touchpoint.date_planned, today),
                }
            )
        touchpoints._replan_soon()
        return True

    def action_reschedule(self, day):
        """Move these touchpoints to another day, with their meeting or activity.

        :raises UserError: the day is over
        """
        day = fields.Date.to_date(day)
        if day < fields.Date.context_today(self):
            raise UserError(self.env._("Choose a day that is not over yet."))
        self._get_for_action().write({"date_planned": day})
        return True

    def action_agree(self):
        """Tell the plan that the day is agreed with the client."""
        self._get_for_action().write({"agreed": True})
        return True

    def action_invite(self):
        """Send the client the invitation to the meeting, and fix its day."""
        touchpoints = self._get_for_action()
        events = touchpoints.filtered("is_open").event_id
        if not events:
            raise UserError(
                self.env._("There is no meeting in the calendar yet to invite to.")
            )
        if any(event.stop < fields.Datetime.now() for event in events):
            raise UserError(
                self.env._("The meeting is over: move it to another day first.")
            )
        touchpoints.filtered("event_id").write(
            {"invited_on": fields.Datetime.now(), "agreed": True}
        )
        attendees = events.attendee_ids.filtered(
            lambda one: not one.partner_id.user_ids
        )
        missing = attendees.filtered(lambda one: not one.email)
        if missing or not attendees:
            raise UserError(
                self.env._(
                    "Nobody of the client can be invited: add a contact with an email "
                    "address to the meeting."
                )
            )
        # As the user: the invitation comes from who pressed the button.
        attendees.with_env(self.env)._send_invitation_emails()
        return True

    def action_open_entry(self):
        """Open the meeting, or else the client with the activity."""
        self.ensure_one()
        return (self.event_id or self.partner_id)._get_records_action(context={})

    def action_open_touch(self):
        """Open what fulfilled the touchpoint."""
        self.ensure_one()
        if not self.touch_id or self.touch_model not in self.env:
            return self.action_open_entry()
        touch = self.env[self.touch_model].browse(self.touch_id)
        return touch._get_records_action(context={})

    def action_view_client(self):
        """Open the client."""
        self.ensure_one()
        return self.partner_id.get_formview_action()

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _is_administered(self):
        """Return whether the user may write every field."""
        return self.env.su or self.env.user.has_group("sales_team.group_sale_manager")

    def _get_for_action(self):
        """Return these touchpoints to be written by a button.

        :raises AccessError: the user may not write one of them
        """
        self.check_access("write")
        # sudo: the buttons write fields that are not written by hand
        return self.sudo()

    def _hold(self, day, note=None):
        """Mark one touchpoint as held by hand, and close its activity."""
        self.ensure_one()
        activity, event = self.activity_id, self.event_id
        touch = activity or (
            event if event.stop and self._get_day(event) <= day else None
        )
        self._close_as_done(day, touch)
        if note:
            self.with_context(touchpoint_plan=True).note = note
        if activity:
            # As the user: the message in the chatter is his.
            own = activity.with_env(self.env(su=False))
            own.with_context(touchpoint_plan=True)._action_done(feedback=note)
        elif event and not touch:
            self._remove_entries()

    def _close_as_done(self, day, touch=None):
        """Write that these touchpoints were held on a day.

        :param touch: the record that shows it
        """
        self.with_context(touchpoint_plan=True).write(
            {
                "state": "done",
                "is_open": False,
                "reason": False,
                "date_done": day,
                "touch_model": touch and touch._name,
                "touch_id": touch and touch.id,
            }
        )

    @api.model
    def _get_week_domain(self, today):
        """Return the domain of what is open until Sunday."""
        sunday = today + timedelta(days=6 - today.weekday())
        return Domain("is_open", "=", True) & Domain("date_planned", "<=", sunday)
