from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class ClientTierMixin(models.AbstractModel):
    """Records that show the tier of their client, in the company of the record.

    The tier is not stored with the record: a review changes many at once. It is read,
    searched and grouped by through the client's assignment.
    Models that inherit it name in ``_tier_partner_field`` the field of the client (or a
    contact of his) and in ``_tier_company_field`` that of the company; where that is
    empty, the current company counts.
    """

    _name = "client.tier.mixin"
    _description = "Client Tier Mixin"
    _tier_partner_field = "partner_id"
    _tier_company_field = "company_id"

    tier_id = fields.Many2one(
        comodel_name="client.tier",
        string="Client Tier",
        compute="_compute_tier_id",
        search="_search_tier_id",
        # The tier tells how to treat the client: whoever may read the record needs it.
        compute_sudo=True,
        group_expand="_group_expand_tiers",
        groups="sales_team.group_sale_salesman",
    )
    tier_color = fields.Integer(
        compute="_compute_tier_id",
        compute_sudo=True,
        groups="sales_team.group_sale_salesman",
    )

    @api.depends_context("company")
    @api.depends(lambda self: self._get_tier_dependencies())
    def _compute_tier_id(self):
        given = self._get_tier_assignments()
        for record in self:
            assignment = given.get(record._get_tier_key())
            record.tier_id = assignment and assignment.tier_id
            record.tier_color = assignment and assignment.tier_id.color

    def _search_tier_id(self, operator, value):
        if operator in ("any", "any!") and isinstance(value, Domain):
            # Tiers are few. sudo: that is what "any!" stands for
            tiers = self.env["client.tier"].with_context(active_test=False)
            tiers = tiers.sudo(tiers.env.su or operator == "any!")
            operator, value = "in", tiers.search(value).ids
        return self._search_through_assignment(
            "tier_id", operator, value, lambda record: record.tier_id.id
        )

    @api.model
    def _group_expand_tiers(self, tiers, domain):
        """Show each tier of the companies in question as a column."""
        companies = self.env.companies if self._tier_company_field else self.env.company
        shown = tiers.search([("company_id", "in", companies.ids)])
        return (tiers | shown).sorted()

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr == "tier_id":
            return self._get_assignment_sql(alias, "tier_id", query)
        return super()._field_to_sql(alias, field_expr, query)

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_tier_dependencies(self):
        """Return the fields that the tier is computed from."""
        path = f"{self._tier_partner_field}." if self._tier_partner_field else ""
        return [
            f"{path}commercial_partner_id.tier_assignment_ids.tier_id",
            *([self._tier_company_field] if self._tier_company_field else []),
        ]

    def _get_tier_client(self):
        """Return the clients of these records."""
        partners = self[self._tier_partner_field] if self._tier_partner_field else self
        return partners.commercial_partner_id

    def _get_tier_company(self):
        """Return the company whose tier counts for this record."""
        company = self._tier_company_field and self[self._tier_company_field]
        return company or self.env.company

    def _get_tier_key(self):
        return self._get_tier_client()._origin.id, self._get_tier_company().id

    def _get_tier_assignments(self):
        """Return {(client id, company id): assignment} of these records."""
        companies = self.env.company
        if self._tier_company_field:
            companies |= self[self._tier_company_field]
        # sudo: the badge is for all who may read the record
        given = (
            self.env["client.tier.assignment"]
            .sudo()
            .search(
                [
                    ("partner_id", "in", self._get_tier_client()._origin.ids),
                    ("company_id", "in", companies.ids),
                ]
            )
        )
        return {(one.partner_id.id, one.company_id.id): one for one in given}

    def _search_through_assignment(self, column, operator, value, get):
        """Return the domain of the records whose assignment meets a condition; those
        without an assignment count as empty.

        :param column: of the assignment's table
        :param get: function that returns the same of a record
        """
        if operator != "in":
            return NotImplemented
        values = {one for one in value if one}
        found = Domain.FALSE
        if values:
            found = Domain.custom(
                to_sql=lambda model, alias, query: SQL(
                    "%s IN %s",
                    model._get_assignment_sql(alias, column, query),
                    tuple(values),
                ),
                predicate=lambda record: get(record) in values,
            )
        if len(values) < len(value):
            found |= Domain.custom(
                to_sql=lambda model, alias, query: SQL(
                    "%s IS NULL", model._get_assignment_sql(alias, column, query)
                ),
                predicate=lambda record: not get(record),
            )
        return found

    def _get_assignment_sql(self, alias, column, query=None):
        """Return a column of the assignment of a record's client as SQL.

        :param query: gets the joins that are needed; without one, the result is a
            subquery
        """
        self._check_field_access(self._fields["tier_id"], "read")
        self.env["client.tier.assignment"].flush_model()
        company = self.env.company.id
        if self._tier_company_field:
            own = self._field_to_sql(alias, self._tier_company_field, query)
            company = SQL("COALESCE(%s, %s)", own, company)
        if not self._tier_partner_field:
            client = self._field_to_sql(alias, "commercial_partner_id", query)
        else:
            partner = self._field_to_sql(alias, self._tier_partner_field, query)
            client = SQL(
                "(SELECT commercial_partner_id FROM res_partner WHERE id = %s)", partner
            )
            if query is not None:
                partner_alias = query.make_alias(alias, "tier_partner")
                query.add_join(
                    "LEFT JOIN",
                    partner_alias,
                    "res_partner",
                    SQL("%s = %s", partner, SQL.identifier(partner_alias, "id")),
                )
                client = SQL.identifier(partner_alias, "commercial_partner_id")
        if query is None:
            return SQL(
                "(SELECT %s FROM client_tier_assignment"
                " WHERE partner_id = %s AND company_id = %s)",
                SQL.identifier(column),
                client,
                company,
            )
        given = query.make_alias(alias, f"tier_assignment_{self.env.company.id}")
        query.add_join(
            "LEFT JOIN",
            given,
            "client_tier_assignment",
            SQL(
                "%s = %s AND %s = %s",
                SQL.identifier(given, "partner_id"),
                client,
                SQL.identifier(given, "company_id"),
                company,
            ),
        )
        return SQL.identifier(given, column)
