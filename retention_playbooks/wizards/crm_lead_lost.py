from odoo import fields, models


class CrmLeadLost(models.TransientModel):
    """Losing an opportunity, and perhaps the client with it."""

    _inherit = "crm.lead.lost"

    client_lost = fields.Boolean(string="All future work of the client is lost, too")
    client_lost_reason_id = fields.Many2one(
        comodel_name="retention.lost.reason", string="Because Of"
    )

    def action_lost_reason_apply(self):
        result = super().action_lost_reason_apply()
        if self.client_lost:
            self.lead_ids.write(
                {
                    "client_lost": True,
                    "client_lost_reason_id": self.client_lost_reason_id.id,
                }
            )
            self.lead_ids.partner_id.commercial_partner_id._refresh_signals("lost")
        return result
