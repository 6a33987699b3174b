from odoo import models


class ProjectTask(models.Model):
    _name = "project.task"
    _inherit = ["project.task", "client.value.source"]

    def _prepare_value_entry(self):
        partner = self.partner_id or self.project_id.partner_id
        return {
            **super()._prepare_value_entry(),
            **self._prepare_value_client(partner),
            "project_id": self.project_id.id,
            "task_id": self.id,
            "company_id": (self.company_id or self.env.company).id,
        }
