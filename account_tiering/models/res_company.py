from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

#: Months between scheduled reviews.
SCHEDULES = {"monthly": 1, "quarterly": 3, "yearly": 12}


class ResCompany(models.Model):
    _inherit = "res.company"

    tier_method = fields.Selection(
        selection="_selection_tier_method",
        string="Tiers by",
        required=True,
        default="invoice",
        help="What reviews of tiers measure clients by.",
    )
    tier_months = fields.Integer(
        string="Months Reviewed",
        default=12,
        help="Reviews look at so many months back.",
    )
    tier_margin = fields.Float(
        string="Margin Around Bounds",
        digits=(16, 2),
        default=2.0,
        help="Percentage points beyond a bound before a client that has a tier moves.",
    )
    tier_stay_months = fields.Integer(
        string="Minimum Stay",
        default=3,
        help="Months that a client stays in a tier before a review moves it again.",
    )
    tier_grace_months = fields.Integer(
        string="Grace for New Clients",
        default=6,
        help="Months after a client's first invoice in which it is not moved down.",
    )
    tier_review_schedule = fields.Selection(
        selection=[
            ("monthly", "Monthly"),
            ("quarterly", "Quarterly"),
            ("yearly", "Yearly"),
        ],
        string="Scheduled Review",
        help="A review is prepared each time, and the director gets an activity.",
    )
    tier_review_next = fields.Date(
        string="Next Review",
        compute="_compute_tier_review_next",
        store=True,
        readonly=False,
    )
    tier_review_apply = fields.Boolean(
        string="Apply Scheduled Reviews",
        help="Apply the proposal of a scheduled review at once, without asking.",
    )
    tier_director_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Director",
        help="Gets an activity when a scheduled review is ready, and takes part in "
        "meetings that are owed by the account manager and the director.",
    )

    # Touchpoints
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
    # Newsletters
    newsletter_days = fields.Integer(
        string="Newsletters Prepared Ahead",
        default=14,
        help="Days before its due date at which the draft of a newsletter is made.",
    )

    _tier_periods_range = models.Constraint(
        "CHECK(tier_months BETWEEN 1 AND 120 AND tier_stay_months BETWEEN 0 AND 120"
        " AND tier_grace_months BETWEEN 0 AND 120)",
        "A review looks back 1 to 120 months; minimum stay and grace last 0 to 120 "
        "months.",
    )
    _tier_margin_range = models.Constraint(
        "CHECK(tier_margin BETWEEN 0 AND 50)",
        "The margin around bounds lies between 0 and 50 percentage points.",
    )

    _touch_range = models.Constraint(
        "CHECK(touch_hours_per_day BETWEEN 0 AND 24 AND touch_weeks BETWEEN 0 AND 60"
        " AND touch_horizon_months BETWEEN 1 AND 36)",
        "Touchpoints take 0 to 24 hours a day; the calendar shows 0 to 60 weeks; 1 to "
        "36 months are planned.",
    )
    _newsletter_days_range = models.Constraint(
        "CHECK(newsletter_days BETWEEN 0 AND 180)",
        "Newsletters are prepared 0 to 180 days ahead.",
    )

    @api.model
    def _selection_tier_method(self):
        """Return what reviews can measure clients by. Each has a method
        ``_get_<code>_revenue_sql`` of ``client.tier.review``; the margin is offered
        where the addon sale_margin is installed."""
        labels = {
            "invoice": self.env._("Invoiced revenue"),
            "order": self.env._("Ordered revenue"),
        }
        if "margin" in self.env["sale.order"]._fields:
            labels["margin"] = self.env._("Margin of orders")
        return list(labels.items())

    @api.depends("tier_review_schedule")
    def _compute_tier_review_next(self):
        """Begin a period from now, when nobody says otherwise."""
        for company in self:
            if not company.tier_review_schedule:
                company.tier_review_next = False
            elif not company.tier_review_next:
                company.tier_review_next = company._get_following_review_date()

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._create_default_tiers()
        return companies

    def _get_following_review_date(self):
        """Return the day of the scheduled review after the next one, after today."""
        months = SCHEDULES[self.tier_review_schedule]
        today = fields.Date.context_today(self)
        day = self.tier_review_next or today
        count = 1
        while day + relativedelta(months=months * count) <= today:
            count += 1
        return day + relativedelta(months=months * count)

    def _get_director(self):
        """Return the director, as long as he works in the company."""
        self.ensure_one()
        director = self.tier_director_id
        works_there = director.active and self in director.company_ids
        return director if works_there else director.browse()

    def _get_director_hours(self):
        """Return {cadence id: hours that one of these takes the director}."""
        if not self._get_director():
            return {}
        cadences = self.env["client.tier.cadence"].search(
            [("company_id", "=", self.id), ("owner", "=", "both")]
        )
        return {cadence.id: cadence.duration for cadence in cadences}

    def _create_default_tiers(self):
        """Give companies without tiers a copy of the main company's, with cadences.

        Pricelists are left out, they may belong to a company; minimum revenue, too,
        where the currency is another one.
        """
        # sudo: who may create a company need not be a sales administrator
        tiers = self.env["client.tier"].sudo().with_context(active_test=False)
        main = self.env.ref("base.main_company", raise_if_not_found=False)
        samples = tiers.search([("company_id", "=", main.id), ("active", "=", True)])
        with_tiers = tiers.search([("company_id", "in", self.ids)]).company_id
        for company in self - with_tiers - (main or self.browse()):
            for sample in samples.sorted():
                sample.copy(
                    {
                        "name": sample.name,
                        "code": sample.code,
                        "company_id": company.id,
                        "revenue_share_to": sample.revenue_share_to,
                        "min_revenue": sample.min_revenue
                        if company.currency_id == main.currency_id
                        else 0.0,
                        "pricelist_id": False,
                    }
                )
