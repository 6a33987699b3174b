from datetime import timedelta

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestSignal(RetentionCommon):
    """What becomes of a signal, whatever its kind: lapsed clients are the example."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._create_order(400)

    def test_again_changes_nothing(self):
        self.assertEqual(self._refresh()["raised"], 1)
        before = self._snapshot()
        self.assertEqual(self._refresh(), {"raised": 0, "updated": 0, "expired": 0})
        self.assertEqual(self._snapshot(), before)

    def test_next_week_without_noise(self):
        """Days go by in the sentence, not in the database."""
        signal = self._find("lapsed")
        written = signal.write_date
        with freeze_time(self.today + timedelta(days=7)):
            self.assertEqual(self._refresh(), {"raised": 0, "updated": 0, "expired": 0})
            self.env.invalidate_all()
            self.assertIn("407 days ago", signal.explanation)
        self.assertEqual(signal.write_date, written)
        self.assertFalse(signal.message_ids)

    def test_closed_sentence_stands_still(self):
        signal = self._find("lapsed")
        signal.action_handle("Called")
        with freeze_time(self.today + timedelta(days=7)):
            self.env.invalidate_all()
            self.assertIn("400 days ago", signal.explanation)

    def test_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        signal = self._find("lapsed")
        self.assertTrue(signal.with_context(lang="fr_FR").explanation)
        self.assertNotIn("400 days", str(signal.facts))

    def test_one_open_per_kind(self):
        signal = self._find("lapsed")
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            signal.copy({"facts": {"sentence": "Again"}}).flush_recordset()

    # ------------------------------------------------------------
    # HANDLED
    # ------------------------------------------------------------

    def test_handle(self):
        signal = self._find("lapsed")
        signal.with_user(self.own).action_handle(" Called Ann ")
        self.assertRecordValues(
            signal,
            [
                {
                    "state": "handled",
                    "handled_note": "Called Ann",
                    "handled_by_id": self.own.id,
                    "date_closed": self.today,
                }
            ],
        )
        self.assertIn("Called Ann", self.client.message_ids[0].body)
        self.assertEqual(self.client.message_ids[0].author_id, self.own.partner_id)

    def test_handle_needs_a_note(self):
        for note in (None, "", "  "):
            with self.assertRaises(UserError):
                self._find("lapsed").action_handle(note)

    def test_handled_is_left_alone(self):
        self._set_rule("lapsed", quiet_days=60, severe_from=0)
        self._find("lapsed").action_handle("Called")
        self.assertFalse(self._find("lapsed"))
        with freeze_time(self.today + timedelta(days=59)):
            self.assertFalse(self._find("lapsed"))
        with freeze_time(self.today + timedelta(days=60)):
            self.assertTrue(self._find("lapsed"))

    def test_handled_for_ever(self):
        self._set_rule("lapsed", quiet_days=0, severe_from=0)
        self._set_rule("lost", active=False)
        self._find("lapsed").action_handle("Called")
        with freeze_time(self.today + timedelta(days=2000)):
            self.assertFalse(self._find("lapsed"))

    def test_handled_but_grown_worse(self):
        self._set_rule("lapsed", quiet_days=0, severe_from=420)
        self._find("lapsed").action_handle("Called")
        with freeze_time(self.today + timedelta(days=20)):
            self.assertEqual(self._find("lapsed").severity, "3")

    def test_handled_but_for_another_reason(self):
        self._set_rule("lapsed", quiet_days=0, days=30, severe_from=0)
        self._find("lapsed").action_handle("Called")
        self._create_order(250)
        self.assertTrue(self._find("lapsed"))

    def test_reopen(self):
        signal = self._find("lapsed")
        signal.action_handle("Called")
        signal.with_user(self.own).action_reopen()
        self.assertEqual(signal.state, "open")
        self.assertFalse(signal.handled_note)
        signal.action_handle("Called")
        self.signals.create({"partner_id": self.client.id, "kind": "lapsed"})
        with self.assertRaises(UserError):
            signal.action_reopen()

    # ------------------------------------------------------------
    # RULES
    # ------------------------------------------------------------

    def test_switched_off(self):
        signal = self._find("lapsed")
        self._get_rule("lapsed").active = False
        self.assertEqual(signal.state, "expired")
        self.assertFalse(self._find("lapsed"))

    def test_rule_of_a_tier(self):
        self._set_rule("lapsed", self.tier_a, days=500)
        self.assertTrue(self._find("lapsed"))
        self._assign(self.client, self.tier_a)
        self.assertFalse(self._find("lapsed"))
        self._set_rule("lapsed", self.tier_a, days=400)
        self.assertTrue(self._find("lapsed"))

    def test_switched_off_for_a_tier(self):
        self._assign(self.client, self.tier_b)
        self._create_order(400, partner=self.other_client)
        self._refresh()
        rule = self._set_rule("lapsed", self.tier_b, days=300)
        rule.active = False
        self.assertFalse(self._get("lapsed"))
        self._refresh()
        self.assertFalse(self._get("lapsed"))
        self.assertTrue(self._get("lapsed", self.other_client))

    def test_switched_off_but_for_a_tier(self):
        self._assign(self.client, self.tier_a)
        self._create_order(400, partner=self.other_client)
        self._refresh()
        self._set_rule("lapsed", active=False)
        self.assertTrue(self._get("lapsed"))
        self.assertFalse(self._get("lapsed", self.other_client))

    def test_one_rule_for_the_same_clients(self):
        for tier in (False, self.tier_a.id):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(UniqueViolation),
                self.env.cr.savepoint(),
            ):
                self.rules.create(
                    [{"kind": "lapsed", "tier_id": tier} for _twice in range(2)]
                )

    def test_tier_of_another_company(self):
        company = self._new_company("Second Agency")
        tier = self.env["client.tier"].search(
            [("company_id", "=", company.id)], limit=1
        )
        with self.assertRaises(UserError):
            self.rules.create({"kind": "lapsed", "tier_id": tier.id})

    def test_every_kind_has_all_it_needs(self):
        for kind, _label in self.signals._fields["kind"].selection:
            with self.subTest(kind=kind):
                self.assertTrue(self._get_rule(kind))
                self.assertTrue(hasattr(self.rules, f"_find_{kind}"))
                self.assertTrue(hasattr(self.signals, f"_explain_{kind}"))

    def test_new_company_begins_with_rules(self):
        company = self._new_company("Second Agency")
        rules = self.rules._get_all_rules(company)
        kinds = {kind for kind, _label in self.signals._fields["kind"].selection}
        self.assertEqual(set(rules.mapped("kind")), kinds)
        self.assertEqual(rules.tier_id.company_id, company)
        self.assertFalse(self.rules._create_defaults(company))

    def test_kind_of_an_integrator(self):
        """A kind more takes a method, nothing else."""

        def _find_late_payer(rule, client_ids):
            return [
                rule._prepare_finding(client_id, 1, "x", {"sentence": "He is cross"})
                for client_id in client_ids
            ]

        self.patch(type(self.rules), "_find_late_payer", _find_late_payer)
        self.assertEqual(self._find("late_payer").explanation, "He is cross")

    # ------------------------------------------------------------
    # COMPANIES
    # ------------------------------------------------------------

    def test_other_company(self):
        company = self._new_company("Second Agency")
        self._refresh(company=company)
        self.assertFalse(self._get("lapsed", company=company))
        self._create_order(500, company=company)
        self._refresh(company=company)
        self.assertTrue(self._get("lapsed", company=company))
        self.assertFalse(self._get("lapsed"))
        self._refresh()
        self.assertIn("400 days", self._get("lapsed").explanation)

    def test_clients_of_another_company(self):
        company = self._new_company("Second Agency")
        self._create_order(500, company=company)
        self.client.company_id = self.company
        self._refresh(company=company)
        self.assertFalse(self._get("lapsed", company=company))

    def test_we_are_no_client(self):
        self._create_order(400, partner=self.company.partner_id)
        self.assertFalse(self._find("lapsed", self.company.partner_id))
        colleague = self.own.partner_id
        self._create_order(400, partner=colleague)
        self.assertFalse(self._find("lapsed", colleague))

    def test_manager_of_another_company(self):
        company = self._new_company("Second Agency")
        stranger = self._new_user(
            "stranger", "sales_team.group_sale_salesman", company=company
        )
        self.client.user_id = stranger
        self.assertFalse(self._find("lapsed").user_id)

    # ------------------------------------------------------------
    # CLIENTS
    # ------------------------------------------------------------

    def test_account_manager_changes(self):
        signal = self._find("lapsed")
        self.client.user_id = self.other
        self.assertEqual(signal.user_id, self.other)
        self.client.user_id = False
        self.assertFalse(signal.user_id)

    def test_client_archived(self):
        signal = self._find("lapsed")
        self.contact.active = False
        self.client.active = False
        self.assertEqual(signal.state, "expired")
        self.assertFalse(self._find("lapsed"))

    def test_client_becomes_a_contact(self):
        signal = self._find("lapsed")
        group = self._create_client("Acme Group")
        self.client.write({"is_company": False, "parent_id": group.id})
        self.assertEqual(signal.partner_id, group)
        self.assertEqual(signal.state, "open")

    def test_clients_are_merged(self):
        twin = self._create_client("Acme")
        self._create_order(300, partner=twin)
        self._set_rule("lapsed", days=300, severe_from=350)
        self._refresh(self.client, twin)
        graver = self._get("lapsed")
        self.env["base.partner.merge.automatic.wizard"].create({})._merge(
            (twin | self.client).ids, twin
        )
        self.assertEqual(self._get("lapsed", twin), graver)
        self._refresh(twin)
        self.assertIn("Bought 2 times", self._get("lapsed", twin).explanation)

    def test_contact_shows_signals_of_the_client(self):
        self._refresh()
        self.assertEqual(self.contact.signal_count, 1)
        self.assertEqual(self.client.signal_severity, "2")
        found = self.env["res.partner"].search(
            [("signal_severity", "=", "2"), ("id", "child_of", self.client.id)]
        )
        self.assertEqual(found, self.client | self.contact)
        none = self.env["res.partner"].search(
            [("signal_severity", "=", False), ("id", "=", self.client.id)]
        )
        self.assertFalse(none)

    def test_find_on_demand(self):
        action = self.contact.with_user(self.own).action_find_signals()
        self.assertEqual(action["params"]["message"], "One open signal.")
        self.assertTrue(self._get("lapsed"))
        action = self.other_client.with_user(self.other).action_find_signals()
        self.assertEqual(action["params"]["type"], "success")

    # ------------------------------------------------------------
    # EVIDENCE
    # ------------------------------------------------------------

    def test_open_evidence(self):
        signal = self._find("lapsed")
        action = signal.action_open_evidence()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("sale.order", self.order.id)
        )
        for _number in range(2):
            self._create_invoice(60, due=30)
        action = self._find("late_payer").action_open_evidence()
        self.assertEqual(action["res_model"], "account.move")
        self.assertEqual(len(action["domain"][0][2]), 2)

    def test_evidence_gone(self):
        signal = self._find("lapsed")
        self.order._action_cancel()
        self.order.unlink()
        with self.assertRaises(UserError):
            signal.action_open_evidence()

    def test_without_evidence(self):
        signal = self.signals.create({"partner_id": self.contact.id, "kind": "lost"})
        self.assertEqual(signal.partner_id, self.client)
        self.assertEqual(signal.user_id, self.own)
        self.assertEqual(signal.explanation, "Lost Client")
        self.assertEqual(signal.action_open_evidence()["res_id"], self.client.id)

    def test_rules_in_words(self):
        for rule in self.rules._get_all_rules(self.company):
            with self.subTest(rule=rule.display_name):
                self.assertTrue(rule.description)
        self.assertEqual(
            self._get_rule("lapsed", self.tier_a).description,
            "bought nothing for 270 days",
        )
        self._set_rule("late_payer", minimum_amount=100)
        self.assertIn("100.00 or more", self._get_rule("late_payer").description)
