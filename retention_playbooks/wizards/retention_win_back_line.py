from odoo import fields, models


class RetentionWinBackLine(models.TransientModel):
    """A lost client in the choice."""

    _name = "retention.win.back.line"
    _description = "Lost Client"
    _order = "place"

    choice_id = fields.Many2one(
        comodel_name="retention.win.back", required=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Client", required=True, ondelete="cascade"
    )
    user_id = fields.Many2one(related="partner_id.user_id", string="Account Manager")
    signal_id = fields.Many2one(comodel_name="retention.signal", ondelete="cascade")
    place = fields.Integer(aggregator=None)
    score = fields.Float(aggregator=None, digits=(5, 1))
    explanation = fields.Char(string="Because")
    reason_id = fields.Many2one(
        comodel_name="retention.lost.reason", string="Lost Because"
    )
    offer_id = fields.Many2one(comodel_name="retention.offer")

    def action_start(self):
        """Start winning these clients back.

        :raises UserError: the playbook is not active
        """
        runs = self.env["retention.run"]
        for line in self:
            runs |= runs._start_by_hand(
                line.choice_id.playbook_id, line.partner_id, reason=line.reason_id
            )
        choices = self.choice_id
        self.unlink()
        if len(runs) == 1:
            return {
                "type": "ir.actions.act_window",
                "res_model": runs._name,
                "res_id": runs.id,
                "views": [(False, "form")],
            }
        return choices.action_open()
