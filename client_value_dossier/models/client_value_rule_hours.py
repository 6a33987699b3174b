import datetime
import json

import pytz

from odoo import api, fields, models
from odoo.tools import SQL

from .client_value_rule import FIXED_PRICE, UNPAID

# The kinds that share one pool of hours: see ``_prepare_hours``.
HOUR_KINDS = ("after_care", "extra_scope", "overrun", "free_hours", "urgent")


class ClientValueRule(models.Model):
    """Hours that nobody pays for.

    Every timesheet is shared out among the rules once, in a temporary table, before
    they look at it: what an earlier rule by sequence counts, a later one cannot.
    So the hours suggested are never more than those worked unpaid.
    """

    _inherit = "client.value.rule"

    # ------------------------------------------------------------
    # SHARING OUT
    # ------------------------------------------------------------

    @api.model
    def _prepare_hours(self, project_ids):
        """Share out the hours of projects among the rules.

        Fills the temporary table ``client_value_hour``: a row for each timesheet and
        rule that counts a part of it, with ``hours`` and ``cost`` of that part.

        A part of a timesheet that several rules could count contains the smaller
        parts (hours beyond a fixed price are some of its hours), so each rule gets
        what its part exceeds the largest part of the rules before it.

        :param project_ids: list of ids of ``project.project``
        """
        rules = self._get_rules_in_force(HOUR_KINDS)
        # Raw SQL: a million timesheets are shared out in windows over order lines;
        # a temporary table, because several rules read the result.
        cr = self.env.cr
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE IF NOT EXISTS client_value_hour (
                    timesheet_id integer, rule_id integer,
                    company_id integer, client_id integer,
                    project_id integer, project_client_id integer,
                    task_id integer, extra_task_id integer, so_line integer,
                    is_urgent_task boolean, date date, hours float8, cost float8
                ) ON COMMIT DELETE ROWS
                """
            )
        )
        cr.execute(SQL("DELETE FROM client_value_hour"))
        if not rules or not project_ids:
            return
        urgent = any(kind == "urgent" for _company, kind in rules)
        # The planner expects a thousand times as many rows as there are, and would
        # compile the statement for them: that takes longer than the statement itself.
        cr.execute("SET LOCAL jit = off")
        cr.execute(
            SQL(
                """
                INSERT INTO client_value_hour
                WITH RECURSIVE %(parameters)s, %(sheets)s, %(extra_tasks)s,
                     %(order_lines)s, %(portions)s
                %(claims)s
                """,
                parameters=self._get_parameters_sql(rules, urgent),
                sheets=self._get_sheets_sql(project_ids, urgent),
                extra_tasks=self._get_extra_tasks_sql(),
                order_lines=self._get_order_lines_sql(),
                portions=self._get_portions_sql(),
                claims=self._get_claims_sql(),
            )
        )

    def _get_parameters_sql(self, rules, urgent):
        """Return SQL of the tables ``rule`` (one row for each company and kind) and
        ``day`` (days off and a running number of working days, for urgent work)."""
        rows = [
            {
                "company_id": company_id,
                "kind": kind,
                "rule_id": rule.id,
                "sequence": rule.sequence,
                "grace_days": rule.grace_days,
                "urgent_days": rule.urgent_days,
                "running_minimum": rule.running_minimum_hours,
            }
            for (company_id, kind), rule in rules.items()
        ]
        companies = {company for company, kind in rules if kind == "urgent"}
        return SQL(
            """
            rule AS (
                SELECT * FROM jsonb_to_recordset(%(rules)s) AS row(
                    company_id integer, kind text, rule_id integer, sequence integer,
                    grace_days integer, urgent_days integer, running_minimum float8
                )
            ),
            day AS (
                SELECT * FROM jsonb_to_recordset(%(days)s) AS row(
                    company_id integer, date date, is_off boolean, number integer
                )
            )
            """,
            rules=json.dumps(rows),
            days=json.dumps(self._get_calendar_days(companies) if urgent else []),
        )

    @api.model
    def _get_sheets_sql(self, project_ids, urgent):
        """Return SQL of the tables ``sheet`` (the timesheets that matter: those of the
        projects, and all others on their fixed-price order lines, because the hours
        beyond a fixed price depend on them) and ``project``.

        :param urgent: whether paid hours matter, too
        """
        return SQL(
            """
            scanned AS (
                SELECT %(columns)s
                  FROM account_analytic_line line
                 WHERE line.project_id = ANY(%(projects)s) AND %(condition)s
            ),
            sheet AS (
                SELECT line.*,
                       line.is_fixed_price AND sale.state = 'sale' IS TRUE AS is_fixed
                  FROM (
                        SELECT * FROM scanned
                         UNION ALL
                        SELECT %(columns)s
                          FROM account_analytic_line line
                         -- An array has the planner use the index. With a join it
                         -- reads all timesheets: it cannot know how few lines these
                         -- are.
                         WHERE line.so_line = ANY(ARRAY(
                                   SELECT DISTINCT so_line
                                     FROM scanned
                                    WHERE is_free OR is_fixed_price))
                           AND line.timesheet_invoice_type = ANY(%(fixed)s)
                           AND line.project_id <> ALL(%(projects)s)
                       ) line
             LEFT JOIN sale_order sale ON sale.id = line.order_id
                 WHERE line.hours <> 0
            ),
            project AS (
                SELECT project.id, partner.commercial_partner_id AS client_id,
                       project.sale_line_id,
                       stage.fold OR project.last_update_status = 'done' AS is_done,
                       LEAST(project.date, closing.date) AS end_date
                  FROM (SELECT DISTINCT project_id FROM sheet) used
                  JOIN project_project project ON project.id = used.project_id
             LEFT JOIN res_partner partner ON partner.id = project.partner_id
             LEFT JOIN project_project_stage stage ON stage.id = project.stage_id
             LEFT JOIN LATERAL (
                      SELECT MAX(message.date)::date AS date
                        FROM mail_message message
                        JOIN mail_tracking_value value
                          ON value.mail_message_id = message.id
                       WHERE stage.fold
                         AND message.model = 'project.project'
                         AND message.res_id = project.id
                         AND value.field_id = %(stage_field)s
                       ) closing ON TRUE
                 WHERE project.is_template IS NOT TRUE
            )
            """,
            columns=SQL(
                """
                line.id, line.project_id, line.task_id, line.company_id, line.date,
                line.unit_amount AS hours, -line.amount AS cost,
                line.so_line, line.order_id,
                line.timesheet_invoice_type = 'non_billable' AS is_free,
                line.timesheet_invoice_type = ANY(%s) AS is_fixed_price
                """,
                list(FIXED_PRICE),
            ),
            projects=list(project_ids),
            fixed=list(FIXED_PRICE),
            condition=SQL("TRUE")
            if urgent
            else SQL("timesheet_invoice_type = ANY(%s)", list(UNPAID)),
            stage_field=self.env["ir.model.fields"]
            ._get("project.project", "stage_id")
            .id,
        )

    def _get_extra_tasks_sql(self):
        """Return SQL of the table ``extra_task``: tasks that were added to a project of
        a fixed price after its order and are done, and their subtasks (``root_id`` is
        the task that was added)."""
        return SQL(
            """
            base AS (
                SELECT DISTINCT ON (project.id)
                       project.id AS project_id, project.client_id,
                       line.id AS line_id, sale.id AS order_id, sale.date_order,
                       sale.date_order + rule.grace_days * INTERVAL '1 day' AS planned
                  FROM project
                  JOIN sale_order_line line
                    ON line.id = project.sale_line_id
                    OR (project.sale_line_id IS NULL AND line.project_id = project.id)
                  JOIN sale_order sale ON sale.id = line.order_id
                  JOIN product_product product ON product.id = line.product_id
                  JOIN product_template template
                    ON template.id = product.product_tmpl_id
                  JOIN rule
                    ON rule.company_id = sale.company_id AND rule.kind = 'extra_scope'
                 WHERE sale.state = 'sale'
                   AND template.type = 'service'
                   AND NOT (template.invoice_policy = 'delivery'
                            AND template.service_type = 'timesheet')
                 ORDER BY project.id, line.id
            ),
            extra_task AS (
                SELECT task.id, task.id AS root_id, task.project_id
                  FROM base
                  JOIN project_task task ON task.project_id = base.project_id
             LEFT JOIN res_partner partner ON partner.id = task.partner_id
             LEFT JOIN sale_order_line line ON line.id = task.sale_line_id
                 WHERE task.parent_id IS NULL
                   AND task.state = '1_done'
                   AND task.create_date > base.planned
                   AND COALESCE(partner.commercial_partner_id, base.client_id)
                       = base.client_id
                   AND (line.id IS NULL
                        OR line.id = base.line_id
                        OR (line.order_id = base.order_id
                            AND line.create_date <= base.date_order))
                   -- Hours older than the task: it was entered afterwards, and when it
                   -- was added is not known.
                   AND NOT EXISTS (
                           SELECT
                             FROM account_analytic_line older
                            WHERE older.task_id = task.id
                              AND older.date < task.create_date::date)
                 UNION
                SELECT task.id, extra_task.root_id, task.project_id
                  FROM extra_task
                  JOIN project_task task
                    ON task.parent_id = extra_task.id
                   AND task.project_id = extra_task.project_id
            )
            """
        )

    def _get_order_lines_sql(self):
        """Return SQL of the tables ``sold`` (hours that each line of a fixed price
        sold), ``spent`` (its timesheets, each with its excess) and ``excess``."""
        return SQL(
            """
            sold AS (
                SELECT line.id,
                       %(sold_hours)s AS hours,
                       (line.product_uom_qty > 0
                           AND line.qty_delivered >= line.product_uom_qty)
                       OR task.state IN ('1_done', '1_canceled')
                       OR stage.fold
                       OR project.last_update_status = 'done' AS is_delivered,
                       line.project_id
                  FROM (SELECT DISTINCT so_line FROM sheet WHERE is_fixed) used
                  JOIN sale_order_line line ON line.id = used.so_line
                  JOIN uom_uom uom ON uom.id = line.product_uom_id
                  JOIN uom_uom hour ON hour.id = %(hour)s
             LEFT JOIN project_task task ON task.id = line.task_id
             LEFT JOIN project_project project ON project.id = line.project_id
             LEFT JOIN project_project_stage stage ON stage.id = project.stage_id
            ),
            summed AS (
                SELECT sheet.id, sheet.so_line, sheet.project_id, sheet.hours,
                       sold.hours AS sold,
                       SUM(sheet.hours) OVER (
                           PARTITION BY sheet.so_line
                           ORDER BY extra_task.id IS NOT NULL, sheet.date, sheet.id
                           ROWS UNBOUNDED PRECEDING
                       ) AS total
                  FROM sheet
                  JOIN sold ON sold.id = sheet.so_line AND sold.hours IS NOT NULL
             LEFT JOIN extra_task ON extra_task.id = sheet.task_id
                 WHERE sheet.is_fixed
            ),
            spent AS (
                SELECT id, so_line, project_id,
                       GREATEST(0, total - sold) - GREATEST(0, total - hours - sold)
                           AS excess
                  FROM summed
            ),
            excess AS (
                SELECT spent.so_line, SUM(spent.excess) AS hours,
                       BOOL_OR(sold.is_delivered) IS TRUE
                       OR (ARRAY_AGG(project.is_done ORDER BY project.id)
                           FILTER (WHERE sold.project_id IS NULL))[1]
                           IS TRUE AS is_delivered
                  FROM spent
                  JOIN sold ON sold.id = spent.so_line
             LEFT JOIN project ON project.id = spent.project_id
                 GROUP BY spent.so_line
            )
            """,
            sold_hours=self._get_sold_hours_sql(),
            hour=self.env.ref("uom.product_uom_hour").id,
        )

    def _get_sold_hours_sql(self):
        """Return SQL of the hours that an order line sold, NULL when that is unknown:
        its quantity when sold in a unit of time, else what was planned for the task
        or project made from it (Odoo plans one hour for each unit by itself: that is
        no plan)."""
        return SQL(
            """
            CASE
                WHEN split_part(uom.parent_path, '/', 1)
                     = split_part(hour.parent_path, '/', 1)
                    THEN (line.product_uom_qty * uom.factor / hour.factor)::float8
                WHEN COALESCE(task.allocated_hours, project.allocated_hours) > 0
                     AND COALESCE(task.allocated_hours, project.allocated_hours)
                         <> line.product_uom_qty
                    THEN COALESCE(task.allocated_hours, project.allocated_hours)
            END
            """
        )

    def _get_portions_sql(self):
        """Return SQL of the table ``portion``: a timesheet for each kind, with the
        hours ``countable`` by it. Extend it together with ``HOUR_KINDS`` to add a kind.
        """
        return SQL(
            """
            timesheet AS MATERIALIZED (
                SELECT sheet.*, project.client_id AS project_client_id,
                       COALESCE(partner.commercial_partner_id, project.client_id)
                           AS client_id,
                       extra_task.root_id AS extra_task_id,
                       project.end_date,
                       COALESCE(spent.excess, 0) AS excess,
                       excess.is_delivered, excess.hours AS line_excess,
                       day.is_off, until.number - from_day.number AS task_days
                  FROM sheet
                  JOIN project ON project.id = sheet.project_id
             LEFT JOIN project_task task ON task.id = sheet.task_id
             LEFT JOIN res_partner partner ON partner.id = task.partner_id
             LEFT JOIN extra_task
                    ON extra_task.id = sheet.task_id
                   AND (sheet.is_free OR sheet.is_fixed)
             LEFT JOIN spent ON spent.id = sheet.id
             LEFT JOIN excess ON excess.so_line = sheet.so_line AND sheet.is_fixed
             LEFT JOIN day
                    ON day.company_id = sheet.company_id AND day.date = sheet.date
             LEFT JOIN day from_day
                    ON from_day.company_id = sheet.company_id
                   AND from_day.date = task.create_date::date
             LEFT JOIN day until
                    ON until.company_id = sheet.company_id
                   AND until.date = task.date_end::date
                   AND task.state = '1_done'
            ),
            portion AS (
                SELECT sheet.*, rule.rule_id, rule.sequence,
                       rule.kind = 'urgent'
                           AND sheet.task_days <= rule.urgent_days
                           IS TRUE AS is_urgent_task,
                       CASE rule.kind
                           WHEN 'after_care' THEN CASE
                               WHEN sheet.date <= sheet.end_date + rule.grace_days
                                   THEN 0
                               WHEN sheet.end_date IS NULL THEN 0
                               WHEN sheet.is_free OR sheet.extra_task_id IS NOT NULL
                                   THEN sheet.hours
                               ELSE sheet.excess
                           END
                           WHEN 'extra_scope' THEN CASE
                               WHEN sheet.extra_task_id IS NOT NULL THEN sheet.hours
                           END
                           WHEN 'overrun' THEN CASE
                               WHEN sheet.is_delivered
                                    OR (rule.running_minimum > 0
                                        AND sheet.line_excess >= rule.running_minimum)
                                   THEN sheet.excess
                           END
                           WHEN 'free_hours' THEN CASE
                               WHEN sheet.is_free THEN sheet.hours
                           END
                           WHEN 'urgent' THEN CASE
                               WHEN sheet.is_off OR sheet.task_days <= rule.urgent_days
                                   THEN sheet.hours
                           END
                       END AS countable
                  FROM timesheet sheet
                  JOIN rule ON rule.company_id = sheet.company_id
            )
            """
        )

    def _get_claims_sql(self):
        """Return the SELECT of what each rule gets, see :meth:`_prepare_hours`."""
        return SQL(
            """
            SELECT id, rule_id, company_id, client_id, project_id, project_client_id,
                   task_id, extra_task_id, so_line, is_urgent_task,
                   date, SIGN(hours) * size, cost * size / ABS(hours)
              FROM (
                    SELECT portion.*,
                           ABS(countable) - COALESCE(MAX(ABS(countable)) OVER (
                               PARTITION BY id ORDER BY sequence, rule_id
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                           ), 0) AS size
                      FROM portion
                     WHERE countable <> 0
                   ) claim
             WHERE size > 0
               AND client_id IS NOT NULL
               AND client_id NOT IN (%s)
            """,
            self._get_own_partners_sql(),
        )

    @api.model
    def _get_calendar_days(self, company_ids):
        """Return the days of the companies' calendars, up to today.

        :return: list of dict: company_id, date (ISO), is_off, number (how many working
            days there were up to and including that day)
        """
        self.env["account.analytic.line"].flush_model(["date"])
        [(first,)] = self.env.execute_query(
            SQL(
                """
                SELECT LEAST(
                    (SELECT MIN(date) FROM account_analytic_line),
                    (SELECT MIN(create_date)::date FROM project_task))
                """
            )
        )
        if not first:
            return []
        today = fields.Date.today()
        days = []
        for company in self.env["res.company"].browse(company_ids):
            weekdays, holidays = self._get_days_off(company)
            number = 0
            for place in range((today - first).days + 1):
                day = first + datetime.timedelta(days=place)
                is_off = day.weekday() in weekdays or day in holidays
                number += not is_off
                days.append(
                    {
                        "company_id": company.id,
                        "date": day.isoformat(),
                        "is_off": is_off,
                        "number": number,
                    }
                )
        return days

    @api.model
    def _get_days_off(self, company):
        """Return when a company does not work: weekdays (0 is Monday) and dates.

        A calendar without attendances (flexible hours) has no days off of its own.
        """
        calendar = company.resource_calendar_id
        worked = set(map(int, calendar.attendance_ids.mapped("dayofweek")))
        weekdays = set(range(7)) - worked if worked else set()
        timezone = pytz.timezone(calendar.tz or "UTC")
        leaves = self.env["resource.calendar.leaves"].search(
            [
                ("resource_id", "=", False),
                ("time_type", "=", "leave"),
                ("calendar_id", "in", [calendar.id, False]),
                ("company_id", "in", [company.id, False]),
            ]
        )
        holidays = set()
        for leave in leaves:
            start, stop = (
                pytz.utc.localize(moment).astimezone(timezone).date()
                for moment in (leave.date_from, leave.date_to)
            )
            holidays.update(
                start + datetime.timedelta(days=place)
                for place in range((stop - start).days + 1)
            )
        return weekdays, holidays

    # ------------------------------------------------------------
    # RULES
    # ------------------------------------------------------------

    def _harvest_free_hours(self, ids):
        """Hours on a client's project that nobody pays for, month by month."""
        return self._find_monthly_hours(ids)

    def _harvest_after_care(self, ids):
        """Unpaid hours after the end of a project: support that was not sold."""
        return self._find_monthly_hours(ids)

    def _harvest_extra_scope(self, ids):
        """Tasks that were added to a fixed-price project and done all the same."""
        rows = self._read_hours(
            SQL("'project.task'"), SQL("extra_task_id"), SQL("NULL::date"), ids
        )
        return self._prepare_hour_findings(rows)

    def _harvest_overrun(self, ids):
        """Hours beyond what a fixed price sold, for each order line."""
        rows = self._read_hours(
            SQL("'sale.order.line'"), SQL("so_line"), SQL("NULL::date")
        )
        findings = self._prepare_hour_findings(rows)
        rates = self._get_implied_rates({f["res_id"] for f in findings})
        for finding in findings:
            rate, order_id, project_id, sold = rates[finding["res_id"]]
            finding["words"]["sold"] = sold
            finding["sale_order_id"] = order_id
            if project_id:
                finding["project_id"] = project_id
            if rate:
                finding["rate"] = rate
        return findings

    def _harvest_urgent(self, ids):
        """Work that was asked for and delivered within days, and work on days off. The
        hours were paid, or are counted by another rule: what was given is the surcharge
        that nobody asked for."""
        is_task = SQL("is_urgent_task OR client_id IS DISTINCT FROM project_client_id")
        return self._find_project_hours(
            is_task,
            SQL(
                "CASE WHEN is_urgent_task THEN NULL "
                "ELSE date_trunc('month', date)::date END"
            ),
            ids,
        )

    def _find_monthly_hours(self, ids):
        """Return findings by project and month, or by task and month: where the rule
        says so, and where a task belongs to another client than its project."""
        is_task = SQL("client_id IS DISTINCT FROM project_client_id")
        if self.group_by_task:
            is_task = SQL("task_id IS NOT NULL")
        return self._find_project_hours(
            is_task, SQL("date_trunc('month', date)::date"), ids
        )

    def _find_project_hours(self, is_task, period, ids):
        """Return findings by task where *is_task* (SQL) says so, else by project."""
        rows = self._read_hours(
            SQL("CASE WHEN %s THEN 'project.task' ELSE 'project.project' END", is_task),
            SQL("CASE WHEN %s THEN task_id ELSE project_id END", is_task),
            period,
            ids,
        )
        return self._prepare_hour_findings(rows)

    def _read_hours(self, res_model, res_id, period, project_ids=None):
        """Return what the rule counts, summed up by source record and period.

        :param res_model: SQL of the source's model
        :param res_id: SQL of the source's id
        :param period: SQL of the period's first day
        :param project_ids: only these projects; by default all that share an order
            line with the scanned ones
        :return: list of tuples, see :meth:`_prepare_hour_findings`
        """
        self.ensure_one()
        return self.env.execute_query(
            SQL(
                """
                SELECT %(res_model)s AS model, %(res_id)s AS source,
                       %(period)s AS period, company_id,
                       MIN(client_id), MIN(project_id),
                       CASE WHEN COUNT(DISTINCT task_id) = 1
                                 AND COUNT(task_id) = COUNT(*)
                            THEN MIN(task_id) END,
                       MAX(date), ROUND(SUM(hours)::numeric, 6)::float8,
                       GREATEST(ROUND(SUM(cost)::numeric, 6), 0)::float8,
                       ARRAY_AGG(timesheet_id ORDER BY timesheet_id)
                  FROM client_value_hour
                 WHERE rule_id = %(rule)s AND %(condition)s
                 GROUP BY 1, 2, 3, 4
                HAVING ROUND(SUM(hours)::numeric, 6) >= %(minimum)s
                   AND ROUND(SUM(hours)::numeric, 6) > 0
                 ORDER BY 1, 2, 3, 4
                """,
                res_model=res_model,
                res_id=res_id,
                period=period,
                rule=self.id,
                minimum=self.minimum_hours,
                condition=SQL("TRUE")
                if project_ids is None
                else SQL("project_id = ANY(%s)", list(project_ids)),
            )
        )

    def _prepare_hour_findings(self, rows):
        """Return findings for rows of :meth:`_read_hours`: who, and how much. Worth is
        added by ``_price_findings``."""
        findings = []
        for (
            res_model,
            res_id,
            period,
            company_id,
            client_id,
            project_id,
            task_id,
            date,
            hours,
            cost,
            timesheets,
        ) in rows:
            if res_model == "project.task":
                task_id = res_id
            elif period:
                # The month of a project may be one task's by chance.
                task_id = False
            findings.append(
                self._prepare_finding(
                    res_model,
                    res_id,
                    company_id,
                    client_id,
                    date,
                    period=period,
                    unit_id=project_id,
                    project_id=project_id,
                    task_id=task_id,
                    hours=hours,
                    internal_cost=cost,
                    timesheets=timesheets,
                )
            )
        return findings

    @api.model
    def _get_implied_rates(self, line_ids):
        """Return {id of a fixed-price order line: (price of an hour in the order's
        currency, its order, its project, hours sold)}."""
        return {
            line_id: terms
            for line_id, *terms in self.env.execute_query(
                SQL(
                    """
                    SELECT id, CASE WHEN sold > 0 THEN price_subtotal / sold END,
                           order_id, project_id, sold
                      FROM (SELECT line.id, line.order_id, line.price_subtotal::float8,
                                   line.project_id, %(sold_hours)s AS sold
                              FROM sale_order_line line
                              JOIN uom_uom uom ON uom.id = line.product_uom_id
                              JOIN uom_uom hour ON hour.id = %(hour)s
                         LEFT JOIN project_task task ON task.id = line.task_id
                         LEFT JOIN project_project project
                                ON project.id = line.project_id
                             WHERE line.id = ANY(%(lines)s)) AS line
                    """,
                    sold_hours=self._get_sold_hours_sql(),
                    hour=self.env.ref("uom.product_uom_hour").id,
                    lines=list(line_ids),
                )
            )
        }
