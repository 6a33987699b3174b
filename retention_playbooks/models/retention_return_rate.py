from odoo import api, fields, models
from odoo.tools import SQL, split_every

from ..tools.return_rates import compute_return_rates
from .retention_rule_purchase import DAY_SHIFT

#: Clients whose orders are read at once.
BATCH = 25_000
#: Days in which a client has to buy again to count as returned.
WITHIN = 365


class RetentionReturnRate(models.Model):
    """How many of a company's clients buy again after one, two, three purchases: what
    a lapsed client is worth waiting for. Computed at the end of each weekly search."""

    _name = "retention.return.rate"
    _description = "Return Rate"
    _order = "company_id, purchases"
    _rec_name = "purchases"

    company_id = fields.Many2one(
        comodel_name="res.company", required=True, index=True, ondelete="cascade"
    )
    purchases = fields.Integer(string="After Purchases", required=True, aggregator=None)
    client_count = fields.Integer(string="Clients")
    returned_count = fields.Integer(
        string="Returned", help="Clients who have bought again within a year."
    )
    waiting_count = fields.Integer(
        string="Still Have Time",
        help="Clients who have not bought again, and whose year is not over.",
    )
    has_rate = fields.Boolean(string="Enough to Tell")
    rate = fields.Float(
        string="Buy Again (%)",
        digits=(16, 1),
        aggregator=None,
        help="The share of clients who buy again within a year. Who bought only lately "
        "counts for the time that he was observed.",
    )
    low = fields.Float(string="From (%)", digits=(16, 1), aggregator=None)
    high = fields.Float(string="To (%)", digits=(16, 1), aggregator=None)
    days = fields.Integer(
        string="After Days",
        aggregator=None,
        help="Half of those who returned did so within these days.",
    )
    published = fields.Float(
        string="Published (%)",
        digits=(16, 1),
        aggregator=None,
        help="What was published of shops. 0: nothing was.",
    )
    computed_on = fields.Date(required=True)

    _purchases_uniq = models.Constraint(
        "UNIQUE(company_id, purchases)",
        "The company has a rate for this number of purchases already.",
    )

    @api.model
    def _recompute_rates(self, company):
        """Compute the rates of a company anew."""
        # sudo: figures of all clients, whoever starts it
        self = self.sudo()
        rule = self.env["retention.rule"]._get_all_rules(company)
        rule = rule.filtered(lambda one: one.kind == "lapsed" and not one.tier_id)
        if not rule:
            return
        today = self.env["retention.rule"]._get_today(company)
        rates = compute_return_rates(self._iter_orders(rule), today, within=WITHIN)
        self.search([("company_id", "=", company.id)]).unlink()
        self.create([self._prepare_rate(company, today, rate) for rate in rates])

    def _iter_orders(self, rule):
        """Yield the days of the purchases of each client, sorted, as ordinals."""
        self.env.flush_all()
        # Raw SQL: ids alone of as many clients as there are.
        rows = self.env.execute_query(
            SQL("SELECT id FROM res_partner WHERE id = commercial_partner_id")
        )
        for batch in split_every(BATCH, (client_id for (client_id,) in rows)):
            for numbers in rule._read_purchases(list(batch)).values():
                yield [number >> DAY_SHIFT for number in numbers]

    def _prepare_rate(self, company, today, rate):
        """Return the values of a record for a ``ReturnRate``."""
        known = rate.rate is not None
        return {
            "company_id": company.id,
            "purchases": rate.purchases,
            "client_count": rate.clients,
            "returned_count": rate.returned,
            "waiting_count": rate.waiting,
            "has_rate": known,
            "rate": 100 * rate.rate if known else 0.0,
            "low": 100 * rate.low if known else 0.0,
            "high": 100 * rate.high if known else 0.0,
            "days": round(rate.days or 0),
            "published": 100 * (rate.published or 0.0),
            "computed_on": today,
        }

    @api.model
    def _get_rates(self, company):
        """Return {purchases: (own rate or None, published rate or None)}, whole
        percents."""
        # sudo: the share is told with each lapsed client
        rates = self.sudo().search([("company_id", "=", company.id)])
        return {
            rate.purchases: (
                round(rate.rate) if rate.has_rate else None,
                round(rate.published) or None,
            )
            for rate in rates
        }
