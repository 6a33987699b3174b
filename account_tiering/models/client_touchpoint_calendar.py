from collections import defaultdict
from datetime import UTC, datetime, time, timedelta

import pytz
from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.tools import SQL, is_html_empty, split_every

from ..tools.free_time import STEP, find_time, intersect
from .client_tier_cadence import ACTIVITY_TYPES

#: Meetings and activities that are made at once; Odoo is slower with more.
ENTRIES = 1000
#: Channels that get an activity.
ACTIVITY_CHANNELS = ("call", "other")


class ClientTouchpoint(models.Model):
    """The calendar: working hours of account managers, and the meetings and activities
    that touchpoints become."""

    _inherit = "client.touchpoint"

    # ------------------------------------------------------------
    # WORKING HOURS
    # ------------------------------------------------------------

    @api.model
    def _get_work(self, company, users, first, last):
        """Return the working time of users in a company.

        It is that of their resource in the company, or else of the company, without
        holidays and time off. Whoever has no working hours at all has none here.

        :param users: ``res.users``
        :param first: first day
        :param last: last day
        :returns: {user id: [(start, end), aware, in the user's time zone]}; the
            company's own under False
        """
        # sudo: whoever plans needs the hours, not the resources
        resources = self.env["resource.resource"].sudo()
        resources = resources.search(
            [("user_id", "in", users.ids), ("company_id", "=", company.id)]
        )
        by_user = {resource.user_id.id: resource for resource in resources}
        default = company.sudo().resource_calendar_id
        start = datetime.combine(first, time.min, UTC) - timedelta(days=1)
        end = datetime.combine(last, time.max, UTC) + timedelta(days=1)
        by_calendar = defaultdict(lambda: resources.browse())
        for resource in by_user.values():
            by_calendar[resource.calendar_id or default] |= resource
        work = {}
        for calendar, some in by_calendar.items():
            found = calendar and calendar._work_intervals_batch(start, end, some)
            for resource in some:
                work[resource.user_id.id] = _cut(
                    found and found[resource.id], resource.tz, first, last
                )
        found = default and default._work_intervals_batch(start, end)[False]
        work[False] = _cut(found, default.tz or "UTC", first, last)
        for user in users:
            work.setdefault(user.id, work[False])
        return work

    @api.model
    def _get_hours(self, company, users, first, last):
        """Return {user id: {day: working hours}}; those of the company under False."""
        hours = {}
        for user, intervals in self._get_work(company, users, first, last).items():
            days = hours[user] = defaultdict(float)
            for start, end in intervals:
                days[start.date()] += (end - start).total_seconds() / 3600
        return {user: dict(days) for user, days in hours.items()}

    # ------------------------------------------------------------
    # MAKING
    # ------------------------------------------------------------

    def _make_entries(self, company, clients, today):
        """Make the meetings and activities of the next weeks that are not there yet.

        :param clients: ids of clients
        :returns: how many were made
        """
        missing = self.search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "in", list(clients)),
                ("is_open", "=", True),
                ("user_id", "!=", False),
                ("channel", "in", ("meeting", *ACTIVITY_CHANNELS)),
                ("date_planned", "<=", today + timedelta(weeks=company.touch_weeks)),
                ("activity_id", "=", False),
                ("event_id", "=", False),
            ],
            order="date_planned, user_id, id",
        )
        meetings = missing.filtered(lambda one: one.channel == "meeting")
        for ids in split_every(ENTRIES, meetings.ids):
            self.browse(ids)._create_events(company)
        for ids in split_every(ENTRIES, (missing - meetings).ids):
            self.browse(ids)._create_activities()
        return len(missing)

    def _create_activities(self):
        """Create the activities of these touchpoints, and link them."""
        if not self:
            return
        model_id = self.env["ir.model"]._get_id("res.partner")
        contacts = self._get_contacts()
        activities = (
            self.env["mail.activity"]
            # No mail for each of them: the digest tells, and they are in the list.
            .with_context(mail_activity_quick_update=True, touchpoint_plan=True)
            .create(
                [
                    touchpoint._prepare_activity(
                        model_id, contacts.get(touchpoint.partner_id.id)
                    )
                    for touchpoint in self._localize()
                ]
            )
        )
        self._link_entries("activity_id", activities)

    def _create_events(self, company):
        """Create the meetings of these touchpoints at free times, and link them."""
        if not self:
            return
        model_id = self.env["ir.model"]._get_id("res.partner")
        contacts = self._get_contacts()
        times = self._find_times(company)
        events = (
            self.env["calendar.event"]
            .with_context(**self._get_event_context())
            .create(
                [
                    touchpoint._prepare_event(
                        model_id,
                        contacts.get(touchpoint.partner_id.id),
                        times[touchpoint.id],
                    )
                    for touchpoint in self._localize()
                ]
            )
        )
        self._link_entries("event_id", events)

    def _link_entries(self, column, entries):
        """Write which record each of these touchpoints has become."""
        self.env.flush_all()
        # Raw SQL: another value for each of a thousand rows.
        self.env.cr.execute(
            SQL(
                """
                UPDATE client_touchpoint touchpoint SET %(column)s = made.entry
                  FROM unnest(%(ids)s, %(entries)s) AS made (id, entry)
                 WHERE touchpoint.id = made.id
                """,
                column=SQL.identifier(column),
                ids=list(self.ids),
                entries=list(entries.ids),
            )
        )
        self.invalidate_recordset([column])

    @api.model
    def _get_event_context(self):
        """Return the context in which meetings are made and moved: silently."""
        return {
            "touchpoint_plan": True,
            "skip_contact_description": True,
            "no_mail_to_attendees": True,
            "skip_attendee_notification": True,
            "mail_create_nolog": True,
            "mail_create_nosubscribe": True,
            "mail_notrack": True,
        }

    def _prepare_activity(self, model_id, contact):
        """Return the values of the activity of one touchpoint.

        :param model_id: id of the ``ir.model`` of clients
        :param contact: whom to call, a ``res.partner``
        """
        cadence = self.cadence_id
        type_ = cadence.activity_type_id or self.env.ref(ACTIVITY_TYPES[self.channel])
        return {
            "res_model_id": model_id,
            "res_id": self.partner_id.id,
            "activity_type_id": type_.id,
            "summary": self._get_summary(),
            "note": self._get_agenda(contact),
            "date_deadline": self.date_planned,
            "user_id": self.user_id.id,
            "automated": True,
        }

    def _prepare_event(self, model_id, contact, when):
        """Return the values of the meeting of one touchpoint.

        :param contact: whom to meet, a ``res.partner``
        :param when: (start, stop), naive UTC
        """
        people = self._get_people().partner_id | (contact or self.partner_id)
        return {
            "name": self._get_summary(),
            "start": when[0],
            "stop": when[1],
            "user_id": self.user_id.id,
            "partner_ids": [Command.set(people.ids)],
            "attendee_ids": [
                Command.create(
                    {
                        "partner_id": person.id,
                        "state": "accepted"
                        if person == self.user_id.partner_id
                        else "needsAction",
                    }
                )
                for person in people
            ],
            "alarm_ids": [Command.set(self.cadence_id.alarm_ids.ids)],
            # The description goes to the client with the invitation, notes do not.
            "description": self.cadence_id.agenda,
            "notes": self._get_agenda(contact),
            "res_model_id": model_id,
            "res_id": self.partner_id.id,
        }

    def _localize(self):
        """Return these touchpoints as a list, each in the language of its owner."""
        localized = {
            one.id: one
            for lang, some in self.grouped(lambda one: one.user_id.lang).items()
            for one in some.with_context(lang=lang)
        }
        return [localized[id_] for id_ in self.ids]

    def _get_summary(self):
        """Return the title of the meeting or activity, see :meth:`_localize`."""
        _ = self.env._
        client = self.partner_id.name or ""
        if self.channel == "meeting":
            return _("Meeting with %s", client)
        if self.channel == "call":
            return _("Call %s", client)
        return _("Get in touch with %s", client)

    def _get_agenda(self, contact):
        """Return what the meeting or call is about, and what helps to prepare it, see
        :meth:`_localize`."""
        agenda = self.cadence_id.agenda
        parts = [] if is_html_empty(agenda) else [agenda]
        lines = [
            Markup("<b>%s</b>: %s") % (label, text)
            for label, text in self._get_agenda_data(contact)
        ]
        if lines:
            parts.append(Markup("<p>%s</p>") % Markup("<br/>").join(lines))
        return Markup("").join(map(Markup, parts))

    def _get_agenda_data(self, contact):
        """Return [(label, text)] of the client's data that an agenda ends with."""
        client, _ = self.partner_id, self.env._
        person = contact or client
        data = []
        if person != client:
            data.append((_("Contact"), person.name))
        if phone := person.phone or client.phone:
            data.append((_("Phone"), phone))
        if email := person.email or client.email:
            data.append((_("Email"), email))
        data.append((_("Tier"), self.tier_id.name))
        return data

    def _get_contacts(self):
        """Return {client id: whom to meet or call}: the first of the client's people
        with an email address, or else with a phone number."""
        # sudo: contacts of a client whom the plan covers
        people = (
            self.env["res.partner"]
            .sudo()
            .search(
                [
                    ("parent_id", "in", self.partner_id.ids),
                    ("type", "=", "contact"),
                    ("is_company", "=", False),
                ],
                order="id",
            )
        )
        contacts = {}
        for client, own in people.grouped("parent_id").items():
            contacts[client.id] = own.sorted(
                lambda one: (not one.email, not one.phone, one.id)
            )[:1]
        return contacts

    # ------------------------------------------------------------
    # TIMES
    # ------------------------------------------------------------

    def _find_times(self, company):
        """Return {id: (start, stop), naive UTC} within the working hours of the day at
        which these meetings disturb no other, for all of us who take part.

        Where they have no working hours in common, those of the account manager count.
        """
        first, last = min(self.mapped("date_planned")), max(self.mapped("date_planned"))
        users = self._get_people()
        work = self._get_work(company, users, first, last)
        busy = self._get_busy(users, first, last)
        times, made = {}, defaultdict(list)
        near = [timedelta(days=days) for days in (-1, 0, 1)]
        # Days begin and end where the account manager is.
        for user, some in self.grouped("user_id").items():
            zone = self._get_zone(user)
            people = some._get_people()
            working = {one: _split_days(work[one.id], zone) for one in people}
            taken = {
                one: _split_days(busy.get(one.partner_id.id, ()), zone)
                for one in people
            }
            for touchpoint in some.sorted(lambda one: (one.date_planned, one.id)):
                day = touchpoint.date_planned
                minutes = max(round(touchpoint.cadence_id.duration * 60), 15)
                people = touchpoint._get_people()
                common = working[user].get(day, [])
                for other in people - user:
                    common = intersect(common, working[other].get(day, ()))
                own = [slot for one in people for slot in taken[one].get(day, ())]
                new = [
                    slot
                    for one in people
                    for days in near
                    for slot in made[one, day + days]
                ]
                if new:
                    own += _split_days(new, zone)[day]
                first = self._get_first_minute(day, zone)
                common = common or working[user].get(day, [])
                at, _is_free = find_time(
                    intersect(common, [(first, 24 * 60)]), own, minutes
                )
                at = max(at, first)
                start = zone.localize(
                    datetime.combine(day, time.min) + timedelta(minutes=at)
                ).astimezone(UTC)
                stop = start + timedelta(minutes=minutes)
                for one in people:
                    made[one, start.date()].append((start, stop))
                times[touchpoint.id] = (
                    start.replace(tzinfo=None),
                    stop.replace(tzinfo=None),
                )
        return times

    @api.model
    def _get_first_minute(self, day, zone):
        """Return the minute of a day from which on something can still begin: today
        that is the next quarter of an hour."""
        now = fields.Datetime.now().replace(tzinfo=UTC).astimezone(zone)
        if day > now.date():
            return 0
        return -(-(now.hour * 60 + now.minute + 1) // STEP) * STEP

    def _get_people(self):
        """Return the users who take part in these, account managers first."""
        shared = self.filtered(lambda one: one.cadence_id.owner == "both")
        directors = (company._get_director() for company in shared.company_id)
        return self.user_id.union(*directors)

    def _get_busy(self, users, first, last):
        """Return {partner id: [(start, end), aware]} of these users' meetings."""
        partners = users.partner_id
        # sudo: that somebody is busy is no secret, and nothing else is read
        attendees = (
            self.env["calendar.attendee"]
            .sudo()
            .search_fetch(
                [
                    ("partner_id", "in", partners.ids),
                    ("state", "!=", "declined"),
                    ("event_id.active", "=", True),
                    ("event_id.show_as", "=", "busy"),
                    ("event_id.stop", ">=", first - timedelta(days=1)),
                    ("event_id.start", "<=", last + timedelta(days=2)),
                ],
                ["partner_id", "event_id"],
            )
        )
        attendees.event_id.fetch(["start", "stop", "allday"])
        busy = defaultdict(list)
        for attendee in attendees:
            event = attendee.event_id
            busy[attendee.partner_id.id].append(
                (event.start.replace(tzinfo=UTC), event.stop.replace(tzinfo=UTC))
            )
        return dict(busy)

    @api.model
    def _get_zone(self, user):
        """Return the time zone in which a manager's days begin and end."""
        # sudo: the zone alone of working hours
        return pytz.timezone(
            user.tz or self.env.company.sudo().resource_calendar_id.tz or "UTC"
        )

    @api.model
    def _get_day(self, event):
        """Return the day of a meeting, where its organizer is."""
        if event.allday:
            return event.start_date
        zone = self._get_zone(event.user_id)
        return pytz.utc.localize(event.start).astimezone(zone).date()

    # ------------------------------------------------------------
    # MOVING AND REMOVING
    # ------------------------------------------------------------

    def _move_entries(self):
        """Let the meetings and activities of these touchpoints be on their days, and
        with their managers."""
        self._remove_entries_of_nobody()
        context = self._get_event_context()
        for (day, user), some in (
            self.filtered("activity_id")
            .grouped(lambda one: (one.date_planned, one.user_id))
            .items()
        ):
            activities = some.activity_id.with_context(
                mail_activity_quick_update=True, touchpoint_plan=True
            )
            late = activities.filtered(lambda one, day=day: one.date_deadline != day)
            late.write({"date_deadline": day})
            others = activities.filtered(lambda one, user=user: one.user_id != user)
            others.write({"user_id": user.id})
        meetings = self.filtered("event_id")
        for company, some in meetings.grouped("company_id").items():
            moved = some.filtered(
                lambda one: (
                    self._get_day(one.event_id) != one.date_planned
                    or one.event_id.user_id != one.user_id
                )
            )
            times = moved._find_times(company) if moved else {}
            for touchpoint in moved:
                event = touchpoint.event_id.with_context(**context)
                values = {}
                if self._get_day(event) != touchpoint.date_planned:
                    values["start"], values["stop"] = times[touchpoint.id]
                if event.user_id != touchpoint.user_id:
                    values["user_id"] = touchpoint.user_id.id
                    values["partner_ids"] = [
                        Command.unlink(event.user_id.partner_id.id),
                        Command.link(touchpoint.user_id.partner_id.id),
                    ]
                event.write(values)

    def _remove_entries_of_nobody(self):
        """Take out of the calendars what has no account manager any more."""
        self.filtered(
            lambda one: not one.user_id and (one.activity_id or one.event_id)
        )._remove_entries()

    def _remove_entries(self):
        """Remove the meetings and activities of these touchpoints.

        A meeting to which the client was invited stays: a human tells him.
        """
        activities, events = self.activity_id, self.event_id
        kept = self.filtered("invited_on").event_id
        self.with_context(touchpoint_plan=True).write(
            {"activity_id": False, "event_id": False}
        )
        activities.filtered("active").with_context(touchpoint_plan=True).unlink()
        (events - kept).with_context(**self._get_event_context()).unlink()


def _cut(intervals, zone, first, last):
    """Return the intervals of these days as [(start, end)] in a time zone."""
    zone = pytz.timezone(zone or "UTC")
    local = (
        (start.astimezone(zone), end.astimezone(zone))
        for start, end, _meta in intervals or ()
    )
    return [(start, end) for start, end in local if first <= start.date() <= last]


def _split_days(intervals, zone):
    """Return aware intervals as {day: [(start, end) in minutes from midnight]} of a
    time zone, each interval cut where a day ends."""
    days = defaultdict(list)
    for start, end in intervals:
        start, end = start.astimezone(zone), end.astimezone(zone)
        day = start.date()
        while day <= end.date():
            first = start.hour * 60 + start.minute if day == start.date() else 0
            last = end.hour * 60 + end.minute if day == end.date() else 24 * 60
            if first < last:
                days[day].append((first, last))
            day += timedelta(days=1)
    return days
