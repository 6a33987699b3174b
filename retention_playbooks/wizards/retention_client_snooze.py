from datetime import timedelta

from odoo import fields, models


class RetentionClientSnooze(models.TransientModel):
    """Puts clients off until a day."""

    _name = "retention.client.snooze"
    _description = "Snooze Clients"

    client_ids = fields.Many2many(
        comodel_name="retention.client",
        string="Clients",
        required=True,
        readonly=True,
    )
    date_until = fields.Date(
        string="Until",
        required=True,
        default=lambda self: self._default_date_until(),
        help="The clients come back by themselves on that day, or earlier with a "
        "graver reason.",
    )
    reason = fields.Char(string="Why", required=True)

    def _default_date_until(self):
        """Next Monday."""
        today = fields.Date.context_today(self)
        return today + timedelta(days=7 - today.weekday())

    def action_apply(self):
        """Snooze the clients.

        :raises AccessError: one is not on the user's list
        :raises UserError: the day is not to come
        """
        self.ensure_one()
        self.env["retention.snooze"].create(
            [
                {
                    "client_id": client.id,
                    "date_until": self.date_until,
                    "reason": self.reason,
                }
                for client in self.client_ids
            ]
        )
        return {
            "type": "ir.actions.client",
            "tag": "soft_reload",
        }
