from io import StringIO
from itertools import product

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools import pareto
from .client_tier_review import PARETO_SHARE

#: What COPY reads as NULL.
NULL = r"\N"


class ClientTierReview(models.Model):
    """Proposing: what clients bring, and the tiers that follow from it."""

    _inherit = "client.tier.review"

    def _propose(self):
        """Write the lines of this review."""
        self.ensure_one()
        tiers = self._get_tiers()
        decided = self._get_decided()
        facts = self._get_facts()
        placements = self._classify(facts, tiers)
        self.env["client.tier.review.line"].flush_model()
        self.env.execute_query(
            # Raw SQL, here and below: as many lines as there are clients.
            SQL(
                "DELETE FROM client_tier_review_line WHERE review_id = %s RETURNING id",
                self.id,
            )
        )
        self._insert_lines(facts, placements, tiers)
        self.env["client.tier.review.line"].invalidate_model()
        revenues = [placement.revenue for placement in placements]
        self.write(
            {
                "proposed_on": fields.Datetime.now(),
                "client_count": len(placements),
                "revenue_total": sum(revenues),
                "few_count": pareto.concentrate(revenues, PARETO_SHARE).few,
            }
        )
        self.invalidate_recordset()
        self._restore_decided(decided)

    def _get_tiers(self):
        """Return the tiers of the company, the best one first.

        :raises UserError: without tiers
        """
        tiers = self.env["client.tier"].search(
            [("company_id", "=", self.company_id.id)], order="sequence, id"
        )
        if not tiers:
            raise UserError(
                self.env._(
                    "%s has no tiers yet: make some in CRM > Accounts > "
                    "Configuration > Tiers.",
                    self.company_id.name,
                )
            )
        return tiers

    def _get_facts(self):
        """Return what is known of each client that is to be classified.

        Clients are the commercial entities that were ever invoiced (or ordered), and
        those that have a tier; without archived ones, and without our own companies.

        :returns: {client id: (revenue, current tier id, hold)}
        """
        self.env.flush_all()
        stay = self.date_to - relativedelta(months=self.stay_months)
        grace = self.date_to - relativedelta(months=self.grace_months)
        # Raw SQL: one pass over the invoices, there is no index by client. The director
        # sees sums of invoices that he need not have access to. With memory for the
        # sums of all clients nothing is sorted on disk.
        self.env.cr.execute("SET LOCAL work_mem = '64MB'")
        rows = self.env.execute_query(
            SQL(
                """
                SELECT client.id, COALESCE(figure.revenue, 0)::float8, given.tier_id,
                       CASE WHEN %(is_locked)s THEN 'locked'
                            WHEN given.since > %(stay)s AND %(stay)s < %(date_to)s
                            THEN 'stay'
                            WHEN figure.first > %(grace)s AND %(grace)s < %(date_to)s
                            THEN 'grace'
                            ELSE '' END
                  FROM (%(revenue)s) AS figure (client_id, revenue, first)
                  FULL JOIN (
                      SELECT * FROM client_tier_assignment
                       WHERE company_id = %(company)s
                  ) AS given ON given.partner_id = figure.client_id
                  JOIN res_partner client
                    ON client.id = COALESCE(figure.client_id, given.partner_id)
                 WHERE client.active
                   AND NOT EXISTS (SELECT FROM res_company ours
                                    WHERE ours.partner_id = client.id)
                """,
                revenue=self._get_revenue_sql(),
                company=self.company_id.id,
                is_locked=self._get_locked_sql(),
                date_to=self.date_to,
                stay=stay,
                grace=grace,
            )
        )
        self.env.cr.execute("SET LOCAL work_mem TO DEFAULT")
        digits = self.currency_id.decimal_places
        return {
            client: (round(revenue, digits), tier, hold)
            for client, revenue, tier, hold in rows
        }

    def _get_locked_sql(self):
        """Return SQL of whether the assignment ``given`` is locked."""
        return self.env["client.tier.assignment"]._get_locked_sql(
            SQL("given.locked"), SQL("given.lock_until")
        )

    def _get_revenue_sql(self):
        """Return a query for (client id, revenue of the period, first date) of all
        clients with business up to the period's end, in the company's currency."""
        return getattr(self, f"_get_{self.method}_revenue_sql")()

    def _get_invoice_revenue_sql(self):
        """Return the query for untaxed posted invoices minus credit notes."""
        return SQL(
            """
            SELECT commercial_partner_id,
                   SUM(amount_untaxed_signed)
                       FILTER (WHERE invoice_date >= %(date_from)s),
                   MIN(invoice_date)
              FROM account_move
             WHERE move_type IN ('out_invoice', 'out_refund')
               AND state = 'posted'
               AND company_id = %(company)s
               AND invoice_date <= %(date_to)s
               AND commercial_partner_id IS NOT NULL
             GROUP BY commercial_partner_id
            """,
            date_from=self.date_from,
            date_to=self.date_to,
            company=self.company_id.id,
        )

    def _get_order_revenue_sql(self):
        """Return the query for the untaxed amounts of confirmed orders."""
        return self._get_order_amount_sql("amount_untaxed")

    def _get_margin_revenue_sql(self):
        """Return the query for the margins of confirmed orders."""
        return self._get_order_amount_sql("margin")

    def _get_order_amount_sql(self, column):
        """Return the query for an amount of confirmed orders."""
        return SQL(
            """
            SELECT partner.commercial_partner_id,
                   SUM(sale.%(amount)s / COALESCE(NULLIF(sale.currency_rate, 0), 1))
                       FILTER (WHERE sale.date_order >= %(date_from)s),
                   MIN(sale.date_order)::date
              FROM sale_order sale
              JOIN res_partner partner ON partner.id = sale.partner_id
             WHERE sale.state = 'sale'
               AND sale.company_id = %(company)s
               AND sale.date_order < %(date_end)s
             GROUP BY partner.commercial_partner_id
            """,
            amount=SQL.identifier(column),
            date_from=self.date_from,
            date_end=self.date_to + relativedelta(days=1),
            company=self.company_id.id,
        )

    def _classify(self, facts, tiers):
        """Return the placements of all clients, the largest revenue first.

        :param facts: of :meth:`_get_facts`
        :param tiers: of :meth:`_get_tiers`
        """
        places = {tier.id: place for place, tier in enumerate(tiers)}
        return pareto.classify(
            [
                pareto.Client(client, revenue, places.get(tier), hold)
                for client, (revenue, tier, hold) in facts.items()
            ],
            [pareto.Bound(tier.revenue_share_to, tier.min_revenue) for tier in tiers],
            self.margin,
        )

    def _insert_lines(self, facts, placements, tiers):
        """Write the lines for these placements."""
        review = self.id
        ids = tiers.ids
        known = {tier for _revenue, tier, _hold in facts.values() if tier}
        movements = self._get_movements(tiers | tiers.browse(known))
        rows = []
        for client, revenue, share, cumulative, _asked, place, held in placements:
            old = facts[client][1]
            # Who is locked in a tier that is archived keeps it.
            new = old if place is None else ids[place]
            rows.append(
                f"{review}\t{client}\t{revenue}\t{share}\t{cumulative}"
                f"\t{held or NULL}\t{movements[old, new]}\taccept\n"
            )
        # COPY: half the time of an INSERT. Numbers and words of our own only.
        self.env.cr.copy_expert(
            "COPY client_tier_review_line (review_id, partner_id, revenue, share,"
            " cumulative, held, old_tier_id, proposed_tier_id, tier_id, movement,"
            " hours_before, hours_after, decision) FROM STDIN",
            StringIO("".join(rows)),
        )

    def _get_movements(self, tiers):
        """Return {(id of the old tier, id of the new one): columns of a line that
        follow from these}, as COPY wants them, for all pairs; None for no tier."""
        none = tiers.browse()
        pairs = product([none, *tiers], repeat=2)
        lines = self.env["client.tier.review.line"]
        return {
            (old.id or None, new.id or None): "\t".join(
                str(value or NULL)
                for value in (
                    old.id,
                    new.id,
                    new.id,
                    lines._get_movement(old, new),
                    old.hours_per_client or "0",
                    new.hours_per_client or "0",
                )
            )
            for old, new in pairs
        }

    def _get_decided(self):
        """Return what somebody decided: {client id: values to write again}."""
        self.env.flush_all()
        # Raw SQL: the ids of a few lines of a hundred thousand.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM client_tier_review_line
                 WHERE review_id = %s
                   AND (decision = 'skip' OR reason IS NOT NULL
                        OR tier_id IS DISTINCT FROM proposed_tier_id)
                """,
                self.id,
            )
        )
        lines = self.env["client.tier.review.line"].browse(line for (line,) in rows)
        return {
            line.partner_id.id: {
                "decision": line.decision,
                "reason": line.reason,
                **(
                    {"tier_id": line.tier_id.id}
                    if line.tier_id != line.proposed_tier_id
                    else {}
                ),
            }
            for line in lines
        }

    def _restore_decided(self, decided):
        lines = self.env["client.tier.review.line"].search(
            [("review_id", "=", self.id), ("partner_id", "in", list(decided))]
        )
        free = lines.filtered(lambda line: line.held != "locked")
        same = free.grouped(lambda line: tuple(decided[line.partner_id.id].items()))
        for values, some in same.items():
            some.write(dict(values))
