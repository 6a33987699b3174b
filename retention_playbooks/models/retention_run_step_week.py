from odoo import api, models


class RetentionRunStep(models.Model):
    """Steps keep the list of the week up to date."""

    _inherit = "retention.run.step"

    @api.model_create_multi
    def create(self, vals_list):
        steps = super().create(vals_list)
        steps.run_id._mark_clients()
        return steps

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {"state", "date_due"}:
            self.run_id._mark_clients()
        return result

    def unlink(self):
        self.run_id._mark_clients()
        return super().unlink()
