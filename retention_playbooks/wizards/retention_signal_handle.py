from odoo import fields, models


class RetentionSignalHandle(models.TransientModel):
    """Asks what was done about signals, and closes them."""

    _name = "retention.signal.handle"
    _description = "Handle Signals"

    signal_ids = fields.Many2many(
        comodel_name="retention.signal", required=True, readonly=True
    )
    note = fields.Char(string="What Was Done", required=True)

    def action_apply(self):
        """Close the signals.

        :raises AccessError: the user may not write one of them
        """
        self.ensure_one()
        self.signal_ids.action_handle(self.note)
        return {"type": "ir.actions.act_window_close"}
