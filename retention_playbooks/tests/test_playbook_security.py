from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .playbook_common import PlaybookCommon

RULES = "odoo.addons.base.models.ir_rule"
ACCESS = "odoo.addons.base.models.ir_model"


@tagged("post_install", "-at_install")
class TestPlaybookSecurity(PlaybookCommon):
    """Own documents: runs of own clients; all documents: all runs; administrators:
    playbooks, too. Companies apart."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.playbook = cls._create_playbook(
            {"question_ids": [Command.create({"name": "Why?"})]}
        )
        cls.run_ = cls._start(cls.playbook)
        cls.theirs = cls._create_client("Theirs", user=cls.other)
        cls.their_run = cls._start(cls.playbook, cls.theirs)
        cls.offer = cls.env["retention.offer"].create({"name": "Offer"})
        cls.season = cls.env["retention.season"].create(
            {"name": "Fair", "date_from": "2026-05-01", "date_to": "2026-05-05"}
        )

    def _assert_denied(self, record, *operations):
        for operation in operations:
            with self.subTest(model=record._name, operation=operation):
                self.assertFalse(record.has_access(operation))

    def _assert_allowed(self, record, *operations):
        for operation in operations:
            with self.subTest(model=record._name, operation=operation):
                self.assertTrue(record.has_access(operation))

    def _get_parts(self, run):
        return run, run.step_ids, run.step_ids.answer_ids

    def test_own_documents(self):
        for record in self._get_parts(self.run_):
            self._assert_allowed(record.with_user(self.own), "read", "write")
            self._assert_denied(record.with_user(self.own), "create", "unlink")
        for record in self._get_parts(self.their_run):
            self._assert_denied(record.with_user(self.own), "read", "write")
        self.assertEqual(self.runs.with_user(self.own).search([]), self.run_)

    def test_all_documents(self):
        for run in (self.run_, self.their_run):
            for record in self._get_parts(run):
                self._assert_allowed(record.with_user(self.all_docs), "read", "write")
                self._assert_denied(record.with_user(self.all_docs), "create", "unlink")

    def test_administrators(self):
        for record in self._get_parts(self.their_run):
            self._assert_allowed(
                record.with_user(self.manager), "read", "write", "unlink"
            )

    def test_playbooks(self):
        records = (
            self.playbook,
            self.playbook.step_ids,
            self.playbook.step_ids.question_ids,
            self.playbook.trigger_ids,
            self.offer,
            self.season,
        )
        for record in records:
            for user in (self.own, self.all_docs):
                self._assert_allowed(record.with_user(user), "read")
                self._assert_denied(record.with_user(user), "write", "create", "unlink")
            self._assert_allowed(
                record.with_user(self.manager), "read", "write", "create", "unlink"
            )
            for user in (self.internal, self.member, self.portal):
                self._assert_denied(record.with_user(user), "read")

    def test_outsiders(self):
        for user in (self.internal, self.member, self.portal):
            for record in self._get_parts(self.run_):
                self._assert_denied(record.with_user(user), "read", "write")

    def test_dialogs(self):
        for user in (self.own, self.all_docs):
            for model in ("retention.playbook.change", "retention.playbook.preview"):
                self._assert_denied(self.env[model].with_user(user), "create")
            for model in ("retention.run.start", "retention.run.stop"):
                self._assert_allowed(self.env[model].with_user(user), "create")
        for model in ("retention.playbook.change", "retention.playbook.preview"):
            self._assert_allowed(self.env[model].with_user(self.manager), "create")
        for model in ("retention.run.start", "retention.win.back"):
            for user in (self.internal, self.member, self.portal):
                self._assert_denied(self.env[model].with_user(user), "create")

    def test_runs_are_not_forged(self):
        run = self.run_.with_user(self.own)
        run.write({"note": "Careful", "reason_id": self.price.id})
        for values in (
            {"state": "won"},
            {"user_id": self.other.id},
            {"offer_id": self.offer.id},
            {"started_on": False},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                run.write(values)
        with self.assertRaises(AccessError):
            run.step_ids.write({"state": "done"})
        run.step_ids.answer_ids.text = "Too dear"

    @mute_logger(RULES, ACCESS)
    def test_buttons_on_foreign_runs(self):
        run = self.their_run.with_user(self.own)
        steps = self.their_run.step_ids.with_user(self.own)
        for call in (
            run.action_win,
            run.action_lose,
            lambda: run.action_stop("Because"),
            steps.action_done,
            steps.action_skip,
            steps.action_offer_again,
            steps.action_send,
        ):
            with self.assertRaises(AccessError):
                call()
        self.assertEqual(self.their_run.state, "running")

    @mute_logger(RULES, ACCESS)
    def test_starting_for_foreign_clients(self):
        other = self._create_playbook(kind="recovery")
        with self.assertRaises(AccessError):
            self.runs.with_user(self.own)._start_by_hand(other, self.theirs)
        self.assertTrue(
            self.runs.with_user(self.all_docs)._start_by_hand(other, self.theirs)
        )
        self.assertTrue(
            self.runs.with_user(self.own)._start_by_hand(other, self.client_a)
        )
        with self.assertRaises(AccessError):
            self.runs.with_user(self.internal)._start_by_hand(other, self.client_b)

    @mute_logger(RULES, ACCESS)
    def test_playbook_buttons(self):
        playbook = self.playbook.with_user(self.own)
        for call in (
            playbook.action_activate,
            playbook.action_deactivate,
            playbook.action_preview,
            playbook.action_finish_change,
        ):
            with self.assertRaises(AccessError):
                call()

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            "play_stranger",
            groups="sales_team.group_sale_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        records = (
            *self._get_parts(self.run_),
            self.playbook,
            self.playbook.step_ids,
            self.playbook.step_ids.question_ids,
            self.playbook.trigger_ids,
        )
        shared = self._create_playbook(company_id=False, kind="recovery")

        def see(record):
            return record.with_user(stranger).with_context(
                allowed_company_ids=company.ids
            )

        for record in records:
            self._assert_denied(see(record), "read", "write")
        for record in (self.offer, self.season, shared, shared.step_ids):
            self._assert_allowed(see(record), "read", "write")

    def test_whole_way_as_an_account_manager(self):
        """From the dialog to the goal without any other right."""
        playbook = self._create_playbook(
            0,
            {"kind": "dossier", "dossier_purpose": "departing"},
            {"kind": "mail", "template_id": self.template.id, "send_mode": "auto"},
            {"kind": "wait", "wait_for": "reply"},
            kind="departing",
        ).with_user(self.own)
        run = self.runs.with_user(self.own)._start_by_hand(
            playbook, self.client_a.with_user(self.own)
        )
        run.activity_ids.action_feedback(feedback="Well")
        self.assertEqual(self._get_states(run), ["done", "done", "done", "open"])
        self.assertTrue(run.dossier_id.has_access("write"))
        run.read()
        run.step_ids.read()
        run.action_win()
        self.assertEqual(run.state, "won")
