from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .client_value_category import SECTIONS


class ClientValueEntry(models.Model):
    """One thing done in a client's favour (demands D2 to D6)."""

    _name = "client.value.entry"
    _description = "Client Value Entry"
    _inherit = ["client.value.client.mixin", "mail.thread", "mail.activity.mixin"]
    _contact_field = "contact_id"
    _order = "date desc, id desc"
    _check_company_auto = True

    name = fields.Char(
        string="What",
        required=True,
        tracking=True,
        help="What was done, in words that the client may read.",
    )
    description = fields.Text(
        string="Details", help="More about it. Printed in the dossier."
    )
    note_internal = fields.Text(
        string="Internal Note", help="For colleagues only. Never printed or exported."
    )

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        compute="_compute_partner_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        ondelete="restrict",
        check_company=True,
        tracking=True,
        help="The company (commercial entity) that got the favour.",
    )
    contact_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client's Manager",
        ondelete="restrict",
        index="btree_not_null",
        help="Who was in charge on the client's side at that time.",
    )
    account_manager_id = fields.Many2one(
        related="partner_id.user_id",
        string="Account Manager",
        store=True,
        index="btree_not_null",
        help="The client's salesperson.",
    )
    project_id = fields.Many2one(
        comodel_name="project.project",
        index="btree_not_null",
        check_company=True,
        domain="[('is_template', '=', False)]",
        tracking=True,
    )
    task_id = fields.Many2one(
        comodel_name="project.task",
        index="btree_not_null",
        check_company=True,
        domain="[('project_id', '=?', project_id), ('is_template', '=', False)]",
    )
    sale_order_id = fields.Many2one(
        comodel_name="sale.order",
        string="Order",
        index="btree_not_null",
        check_company=True,
        domain="[('partner_id', 'child_of', partner_id)]",
    )
    category_id = fields.Many2one(
        comodel_name="client.value.category",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    section = fields.Selection(
        selection=SECTIONS,
        compute="_compute_section",
        store=True,
        precompute=True,
        index=True,
        group_expand=True,
        help="The part of the dossier it appears in.",
    )
    date = fields.Date(
        required=True,
        default=lambda self: fields.Date.context_today(self),
        tracking=True,
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Responsible",
        default=lambda self: self.env.user,
        index=True,
        domain="[('share', '=', False)]",
        help="Who did it, or who logged it.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    company_currency_id = fields.Many2one(
        related="company_id.currency_id",
        string="Company Currency",
    )

    state = fields.Selection(
        selection=[
            ("suggested", "Suggested"),
            ("confirmed", "Confirmed"),
            ("dismissed", "Dismissed"),
        ],
        required=True,
        default="confirmed",
        copy=False,
        tracking=True,
        help="Only confirmed entries are counted and printed.",
    )
    client_visible = fields.Boolean(
        string="Visible to Client",
        compute="_compute_client_visible",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Only visible entries are printed in a dossier.",
    )

    currency_id = fields.Many2one(
        comodel_name="res.currency",
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    hours = fields.Float(
        tracking=True, help="Hours given. They are worth the hourly rate."
    )
    rate = fields.Monetary(
        string="Hourly Rate",
        compute="_compute_rate",
        store=True,
        readonly=False,
        precompute=True,
        aggregator=None,
        help="What the client would have paid for an hour: the price of the task's, "
        "project's or order's service, else the company's default rate.",
    )
    amount = fields.Monetary(
        string="Worth",
        compute="_compute_amount",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="What it is worth to the client, without tax.",
    )
    amount_company = fields.Monetary(
        string="Worth (Company Currency)",
        compute="_compute_amount_company",
        store=True,
        precompute=True,
        currency_field="company_currency_id",
        help="The worth in the company's currency, at the rate of the entry's date.",
    )
    days = fields.Float(
        string="Deadline Days",
        digits=(16, 1),
        tracking=True,
        help="Days by which a deadline was moved in the client's favour.",
    )
    internal_cost = fields.Monetary(
        currency_field="company_currency_id",
        groups="sales_team.group_sale_manager",
        help="What it cost us. Seen by sales administrators only, never printed.",
    )

    res_model = fields.Char(string="Evidence Model", readonly=True)
    res_id = fields.Many2oneReference(
        model_field="res_model", string="Evidence Record", readonly=True
    )
    attachment_ids = fields.Many2many(
        comodel_name="ir.attachment",
        string="Evidence Files",
        copy=False,
        help="Files that show it. A dossier lists their names.",
    )

    _amount_positive = models.Constraint(
        "CHECK(amount >= 0)",
        "The worth cannot be negative: enter what the client gained.",
    )
    _hours_positive = models.Constraint(
        "CHECK(hours >= 0)", "Hours cannot be negative: enter the hours given."
    )
    _days_positive = models.Constraint(
        "CHECK(days >= 0)", "Days cannot be negative: enter the days granted."
    )
    _internal_cost_positive = models.Constraint(
        "CHECK(internal_cost >= 0)", "The internal cost cannot be negative."
    )
    # The client's form and dossier read one client's confirmed entries by date.
    _partner_state_date_idx = models.Index("(partner_id, state, date)")
    _evidence_idx = models.Index("(res_model, res_id) WHERE res_id IS NOT NULL")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("project_id", "sale_order_id")
    def _compute_partner_id(self):
        """Prefill the client. A project that changes its client later does not
        take the entries along: the favour was done for the former one."""
        for entry in self:
            if not entry.partner_id:
                source = entry.project_id.partner_id or entry.sale_order_id.partner_id
                entry.partner_id = source.commercial_partner_id

    @api.depends("category_id.section")
    def _compute_section(self):
        for entry in self:
            entry.section = entry.category_id.section

    @api.depends("category_id")
    def _compute_client_visible(self):
        for entry in self:
            entry.client_visible = (
                not entry.category_id or entry.category_id.client_visible
            )

    @api.depends("sale_order_id", "project_id", "company_id")
    def _compute_currency_id(self):
        for entry in self:
            # sudo: project users may not read orders; only the currency is used
            line = entry.project_id.sudo().sale_line_id
            entry.currency_id = (
                entry.sale_order_id.sudo().currency_id
                or line.currency_id
                or entry.company_id.currency_id
                or self.env.company.currency_id
            )

    @api.depends("task_id", "project_id", "sale_order_id", "currency_id", "company_id")
    def _compute_rate(self):
        for entry in self:
            entry.rate = entry._get_hourly_rate()

    @api.depends("hours", "rate")
    def _compute_amount(self):
        """Hours times rate. A worth typed without hours is left alone."""
        for entry in self:
            if entry.hours and entry.rate:
                amount = entry.hours * entry.rate
                if entry.currency_id:
                    amount = entry.currency_id.round(amount)
                entry.amount = amount
            else:
                entry.amount = entry.amount or 0.0

    @api.depends("amount", "currency_id", "date", "company_id")
    def _compute_amount_company(self):
        today = fields.Date.context_today(self)
        for company, entries in self.grouped("company_id").items():
            target = company.currency_id
            amounts = [
                (entry.amount, entry.currency_id or target, entry.date or today)
                for entry in entries
            ]
            converted = self.env["res.currency"]._convert_many(amounts, target, company)
            for entry, amount in zip(entries, converted, strict=True):
                entry.amount_company = amount

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [self._normalise_client(vals) for vals in vals_list]
        entries = super().create(vals_list)
        entries._own_attachments()
        return entries

    def write(self, vals):
        result = super().write(self._normalise_client(vals))
        if "attachment_ids" in vals:
            self._own_attachments()
        return result

    def _own_attachments(self):
        """Tie uploaded evidence to its entry: a loose attachment can be read by
        nobody but the one who uploaded it."""
        for entry in self.filtered("attachment_ids"):
            # sudo: a colleague may save an entry with files that he did not upload
            loose = entry.attachment_ids.sudo().filtered(
                lambda attachment: (
                    attachment.create_uid == self.env.user and not attachment.res_id
                )
            )
            loose.write({"res_model": entry._name, "res_id": entry.id})

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_confirm(self):
        """Keep the entries: they count and are printed."""
        return self.write({"state": "confirmed"})

    def action_dismiss(self):
        """Set the entries aside: they are kept, but count nowhere."""
        return self.write({"state": "dismissed"})

    def action_view_evidence(self):
        """Open the record that an entry was made from, with the user's rights.

        :raise UserError: when there is none or it has been deleted
        """
        self.ensure_one()
        record = self._get_evidence_record()
        if not record:
            raise UserError(
                self.env._("The record behind this entry has been deleted.")
            )
        record.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    def _get_evidence_record(self):
        """Return the record to show as evidence, None when it is gone."""
        self.ensure_one()
        if not self.res_id or self.res_model not in self.env:
            return None
        return self.env[self.res_model].browse(self.res_id).exists() or None

    @api.model
    def _get_log_action(self, values):
        """Return the action that opens the *Log value* dialog.

        :param values: dict of field values to start with
        """
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Log value"),
            "res_model": self._name,
            "views": [
                (
                    self.env.ref(
                        "client_value_dossier.client_value_entry_view_form_quick"
                    ).id,
                    "form",
                )
            ],
            "target": "new",
            "context": {f"default_{name}": value for name, value in values.items()},
        }

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _iterate_rate_lines(self, task, project, order):
        """Yield the order lines that may tell the price of an hour, best first: for
        entries logged by hand and for suggestions.

        Extend it to price hours from elsewhere.
        """
        yield from task.sale_line_id
        yield from project.sale_line_id
        yield from order.order_line

    def _get_hourly_rate(self):
        """Return the worth of one hour in the entry's currency: the price of the
        first applicable line sold in hours or days, else the company's rate."""
        self.ensure_one()
        company = self.company_id or self.env.company
        # sudo: whoever logs an hour needs its price, not access to the order
        entry = self.sudo()
        lines = self._iterate_rate_lines(
            entry.task_id, entry.project_id, entry.sale_order_id
        )
        price, currency = self._get_price_of_hour(lines, company)
        return currency._convert(
            price,
            self.currency_id or currency,
            company,
            self.date or fields.Date.context_today(self),
        )

    @api.model
    def _get_price_fields(self):
        """Return the fields of order lines that tell the price of an hour."""
        return [
            *("currency_id", "display_type", "price_reduce_taxexcl"),
            *("price_unit", "product_uom_id"),
        ]

    @api.model
    def _get_price_of_hour(self, lines, company):
        """Return (price, currency) of an hour: that of the first of these order lines
        that was sold in hours or days for a price, else the company's rate.

        :param lines: ``sale.order.line``, or an iterable of them
        """
        # Not env.ref(), which asks the database each time whether the unit exists.
        reference = self.env["ir.model.data"]._xmlid_to_res_id("uom.product_uom_hour")
        hour = self.env["uom.uom"].browse(reference)
        for line in lines:
            uom = line.product_uom_id
            if line.display_type or not uom or not uom._has_common_reference(hour):
                continue
            price = uom._compute_price(
                line.price_reduce_taxexcl or line.price_unit, hour
            )
            if price:
                return price, line.currency_id
        # sudo: the company's rate is needed by people without its settings
        return company.sudo().client_value_rate, company.currency_id

    @api.model
    def _get_given_totals(self, domain, groupby):
        """Sum up what was given in the user's current companies, by one field.

        :param domain: restricts the entries, on top of :meth:`_get_given_domain`
        :param groupby: field name
        :return: {group: {"count", "amount", "hours", "days"}}, amounts in the
            current company's currency (other companies' at today's rate)
        """
        given, _suggested = self._get_totals(
            [*domain, *self._get_given_domain()], groupby
        )
        return given

    @api.model
    def _get_given_and_suggested_totals(self, domain, groupby):
        """Return the totals of what was given and those of suggestions, by one query,
        see :meth:`_get_given_totals`."""
        counted = Domain(self._get_given_domain()) | Domain("state", "=", "suggested")
        return self._get_totals(Domain(domain) & counted, groupby)

    @api.model
    def _get_totals(self, domain, groupby):
        """Return ({group: totals} of what was given, the same of suggestions)."""
        given, suggested = {}, {}
        today = fields.Date.context_today(self)
        for group, company, state, count, amount, hours, days in self._read_group(
            Domain(domain) & Domain("company_id", "in", self.env.companies.ids),
            [groupby, "company_id", "state"],
            ["__count", "amount_company:sum", "hours:sum", "days:sum"],
        ):
            totals = suggested if state == "suggested" else given
            total = totals.setdefault(
                group, {"count": 0, "amount": 0.0, "hours": 0.0, "days": 0.0}
            )
            if company.currency_id != self.env.company.currency_id:
                amount = company.currency_id._convert(
                    amount, self.env.company.currency_id, self.env.company, today
                )
            total["count"] += count
            total["amount"] += amount
            total["hours"] += hours
            total["days"] += days
        return given, suggested

    @api.model
    def _get_given_domain(self):
        """Return the domain of the entries that count as given: confirmed ones."""
        return [("state", "=", "confirmed")]
