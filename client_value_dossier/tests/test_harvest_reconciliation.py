"""Each rule by itself against one plain SQL statement, on whatever the database holds.

The statements are other than those of the rules on purpose: totals instead of running
sums, the way from the first date to the last instead of moves.
"""

from odoo.tests import tagged

from .harvest_common import HarvestCommon

# Clients that are no company of ours.
CLIENT = """
    NOT EXISTS (SELECT FROM res_company own JOIN res_partner owner
                    ON owner.id = own.partner_id
                 WHERE owner.commercial_partner_id = {}.commercial_partner_id)
"""

# Timesheets with their client, and what each counts for.
SHEETS = f"""
    WITH RECURSIVE sheet AS (
        SELECT line.*, task.create_date AS asked, task.date_end, task.state,
               partner.commercial_partner_id AS client_id, project.date AS due,
               project.stage_id, project.last_update_status,
               partner.commercial_partner_id
                   IS DISTINCT FROM project_client.commercial_partner_id AS is_other,
               line.timesheet_invoice_type = 'non_billable' AS is_free,
               line.timesheet_invoice_type IN ('billable_fixed', 'billable_manual',
                                               'billable_milestones')
                   AND EXISTS (SELECT FROM sale_order_line sold
                                WHERE sold.id = line.so_line AND sold.state = 'sale')
                   AS is_fixed
          FROM account_analytic_line line
          JOIN project_project project ON project.id = line.project_id
     LEFT JOIN project_task task ON task.id = line.task_id
          JOIN res_partner partner
            ON partner.id = COALESCE(task.partner_id, project.partner_id)
     LEFT JOIN res_partner project_client ON project_client.id = project.partner_id
         WHERE project.is_template IS NOT TRUE AND {CLIENT.format("partner")}
    ),
    -- Hours that a line sold: by its unit of time, else as planned for what it made.
    sold AS (
        SELECT line.*,
               CASE WHEN unit.parent_path LIKE
                         split_part(hour.parent_path, '/', 1) || '/%%'
                    THEN line.product_uom_qty * unit.factor / hour.factor
                    ELSE NULLIF(NULLIF(
                         COALESCE(task.allocated_hours, project.allocated_hours), 0
                         )::numeric, line.product_uom_qty)
               END AS sold_hours,
               task.state IN ('1_done', '1_canceled') AS is_closed
          FROM sale_order_line line
          JOIN uom_uom unit ON unit.id = line.product_uom_id
          JOIN uom_uom hour ON hour.id = %(hour)s
     LEFT JOIN project_task task ON task.id = line.task_id
     LEFT JOIN project_project project ON project.id = line.project_id
    )
"""


@tagged("post_install", "-at_install")
class TestHarvestReconciliation(HarvestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.all_rules = cls.rules.with_context(active_test=False).search([])
        cls.all_rules.write(
            {"minimum_hours": 0.0, "minimum_days": 0.0, "minimum_amount": 0.0}
        )
        # Decided or not: what is found is found anew.
        cls.entries.search([("rule_id", "!=", False)]).unlink()

    def _find_all(self, kind, field, *domain, **tuning):
        """Let one rule find all there is; return (count, sum)."""
        rule = self.all_rules.filtered(lambda rule: rule.kind == kind)
        rule.write({"active": True, **tuning})
        (self.all_rules - rule).active = False
        self.rules.run_harvest()
        found = self._suggested(kind, *domain)
        self.assertTrue(found)
        return len(found), round(sum(found.mapped(field)), 2)

    def _query(self, query, **params):
        self._flush_tracking()
        params["hour"] = self.env.ref("uom.product_uom_hour").id
        for model, field in (
            ("project.project", "stage_id"),
            ("project.project", "date"),
            ("project.task", "date_deadline"),
            ("project.milestone", "deadline"),
            ("product.template", "list_price"),
            ("sale.order", "amount_untaxed"),
        ):
            params[f"{model}.{field}"] = (
                self.env["ir.model.fields"]._get(model, field).id
            )
        self.env.cr.execute(query, params)
        count, total = self.env.cr.fetchone()
        return count, round(float(total or 0), 2)

    # ------------------------------------------------------------
    # HOURS
    # ------------------------------------------------------------

    def test_free_hours(self):
        self._log("2026-05-04", 3.0)
        self._log("2026-05-05", -0.5)
        self._log("2026-06-20", 2.25)
        expected = self._query(
            SHEETS
            + """
            SELECT COUNT(*), SUM(hours) FROM (
                SELECT SUM(unit_amount) AS hours
                  FROM sheet
                 WHERE is_free
                 GROUP BY company_id, CASE WHEN is_other THEN task_id END,
                          CASE WHEN NOT is_other THEN project_id END,
                          to_char(date, 'YYYY-MM')
            ) month WHERE hours > 0
            """
        )
        self.assertEqual(self._find_all("free_hours", "hours"), expected)

    def test_overrun(self):
        line = self.order.order_line
        line.qty_delivered_method = "manual"
        line.qty_delivered = 10
        for day, hours in (("04", 8.0), ("05", 7.25), ("06", -1.0)):
            self._log(f"2026-05-{day}", hours, line=line)
        expected = self._query(
            SHEETS
            + """
            SELECT COUNT(*), SUM(hours) FROM (
                SELECT SUM(sheet.unit_amount) - MAX(sold.sold_hours) AS hours
                  FROM sheet
                  JOIN sold ON sold.id = sheet.so_line
             LEFT JOIN project_project project
                    ON project.id = COALESCE(sold.project_id,
                           (SELECT MIN(same.project_id) FROM sheet same
                             WHERE same.so_line = sold.id AND same.is_fixed))
             LEFT JOIN project_project_stage stage ON stage.id = project.stage_id
                 WHERE sheet.is_fixed AND sold.sold_hours IS NOT NULL
                   AND (sold.is_closed
                        OR sold.qty_delivered >= sold.product_uom_qty
                           AND sold.product_uom_qty > 0
                        OR stage.fold OR project.last_update_status = 'done')
                 GROUP BY sold.id
            ) line WHERE hours > 0
            """
        )
        self.assertEqual(self._find_all("overrun", "hours"), expected)

    def test_after_care(self):
        line = self.order.order_line
        self.project.write({"date_start": "2026-01-01", "date": "2026-05-10"})
        self._log("2026-05-04", 8.0, line=line)
        self._log("2026-05-20", 5.0, line=line)
        self._log("2026-06-20", 1.5)
        self._log("2026-05-10", 1.5)
        second = self.project.copy({"name": "Second", "date": False})
        self._track(second, "2026-05-10 09:00:00", stage_id=self.closed_stage.id)
        self._log("2026-05-20", 2.5, project=second)
        expected = self._query(
            SHEETS
            + """
            , late AS (
                SELECT *, (SELECT SUM(unit_amount) FROM sheet same
                            WHERE same.so_line = sheet.so_line AND same.is_fixed
                              AND (same.date, same.id) <= (sheet.date, sheet.id))
                          AS so_far
                  FROM sheet
                 WHERE date > LEAST(due, (
                           SELECT MAX(message.date)::date
                             FROM mail_tracking_value change
                             JOIN mail_message message
                               ON message.id = change.mail_message_id
                             JOIN project_project_stage stage
                               ON stage.id = sheet.stage_id AND stage.fold
                            WHERE change.field_id = %(project.project.stage_id)s
                              AND message.res_id = sheet.project_id))
            )
            SELECT COUNT(*), SUM(hours) FROM (
                SELECT SUM(CASE
                           WHEN is_free THEN unit_amount
                           WHEN late.is_fixed AND sold_hours IS NOT NULL
                           THEN GREATEST(so_far, sold_hours)
                                - GREATEST(so_far - unit_amount, sold_hours)
                           END) AS hours
                  FROM late
             LEFT JOIN sold ON sold.id = late.so_line
                 GROUP BY late.company_id, CASE WHEN is_other THEN late.task_id END,
                          CASE WHEN NOT is_other THEN late.project_id END,
                          to_char(late.date, 'YYYY-MM')
            ) month WHERE hours > 0
            """
        )
        self.assertEqual(self._find_all("after_care", "hours"), expected)

    def test_extra_scope(self):
        line = self._order_lines(
            {"product_id": self.fixed_product.id}, day="2026-01-10 09:00:00"
        )
        self._backdate(line, "2026-01-09")
        self.project.sale_line_id = line
        tasks = self.env["project.task"].create(
            [
                {"name": name, "project_id": self.project.id, "state": state}
                for name, state in (("Late", "1_done"), ("Open", "01_in_progress"))
            ]
        )
        child = self.env["project.task"].create(
            {"name": "Part", "project_id": self.project.id, "parent_id": tasks[0].id}
        )
        self._backdate(tasks | child, "2026-03-01")
        for task in (*tasks, child):
            self._log("2026-03-02", 2.25, task, line)
        expected = self._query(
            SHEETS
            + """
            , added AS (
                SELECT task.id, task.id AS root_id, task.project_id
                  FROM project_task task
                  JOIN project_project project ON project.id = task.project_id
                  JOIN res_partner partner ON partner.id = project.partner_id
                  JOIN sale_order_line base ON base.id = COALESCE(
                       project.sale_line_id,
                       (SELECT MIN(made.id) FROM sale_order_line made
                          JOIN product_product p ON p.id = made.product_id
                          JOIN product_template t ON t.id = p.product_tmpl_id
                         WHERE made.project_id = project.id AND made.state = 'sale'
                           AND t.type = 'service'
                           AND (t.invoice_policy, t.service_type)
                               <> ('delivery', 'timesheet')))
                  JOIN sale_order sale ON sale.id = base.order_id
                  JOIN product_product product ON product.id = base.product_id
                  JOIN product_template template
                    ON template.id = product.product_tmpl_id
             LEFT JOIN res_partner contact ON contact.id = task.partner_id
             LEFT JOIN sale_order_line own ON own.id = task.sale_line_id
                 WHERE task.parent_id IS NULL AND task.state = '1_done'
                   AND sale.state = 'sale' AND template.type = 'service'
                   AND (template.invoice_policy, template.service_type)
                       <> ('delivery', 'timesheet')
                   AND task.create_date > sale.date_order + INTERVAL '7 days'
                   AND (contact.id IS NULL OR contact.commercial_partner_id
                                              = partner.commercial_partner_id)
                   AND (own.id IS NULL OR own.id = base.id
                        OR (own.order_id = sale.id
                            AND own.create_date <= sale.date_order))
                   AND task.create_date::date <= COALESCE(
                       (SELECT MIN(first.date) FROM account_analytic_line first
                         WHERE first.task_id = task.id), 'infinity')
                 UNION
                SELECT task.id, added.root_id, added.project_id
                  FROM project_task task
                  JOIN added ON added.id = task.parent_id
                            AND added.project_id = task.project_id
            )
            SELECT COUNT(*), SUM(hours) FROM (
                SELECT SUM(unit_amount) AS hours
                  FROM added JOIN sheet ON sheet.task_id = added.id
                 WHERE is_free OR is_fixed
                 GROUP BY root_id, company_id
            ) task WHERE hours > 0
            """
        )
        self.assertEqual(self._find_all("extra_scope", "hours", grace_days=7), expected)

    def test_urgent(self):
        line = self.order.order_line
        task = self.env["project.task"].create(
            {"name": "By tomorrow", "project_id": self.project.id, "state": "1_done"}
        )
        self._backdate(task, "2026-05-08 09:00:00")
        self._backdate(task, "2026-05-11 17:00:00", "date_end")
        self._log("2026-05-11", 2.0, task, line)
        self._log("2026-05-02", 1.25, line=line)
        self._log("2026-05-04", 4.0)
        expected = self._query(
            SHEETS
            + """
            , day AS (
                SELECT company.id AS company_id, day::date,
                       EXISTS (SELECT FROM resource_calendar_attendance work
                                WHERE work.calendar_id = company.resource_calendar_id)
                       AND NOT EXISTS (
                           SELECT FROM resource_calendar_attendance work
                            WHERE work.calendar_id = company.resource_calendar_id
                              AND work.dayofweek = (EXTRACT(isodow FROM day) - 1)::text)
                       OR EXISTS (
                           SELECT FROM resource_calendar_leaves holiday
                            WHERE holiday.resource_id IS NULL
                              AND holiday.time_type = 'leave'
                              AND COALESCE(holiday.company_id, company.id) = company.id
                              AND COALESCE(holiday.calendar_id,
                                           company.resource_calendar_id)
                                  = company.resource_calendar_id
                              AND day BETWEEN
                                  (holiday.date_from AT TIME ZONE 'UTC'
                                   AT TIME ZONE calendar.tz)::date
                                  AND (holiday.date_to AT TIME ZONE 'UTC'
                                       AT TIME ZONE calendar.tz)::date)
                       AS is_off
                  FROM res_company company
                  JOIN resource_calendar calendar
                    ON calendar.id = company.resource_calendar_id,
                       generate_series((SELECT LEAST(MIN(date), MIN(asked)::date)
                                          FROM sheet), CURRENT_DATE, '1 day') day
            ),
            hurried AS (
                SELECT sheet.*, state = '1_done' AND (
                           SELECT COUNT(*) FROM day
                            WHERE day.company_id = sheet.company_id AND NOT is_off
                              AND day > asked::date AND day <= date_end::date) <= 1
                           AND date_end IS NOT NULL
                           IS TRUE AS is_urgent
                  FROM sheet
            )
            SELECT COUNT(*), SUM(hours) FROM (
                SELECT SUM(unit_amount) AS hours
                  FROM hurried
             LEFT JOIN day ON day.company_id = hurried.company_id AND day = date
                 WHERE is_urgent OR is_off
                 GROUP BY hurried.company_id,
                          CASE WHEN is_urgent OR is_other THEN task_id END,
                          CASE WHEN NOT is_urgent AND NOT is_other
                               THEN project_id END,
                          CASE WHEN NOT is_urgent THEN to_char(date, 'YYYY-MM') END
            ) source WHERE hours > 0
            """
        )
        # The surcharge is all of the rate here: hours are amounts without it.
        self._find_all("urgent", "amount", urgent_days=1, surcharge_percent=100.0)
        found = self._suggested("urgent")
        hours = sum(entry.amount / entry.rate for entry in found)
        self.assertEqual(len(found), expected[0])
        self.assertAlmostEqual(hours, expected[1], places=1)

    # ------------------------------------------------------------
    # ORDERS AND INVOICES
    # ------------------------------------------------------------

    def test_discount(self):
        study = self.fixed_product.id
        self._order_lines(
            {"product_id": study, "discount": 12.5},
            {"product_id": study, "price_unit": 900.0},
            {"product_id": study, "price_unit": -50.0},
            {"product_id": self.hour_product.id, "product_uom_qty": 3, "discount": 5},
        )
        expected = self._query(
            f"""
            WITH line AS (
                SELECT line.*, greatest(
                       line.price_unit, line.technical_price_unit,
                       CASE WHEN line.combo_item_id IS NULL THEN
                           unit.factor / own_unit.factor * sale.currency_rate
                           * COALESCE(
                             (SELECT change.old_value_float
                                FROM mail_tracking_value change
                                JOIN mail_message message
                                  ON message.id = change.mail_message_id
                               WHERE change.field_id
                                     = %(product.template.list_price)s
                                 AND message.res_id = template.id
                                 AND message.date > sale.date_order
                               ORDER BY message.date LIMIT 1),
                             template.list_price)
                       END)::numeric AS reference,
                       (SELECT BOOL_OR(tax.price_include_override = 'tax_included')
                          FROM account_tax_sale_order_line_rel used
                          JOIN account_tax tax ON tax.id = used.account_tax_id
                         WHERE used.sale_order_line_id = line.id) AS is_gross
                  FROM sale_order_line line
                  JOIN sale_order sale ON sale.id = line.order_id
                  JOIN res_partner partner ON partner.id = sale.partner_id
                  JOIN product_product product ON product.id = line.product_id
                  JOIN product_template template
                    ON template.id = product.product_tmpl_id
                  JOIN uom_uom unit ON unit.id = line.product_uom_id
                  JOIN uom_uom own_unit ON own_unit.id = template.uom_id
                 WHERE sale.state = 'sale' AND line.product_uom_qty > 0
                   AND template.type <> 'combo'
                   AND line.is_downpayment IS NOT TRUE
                   AND line.is_expense IS NOT TRUE
                   AND {CLIENT.format("partner")}
            )
            SELECT COUNT(*), SUM(worth) FROM (
                SELECT CASE
                       WHEN price_unit < 0 THEN -price_subtotal
                       WHEN is_gross AND price_unit > 0 AND discount < 100 THEN
                           ROUND(reference * price_subtotal
                                 / (price_unit * (1 - discount / 100)), 2)
                           - price_subtotal
                       ELSE ROUND(reference * product_uom_qty, 2) - price_subtotal
                       END AS worth
                  FROM line
            ) line WHERE worth > 0
            """
        )
        self.assertEqual(self._find_all("discount", "amount"), expected)

    def test_credit_note(self):
        self._invoice(120.0, "2026-01-20", "out_refund")
        corrected = self._invoice(
            1000.0, "2026-01-05", product=self._product("Corrected")
        )
        self._refund(corrected, "2026-01-20")
        self._invoice(
            900.0, "2026-01-25", product=corrected.invoice_line_ids.product_id
        )
        goods = self._product("Goods", type="consu", invoice_policy="order")
        line = self._order_lines({"product_id": goods.id, "price_unit": 10.0})
        invoice = line.order_id._create_invoices()
        invoice.action_post()
        refund = invoice._reverse_moves()
        refund.action_post()
        expected = self._query(
            f"""
            WITH product AS (
                SELECT item.*, (
                           SELECT BOOL_AND(t.type = 'consu' AND sold.qty_delivered
                                                          <= sold.qty_invoiced)
                             FROM sale_order_line_invoice_rel rel
                             JOIN sale_order_line sold ON sold.id = rel.order_line_id
                             JOIN product_product p ON p.id = sold.product_id
                             JOIN product_template t ON t.id = p.product_tmpl_id
                            WHERE rel.invoice_line_id = item.id) AS is_return
                  FROM account_move_line item
                 WHERE item.display_type = 'product'
            )
            SELECT COUNT(*), SUM(worth) FROM (
                SELECT COALESCE((SELECT SUM(price_subtotal) FROM product
                                  WHERE product.move_id = move.id
                                    AND is_return IS NOT TRUE
                                    AND is_downpayment IS NOT TRUE), 0)
                       - COALESCE((
                         SELECT again.amount_untaxed
                           FROM account_move again, account_move reversed
                          WHERE reversed.id = move.reversed_entry_id
                            AND reversed.amount_untaxed = move.amount_untaxed
                            AND again.id > reversed.id
                            AND again.state = 'posted'
                            AND again.move_type = 'out_invoice'
                            AND again.commercial_partner_id
                                = move.commercial_partner_id
                            AND again.company_id = move.company_id
                            AND again.currency_id = move.currency_id
                            AND again.invoice_date - move.invoice_date BETWEEN 0 AND 30
                            AND NOT EXISTS (
                                (SELECT product_id FROM product
                                  WHERE move_id = again.id EXCEPT
                                 SELECT product_id FROM product
                                  WHERE move_id = reversed.id)
                                UNION
                                (SELECT product_id FROM product
                                  WHERE move_id = reversed.id EXCEPT
                                 SELECT product_id FROM product
                                  WHERE move_id = again.id))
                          ORDER BY again.invoice_date, again.id LIMIT 1), 0) AS worth
                  FROM account_move move
                 WHERE move_type = 'out_refund' AND state = 'posted'
                   AND {CLIENT.format("move")}
            ) refund WHERE worth > 0
            """
        )
        self.assertEqual(
            self._find_all("credit_note", "amount", reissue_days=30), expected
        )

    def test_late_payment(self):
        invoice = self._invoice(
            1000.0,
            "2026-01-05",
            invoice_payment_term_id=False,
            invoice_date_due="2026-01-10",
        )
        self._pay(invoice, "2026-01-20", amount=300.0)
        self._pay(invoice, "2026-02-09", amount=700.0)
        expected = self._query(
            f"""
            SELECT COUNT(*), SUM(days) FROM (
                SELECT move.id, MAX(paid.date - due.date_maturity) AS days
                  FROM account_partial_reconcile part
                  JOIN account_move_line due ON due.id = part.debit_move_id
                  JOIN account_move_line paid ON paid.id = part.credit_move_id
                  JOIN account_account account ON account.id = due.account_id
                  JOIN account_move move ON move.id = due.move_id
                 WHERE move.move_type = 'out_invoice' AND move.state = 'posted'
                   AND account.account_type = 'asset_receivable'
                   AND move.payment_state IN ('paid', 'in_payment')
                   AND NOT EXISTS (SELECT FROM account_move refund
                                    WHERE refund.id = paid.move_id
                                      AND refund.move_type = 'out_refund')
                   AND {CLIENT.format("move")}
                 GROUP BY move.id
            ) invoice WHERE days > 0
            """
        )
        self.assertEqual(
            self._find_all("late_payment", "days", interest_rate=0.0), expected
        )

    # ------------------------------------------------------------
    # DEADLINES
    # ------------------------------------------------------------

    def test_deadline_shift(self):
        self.order.date_order = "2026-01-01 09:00:00"
        self._write_untracked(self.project, date_start="2026-01-01", date="2026-05-10")
        milestone = self.env["project.milestone"].create(
            {"name": "Report", "project_id": self.project.id}
        )
        self._flush_tracking()
        for day, due in (("01", "05-20"), ("02", "05-15"), ("03", "05-18")):
            self._track(self.project, f"2026-02-{day} 09:00:00", date=f"2026-{due}")
            self._track(milestone, f"2026-02-{day} 10:00:00", deadline=f"2026-{due}")
        # The price of these projects never rose: all of the way later was granted.
        steady = """
            WITH link AS (
                SELECT project_id, order_id FROM sale_order_line
                 UNION SELECT project_id, id FROM sale_order
                 UNION SELECT id, reinvoiced_sale_order_id FROM project_project
                 UNION SELECT project.id, order_id FROM project_project project
                         JOIN sale_order_line line ON line.id = project.sale_line_id
                 UNION SELECT task.project_id, order_id FROM project_task task
                         JOIN sale_order_line line ON line.id = task.sale_line_id
            ),
            project AS (
                SELECT project.id, MIN(sale.date_order) AS ordered
                  FROM project_project project
                  JOIN res_partner client ON client.id = project.partner_id
             LEFT JOIN (link JOIN sale_order sale
                          ON sale.id = link.order_id AND sale.state = 'sale')
                    ON link.project_id = project.id
                 WHERE project.is_template IS NOT TRUE AND {client}
                 GROUP BY project.id
                HAVING COUNT(sale.id) < 2
                   AND NOT EXISTS (
                       SELECT FROM mail_tracking_value rise
                         JOIN mail_message message
                           ON message.id = rise.mail_message_id
                        WHERE rise.field_id = %(sale.order.amount_untaxed)s
                          AND message.res_id = MIN(sale.id)
                          AND message.date > MIN(sale.date_order)
                          AND rise.new_value_float > rise.old_value_float)
            )
        """.format(client=CLIENT.format("client"))
        expected = self._query(
            steady
            + """
            , changed AS (
                SELECT project.ordered, record.*, message.date,
                       change.old_value_datetime::date AS old,
                       change.new_value_datetime::date AS new, change.id AS number
                  FROM (SELECT 'project.project' AS model, id, id AS project_id
                          FROM project_project
                         UNION ALL SELECT 'project.task', id, project_id
                          FROM project_task
                         UNION ALL SELECT 'project.milestone', id, project_id
                          FROM project_milestone) record
                  JOIN project ON project.id = record.project_id
                  JOIN mail_message message
                    ON message.model = record.model AND message.res_id = record.id
                  JOIN mail_tracking_value change
                    ON change.mail_message_id = message.id
                   AND change.field_id IN (%(project.project.date)s,
                                           %(project.task.date_deadline)s,
                                           %(project.milestone.deadline)s)
            )
            SELECT COUNT(*), SUM(days) FROM (
                SELECT (ARRAY_AGG(COALESCE(new, old)
                                  ORDER BY date DESC, number DESC))[1]
                       - (ARRAY_AGG(COALESCE(old, new) ORDER BY date, number)
                          FILTER (WHERE date >= ordered OR ordered IS NULL))[1] AS days
                  FROM changed GROUP BY model, id
            ) record WHERE days > 0
            """
        )
        self.env.cr.execute(
            steady + "SELECT id FROM project",
            {
                "sale.order.amount_untaxed": self.env["ir.model.fields"]
                ._get("sale.order", "amount_untaxed")
                .id
            },
        )
        ids = [project_id for (project_id,) in self.env.cr.fetchall()]
        self.assertIn(self.project.id, ids)
        found = self._find_all(
            "deadline_shift", "days", ("project_id", "in", ids), merge_moves=False
        )
        self.assertEqual(found, expected)
