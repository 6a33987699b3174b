from odoo import api, fields, models


class RetentionLot(models.Model):
    """A client that a playbook might have left alone, and that was drawn to take part.

    The counterpart of ``retention.holdout``: both are written when the lot is drawn,
    and stay whatever happens afterwards, so that the two groups can be compared. A run
    may be dropped while it waits; its client still belongs to those who were drawn.
    """

    _name = "retention.lot"
    _description = "Client Drawn to Take Part"
    _order = "date desc, id desc"
    _rec_name = "partner_id"

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook", required=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Client", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, ondelete="cascade"
    )
    run_id = fields.Many2one(
        comodel_name="retention.run", index="btree_not_null", ondelete="set null"
    )
    is_excluded = fields.Boolean(
        string="Not Compared",
        help="It was merged with a client that was left alone: nobody can tell what "
        "either of them would have bought.",
    )
    date = fields.Date(
        string="Since", required=True, help="The day on which the lot was drawn."
    )

    _client_uniq = models.Constraint(
        "UNIQUE(playbook_id, partner_id, company_id)",
        "A lot was drawn for this client already.",
    )
    _partner_idx = models.Index("(partner_id)")

    @api.model
    def _merge_clients(self, sources, target):
        """Give the lots of clients, and their having been left alone, to the one that
        they become: the first one each of a playbook and company.

        A client that took part and was left alone, too, is compared with nobody: in
        either group it would make that one look more like the other. What remains is
        an excluded lot, so that it is not drawn again: it takes part in the playbook as
        those do who enter by hand, and its run is counted as theirs are. The groups
        lose one client each; as who merges clients does not look at the lots, it is
        lost by chance.

        :param sources: ``res.partner`` that cease to be clients of their own
        :param target: the client that they become
        """
        clients = [("partner_id", "in", (sources | target).ids)]
        lots = self.search(clients, order="date, id")
        alone = self.env["retention.holdout"].search(clients, order="date, id")

        def of_playbook(record):
            return record.playbook_id, record.company_id

        alone_by_playbook = alone.grouped(of_playbook)
        for key, same in lots.grouped(of_playbook).items():
            left = alone_by_playbook.pop(key, alone.browse())
            same[0].is_excluded = bool(left) or any(same.mapped("is_excluded"))
            left.unlink()
            same[1:].unlink()
            same[0].partner_id = target
        for same in alone_by_playbook.values():
            same[1:].unlink()
            same[0].partner_id = target
        self.env.flush_all()

    @api.model
    def _get_excluded(self, playbook, company):
        """Return the ids of the clients that are neither left alone by a playbook nor
        compared with those who are."""
        lots = self.search(
            [
                ("playbook_id", "=", playbook.id),
                ("company_id", "=", company.id),
                ("is_excluded", "=", True),
            ]
        )
        return set(lots.partner_id.ids)

    @api.model
    def _note_runs(self, runs):
        """Note the clients of new runs as drawn to take part; who was drawn before
        keeps the first day.

        :param runs: ``retention.run`` of one playbook and company
        """
        there = self.search(
            [
                ("playbook_id", "in", runs.playbook_id.ids),
                ("company_id", "in", runs.company_id.ids),
                ("partner_id", "in", runs.partner_id.ids),
            ]
        ).partner_id
        today = fields.Date.context_today(self)
        return self.create(
            [
                {
                    "playbook_id": run.playbook_id.id,
                    "partner_id": run.partner_id.id,
                    "company_id": run.company_id.id,
                    "run_id": run.id,
                    "date": today,
                }
                for run in runs
                if run.partner_id not in there
            ]
        )
