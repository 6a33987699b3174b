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
    date = fields.Date(
        string="Since", required=True, help="The day on which the lot was drawn."
    )

    _client_uniq = models.Constraint(
        "UNIQUE(playbook_id, partner_id, company_id)",
        "A lot was drawn for this client already.",
    )
    _partner_idx = models.Index("(partner_id)")

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
