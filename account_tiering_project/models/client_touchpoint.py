from odoo import api, models
from odoo.tools import SQL


class ClientTouchpoint(models.Model):
    """Calls from a client's projects and tasks count."""

    _inherit = "client.touchpoint"

    @api.model
    def _get_document_queries(self):
        return {
            **super()._get_document_queries(),
            "project.project": SQL(
                "SELECT 'project.project', id, partner_id, company_id"
                " FROM project_project"
            ),
            "project.task": SQL(
                "SELECT 'project.task', id, partner_id, company_id FROM project_task"
            ),
        }
