from odoo import api, fields, models
from odoo.exceptions import UserError

from .retention_signal import SEVERITIES


class RetentionSnooze(models.Model):
    """A client that somebody has put off: until when, and why.

    On that day the client is back on the list by itself; earlier, when a graver reason
    turns up than there was. Snoozes are kept: they tell why nothing was done.
    """

    _name = "retention.snooze"
    _description = "Snoozed Client"
    _order = "id desc"
    _rec_name = "client_id"

    client_id = fields.Many2one(
        comodel_name="retention.client",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="client_id.company_id", store=True)
    date_until = fields.Date(string="Until", required=True)
    reason = fields.Char(string="Why", required=True)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Snoozed By",
        required=True,
        readonly=True,
        default=lambda self: self._default_user_id(),
        ondelete="cascade",
    )
    severity = fields.Selection(
        selection=SEVERITIES,
        readonly=True,
        help="Of the gravest reason there was.",
    )
    ended_on = fields.Date(
        string="Taken Back", readonly=True, help="Somebody did not wait for the day."
    )

    def _default_user_id(self):
        return self.env.user

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Take the clients from the list until their day.

        :raises AccessError: a client is not on a list that the user may see
        :raises UserError: the day is not to come, or there is no reason
        """
        today = fields.Date.context_today(self)
        for vals in vals_list:
            client = self.env["retention.client"].browse(vals["client_id"])
            client.check_access("read")
            until = fields.Date.to_date(vals.get("date_until"))
            if not until or until <= today:
                raise UserError(self.env._("Choose a day that is still to come."))
            if not (vals.get("reason") or "").strip():
                raise UserError(self.env._("Say why, for your colleagues."))
            vals |= {"severity": client.severity, "user_id": self.env.uid}
        snoozes = super().create(vals_list)
        for snooze in snoozes:
            # sudo: the list is not written by hand
            snooze.client_id.sudo().write(
                {"snooze_id": snooze.id, "snoozed_until": snooze.date_until}
            )
        return snoozes
