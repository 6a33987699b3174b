from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class ResPartner(models.Model):
    """Clients and their contacts, with the tier that they have in the current
    company."""

    _name = "res.partner"
    _inherit = ["res.partner", "client.tier.mixin"]
    _tier_partner_field = None
    # A tier is what the current company thinks of a client, whoever owns the partner.
    _tier_company_field = None

    tier_assignment_ids = fields.One2many(
        comodel_name="client.tier.assignment",
        inverse_name="partner_id",
        groups="sales_team.group_sale_salesman",
    )
    tier_change_ids = fields.One2many(
        comodel_name="client.tier.change",
        inverse_name="partner_id",
        string="Tier History",
        groups="sales_team.group_sale_salesman",
    )
    tier_id = fields.Many2one(
        inverse="_inverse_tier_id",
        domain="[('company_id', '=', current_company_id)]",
        copy=False,
        help="The tier of the client in the current company. Contacts show that of "
        "their company.",
    )
    tier_since = fields.Date(
        string="In This Tier Since",
        compute="_compute_tier_since",
        search="_search_tier_since",
        compute_sudo=True,
        groups="sales_team.group_sale_salesman",
    )
    tier_locked = fields.Boolean(
        compute="_compute_tier_since",
        search="_search_tier_locked",
        compute_sudo=True,
        groups="sales_team.group_sale_salesman",
        help="Reviews do not change the tier.",
    )
    tier_lock_reason = fields.Char(
        string="Why It Is Locked",
        compute="_compute_tier_since",
        compute_sudo=True,
        groups="sales_team.group_sale_salesman",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _inverse_tier_id(self):
        """Give the clients of these partners the tier, in the current company."""
        assignments = self.env["client.tier.assignment"]
        for tier, partners in self.grouped("tier_id").items():
            assignments._assign(partners, self.env.company, tier)

    @api.depends_context("company")
    @api.depends(
        "commercial_partner_id.tier_assignment_ids.since",
        "commercial_partner_id.tier_assignment_ids.locked",
        "commercial_partner_id.tier_assignment_ids.lock_until",
        "commercial_partner_id.tier_assignment_ids.lock_reason",
    )
    def _compute_tier_since(self):
        given = self._get_tier_assignments()
        for partner in self:
            assignment = given.get(partner._get_tier_key())
            locked = bool(assignment) and assignment.is_locked
            partner.tier_since = assignment and assignment.since
            partner.tier_locked = locked
            partner.tier_lock_reason = locked and assignment.lock_reason

    def _search_tier_since(self, operator, value):
        if operator in ("<", "<=", ">", ">="):
            return Domain.custom(
                to_sql=lambda model, alias, query: SQL(
                    "%s %s %s",
                    model._get_assignment_sql(alias, "since", query),
                    SQL(operator),
                    value,
                ),
            )
        return self._search_through_assignment(
            "since", operator, value, lambda partner: partner.tier_since
        )

    def _search_tier_locked(self, operator, value):
        if operator != "in":
            return NotImplemented
        assignments = self.env["client.tier.assignment"]
        locked = Domain.custom(
            to_sql=lambda model, alias, query: assignments._get_locked_sql(
                model._get_assignment_sql(alias, "locked", query),
                model._get_assignment_sql(alias, "lock_until", query),
            ),
            predicate=lambda partner: partner.tier_locked,
        )
        return Domain.OR([locked if wanted else ~locked for wanted in value])

    def _field_to_sql(self, alias, field_expr, query=None):
        fname = field_expr.partition(".")[0]
        if fname == "tier_since":
            field = self._fields[fname]
            sql = self._get_assignment_sql(alias, "since", query)
            _name, _dot, part = field_expr.partition(".")
            return field.property_to_sql(sql, part, self, alias, query) if part else sql
        return super()._field_to_sql(alias, field_expr, query)

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if "parent_id" in vals or "is_company" in vals:
            self._move_tiers_to_client()
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_change_tier(self):
        """Open the dialog that gives the clients of these partners a tier."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Change Tier"),
            "res_model": "client.tier.set",
            "view_mode": "form",
            "target": "new",
            "context": {
                "active_model": self._name,
                "active_ids": self.commercial_partner_id.ids,
            },
        }

    def action_view_tier_history(self):
        """Open the history of the client's tier."""
        return self._get_tier_history_action()

    def _get_tier_history_action(self):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_tier_change_action"
        )
        action["domain"] = [("partner_id", "in", self.commercial_partner_id.ids)]
        action["context"] = {}
        return action

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _move_tiers_to_client(self):
        """Let the tiers of clients that have become part of another one go there."""
        # sudo: tiers must follow whoever changes the contact
        given = (
            self.env["client.tier.assignment"]
            .sudo()
            .search([("partner_id", "in", self.ids)])
        )
        for partner, moved in given.grouped("partner_id").items():
            client = partner.commercial_partner_id
            if client != partner:
                moved._move_to_client(client)
