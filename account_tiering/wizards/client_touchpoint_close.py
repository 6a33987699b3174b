from odoo import fields, models


class ClientTouchpointClose(models.TransientModel):
    """Asks for a day or a reason before touchpoints are held, moved or skipped."""

    _name = "client.touchpoint.close"
    _description = "Close Touchpoint"

    touchpoint_ids = fields.Many2many(
        comodel_name="client.touchpoint",
        string="Touchpoints",
        required=True,
        default=lambda self: self._default_touchpoint_ids(),
    )
    kind = fields.Selection(
        selection=[("done", "Held"), ("move", "Reschedule"), ("cancel", "Skip")],
        required=True,
        default="done",
    )
    day = fields.Date(default=lambda self: fields.Date.context_today(self))
    reason = fields.Char(string="Why", help="Your colleagues read it.")
    note = fields.Char(help="What came out of it, in a few words.")

    def _default_touchpoint_ids(self):
        return self.env["client.touchpoint"].browse(
            self.env.context.get("active_ids") or []
        )

    def action_confirm(self):
        """Do what was asked for."""
        self.ensure_one()
        if self.kind == "done":
            self.touchpoint_ids.action_done(self.day, self.note)
        elif self.kind == "move":
            self.touchpoint_ids.action_reschedule(self.day)
        else:
            self.touchpoint_ids.action_cancel(self.reason)
        return {"type": "ir.actions.act_window_close"}
