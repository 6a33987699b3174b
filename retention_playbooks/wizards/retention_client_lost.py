from odoo import fields, models


class RetentionClientLost(models.TransientModel):
    """Says that a client is lost, and why."""

    _name = "retention.client.lost"
    _description = "Client Is Lost"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    reason_id = fields.Many2one(
        comodel_name="retention.lost.reason", required=True, ondelete="cascade"
    )
    note = fields.Char(string="What Happened")

    def action_apply(self):
        """Mark the client as lost.

        :raises AccessError: the user may not read the client
        """
        self.ensure_one()
        self.partner_id.check_access("read")
        signal = self.partner_id._mark_lost(self.reason_id, self.note)
        # sudo: the user need not be allowed to comment on the client
        signal.partner_id.message_post(
            body=signal.with_env(self.env).sudo().explanation,
            subtype_xmlid="mail.mt_note",
        )
        return {"type": "ir.actions.act_window_close"}
