from psycopg2.errors import CheckViolation

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..hooks import post_init_hook
from .common import TieringCommon


@tagged("post_install", "-at_install")
class TestCompany(TieringCommon):
    def _get_company_tiers(self, company):
        return (
            self.env["client.tier"]
            .sudo()
            .with_context(active_test=False)
            .search([("company_id", "=", company.id)], order="sequence")
        )

    def test_a_new_company_starts_with_the_tiers_of_the_main_one(self):
        main = self._get_company_tiers(self.env.ref("base.main_company"))
        new = self._get_company_tiers(self.company)
        self.assertEqual(new.mapped("code"), main.filtered("active").mapped("code"))
        self.assertEqual(
            [[c.channel for c in tier.cadence_ids] for tier in new],
            [[c.channel for c in tier.cadence_ids] for tier in main.filtered("active")],
        )
        self.assertEqual(
            new.cadence_ids.alarm_ids, main.filtered("active").cadence_ids.alarm_ids
        )
        self.assertIn("goals", new[0].cadence_ids[0].agenda)

    def test_amounts_go_along_in_the_same_currency_only(self):
        main = self.env.ref("base.main_company")
        tier = self._get_company_tiers(main).filtered("active")[0]
        tier.min_revenue = 1000
        foreign = self.env.ref(
            "base.EUR" if main.currency_id.name != "EUR" else "base.USD"
        )
        foreign.active = True
        same, other = self.env["res.company"].create(
            [
                {"name": "Same", "currency_id": main.currency_id.id},
                {"name": "Other", "currency_id": foreign.id},
            ]
        )
        self.assertEqual(self._get_company_tiers(same)[0].min_revenue, 1000)
        self.assertEqual(self._get_company_tiers(other)[0].min_revenue, 0)

    def test_installing_gives_tiers_to_companies_without(self):
        tiers = self._get_company_tiers(self.company)
        tiers.unlink()
        post_init_hook(self.env)
        self.assertEqual(
            self._get_company_tiers(self.company).mapped("code"), ["A", "B", "C"]
        )
        count = self.env["client.tier"].sudo().search_count([])
        post_init_hook(self.env)
        self.assertEqual(self.env["client.tier"].sudo().search_count([]), count)

    def test_who_is_no_sales_administrator_may_create_a_company(self):
        user = self._new_user("it", "base.group_system")
        user.group_ids -= self.env.ref("sales_team.group_sale_manager")
        company = self.env["res.company"].with_user(user).create({"name": "New"})
        self.assertEqual(len(self._get_company_tiers(company.sudo())), 3)

    def test_a_deleted_company_takes_its_tiers_along(self):
        company = self.env["res.company"].create({"name": "Short-lived"})
        tiers = self._get_company_tiers(company)
        self.env.user.company_ids -= company
        company.unlink()
        self.assertFalse(tiers.exists())

    @mute_logger("odoo.sql_db")
    def test_ranges(self):
        for values in (
            {"tier_margin": -1},
            {"tier_margin": 51},
            {"tier_months": 0},
            {"tier_stay_months": -1},
            {"tier_grace_months": -1},
        ):
            with (
                self.subTest(values=values),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.company.write(values)
                self.company.flush_recordset()

    def test_a_schedule_begins_a_period_from_now(self):
        self.company.tier_review_schedule = "quarterly"
        self.assertEqual(self.company.tier_review_next, self._months_ago(-3))
        self.company.tier_review_schedule = False
        self.assertFalse(self.company.tier_review_next)

    def test_settings(self):
        settings = self.env["res.config.settings"].create(
            {
                "tier_margin": 4.5,
                "tier_method": "order",
                "tier_review_schedule": "quarterly",
                "tier_review_next": "2030-01-01",
                "tier_director_id": self.manager.id,
            }
        )
        settings.execute()
        self.assertEqual(self.company.tier_margin, 4.5)
        self.assertEqual(self.company.tier_method, "order")
        self.assertEqual(self.company.tier_director_id, self.manager)
        self.assertEqual(self.company.tier_review_next, self._day("2030-01-01"))

    def test_each_company_has_its_own_tier_of_a_client(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.env.user.company_ids = [Command.link(other.id)]
        client = self._create_client("Acme")
        self._assign(client, self.tier_a)
        there = client.with_company(other)
        self.assertFalse(there.tier_id)
        there.tier_id = self._get_company_tiers(other)[2]
        self.assertEqual(there.tier_id.code, "C")
        self.assertEqual(client.tier_id.code, "A")
        self.assertEqual(
            self.env["res.partner"].search([("tier_id.code", "=", "A")]) & client,
            client,
        )
        self.assertFalse(
            self.env["res.partner"]
            .with_company(other)
            .search([("tier_id.code", "=", "A")])
            & client
        )
