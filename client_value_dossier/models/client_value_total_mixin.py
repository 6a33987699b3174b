from odoo import api, fields, models


class ClientValueTotalMixin(models.AbstractModel):
    """Count and worth of the confirmed value entries of a record.

    Models that inherit it name in ``_value_entry_field`` the field of
    ``client.value.entry`` that refers to them.
    """

    _name = "client.value.total.mixin"
    _description = "Client Value Total Mixin"
    _value_entry_field = None

    value_entry_count = fields.Integer(compute="_compute_value_total")
    value_total = fields.Monetary(
        compute="_compute_value_total",
        currency_field="value_currency_id",
        string="Value Given",
        help="What the confirmed entries are worth, in the currency of the current "
        "company.",
    )
    value_suggestion_count = fields.Integer(
        compute="_compute_value_total", string="Suggestions"
    )
    value_suggestion_total = fields.Monetary(
        compute="_compute_value_total",
        currency_field="value_currency_id",
        help="What the suggestions that wait for a decision are worth.",
    )
    value_currency_id = fields.Many2one(
        comodel_name="res.currency", compute="_compute_value_currency_id"
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_value_total(self):
        entries = self.env["client.value.entry"]
        owners = self._get_value_owner()
        given, suggested = {}, {}
        if owners.ids and entries.has_access("read"):
            given, suggested = entries._get_given_and_suggested_totals(
                [(self._value_entry_field, "in", owners.ids)], self._value_entry_field
            )
        for record in self:
            total = given.get(record._get_value_owner(), {})
            record.value_entry_count = total.get("count", 0)
            record.value_total = total.get("amount", 0.0)
            total = suggested.get(record._get_value_owner(), {})
            record.value_suggestion_count = total.get("count", 0)
            record.value_suggestion_total = total.get("amount", 0.0)

    @api.depends_context("company")
    def _compute_value_currency_id(self):
        self.value_currency_id = self.env.company.currency_id

    def _get_value_owner(self):
        """Return the records whose entries are counted for ``self``."""
        return self
