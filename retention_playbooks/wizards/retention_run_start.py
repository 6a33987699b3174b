from odoo import api, fields, models


class RetentionRunStart(models.TransientModel):
    """Starts a playbook by hand, for one client or several."""

    _name = "retention.run.start"
    _description = "Start a Playbook"

    partner_ids = fields.Many2many(
        comodel_name="res.partner", string="Clients", required=True
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner", compute="_compute_partner_id"
    )
    playbook_id = fields.Many2one(
        comodel_name="retention.playbook",
        required=True,
        domain="[('state', '=', 'active')]",
        ondelete="cascade",
    )
    note = fields.Text(related="playbook_id.note")
    asks_reason = fields.Boolean(related="playbook_id.asks_reason")
    contact_id = fields.Many2one(
        comodel_name="res.partner",
        domain="[('commercial_partner_id', '=', partner_id)]",
        help="Who gets the mails, and the dossier. Empty: the first contact with an "
        "email address.",
    )
    reason_id = fields.Many2one(
        comodel_name="retention.lost.reason",
        string="Reason for Leaving",
        help="Why the client left, or wants to leave: it decides the offer.",
    )

    @api.depends("partner_ids")
    def _compute_partner_id(self):
        for start in self:
            clients = start.partner_ids.commercial_partner_id
            start.partner_id = clients if len(clients) == 1 else False

    def action_start(self):
        """Start the playbook now, whatever its cap, and open the runs.

        :raises AccessError: a client is not the user's
        :raises UserError: the playbook is not active, or a client is in one of its kind
        """
        self.ensure_one()
        runs = self.env["retention.run"]._start_by_hand(
            self.playbook_id,
            self.partner_ids.commercial_partner_id,
            reason=self.reason_id,
            contact=self.partner_id and self.contact_id,
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_run_action"
        )
        if len(runs) == 1:
            return {**action, "res_id": runs.id, "views": [(False, "form")]}
        return {**action, "domain": [("id", "in", runs.ids)], "context": {}}
