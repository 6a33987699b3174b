from odoo import api, fields, models
from odoo.exceptions import AccessError, LockError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

# What a rule's records are scanned by: the records behind one batch.
PROJECT, ORDER, INVOICE = "project.project", "sale.order", "account.move"

KINDS = [
    ("discount", "Discounts"),
    ("credit_note", "Goodwill credit notes"),
    ("after_care", "Support after the project"),
    ("extra_scope", "Extra scope"),
    ("overrun", "Hours beyond a fixed price"),
    ("free_hours", "Unpaid hours"),
    ("deadline_shift", "Deadlines moved"),
    ("late_payment", "Late payments accepted"),
    ("urgent", "Urgent work"),
]

# How timesheets are billed whose price does not depend on their hours.
FIXED_PRICE = ("billable_fixed", "billable_milestones", "billable_manual")
# How timesheets are billed whose hours may be a favour.
UNPAID = ("non_billable", *FIXED_PRICE)

# How many records are scanned at a time, in one transaction: a second's work. With
# fewer the database joins whole tables of tasks and clients too often.
BATCH_SIZES = {PROJECT: 4000, ORDER: 10_000, INVOICE: 10_000}


class ClientValueRule(models.Model):
    """A way to find favours in Odoo's own records.

    The kind ``x`` is served by ``_harvest_x``. To add a kind, extend the selection,
    add its method, and name in :meth:`_get_units` by which records it is scanned.

    Rules are applied by sequence: an hour that several rules could count goes to
    the first of them, so that nothing is counted twice.
    """

    _name = "client.value.rule"
    _description = "Client Value Rule"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    kind = fields.Selection(
        selection=KINDS,
        required=True,
        help="What the rule looks for.",
    )
    description = fields.Text(
        translate=True, help="Tells your colleagues what the rule finds."
    )
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        default=10,
        help="An hour that several rules could count goes to the first of them.",
    )
    category_id = fields.Many2one(
        comodel_name="client.value.category",
        required=True,
        ondelete="restrict",
        help="The category of what the rule finds.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        index=True,
        help="Empty: the rule serves all companies that have no rule of this kind "
        "of their own.",
    )

    minimum_amount = fields.Float(
        string="From Worth",
        digits="Product Price",
        help="Smaller favours are not suggested. In the company's currency.",
    )
    minimum_hours = fields.Float(
        string="From Hours", help="Fewer hours are not suggested."
    )
    minimum_days = fields.Float(
        string="From Days", digits=(16, 1), help="Fewer days are not suggested."
    )
    reopen_growth = fields.Float(
        string="Suggest Again Beyond (%)",
        digits=(16, 1),
        help="A dismissed suggestion comes back when its source has grown by more than "
        "this. 0: never.",
    )
    price_reference = fields.Selection(
        selection=[
            ("list", "The list price"),
            ("pricelist", "The client's pricelist"),
        ],
        default="list",
        required=True,
        help="The price that a discount is measured against. The list price is that of "
        "the order's date. With the pricelist, what it grants is not counted.",
    )
    group_by_task = fields.Boolean(
        string="One per Task",
        help="One suggestion for each task and month, instead of each project and "
        "month.",
    )
    running_minimum_hours = fields.Float(
        string="While Running, From Hours",
        help="Before the work is delivered, fewer hours are not suggested. 0: nothing "
        "is suggested before.",
    )
    grace_days = fields.Integer(
        help="After care: days after the end of the project that still belong to it. "
        "Extra scope: days after the order in which its tasks are planned."
    )
    urgent_days = fields.Integer(
        string="Within Working Days",
        default=1,
        help="Work is urgent when it was asked for and delivered within so many "
        "working days.",
    )
    surcharge_percent = fields.Float(
        string="Surcharge (%)",
        digits=(16, 1),
        default=50.0,
        help="What you could have asked on top of the hourly rate.",
    )
    interest_rate = fields.Float(
        string="Interest (% a Year)",
        digits=(16, 2),
        help="What a deferred payment is worth. 0: only its days are counted.",
    )
    fee_product_id = fields.Many2one(
        comodel_name="product.product",
        string="Late Fee",
        help="Clients that were charged this product after the due date got no favour.",
    )
    reissue_days = fields.Integer(
        string="Reissued Within Days",
        default=30,
        help="What is invoiced again within so many days after the credit note was a "
        "correction, not a favour.",
    )
    merge_moves = fields.Boolean(
        string="Count Joint Moves Once",
        default=True,
        help="What is moved on the same day in one project is one move: that of the "
        "project, else that of the milestone or task that was moved furthest.",
    )

    scanned_until = fields.Datetime(
        string="Last Scan",
        readonly=True,
        copy=False,
        help="What changed later is read by the next scan. Empty: everything is.",
    )
    tuned_on = fields.Datetime(readonly=True, copy=False)
    suggestion_count = fields.Integer(
        compute="_compute_suggestion_count", string="Suggestions"
    )

    # COALESCE: rules without a company are one group, too.
    _kind_company_uniq = models.UniqueIndex(
        "(kind, COALESCE(company_id, 0))",
        "There is already a rule of this kind for this company: change that one.",
    )
    _limits_positive = models.Constraint(
        "CHECK(minimum_amount >= 0 AND minimum_hours >= 0 AND minimum_days >= 0"
        " AND running_minimum_hours >= 0 AND grace_days >= 0 AND urgent_days >= 0"
        " AND reissue_days >= 0 AND surcharge_percent >= 0 AND interest_rate >= 0"
        " AND reopen_growth >= 0)",
        "Limits, days and percentages of a rule cannot be negative.",
    )

    def _compute_suggestion_count(self):
        counts = dict(
            self.env["client.value.entry"]._read_group(
                [("rule_id", "in", self.ids), ("state", "=", "suggested")],
                ["rule_id"],
                ["__count"],
            )
        )
        for rule in self:
            rule.suggestion_count = counts.get(rule, 0)

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        for rule in rules.filtered("company_id"):
            # It takes over from the shared one, with all that was decided.
            rule._get_shared_rule()._hand_over_entries(rule, rule.company_id)
        rules._forget_scans()
        return rules

    def write(self, vals):
        result = super().write(vals)
        if self._get_tuning_fields() & vals.keys():
            self._forget_scans()
        if vals.get("active") is False:
            self._withdraw_suggestions()
        return result

    def unlink(self):
        kinds = set(self.mapped("kind"))
        for rule in self.filtered("company_id"):
            rule._hand_over_entries(rule._get_shared_rule() - self, rule.company_id)
        result = super().unlink()
        self._get_all_rules().filtered(lambda rule: rule.kind in kinds)._forget_scans()
        return result

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for rule, vals in zip(self, vals_list, strict=True):
            if "company_id" not in (default or {}) and not rule.company_id:
                vals["company_id"] = self.env.company.id
        return vals_list

    @api.model
    def _get_tuning_fields(self):
        """Return the names of the fields that change what a rule finds."""
        return {
            *("active", "company_id", "fee_product_id", "grace_days"),
            *("group_by_task", "interest_rate", "kind", "merge_moves"),
            *("minimum_amount", "minimum_days", "minimum_hours", "price_reference"),
            *("reissue_days", "reopen_growth", "running_minimum_hours", "sequence"),
            *("surcharge_percent", "urgent_days"),
        }

    def _forget_scans(self):
        """Have everything read again by the next scan, for these rules and for all
        that are scanned together with them: they share the same hours."""
        units = self._get_units()
        self._get_unit_rules(*{units.get(kind) for kind in self.mapped("kind")}).write(
            {"scanned_until": False, "tuned_on": fields.Datetime.now()}
        )

    def _get_shared_rule(self):
        """Return the rule of the same kind that serves all companies, if any."""
        self.ensure_one()
        return self._get_all_rules().filtered(
            lambda rule: rule.kind == self.kind and not rule.company_id
        )

    def _hand_over_entries(self, rule, company):
        """Make another rule the finder of what this one has found in a company: what
        was dismissed must not come back because the rules are others."""
        if self and rule:
            # sudo: entries of all clients, whoever changes rules
            entries = self.env["client.value.entry"].sudo()
            entries.with_context(tracking_disable=True).search(
                [("rule_id", "in", self.ids), ("company_id", "=", company.id)]
            ).write({"rule_id": rule.id})

    def _withdraw_suggestions(self):
        """Take back what the rules suggested and nobody has decided on."""
        # sudo: suggestions of all companies and clients, whoever switches a rule off
        suggestions = (
            self.env["client.value.entry"]
            .sudo()
            .search([("rule_id", "in", self.ids), ("state", "=", "suggested")])
        )
        suggestions._withdraw("rule")

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_suggestions(self):
        """Open what the rules suggest."""
        return self.env["client.value.entry"]._get_suggestion_action(
            domain=[("rule_id", "in", self.ids)]
        )

    def action_copy_for_company(self):
        """Copy a rule for the current company, to tune it there, and open the copy.

        :raise UserError: when the company has a rule of this kind already
        """
        self.ensure_one()
        company = self.env.company
        existing = self._get_all_rules().filtered(
            lambda rule: rule.kind == self.kind and rule.company_id == company
        )
        if existing:
            raise UserError(
                self.env._(
                    "%(company)s has its own rule already: %(rule)s.",
                    company=company.name,
                    rule=existing.name,
                )
            )
        copy = self.copy({"company_id": company.id, "name": self.name})
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": copy.id,
            "views": [(False, "form")],
        }

    # ------------------------------------------------------------
    # WHICH RULE SERVES WHOM
    # ------------------------------------------------------------

    @api.model
    def _get_all_rules(self):
        """Return all rules, archived ones and those of other companies included."""
        # sudo: a company's own rule counts whoever scans or changes another one
        rules = self.sudo().with_context(active_test=False)
        return rules.search(Domain.TRUE, order=self._order)

    @api.model
    def _get_unit_rules(self, *units):
        """Return all rules that are scanned by these units, archived ones included."""
        unit_of = self._get_units()
        return self._get_all_rules().filtered(
            lambda rule: unit_of.get(rule.kind) in units
        )

    @api.model
    def _get_rules_in_force(self, kinds=None):
        """Return {(company id, kind): rule}: a company's own rule, else the shared one.

        An archived rule switches its kind off; a company's own one does so for that
        company only.

        :param kinds: only these kinds; all by default
        """
        # sudo: see _get_all_rules
        company_ids = self.env["res.company"].sudo().search(Domain.TRUE).ids
        in_force = {}
        # A company's own rules come last and win.
        for rule in self._get_all_rules().sorted(lambda rule: bool(rule.company_id)):
            if kinds is None or rule.kind in kinds:
                for company_id in rule.company_id.ids or company_ids:
                    in_force[company_id, rule.kind] = rule
        return {key: rule for key, rule in in_force.items() if rule.active}

    def _get_companies(self):
        """Return the companies that a rule serves."""
        self.ensure_one()
        in_force = self._get_rules_in_force([self.kind])
        return self.env["res.company"].browse(
            company_id for (company_id, _kind), rule in in_force.items() if rule == self
        )

    @api.model
    def _get_own_partners(self):
        """Return the partners of our companies: nobody does himself a favour."""
        # sudo: all companies, whoever scans
        companies = self.env["res.company"].sudo().search(Domain.TRUE)
        return companies.partner_id.commercial_partner_id

    @api.model
    def _get_own_partners_sql(self):
        """Return SQL of the ids of :meth:`_get_own_partners`."""
        return SQL("SELECT unnest(%s::integer[])", self._get_own_partners().ids)

    # ------------------------------------------------------------
    # HARVEST
    # ------------------------------------------------------------

    @api.model
    def run_harvest(self, partners=None):
        """Scan now, in one transaction, and suggest what is found. A scan of all
        clients of a large database is better left to ``client.value.scan``.

        :param partners: ``res.partner``, clients to scan; all by default
        :return: the ``client.value.entry`` that were created
        :raise AccessError: for who is neither in Sales nor a project administrator
        :raise LockError: when a scan is running
        """
        self._check_may_scan()
        if partners is not None:
            partners.check_access("read")
        created = []
        for unit in self._get_units_in_use():
            ids = self._get_unit_ids(unit, partners)
            size = BATCH_SIZES[unit]
            for start in range(0, len(ids), size):
                result = self._harvest_batch(unit, ids[start : start + size])
                created += result["created"]
        return self.env["client.value.entry"].browse(created)

    @api.model
    def _check_may_scan(self):
        scanners = "sales_team.group_sale_salesman,project.group_project_manager"
        if not self.env.su and not self.env.user.has_groups(scanners):
            raise AccessError(
                self.env._("Ask somebody of Sales or a project administrator to scan.")
            )

    @api.model
    def _harvest_projects(self, projects):
        """Scan projects and their orders now, like :meth:`run_harvest`."""
        self._check_may_scan()
        # sudo: a project manager may not read the project's orders
        orders = self.sudo()._get_orders_of_projects(projects.ids)
        order_ids = {order.id for found in orders.values() for order in found}
        created = self._harvest_batch(PROJECT, projects.ids)["created"]
        created += self._harvest_batch(ORDER, sorted(order_ids))["created"]
        return self.env["client.value.entry"].browse(created)

    @api.model
    def _harvest_batch(self, unit, ids):
        """Scan one batch: bring the suggestions of these records up to date.

        Doing it again changes nothing. Two scans at once cannot meet in here.

        :param unit: model name, one of :meth:`_get_units`
        :param ids: list of ids of its records
        :return: {"created", "updated", "withdrawn": lists of entry ids}
        :raise LockError: when a scan is running
        """
        # sudo: the scan reads orders, invoices, timesheets and tracked changes of all;
        # what it finds is seen by those who may see the client, see the record rules
        everyone = self.sudo().with_context(active_test=False, lang="en_US")
        rules = everyone._get_serving_rules(everyone._lock_unit_rules(unit))
        self.env.flush_all()
        if unit == PROJECT:
            everyone._prepare_hours(ids)
        findings = []
        for rule in rules:
            findings += getattr(rule, f"_harvest_{rule.kind}")(ids)
        findings = everyone._price_findings(findings)
        entries = self.env["client.value.entry"].sudo().with_context(active_test=False)
        return entries._apply_findings(rules, ids, findings)

    @api.model
    def _get_serving_rules(self, rules):
        """Return those of *rules* that serve some company, by sequence."""
        in_force = set(self._get_rules_in_force().values())
        return rules.filtered(lambda rule: rule in in_force)

    def _lock_unit_rules(self, unit):
        """Return the rules of a unit, archived ones included, locked up to the end of
        the transaction: that keeps two scans from meeting.

        :raise LockError: when another scan holds them
        """
        rules = self._get_unit_rules(unit)
        try:
            rules.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise LockError(
                self.env._("A scan is running just now. Try again in a minute.")
            ) from error
        return rules

    # ------------------------------------------------------------
    # WHAT IS SCANNED
    # ------------------------------------------------------------

    @api.model
    def _get_units(self):
        """Return {kind: model} of the records by which a kind is scanned: a batch is
        made of so many of them, and a change of one has it scanned again."""
        return {
            "discount": ORDER,
            "credit_note": INVOICE,
            "late_payment": INVOICE,
            "after_care": PROJECT,
            "extra_scope": PROJECT,
            "overrun": PROJECT,
            "free_hours": PROJECT,
            "deadline_shift": PROJECT,
            "urgent": PROJECT,
        }

    @api.model
    def _get_units_in_use(self):
        """Return the models that some active rule needs."""
        units = self._get_units()
        rules = self._get_all_rules().filtered("active")
        return list(dict.fromkeys(units[rule.kind] for rule in rules))

    @api.model
    def _get_unit_ids(self, unit, partners=None, after=0, limit=None):
        """Return the ids of the records of a unit that may hold favours, ascending.

        :param partners: clients whose records are meant; all by default
        :param after: only ids greater than this
        """
        domain = self._get_known_unit_domain(unit) & Domain("id", ">", after)
        if partners is not None:
            contacts = Domain(
                "partner_id", "child_of", partners.commercial_partner_id.ids
            )
            if unit == PROJECT:
                contacts |= Domain("task_ids", "any!", contacts)
            domain &= contacts
        records = self.env[unit].sudo().with_context(active_test=False)
        return list(records._search(domain, order="id", limit=limit))

    @api.model
    def _count_units(self, unit):
        """Return how many records of a unit a scan of everything looks at."""
        # sudo: see _harvest_batch
        records = self.env[unit].sudo().with_context(active_test=False)
        return records.search_count(self._get_known_unit_domain(unit))

    @api.model
    def _get_known_unit_domain(self, unit):
        """Return the domain of the records of a unit to look at: those that may hold
        favours, and those that had something to suggest."""
        domain = self._get_unit_domain(unit)
        # sudo: see _harvest_batch
        entries = self.env["client.value.entry"].sudo()
        known = entries._search([("rule_id", "in", self._get_unit_rules(unit).ids)])
        return domain | Domain("id", "in", known.subselect("unit_id"))

    @api.model
    def _get_unit_domain(self, unit):
        """Return the domain of the records of a unit that may hold favours."""
        if unit == ORDER:
            return Domain("state", "=", "sale")
        if unit == INVOICE:
            types = ["out_refund"]
            if any(kind == "late_payment" for _co, kind in self._get_rules_in_force()):
                types.append("out_invoice")
            return Domain("move_type", "in", types) & Domain("state", "=", "posted")
        return Domain("is_template", "=", False)

    @api.model
    def _get_changed_ids(self, unit, since):
        """Return the ids of the records of a unit to scan again, ascending: those where
        something that the rules read has changed.

        :param since: datetime of the scan before
        """
        self.env.flush_all()
        queries = {
            PROJECT: self._get_changed_projects_sql,
            ORDER: self._get_changed_orders_sql,
            INVOICE: self._get_changed_invoices_sql,
        }
        # Raw SQL: several large tables are asked for a few rows each
        rows = self.env.execute_query(
            SQL(
                """
                WITH %s
                SELECT DISTINCT id FROM (%s) AS changed
                 WHERE id IS NOT NULL ORDER BY id
                """,
                self._get_changed_tables_sql(since),
                SQL(" UNION ALL ").join(queries[unit](since)),
            )
        )
        return [record_id for (record_id,) in rows]

    @api.model
    def _get_changed_tables_sql(self, since):
        """Return SQL of the tables ``sheet``, ``project``, ``task`` (those that have
        changed), ``changed_order`` (those that have, or whose lines have) and ``line``
        (order lines that have changed, or whose order has): each is read once, whoever
        asks for it."""
        return SQL(
            """
            sheet AS MATERIALIZED (
                SELECT project_id, so_line
                  FROM account_analytic_line
                 WHERE write_date >= %(since)s AND project_id IS NOT NULL
            ),
            project AS MATERIALIZED (
                SELECT id FROM project_project WHERE write_date >= %(since)s
            ),
            task AS MATERIALIZED (
                SELECT id, project_id FROM project_task WHERE write_date >= %(since)s
            ),
            changed_line AS MATERIALIZED (
                SELECT id, order_id, project_id
                  FROM sale_order_line
                 WHERE write_date >= %(since)s
            ),
            written_order AS MATERIALIZED (
                SELECT id FROM sale_order WHERE write_date >= %(since)s
            ),
            changed_order AS MATERIALIZED (
                SELECT id FROM written_order UNION SELECT order_id FROM changed_line
            ),
            line AS MATERIALIZED (
                SELECT id, project_id FROM changed_line
                 UNION
                SELECT line.id, line.project_id
                  FROM written_order
                  JOIN sale_order_line line ON line.order_id = written_order.id
            )
            """,
            since=since,
        )

    def _get_changed_projects_sql(self, since):
        """Return SQL queries of the ids of projects to scan again. Odoo writes a task
        when its hours change: that is how deleted timesheets are noticed."""
        return [
            SQL("SELECT id FROM project"),
            SQL("SELECT project_id FROM task"),
            SQL(
                "SELECT project_id FROM project_milestone WHERE write_date >= %s", since
            ),
            SQL(
                "SELECT id FROM project_project WHERE stage_id IN "
                "(SELECT id FROM project_project_stage WHERE write_date >= %s)",
                since,
            ),
            SQL("SELECT project_id FROM sheet"),
            # Timesheets on a line of a fixed price share the hours that it sold; they
            # are delivered when the project or task made from that line is done.
            SQL(
                """
                SELECT project_id
                  FROM account_analytic_line
                 WHERE so_line = ANY(ARRAY(
                           SELECT so_line FROM sheet
                            UNION
                           SELECT id FROM line
                            UNION
                           SELECT line.id
                             FROM project
                             JOIN sale_order_line line ON line.project_id = project.id
                            UNION
                           SELECT line.id
                             FROM task
                             JOIN sale_order_line line ON line.task_id = task.id))
                   AND timesheet_invoice_type = ANY(%s)
                """,
                list(FIXED_PRICE),
            ),
            SQL("SELECT project_id FROM line"),
            SQL(
                "SELECT id FROM project_project "
                "WHERE sale_line_id IN (SELECT id FROM line)"
            ),
            SQL(
                "SELECT project_id FROM project_task "
                "WHERE sale_line_id IN (SELECT id FROM line)"
            ),
            SQL(
                "SELECT project_id FROM sale_order "
                "WHERE id IN (SELECT id FROM changed_order)"
            ),
            SQL(
                "SELECT id FROM project_project "
                "WHERE reinvoiced_sale_order_id IN (SELECT id FROM changed_order)"
            ),
        ]

    def _get_changed_orders_sql(self, _since):
        """Return SQL queries of the ids of orders to scan again."""
        return [
            SQL("SELECT id FROM changed_order"),
        ]

    def _get_changed_invoices_sql(self, since):
        """Return SQL queries of the ids of invoices and credit notes to scan again."""
        return [
            SQL(
                "SELECT id FROM account_move WHERE write_date >= %s "
                "AND move_type IN ('out_invoice', 'out_refund')",
                since,
            ),
            # A new invoice may be the one that was credited, issued again; what one
            # credit note leaves goes to another one. And it may be a fee.
            SQL(
                """
                SELECT other.id
                  FROM account_move changed
                  JOIN res_partner partner
                    ON partner.commercial_partner_id = changed.commercial_partner_id
                  JOIN account_move other ON other.partner_id = partner.id
                 WHERE changed.write_date >= %(since)s
                   AND changed.move_type IN ('out_invoice', 'out_refund')
                   AND ((other.move_type = 'out_refund'
                         AND other.reversed_entry_id IS NOT NULL)
                        OR (other.move_type = 'out_invoice'
                            AND EXISTS (
                                SELECT
                                  FROM account_move_line item
                                 WHERE item.move_id = changed.id
                                   AND item.product_id = ANY(%(fees)s))))
                """,
                since=since,
                fees=self._get_all_rules().fee_product_id.ids,
            ),
            # What was delivered tells whether goods came back.
            SQL(
                """
                SELECT item.move_id
                  FROM changed_line line
                  JOIN sale_order_line_invoice_rel relation
                    ON relation.order_line_id = line.id
                  JOIN account_move_line item ON item.id = relation.invoice_line_id
                """
            ),
        ]

    # ------------------------------------------------------------
    # FINDINGS
    # ------------------------------------------------------------

    def _prepare_finding(
        self, res_model, res_id, company_id, client_id, date, **values
    ):
        """Return what the rule has found, as a dict: the values of an entry, and

        - ``kind`` and ``rule_id``;
        - ``res_model``, ``res_id``, ``period``: evidence, and first day of its month;
          with rule and company they make a finding unique;
        - ``unit_id``: the record of the unit whose scan found it;
        - ``timesheets``: ids of those behind it;
        - ``words``: what its name is made of, see ``_get_suggestion_name``.
        """
        self.ensure_one()
        return {
            "kind": self.kind,
            "rule_id": self.id,
            "res_model": res_model,
            "res_id": res_id,
            "company_id": company_id,
            "partner_id": client_id,
            "date": date,
            **dict.fromkeys(("period", "contact_id", "project_id", "task_id"), False),
            **dict.fromkeys(("sale_order_id", "currency_id", "timesheets"), False),
            **dict.fromkeys(("hours", "rate", "amount", "days", "internal_cost"), 0.0),
            "words": {},
            **values,
        }

    @api.model
    def _price_findings(self, findings):
        """Complete findings with rate, worth and currency; leave out those below their
        rule's limit.

        :return: the remaining findings, with ``amount_company``
        """
        rules = self.browse({finding["rule_id"] for finding in findings})
        by_id = {rule.id: rule for rule in rules}
        self._add_hourly_terms([f for f in findings if f["hours"]])
        companies = self.env["res.company"].browse(
            {finding["company_id"] for finding in findings}
        )
        currencies = {company.id: company.currency_id for company in companies}
        for finding in findings:
            own = currencies[finding["company_id"]]
            finding["currency_id"] = finding["currency_id"] or own.id
            if finding["internal_cost"]:
                # As the database will hold it: what differs was typed by somebody.
                finding["internal_cost"] = own.round(finding["internal_cost"])
        entries = self.env["client.value.entry"]
        remaining = []
        for finding, worth in zip(
            findings, entries._get_company_amounts(findings), strict=True
        ):
            finding["amount_company"] = worth
            if not worth or worth >= by_id[finding["rule_id"]].minimum_amount:
                remaining.append(finding)
        return remaining

    def _add_hourly_terms(self, findings):
        """Say what the hours of findings are worth: order, contact, currency, rate."""
        projects = self.env["project.project"].browse(
            {finding["project_id"] for finding in findings}
        )
        tasks = self.env["project.task"].browse(
            {finding["task_id"] for finding in findings if finding["task_id"]}
        )
        # Only these fields: by itself Odoo would read all that these records have.
        projects.fetch(["partner_id", "sale_line_id", "reinvoiced_sale_order_id"])
        tasks.fetch(["partner_id", "sale_line_id"])
        (projects.partner_id | tasks.partner_id).fetch(["commercial_partner_id"])
        lines = projects.sale_line_id | tasks.sale_line_id
        prices = self.env["client.value.entry"]._get_price_fields()
        lines.fetch(["order_id", *prices])
        orders = lines.order_id | projects.reinvoiced_sale_order_id
        orders.fetch(["company_id", "currency_id", "order_line"])
        orders.order_line.fetch(prices)
        # A finding that knows its order is worth what that order asks.
        ordered = self.env["sale.order"].browse(
            {finding["sale_order_id"] for finding in findings} - {False}
        )
        ordered.fetch(["currency_id"])
        by_order = {order.id: order for order in ordered}
        by_project = {project.id: project for project in projects}
        by_task = {task.id: task for task in tasks}
        surcharges = {
            rule.id: rule.surcharge_percent / 100
            for rule in self.browse(
                {
                    finding["rule_id"]
                    for finding in findings
                    if finding["kind"] == "urgent"
                }
            )
        }
        terms = {}
        for finding in findings:
            key = finding["project_id"], finding["task_id"], finding["company_id"]
            if key not in terms:
                order, contact, *price = self._get_hourly_terms(
                    by_project[finding["project_id"]],
                    by_task.get(finding["task_id"], tasks.browse()),
                    self.env["res.company"].browse(finding["company_id"]),
                )
                client = contact.commercial_partner_id
                terms[key] = order.id, contact.id, client.id, *price
            order_id, contact_id, client_id, currency, rate, priced_in = terms[key]
            if finding["sale_order_id"]:
                order_id = finding["sale_order_id"]
                currency = by_order[order_id].currency_id
            finding["currency_id"] = currency.id
            finding["sale_order_id"] = order_id
            if client_id == finding["partner_id"]:
                finding["contact_id"] = contact_id
            if not finding["rate"]:
                finding["rate"] = rate
                if priced_in != currency:
                    company = self.env["res.company"].browse(finding["company_id"])
                    finding["rate"] = priced_in._convert(
                        rate, currency, company, finding["date"], round=False
                    )
            finding["rate"] = currency.round(finding["rate"])
            worth = finding["hours"] * finding["rate"]
            if finding["kind"] == "urgent":
                # The hours are paid or counted elsewhere, the surcharge is the favour.
                worth *= surcharges[finding["rule_id"]]
                finding["words"]["hours"] = finding["hours"]
                finding["hours"] = 0.0
            finding["amount"] = currency.round(worth)

    @api.model
    def _get_hourly_terms(self, project, task, company):
        """Return (order, contact, currency of the entry, price of an hour, currency of
        that price) for hours on a project, or on a task of it."""
        entries = self.env["client.value.entry"]
        line = task.sale_line_id or project.sale_line_id
        order = line.order_id or project.reinvoiced_sale_order_id
        if order.company_id != company:
            order = order.browse()
        currency = order.currency_id or company.currency_id
        partner = task.partner_id or project.partner_id
        contact = partner - partner.commercial_partner_id
        lines = entries._iterate_rate_lines(task, project, order)
        price, priced_in = entries._get_price_of_hour(lines, company)
        return order, contact, currency, price, priced_in
