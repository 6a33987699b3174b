"""Scans: in batches, resumed, beside each other, by the scheduled jobs."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, LockError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import client_value_scan
from ..models.client_value_rule import BATCH_SIZES, INVOICE, ORDER, PROJECT
from .common import ClientValueCommon

ADDON = "odoo.addons.client_value_dossier"
LINES = (
    "sale.order.line",
    "project.project.stage",
    "project.task",
    "project.milestone",
    "account.analytic.line",
)
SMALL_BATCHES = dict.fromkeys(BATCH_SIZES, 2)


@tagged("post_install", "-at_install")
class TestScan(ClientValueCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scans = cls.env["client.value.scan"]
        cls.entries = cls.env["client.value.entry"]
        cls.orders = cls.env["sale.order"]
        for _number in range(5):
            order = cls._create_order(cls.hour_product, 2)
            order.order_line.discount = 25.0
            cls.orders |= order
        cls.scans.search([("state", "=", "running")]).action_stop()
        # The job's batches are commits elsewhere; here they are parts of the test.
        cls.enterClassContext(patch.dict(BATCH_SIZES, SMALL_BATCHES))

    def _found(self):
        return self.entries.search([("sale_order_id", "in", self.orders.ids)])

    def _forget_all(self):
        """Make what there is look as if the last scan had been long after it."""
        self.env.flush_all()
        for unit in (PROJECT, ORDER, INVOICE, *LINES):
            table = self.env[unit]._table
            self.env.cr.execute(f"UPDATE {table} SET write_date = '2020-01-01'")

    # ------------------------------------------------------------
    # BATCHES
    # ------------------------------------------------------------

    def test_batches_add_up(self):
        scan = self.scans._start("full")
        self.assertGreaterEqual(scan.record_count, 7)
        progress = [scan.progress]
        while scan.state == "running":
            scan._scan_batch()
            progress.append(scan.progress)
        self.assertEqual(progress, sorted(progress))
        self.assertEqual(progress[-1], 100.0)
        self.assertGreater(len(set(progress)), 3)
        self.assertEqual(scan.done_count, scan.record_count)
        self.assertEqual(len(self._found()), 5)
        self.assertGreaterEqual(scan.created_count, 5)
        self.assertTrue(scan.ended_on)
        again = self.scans._start("full")
        again._run_to_end()
        self.assertRecordValues(
            again, [{"created_count": 0, "updated_count": 0, "withdrawn_count": 0}]
        )

    def test_killed_scan_goes_on(self):
        scan = self.scans._start("full")
        harvest = type(self.env["client.value.rule"])._harvest_batch
        calls = []

        def _killed(rules, unit, ids):
            result = harvest(rules, unit, ids)
            calls.append(ids)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return result

        with patch.object(
            type(self.env["client.value.rule"]), "_harvest_batch", _killed
        ):
            with self.assertRaises(KeyboardInterrupt):
                while True:
                    with self.env.cr.savepoint():
                        scan._scan_batch()
        self.assertLess(len(self._found()), 5)
        self.assertEqual(self.scans._get_running(), scan)
        scan._run_to_end()
        self.assertEqual(len(self._found()), 5)
        self.assertEqual(len(self._found().mapped("res_id")), 5)

    def test_record_that_cannot_be_scanned_is_named(self):
        bad = self.orders[2]
        read = type(self.env["client.value.rule"])._read_cheap_lines

        def _fail(rules, ids):
            if bad.id in ids:
                raise ZeroDivisionError("a wrong figure")
            return read(rules, ids)

        scan = self.scans._start("full")
        with (
            patch.object(
                type(self.env["client.value.rule"]), "_read_cheap_lines", _fail
            ),
            mute_logger(f"{ADDON}.models.client_value_scan"),
        ):
            scan._run_to_end()
        self.assertEqual(scan.problems, f"{bad.name}: a wrong figure\n")
        self.assertEqual(self._found().sale_order_id, self.orders - bad)

    # ------------------------------------------------------------
    # WHAT HAS CHANGED
    # ------------------------------------------------------------

    def test_only_what_has_changed_is_scanned(self):
        self.scans._start("full")._run_to_end()
        self._forget_all()
        scan = self.scans._start("changes")
        self.assertEqual([step["ids"] for step in scan.steps], [[], [], []])
        self.assertEqual(scan.record_count, 0)
        scan._run_to_end()
        self.orders[1].order_line.discount = 50.0
        scan = self.scans._start("changes")
        self.assertEqual(
            [step["ids"] for step in scan.steps if step["unit"] == ORDER],
            [self.orders[1].ids],
        )
        scan._run_to_end()
        self.assertRecordValues(
            scan, [{"created_count": 0, "updated_count": 1, "withdrawn_count": 0}]
        )
        self.assertRecordValues(
            self._found().sorted("res_id"),
            [{"amount": 80.0 if place == 1 else 40.0} for place in range(5)],
        )

    def test_changed_rule_reads_all_of_its_records_again(self):
        self.scans._start("full")._run_to_end()
        rule = self.env.ref("client_value_dossier.rule_discount")
        self.assertTrue(rule.scanned_until)
        rule.minimum_amount = 50.0
        self.assertFalse(rule.scanned_until)
        scan = self.scans._start("changes")
        units = {step["unit"]: step["ids"] for step in scan.steps}
        self.assertIsNone(units[ORDER])
        self.assertIsNotNone(units[PROJECT])
        scan._run_to_end()
        self.assertEqual(set(self._found().mapped("state")), {"dismissed"})

    def test_rule_changed_during_the_scan_is_not_forgotten(self):
        scan = self.scans._start("full")
        scan._scan_batch()
        rule = self.env.ref("client_value_dossier.rule_discount")
        rule.minimum_amount = 50.0
        scan._run_to_end()
        self.assertFalse(rule.scanned_until)

    def test_deleted_timesheet_without_task(self):
        employee = self.env["hr.employee"].create({"name": "Researcher"})
        sheet = self.env["account.analytic.line"].create(
            {
                "name": "Advice",
                "project_id": self.project.id,
                "employee_id": employee.id,
                "date": "2024-05-04",
                "unit_amount": 3.0,
                "so_line": False,
                "is_so_line_edited": True,
            }
        )
        self.scans._start("full")._run_to_end()
        [entry] = self.entries.search([("rule_id.kind", "=", "free_hours")]).filtered(
            lambda e: e.project_id == self.project
        )
        self._forget_all()
        sheet.unlink()
        self.scans._start("changes")._run_to_end()
        self.assertEqual(entry.state, "dismissed")

    # ------------------------------------------------------------
    # SIDE BY SIDE
    # ------------------------------------------------------------

    def test_second_scan_is_refused(self):
        # The lock itself is Odoo's; this transaction holds it already.
        locked = patch.object(
            type(self.env["client.value.rule"]),
            "lock_for_update",
            side_effect=LockError("locked by another scan"),
        )
        scan = self.scans._start("full")
        with locked as lock:
            with self.assertRaisesRegex(LockError, "Try again"):
                self.env["client.value.rule"].run_harvest(partners=self.client)
            with self.assertRaises(LockError):
                scan._scan_batch()
        self.assertEqual(lock.call_count, 2)
        self.assertRecordValues(scan, [{"state": "running", "done_count": 0}])
        scan._run_to_end()
        self.assertEqual(len(self._found()), 5)

    def test_job_comes_again_while_somebody_else_scans(self):
        cron = self.env.ref("client_value_dossier.ir_cron_scan")
        scan = self.scans._start("full")
        with (
            patch.object(type(scan), "_scan_batch", side_effect=LockError("locked")),
            self.enter_registry_test_mode(),
        ):
            cron.method_direct_trigger()
        self.assertTrue(
            self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        )

    def test_history_is_scanned_at_once_when_small(self):
        action = self.scans.with_user(self.manager).action_scan_history()
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(len(self._found()), 5)

    def test_history_is_scanned_by_the_job_when_large(self):
        cron = self.env.ref("client_value_dossier.ir_cron_scan")
        with patch.object(client_value_scan, "SMALL_SCAN", 1):
            action = self.scans.with_user(self.manager).action_scan_history()
        scan = self.scans.browse(action["res_id"])
        self.assertEqual(scan.state, "running")
        self.assertTrue(
            self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        )
        # Pressed again: the one that is under way.
        with patch.object(client_value_scan, "SMALL_SCAN", 1):
            again = self.scans.with_user(self.manager).action_scan_history()
        self.assertEqual(again["res_id"], scan.id)
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertEqual(scan.state, "done")
        self.assertEqual(len(self._found()), 5)

    def test_job_waits_until_somebody_asks(self):
        self.scans.search([]).unlink()
        with self.enter_registry_test_mode():
            self.env.ref("client_value_dossier.ir_cron_scan").method_direct_trigger()
        self.assertFalse(self.scans.search_count([]))

    def test_job_scans_changes_every_night(self):
        self.scans._start("full")._run_to_end()
        self.orders[0].order_line.discount = 50.0
        cron = self.env.ref("client_value_dossier.ir_cron_scan")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
            cron.method_direct_trigger()
        nights = self.scans.search([("kind", "=", "changes")], order="id")
        self.assertEqual(set(nights.mapped("state")), {"done"})
        self.assertEqual(nights[-2].updated_count, 1)
        self.assertRecordValues(
            nights[-1], [{"created_count": 0, "updated_count": 0, "withdrawn_count": 0}]
        )

    def test_only_administrators_scan_everything(self):
        for user in (self.own, self.all_docs, self.member):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.scans.with_user(user).action_scan_history()

    # ------------------------------------------------------------
    # REMINDERS
    # ------------------------------------------------------------

    def _remind(self):
        self.scans._cron_remind()
        return self.env["mail.activity"].search(
            [
                ("res_model", "=", "client.value.scan"),
                ("user_id", "in", (self.own | self.other).ids),
            ]
        )

    def test_weekly_reminder(self):
        self.scans._start("full")._run_to_end()
        [activity] = self._remind()
        self.assertEqual(activity.user_id, self.own)
        self.assertTrue(activity.summary.endswith("5"), activity.summary)
        # Next week: the same activity, another number.
        self._found()[0].action_dismiss()
        self.assertEqual(self._remind(), activity)
        self.assertTrue(activity.summary.endswith("4"), activity.summary)
        self._found().action_confirm()
        self.assertFalse(self._remind())

    def test_reminder_can_be_switched_off(self):
        self.scans._start("full")._run_to_end()
        self.company.client_value_review_activity = False
        self.assertFalse(self._remind())

    def test_old_scans_without_result_are_forgotten(self):
        self.scans._start("full")._run_to_end()
        scan = self.scans._start("changes")
        scan._run_to_end()
        scan.created_count = 0
        scan.ended_on = fields.Datetime.now() - timedelta(days=100)
        self.scans._gc_scans()
        self.assertFalse(scan.exists())
