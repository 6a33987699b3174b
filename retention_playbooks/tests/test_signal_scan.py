from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged

from ..models import retention_scan
from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestSignalScan(RetentionCommon):
    """The weekly job. Companies other than ours are not due here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scans = cls.env["retention.scan"]
        for company in cls.env["res.company"].search([]) - cls.company:
            cls.scans.create(
                {
                    "company_id": company.id,
                    "state": "done",
                    "started_on": datetime(2999, 1, 1),
                }
            )
        cls.clients = cls.client | cls.other_client
        for number in range(3):
            cls.clients |= cls._create_client(f"Client {number}")
        for client in cls.clients:
            cls._create_order(400, partner=client)
        cls.cron = cls.env.ref("retention_playbooks.ir_cron_find_signals")

    def _run_cron(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()

    def _get_scans(self):
        return self.scans.search([("company_id", "=", self.company.id)])

    def test_weekly(self):
        self._run_cron()
        self.assertFalse(self._get_scans(), "not on the day of the installation")
        slot = self.company._get_last_signal_slot() + timedelta(days=7)
        with freeze_time(slot - timedelta(minutes=1)):
            self._run_cron()
        self.assertFalse(self._get_scans())
        with freeze_time(slot + timedelta(minutes=1)):
            self._run_cron()
            scan = self._get_scans()
            self.assertEqual(scan.state, "done")
            self.assertEqual(scan.raised_count, 5)
            self.assertTrue(scan.ended_on)
        with freeze_time(slot + timedelta(hours=1)):
            self._run_cron()
            self.assertEqual(self._get_scans(), scan, "once a week")
        with freeze_time(slot + timedelta(days=7, minutes=1)):
            self._run_cron()
            self.assertEqual(self._get_scans()[0].raised_count, 0)
            self.assertEqual(len(self._get_scans()), 2)
        self.assertEqual(
            self.signals.search_count([("company_id", "=", self.company.id)]), 5
        )

    def test_day_and_hour(self):
        self.company.resource_calendar_id.tz = "Europe/Brussels"
        self.company.write({"signal_weekday": "2", "signal_hour": 6.5})
        # In winter Brussels is an hour ahead.
        now = datetime(2026, 1, 14, 5, 29)
        self.assertEqual(
            self.company._get_last_signal_slot(now), datetime(2026, 1, 7, 5, 30)
        )
        now = datetime(2026, 1, 14, 5, 30)
        self.assertEqual(
            self.company._get_last_signal_slot(now), datetime(2026, 1, 14, 5, 30)
        )
        now = datetime(2026, 7, 2)
        self.assertEqual(
            self.company._get_last_signal_slot(now), datetime(2026, 7, 1, 4, 30)
        )

    def test_batches(self):
        scan = self.scans.create({"company_id": self.company.id})
        counts = []
        while scan.state == "running":
            counts.append(scan._scan_batch(7))
        self.assertGreater(len(counts), 1)
        self.assertEqual(scan.client_count, sum(counts))
        self.assertEqual(scan.raised_count, 5)

    def test_goes_on_after_a_crash(self):
        """What was done stays, the rest is done by the next job, nothing twice."""
        scan = self.scans.create({"company_id": self.company.id})
        ids = sorted(self.clients.ids)
        scan.last_client_id = ids[0] - 1
        scan._scan_batch(2)
        self.assertEqual(scan.raised_count, 2)
        with (
            self.assertRaises(ZeroDivisionError),
            self.env.cr.savepoint(),
            patch.object(
                type(self.signals), "_insert_signals", side_effect=ZeroDivisionError
            ),
        ):
            scan._scan_batch(2)
        self.env.invalidate_all()
        self.assertEqual(scan.last_client_id, ids[1])
        self._run_cron()
        self.assertEqual(scan.state, "done")
        self.assertEqual(scan.raised_count, 5)
        self.assertEqual(self._get_scans(), scan)

    def test_runs_out_of_time(self):
        self.scans.create({"company_id": self.company.id})
        self.env.flush_all()
        with (
            patch.object(retention_scan, "BATCH", 10),
            patch.object(
                type(self.env["ir.cron"]), "_commit_progress", return_value=0
            ) as commit,
        ):
            self.scans._cron_find_signals()
        commit.assert_called_once()
        self.assertGreater(commit.call_args.kwargs["remaining"], 0)

    def test_another_job_is_at_it(self):
        scan = self.scans.create({"company_id": self.company.id})
        with (
            patch.object(type(scan), "_lock", return_value=False),
            patch.object(type(scan), "_scan_batch") as batch,
        ):
            self.scans._cron_find_signals()
        batch.assert_not_called()
        self.assertEqual(scan.state, "running")

    def test_another_job_is_about_to_begin(self):
        with (
            patch.object(type(self.scans), "_lock", return_value=False),
            patch.object(type(self.scans), "_is_due", return_value=True),
        ):
            self.scans._cron_find_signals()
        self.assertFalse(self._get_scans())

    def test_two_at_once(self):
        """A signal that another job has raised in the meantime is left alone."""
        findings = self.signals._collect_findings(self.company, self.client.ids)
        lapsed = findings["lapsed"][self.client.id]
        first = self.signals._insert_signals(self.company, [lapsed], self.today)
        second = self.signals._insert_signals(self.company, [lapsed], self.today)
        self.assertEqual(len(first), 1)
        self.assertFalse(second)

    def test_archived_clients_are_looked_at(self):
        self._refresh()
        signal = self._get("lapsed")
        # As an import or a script would do it
        self.env.cr.execute(
            "UPDATE res_partner SET active = FALSE WHERE id = %s", [self.client.id]
        )
        self.env.invalidate_all()
        scan = self.scans.create({"company_id": self.company.id})
        scan._scan_batch(1_000_000)
        self.assertEqual(signal.state, "expired")

    def test_by_hand(self):
        self.scans.with_user(self.manager).action_start()
        scan = self._get_scans()
        self.scans.with_user(self.manager).action_start()
        self.assertEqual(self._get_scans(), scan)
        self._run_cron()
        self.assertEqual(scan.state, "done")

    def test_queries_do_not_grow(self):
        """As many queries for 200 clients as for 10."""
        few = [client.id for client in self._create_buyers(10)]
        many = [client.id for client in self._create_buyers(200)]
        self._refresh()
        counts = []
        for ids in (few, many):
            self.env.invalidate_all()
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            effect = self.signals._refresh(self.company, ids)
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(effect["raised"], len(ids))
        self.assertEqual(*counts)
        with self.assertQueryCount(counts[0]):
            self.signals._refresh(self.company, many)

    def _create_buyers(self, count):
        """Return clients with an old order each."""
        clients = self.env["res.partner"].create(
            [{"name": f"Buyer {number}", "is_company": True} for number in range(count)]
        )
        self.env["sale.order"].create(
            [
                {
                    "partner_id": client.id,
                    "company_id": self.company.id,
                    "state": "sale",
                    "date_order": self._days_ago(400),
                    "order_line": [
                        (0, 0, {"product_id": self.product.id, "price_unit": 100.0})
                    ],
                }
                for client in clients
            ]
        )
        return clients
