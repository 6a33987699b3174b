from odoo import api, models
from odoo.tools import SQL, split_every

from ..tools.workbook import Column, Sheet, write_workbook
from .client_tier_assignment import BATCH


class ClientTierReview(models.Model):
    """Reading: the chart and the tables of the form, and the workbook."""

    _inherit = "client.tier.review"

    @api.readonly
    def get_review_panel(self):
        """Return what the chart and the table of the form show.

        :return: dict with ``sentences`` (list of str), ``bars`` (list of dict with
            ``label``, ``revenue``, ``cumulative``, ``tier``, ``color``),
            ``tiers`` and ``managers`` (lists of dict with ``name``, ``clients``,
            ``clients_before`` and hours ``before`` and ``after``), ``currency_id``
        """
        self.ensure_one()
        self.check_access("read")
        sentences = [self.concentration] if self.concentration else []
        if self.top_share:
            count = min(self.top_count, self.client_count)
            sentences.append(
                self.env._(
                    "the %(count)s largest bring %(share)s %%",
                    count=count,
                    share=self.env["res.lang"]
                    ._lang_get(self.env.lang or "en_US")
                    .format("%.1f", self.top_share),
                )
            )
        return {
            "sentences": sentences,
            "bars": self._get_bars(),
            "tiers": self._get_tier_totals(),
            "managers": self._get_workload(),
            "currency_id": self.currency_id.id,
        }

    def _get_bars(self, most=60):
        """Return the bars of the chart: one for each client, or, where there are more
        than *most*, one for each group of equally many clients."""
        self.env["client.tier.review.line"].flush_model()
        rows = self.env.execute_query(
            # Raw SQL: cut all lines into groups at once.
            SQL(
                """
                SELECT MIN(number), MAX(number), SUM(revenue)::float8, MAX(cumulative),
                       MIN(partner_id),
                       MODE() WITHIN GROUP (ORDER BY tier_id)
                  FROM (
                    SELECT partner_id, revenue, cumulative, tier_id,
                           ROW_NUMBER() OVER ranking AS number,
                           NTILE(%(most)s) OVER ranking AS part
                      FROM client_tier_review_line
                     WHERE review_id = %(review)s
                    WINDOW ranking AS (ORDER BY revenue DESC, id)
                  ) AS line
                 GROUP BY part ORDER BY part
                """,
                review=self.id,
                most=most,
            )
        )
        alone = all(first == last for first, last, *_rest in rows)
        partners = self.env["res.partner"].browse(row[4] for row in rows if alone)
        names = {partner.id: partner.display_name for partner in partners}
        tiers = self.env["client.tier"].browse({row[5] for row in rows if row[5]})
        by_id = {tier.id: tier for tier in tiers}
        return [
            {
                "label": names[partner]
                if alone
                else self.env._("Clients %(first)s–%(last)s", first=first, last=last),
                "revenue": revenue,
                "cumulative": cumulative,
                "tier": by_id[tier].name if tier else "",
                "color": by_id[tier].color if tier else 0,
            }
            for first, last, revenue, cumulative, partner, tier in rows
        ]

    def _get_tier_totals(self):
        """Return clients, revenue and hours of each tier, after and before."""
        lines = self.env["client.tier.review.line"]
        domain = [("review_id", "=", self.id)]
        before = {
            tier: (count, hours)
            for tier, count, hours in lines._read_group(
                domain, ["old_tier_id"], ["__count", "hours_before:sum"]
            )
        }
        after, revenue = {}, {}
        for new, old, decision, count, hours, amount in lines._read_group(
            domain,
            ["tier_id", "old_tier_id", "decision"],
            ["__count", "hours_after:sum", "revenue:sum"],
        ):
            tier = old if decision == "skip" else new
            clients, total = after.get(tier, (0, 0.0))
            after[tier] = (clients + count, total + hours)
            revenue[tier] = revenue.get(tier, 0.0) + amount
        tiers = self.env["client.tier"].union(*before, *after).sorted()
        none = self.env["client.tier"]
        return [
            {
                "name": tier.name or self.env._("No tier"),
                "color": tier.color,
                "clients_before": before.get(tier, (0, 0.0))[0],
                "clients": after.get(tier, (0, 0.0))[0],
                "revenue": revenue.get(tier, 0.0),
                "before": before.get(tier, (0, 0.0))[1],
                "after": after.get(tier, (0, 0.0))[1],
            }
            for tier in [*tiers, *([none] if none in before or none in after else [])]
        ]

    def _get_workload(self):
        """Return the hours a year of each account manager, before and after."""
        groups = self.env["client.tier.review.line"]._read_group(
            [("review_id", "=", self.id)],
            ["user_id"],
            ["__count", "hours_before:sum", "hours_after:sum"],
        )
        return sorted(
            (
                {
                    # sudo: the name of a colleague, who may be archived
                    "name": user.sudo().name or self.env._("Nobody"),
                    "clients": count,
                    "before": before,
                    "after": after,
                }
                for user, count, before, after in groups
            ),
            key=lambda row: -row["after"],
        )

    def _write_workbook(self, target):
        """Write the workbook of this review: its lines, tiers and account managers.

        :param target: path of the file to write
        """
        self.ensure_one()
        _ = self.env._
        hours = [
            Column(_("Hours a Year Before"), "hours", 14),
            Column(_("Hours a Year After"), "hours", 14),
        ]
        sheets = [
            Sheet(
                _("Clients"), self._get_workbook_columns(), self._iter_workbook_rows()
            ),
            Sheet(
                _("Tiers"),
                [
                    Column(_("Tier"), "text", 20),
                    Column(_("Clients Before"), "integer"),
                    Column(_("Clients After"), "integer"),
                    Column(_("Revenue"), "amount", 18),
                    *hours,
                ],
                (
                    [
                        row["name"],
                        row["clients_before"],
                        row["clients"],
                        row["revenue"],
                        row["before"],
                        row["after"],
                    ]
                    for row in self._get_tier_totals()
                ),
            ),
            Sheet(
                _("Account managers"),
                [
                    Column(_("Account Manager"), "text", 30),
                    Column(_("Clients"), "integer"),
                    *hours,
                ],
                (
                    [row["name"], row["clients"], row["before"], row["after"]]
                    for row in self._get_workload()
                ),
            ),
        ]
        write_workbook(
            target,
            sheets,
            self.env["res.lang"]._lang_get(self.env.lang or "en_US").date_format,
        )

    def _get_workbook_columns(self):
        """Return the columns of the sheet of clients; see
        :meth:`_iter_workbook_rows`."""
        _ = self.env._
        return [
            Column(_("Client"), "text", 36),
            Column(_("Account Manager"), "text", 24),
            Column(_("Revenue (%s)", self.currency_id.name), "amount", 16),
            Column(_("Share %"), "percent", 10),
            Column(_("Cumulative %"), "percent", 12),
            Column(_("Present Tier"), "text", 14),
            Column(_("Proposed Tier"), "text", 14),
            Column(_("New Tier"), "text", 14),
            Column(_("Movement"), "text", 12),
            Column(_("Held Back"), "text", 16),
            Column(_("Decision"), "text", 12),
            Column(_("Why Not as Proposed"), "text", 36),
            Column(_("Hours a Year Before"), "hours", 14),
            Column(_("Hours a Year After"), "hours", 14),
        ]

    def _iter_workbook_rows(self):
        """Give the rows of the sheet of clients, the largest first."""
        lines = self.env["client.tier.review.line"]
        ids = lines.search([("review_id", "=", self.id)]).ids
        labels = {
            name: dict(lines._fields[name]._description_selection(self.env))
            for name in ("movement", "held", "decision")
        }
        for some in split_every(BATCH, ids):
            for line in lines.browse(some):
                yield [
                    line.partner_id.display_name,
                    line.user_id.sudo().name,  # sudo: a colleague of another company
                    line.revenue,
                    line.share,
                    line.cumulative,
                    line.old_tier_id.name,
                    line.proposed_tier_id.name,
                    line.tier_id.name,
                    labels["movement"].get(line.movement),
                    labels["held"].get(line.held),
                    labels["decision"].get(line.decision),
                    line.reason,
                    line.hours_before,
                    line.hours_after,
                ]
            self.env.invalidate_all()
