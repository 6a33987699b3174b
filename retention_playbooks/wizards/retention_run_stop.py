from odoo import fields, models


class RetentionRunStop(models.TransientModel):
    """Asks why runs are stopped."""

    _name = "retention.run.stop"
    _description = "Stop Runs"

    run_ids = fields.Many2many(
        comodel_name="retention.run", string="Runs", required=True
    )
    reason = fields.Char(string="Why", required=True)

    def action_stop(self):
        """Stop the runs; what is still to be done is taken from the calendars."""
        self.run_ids.action_stop(self.reason)
        return {"type": "ir.actions.act_window_close"}
