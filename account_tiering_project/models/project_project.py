from odoo import fields, models

GROUPS = "sales_team.group_sale_salesman,project.group_project_user"


class ProjectProject(models.Model):
    _name = "project.project"
    _inherit = ["project.project", "client.tier.mixin"]

    tier_id = fields.Many2one(groups=GROUPS)
    tier_color = fields.Integer(groups=GROUPS)
