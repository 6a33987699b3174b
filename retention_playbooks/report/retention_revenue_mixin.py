from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate

_lt = LazyTranslate(__name__)

#: Names of groups without a value, of several reports.
NO_TIER = _lt("No tier")
REASON_NOT_KNOWN = _lt("Reason not known")

#: What the query of the revenue reads, for ``_depends`` of a report.
REVENUE_DEPENDS = {
    "account.move": [
        "partner_id",
        "company_id",
        "invoice_date",
        "amount_untaxed_signed",
        "state",
        "move_type",
    ],
    "sale.order": [
        "partner_id",
        "company_id",
        "date_order",
        "amount_untaxed",
        "currency_rate",
        "state",
    ],
    "res.partner": ["commercial_partner_id", "user_id"],
    "res.company": ["retention_effect_months", "retention_revenue_source"],
    "client.tier.assignment": ["partner_id", "company_id", "tier_id"],
}


class RetentionRevenueMixin(models.AbstractModel):
    """What reports on retention have in common: what counts as revenue, and the way
    from a figure to the records behind it."""

    _name = "retention.revenue.mixin"
    _description = "Revenue in Reports on Retention"

    @api.model
    def _get_revenue_sql(self):
        """Return SQL of the revenue of the companies that the user is in, one row per
        invoice, credit note or order: ``client_id``, ``company_id``, ``day``,
        ``amount`` (company currency, untaxed). Each company says what counts."""
        companies = self.env.companies.grouped("retention_revenue_source")
        parts = [
            getattr(self, f"_get_{source}_sql")(some.ids)
            for source, some in companies.items()
        ]
        return SQL(" UNION ALL ").join(parts)

    @api.model
    def _get_invoice_sql(self, company_ids):
        """Return SQL of posted invoices, less credit notes."""
        return SQL(
            """
            SELECT person.commercial_partner_id AS client_id, move.company_id,
                   move.invoice_date AS day, move.amount_untaxed_signed AS amount
              FROM account_move move
              JOIN res_partner person ON person.id = move.partner_id
             WHERE move.company_id = ANY(%s) AND move.state = 'posted'
               AND move.move_type IN ('out_invoice', 'out_refund')
            """,
            company_ids,
        )

    @api.model
    def _get_order_sql(self, company_ids):
        """Return SQL of confirmed orders."""
        return SQL(
            """
            SELECT person.commercial_partner_id AS client_id, sale.company_id,
                   sale.date_order::date AS day,
                   sale.amount_untaxed / COALESCE(NULLIF(sale.currency_rate, 0), 1)
                       AS amount
              FROM sale_order sale
              JOIN res_partner person ON person.id = sale.partner_id
             WHERE sale.company_id = ANY(%s) AND sale.state = 'sale'
            """,
            company_ids,
        )

    @api.model
    def _get_revenue_action(self, client, company, date_from, date_to):
        """Return the action that lists what was counted as the revenue of a client from
        a day until another one, which is not included."""
        if company.retention_revenue_source == "order":
            action = "sale.action_orders"
            domain = [("state", "=", "sale")]
            day = "date_order"
        else:
            action = "account.action_move_out_invoice_type"
            domain = [
                ("state", "=", "posted"),
                ("move_type", "in", ("out_invoice", "out_refund")),
            ]
            day = "invoice_date"
        result = self.env["ir.actions.act_window"]._for_xml_id(action)
        result["domain"] = [
            *domain,
            ("partner_id.commercial_partner_id", "=", client.id),
            ("company_id", "=", company.id),
            (day, ">=", fields.Date.to_string(date_from)),
            (day, "<", fields.Date.to_string(date_to)),
        ]
        result["context"] = {"create": False}
        return result
