from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class ClientValueOverservicingMixin(models.AbstractModel):
    """What was given to clients, and what it cost, against what they paid.

    Models that inherit it say in :meth:`_get_row_columns` what a row stands for, and
    in :meth:`_get_period` which time they look at.
    """

    _name = "client.value.overservicing.mixin"
    _description = "Over-servicing Mixin"
    _rec_name = "partner_id"
    # What must be in the database before it is read.
    _depends = {
        "account.move": ["commercial_partner_id", "company_id", "invoice_date"],
        "account.move.line": [
            "balance",
            "display_type",
            "move_id",
            "sale_line_ids",
            "tax_repartition_line_id",
        ],
        "client.value.entry": [
            "amount_company",
            "company_id",
            "date",
            "hours",
            "internal_cost",
            "partner_id",
            "project_id",
            "state",
        ],
        "project.task": ["project_id"],
        "res.company": ["client_value_threshold", "currency_id"],
        "res.partner": ["user_id"],
        "sale.order": ["project_id"],
        "sale.order.line": ["order_id", "project_id", "task_id"],
    }

    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Client", readonly=True
    )
    account_manager_id = fields.Many2one(
        comodel_name="res.users",
        readonly=True,
        help="The client's salesperson, as of today.",
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(
        comodel_name="res.currency",
        readonly=True,
        help="The company's currency: that of all amounts here.",
    )
    worth = fields.Monetary(
        readonly=True, help="What the confirmed value entries are worth."
    )
    worth_suggested = fields.Monetary(
        string="Suggested Worth",
        readonly=True,
        help="What the suggestions that nobody has reviewed yet are worth.",
    )
    internal_cost = fields.Monetary(
        readonly=True, help="What the confirmed value entries cost us."
    )
    hours = fields.Float(
        string="Hours Given",
        readonly=True,
        help="The hours of the confirmed value entries.",
    )
    revenue = fields.Monetary(
        readonly=True,
        help="Posted invoices minus credit notes, without tax.",
    )
    worth_share = fields.Float(
        string="Worth / Revenue (%)",
        digits=(16, 1),
        readonly=True,
        aggregator="avg",
        help="Empty without revenue. That of several rows is the ratio of their sums.",
    )
    cost_share = fields.Float(
        string="Cost / Revenue (%)",
        digits=(16, 1),
        readonly=True,
        aggregator="avg",
        help="Empty without revenue. That of several rows is the ratio of their sums.",
    )
    status = fields.Selection(
        selection=[
            ("within", "Within Threshold"),
            ("above", "Above Threshold"),
            ("no_revenue", "Without Revenue"),
        ],
        readonly=True,
        help="The worth given compared with the company's threshold. Without revenue: "
        "something was given, and nothing paid.",
    )

    @property
    def _table_query(self):
        columns = self._get_row_columns()
        return SQL(
            """
            SELECT MIN(fact.id) AS id,
                   client.id AS partner_id,
                   client.user_id AS account_manager_id,
                   company.id AS company_id,
                   company.currency_id,
                   %(columns)s
              %(tables)s
             GROUP BY %(groups)s
            """,
            columns=SQL(", ").join(
                SQL("%s AS %s", sql, SQL.identifier(name))
                for name, sql in {**columns, **self._get_measures()}.items()
            ),
            tables=self._get_from_clause(*self._get_period()),
            groups=SQL(", ").join(
                [SQL("client.id"), SQL("company.id"), *columns.values()]
            ),
        )

    def _read_group_select(self, aggregate_spec, query):
        """The share of a group is the ratio of its sums, in the current company's
        currency where companies have several."""
        part = {"worth_share:avg": "worth", "cost_share:avg": "internal_cost"}.get(
            aggregate_spec
        )
        if not part:
            return super()._read_group_select(aggregate_spec, query)
        return self._get_share(
            self._read_group_select(f"{part}:sum_currency", query),
            self._read_group_select("revenue:sum_currency", query),
        )

    # ------------------------------------------------------------
    # QUERY
    # ------------------------------------------------------------

    @api.model
    def _get_row_columns(self):
        """Return {field: SQL} of what a row stands for besides client and company."""
        return {}

    @api.model
    def _get_period(self):
        """Return the first and the last date to look at; None for no limit."""
        return None, None

    @api.model
    def _get_measures(self):
        """Return {field: SQL} of the figures of a row, an aggregate of its facts.

        Extend it to measure more.
        """
        worth, cost, revenue = (
            SQL("SUM(fact.worth)"),
            SQL("SUM(fact.internal_cost)"),
            SQL("SUM(fact.revenue)"),
        )
        return {
            "worth": worth,
            "worth_suggested": SQL("SUM(fact.worth_suggested)"),
            "internal_cost": cost,
            "hours": SQL("SUM(fact.hours)"),
            "revenue": revenue,
            "worth_share": self._get_share(worth, revenue),
            "cost_share": self._get_share(cost, revenue),
            "status": SQL(
                """
                CASE WHEN %(worth)s <= 0 THEN 'within'
                     WHEN %(revenue)s <= 0 THEN 'no_revenue'
                     WHEN %(worth)s * 100 > %(revenue)s * company.client_value_threshold
                     THEN 'above'
                     ELSE 'within'
                 END
                """,
                worth=worth,
                revenue=revenue,
            ),
        }

    @api.model
    def _get_share(self, part, revenue):
        """Return SQL for what per cent of the revenue a part is."""
        return SQL(
            "CASE WHEN %(revenue)s > 0 THEN (%(part)s * 100 / %(revenue)s)::float8 END",
            part=part,
            revenue=revenue,
        )

    @api.model
    def _get_from_clause(self, date_from=None, date_to=None):
        """Return the tables that columns and measures may use: ``fact``, ``client``
        and ``company``.

        Raw SQL: entries and invoice lines are put together in the database, as in
        Odoo's own reports. Of records that the user may not read only sums leave it:
        who may read this model may know them, and its rules keep companies apart.
        """
        facts = SQL(" UNION ALL ").join(self._get_facts(date_from, date_to))
        return SQL(
            """
              FROM (%s) AS fact
              JOIN res_partner client ON client.id = fact.partner_id
              JOIN res_company company ON company.id = fact.company_id
            """,
            facts,
        )

    @api.model
    def _get_facts(self, date_from=None, date_to=None):
        """Return SELECTs of the facts: value entries and invoice lines, each with its
        client, company, project, date and the figures it adds.

        Their ids are apart (even and odd), so that the lowest of a row identifies it.
        """
        entries = self.env["client.value.entry"]
        suggested = Domain("state", "=", "suggested")
        return [
            self._select_entries(
                Domain(entries._get_given_domain()),
                SQL(
                    """
                    client_value_entry.amount_company AS worth,
                    0::numeric AS worth_suggested,
                    COALESCE(client_value_entry.internal_cost, 0) AS internal_cost,
                    COALESCE(client_value_entry.hours, 0) AS hours,
                    0::numeric AS revenue
                    """
                ),
                date_from,
                date_to,
            ),
            self._select_entries(
                suggested,
                SQL("0::numeric, client_value_entry.amount_company, 0, 0, 0"),
                date_from,
                date_to,
            ),
            self._select_invoice_lines(date_from, date_to),
        ]

    def _select_entries(self, domain, figures, date_from, date_to):
        query = self.env["client.value.entry"]._search(
            domain
            & Domain("company_id", "in", self.env.companies.ids)
            & self._get_date_domain("date", date_from, date_to),
            bypass_access=True,
        )
        return query.select(
            SQL(
                """
                client_value_entry.id::bigint * 2 AS id,
                client_value_entry.partner_id,
                client_value_entry.company_id,
                client_value_entry.project_id,
                client_value_entry.date,
                %s
                """,
                figures,
            )
        )

    def _select_invoice_lines(self, date_from, date_to):
        """Select the lines that make up the invoices' untaxed amount.

        The project of a line is that of the order line it bills; of several order
        lines the first one counts, so that no line is counted twice.
        """
        query = self.env["account.move"]._search(
            Domain(self.env["res.partner"]._get_client_invoice_domain())
            & self._get_date_domain("invoice_date", date_from, date_to),
            bypass_access=True,
        )
        for kind, alias, table, condition in (
            (
                "JOIN",
                "line",
                "account_move_line",
                """
                line.move_id = account_move.id
                AND line.display_type IN ('product', 'rounding')
                AND line.tax_repartition_line_id IS NULL
                """,
            ),
            (
                "LEFT JOIN",
                "billed",
                "sale_order_line_invoice_rel",
                """
                billed.invoice_line_id = line.id
                AND NOT EXISTS (
                    SELECT 1
                      FROM sale_order_line_invoice_rel earlier
                     WHERE earlier.invoice_line_id = billed.invoice_line_id
                       AND earlier.order_line_id < billed.order_line_id
                )
                """,
            ),
            (
                "LEFT JOIN",
                "order_line",
                "sale_order_line",
                "order_line.id = billed.order_line_id",
            ),
            ("LEFT JOIN", "sale", "sale_order", "sale.id = order_line.order_id"),
            ("LEFT JOIN", "task", "project_task", "task.id = order_line.task_id"),
        ):
            query.add_join(kind, alias, table, SQL(condition))
        return query.select(
            SQL(
                """
                line.id::bigint * 2 + 1,
                account_move.commercial_partner_id,
                account_move.company_id,
                COALESCE(order_line.project_id, task.project_id, sale.project_id),
                account_move.invoice_date,
                0::numeric, 0::numeric, 0, 0, -line.balance
                """
            )
        )

    def _get_date_domain(self, fname, date_from, date_to):
        domain = Domain.TRUE
        if date_from:
            domain &= Domain(fname, ">=", date_from)
        if date_to:
            domain &= Domain(fname, "<=", date_to)
        return domain
