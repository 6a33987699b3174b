from odoo.tests import tagged

from .effect_common import EffectCommon


@tagged("post_install", "-at_install")
class TestEffectLots(EffectCommon):
    """Who is left alone, and who takes part, is drawn once and noted for both."""

    def _enter_all(self, count=40, **values):
        playbook = self._create_playbook(kind="recovery", **values)
        clients = self._create_clients(count)
        for client in clients:
            self._create_signal(client)
        self.env.flush_all()
        playbook._enter(self.company)
        return playbook, clients

    def _get_lots(self, playbook):
        return self.env["retention.lot"].search([("playbook_id", "=", playbook.id)])

    def _get_alone(self, playbook):
        return self.env["retention.holdout"].search([("playbook_id", "=", playbook.id)])

    def test_both_groups_are_noted(self):
        playbook, clients = self._enter_all(holdout_share=50.0)
        lots, alone = self._get_lots(playbook), self._get_alone(playbook)
        self.assertTrue(lots)
        self.assertTrue(alone)
        self.assertEqual(lots.partner_id | alone.partner_id, clients)
        self.assertFalse(lots.partner_id & alone.partner_id)
        self.assertEqual(lots.run_id, playbook.run_ids)
        self.assertEqual(set(lots.mapped("date")), {self.today})
        for lot in lots:
            self.assertEqual(lot.run_id.partner_id, lot.partner_id)

    def test_once_only(self):
        playbook, _clients = self._enter_all(holdout_share=50.0)
        lots, alone = self._get_lots(playbook), self._get_alone(playbook)
        playbook.run_ids._start()
        playbook.run_ids._end("lost")
        with self._on(200):
            self.env.flush_all()
            self.assertEqual(playbook._enter(self.company), len(lots))
        self.assertEqual(len(playbook.run_ids), 2 * len(lots))
        self.assertEqual(self._get_lots(playbook), lots)
        self.assertEqual(self._get_alone(playbook), alone)
        self.assertEqual(set(lots.mapped("date")), {self.today})

    def test_nobody_is_drawn_while_nobody_is_left_alone(self):
        playbook, clients = self._enter_all(count=3)
        self.assertEqual(playbook.run_ids.partner_id, clients)
        self.assertFalse(self._get_lots(playbook))

    def test_by_hand_is_not_drawn(self):
        playbook = self._create_playbook(kind="recovery", holdout_share=50.0)
        run = self._start(playbook, self.client_a)
        self.assertFalse(self._get_lots(playbook))
        self.assertFalse(self._get_entry(run).arm)

    def test_who_was_dropped_stays_drawn(self):
        """A client whose complaint was settled while it waited counts on its side, as
        one left alone does."""
        playbook, _clients = self._enter_all(holdout_share=50.0)
        lots = self._get_lots(playbook)
        self.env["retention.signal"].search([]).state = "handled"
        playbook._drop_stale(self.company)
        self.assertFalse(playbook.run_ids)
        self.assertEqual(self._get_lots(playbook), lots)
        entries = self.entries.search(
            [("playbook_id", "=", playbook.id), ("arm", "=", "in")]
        )
        self.assertEqual(entries.partner_id, lots.partner_id)
        self.assertEqual(set(entries.mapped("state")), {"dropped"})
        self.assertEqual(sum(entries.mapped("entered")), 0)
