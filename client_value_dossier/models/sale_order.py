from odoo import models


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "client.value.source"]

    def _prepare_value_entry(self):
        # sudo: a salesperson may log on an order whose project he cannot open
        project = self.sudo().project_ids
        return {
            **super()._prepare_value_entry(),
            **self._prepare_value_client(self.partner_id),
            "sale_order_id": self.id,
            "project_id": project.id if len(project) == 1 else False,
            "company_id": self.company_id.id,
            "currency_id": self.currency_id.id,
        }


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    # See account.analytic.line.
    _value_write_date_idx = models.Index("USING brin (write_date)")
