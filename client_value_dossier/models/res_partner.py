from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# Entries listed on the client's form.
LAST_ENTRIES = 5


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "client.value.source", "client.value.total.mixin"]
    _value_entry_field = "partner_id"

    value_entry_ids = fields.One2many(
        comodel_name="client.value.entry",
        inverse_name="partner_id",
    )
    client_since = fields.Date(
        compute="_compute_client_since",
        inverse="_inverse_client_since",
        help="The first confirmed order, invoice, project or value entry, or the "
        "date entered by hand if that is earlier.",
    )
    # On the form instead of the one above, which costs a query over four tables.
    client_since_manual = fields.Date(
        string="Together Since",
        copy=False,
        help="Enter it if you worked together before you had Odoo. Else the first "
        "confirmed order, invoice, project or value entry counts.",
    )
    dossier_ids = fields.One2many(
        comodel_name="client.value.dossier",
        inverse_name="partner_id",
        string="Dossiers",
    )
    dossier_count = fields.Integer(compute="_compute_dossier_count")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("client_since_manual")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_client_since(self):
        first = self.commercial_partner_id._get_first_business_dates()
        for partner in self:
            client = partner.commercial_partner_id
            dates = (client.client_since_manual, first.get(client.id))
            partner.client_since = min(filter(None, dates), default=False)

    def _inverse_client_since(self):
        for partner in self:
            partner.commercial_partner_id.client_since_manual = partner.client_since

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_dossier_count(self):
        dossiers = self.env["client.value.dossier"]
        clients = self.commercial_partner_id
        counts = {}
        if clients.ids and dossiers.has_access("read"):
            counts = dict(
                dossiers._read_group(
                    [("partner_id", "in", clients.ids)], ["partner_id"], ["__count"]
                )
            )
        for partner in self:
            partner.dossier_count = counts.get(partner.commercial_partner_id, 0)

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if "parent_id" in vals or "is_company" in vals:
            # sudo: entries must follow whoever changes the contact
            for model in ("client.value.entry", "client.value.dossier"):
                self.env[model].sudo().search(
                    [("partner_id", "in", self.ids)]
                )._follow_commercial_entity()
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_value_entries(self):
        """Open the client's value entries."""
        return self._get_client_action("client_value_entry_action")

    def action_view_dossiers(self):
        """Open the client's dossiers."""
        return self._get_client_action("client_value_dossier_action")

    def action_view_suggestions(self):
        """Open the suggestions for these clients."""
        return self.env["client.value.entry"]._get_suggestion_action(
            domain=[("partner_id", "in", self.commercial_partner_id.ids)]
        )

    def action_keep_suggestions(self):
        """Keep all suggestions for these clients that the user may decide on.

        The list of suggestions gives in the context (``suggestion_domain``) what it is
        filtered by: nobody keeps what he does not see.
        """
        domain = Domain(self.env.context.get("suggestion_domain", Domain.TRUE))
        suggestions = self.env["client.value.entry"].search(
            domain
            & Domain("partner_id", "in", self.commercial_partner_id.ids)
            & Domain("state", "=", "suggested")
            & Domain("company_id", "in", self.env.companies.ids)
        )
        suggestions._filtered_access("write").action_confirm()
        return True

    def action_scan_value(self):
        """Scan the records of these clients now and show what is suggested."""
        created = self.env["client.value.rule"].run_harvest(partners=self)
        return self.env["client.value.entry"]._get_suggestion_action(
            len(created), [("partner_id", "in", self.commercial_partner_id.ids)]
        )

    def _get_client_action(self, name):
        """Return one of this addon's window actions for the client's records."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            f"client_value_dossier.{name}"
        )
        client = self.commercial_partner_id
        action["domain"] = [("partner_id", "=", client.id)]
        action["context"] = {"default_partner_id": client.id}
        return action

    def action_new_dossier(self):
        """Open a new dossier for the client; a contact becomes its recipient."""
        partner = self[:1]
        client = partner.commercial_partner_id
        context = {"default_partner_id": client.id}
        if partner != client:
            context["default_recipient_id"] = partner.id
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Dossier"),
            "res_model": "client.value.dossier",
            "views": [(False, "form")],
            "context": context,
        }

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.readonly
    def get_client_value_panel(self):
        """Return what the *Client value* page of the form shows. The page asks for
        it when it is opened, so that opening the form costs nothing.

        :return: dict with ``client_since`` (ISO date), ``years``, ``projects``
            (count), ``worth``, ``sections`` and ``entries`` (lists of dict),
            ``suggestions`` (dict with ``count`` and ``worth``), ``currency_id``;
            ``revenue`` for those who may see it, ``ratio`` for sales administrators
        """
        self.ensure_one()
        client = self.commercial_partner_id
        client.check_access("read")
        entries = self.env["client.value.entry"]
        domain = [("partner_id", "=", client.id)]
        given, suggested = entries._get_given_and_suggested_totals(domain, "section")
        nothing = {"count": 0, "amount": 0.0, "hours": 0.0, "days": 0.0}
        sections = [
            {"code": code, "label": label, **given.get(code, nothing)}
            for code, label in entries._fields["section"]._description_selection(
                self.env
            )
        ]
        worth = sum(section["amount"] for section in sections)
        panel = {
            "client_since": fields.Date.to_string(client.client_since) or "",
            "years": client._get_years_together(),
            "projects": client._get_client_project_count(),
            "worth": worth,
            "sections": sections,
            "entries": entries.search(
                [*domain, *entries._get_given_domain()], limit=LAST_ENTRIES
            ).read(["name", "date", "category_id", "amount", "currency_id"]),
            "suggestions": {
                "count": sum(total["count"] for total in suggested.values()),
                "worth": sum(total["amount"] for total in suggested.values()),
            },
            "currency_id": self.env.company.currency_id.id,
        }
        if client._is_client_of_user():
            panel["revenue"] = client._get_client_revenue()
        if self.env.user.has_group("sales_team.group_sale_manager"):
            panel["ratio"] = worth / panel["revenue"] if panel["revenue"] > 0 else False
        return panel

    def _is_client_of_user(self):
        """Tell whether the user may see the client's revenue: its account manager
        and those who see the documents of all."""
        self.ensure_one()
        user = self.env.user
        return user.has_group("sales_team.group_sale_salesman_all_leads") or (
            user.has_group("sales_team.group_sale_salesman") and self.user_id == user
        )

    def _get_years_together(self, until=None):
        """Return for how many years we have been working for the client, one
        decimal, counted up to *until* (default today)."""
        self.ensure_one()
        if not self.client_since:
            return 0.0
        until = until or fields.Date.context_today(self)
        return round(max((until - self.client_since).days, 0) / 365.25, 1)

    def _get_client_project_domain(self):
        """Return the domain of the client's projects, templates left out."""
        return Domain("partner_id", "child_of", self.ids) & Domain(
            "is_template", "=", False
        )

    def _get_client_project_count(self):
        """Return how many projects the client has had, archived ones included."""
        self.ensure_one()
        # sudo: the number of projects is no secret to the account manager
        return (
            self.env["project.project"]
            .sudo()
            .with_context(active_test=False)
            .search_count(
                self._get_client_project_domain()
                & Domain("company_id", "in", [*self.env.companies.ids, False])
            )
        )

    def _get_client_revenue(self, date_from=None, date_to=None, currency=None):
        """Return the untaxed revenue of posted invoices minus credit notes.

        :param date_from: first invoice date, or none
        :param date_to: last invoice date, or none
        :param currency: ``res.currency`` of the result, by default the current
            company's. Invoices in this currency count as they are, others at the
            rate of their date.
        """
        self.ensure_one()
        currency = currency or self.env.company.currency_id
        domain = Domain(self._get_client_invoice_domain())
        if date_from:
            domain &= Domain("invoice_date", ">=", date_from)
        if date_to:
            domain &= Domain("invoice_date", "<=", date_to)
        # sudo: a salesperson sees his own invoices only; the client's total is
        # shown to him as one figure
        groups = (
            self.env["account.move"]
            .sudo()
            ._read_group(
                domain,
                ["company_id", "currency_id", "invoice_date:day"],
                ["amount_untaxed_signed:sum", "amount_untaxed_in_currency_signed:sum"],
            )
        )
        amounts = defaultdict(list)
        for company, invoiced_in, date, amount, amount_currency in groups:
            if company.currency_id == currency:
                # What accounting has booked, whatever the invoice's currency.
                amounts[company].append((amount, currency, date))
            else:
                amounts[company].append((amount_currency, invoiced_in, date))
        return currency.round(
            sum(
                amount
                for company, items in amounts.items()
                for amount in currency._convert_many(items, currency, company)
            )
        )

    def _get_client_invoice_domain(self):
        """Return the domain of what counts as revenue with these clients; with none
        given, of what counts as revenue at all."""
        return [
            *([("commercial_partner_id", "in", self.ids)] if self else []),
            ("move_type", "in", ("out_invoice", "out_refund")),
            ("state", "=", "posted"),
            ("company_id", "in", self.env.companies.ids),
        ]

    def _get_first_business_dates(self):
        """Return {client id: first date} of what these clients did with us."""
        if not self.ids:
            return {}
        for model in ("sale.order", "account.move", "project.project"):
            self.env[model].flush_model()
        self.env["client.value.entry"].flush_model()
        # Raw SQL: one query for four tables, read whenever a client's form opens.
        # Rights are not applied on purpose: only the earliest date leaves it.
        query = SQL(
            """
            SELECT client, MIN(date)
              FROM (
                SELECT partner.commercial_partner_id AS client,
                       sale.date_order::date AS date
                  FROM sale_order sale
                  JOIN res_partner partner ON partner.id = sale.partner_id
                 WHERE sale.state = 'sale'
                   AND sale.company_id IN %(companies)s
                   AND partner.commercial_partner_id IN %(clients)s
                UNION ALL
                SELECT commercial_partner_id, invoice_date
                  FROM account_move
                 WHERE move_type = 'out_invoice' AND state = 'posted'
                   AND company_id IN %(companies)s
                   AND commercial_partner_id IN %(clients)s
                UNION ALL
                SELECT partner.commercial_partner_id, project.date_start
                  FROM project_project project
                  JOIN res_partner partner ON partner.id = project.partner_id
                 WHERE project.is_template IS NOT TRUE
                   AND (project.company_id IS NULL
                        OR project.company_id IN %(companies)s)
                   AND partner.commercial_partner_id IN %(clients)s
                UNION ALL
                SELECT partner_id, date
                  FROM client_value_entry
                 WHERE state = 'confirmed'
                   AND company_id IN %(companies)s
                   AND partner_id IN %(clients)s
              ) AS business
             GROUP BY client
            """,
            companies=tuple(self.env.companies.ids),
            clients=tuple(self.ids),
        )
        return dict(self.env.execute_query(query))

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_value_owner(self):
        """Contacts show the figures of their commercial entity."""
        return self.commercial_partner_id

    def _prepare_value_entry(self):
        return {
            **super()._prepare_value_entry(),
            **self._prepare_value_client(self),
        }
