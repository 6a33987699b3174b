from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date

from ..models.client_touchpoint import NOBODY
from ..tools.spread import Owner, sum_months


class ClientTouchpointCapacity(models.TransientModel):
    """Hours that an account manager has promised for a month, beside those he has.

    The director's hours hold the meetings that he takes part in.
    """

    _name = "client.touchpoint.capacity"
    _description = "Hours Promised"
    _order = "month, user_id"

    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        readonly=True,
        falsy_value_label=NOBODY,
    )
    # A list shows nothing where there is no user; groups say "Nobody" themselves.
    user_name = fields.Char(string="Who", compute="_compute_user_name")
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    month = fields.Date(readonly=True)
    month_name = fields.Char(string="In", compute="_compute_month_name")
    promised = fields.Float(
        string="Promised Hours", readonly=True, help="Hours of open touchpoints."
    )
    capacity = fields.Float(
        string="Hours for Touchpoints",
        readonly=True,
        help="Working hours, at most as many a day as the company allows.",
    )
    available = fields.Float(string="Working Hours", readonly=True)
    left = fields.Float(string="Hours Left", readonly=True)
    load = fields.Float(string="Load %", readonly=True, aggregator="avg")
    is_over = fields.Boolean(string="Over-committed", readonly=True)

    @api.depends("user_id")
    @api.depends_context("lang")
    def _compute_user_name(self):
        for row in self:
            row.user_name = row.user_id.display_name or self.env._("Nobody")

    @api.depends("month")
    def _compute_month_name(self):
        for row in self:
            row.month_name = format_date(self.env, row.month, date_format="LLLL yyyy")

    @api.model
    def action_open(self):
        """Compute the months of the plan, and open them."""
        self.env["client.touchpoint"].check_access("read")
        rows = self.create(
            [
                values
                for company in self.env.companies
                for values in self._prepare_rows(company)
            ]
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_touchpoint_capacity_action"
        )
        action["domain"] = [("id", "in", rows.ids)]
        return action

    def action_view_touchpoints(self):
        """Open the touchpoints behind the hours."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_touchpoint_action"
        )
        action["domain"] = [
            ("is_open", "=", True),
            *self._get_owner_domain(),
            ("company_id", "=", self.company_id.id),
            ("date_planned", ">=", self.month),
            ("date_planned", "<", self.month + relativedelta(months=1)),
        ]
        action["context"] = {}
        return action

    def _get_owner_domain(self):
        """Return the domain of the touchpoints that take the manager's time."""
        domain = Domain("user_id", "=", self.user_id.id)
        if self.user_id and self.user_id == self.company_id._get_director():
            shared = list(self.company_id._get_director_hours())
            domain |= Domain("cadence_id", "in", shared)
        return domain

    @api.model
    def _prepare_rows(self, company):
        """Return the values of each manager and month of a company that the user may
        see."""
        touchpoints = self.env["client.touchpoint"]
        first = fields.Date.context_today(self)
        last = first + relativedelta(months=company.touch_horizon_months, days=-1)
        director, shared = company._get_director(), {}
        if self.env.user.has_group("sales_team.group_sale_salesman_all_leads"):
            # Others do not see all that takes his time.
            shared = company._get_director_hours()
        touches = []
        for user, cadence, day, hours, count in touchpoints._read_group(
            [
                ("company_id", "=", company.id),
                ("is_open", "=", True),
                ("date_planned", ">=", first),
                ("date_planned", "<=", last),
            ],
            ["user_id", "cadence_id", "date_planned:day"],
            ["hours:sum", "__count"],
        ):
            touches.append((user, day, hours))
            if cadence.id in shared and user != director:
                touches.append((director, day, shared[cadence.id] * count))
        users = self.env["res.users"].union(*(user for user, _day, _hours in touches))
        hours = touchpoints._get_hours(company, users, first, last)
        owners = [
            Owner(user.id, hours[user.id], company.touch_hours_per_day)
            for user in users
        ]
        owners.append(Owner(0, {}))
        months = sum_months(
            [(user.id or 0, day, sum_) for user, day, sum_ in touches],
            owners,
            first,
            last,
        )
        return [
            {
                "user_id": row.owner or False,
                "company_id": company.id,
                "month": row.month,
                "promised": row.promised,
                "capacity": row.capacity,
                "available": row.available,
                "left": row.capacity - row.promised,
                "load": 100.0 * row.promised / row.capacity if row.capacity else 0.0,
                "is_over": row.promised > row.capacity + 0.01,
            }
            for row in months
            if row.owner or row.promised
        ]
