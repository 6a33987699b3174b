from odoo import api, fields, models
from odoo.exceptions import ValidationError

CHANNELS = [
    ("meeting", "Meeting"),
    ("call", "Call"),
    ("newsletter", "Newsletter"),
    ("other", "Other"),
]
#: Activity types that go with a channel.
ACTIVITY_TYPES = {
    "meeting": "mail.mail_activity_data_meeting",
    "call": "mail.mail_activity_data_call",
    "newsletter": "mail.mail_activity_data_email",
    "other": "mail.mail_activity_data_todo",
}


def format_hours(hours):
    """Return hours as they stand in a sentence: no more decimals than needed."""
    return f"{hours:.2f}".rstrip("0").rstrip(".")


class ClientTierCadence(models.Model):
    """What each client of a tier is owed a year through one channel.

    Touchpoints of a cadence that is edited follow with the next plan, so that its
    effect can be looked at before; those of one that is removed are withdrawn. A tier
    has an audience of mailings for as long as it is owed newsletters.
    """

    _name = "client.tier.cadence"
    _description = "Client Tier Cadence"
    _order = "tier_id, sequence, id"

    tier_id = fields.Many2one(
        comodel_name="client.tier", required=True, index=True, ondelete="cascade"
    )
    # With its tier: a company that is deleted must not meet a cadence without one.
    company_id = fields.Many2one(
        related="tier_id.company_id", store=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(default=10)
    channel = fields.Selection(selection=CHANNELS, required=True, default="call")
    times_per_year = fields.Integer(
        required=True,
        default=4,
        aggregator=None,
        help="How often each client is owed it, evenly spread over the year.",
    )
    duration = fields.Float(
        default=0.5,
        aggregator=None,
        help="Hours that one of them takes.",
    )
    preparation = fields.Float(
        aggregator=None,
        help="Hours to prepare one of them, for each client.",
    )
    owner = fields.Selection(
        selection=[
            ("manager", "Account manager"),
            ("both", "Account manager and director"),
        ],
        required=True,
        default="manager",
        help="Whose time it takes. What takes two people's time costs twice its "
        "duration; the account manager prepares it.",
    )
    director_id = fields.Many2one(
        related="company_id.tier_director_id", string="Account Director"
    )
    agenda = fields.Html(
        translate=True,
        sanitize=True,
        help="What to talk about; goes into the meeting or the activity.",
    )
    activity_type_id = fields.Many2one(
        comodel_name="mail.activity.type",
        compute="_compute_activity_type_id",
        store=True,
        readonly=False,
        ondelete="set null",
        domain="[('res_model', 'in', (False, 'res.partner'))]",
    )
    alarm_ids = fields.Many2many(
        comodel_name="calendar.alarm",
        string="Reminders",
        help="When the account manager is reminded of a meeting.",
    )
    hours_per_client = fields.Float(
        compute="_compute_hours_per_client",
        string="Hours per Client",
        help="Hours of the team for one client in a year.",
    )
    hours_total = fields.Float(
        compute="_compute_hours_total",
        string="Hours a Year",
        help="Hours of the team for all clients of the tier in a year.",
    )
    cost_sentence = fields.Char(compute="_compute_cost_sentence", string="Cost")

    _times_per_year_range = models.Constraint(
        "CHECK(times_per_year BETWEEN 1 AND 366)",
        "How often a year is a number from 1 to 366. Remove the cadence if it is owed "
        "no more.",
    )
    _hours_range = models.Constraint(
        "CHECK(duration BETWEEN 0 AND 24 AND preparation BETWEEN 0 AND 1000)",
        "Duration and preparation are hours and must not be negative; a contact lasts "
        "24 hours at most.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("channel")
    def _compute_activity_type_id(self):
        for cadence in self:
            xmlid = ACTIVITY_TYPES.get(cadence.channel)
            cadence.activity_type_id = xmlid and self.env.ref(
                xmlid, raise_if_not_found=False
            )

    @api.depends("times_per_year", "duration", "preparation", "owner")
    def _compute_hours_per_client(self):
        for cadence in self:
            cadence.hours_per_client = cadence.times_per_year * (
                cadence.duration * cadence._get_people_count() + cadence.preparation
            )

    @api.depends("hours_per_client", "tier_id.client_count")
    def _compute_hours_total(self):
        for cadence in self:
            cadence.hours_total = (
                cadence.hours_per_client * cadence.tier_id.client_count
            )

    @api.depends("hours_total", "tier_id.client_count")
    def _compute_cost_sentence(self):
        for cadence in self:
            cadence.cost_sentence = self.env._(
                "With %(clients)s clients this costs the team %(hours)s hours a year.",
                clients=cadence.tier_id.client_count,
                hours=format_hours(cadence.hours_total),
            )

    @api.depends("channel", "times_per_year")
    def _compute_display_name(self):
        labels = dict(self._fields["channel"]._description_selection(self.env))
        for cadence in self:
            cadence.display_name = self.env._(
                "%(channel)s, %(count)s a year",
                channel=labels.get(cadence.channel, ""),
                count=cadence.times_per_year,
            )

    # ------------------------------------------------------------
    # CONSTRAINTS
    # ------------------------------------------------------------

    @api.constrains("duration", "channel")
    def _check_duration(self):
        for cadence in self:
            if cadence.channel in ("meeting", "call") and not cadence.duration:
                raise ValidationError(
                    self.env._(
                        "Say how long a meeting or call takes: without a duration it "
                        "finds no place in the calendar."
                    )
                )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        cadences = super().create(vals_list)
        self.env["mailing.filter"]._follow_tiers(cadences.tier_id)
        return cadences

    def write(self, vals):
        tiers = self.tier_id
        result = super().write(vals)
        if {"channel", "tier_id"} & vals.keys():
            self.env["mailing.filter"]._follow_tiers(tiers | self.tier_id)
        return result

    def unlink(self):
        tiers = self.tier_id
        # sudo: touchpoints of all account managers follow
        touchpoints = self.env["client.touchpoint"].sudo()
        touchpoints = touchpoints.search(
            [("cadence_id", "in", self.ids), ("is_open", "=", True)]
        )
        touchpoints._withdraw(self.env._("The cadence was removed"))
        result = super().unlink()
        self.env["mailing.filter"]._follow_tiers(tiers)
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_preview_plan(self):
        """Show what the next plan will do."""
        return self.env["client.touchpoint.preview"].action_open()

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_people_count(self):
        """Return how many of us take part in one of them."""
        return 2 if self.owner == "both" else 1
