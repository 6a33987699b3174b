from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..models.retention_signal import NOBODY
from ..tools.cohort import get_first_day, get_quarter
from .retention_revenue_mixin import NO_TIER, REVENUE_DEPENDS

#: Rates in percent: what they are a share of, and the share.
RATES = {
    "client_rate": ("clients", ("kept",), ()),
    "net_rate": ("base", ("base", "expansion"), ("contraction", "lost_revenue")),
    "gross_rate": ("base", ("base",), ("contraction", "lost_revenue")),
}


class RetentionClientQuarter(models.Model):
    """What became of a client from one year to the next, as of the end of a quarter.

    The definitions, and their sources, are those of :mod:`tools.cohort`: a client of a
    quarter is who brought revenue in the twelve months that end with it, and it counts
    for the tier that it had a year before. Of groups of clients, rates are those of
    their sums. Quarters that are not over are left out.
    """

    _name = "retention.client.quarter"
    _description = "Retention of a Client"
    _inherit = ["retention.revenue.mixin"]
    _auto = False
    _order = "date desc, base desc, id"
    _rec_name = "partner_id"
    _depends = {
        **REVENUE_DEPENDS,
        "client.tier.change": [
            "partner_id",
            "company_id",
            "date",
            "old_tier_id",
            "new_tier_id",
        ],
    }

    date = fields.Date(string="Quarter", readonly=True, help="Its first day.")
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Client", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        readonly=True,
        falsy_value_label=NOBODY,
    )
    tier_id = fields.Many2one(
        comodel_name="client.tier",
        string="Tier Then",
        readonly=True,
        falsy_value_label=NO_TIER,
        help="At the end of the year before; of a new client, the first one it had "
        "after that.",
    )
    status = fields.Selection(
        selection=[
            ("kept", "Kept Client"),
            ("lost", "Lost Client"),
            ("new", "New Client"),
            ("regained", "Regained Client"),
        ],
        string="What Became of It",
        readonly=True,
    )

    # Clients
    clients = fields.Integer(
        string="Clients Before", readonly=True, help="Clients of the year before."
    )
    kept = fields.Integer(
        string="Clients Kept", readonly=True, help="Of them, who still are."
    )
    lost = fields.Integer(
        string="Clients Lost", readonly=True, help="Of them, who no longer are."
    )
    new = fields.Integer(
        string="New Clients", readonly=True, help="Clients who never were before."
    )
    regained = fields.Integer(
        string="Clients Regained",
        readonly=True,
        help="Clients who were before, though not in the year before.",
    )
    client_rate = fields.Float(
        string="Client Retention %",
        readonly=True,
        aggregator="avg",
        help="Clients kept, of those of the year before.",
    )

    # Revenue
    base = fields.Monetary(
        string="Revenue of the Year Before",
        readonly=True,
        help="What all clients brought then.",
    )
    expansion = fields.Monetary(
        readonly=True, help="By how much more those kept bring who bring more."
    )
    contraction = fields.Monetary(
        readonly=True, help="By how much less those kept bring who bring less."
    )
    lost_revenue = fields.Monetary(
        readonly=True, help="What lost clients brought in the year before."
    )
    new_revenue = fields.Monetary(readonly=True, help="What new clients bring.")
    regained_revenue = fields.Monetary(
        readonly=True, help="What regained clients bring."
    )
    revenue = fields.Monetary(
        string="Revenue of the Year", readonly=True, help="That ends with the quarter."
    )
    net_rate = fields.Float(
        string="Net Revenue Retention %",
        readonly=True,
        aggregator="avg",
        help="What the clients of the year before bring now, of what they brought "
        "then.",
    )
    gross_rate = fields.Float(
        string="Gross Revenue Retention %",
        readonly=True,
        aggregator="avg",
        help="The same without what they bring more: 100 % at most.",
    )

    # Cohorts
    cohort = fields.Date(
        string="First Bought In", readonly=True, help="The quarter, its first day."
    )
    age = fields.Integer(
        string="Quarters Since",
        readonly=True,
        aggregator=None,
        help="The quarter of the first purchase is 0.",
    )
    bought = fields.Integer(
        readonly=True, help="Brought revenue in the quarter itself."
    )
    quarter_revenue = fields.Monetary(
        string="Revenue of the Quarter", readonly=True, help="At least 0 of a client."
    )

    # ------------------------------------------------------------
    # QUERY
    # ------------------------------------------------------------

    @property
    def _table_query(self):
        last = get_quarter(fields.Date.context_today(self)) - 1
        return SQL(
            """
            WITH quarterly AS (
                SELECT client_id, company_id,
                       -- Not EXTRACT: its numeric is slow for a million rows.
                       (date_part('year', day) * 4 + date_part('quarter', day) - 1)::int
                           AS quarter,
                       SUM(amount) AS amount
                  FROM (%(revenue)s) AS revenue
                 WHERE day < %(end)s
                 GROUP BY 1, 2, 3
            ), known AS (
                -- A client is followed until two years after its last purchase.
                SELECT client_id, company_id, MIN(quarter) AS first,
                       MIN(quarter) FILTER (WHERE amount > 0) AS cohort,
                       LEAST(MAX(quarter) + 7, %(last)s) AS last
                  FROM quarterly
                 GROUP BY 1, 2
            ), years AS (
                SELECT client_id, company_id, quarter, known.cohort,
                       COALESCE(quarterly.amount, 0) AS amount,
                       GREATEST(SUM(quarterly.amount) OVER (
                           past ROWS BETWEEN 3 PRECEDING AND CURRENT ROW), 0) AS now,
                       GREATEST(SUM(quarterly.amount) OVER (
                           past ROWS BETWEEN 7 PRECEDING AND 4 PRECEDING), 0) AS before
                  FROM known
                 CROSS JOIN LATERAL generate_series(known.first, known.last)
                       AS quarters (quarter)
                  LEFT JOIN quarterly USING (client_id, company_id, quarter)
                WINDOW past AS (PARTITION BY client_id, company_id ORDER BY quarter)
            ), rated AS (
                SELECT *, CASE WHEN before > 0 AND now > 0 THEN 'kept'
                               WHEN before > 0 THEN 'lost'
                               WHEN NOT now > 0 THEN NULL
                               WHEN cohort <= quarter - 8 THEN 'regained'
                               ELSE 'new' END AS status
                  FROM years
                 WHERE before > 0 OR now > 0 OR amount > 0
            ), spans AS (
                %(spans)s
            )
            SELECT (client.id::bigint * 4096 + rated.quarter - 6400) * 1024
                       + rated.company_id %% 1024 AS id,
                   make_date(rated.quarter / 4, rated.quarter %% 4 * 3 + 1, 1) AS date,
                   client.id AS partner_id, rated.company_id, client.user_id,
                   CASE WHEN spans.partner_id IS NULL THEN given.tier_id
                        ELSE spans.tier_id END AS tier_id,
                   rated.status,
                   (rated.status IN ('kept', 'lost'))::int AS clients,
                   (rated.status = 'kept')::int AS kept,
                   (rated.status = 'lost')::int AS lost,
                   (rated.status = 'new')::int AS new,
                   (rated.status = 'regained')::int AS regained,
                   CASE rated.status WHEN 'kept' THEN 100.0 WHEN 'lost' THEN 0.0 END
                       AS client_rate,
                   COALESCE(rated.before, 0) AS base,
                   CASE WHEN rated.status = 'kept'
                        THEN GREATEST(now - before, 0) ELSE 0 END AS expansion,
                   CASE WHEN rated.status = 'kept'
                        THEN GREATEST(before - now, 0) ELSE 0 END AS contraction,
                   CASE WHEN rated.status = 'lost' THEN before ELSE 0 END
                       AS lost_revenue,
                   CASE WHEN rated.status = 'new' THEN now ELSE 0 END AS new_revenue,
                   CASE WHEN rated.status = 'regained' THEN now ELSE 0 END
                       AS regained_revenue,
                   COALESCE(rated.now, 0) AS revenue,
                   100 * now / NULLIF(before, 0) AS net_rate,
                   100 * LEAST(now, before) / NULLIF(before, 0) AS gross_rate,
                   make_date(rated.cohort / 4, rated.cohort %% 4 * 3 + 1, 1) AS cohort,
                   rated.quarter - rated.cohort AS age,
                   (rated.amount > 0)::int AS bought,
                   GREATEST(rated.amount, 0) AS quarter_revenue
              FROM rated
              JOIN res_partner client ON client.id = rated.client_id
              LEFT JOIN spans
                ON spans.partner_id = rated.client_id
               AND spans.company_id = rated.company_id
               AND spans.since < make_date(
                   (rated.quarter - 3) / 4, (rated.quarter - 3) %% 4 * 3 + 1, 1)
               AND spans.until >= make_date(
                   (rated.quarter - 3) / 4, (rated.quarter - 3) %% 4 * 3 + 1, 1)
              LEFT JOIN client_tier_assignment given
                ON given.partner_id = rated.client_id
               AND given.company_id = rated.company_id
            """,
            revenue=self._get_revenue_sql(),
            spans=self._get_tier_span_sql(),
            last=last,
            end=get_first_day(last + 1),
        )

    @api.model
    def _get_tier_span_sql(self):
        """Return SQL of the tiers that clients had from when to when: ``partner_id``,
        ``company_id``, ``tier_id``, ``since``, ``until``. What a client had before its
        history begins is its first tier."""
        return SQL(
            """
            SELECT partner_id, company_id, new_tier_id AS tier_id, date AS since,
                   COALESCE(LEAD(date) OVER (
                       PARTITION BY partner_id, company_id ORDER BY date, id),
                       'infinity') AS until
              FROM client_tier_change
             UNION ALL
            (SELECT DISTINCT ON (partner_id, company_id) partner_id, company_id,
                    COALESCE(old_tier_id, new_tier_id), '-infinity'::timestamp, date
               FROM client_tier_change
              ORDER BY partner_id, company_id, date, id)
            """
        )

    def _read_group_select(self, aggregate_spec, query):
        """Rates of a group are those of its sums, not the mean of its clients."""
        name, _colon, function = aggregate_spec.partition(":")
        if name not in RATES or function != "avg":
            return super()._read_group_select(aggregate_spec, query)
        whole, plus, minus = RATES[name]

        def total(names):
            return SQL(" + ").join(
                [SQL("0")]
                + [
                    SQL("SUM(%s)", self._field_to_sql(self._table, one, query))
                    for one in names
                ]
            )

        return SQL(
            "100.0 * (%s - (%s)) / NULLIF(%s, 0)",
            total(plus),
            total(minus),
            total((whole,)),
        )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_revenue(self):
        """Open what the client brought in the two years that end with the quarter."""
        self.ensure_one()
        end = self.date + relativedelta(months=3)
        return self._get_revenue_action(
            self.partner_id, self.company_id, end - relativedelta(years=2), end
        )
