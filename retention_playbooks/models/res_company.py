from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models


class ResCompany(models.Model):
    """When a company looks for signals, and the rules it begins with."""

    _inherit = "res.company"

    signal_weekday = fields.Selection(
        selection=[
            ("0", "Monday"),
            ("1", "Tuesday"),
            ("2", "Wednesday"),
            ("3", "Thursday"),
            ("4", "Friday"),
            ("5", "Saturday"),
            ("6", "Sunday"),
        ],
        string="Signals Are Found On",
        required=True,
        default="0",
    )
    signal_hour = fields.Float(
        string="At",
        default=5.0,
        help="Time of the day in the company's working hours' time zone.",
    )

    _signal_hour_range = models.Constraint(
        "CHECK(signal_hour >= 0 AND signal_hour < 24)",
        "Signals are found between 0:00 and 23:59.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        self.env["retention.rule"]._create_defaults(companies)
        return companies

    def _get_last_signal_slot(self, now=None):
        """Return when signals should have been found last, in UTC.

        :param now: UTC, by default now
        """
        self.ensure_one()
        zone = ZoneInfo(self.resource_calendar_id.tz or self.partner_id.tz or "UTC")
        now = (now or fields.Datetime.now()).replace(tzinfo=UTC).astimezone(zone)
        day = now.date() - timedelta(
            days=(now.weekday() - int(self.signal_weekday)) % 7
        )
        minutes = round(self.signal_hour * 60)
        at = time(minutes // 60 % 24, minutes % 60)
        slot = datetime.combine(day, at, zone)
        if slot > now:
            slot = datetime.combine(day - timedelta(days=7), at, zone)
        return slot.astimezone(UTC).replace(tzinfo=None)
