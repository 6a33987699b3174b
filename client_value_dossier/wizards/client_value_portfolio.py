from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.portfolio import PortfolioWriter
from ..tools.xlsx import Column

# Rows fetched from the database at a time: memory stays flat.
FETCH_SIZE = 2000
# Odoo's default for the parameter of that name.
ACTIVE_IDS_LIMIT = 20000


class ClientValuePortfolio(models.TransientModel):
    """Export of many clients' entries as one workbook, of any size."""

    _name = "client.value.portfolio"
    _description = "Client Value Portfolio Export"

    date_from = fields.Date(string="From")
    date_to = fields.Date(string="Until")
    # A selection may be a hundred thousand records: a domain, not a relation.
    selection = fields.Json(readonly=True)
    entry_count = fields.Integer(compute="_compute_counts", string="Entries")
    client_count = fields.Integer(compute="_compute_counts", string="Clients")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if "selection" in fields_list:
            values["selection"] = self._get_selected_domain()
        return values

    @api.model
    def _get_selected_domain(self):
        """Return the domain (as a list) of the entries that the list's selection
        stands for: entries themselves, or the entries of the selected clients."""
        context = self.env.context
        model, ids = context.get("active_model"), context.get("active_ids") or []
        if model not in ("client.value.entry", "res.partner"):
            return []
        domain = Domain("id", "in", ids)
        # The web client sends at most so many ids, but always the list's domain.
        # sudo: a limit that every web client is told
        parameters = self.env["ir.config_parameter"].sudo()
        limit = int(parameters.get_param("web.active_ids_limit", ACTIVE_IDS_LIMIT))
        if len(ids) >= limit and context.get("active_domain") is not None:
            domain = Domain(context["active_domain"])
        if model == "client.value.entry":
            return list(domain)
        if not domain.is_true():
            clients = self.env["res.partner"].search(domain).commercial_partner_id
            return [("partner_id", "in", clients.ids)]
        return []

    @api.depends("selection", "date_from", "date_to")
    def _compute_counts(self):
        for portfolio in self:
            [(entries, clients)] = self.env["client.value.entry"]._read_group(
                portfolio._get_entry_domain(),
                [],
                ["__count", "partner_id:count_distinct"],
            )
            portfolio.entry_count = entries
            portfolio.client_count = clients

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_download(self):
        """Download the workbook.

        :raise UserError: when there is nothing to export
        """
        self.ensure_one()
        if not self.entry_count:
            raise UserError(
                self.env._("There are no confirmed entries in this selection.")
            )
        return {
            "type": "ir.actions.act_url",
            "url": f"/client_value_dossier/portfolio/{self.id}/portfolio.xlsx",
            "target": "download",
        }

    # ------------------------------------------------------------
    # WORKBOOK
    # ------------------------------------------------------------

    def _get_entry_domain(self):
        """Return the domain of the entries to export: what counts as given."""
        self.ensure_one()
        domain = Domain(self.selection or []) & Domain(
            self.env["client.value.entry"]._get_given_domain()
        )
        if self.date_from:
            domain &= Domain("date", ">=", self.date_from)
        if self.date_to:
            domain &= Domain("date", "<=", self.date_to)
        return domain

    def _write_workbook(self, target):
        """Write the workbook.

        :param target: path of the file to write
        """
        self.ensure_one()
        self.env["client.value.entry"].check_access("read")
        with PortfolioWriter(
            target,
            self.env["res.lang"]._prepare_locale(self.env.lang or "en_US"),
            title=self.env._("Client value"),
        ) as writer:
            # Sums make sense in one currency only.
            total = self.env._("Total") if len(self.env.companies) == 1 else ""
            for title, columns, select in self._get_sheets():
                writer.add_sheet(
                    title, [column for column, _sql in columns], total_label=total
                )
                writer.write_rows(
                    self._iter_rows(
                        select(SQL(", ").join(sql for _column, sql in columns))
                    )
                )

    def _get_sheets(self):
        """Return [(title, [(column, SQL)], method that makes a SELECT of SQL columns)]
        of the workbook: the clients, all entries and, for sales administrators, what
        the clients' favours cost. Like a dossier, the sheets of the others hold no
        internal cost and no internal note."""
        _ = self.env._
        sheets = [
            (_("Clients"), self._get_client_columns(), self._select_clients),
            (_("Entries"), self._get_entry_columns(), self._select_entries),
        ]
        if self.env["client.value.overservicing.client"].has_access("read"):
            sheets.append(
                (
                    _("Over-servicing"),
                    self._get_overservicing_columns(),
                    self._select_overservicing,
                )
            )
        return sheets

    def _get_entry_columns(self):
        """Return [(column, SQL)] of the sheet of entries.

        Extend it to export more; the tables are those of :meth:`_get_from_clause`.
        """
        _ = self.env._
        return [
            (Column(_("Date"), "date", 12), SQL("entry.date")),
            (Column(_("Client"), "text", 30), SQL("client.complete_name")),
            (Column(_("Client's Manager"), "text", 24), SQL("contact.name")),
            (Column(_("Project"), "text", 30), self._translated("project", "name")),
            (Column(_("Section"), "text", 18), self._get_section_sql()),
            (Column(_("Category"), "text", 24), self._translated("category", "name")),
            (Column(_("What"), "long", 50), SQL("entry.name")),
            (Column(_("Hours"), "hours", 10), SQL("entry.hours")),
            (Column(_("Deadline Days"), "days", 12), SQL("entry.days::float8")),
            (Column(_("Worth"), "number", 14), SQL("entry.amount::float8")),
            (Column(_("Currency"), "text", 10), SQL("currency.name")),
            (
                Column(_("Worth (Company Currency)"), "amount", 16),
                SQL("entry.amount_company::float8"),
            ),
            (Column(_("Account Manager"), "text", 24), SQL("manager.name")),
            (Column(_("Company"), "text", 20), SQL("company.name")),
        ]

    def _get_client_columns(self):
        """Return [(column, SQL)] of the sheet of clients, one row for each client
        and company."""
        _ = self.env._
        columns = [
            (Column(_("Client"), "text", 30), SQL("client.complete_name")),
            (Column(_("Account Manager"), "text", 24), SQL("manager.name")),
            (Column(_("First Entry"), "date", 12), SQL("MIN(entry.date)")),
            (Column(_("Last Entry"), "date", 12), SQL("MAX(entry.date)")),
            (Column(_("Entries"), "integer", 10), SQL("COUNT(*)")),
        ]
        sections = self.env["client.value.entry"]._fields["section"]
        for code, label in sections._description_selection(self.env):
            columns.append(
                (
                    Column(label, "amount", 16),
                    SQL(
                        "SUM(entry.amount_company) "
                        "FILTER (WHERE entry.section = %s)::float8",
                        code,
                    ),
                )
            )
        columns += [
            (Column(_("Hours"), "hours", 10), SQL("SUM(entry.hours)")),
            (Column(_("Deadline Days"), "days", 12), SQL("SUM(entry.days)::float8")),
            (
                Column(_("Worth (Company Currency)"), "amount", 16),
                SQL("SUM(entry.amount_company)::float8"),
            ),
            (Column(_("Company"), "text", 20), SQL("company.name")),
        ]
        return columns

    def _get_overservicing_columns(self):
        """Return [(column, SQL)] of the sheet of over-servicing, one row for each
        client and company; the tables are those of :meth:`_select_overservicing`."""
        _ = self.env._
        measures = self.env["client.value.overservicing.client"]._get_measures()

        def amount(label, measure):
            return Column(label, "amount", 16), SQL("(%s)::float8", measures[measure])

        def percent(label, percentage, alert=False):
            return Column(label, "percent", 14, alert), SQL("%s / 100", percentage)

        return [
            (Column(_("Client"), "text", 30), SQL("client.complete_name")),
            (Column(_("Account Manager"), "text", 24), SQL("manager.name")),
            amount(_("Worth (Company Currency)"), "worth"),
            amount(_("Internal Cost"), "internal_cost"),
            amount(_("Revenue"), "revenue"),
            percent(_("Worth / Revenue"), measures["worth_share"], alert=True),
            percent(_("Cost / Revenue"), measures["cost_share"]),
            percent(_("Threshold"), SQL("company.client_value_threshold")),
            (Column(_("Currency"), "text", 10), SQL("currency.name")),
            (Column(_("Company"), "text", 20), SQL("company.name")),
        ]

    def _get_section_sql(self):
        sections = self.env["client.value.entry"]._fields["section"]
        return SQL(
            "CASE entry.section %s END",
            SQL(" ").join(
                SQL("WHEN %s THEN %s", code, label)
                for code, label in sections._description_selection(self.env)
            ),
        )

    def _translated(self, table, column):
        """Return SQL for a translated name in the user's language."""
        return SQL(
            "COALESCE(%(field)s ->> %(lang)s, %(field)s ->> 'en_US')",
            field=SQL.identifier(table, column),
            lang=self.env.lang or "en_US",
        )

    def _get_from_clause(self):
        """Return the tables that the columns may use."""
        return SQL(
            """
              FROM client_value_entry entry
              JOIN res_partner client ON client.id = entry.partner_id
              JOIN client_value_category category ON category.id = entry.category_id
              JOIN res_company company ON company.id = entry.company_id
              JOIN res_currency currency ON currency.id = entry.currency_id
              LEFT JOIN res_partner contact ON contact.id = entry.contact_id
              LEFT JOIN project_project project ON project.id = entry.project_id
              LEFT JOIN res_users account ON account.id = client.user_id
              LEFT JOIN res_partner manager ON manager.id = account.partner_id
            """
        )

    def _search_entries(self):
        """Return the query of the entries to export. Record rules apply; of linked
        records only names are read."""
        return self.env["client.value.entry"]._search(self._get_entry_domain())

    def _select_clients(self, columns):
        return SQL(
            """
            SELECT %s %s
             WHERE entry.id IN %s
             GROUP BY client.id, manager.name, company.id
             ORDER BY client.complete_name, company.id
            """,
            columns,
            self._get_from_clause(),
            self._search_entries().subselect(),
        )

    def _select_entries(self, columns):
        return SQL(
            """
            SELECT %s %s
             WHERE entry.id IN %s
             ORDER BY client.complete_name, entry.date, entry.id
            """,
            columns,
            self._get_from_clause(),
            self._search_entries().subselect(),
        )

    def _select_overservicing(self, columns):
        """Select all that was given to the clients of these entries in the period, and
        what they paid: shares of single entries would tell nothing.

        The last value of a row tells whether the client is above the threshold.
        """
        report = self.env["client.value.overservicing.client"]
        return SQL(
            """
            SELECT %(columns)s, %(status)s = 'above'
              %(tables)s
              JOIN res_currency currency ON currency.id = company.currency_id
              LEFT JOIN res_users account ON account.id = client.user_id
              LEFT JOIN res_partner manager ON manager.id = account.partner_id
             WHERE (fact.partner_id, fact.company_id) IN %(selected)s
             GROUP BY client.id, company.id, currency.name, manager.name
             ORDER BY client.complete_name, company.id
            """,
            columns=columns,
            status=report._get_measures()["status"],
            tables=report._get_from_clause(self.date_from, self.date_to),
            selected=self._search_entries().subselect(
                SQL.identifier("client_value_entry", "partner_id"),
                SQL.identifier("client_value_entry", "company_id"),
            ),
        )

    def _iter_rows(self, query):
        """Yield a query's rows through a database cursor, a few at a time.

        Raw SQL: the ORM would hold every entry in memory.
        """
        self.env.flush_all()
        cursor = SQL.identifier("client_value_portfolio")
        cr = self.env.cr
        cr.execute(SQL("DECLARE %s NO SCROLL CURSOR FOR %s", cursor, query))
        while True:
            cr.execute(SQL("FETCH %s FROM %s", SQL(str(FETCH_SIZE)), cursor))
            rows = cr.fetchall()
            if not rows:
                break
            yield from rows
        cr.execute(SQL("CLOSE %s", cursor))
