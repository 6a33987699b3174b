from odoo import fields, models


class ResCompany(models.Model):
    """How a company plans its touchpoints."""

    _inherit = "res.company"

    touch_hours_per_day = fields.Float(
        string="Hours of Touchpoints a Day",
        default=4.0,
        help="At most so many hours a day are planned for one account manager, "
        "preparation included. Less than one meeting takes, and none finds a day.",
    )
    touch_weeks = fields.Integer(
        string="Weeks in the Calendar",
        default=8,
        help="Meetings and activities are made for the next weeks only; what is later "
        "is planned, but may still move.",
    )
    touch_horizon_months = fields.Integer(
        string="Months Planned",
        default=12,
        help="How far ahead touchpoints are planned every night.",
    )
    touch_digest = fields.Boolean(
        string="Weekly Digest",
        default=True,
        help="Each Monday account managers get an activity with their touchpoints of "
        "the week and those that are overdue.",
    )
    touch_first_plan = fields.Date(
        string="First Plan",
        readonly=True,
        copy=False,
        help="Day of the first plan. Nothing is planned at night before.",
    )

    _touch_range = models.Constraint(
        "CHECK(touch_hours_per_day BETWEEN 0 AND 24 AND touch_weeks BETWEEN 0 AND 60"
        " AND touch_horizon_months BETWEEN 1 AND 36)",
        "Touchpoints take 0 to 24 hours a day; the calendar shows 0 to 60 weeks; 1 to "
        "36 months are planned.",
    )
