from odoo import models


class ProjectTask(models.Model):
    _name = "project.task"
    _inherit = ["project.task", "client.value.source"]

    def write(self, vals):
        if "project_id" in vals:
            # Its timesheets go with it: nothing else tells the project that it leaves.
            self.project_id._touch_for_scan()
        return super().write(vals)

    def _prepare_value_entry(self):
        partner = self.partner_id or self.project_id.partner_id
        return {
            **super()._prepare_value_entry(),
            **self._prepare_value_client(partner),
            "project_id": self.project_id.id,
            "task_id": self.id,
            "company_id": (self.company_id or self.env.company).id,
        }
