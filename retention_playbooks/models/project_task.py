from odoo import models


class ProjectTask(models.Model):
    """Tasks that are a complaint of the client."""

    _name = "project.task"
    _inherit = ["retention.complaint.mixin", "project.task"]
