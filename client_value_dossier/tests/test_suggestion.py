"""The life of a suggestion, from being found to being decided, and after."""

from datetime import date

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestSuggestion(ClientValueCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rules = cls.env["client.value.rule"]
        cls.free_hours = cls.env.ref("client_value_dossier.rule_free_hours")
        cls.after_care = cls.env.ref("client_value_dossier.rule_after_care")
        cls.discount_rule = cls.env.ref("client_value_dossier.rule_discount")
        cls.employee = cls.env["hr.employee"].create(
            {"name": "Researcher", "user_id": cls.member.id, "hourly_cost": 30.0}
        )
        # An own order line keeps the timesheets of its task paid; these are not.
        cls.project.date = False
        cls.project.date_start = False
        cls.free_task = cls.env["project.task"].create(
            {"name": "Consultation", "project_id": cls.project.id}
        )
        cls.free_task.sale_line_id = False
        cls.sheets = cls._log_hours("2026-05-04", 3.0) + cls._log_hours("2026-05-20", 2)

    @classmethod
    def _log_hours(cls, day, hours, task=None):
        return cls.env["account.analytic.line"].create(
            {
                "name": "Advice",
                "project_id": cls.project.id,
                "task_id": (task or cls.free_task).id,
                "employee_id": cls.employee.id,
                "date": day,
                "unit_amount": hours,
                "so_line": False,
                "is_so_line_edited": True,
            }
        )

    def _scan(self):
        return self.rules.run_harvest(partners=self.client)

    def _find(self, kind="free_hours"):
        return self.env["client.value.entry"].search(
            [("rule_id.kind", "=", kind), ("partner_id", "=", self.client.id)]
        )

    def _scan_and_find(self, kind="free_hours"):
        self._scan()
        return self._find(kind)

    # ------------------------------------------------------------
    # FOUND
    # ------------------------------------------------------------

    def test_suggestion_is_complete(self):
        [entry] = self._scan().filtered(lambda e: e.rule_id == self.free_hours)
        self.assertRecordValues(
            entry,
            [
                {
                    "state": "suggested",
                    "partner_id": self.client.id,
                    "contact_id": self.contact.id,
                    "account_manager_id": self.own.id,
                    "user_id": False,
                    "project_id": self.project.id,
                    "sale_order_id": self.order.id,
                    "category_id": self.consultation.id,
                    "section": "concession",
                    "client_visible": True,
                    "res_model": "project.project",
                    "res_id": self.project.id,
                    "period": date(2026, 5, 1),
                    "date": date(2026, 5, 20),
                    "hours": 5.0,
                    "rate": 80.0,
                    "amount": 400.0,
                    "amount_company": 400.0,
                    "internal_cost": 150.0,
                    "currency_id": self.currency.id,
                    "company_id": self.company.id,
                    "withdrawn": False,
                    "source_changed": False,
                    "name": "May 2026: 5 hours of work at no charge on Brand tracker",
                }
            ],
        )
        action = entry.action_view_timesheets()
        self.assertEqual(
            self.env["account.analytic.line"].search(action["domain"]), self.sheets
        )

    def test_rate_and_worth_are_those_of_an_entry_logged_by_hand(self):
        entry = self._scan_and_find()
        logged = self._create_entry(
            project_id=self.project.id, sale_order_id=self.order.id, hours=5.0
        )
        self.assertEqual(
            (entry.rate, entry.amount, entry.currency_id),
            (logged.rate, logged.amount, logged.currency_id),
        )

    def test_scanning_again_changes_nothing(self):
        self.assertTrue(self._scan())
        before = self._find().read(["name", "hours", "write_date", "state"])
        self.assertFalse(self._scan())
        self.env.invalidate_all()
        self.assertEqual(
            self._find().read(["name", "hours", "write_date", "state"]), before
        )

    def test_words_are_in_the_clients_language(self):
        self.env["res.lang"]._activate_lang("ru_RU")
        self.client.lang = "ru_RU"
        self.assertTrue(self._scan_and_find().name.startswith("Май 2026: 5 "))

    def test_unique_in_the_database(self):
        entry = self._scan_and_find()
        self.assertFalse(
            self.env["client.value.entry"]._insert_suggestions(
                [
                    {
                        **self.free_hours._prepare_finding(
                            entry.res_model,
                            entry.res_id,
                            entry.company_id.id,
                            entry.partner_id.id,
                            entry.date,
                            period=entry.period,
                            unit_id=entry.unit_id,
                            currency_id=entry.currency_id.id,
                        ),
                        "name": "Found by another scan at the same time",
                        "amount_company": 0.0,
                    }
                ]
            )
        )

    # ------------------------------------------------------------
    # UNDECIDED: IT FOLLOWS
    # ------------------------------------------------------------

    def test_suggestion_follows_its_source(self):
        entry = self._scan_and_find()
        self.sheets[0].unit_amount = 4.0
        self._scan()
        self.assertRecordValues(
            entry, [{"hours": 6.0, "amount": 480.0, "internal_cost": 180.0}]
        )
        self.assertIn("6 hours", entry.name)

    def test_typed_words_stay(self):
        entry = self._scan_and_find()
        entry.name = "Advice on the spring campaign"
        self.sheets[0].unit_amount = 4.0
        self._scan()
        self.assertRecordValues(
            entry, [{"name": "Advice on the spring campaign", "hours": 6.0}]
        )

    def test_suggestion_is_withdrawn_with_its_source(self):
        entry = self._scan_and_find()
        self.sheets.unlink()
        self._scan()
        self.assertRecordValues(
            entry,
            [{"state": "dismissed", "withdrawn": True, "withdrawal_reason": "gone"}],
        )
        # What nobody dismissed comes back with its source.
        self._log_hours("2026-05-21", 1.0)
        self._scan()
        self.assertRecordValues(
            entry, [{"state": "suggested", "withdrawn": False, "hours": 1.0}]
        )

    def test_cancelled_order_says_why(self):
        order = self._create_order(self.hour_product, 2)
        order.order_line.discount = 50.0
        entry = self._scan_and_find("discount")
        self.assertEqual(entry.amount, 80.0)
        order._action_cancel()
        self._scan()
        self.assertRecordValues(
            entry, [{"state": "dismissed", "withdrawal_reason": "cancelled"}]
        )

    def test_deleted_record_says_why(self):
        entry = self._scan_and_find()
        self.free_hours.group_by_task = True
        self._scan()
        by_task = self._find().filtered(lambda e: e.state == "suggested")
        self.assertEqual(by_task.res_model, "project.task")
        self.assertEqual(entry.withdrawal_reason, "gone")
        self.sheets.unlink()
        self.free_task.unlink()
        self.env["client.value.scan"]._start("full")._run_to_end()
        self.assertEqual(by_task.withdrawal_reason, "deleted")

    def test_switched_off_rule_takes_its_suggestions_back(self):
        kept, suggested = self._two_suggestions()
        kept.action_confirm()
        self.free_hours.active = False
        self.assertRecordValues(
            suggested, [{"state": "dismissed", "withdrawal_reason": "rule"}]
        )
        self._scan()
        self.assertRecordValues(kept, [{"state": "confirmed", "source_changed": False}])
        self.free_hours.active = True
        self._scan()
        self.assertEqual(suggested.state, "suggested")

    def _two_suggestions(self):
        self._log_hours("2026-06-01", 1.0)
        self._scan()
        return self._find().sorted("period")

    # ------------------------------------------------------------
    # DECIDED: IT STAYS
    # ------------------------------------------------------------

    def test_kept_entry_warns_of_a_changed_source(self):
        entry = self._scan_and_find()
        entry.with_user(self.own).action_confirm()
        self.assertEqual(entry.user_id, self.own)
        self.sheets[0].unit_amount = 4.5
        self._scan()
        self.assertRecordValues(
            entry, [{"hours": 5.0, "amount": 400.0, "source_changed": True}]
        )
        self.assertIn("5.00 → 6.50", entry.with_user(self.own).source_change)
        entry.with_user(self.own).action_update_from_source()
        self.assertRecordValues(
            entry,
            [
                {
                    "hours": 6.5,
                    "amount": 520.0,
                    "internal_cost": 195.0,
                    "source_changed": False,
                    "state": "confirmed",
                }
            ],
        )
        self.assertFalse(self._scan())
        self.assertFalse(entry.source_changed)

    def test_kept_entry_may_stay_as_it_is(self):
        entry = self._scan_and_find()
        entry.action_confirm()
        self.sheets[0].unit_amount = 4.5
        self._scan()
        entry.with_user(self.own).action_keep_as_is()
        self._scan()
        self.assertRecordValues(entry, [{"hours": 5.0, "source_changed": False}])
        self.sheets[0].unit_amount = 7.0
        self._scan()
        self.assertTrue(entry.source_changed)

    def test_warning_ends_when_the_source_is_as_before(self):
        entry = self._scan_and_find()
        entry.action_confirm()
        self.sheets[0].unit_amount = 4.5
        self._scan()
        self.sheets[0].unit_amount = 3.0
        self._scan()
        self.assertFalse(entry.source_changed)

    def test_kept_entry_without_source(self):
        entry = self._scan_and_find()
        entry.action_confirm()
        self.sheets.unlink()
        self._scan()
        self.assertRecordValues(entry, [{"state": "confirmed", "source_changed": True}])
        self.assertIn("no longer show it", entry.source_change)
        entry.action_keep_as_is()
        self._scan()
        self.assertFalse(entry.source_changed)

    def test_update_without_source_sets_aside(self):
        entry = self._scan_and_find()
        entry.action_confirm()
        self.sheets.unlink()
        self._scan()
        entry.with_user(self.own).action_update_from_source()
        self.assertRecordValues(
            entry, [{"state": "dismissed", "withdrawn": True, "source_changed": False}]
        )

    def test_dismissed_never_comes_back(self):
        entry = self._scan_and_find()
        entry.action_dismiss()
        self.sheets[0].unit_amount = 100.0
        self.assertFalse(self._scan())
        self.assertRecordValues(entry, [{"state": "dismissed", "hours": 5.0}])
        self.sheets.unlink()
        self._scan()
        self._log_hours("2026-05-21", 1.0)
        self.assertFalse(self._scan())
        self.assertEqual(entry.state, "dismissed")

    def test_dismissed_comes_back_when_much_larger(self):
        self.free_hours.reopen_growth = 50.0
        entry = self._scan_and_find()
        entry.action_dismiss()
        self.sheets[0].unit_amount = 5.5  # 7.5 hours, 50 % more
        self._scan()
        self.assertEqual(entry.state, "dismissed")
        self.sheets[0].unit_amount = 5.75
        self._scan()
        self.assertRecordValues(entry, [{"state": "suggested", "hours": 7.75}])

    def test_own_rule_of_a_company_takes_decisions_over(self):
        entry = self._scan_and_find()
        entry.action_dismiss()
        action = self.free_hours.action_copy_for_company()
        own_rule = self.rules.browse(action["res_id"])
        self.assertEqual(own_rule.company_id, self.company)
        self.assertEqual(entry.rule_id, own_rule)
        self._scan()
        self.assertEqual(self._find(), entry)
        with self.assertRaisesRegex(UserError, "own rule already"):
            self.free_hours.action_copy_for_company()
        own_rule.unlink()
        self.assertEqual(entry.rule_id, self.free_hours)
        self._scan()
        self.assertEqual(entry.state, "dismissed")

    # ------------------------------------------------------------
    # EVIDENCE
    # ------------------------------------------------------------

    def test_evidence_of_a_line_is_its_order(self):
        order = self._create_order(self.hour_product, 2)
        order.order_line.discount = 50.0
        entry = self._scan_and_find("discount")
        action = entry.with_user(self.own).action_view_evidence()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("sale.order", order.id)
        )

    def test_counter(self):
        self._scan()
        entries = self.env["client.value.entry"]
        count = entries.with_user(self.own).get_suggestion_summary()["count"]
        self.assertEqual(count, len(self._find()))
        self.assertEqual(
            entries.with_user(self.other).get_suggestion_summary(), {"count": 0}
        )
        self.assertEqual(
            entries.with_user(self.internal).get_suggestion_summary(), {"count": 0}
        )

    def test_merged_client_keeps_its_suggestions(self):
        entry = self._scan_and_find()
        target = self.env["res.partner"].create(
            {"name": "Acme", "is_company": True, "user_id": self.other.id}
        )
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.client | target).ids, target)
        self.rules.run_harvest(partners=target)
        found = self.env["client.value.entry"].search(
            [("rule_id", "=", self.free_hours.id), ("project_id", "=", self.project.id)]
        )
        self.assertEqual(found, entry)
        self.assertRecordValues(
            entry, [{"partner_id": target.id, "account_manager_id": self.other.id}]
        )

    def test_archived_client_and_project_are_scanned(self):
        self.project.active = False
        self.client.active = False
        self.assertTrue(self._scan_and_find())

    def test_other_company_has_its_own_rate_and_rules(self):
        company = self.env["res.company"].create({"name": "Branch abroad"})
        company.client_value_rate = 70.0
        company.currency_id = self.foreign
        own_rule = self.free_hours.copy({"company_id": company.id, "minimum_hours": 4})
        employee = self.env["hr.employee"].create(
            {"name": "Abroad", "company_id": company.id}
        )
        sheets = self.env["account.analytic.line"]
        project = self.env["project.project"].create(
            {
                "name": "Abroad",
                "partner_id": self.client.id,
                "company_id": company.id,
                "allow_billable": True,
            }
        )
        for day, hours in (("2026-05-04", 3.5), ("2026-06-04", 4.0)):
            sheets |= self.env["account.analytic.line"].create(
                {
                    "name": "Advice",
                    "project_id": project.id,
                    "employee_id": employee.id,
                    "company_id": company.id,
                    "date": day,
                    "unit_amount": hours,
                }
            )
        self._scan()
        [entry] = self.env["client.value.entry"].search(
            [("company_id", "=", company.id), ("state", "=", "suggested")]
        )
        self.assertRecordValues(
            entry,
            [
                {
                    "rule_id": own_rule.id,
                    "hours": 4.0,
                    "amount": 280.0,
                    "currency_id": self.foreign.id,
                }
            ],
        )
        own_rule.active = False
        self._scan()
        self.assertRecordValues(
            entry, [{"state": "dismissed", "withdrawal_reason": "rule"}]
        )
        self.assertTrue(self._find())

    def test_dossier_shows_kept_ones_only(self):
        kept, suggested = self._two_suggestions()
        kept.action_confirm()
        snapshot = str(self._create_dossier()._prepare_snapshot())
        self.assertIn(kept.name, snapshot)
        self.assertNotIn(suggested.name, snapshot)
        self.assertNotIn("internal_cost", snapshot)

    def test_order_with_line_of_task_is_paid(self):
        self.free_task.sale_line_id = self.order.order_line
        self.env["account.analytic.line"].create(
            {
                "name": "Paid",
                "project_id": self.project.id,
                "task_id": self.free_task.id,
                "employee_id": self.employee.id,
                "date": "2026-07-01",
                "unit_amount": 5,
            }
        )
        self._scan()
        self.assertNotIn(date(2026, 7, 1), self._find().mapped("period"))

    def test_negative_line_is_a_discount(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.client.id,
                "order_line": [
                    Command.create({"product_id": self.fixed_product.id}),
                    Command.create(
                        {
                            "product_id": self.fixed_product.id,
                            "name": "Loyal client",
                            "price_unit": -150.0,
                        }
                    ),
                ],
            }
        )
        order.action_confirm()
        [entry] = self._scan_and_find("discount")
        self.assertEqual(entry.amount, 150.0)
        self.assertIn("Loyal client", entry.name)
