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

    # ------------------------------------------------------------
    # MERGED CLIENTS
    # ------------------------------------------------------------

    def _merge(self, sources, target):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((sources | target).ids, target)
        self.env.invalidate_all()

    def test_merge_of_both_groups(self):
        """Whichever of the two remains, it is compared with nobody."""
        for target in (0, 1):
            with self.subTest(target=target):
                playbook = self._create_playbook(kind="recovery", holdout_share=50.0)
                clients = self._create_clients(2)
                run = self._enter(clients[0], drawn=True, playbook=playbook)
                self._leave_alone(clients[1], playbook=playbook)
                self._merge(clients[1 - target], clients[target])
                lot = self._get_lots(playbook)
                self.assertEqual(lot.partner_id, clients[target])
                self.assertTrue(lot.is_excluded)
                self.assertFalse(self._get_alone(playbook))
                entry = self._get_entry(run)
                self.assertEqual(entry.partner_id, clients[target])
                self.assertFalse(entry.arm)
                self.assertEqual(entry.state, "won")
                self.assertFalse(
                    self.entries.search(
                        [("playbook_id", "=", playbook.id), ("arm", "!=", False)]
                    )
                )

    def test_merge_with_one_dropped(self):
        playbook = self._create_playbook(kind="recovery", holdout_share=50.0)
        clients = self._create_clients(2)
        self._enter(clients[0], drawn=True, playbook=playbook).unlink()
        self._leave_alone(clients[1], playbook=playbook)
        self._merge(clients[1], clients[0])
        self.assertTrue(self._get_lots(playbook).is_excluded)
        self.assertFalse(self.entries.search([("playbook_id", "=", playbook.id)]))

    def test_merge_of_one_group(self):
        """It counts once, since the first day."""
        playbook = self._create_playbook(kind="recovery", holdout_share=50.0)
        clients = self._create_clients(2)
        self._enter(clients[0], drawn=True, playbook=playbook)
        first = self._enter(clients[1], day="2025-07-01", drawn=True, playbook=playbook)
        self._merge(clients[1], clients[0])
        lot = self._get_lots(playbook)
        self.assertEqual((lot.partner_id, lot.run_id), (clients[0], first))
        self.assertFalse(lot.is_excluded)
        self.assertEqual(self._get_entry(first).arm, "in")

    def test_merged_are_not_drawn_again(self):
        """Who has been in both groups enters, and joins neither."""
        playbook = self._create_playbook(kind="recovery", holdout_share=90.0)
        clients = self._create_clients(20)
        self.env["retention.lot"].create(
            [
                {
                    "playbook_id": playbook.id,
                    "partner_id": client.id,
                    "company_id": self.company.id,
                    "date": self.ENTERED,
                    "is_excluded": True,
                }
                for client in clients
            ]
        )
        for client in clients:
            self._create_signal(client)
        self.env.flush_all()
        playbook._enter(self.company)
        self.assertEqual(playbook.run_ids.partner_id, clients)
        self.assertFalse(self._get_alone(playbook))
        self.assertEqual(len(self._get_lots(playbook)), 20)

    def test_merge_keeps_who_is_excluded(self):
        playbook = self._create_playbook(kind="recovery", holdout_share=50.0)
        clients = self._create_clients(3)
        self._enter(clients[0], drawn=True, playbook=playbook)
        self._leave_alone(clients[1], playbook=playbook)
        self._merge(clients[1], clients[0])
        self._leave_alone(clients[2], playbook=playbook)
        self._merge(clients[2], clients[0])
        self.assertTrue(self._get_lots(playbook).is_excluded)
        self.assertFalse(self._get_alone(playbook))
