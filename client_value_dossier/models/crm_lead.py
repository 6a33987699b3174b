from odoo import models


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "client.value.source"]

    def _prepare_value_entry(self):
        return {
            **super()._prepare_value_entry(),
            **self._prepare_value_client(self.partner_id),
            "company_id": (self.company_id or self.env.company).id,
            "res_model": self._name,
            "res_id": self.id,
        }
