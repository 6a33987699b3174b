from odoo import Command
from odoo.tests import tagged

from .playbook_common import PlaybookCommon


@tagged("post_install", "-at_install")
class TestRunPerformance(PlaybookCommon):
    """The number of queries does not depend on the number of runs: Odoo inserts a
    hundred records at once, all else is done for all of them."""

    #: Inserts of two hundred records, beside those of ten.
    INSERTS = 10

    def _count(self, call):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        call()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def _create_runs(self, playbook, count):
        clients = self._create_clients(count)
        for client in clients:
            self._create_signal(client)
        self.env.flush_all()
        playbook._enter(self.company)
        return playbook.run_ids.filtered(lambda run: run.state == "queued")

    def _measure(self, count):
        playbook = self._create_playbook(
            {"question_ids": [Command.create({"name": "A problem?", "kind": "check"})]},
            {"kind": "wait", "wait_for": "reply", "delay_from": "start"},
            {"delay_days": 3, "delay_from": "start"},
            goal="order",
            kind=self.kinds.pop(),
            daily_cap=10000,
            limit_days=400,
        )
        runs = self._create_runs(playbook, count)
        self.assertEqual(len(runs), count)
        figures = {"start": self._count(runs._start)}
        figures["first"] = self._count(runs._advance)
        self.assertEqual(self._get_states(runs[0]), ["open", "open", "waiting"])
        figures["again"] = self._count(runs._advance)
        with self._on(3):
            figures["later"] = self._count(runs._advance)
        self.assertEqual(self._get_states(runs[-1]), ["open", "open", "open"])
        with self._on(500):
            figures["late"] = self._count(runs._advance)
        self.assertEqual(set(runs.mapped("state")), {"lost"})
        self.env["retention.signal"].search([]).state = "handled"
        return figures

    def test_constant_queries(self):
        self.kinds = ["at_risk", "recovery", "lapsed"]
        self._measure(10)  # fills caches
        few, many = self._measure(10), self._measure(200)
        for name, count in many.items():
            with self.subTest(name=name):
                self.assertLessEqual(count, few[name] + self.INSERTS, (few, many))

    def _measure_step(self, count, **step):
        """Return how many queries a step takes that is done at once for so many."""
        playbook = self._create_playbook(
            step, kind=self.kinds.pop(), daily_cap=10000, goal="manual"
        )
        clients = self._create_clients(count, mail=True)
        if step["kind"] == "quotation":
            for client in clients:
                self._create_order(client)
        for client in clients:
            self._create_signal(client)
        self.env.flush_all()
        playbook._enter(self.company)
        runs = self.runs.browse(playbook.run_ids.ids)
        runs._start()
        queries = self._count(runs._advance)
        self.assertEqual(set(runs.step_ids.mapped("state")), {"done"})
        self.env["retention.signal"].search([]).state = "handled"
        return queries

    def test_mails(self):
        """Odoo makes fifty mails at a time, unless told otherwise."""
        self.env["ir.config_parameter"].set_param("mail.batch_size", 1000)
        step = {"template_id": self.template.id, "send_mode": "auto"}
        self.kinds = ["at_risk", "recovery", "lapsed"]
        self._measure_step(10, kind="mail", **step)  # fills caches
        few, many = (self._measure_step(n, kind="mail", **step) for n in (10, 200))
        self.assertLessEqual(many, few + self.INSERTS, (few, many))

    def test_quotations(self):
        """Odoo itself asks for numbers, units and distributions one by one."""
        offer = self.env["retention.offer"].create({"name": "Again", "discount": 10})
        step = {"offer_ids": [Command.set(offer.ids)]}
        self.kinds = ["at_risk", "recovery", "lapsed"]
        self._measure_step(10, kind="quotation", **step)  # fills caches
        few, many = (self._measure_step(n, kind="quotation", **step) for n in (10, 50))
        self.assertLessEqual(many, few + 40 * 8, (few, many))

    def test_dossiers(self):
        self.kinds = ["at_risk", "recovery", "lapsed"]
        self._measure_step(10, kind="dossier", dossier_purpose="review")
        few, many = (
            self._measure_step(n, kind="dossier", dossier_purpose="review")
            for n in (10, 200)
        )
        self.assertLessEqual(many, few + self.INSERTS, (few, many))

    def test_entering(self):
        playbook = self._create_playbook()
        counts = []
        for number in (10, 200):
            for client in self._create_clients(number):
                self._create_signal(client)
            counts.append(self._count(lambda: playbook._enter(self.company)))
        self.assertLessEqual(counts[1], counts[0] + self.INSERTS)
