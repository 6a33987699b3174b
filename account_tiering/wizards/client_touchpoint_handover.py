from odoo import fields, models


class ClientTouchpointHandover(models.TransientModel):
    """Gives clients another account manager, with all of their touchpoints or with
    those only that are not in the calendar yet."""

    _name = "client.touchpoint.handover"
    _description = "Hand Over Clients"

    partner_ids = fields.Many2many(
        comodel_name="res.partner", string="Clients", required=True
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="New Account Manager",
        required=True,
        domain="[('share', '=', False)]",
    )
    scope = fields.Selection(
        selection=[
            ("all", "All open touchpoints"),
            ("future", "Only those that are not in the calendar yet"),
        ],
        string="Hand Over",
        required=True,
        default="all",
    )

    def action_hand_over(self):
        """Give the clients the new account manager, who is told."""
        self.ensure_one()
        clients = self.partner_ids.commercial_partner_id
        clients.with_context(touchpoint_only_future=self.scope == "future").write(
            {"user_id": self.user_id.id}
        )
        return {"type": "ir.actions.act_window_close"}
