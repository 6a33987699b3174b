"""The history that is scanned: an agency's orders, hours and invoices of four years.

One record of each model is created by Odoo and then copied by SQL, so that a copy has
every column that Odoo fills. The figures in a copy depend on its number alone: two runs
scan the same history.
"""

from types import SimpleNamespace

from odoo import Command, fields
from odoo.tools import SQL

from .copies import commit, copy_record

PRICE = 100.0
# Days from the first timesheet to the last one, and of one project's work.
HISTORY, PROJECT = 1460, 120
# The part of the projects that are worked on at one time.
OPEN = PROJECT / (HISTORY + PROJECT)
# That ended so many days ago: nothing in the history has changed lately.
AGE = 30

#: SQL of whether a project, by its number, is sold at a fixed price in units, or as
#: hours paid in advance; the others are paid by the hour.
FIXED, PREPAID = "number %% 20 = 0", "number %% 20 IN (1, 2)"


def make_history(env, timesheets):
    """Create the history and return how many records of each kind there are.

    Of the timesheets, fifty on a project, 79 % are paid by the hour, 15 % by a fixed
    price, partly beyond it, and 6 % are not billable, on a tenth of the projects.

    :param timesheets: number of them; everything else is in proportion
    """
    env = env(context={**env.context, "tracking_disable": True, "mail_notrack": True})
    sizes = SimpleNamespace(
        timesheets=timesheets,
        clients=timesheets // 100,
        projects=timesheets // 50,
        orders=timesheets // 25,
        lines=timesheets // 5,
        tasks=timesheets // 10,
        invoices=timesheets // 50,
        refunds=timesheets // 5000,
    )
    history = _History(env, _create_samples(env))
    history.copy_clients(sizes)
    history.copy_projects(sizes)
    history.copy_orders(sizes)
    history.copy_tasks(sizes)
    history.copy_timesheets(sizes)
    history.copy_invoices(sizes)
    history.copy_changes(sizes)
    history.age()
    commit(env)
    return vars(sizes)


def _create_samples(env):
    """Create one record of each model that is copied."""
    client = env["res.partner"].create(
        {"name": "Northern Light Retail", "is_company": True, "user_id": env.uid}
    )
    contact = env["res.partner"].create({"name": "Ann Lee", "parent_id": client.id})
    hours, units = env.ref("uom.product_uom_hour"), env.ref("uom.product_uom_unit")
    services = env["product.product"].create(
        [
            {
                "name": name,
                "type": "service",
                "list_price": price,
                "invoice_policy": policy,
                "service_type": kind,
                "uom_id": uom.id,
                "taxes_id": [Command.clear()],
            }
            for name, price, policy, kind, uom in (
                ("Interviews", PRICE, "delivery", "timesheet", hours),
                ("Hours of analysis", PRICE, "order", "timesheet", hours),
                ("Brand study", 80 * PRICE, "order", "manual", units),
            )
        ]
    )
    project = env["project.project"].create(
        {"name": "Brand tracker", "partner_id": client.id, "allow_billable": True}
    )
    order = env["sale.order"].create(
        {
            "partner_id": client.id,
            "project_id": project.id,
            "order_line": [Command.create({"product_id": services[0].id})],
        }
    )
    order.action_confirm()
    task = env["project.task"].create({"name": "Round", "project_id": project.id})
    employee = env["hr.employee"].create({"name": "Interviewer", "hourly_cost": 50.0})
    timesheet = env["account.analytic.line"].create(
        {
            "name": "Interviews with the regional managers",
            "project_id": project.id,
            "task_id": task.id,
            "employee_id": employee.id,
            "unit_amount": 1.0,
        }
    )
    invoice, refund = env["account.move"].create(
        [
            {
                "move_type": kind,
                "partner_id": client.id,
                "invoice_date": fields.Date.today(),
                "invoice_line_ids": [
                    Command.create(
                        {"product_id": services[0].id, "quantity": 10, "tax_ids": []}
                    )
                ],
            }
            for kind in ("out_invoice", "out_refund")
        ]
    )
    (invoice | refund).action_post()
    message = env["mail.message"].create(
        {"model": project._name, "res_id": project.id, "body": "Created"}
    )
    value = env["mail.tracking.value"].create({"mail_message_id": message.id})
    env.flush_all()
    return SimpleNamespace(
        client=client,
        contact=contact,
        services=services,
        project=project,
        order=order,
        line=order.order_line,
        task=task,
        timesheet=timesheet,
        invoice=invoice,
        refund=refund,
        message=message,
        value=value,
    )


class _History:
    """Copies of samples; see :func:`copy_record` for what their SQL may use."""

    def __init__(self, env, samples):
        self.env = env
        self.samples = samples
        self.today = fields.Date.today()
        # {name of a sample: the id before its first copy}
        self.before = {}

    def copy_clients(self, sizes):
        self._copy("client", sizes.clients, commercial_partner_id=SQL("copy.id"))
        client = self._nth("client", "number")
        self._copy(
            "contact", sizes.clients, parent_id=client, commercial_partner_id=client
        )

    def copy_projects(self, sizes):
        started = self._project_start("number", sizes)
        partner = SQL(
            "CASE WHEN number %% 2 = 0 THEN %s ELSE %s END",
            self._nth("client", f"1 + number %% {sizes.clients}"),
            self._nth("contact", f"1 + number %% {sizes.clients}"),
        )
        self._copy(
            "project",
            sizes.projects,
            partner_id=partner,
            date_start=started,
            create_date=started,
            # Three of ten are open.
            date=SQL(
                "CASE WHEN number %% 10 > 2 THEN %s + %s END",
                started,
                PROJECT - 20,
            ),
            stage_id=SQL(
                "(SELECT id FROM project_project_stage "
                "WHERE fold IS NOT DISTINCT FROM CASE WHEN number %% 10 > 6 "
                "THEN TRUE END ORDER BY id LIMIT 1)"
            ),
            allocated_hours=SQL(f"CASE WHEN {FIXED} THEN 60 + 60 * chance END"),
        )

    def copy_orders(self, sizes):
        """Two orders for each project; the first line tells what its hours cost."""
        of_project = "(number + 1) / 2"
        client = self._nth("client", f"1 + {of_project} %% {sizes.clients}")
        started = self._project_start(of_project, sizes)
        self._copy(
            "order",
            sizes.orders,
            name=SQL("'S' || number"),
            partner_id=client,
            partner_invoice_id=client,
            partner_shipping_id=client,
            project_id=self._nth("project", of_project),
            date_order=SQL("%s + number %% 2 * -30 + 30", started),
        )
        by_hour, prepaid, study = self.samples.services
        is_first = "number %% 10 = 1"
        project = "((number + 9) / 10)"
        kinds = {
            study: SQL(f"{is_first} AND {FIXED.replace('number', project)}"),
            prepaid: SQL(f"{is_first} AND {PREPAID.replace('number', project)}"),
        }

        def by_kind(study_value, prepaid_value, other):
            return SQL(
                "CASE WHEN %s THEN %s WHEN %s THEN %s ELSE %s END",
                kinds[study],
                study_value,
                kinds[prepaid],
                prepaid_value,
                other,
            )

        # Three of a hundred lines have a discount, as many are below the list price.
        discount = SQL("CASE WHEN chance < 0.03 THEN 10 + number %% 20 ELSE 0 END")
        price = SQL(
            "%s * CASE WHEN chance > 0.97 THEN 0.9 ELSE 1 END",
            by_kind(study.list_price, prepaid.list_price, by_hour.list_price),
        )
        quantity = by_kind(1, SQL("60 + number %% 120"), SQL("10 + number %% 40"))
        worth = SQL("ROUND(%s * (1 - %s / 100.0) * %s, 2)", price, discount, quantity)
        self._copy(
            "line",
            sizes.lines,
            order_id=self._nth("order", "(number + 4) / 5"),
            order_partner_id=self._nth("client", f"1 + {project} %% {sizes.clients}"),
            product_id=by_kind(study.id, prepaid.id, by_hour.id),
            product_uom_id=by_kind(
                study.uom_id.id, prepaid.uom_id.id, by_hour.uom_id.id
            ),
            name=by_kind(study.name, prepaid.name, by_hour.name),
            price_unit=price,
            technical_price_unit=by_kind(
                study.list_price, prepaid.list_price, by_hour.list_price
            ),
            discount=discount,
            product_uom_qty=quantity,
            price_subtotal=worth,
            price_total=worth,
            price_reduce_taxexcl=SQL("%s * (1 - %s / 100.0)", price, discount),
            qty_delivered=SQL("CASE WHEN number %% 4 > 0 THEN %s ELSE 0 END", quantity),
            # Fixed prices make their project.
            project_id=SQL(
                "CASE WHEN %s OR %s THEN %s END",
                *kinds.values(),
                self._nth("project", project),
            ),
        )
        self.env.cr.execute(
            SQL(
                "UPDATE project_project SET sale_line_id = %s WHERE id > %s",
                self._nth("line", f"(id - {self.before['project']} - 1) * 10 + 1"),
                self.before["project"],
            )
        )

    def copy_tasks(self, sizes):
        """Five tasks for each project: the last one is added when half is done."""
        project = "((number + 4) / 5)"
        self._copy(
            "task",
            sizes.tasks,
            name=SQL("'Round ' || number %% 5"),
            project_id=self._nth("project", project),
            partner_id=self._nth("client", f"1 + {project} %% {sizes.clients}"),
            sale_line_id=self._nth("line", f"({project} - 1) * 10 + 1"),
            sale_order_id=self._nth("order", f"{project} * 2 - 1"),
            state=SQL("CASE WHEN chance < 0.6 THEN '1_done' ELSE '01_in_progress' END"),
            create_date=SQL(
                "%s + CASE WHEN number %% 5 = 0 THEN %s ELSE 0 END",
                self._project_start(project, sizes),
                PROJECT // 2,
            ),
        )

    def copy_timesheets(self, sizes):
        """Timesheets by day, two at a time on one project: those of a project are
        spread over the table, as where many people enter them day by day."""
        # Even, but the same for two: how much of the project is still to be done.
        left = "(hashint4((number + 1) / 2) & 65535) / 65536.0"
        place = (
            f"CEIL({sizes.projects} * "
            f"({1 - OPEN} * number / {sizes.timesheets} + {OPEN} * {left}))"
        )
        project = f"GREATEST(1, LEAST({sizes.projects}, {place}))::integer"
        self._copy(
            "timesheet",
            sizes.timesheets,
            source=SQL(
                f"""
                SELECT id, number, chance, project,
                       project %% 10 = 5 AND chance < 0.6 AS is_free,
                       CASE WHEN {left} < 0.5 THEN number %% 5 + 1 ELSE number %% 4 + 1
                       END AS task
                  FROM (SELECT id, number, chance, {project} AS project
                          FROM copy) AS copy
                """
            ),
            date=SQL(
                f"%s - {HISTORY + AGE} + {HISTORY} * number / {sizes.timesheets}",
                self.today,
            ),
            project_id=self._nth("project", "project"),
            task_id=self._nth("task", "(project - 1) * 5 + task"),
            partner_id=self._nth("client", f"1 + project %% {sizes.clients}"),
            so_line=SQL(
                "CASE WHEN NOT is_free THEN %s END",
                self._nth("line", "(project - 1) * 10 + 1"),
            ),
            order_id=SQL(
                "CASE WHEN NOT is_free THEN %s END",
                self._nth("order", "project * 2 - 1"),
            ),
            timesheet_invoice_type=SQL(
                "CASE WHEN is_free THEN 'non_billable' WHEN project %% 20 < 3 "
                "THEN 'billable_fixed' ELSE 'billable_time' END"
            ),
            # Some take back what was entered too much.
            unit_amount=SQL(
                "CASE WHEN number %% 500 = 0 THEN -1 ELSE 0.25 + number %% 15 / 4.0 END"
            ),
            amount=SQL(
                "-50 * CASE WHEN number %% 500 = 0 THEN -1 "
                "ELSE 0.25 + number %% 15 / 4.0 END"
            ),
        )

    def copy_invoices(self, sizes):
        """Invoices, one of a hundred credited, half of these issued again."""
        date = SQL(
            f"%s - {HISTORY + AGE} + {HISTORY} * number / {sizes.invoices}", self.today
        )
        step = sizes.invoices // sizes.refunds
        client = self._nth(
            "client",
            f"1 + (CASE WHEN number %% {2 * step} = 1 THEN number - 1 ELSE number END) "
            f"%% {sizes.clients}",
        )
        self._copy_moves("invoice", sizes.invoices, client, date)
        credited = f"(number * {step})"
        self._copy_moves(
            "refund",
            sizes.refunds,
            self._nth("client", f"1 + {credited} %% {sizes.clients}"),
            SQL(
                f"%s - {HISTORY + AGE} + {HISTORY} * {credited} / {sizes.invoices}",
                self.today,
            ),
            reversed_entry_id=self._nth("invoice", credited),
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO sale_order_line_invoice_rel (order_line_id, invoice_line_id)
                SELECT %s, %s FROM generate_series(1, %s) AS number
                """,
                self._nth("line", "number * 10 - 9"),
                self._nth("invoice_product", "number"),
                min(sizes.invoices, sizes.projects),
            )
        )

    def _copy_moves(self, name, count, client, date, **values):
        values |= {"partner_id": client, "date": date, "invoice_date": date}
        self._copy(
            name,
            count,
            name=SQL("%s || number", f"{name}/"),
            commercial_partner_id=client,
            partner_shipping_id=client,
            invoice_date_due=date,
            **values,
        )
        values.pop("reversed_entry_id", None)
        for line in getattr(self.samples, name).line_ids:
            kind = f"{name}_{line.display_type}"
            setattr(self.samples, kind, line)
            self._copy(kind, count, move_id=self._nth(name, "number"), **values)

    def copy_changes(self, sizes):
        """What the records' histories say: that they were created, that a deadline
        was moved twice, and that a project was closed."""
        samples = self.samples
        for name, count in (
            ("project", sizes.projects),
            ("order", sizes.orders),
            ("task", sizes.tasks),
        ):
            record = getattr(samples, name)
            self._copy(
                "message", count, model=record._name, res_id=self._nth(name, "number")
            )
        for field, every, days, values in (
            ("date", 100, PROJECT // 3, {"old": PROJECT - 30, "new": PROJECT - 20}),
            ("date", 100, PROJECT // 2, {"old": PROJECT - 20, "new": PROJECT - 10}),
            ("stage_id", 3, PROJECT - 5, {}),
        ):
            start = self._project_start(f"number * {every}", sizes)
            count = sizes.projects // every
            self._copy(
                "message",
                count,
                model=samples.project._name,
                res_id=self._nth("project", f"number * {every}"),
                date=SQL("%s + %s", start, days),
            )
            self._copy(
                "value",
                count,
                mail_message_id=self._nth("message", "number"),
                field_id=self.env["ir.model.fields"]
                ._get(samples.project._name, field)
                .id,
                **{
                    f"{when}_value_datetime": SQL("%s + %s", start, after)
                    for when, after in values.items()
                },
            )

    def age(self):
        """Have all records say that they have not changed for a month."""
        tables = {record._table for record in vars(self.samples).values()}
        # Not copied, but a scan asks whether they have changed.
        tables.add(self.env["project.project.stage"]._table)
        for table in tables:
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET write_date = %s WHERE write_date > %s",
                    SQL.identifier(table),
                    fields.Date.subtract(self.today, days=AGE),
                    fields.Date.subtract(self.today, days=AGE - 1),
                )
            )

    def _project_start(self, number, sizes):
        """Return SQL of the day on which work on a project began."""
        return SQL(
            f"(%s - {HISTORY + AGE} + ({HISTORY} * "
            f"({number} / {sizes.projects}.0 - {OPEN}) / {1 - OPEN})::integer)",
            self.today,
        )

    def _copy(self, name, count, /, source=None, **values):
        """Insert copies of a sample, made some time ago: see :func:`copy_record`."""
        moment = fields.Datetime.subtract(fields.Datetime.now(), days=AGE)
        self.before[name] = copy_record(
            self.env,
            getattr(self.samples, name),
            count,
            source,
            **{"create_date": moment, "write_date": moment, **values},
        )

    def _nth(self, name, number):
        """Return SQL of the id of a copy.

        :param number: SQL, which one, from 1
        """
        return SQL(f"(%s + ({number}))", self.before[name])
