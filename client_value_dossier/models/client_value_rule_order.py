import json

from odoo import api, models
from odoo.tools import SQL

# Loyalty programmes whose rewards are a means of payment, not a discount.
PAYING_PROGRAMMES = ("gift_card", "ewallet")


class ClientValueRule(models.Model):
    """Favours in confirmed orders."""

    _inherit = "client.value.rule"

    def _harvest_discount(self, ids):
        """Order lines sold for less than their list value: discounts, lowered prices,
        lines given free, negative lines that lower an order's total."""
        findings = []
        references = {}
        rows = self._read_cheap_lines(ids)
        if self.price_reference == "pricelist":
            references = self._get_pricelist_prices(rows)
        currencies = self.env["res.currency"]
        for row in rows:
            reference = references.get(row["line_id"], row["reference"])
            currency = currencies.browse(row["currency_id"])
            charged = row["price_subtotal"]
            listed = 0.0
            if row["price_unit"] >= 0:
                listed = self._get_untaxed(row, reference, currency)
            worth = currency.round(listed - charged)
            if currency.compare_amounts(worth, 0) <= 0:
                continue
            finding = self._prepare_finding(
                "sale.order.line",
                row["line_id"],
                row["company_id"],
                row["client_id"],
                row["date"],
                unit_id=row["order_id"],
                contact_id=row["contact_id"],
                project_id=row["project_id"],
                task_id=row["task_id"],
                sale_order_id=row["order_id"],
                currency_id=row["currency_id"],
                amount=worth,
            )
            finding["words"].update(
                order=row["order_name"],
                product_id=row["product_id"],
                label=row["label"],
                percent=100 * worth / listed if listed else 0.0,
            )
            findings.append(finding)
        return findings

    def _read_cheap_lines(self, ids):
        """Return the order lines that may have been sold for less, as list of dict.

        ``reference`` is what one unit would have cost in the order's currency: the
        highest of the price asked, the price that Odoo computed at that time, and the
        list price on the day of the order, which its tracked changes tell.
        """
        # Raw SQL: compares each line of many orders with several tables
        return self.env.execute_query_dict(
            SQL(
                """
                SELECT * FROM (
                SELECT line.id AS line_id, line.order_id, line.company_id,
                       line.product_id, line.price_unit::float8,
                       line.product_uom_qty::float8 AS quantity, line.discount::float8,
                       line.price_subtotal::float8, sale.name AS order_name,
                       line.technical_price_unit,
                       sale.currency_id, sale.date_order::date AS date,
                       partner.commercial_partner_id AS client_id,
                       NULLIF(partner.id, partner.commercial_partner_id) AS contact_id,
                       COALESCE(
                           line.project_id,
                           (SELECT task.project_id
                              FROM project_task task
                             WHERE task.id = line.task_id),
                           sale.project_id
                       ) AS project_id,
                       line.task_id, split_part(line.name, E'\n', 1) AS label,
                       EXISTS (SELECT FROM product_pricelist_item item
                                WHERE item.pricelist_id = sale.pricelist_id)
                           AS has_pricelist,
                       EXISTS (SELECT
                                 FROM account_tax_sale_order_line_rel relation
                                 JOIN account_tax tax
                                   ON tax.id = relation.account_tax_id
                                WHERE relation.sale_order_line_id = line.id
                                  AND COALESCE(tax.price_include_override,
                                               company.account_price_include)
                                      = 'tax_included') AS is_tax_included,
                       GREATEST(
                           line.price_unit::float8,
                           line.technical_price_unit,
                           CASE WHEN line.combo_item_id IS NULL THEN
                               COALESCE(former.price, template.list_price)
                               * line_uom.factor / product_uom.factor
                               * COALESCE(rate.rate, 1)
                               * COALESCE(sale.currency_rate, 1)
                           END
                       )::float8 AS reference
                  FROM sale_order_line line
                  JOIN sale_order sale ON sale.id = line.order_id
                  JOIN res_company company ON company.id = line.company_id
                  JOIN res_partner partner ON partner.id = sale.partner_id
                  JOIN product_product product ON product.id = line.product_id
                  JOIN product_template template
                    ON template.id = product.product_tmpl_id
                  JOIN uom_uom line_uom ON line_uom.id = line.product_uom_id
                  JOIN uom_uom product_uom ON product_uom.id = template.uom_id
             LEFT JOIN res_company owner ON owner.id = template.company_id
             LEFT JOIN jsonb_to_recordset(%(rates)s) AS rate(
                           company_id integer, currency_id integer, date date,
                           rate float8)
                    ON rate.company_id = line.company_id
                   AND rate.currency_id = COALESCE(owner.currency_id, %(currency)s)
                   AND rate.date = sale.date_order::date
             LEFT JOIN LATERAL (
                       SELECT value.old_value_float AS price
                         FROM mail_message message
                         JOIN mail_tracking_value value
                           ON value.mail_message_id = message.id
                        WHERE message.model = 'product.template'
                          AND message.res_id = template.id
                          AND message.date > sale.date_order
                          AND value.field_id = %(price_field)s
                        ORDER BY message.date, value.id
                        LIMIT 1
                       ) former ON TRUE
                 WHERE line.order_id = ANY(%(orders)s)
                   AND line.company_id = ANY(%(companies)s)
                   AND sale.state = 'sale'
                   AND line.display_type IS NULL
                   AND line.is_downpayment IS NOT TRUE
                   AND line.is_expense IS NOT TRUE
                   AND line.product_uom_qty > 0
                   AND template.type <> 'combo'
                   AND %(condition)s
                   AND partner.commercial_partner_id NOT IN (%(own)s)
                ) AS line
                 WHERE price_unit < 0
                    OR reference * quantity > price_subtotal
                 ORDER BY line_id
                """,
                price_field=self.env["ir.model.fields"]
                ._get("product.template", "list_price")
                .id,
                orders=list(ids),
                currency=self.env["res.company"]._get_main_company().currency_id.id,
                rates=json.dumps(self._get_list_price_rates(ids)),
                companies=self._get_companies().ids,
                condition=self._get_discount_condition(),
                own=self._get_own_partners_sql(),
            )
        )

    @api.model
    def _get_list_price_rates(self, ids):
        """Return what a list price in another currency than the company's is to be
        multiplied by: list of dict of company_id, currency_id, date and rate.

        The products that companies share have prices in the main company's currency.
        """
        companies = self.env["res.company"]
        if len(companies._read_group([], ["currency_id"])) < 2:
            return []
        # Raw SQL: which few rates the products of many orders need
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT sale.company_id, used.currency_id, sale.date_order::date
                  FROM sale_order sale
                  JOIN res_company company ON company.id = sale.company_id
                  JOIN sale_order_line line ON line.order_id = sale.id
                  JOIN product_product product ON product.id = line.product_id
                  JOIN product_template template
                    ON template.id = product.product_tmpl_id
             LEFT JOIN res_company owner ON owner.id = template.company_id
            CROSS JOIN LATERAL (
                       SELECT COALESCE(owner.currency_id, %(main)s) AS currency_id
                       ) used
                 WHERE sale.id = ANY(%(orders)s)
                   AND sale.state = 'sale'
                   AND used.currency_id <> company.currency_id
                """,
                main=companies._get_main_company().currency_id.id,
                orders=list(ids),
            )
        )
        found = []
        for company in companies.browse({owner for owner, _other, _date in rows}):
            needed = [
                (other, date) for owner, other, date in rows if owner == company.id
            ]
            own = company.currency_id
            rates = own._get_rates_of_dates(
                own.browse({other for other, _date in needed}) | own,
                company,
                [date for _other, date in needed],
            )
            for other, date in needed:
                found.append(
                    {
                        "company_id": company.id,
                        "currency_id": other,
                        "date": date.isoformat(),
                        "rate": rates[own.id, date] / rates[other, date],
                    }
                )
        return found

    def _get_discount_condition(self):
        """Return SQL that leaves out lines of ``line`` which are no discount.

        Extend it to leave out more.
        """
        if "reward_id" not in self.env["sale.order.line"]._fields:
            return SQL("TRUE")
        # sale_loyalty is installed, on which this addon need not depend: a gift card
        # or an eWallet that is used up is a payment.
        return SQL(
            """
            NOT EXISTS (SELECT
                          FROM loyalty_reward reward
                          JOIN loyalty_program program
                            ON program.id = reward.program_id
                         WHERE reward.id = line.reward_id
                           AND program.program_type IN %s)
            """,
            PAYING_PROGRAMMES,
        )

    def _get_pricelist_prices(self, rows):
        """Return {line id: price of a unit that the client's pricelist asks}, for lines
        of orders whose pricelist has rules of its own.

        A price that differs from the one that Odoo had computed was typed over: then
        the computed one counts.
        """
        prices = {}
        asked = [row for row in rows if row["price_unit"] >= 0]
        lines = self.env["sale.order.line"].browse(row["line_id"] for row in asked)
        for row, line in zip(asked, lines, strict=True):
            if row["technical_price_unit"] != row["price_unit"]:
                prices[line.id] = row["technical_price_unit"]
            elif row["has_pricelist"]:
                priced = line.with_company(line.company_id)
                prices[line.id] = priced._get_pricelist_price()
        return prices

    def _get_untaxed(self, row, price, currency):
        """Return the untaxed value of a line at another price, rounded."""
        if not row["is_tax_included"]:
            return currency.round(price * row["quantity"])
        asked = row["price_unit"] * (1 - row["discount"] / 100) * row["quantity"]
        if asked:
            return currency.round(
                price * row["quantity"] * row["price_subtotal"] / asked
            )
        line = self.env["sale.order.line"].browse(row["line_id"])
        taxes = line.tax_ids.compute_all(
            price, currency, row["quantity"], line.product_id, line.order_id.partner_id
        )
        return taxes["total_excluded"]
