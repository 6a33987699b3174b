from psycopg2.errors import CheckViolation, UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TieringCommon


@tagged("post_install", "-at_install")
class TestTier(TieringCommon):
    def test_shipped_tiers_and_cadences(self):
        tiers = [self.env.ref(f"account_tiering.tier_{code}") for code in "abc"]
        self.assertEqual([tier.code for tier in tiers], ["A", "B", "C"])
        self.assertEqual([tier.revenue_share_to for tier in tiers], [80, 95, 100])
        for tier, owed in zip(
            tiers,
            (
                [("meeting", 2), ("call", 4)],
                [("call", 2), ("newsletter", 4)],
                [("newsletter", 4)],
            ),
            strict=True,
        ):
            with self.subTest(tier=tier.code):
                self.assertEqual(
                    [(c.channel, c.times_per_year) for c in tier.cadence_ids], owed
                )

    def test_bounds_rise(self):
        with self.assertRaisesRegex(ValidationError, "higher share"):
            self.tier_b.revenue_share_to = 80
        with self.assertRaisesRegex(ValidationError, "higher share"):
            self.tier_a.revenue_share_to = 96

    def test_a_tier_without_share_is_passed_over(self):
        self.tier_b.revenue_share_to = 0
        with self.assertRaisesRegex(ValidationError, "higher share"):
            self.tier_c.revenue_share_to = 70

    def test_minimums_do_not_rise(self):
        self.tier_a.min_revenue = 500
        self.tier_b.min_revenue = 500
        with self.assertRaisesRegex(ValidationError, "asks for more revenue"):
            self.tier_c.min_revenue = 501

    def test_archived_tiers_do_not_count(self):
        self.tier_b.active = False
        self.tier_a.revenue_share_to = 96
        with self.assertRaisesRegex(ValidationError, "higher share"):
            self.tier_b.active = True

    @mute_logger("odoo.sql_db")
    def test_ranges(self):
        for values in (
            {"revenue_share_to": 101},
            {"revenue_share_to": -1},
            {"min_revenue": -1},
        ):
            with (
                self.subTest(values=values),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.tier_c.write(values)
                self.tier_c.flush_recordset()

    @mute_logger("odoo.sql_db")
    def test_code_is_unique_in_a_company(self):
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.tier_b.code = "A"
            self.tier_b.flush_recordset()

    def test_further_tiers(self):
        vip = self.env["client.tier"].create(
            {"name": "VIP", "code": "VIP", "sequence": 1, "revenue_share_to": 20}
        )
        self.assertEqual(vip.company_id, self.company)
        tiers = self.env["client.tier"].search([("company_id", "=", self.company.id)])
        self.assertEqual(tiers.mapped("code"), ["VIP", "A", "B", "C"])

    def test_reordering_checks_the_result_only(self):
        self.tier_a.revenue_share_to = self.tier_b.revenue_share_to = 0
        tiers = self.tier_c | self.tier_b | self.tier_a
        tiers.web_resequence({"sequence": {}})
        self.assertEqual(
            self.env["client.tier"].search([("company_id", "=", self.company.id)]),
            tiers,
        )
        self.tier_a.revenue_share_to = 0
        self.tier_b.revenue_share_to = 0
        self.tier_c.revenue_share_to = 50
        self.tier_b.revenue_share_to = 80
        with self.assertRaisesRegex(ValidationError, "higher share"):
            (self.tier_a | self.tier_b | self.tier_c).web_resequence({"sequence": {}})

    def test_copy(self):
        copied = self.tier_a.copy()
        self.assertEqual(copied.name, "A (copy)")
        self.assertEqual(copied.code, "A2")
        self.assertEqual(copied.revenue_share_to, 0)
        self.assertEqual(len(copied.cadence_ids), 2)

    def test_a_tier_with_clients_stays(self):
        self._assign(self._create_client("Acme"), self.tier_b)
        with self.assertRaisesRegex(UserError, "has 1 clients"):
            self.tier_b.active = False
        with self.assertRaisesRegex(UserError, "has 1 clients"):
            self.tier_b.unlink()

    def test_a_tier_of_the_past_stays(self):
        client = self._create_client("Acme")
        self._assign(client, self.tier_b)
        self._assign(client, self.tier_c)
        with self.assertRaisesRegex(UserError, "archive it instead"):
            self.tier_b.unlink()
        self.tier_b.active = False
        self.assertEqual(
            self._get_history(client), [("manual", False, "B"), ("manual", "B", "C")]
        )

    def test_an_unused_tier_goes(self):
        self.tier_b.unlink()
        self.assertFalse(self.tier_b.exists())

    def test_company_of_a_tier_with_clients_stays(self):
        self._assign(self._create_client("Acme"), self.tier_b)
        other = self.env["res.company"].create({"name": "Other"})
        other.env["client.tier"].sudo().search(
            [("company_id", "=", other.id)]
        ).active = False
        with self.assertRaisesRegex(ValidationError, "present company"):
            self.tier_b.write({"company_id": other.id, "code": "X"})

    def test_clients_and_hours(self):
        for name in ("Acme", "Beta"):
            self._assign(self._create_client(name), self.tier_a)
        archived = self._create_client("Gone")
        self._assign(archived, self.tier_a)
        archived.active = False
        self.env.invalidate_all()
        self.assertEqual(self.tier_a.client_count, 2)
        # 2 meetings of 1.5 + 1.5 hours, 4 calls of 0.5 + 0.25
        self.assertEqual(self.tier_a.hours_per_client, 9)
        self.assertEqual(self.tier_a.hours_total, 18)
        self.assertEqual(
            self.tier_a.cost_sentence,
            "Each client costs the team 9 hours a year, all 2 of them 18 hours.",
        )

    def test_view_clients(self):
        client = self._create_client("Acme")
        given = self._assign(client, self.tier_a)
        action = self.tier_a.action_view_clients()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), given)

    def test_names_tell_companies_apart(self):
        self.assertEqual(self.tier_a.display_name, "A")
        both = self.company | self.env.ref("base.main_company")
        tier = self.tier_a.with_context(allowed_company_ids=both.ids)
        self.assertEqual(tier.display_name, "A (Agency)")
