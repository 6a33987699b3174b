from odoo import fields, models


class ProjectTags(models.Model):
    """Tags that make a task a complaint."""

    _inherit = "project.tags"

    is_complaint = fields.Boolean(
        string="Is a Complaint",
        groups="project.group_project_manager",
        help="What has this tag is a complaint of its client.",
    )
