from dateutil.relativedelta import relativedelta

from odoo import models
from odoo.tools import SQL


class RetentionRule(models.Model):
    """Signals from money: bills that are not paid, revenue that shrinks."""

    _inherit = "retention.rule"

    def _find_late_payer(self, client_ids):
        """Overdue invoices. What the client has to its credit is deducted."""
        today = self._get_today(self.company_id)
        # Raw SQL: one sum over what is open, for a batch of clients.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT client_id, SUM(residual) AS amount,
                       COUNT(*) FILTER (WHERE late) AS count,
                       MIN(due) FILTER (WHERE late) AS due,
                       array_agg(id ORDER BY due, id) FILTER (WHERE late) AS ids
                  FROM (
                        SELECT partner.commercial_partner_id AS client_id, move.id,
                               move.amount_residual_signed AS residual,
                               move.move_type = 'out_invoice' AS late,
                               move.invoice_date_due AS due
                          FROM res_partner partner
                          JOIN account_move move ON move.partner_id = partner.id
                         WHERE partner.commercial_partner_id = ANY(%(clients)s)
                           AND move.company_id = %(company)s AND move.state = 'posted'
                           AND move.payment_state IN ('not_paid', 'partial')
                           AND (move.move_type = 'out_refund'
                                OR (move.move_type = 'out_invoice'
                                    AND move.invoice_date_due < %(today)s))
                       ) AS open
                 GROUP BY client_id
                HAVING MIN(due) FILTER (WHERE late) <= %(bound)s
                   AND SUM(residual) > 0 AND SUM(residual) >= %(minimum)s
                """,
                clients=client_ids,
                company=self.company_id.id,
                today=today,
                bound=today - relativedelta(days=self.days),
                minimum=self.minimum_amount,
            )
        )
        return [
            self._prepare_finding(
                client_id,
                (today - due).days,
                f"account.move,{ids[0]}",
                {
                    "amount": float(amount),
                    "count": count,
                    "due": due.isoformat(),
                },
                "account.move",
                ids,
            )
            for client_id, amount, count, due, ids in rows
        ]

    def _find_shrinking(self, client_ids):
        """Revenue of the last twelve months well below that of the twelve before."""
        today = self._get_today(self.company_id)
        year_ago = today - relativedelta(years=1)
        two_years_ago = today - relativedelta(years=2)
        # Raw SQL: two sums for each client of a batch.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT client_id, before, after, ids
                  FROM (
                        SELECT client_id,
                               COALESCE(SUM(amount) FILTER (
                                   WHERE day <= %(year_ago)s), 0) AS before,
                               COALESCE(SUM(amount) FILTER (
                                   WHERE day > %(year_ago)s), 0) AS after,
                               array_agg(id ORDER BY day DESC, id DESC) AS ids
                          FROM (%(revenue)s) AS revenue
                         WHERE day > %(two_years_ago)s AND day <= %(today)s
                         GROUP BY client_id
                       ) AS years
                 WHERE before > 0 AND before >= %(minimum)s
                   AND (before - after) * 100 >= before * %(percent)s
                   AND before > after
                """,
                year_ago=year_ago,
                two_years_ago=two_years_ago,
                today=today,
                revenue=self._get_revenue_sql(client_ids),
                minimum=self.minimum_amount,
                percent=self.percent,
            )
        )
        model = "sale.order" if self.source == "order" else "account.move"
        findings = []
        for client_id, before, after, ids in rows:
            # More than all of it is lost when credit notes prevail.
            percent = min(float((before - after) * 100 / before), 100.0)
            findings.append(
                self._prepare_finding(
                    client_id,
                    percent,
                    "shrinking",
                    {
                        "before": round(float(before), 2),
                        "after": round(float(after), 2),
                        "percent": round(percent, 1),
                    },
                    model,
                    ids[:80],
                )
            )
        return findings

    def _get_revenue_sql(self, client_ids):
        """Return SQL of what clients were billed or have ordered, one row each:
        ``client_id``, ``day``, ``amount`` (company currency, untaxed), ``id``."""
        if self.source == "order":
            return SQL(
                """
                SELECT partner.commercial_partner_id AS client_id,
                       sale.date_order::date AS day,
                       sale.amount_untaxed / COALESCE(NULLIF(sale.currency_rate, 0), 1)
                           AS amount, sale.id
                  FROM res_partner partner
                  JOIN sale_order sale ON sale.partner_id = partner.id
                 WHERE partner.commercial_partner_id = ANY(%s)
                   AND sale.company_id = %s AND sale.state = 'sale'
                """,
                client_ids,
                self.company_id.id,
            )
        return SQL(
            """
            SELECT partner.commercial_partner_id AS client_id, move.invoice_date AS day,
                   move.amount_untaxed_signed AS amount, move.id
              FROM res_partner partner
              JOIN account_move move ON move.partner_id = partner.id
             WHERE partner.commercial_partner_id = ANY(%s)
               AND move.company_id = %s AND move.state = 'posted'
               AND move.move_type IN ('out_invoice', 'out_refund')
            """,
            client_ids,
            self.company_id.id,
        )
