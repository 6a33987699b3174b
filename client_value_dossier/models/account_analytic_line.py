from odoo import models

from .client_value_rule import UNPAID


class AccountAnalyticLine(models.Model):
    _inherit = "account.analytic.line"

    # What has changed since the last scan. A block range index takes some kB for a
    # million timesheets, and from PostgreSQL 16 on no update becomes dearer by it.
    _value_write_date_idx = models.Index("USING brin (write_date)")
    # The hours that may be a favour: most timesheets are paid by the hour.
    _value_unpaid_idx = models.Index(
        f"(project_id) WHERE timesheet_invoice_type IN {UNPAID}"
    )

    def write(self, vals):
        if "project_id" in vals or "task_id" in vals:
            self._touch_projects()
        return super().write(vals)

    def unlink(self):
        self._touch_projects()
        return super().unlink()

    def _touch_projects(self):
        """Have the projects of timesheets without a task scanned again: nothing else
        tells that they are gone. (With a task, Odoo writes its hours.)"""
        self.filtered(lambda line: not line.task_id).project_id._touch_for_scan()
