from odoo import fields, models


class CrmTag(models.Model):
    """Tags that make an opportunity a complaint."""

    _inherit = "crm.tag"

    is_complaint = fields.Boolean(
        string="Is a Complaint",
        groups="sales_team.group_sale_manager",
        help="What has this tag is a complaint of its client.",
    )
