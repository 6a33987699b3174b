"""The access matrix of the README, a test for each cell."""

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import TieringCommon

OPERATIONS = ("read", "write", "create", "unlink")
NOTHING = dict.fromkeys(OPERATIONS, False)
READ = {**NOTHING, "read": True}
ALL = dict.fromkeys(OPERATIONS, True)


@tagged("post_install", "-at_install")
class TestSecurity(TieringCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls._create_client("Acme", 900, cls.own)
        cls.foreign_client = cls._create_client("Beta", 100, cls.other)
        cls.nobodys = cls._create_client("Gamma", 50)
        cls.given = cls._assign(cls.client, cls.tier_a)
        cls.foreign = cls._assign(cls.foreign_client, cls.tier_b)
        cls._assign(cls.nobodys, cls.tier_c)
        cls.review = cls._create_review()
        cls.users = {
            "own": cls.own,
            "all": cls.all_docs,
            "manager": cls.manager,
            "internal": cls.internal,
            "portal": cls.portal,
        }

    def _may(self, record, user, operation):
        record = record.with_user(user)
        if operation != "create":
            return record.has_access(operation)
        try:
            with self.env.cr.savepoint():
                record.browse().create(self._prepare(record))
        except AccessError:
            return False
        return True

    def _prepare(self, record):
        """Return values for a record like this one."""
        return {
            "client.tier": {"name": "D", "code": "D"},
            "client.tier.cadence": {"tier_id": self.tier_a.id},
            "client.tier.assignment": {
                "partner_id": self._create_client("New", user=self.own).id,
                "tier_id": self.tier_a.id,
                "company_id": self.company.id,
            },
            "client.tier.change": {
                "partner_id": self.client.id,
                "company_id": self.company.id,
            },
            "client.tier.review": {"company_id": self.company.id},
            "client.tier.review.line": {
                "review_id": self.review.id,
                "partner_id": self.client.id,
            },
            "client.tier.set": {
                "partner_ids": [Command.set(self.client.ids)],
                "company_id": self.company.id,
            },
        }[record._name]

    def _check(self, record, **expected):
        """Compare what each user may do with what he should be able to."""
        for name, user in self.users.items():
            wanted = expected.get(name, NOTHING)
            for operation in OPERATIONS:
                with self.subTest(record=record, user=name, operation=operation):
                    self.assertEqual(
                        self._may(record, user, operation), wanted[operation]
                    )

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_tiers_and_cadences(self):
        unused = self.env["client.tier"].create({"name": "X", "code": "X"})
        self._check(unused, own=READ, all=READ, manager=ALL)
        self._check(self.tier_a.cadence_ids[0], own=READ, all=READ, manager=ALL)

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_tiers_of_clients(self):
        self._check(self.given, own=READ, all=READ, manager=ALL)
        self._check(self.foreign, all=READ, manager=ALL)

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_history(self):
        change = {**NOTHING, "read": True, "write": True}
        self._check(self.client.tier_change_ids, own=READ, all=READ, manager=change)
        self._check(self.foreign_client.tier_change_ids, all=READ, manager=change)

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_reviews(self):
        self._check(self.review, manager=ALL)
        line = {**NOTHING, "read": True, "write": True}
        self._check(self.review.line_ids[0], manager=line)

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_dialog(self):
        wizard = (
            self.env["client.tier.set"]
            .with_user(self.manager)
            .create(self._prepare(self.env["client.tier.set"]))
        )
        self._check(wizard, manager={**ALL, "unlink": False})

    def test_own_clients_only_are_listed(self):
        assignments = self.env["client.tier.assignment"]
        domain = [("company_id", "=", self.company.id)]
        for user, count in ((self.own, 1), (self.all_docs, 3), (self.manager, 3)):
            with self.subTest(user=user.login):
                self.assertEqual(len(assignments.with_user(user).search(domain)), count)

    def test_the_badge_is_for_all_sellers(self):
        for user in (self.own, self.all_docs, self.manager):
            with self.subTest(user=user.login):
                self.assertEqual(
                    self.foreign_client.with_user(user).tier_id.display_name, "B"
                )
        self.assertEqual(
            self.env["res.partner"]
            .with_user(self.own)
            .search([("tier_id", "=", self.tier_b.id)]),
            self.foreign_client,
        )

    def test_others_do_not_see_the_tier(self):
        for user in (self.internal, self.portal):
            partner = self.client.with_user(user)
            with self.subTest(user=user.login):
                self.assertNotIn("tier_id", partner.fields_get())
                with self.assertRaises(AccessError):
                    partner.read(["tier_id"])
                with self.assertRaises(AccessError):
                    partner.search([("tier_id", "=", self.tier_a.id)])
                with self.assertRaises(AccessError):
                    partner._read_group([], ["tier_id"])

    def test_giving_a_tier_is_for_administrators(self):
        for user in (self.own, self.all_docs):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.client.with_user(user).tier_id = self.tier_c
        self.client.with_user(self.manager).tier_id = self.tier_c
        self.assertEqual(self.client.tier_id, self.tier_c)

    def test_applying_and_undoing_is_for_administrators(self):
        for user in (self.own, self.all_docs, self.internal):
            review = self.review.with_user(user)
            for call in (
                review.action_propose,
                review.action_apply,
                review.action_undo,
                review.action_cancel,
                review.get_review_panel,
            ):
                with (
                    self.subTest(user=user.login, call=call.__name__),
                    self.assertRaises(AccessError),
                ):
                    call()
        review = self.review.with_user(self.manager)
        review.action_propose()
        review.action_apply()
        review.action_undo()

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_companies_are_apart(self):
        there = self.env["res.company"].create({"name": "There"})
        self.env.user.company_ids += there
        env = self.env(context={**self.env.context, "allowed_company_ids": there.ids})
        tier = env["client.tier"].search([("company_id", "=", there.id)])[0]
        given = env["client.tier.assignment"]._assign(self.client, there, tier)
        review = env["client.tier.review"].create({})
        review.action_propose()
        records = (
            tier,
            tier.cadence_ids[0],
            given,
            env["client.tier.change"].search([("company_id", "=", there.id)]),
            review,
            review.line_ids,
        )
        for record in records:
            with self.subTest(model=record._name):
                self.assertTrue(record)
                self.assertFalse(
                    record.with_user(self.manager)
                    .with_context(allowed_company_ids=self.company.ids)
                    .has_access("read")
                )

    @mute_logger("odoo.http")
    def test_workbook_routes(self):
        for user, review, tiers in (
            (self.manager, 200, 200),
            (self.own, 403, 200),
            (self.internal, 403, 403),
        ):
            with self.subTest(user=user.login):
                self.authenticate(user.login, user.login)
                url = f"/account_tiering/review/{self.review.id}/review.xlsx"
                self.assertEqual(self.url_open(url).status_code, review)
                url = "/account_tiering/tiers.xlsx"
                self.assertEqual(self.url_open(url).status_code, tiers)
        self.authenticate(None, None)
        response = self.url_open("/account_tiering/tiers.xlsx")
        self.assertIn("/web/login", response.url)
