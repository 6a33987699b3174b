from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models


class ResCompany(models.Model):
    """When a company looks for signals, the rules it begins with, how many mails its
    playbooks send, and how reports tell what they have brought."""

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

    retention_mail_limit = fields.Integer(
        string="Automatic Mails a Month",
        default=4,
        help="How many mails playbooks send to a client by themselves within 30 days; "
        "the next ones are offered to the account manager. 0: as many as there are.",
    )
    retention_mail_quiet_days = fields.Integer(
        string="Days between Automatic Mails",
        default=3,
        help="For so many days after a mail of a playbook its client gets no automatic "
        "one: it waits. None goes out on days on which the company does not work.",
    )
    retention_digest = fields.Boolean(
        string="Digest of Clients",
        default=True,
        help="When signals have been found, account managers get an activity with the "
        "clients that need them this week. Who has none gets none.",
    )
    retention_digest_mail = fields.Boolean(
        string="Digest by Email",
        default=True,
        help="The digest is mailed to the account managers, too.",
    )
    retention_usual_revenue = fields.Monetary(
        string="Revenue of the Usual Client",
        readonly=True,
        copy=False,
        help="Lifetime revenue of the median client, found every week. Urgency "
        "measures the value of clients by it.",
    )
    retention_effect_months = fields.Integer(
        string="Months Compared",
        default=6,
        help="The revenue of so many months after a client has entered a playbook is "
        "compared with that of as many months before.",
    )
    retention_revenue_source = fields.Selection(
        selection=[("invoice", "Invoices"), ("order", "Orders")],
        string="Revenue in Reports",
        required=True,
        default="invoice",
        help="What counts as revenue in reports on retention, without taxes: invoices "
        "less credit notes, or confirmed orders.",
    )

    _signal_hour_range = models.Constraint(
        "CHECK(signal_hour >= 0 AND signal_hour < 24)",
        "Signals are found between 0:00 and 23:59.",
    )
    _retention_mail_limit_positive = models.Constraint(
        "CHECK(retention_mail_limit >= 0)", "A number of mails is not negative."
    )
    _retention_mail_quiet_days_positive = models.Constraint(
        "CHECK(retention_mail_quiet_days >= 0)", "A number of days is not negative."
    )
    _retention_effect_months_positive = models.Constraint(
        "CHECK(retention_effect_months > 0)", "Compare one month at least."
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
