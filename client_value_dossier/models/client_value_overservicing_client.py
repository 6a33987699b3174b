from odoo import fields, models


class ClientValueOverservicingClient(models.Model):
    """Over-servicing of the last twelve months, a row for each client and company.

    A single month tells little: favours and invoices seldom meet in one.
    """

    _name = "client.value.overservicing.client"
    _description = "Over-servicing by Client"
    _inherit = ["client.value.overservicing.mixin"]
    _auto = False
    _order = "worth_share desc nulls last, worth desc, id"

    def action_view_months(self):
        """Open the months that the row sums up."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "client_value_dossier.client_value_overservicing_action"
        )
        action["context"] = {
            "search_default_last_12_months": 1,
            "search_default_partner_id": self.partner_id.id,
            "pivot_row_groupby": ["project_id"],
        }
        return action

    def _get_period(self):
        """The current month and the eleven before it, like the filter of the months."""
        today = fields.Date.context_today(self)
        start = fields.Date.start_of(today, "month")
        return fields.Date.subtract(start, months=11), fields.Date.end_of(
            today, "month"
        )
