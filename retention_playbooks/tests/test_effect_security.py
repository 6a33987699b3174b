from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .effect_common import EffectCommon

RULES = "odoo.addons.base.models.ir_rule"
ACCESS = "odoo.addons.base.models.ir_model"
VIEWS = ("retention.effect.client", "retention.client.quarter", "retention.risk.case")
COMPUTED = ("retention.effect", "retention.win.back.result")


@tagged("post_install", "-at_install")
class TestEffectSecurity(EffectCommon):
    """Own documents: figures of own clients, and nothing of who is left alone; all
    documents and administrators: of all. Companies apart."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.theirs = cls._create_client("Theirs", user=cls.other)
        cls.win_back = cls._create_playbook(kind="win_back", name="Win-back")
        for client, amount in ((cls.client_a, 100), (cls.theirs, 7)):
            cls._enter(client, drawn=True)
            cls._enter(client, playbook=cls.win_back)
            cls._bill(client, "2025-10-01", amount)
            cls._create_signal(client, date_open="2025-10-01")
        cls._leave_alone(cls.client_b)

    def _see(self, model, user, domain=()):
        return self.env[model].with_user(user).search(list(domain))

    def test_own_documents(self):
        for user, client in ((self.own, self.client_a), (self.other, self.theirs)):
            for model in VIEWS:
                with self.subTest(user=user.login, model=model):
                    self.assertEqual(self._see(model, user).partner_id, client)

    def test_own_runs_for_clients_of_others(self):
        run = self._enter(self.client_c, playbook=self.win_back)
        run.user_id = self.other
        self.assertIn(
            self.client_c, self._see("retention.effect.client", self.other).partner_id
        )

    @mute_logger(RULES, ACCESS)
    def test_others_are_not_read(self):
        for model in VIEWS:
            record = self.env[model].search([("partner_id", "=", self.theirs.id)])[:1]
            self.assertTrue(record)
            with self.subTest(model=model), self.assertRaises(AccessError):
                record.with_user(self.own).read(["partner_id"])
            self.assertTrue(record.with_user(self.all_docs).read(["partner_id"]))

    def test_sums_are_of_own_clients(self):
        for user, after in (
            (self.own, 100),
            (self.other, 7),
            (self.all_docs, 107),
            (self.manager, 107),
        ):
            with self.subTest(user=user.login):
                self.assertEqual(self._get_effect(user=user).revenue_after, after)
                [(revenue,)] = (
                    self.env["retention.client.quarter"]
                    .with_user(user)
                    ._read_group([("date", "=", "2025-10-01")], [], ["new_revenue:sum"])
                )
                self.assertEqual(revenue, after)

    @mute_logger(RULES, ACCESS)
    def test_who_is_left_alone_is_not_told_to_account_managers(self):
        alone = self.entries.search(
            [("arm", "=", "out"), ("company_id", "=", self.company.id)]
        )
        self.assertEqual(alone.partner_id, self.client_b)
        self.assertNotIn(alone, self._see("retention.effect.client", self.own))
        for user in (self.all_docs, self.manager):
            self.assertIn(alone, self._see("retention.effect.client", user))
        effect = self._get_effect(user=self.own)
        for name in ("alone_count", "drawn_count", "difference", "sentence", "verdict"):
            with self.subTest(name=name), self.assertRaises(AccessError):
                effect.read([name])
        self.assertEqual(self._get_effect(user=self.all_docs).alone_count, 1)

    def test_all_documents(self):
        for user in (self.all_docs, self.manager):
            for model in VIEWS:
                clients = self._see(model, user).partner_id
                self.assertIn(self.client_a, clients)
                self.assertIn(self.theirs, clients)

    @mute_logger(RULES, ACCESS)
    def test_outsiders(self):
        for user in (self.internal, self.member, self.portal):
            for model in (*VIEWS, *COMPUTED, "retention.lot", "retention.holdout"):
                record = self.env[model].with_user(user)
                with self.subTest(user=user.login, model=model):
                    self.assertFalse(record.has_access("read"))
                    self.assertFalse(record.has_access("create"))
            for model in COMPUTED:
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).action_open()

    def test_nobody_writes(self):
        for model in VIEWS:
            for operation in ("write", "create", "unlink"):
                self.assertFalse(
                    self.env[model].with_user(self.manager).has_access(operation)
                )

    def test_lots(self):
        for model, count in (("retention.lot", 2), ("retention.holdout", 1)):
            drawn = self._see(model, self.manager)
            self.assertEqual(len(drawn), count)
            for user in (self.own, self.all_docs):
                for operation in ("read", "write", "create", "unlink"):
                    with self.subTest(model=model, user=user.login, to=operation):
                        self.assertFalse(drawn.with_user(user).has_access(operation))
            for operation in ("write", "create"):
                self.assertFalse(drawn.has_access(operation))
            self.assertTrue(drawn.has_access("unlink"))

    @mute_logger(RULES, ACCESS)
    def test_computed_reports_are_their_owners(self):
        effect = self._get_effect(user=self.manager)
        with self.assertRaises(AccessError):
            effect.with_user(self.all_docs).read(["entered"])
        results = (
            self.env["retention.win.back.result"]
            .with_user(self.manager)
            ._compute_rows()
        )
        with self.assertRaises(AccessError):
            results.with_user(self.all_docs).read(["entered"])
        # Whoever makes a row of his own by hand learns nothing from it.
        self.assertTrue(effect.has_access("read"))
        self.assertFalse(effect.has_access("write"))

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            "effect_stranger",
            groups="sales_team.group_sale_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        env = self.env(user=stranger, context={"allowed_company_ids": company.ids})
        for model in (*VIEWS, "retention.lot"):
            self.assertFalse(env[model].search([]), model)
        for model in COMPUTED:
            rows = env[model]._compute_rows()
            self.assertEqual(sum(rows.mapped("entered")), 0, model)

    def test_currency_is_the_companys(self):
        for model in VIEWS:
            record = self.env[model].search([("company_id", "=", self.company.id)])[:1]
            self.assertEqual(record.currency_id, self.company.currency_id)
        self.assertEqual(self._get_effect().currency_id, self.company.currency_id)
