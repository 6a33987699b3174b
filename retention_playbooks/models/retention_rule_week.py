from odoo import models


class RetentionRule(models.Model):
    """What rules read on their way, kept for the health of the same batch."""

    _inherit = "retention.rule"

    def _read_project_activity(self, client_ids, today):
        rows = super()._read_project_activity(client_ids, today)
        batch = self.env.cr.cache.get("retention_batch")
        if batch is not None:
            running = batch.setdefault("running", {})
            for client_id, _project, _name, last in rows:
                count, latest = running.get(client_id, (0, last))
                running[client_id] = (count + 1, max(latest, last))
        return rows
