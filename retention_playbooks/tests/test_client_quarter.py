import random
from collections import defaultdict
from datetime import date
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.retention_playbooks.tools.cohort import (
    Row,
    compute_cohorts,
    compute_retention,
    get_first_day,
    get_quarter,
)

from .effect_common import EffectCommon

SUMS = (
    "clients",
    "kept",
    "lost",
    "new",
    "regained",
    "base",
    "expansion",
    "contraction",
    "lost_revenue",
    "new_revenue",
    "regained_revenue",
)


@tagged("post_install", "-at_install")
class TestClientQuarter(EffectCommon):
    """Who stays, and how much of the revenue. It is 2 March 2026: the last quarter that
    is over is the fourth one of 2025."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.quarters = cls.env["retention.client.quarter"]

    def _get_status(self, client, day):
        row = self.quarters.search([("partner_id", "=", client.id), ("date", "=", day)])
        return row.status

    def _get_sums(self, day, *names, domain=()):
        """Return the sums, or rates, of the quarter that begins on a day."""
        [values] = self.quarters._read_group(
            [("company_id", "=", self.company.id), ("date", "=", day), *domain],
            [],
            [f"{name}:{'avg' if 'rate' in name else 'sum'}" for name in names],
        )
        return [float(value) for value in values]

    def test_by_hand(self):
        """As of the end of 2025: Acme brings more, Beta less, Cosy nothing, Dawn is
        new, Ever has come back."""
        dawn, ever = self._create_clients(2)
        for client, day, amount in (
            (self.client_a, "2024-05-01", 1000),
            (self.client_a, "2025-05-01", 1500),
            (self.client_b, "2024-12-31", 800),
            (self.client_b, "2025-01-01", 600),
            (self.client_c, "2024-01-01", 200),
            (dawn, "2025-12-31", 70),
            (ever, "2023-12-31", 40),
            (ever, "2025-10-01", 50),
            (dawn, "2026-01-01", 9999),  # in the quarter that is not over
        ):
            self._bill(client, day, amount)
        day = "2025-10-01"
        statuses = [
            self._get_status(client, day)
            for client in (self.client_a, self.client_b, self.client_c, dawn, ever)
        ]
        self.assertEqual(statuses, ["kept", "kept", "lost", "new", "regained"])
        self.assertEqual(
            self._get_sums(day, *SUMS),
            [3, 2, 1, 1, 1, 2000, 500, 200, 200, 70, 50],
        )
        client_rate, net, gross = self._get_sums(
            day, "client_rate", "net_rate", "gross_rate"
        )
        self.assertAlmostEqual(client_rate, 100 * 2 / 3)
        # Of sums, not the mean of 150, 75 and 0 %: 2100 and 1600 of 2000.
        self.assertAlmostEqual(net, 105)
        self.assertAlmostEqual(gross, 80)
        self.assertFalse(self.quarters.search([("date", ">", day)]))

    def test_credit_notes(self):
        self._bill(self.client_a, "2024-05-01", 1000)
        self._bill(self.client_a, "2025-05-01", 500)
        self._bill(self.client_a, "2025-06-01", -500)
        self._bill(self.client_b, "2024-05-01", -300)
        self.assertEqual(self._get_status(self.client_a, "2025-10-01"), "lost")
        self.assertFalse(self._get_status(self.client_b, "2024-10-01"))

    def test_orders(self):
        self.company.retention_revenue_source = "order"
        self._bill(self.client_a, "2024-05-01", 1000)
        order = self._create_order(self.client_a)
        order.date_order = "2025-05-01 10:00:00"
        self.assertEqual(self._get_status(self.client_a, "2025-04-01"), "new")
        [revenue] = self._get_sums("2025-04-01", "new_revenue")
        self.assertEqual(revenue, 2000)

    def test_tier_of_the_year_before(self):
        """Who rose to A in the meantime counts as B."""
        changes = self.env["client.tier.change"]
        changes.search([("partner_id", "=", self.client_a.id)]).unlink()
        for day, old, new in (
            ("2024-06-01", False, self.tier_b),
            ("2025-06-01", self.tier_b, self.tier_a),
        ):
            changes.create(
                {
                    "partner_id": self.client_a.id,
                    "company_id": self.company.id,
                    "date": f"{day} 12:00:00",
                    "old_tier_id": old and old.id,
                    "new_tier_id": new.id,
                }
            )
        for day in ("2023-05-01", "2024-05-01", "2025-05-01"):
            self._bill(self.client_a, day, 100)

        def get_tier(day):
            row = self.quarters.search(
                [("partner_id", "=", self.client_a.id), ("date", "=", day)]
            )
            return row.tier_id

        # As of 31 December 2024, and of 30 June 2025 (there is no such quarter yet).
        self.assertEqual(get_tier("2025-10-01"), self.tier_b)
        # Before its history begins it counts for its first tier.
        self.assertEqual(get_tier("2024-04-01"), self.tier_b)
        with self._on("2026-07-01"):
            self.assertEqual(get_tier("2026-04-01"), self.tier_a)

    def test_without_history_the_tier_of_today(self):
        self.env["client.tier.change"].search([]).unlink()
        self._bill(self.client_a, "2024-05-01", 100)
        row = self.quarters.search([("partner_id", "=", self.client_a.id)], limit=1)
        self.assertEqual(row.tier_id, self.tier_a)

    def _invent(self, source):
        """Return ({client: {quarter: revenue}}, {client: [(quarter, tier)]})."""
        clients = self._create_clients(40)
        tiers = [self.tier_a.id, self.tier_b.id, self.tier_c.id]
        first, last = get_quarter(date(2020, 1, 1)), get_quarter(date(2025, 12, 31))
        revenues, histories = {}, {}
        for client in clients:
            chance = source.choice((0.1, 0.3, 0.6))
            begin = source.randint(first, last)
            revenues[client.id] = {
                quarter: source.choice((-100, -20, 10, 50, 200, 1000))
                for quarter in range(begin, last + 1)
                if source.random() < chance
            }
            histories[client.id] = sorted(
                (source.randint(first, last), source.choice(tiers))
                for _change in range(source.randint(1, 3))
            )
        return revenues, histories

    def _write_history(self, histories):
        changes = self.env["client.tier.change"]
        for client, history in histories.items():
            former = False
            for quarter, tier in history:
                changes.create(
                    {
                        "partner_id": client,
                        "company_id": self.company.id,
                        "date": f"{get_first_day(quarter)} 12:00:00",
                        "old_tier_id": former,
                        "new_tier_id": tier,
                    }
                )
                former = tier

    def _get_rows(self, revenues, histories, last):
        for client, quarters in revenues.items():
            history = histories[client]
            if not quarters:
                continue
            for quarter in range(min(quarters), last + 1):
                until = [tier for since, tier in history if since <= quarter]
                tier = until[-1] if until else history[0][1]
                yield Row(client, quarter, quarters.get(quarter, 0), tier)

    def test_as_the_tool_computes_it(self):
        """Whatever clients do, SQL says what :mod:`tools.cohort` says."""
        last = get_quarter(self.today) - 1
        revenues, histories = self._invent(random.Random(5))
        self._write_history(histories)
        rows = list(self._get_rows(revenues, histories, last))
        source = SQL(
            "SELECT * FROM UNNEST(%s, %s, %s, %s)"
            " AS revenue (client_id, company_id, day, amount)",
            [row.client for row in rows],
            [self.company.id for _row in rows],
            [get_first_day(row.quarter) for row in rows],
            [row.revenue for row in rows],
        )
        cohorts = defaultdict(dict)
        with patch.object(
            self.registry["retention.client.quarter"],
            "_get_revenue_sql",
            lambda _self: source,
        ):
            found = {
                (get_quarter(day), tier.id): [float(value) for value in values]
                for day, tier, *values in self.quarters._read_group(
                    [("status", "!=", False)],
                    ["date:quarter", "tier_id"],
                    [f"{name}:sum" for name in SUMS],
                )
            }
            for day, age, *values in self.quarters._read_group(
                [("bought", "=", 1)],
                ["cohort:quarter", "age"],
                ["bought:sum", "quarter_revenue:sum"],
            ):
                cohorts[get_quarter(day)][age] = tuple(map(float, values))
        expected = compute_retention(rows, get_quarter(date(2020, 1, 1)), last)
        self.assertEqual(
            found,
            {
                (part.quarter, part.tier): [getattr(part, name) for name in SUMS]
                for part in expected
            },
        )
        self.assertGreater(len(found), 40)
        for kind in ("kept", "lost", "new", "regained"):
            self.assertTrue(any(getattr(part, kind) for part in expected), kind)
        self.assertEqual(
            cohorts,
            {
                cohort.quarter: {
                    age: (active, revenue)
                    for age, (active, revenue) in enumerate(
                        zip(cohort.active, cohort.revenues, strict=True)
                    )
                    if active
                }
                for cohort in compute_cohorts(rows, last)
            },
        )

    def test_figure_opens_its_records(self):
        inside = self._bill(self.client_a, "2024-01-01", 10)
        inside |= self._bill(self.client_a, "2025-12-31", 10)
        self._bill(self.client_a, "2023-12-31", 10)
        self._bill(self.client_a, "2026-01-01", 10)
        row = self.quarters.search(
            [("partner_id", "=", self.client_a.id), ("date", "=", "2025-10-01")]
        )
        action = row.action_view_revenue()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, inside)
        self.assertEqual(row.base + row.revenue, 20)

    def test_ids_differ(self):
        for day in ("2023-05-01", "2024-05-01", "2025-05-01"):
            self._bill(self.client_a, day, 100)
            self._bill(self.client_b, day, 100)
        rows = self.quarters.search([("partner_id.user_id", "=", self.own.id)])
        self.assertEqual(len(rows), len(set(rows.ids)))
        self.assertEqual(
            len(rows), len({(row.partner_id.id, row.date) for row in rows})
        )
