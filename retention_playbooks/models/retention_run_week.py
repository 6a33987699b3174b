from odoo import api, models


class RetentionRun(models.Model):
    """Runs keep the list of the week up to date."""

    _inherit = "retention.run"

    def write(self, vals):
        shown = bool(vals.keys() & {"state", "user_id", "partner_id", "contact_id"})
        if shown:
            self._mark_clients()
        result = super().write(vals)
        if shown:
            self._mark_clients()
        return result

    def unlink(self):
        self._mark_clients()
        return super().unlink()

    @api.model_create_multi
    def create(self, vals_list):
        runs = super().create(vals_list)
        runs._mark_clients()
        return runs

    def _mark_clients(self):
        """Bring the clients of these runs up to date on the list of the week."""
        self.env["retention.client"]._mark(
            (run.company_id.id, run.partner_id.id) for run in self.sudo()
        )
