from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .playbook_common import PlaybookCommon


@tagged("post_install", "-at_install")
class TestPlaybookEnter(PlaybookCommon):
    """Who enters, when, and who waits."""

    def _get_runs(self, playbook, state):
        return playbook.run_ids.filtered(lambda run: run.state == state)

    def test_zero_steps(self):
        playbook = self._create_playbook(activate=False)
        playbook.step_ids.unlink()
        with self.assertRaisesRegex(ValidationError, "no steps"):
            playbook.action_activate()

    def test_incomplete_steps(self):
        for step in (
            {"kind": "mail"},
            {"kind": "quotation"},
            {"kind": "dossier"},
            {"kind": "wait"},
            {"delay_from": "event"},
            {"user_role": "user"},
        ):
            with self.subTest(step=step):
                playbook = self._create_playbook(step, activate=False)
                with self.assertRaises(ValidationError):
                    playbook.action_activate()

    def test_steps_stay_complete(self):
        playbook = self._create_playbook(
            {"kind": "mail", "template_id": self.template.id}
        )
        with self.assertRaises(ValidationError):
            playbook.step_ids.template_id = False

    def test_senseless_filter(self):
        for domain in ("[('no_such_field', '=', 1)]", "nonsense", "[('id', '=',"):
            with self.subTest(domain=domain), self.assertRaises(ValidationError):
                self._create_playbook(domain=domain)

    def test_signal(self):
        playbook = self._create_playbook(
            trigger_ids=[
                Command.create({"signal_kind": "complaint", "severity": "2"}),
                Command.create({"signal_kind": "lapsed", "severity": "3"}),
            ]
        )
        self._create_signal(self.client_a, "complaint", "1")
        high = self._create_signal(self.client_b, "complaint", "3")
        self._create_signal(self.client_c, "lapsed", "2")
        self._job()
        run = playbook.run_ids
        self.assertRecordValues(
            run,
            [
                {
                    "partner_id": self.client_b.id,
                    "signal_id": high.id,
                    "severity": "3",
                    "user_id": self.own.id,
                    "state": "running",
                    "kind": "at_risk",
                }
            ],
        )

    def test_closed_signal(self):
        playbook = self._create_playbook()
        self._create_signal(self.client_a, state="handled")
        self._job()
        self.assertFalse(playbook.run_ids)

    def test_draft_takes_nobody(self):
        playbook = self._create_playbook(activate=False)
        self._create_signal(self.client_a)
        self._job()
        self.assertFalse(playbook.run_ids)

    def test_tiers_and_filter(self):
        playbook = self._create_playbook(
            tier_ids=[Command.set((self.tier_a | self.tier_b).ids)],
            domain="[('name', '!=', 'Beta')]",
        )
        for client in (self.client_a, self.client_b, self.client_c):
            self._create_signal(client)
        self._job()
        self.assertEqual(playbook.run_ids.partner_id, self.client_a)

    def test_other_company(self):
        playbook = self._create_playbook(company_id=False)
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self._create_signal(self.client_a, company_id=other.id)
        self._job()
        ours = playbook.run_ids.filtered(lambda run: run.partner_id == self.client_a)
        self.assertEqual(ours.company_id, other)

    def test_first_order(self):
        playbook = self._create_playbook(trigger="stage", stage="first_order")
        with self._on(-40):
            self._create_order(self.client_b)
        self._create_order(self.client_a)
        self._create_order(self.client_b)
        self._create_order(self.client_c, confirm=False)
        self._job()
        self.assertEqual(playbook.run_ids.partner_id, self.client_a)
        playbook.run_ids.action_win()
        playbook.cool_down_days = 0
        self._job_on(3)
        self.assertEqual(len(playbook.run_ids), 1, "A first order comes once.")

    def test_lead_won(self):
        playbook = self._create_playbook(trigger="stage", stage="lead_won")
        lead = self.env["crm.lead"].create(
            {"name": "Study", "type": "opportunity", "partner_id": self.contact.id}
        )
        self._job()
        self.assertFalse(playbook.run_ids)
        lead.action_set_won()
        self._job()
        self.assertEqual(playbook.run_ids.partner_id, self.client_a)

    def test_cap_and_queue(self):
        """So many per manager and day; severity first, then the tier."""
        playbook = self._create_playbook(daily_cap=1)
        self._create_signal(self.client_a, severity="1")
        self._create_signal(self.client_b, severity="3")
        self._create_signal(self.client_c, severity="3")
        theirs = self._create_client("Theirs", user=self.other)
        self._create_signal(theirs, severity="1")
        self._job()
        self.assertEqual(
            self._get_runs(playbook, "running").partner_id, self.client_b | theirs
        )
        self._job()
        self.assertEqual(len(self._get_runs(playbook, "running")), 2)
        self._job_on(1)
        self.assertIn(self.client_c, self._get_runs(playbook, "running").partner_id)
        self._job_on(2)
        self.assertFalse(self._get_runs(playbook, "queued"))

    def test_queue_is_left_when_the_signal_is_gone(self):
        playbook = self._create_playbook(daily_cap=1)
        self._create_signal(self.client_a, severity="3")
        signal = self._create_signal(self.client_b)
        self._job()
        self.assertEqual(self._get_runs(playbook, "queued").partner_id, self.client_b)
        signal.state = "expired"
        self._job_on(1)
        self.assertEqual(playbook.run_ids.partner_id, self.client_a)

    def test_deactivating_empties_the_queue(self):
        playbook = self._create_playbook(daily_cap=1)
        for client in (self.client_a, self.client_b):
            self._create_signal(client)
        self._job()
        playbook.action_deactivate()
        self.assertEqual(playbook.run_ids.mapped("state"), ["running"])

    def test_start_now(self):
        playbook = self._create_playbook(daily_cap=1)
        for client in (self.client_a, self.client_b):
            self._create_signal(client)
        self._job()
        self._get_runs(playbook, "queued").with_user(self.own).action_start_now()
        self.assertEqual(playbook.run_ids.mapped("state"), ["running"] * 2)

    def test_one_run_of_a_kind(self):
        first = self._create_playbook(sequence=1)
        second = self._create_playbook(sequence=2)
        other = self._create_playbook(kind="recovery")
        self._create_signal(self.client_a)
        self._job()
        self.assertEqual((len(first.run_ids), len(second.run_ids)), (1, 0))
        self.assertEqual(len(other.run_ids), 1)
        with self.assertRaises(UserError):
            self._start(second)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.runs.create(
                {
                    "playbook_id": second.id,
                    "partner_id": self.client_a.id,
                    "company_id": self.company.id,
                    "state": "queued",
                }
            )

    def test_cool_down(self):
        playbook = self._create_playbook(cool_down_days=10)
        self._create_signal(self.client_a)
        self._job()
        playbook.run_ids.action_lose()
        self._job_on(9)
        self.assertEqual(len(playbook.run_ids), 1)
        self._job_on(11)
        self.assertEqual(len(playbook.run_ids), 2)

    def test_holdout(self):
        """Who is left alone stays so, and is noted once."""
        clients = self._create_clients(60)
        for client in clients:
            self._create_signal(client)
        playbook = self._create_playbook(holdout_share=50, daily_cap=1000)
        preview = self.env["retention.playbook.preview"].create(
            {"playbook_id": playbook.id}
        )
        self._job()
        alone = self.env["retention.holdout"].search(
            [("playbook_id", "=", playbook.id)]
        )
        self.assertEqual(len(alone), preview.alone_count)
        self.assertTrue(15 < len(alone) < 45)
        self.assertFalse(alone.partner_id & playbook.run_ids.partner_id)
        self._job_on(1)
        self.assertEqual(playbook.holdout_count, len(alone))
        self.assertEqual(len(playbook.run_ids) + len(alone), 60)

    def test_preview(self):
        playbook = self._create_playbook(daily_cap=2, activate=False)
        for client, severity in (
            (self.client_a, "1"),
            (self.client_b, "3"),
            (self.client_c, "2"),
        ):
            self._create_signal(client, severity=severity)
        preview = self.env["retention.playbook.preview"].browse(
            playbook.action_preview()["res_id"]
        )
        self.assertEqual(
            (preview.begin_count, preview.wait_count, preview.alone_count), (2, 1, 0)
        )
        self.assertEqual(
            preview.line_ids.partner_id.ids,
            [self.client_b.id, self.client_c.id, self.client_a.id],
        )
        self.assertFalse(playbook.run_ids, "A preview changes nothing.")

    def test_client_without_manager(self):
        nobody = self._create_client("Nobody's")
        self._create_signal(nobody)
        playbook = self._create_playbook(user_id=self.manager.id)
        self._job()
        self.assertEqual(playbook.run_ids.user_id, self.manager)
        self.assertEqual(playbook.run_ids.activity_ids.user_id, self.manager)
        playbook.run_ids.action_lose()
        orphan = self._create_playbook(kind="recovery")
        run = self._start(orphan, nobody)
        self.assertFalse(run.user_id)
        self.assertFalse(run.activity_ids.user_id)
        self.assertEqual(run.step_ids.state, "open")

    def test_archived_client(self):
        self._create_signal(self.client_a)
        self.client_a.active = False
        playbook = self._create_playbook()
        self._job()
        self.assertFalse(playbook.run_ids)

    def test_job_twice(self):
        """A second job does nothing."""
        playbook = self._create_playbook(0, 2)
        for client in (self.client_a, self.client_b):
            self._create_signal(client)
        self._job()
        before = self._read_all(playbook)
        self._job()
        self._job_on(0, hour=10)
        self.assertEqual(self._read_all(playbook), before)

    def _read_all(self, playbook):
        steps = playbook.run_ids.step_ids
        return (
            playbook.run_ids.sorted("id").read(["state", "started_on", "user_id"]),
            steps.sorted("id").read(["state", "date_due", "activity_id"]),
            playbook.run_ids.activity_ids.ids,
        )

    def test_registered_job(self):
        """The cron itself runs, and commits."""
        playbook = self._create_playbook()
        self._create_signal(self.client_a)
        with self.enter_registry_test_mode():
            self.env.ref("retention_playbooks.ir_cron_run").method_direct_trigger()
        self.assertEqual(playbook.run_ids.state, "running")
        self.assertEqual(playbook.run_ids.step_ids.state, "open")

    def test_many_batches(self):
        """More clients than a batch holds all enter, once each."""
        playbook = self._create_playbook(daily_cap=1000)
        for client in self._create_clients(7):
            self._create_signal(client)
        path = "odoo.addons.retention_playbooks.models"
        with (
            patch(f"{path}.retention_run_advance.BATCH", 3),
            patch(f"{path}.retention_playbook_enter.BATCH", 3),
        ):
            self._job()
        self.assertEqual(playbook.run_ids.mapped("state"), ["running"] * 7)
        self.assertEqual(playbook.run_ids.step_ids.mapped("state"), ["open"] * 7)
