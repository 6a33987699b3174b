from odoo import models


class RetentionSignal(models.Model):
    _inherit = "retention.signal"

    def _get_about_contacts(self):
        """Return {signal id: id of the contact that it is about}, for those that are
        about one: the new person at the client."""
        return {
            signal.id: signal.res_id
            for signal in self
            if "res_model" in signal._fields and signal.res_model == "res.partner"
        }
