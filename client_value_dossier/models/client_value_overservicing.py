from odoo import fields, models
from odoo.tools import SQL


class ClientValueOverservicing(models.Model):
    """Over-servicing month by month: a row is a client's project in a month."""

    _name = "client.value.overservicing"
    _description = "Over-servicing"
    _inherit = ["client.value.overservicing.mixin"]
    _auto = False
    _order = "date desc, worth desc, id"

    project_id = fields.Many2one(comodel_name="project.project", readonly=True)
    date = fields.Date(
        string="Month",
        readonly=True,
        help="The first day of the month of the value entries and invoices.",
    )

    def action_view_entries(self):
        """Open the value entries behind the row."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "client_value_dossier.client_value_entry_action"
        )
        action["domain"] = [
            ("partner_id", "=", self.partner_id.id),
            ("project_id", "=", self.project_id.id),
            ("company_id", "=", self.company_id.id),
            ("date", ">=", self.date),
            ("date", "<=", fields.Date.end_of(self.date, "month")),
        ]
        action["context"] = {}
        return action

    def _get_row_columns(self):
        return {
            **super()._get_row_columns(),
            "project_id": SQL("fact.project_id"),
            "date": SQL("DATE_TRUNC('month', fact.date::timestamp)::date"),
        }
