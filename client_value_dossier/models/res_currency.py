from odoo import api, models
from odoo.tools import SQL


class ResCurrency(models.Model):
    _inherit = "res.currency"

    @api.model
    def _get_rates_of_dates(self, currencies, company, dates):
        """Return the rates of many dates in one query, as Odoo picks each of them:
        the company's own before shared ones, the last up to the date, else the
        first one, else 1.

        :param currencies: ``res.currency``
        :param company: ``res.company`` whose rates apply
        :param dates: iterable of dates
        :return: {(currency id, date): units of the currency per unit of reference}
        """
        dates = sorted(set(dates))
        if not currencies or not dates:
            return {}
        self.env["res.currency.rate"].flush_model()
        # Raw SQL: the ORM can look up one date at a time only, and a sheet or a
        # dossier has hundreds.
        query = SQL(
            """
            SELECT currency.id, day.date, COALESCE(
                       (SELECT rate.rate
                          FROM res_currency_rate rate
                         WHERE rate.currency_id = currency.id
                           AND rate.name <= day.date
                           AND (rate.company_id IS NULL OR rate.company_id = %(root)s)
                         ORDER BY rate.company_id, rate.name DESC
                         LIMIT 1),
                       (SELECT rate.rate
                          FROM res_currency_rate rate
                         WHERE rate.currency_id = currency.id
                           AND (rate.company_id IS NULL OR rate.company_id = %(root)s)
                         ORDER BY rate.company_id, rate.name
                         LIMIT 1),
                       1.0)
              FROM unnest(%(currencies)s) AS currency(id)
             CROSS JOIN unnest(%(dates)s::date[]) AS day(date)
            """,
            root=company.root_id.id,
            currencies=currencies.ids,
            dates=dates,
        )
        return {
            (currency, date): rate
            for currency, date, rate in self.env.execute_query(query)
        }

    @api.model
    def _convert_many(self, amounts, target, company):
        """Convert many amounts, each at the rate of its own date.

        :param amounts: list of (amount, ``res.currency``, date)
        :param target: ``res.currency`` to convert to
        :return: list of amounts in *target*, rounded
        """
        foreign = [item for item in amounts if item[1] != target]
        if not foreign:
            return [amount for amount, _currency, _date in amounts]
        currencies = self.browse({item[1].id for item in foreign}) | target
        rates = self._get_rates_of_dates(
            currencies, company, (item[2] for item in foreign)
        )
        return [
            amount
            if currency == target
            else target.round(
                amount * rates[target.id, date] / rates[currency.id, date]
            )
            for amount, currency, date in amounts
        ]
