from odoo import fields, models


class CrmLead(models.Model):
    """Opportunities that were lost for good: all future work of the client with
    them. And those that are a complaint."""

    _name = "crm.lead"
    _inherit = ["retention.complaint.mixin", "crm.lead"]

    client_lost = fields.Boolean(
        string="All Future Work Is Lost",
        copy=False,
        tracking=True,
        help="The client will not come back by itself: it is treated as lost.",
    )
    client_lost_reason_id = fields.Many2one(
        comodel_name="retention.lost.reason",
        string="Client Lost Because",
        copy=False,
        ondelete="restrict",
    )

    def write(self, vals):
        """An opportunity that is taken up again is not lost for good."""
        if vals.get("active") and "client_lost" not in vals:
            vals = dict(vals, client_lost=False, client_lost_reason_id=False)
        return super().write(vals)
