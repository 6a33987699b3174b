from odoo import models
from odoo.tools import SQL

# A fee for a late payment may be invoiced so many days after it was paid.
FEE_DAYS = 90


class ClientValueRule(models.Model):
    """Favours in invoices and credit notes."""

    _inherit = "client.value.rule"

    def _harvest_credit_note(self, ids):
        """Credit notes that are goodwill: not for goods that came back or never left,
        and not the cancellation of an invoice that was issued again."""
        rows = self._read_credit_notes(ids)
        reissued = self._get_reissued_amounts(ids)
        currencies = self.env["res.currency"]
        findings = []
        for (
            move_id,
            number,
            company_id,
            client_id,
            contact_id,
            date,
            currency_id,
            amount,
            reversed_number,
            order_id,
            project_id,
        ) in rows:
            currency = currencies.browse(currency_id)
            amount = currency.round(amount - reissued.get(move_id, 0.0))
            if currency.compare_amounts(amount, 0) <= 0:
                continue
            finding = self._prepare_finding(
                "account.move",
                move_id,
                company_id,
                client_id,
                date,
                unit_id=move_id,
                contact_id=contact_id,
                project_id=project_id,
                sale_order_id=order_id,
                currency_id=currency_id,
                amount=amount,
            )
            finding["words"].update(number=number, invoice=reversed_number)
            findings.append(finding)
        return findings

    def _read_credit_notes(self, ids):
        # Raw SQL: matches each credit note with its lines' orders
        return self.env.execute_query(
            SQL(
                """
                WITH refund AS (
                    SELECT move.*, credited.name AS credited_number
                      FROM account_move move
                 LEFT JOIN account_move credited ON credited.id = move.reversed_entry_id
                     WHERE move.id = ANY(%(moves)s)
                       AND move.company_id = ANY(%(companies)s)
                       AND move.move_type = 'out_refund'
                       AND move.state = 'posted'
                       AND move.commercial_partner_id NOT IN (%(own)s)
                ),
                line AS (
                    SELECT line.move_id, line.price_subtotal, sold.order_id,
                           sold.project_id, sold.is_returned
                      FROM refund
                      JOIN account_move_line line ON line.move_id = refund.id
                 LEFT JOIN LATERAL (
                           SELECT MIN(sale_line.order_id) AS order_id,
                                  MIN(COALESCE(sale_line.project_id, sale.project_id))
                                      AS project_id,
                                  BOOL_AND(template.type = 'consu'
                                           AND sale_line.qty_delivered
                                               <= sale_line.qty_invoiced)
                                      AS is_returned
                             FROM sale_order_line_invoice_rel relation
                             JOIN sale_order_line sale_line
                               ON sale_line.id = relation.order_line_id
                             JOIN sale_order sale ON sale.id = sale_line.order_id
                             JOIN product_product product
                               ON product.id = sale_line.product_id
                             JOIN product_template template
                               ON template.id = product.product_tmpl_id
                            WHERE relation.invoice_line_id = line.id
                           ) sold ON TRUE
                     WHERE line.display_type = 'product'
                       AND line.is_downpayment IS NOT TRUE
                ),
                goodwill AS (
                    SELECT move_id, SUM(price_subtotal) AS amount,
                           CASE WHEN COUNT(DISTINCT order_id) = 1 THEN MIN(order_id) END
                               AS order_id,
                           CASE WHEN COUNT(DISTINCT project_id) = 1
                                THEN MIN(project_id) END AS project_id
                      FROM line
                     WHERE is_returned IS NOT TRUE
                     GROUP BY move_id
                )
                SELECT refund.id, refund.name, refund.company_id,
                       refund.commercial_partner_id,
                       NULLIF(refund.partner_id, refund.commercial_partner_id),
                       refund.invoice_date, refund.currency_id,
                       goodwill.amount::float8,
                       refund.credited_number, goodwill.order_id, goodwill.project_id
                  FROM refund
                  JOIN goodwill ON goodwill.move_id = refund.id
                 ORDER BY refund.id
                """,
                moves=list(ids),
                companies=self._get_companies().ids,
                own=self._get_own_partners_sql(),
            )
        )

    def _get_reissued_amounts(self, ids):
        """Return {credit note id: untaxed amount of the invoice that took the place of
        the one it reversed as a whole}: the first one after it with the same products.

        An invoice takes the place of one other only, of the one credited first. So the
        other credit notes of the same clients are looked at, too.
        """
        # Raw SQL: compares the products of each credit note with those of what was
        # invoiced after it
        rows = self.env.execute_query(
            SQL(
                """
                WITH client AS (
                    SELECT DISTINCT commercial_partner_id, company_id, currency_id
                      FROM account_move
                     WHERE id = ANY(%(moves)s) AND reversed_entry_id IS NOT NULL
                )
                SELECT refund.id, invoice.id, invoice.amount_untaxed::float8
                  FROM client
                  JOIN res_partner partner
                    ON partner.commercial_partner_id = client.commercial_partner_id
                  JOIN account_move refund
                    ON refund.partner_id = partner.id
                   AND refund.company_id = client.company_id
                   AND refund.currency_id = client.currency_id
                   AND refund.move_type = 'out_refund'
                   AND refund.state = 'posted'
                  JOIN account_move credited
                    ON credited.id = refund.reversed_entry_id
                   AND credited.amount_untaxed = refund.amount_untaxed
                  JOIN LATERAL (
                       SELECT id, invoice_date, amount_untaxed
                         FROM account_move
                        WHERE partner_id IN (
                                  SELECT id FROM res_partner
                                   WHERE commercial_partner_id
                                         = client.commercial_partner_id)
                          AND company_id = client.company_id
                          AND currency_id = client.currency_id
                          AND move_type = 'out_invoice'
                          AND state = 'posted'
                          AND account_move.id > credited.id
                          AND invoice_date BETWEEN refund.invoice_date
                                               AND refund.invoice_date + %(days)s
                       ) invoice ON %(products)s = %(invoice_products)s
                 ORDER BY refund.invoice_date, refund.id,
                          invoice.invoice_date, invoice.id
                """,
                moves=list(ids),
                days=self.reissue_days,
                products=self._get_products_sql("credited", "id"),
                invoice_products=self._get_products_sql("invoice", "id"),
            )
        )
        amounts, taken = {}, set()
        for refund_id, invoice_id, amount in rows:
            if refund_id not in amounts and invoice_id not in taken:
                amounts[refund_id] = amount
                taken.add(invoice_id)
        return amounts

    def _get_products_sql(self, table, column):
        """Return SQL of the sorted products of an invoice."""
        return SQL(
            """
            (SELECT ARRAY_AGG(DISTINCT item.product_id ORDER BY item.product_id)
               FROM account_move_line item
              WHERE item.move_id = %s AND item.display_type = 'product')
            """,
            SQL.identifier(table, column),
        )

    def _harvest_late_payment(self, ids):
        """Invoices that were paid after they were due, without a fee: a deferral was
        granted."""
        findings = []
        for (
            move_id,
            number,
            company_id,
            client_id,
            contact_id,
            date,
            currency_id,
            days,
            amount,
        ) in self._read_late_payments(ids):
            currency = self.env["res.currency"].browse(currency_id)
            finding = self._prepare_finding(
                "account.move",
                move_id,
                company_id,
                client_id,
                date,
                unit_id=move_id,
                contact_id=contact_id,
                currency_id=currency_id,
                days=days,
                amount=currency.round(amount * self.interest_rate / 100 / 365),
            )
            finding["words"]["number"] = number
            findings.append(finding)
        return findings

    def _read_late_payments(self, ids):
        """Return [(…, days late, amount times days)] of invoices paid late."""
        fee = SQL("FALSE")
        if self.fee_product_id:
            fee = SQL(
                """
                EXISTS (SELECT
                          FROM account_move fee
                          JOIN account_move_line item ON item.move_id = fee.id
                         WHERE item.product_id = %s
                           AND fee.state = 'posted'
                           AND fee.move_type = 'out_invoice'
                           AND fee.commercial_partner_id = move.commercial_partner_id
                           AND fee.company_id = move.company_id
                           AND fee.invoice_date > move.invoice_date_due
                           AND fee.invoice_date <= MAX(payment.date) + %s)
                """,
                self.fee_product_id.id,
                FEE_DAYS,
            )
        # Raw SQL: sums up the payments of many invoices, each with its days
        return self.env.execute_query(
            SQL(
                """
                SELECT move.id, move.name, move.company_id, move.commercial_partner_id,
                       NULLIF(move.partner_id, move.commercial_partner_id),
                       MAX(payment.date), move.currency_id,
                       MAX(payment.date - item.date_maturity) AS days,
                       SUM(partial.debit_amount_currency
                           * GREATEST(payment.date - item.date_maturity, 0))::float8
                  FROM account_move move
                  JOIN account_move_line item
                    ON item.move_id = move.id AND item.display_type = 'payment_term'
                  JOIN account_partial_reconcile partial
                    ON partial.debit_move_id = item.id
                  JOIN account_move_line payment ON payment.id = partial.credit_move_id
                  JOIN account_move paid ON paid.id = payment.move_id
                 WHERE move.id = ANY(%(moves)s)
                   AND move.company_id = ANY(%(companies)s)
                   AND move.move_type = 'out_invoice'
                   AND move.state = 'posted'
                   AND move.payment_state IN ('paid', 'in_payment')
                   AND paid.move_type <> 'out_refund'
                   AND move.commercial_partner_id NOT IN (%(own)s)
                 GROUP BY move.id
                HAVING MAX(payment.date - item.date_maturity)
                           >= GREATEST(%(minimum)s, 1)
                   AND NOT %(fee)s
                 ORDER BY move.id
                """,
                moves=list(ids),
                companies=self._get_companies().ids,
                minimum=self.minimum_days,
                fee=fee,
                own=self._get_own_partners_sql(),
            )
        )
