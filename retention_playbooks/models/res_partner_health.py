from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate

from .retention_health import LEVELS, TOTAL

_lt = LazyTranslate(__name__)

#: Name of groups without a value.
UNKNOWN = _lt("Unknown")


class ResPartner(models.Model):
    """Clients with their health in the current company, and their place on the list of
    the week. Contacts show the health of their company."""

    _inherit = "res.partner"

    health = fields.Selection(
        selection=LEVELS,
        compute="_compute_health",
        search="_search_health",
        groups="sales_team.group_sale_salesman",
        falsy_value_label=UNKNOWN,
        help="As bad as the worst part; parts of which nothing is known do not count.",
    )
    health_note = fields.Char(
        string="Health in Words",
        compute="_compute_health",
        groups="sales_team.group_sale_salesman",
    )
    health_ids = fields.One2many(
        comodel_name="retention.health",
        inverse_name="partner_id",
        string="Parts of the Health",
        domain=[("date_to", "=", False), ("part", "!=", TOTAL)],
        groups="sales_team.group_sale_salesman",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("commercial_partner_id.health_ids.level")
    @api.depends_context("uid", "company", "lang")
    def _compute_health(self):
        totals = self.env["retention.health"].search(
            [
                *self._get_total_domain(),
                ("partner_id", "in", self.commercial_partner_id._origin.ids),
            ]
        )
        found = {total.partner_id.id: total for total in totals}
        for partner in self:
            total = found.get(partner.commercial_partner_id._origin.id, totals.browse())
            partner.health = total.level
            partner.health_note = total.explanation if total else False

    def _search_health(self, operator, value):
        if operator != "in":
            return NotImplemented
        healths = self.env["retention.health"]
        domain = self._get_total_domain()
        levels = [level for level in value if level]
        query = healths._search([*domain, ("level", "in", levels)])
        found = Domain("commercial_partner_id", "in", query.subselect("partner_id"))
        if False in value:
            query = healths._search(domain)
            found |= Domain(
                "commercial_partner_id", "not in", query.subselect("partner_id")
            )
        return found

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr != "health":
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields["health"], "read")
        healths = self.env["retention.health"]
        healths.flush_model()
        # With the rules of the user: what he may not see does not count.
        totals = healths._search(self._get_total_domain())
        client = self._field_to_sql(alias, "commercial_partner_id", query)
        level = SQL.identifier(healths._table, "level")
        partner = SQL.identifier(healths._table, "partner_id")
        if query is None:
            totals.add_where(SQL("%s = %s", partner, client))
            return totals.subselect(level)
        joined = query.make_alias(alias, f"health_{self.env.company.id}")
        query.add_join(
            "LEFT JOIN",
            joined,
            totals.subselect(level, partner),
            SQL("%s = %s", SQL.identifier(joined, "partner_id"), client),
        )
        return SQL.identifier(joined, "level")

    @api.model
    def _get_total_domain(self):
        """Return the domain of the health of clients as it is now."""
        return [
            ("company_id", "=", self.env.company.id),
            ("part", "=", TOTAL),
            ("date_to", "=", False),
        ]

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {"user_id", "active", "parent_id", "is_company"}:
            self._mark_on_lists(self)
        if vals.keys() & {"parent_id", "is_company"}:
            self._forget_health_and_list(
                self.filtered(lambda one: one.commercial_partner_id != one)
            )
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_health(self):
        """Open the health of the client over time."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_health_report_action_client"
        )
        action["domain"] = [("partner_id", "in", self.commercial_partner_id.ids)]
        return action

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    @api.model
    def _mark_on_lists(self, partners):
        """Bring partners up to date on the lists of the week that they are on."""
        # sudo: the lists follow whoever changes the client
        clients = (
            self.env["retention.client"]
            .sudo()
            .with_context(active_test=False)
            .search([("partner_id", "in", partners.ids)])
        )
        clients._mark((one.company_id.id, one.partner_id.id) for one in clients)

    @api.model
    def _forget_health_and_list(self, partners):
        """Forget what was told of partners that are no clients of their own any more:
        their list and health are part of another client's now."""
        # sudo: as above
        for model in ("retention.client", "retention.health"):
            records = self.env[model].sudo().with_context(active_test=False)
            records.search([("partner_id", "in", partners.ids)]).unlink()
