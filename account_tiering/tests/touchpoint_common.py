from datetime import UTC, datetime, time, timedelta

from freezegun import freeze_time

from odoo import Command, fields

from .common import TieringCommon


class TouchpointCommon(TieringCommon):
    """A Monday in March, and one manager with a client of each tier."""

    TODAY = "2026-03-02"

    @classmethod
    def setUpClass(cls):
        frozen = freeze_time(f"{cls.TODAY} 08:00:00")
        frozen.start()
        cls.addClassCleanup(frozen.stop)
        super().setUpClass()
        cls.touchpoints = cls.env["client.touchpoint"]
        cls.own.tz = cls.other.tz = cls.manager.tz = "Europe/Brussels"
        cls.company.resource_calendar_id = cls.env["resource.calendar"].create(
            {"name": "Office", "tz": "Europe/Brussels", "company_id": cls.company.id}
        )
        cls.client_a = cls._create_client("Acme", user=cls.own)
        cls.contact = cls.env["res.partner"].create(
            {
                "name": "Ann",
                "email": "ann@acme.example.com",
                "phone": "+32 2 123 45 67",
                "parent_id": cls.client_a.id,
            }
        )
        cls.client_b = cls._create_client("Beta", user=cls.own)
        cls.client_c = cls._create_client("Cosy", user=cls.own)
        cls._assign(cls.client_a, cls.tier_a)
        cls._assign(cls.client_b, cls.tier_b)
        cls._assign(cls.client_c, cls.tier_c)

    def _at(self, day, hour=8):
        """Return a context in which it is that day."""
        return freeze_time(datetime.combine(fields.Date.to_date(day), time(hour)))

    def _plan(self, **values):
        """Plan, and return what it did."""
        return self.touchpoints.plan(**values)

    def _get(self, partner, channel=None, **values):
        """Return the touchpoints of a client, in the order of slots."""
        domain = [("partner_id", "=", partner.id)]
        if channel:
            domain.append(("channel", "=", channel))
        domain += [(name, "=", value) for name, value in values.items()]
        return self.touchpoints.search(domain, order="channel, year, number")

    def _snapshot(self):
        """Return all that a plan writes."""
        self.env.flush_all()
        self.env.invalidate_all()
        return self.touchpoints.search_read(
            [("company_id", "=", self.company.id)], order="id"
        )

    def _create_event(self, day, *partners, user=None, hour=9):
        """Return a meeting of one hour."""
        user = user or self.own
        start = datetime.combine(day, time(hour), UTC).replace(tzinfo=None)
        partners = self.env["res.partner"].union(user.partner_id, *partners)
        return (
            self.env["calendar.event"]
            .with_context(no_mail_to_attendees=True)
            .create(
                {
                    "name": "Lunch",
                    "user_id": user.id,
                    "partner_ids": [Command.set(partners.ids)],
                    "start": start,
                    "stop": start + timedelta(hours=1),
                }
            )
            .with_env(self.env)
        )

    def _create_call(self, partner, user=None):
        """Return an activity to call somebody today."""
        return partner.activity_schedule(
            "mail.mail_activity_data_call", user_id=(user or self.own).id
        )
