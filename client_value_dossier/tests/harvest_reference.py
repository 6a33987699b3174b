"""What the rules should find, found the slow and obvious way: record by record.

No SQL, nothing shared with the rules. ``Reference(env).find()`` looks at all there is.
"""

from collections import defaultdict
from datetime import timedelta

HOUR_KINDS = ("after_care", "extra_scope", "overrun", "free_hours", "urgent")
FIXED_PRICE = ("billable_fixed", "billable_milestones", "billable_manual")
KINDS = (*HOUR_KINDS, "discount", "credit_note", "late_payment", "deadline_shift")


class Reference:
    def __init__(self, env):
        self.env = env(su=True, context={"active_test": False})
        self.companies = self.env["res.company"].search([])
        self.own = self.companies.partner_id.commercial_partner_id
        self.hour = self.env.ref("uom.product_uom_hour")
        self.rules = {
            (company, kind): self._get_rule(company, kind)
            for company in self.companies
            for kind in KINDS
        }
        self.sheets = self.env["account.analytic.line"].search(
            [("project_id", "!=", False), ("project_id.is_template", "=", False)],
            order="date, id",
        )
        #: {timesheet: hours that nobody pays for}, and {(timesheet, rule): hours}
        self.unpaid, self.claimed = {}, {}

    def find(self):
        """Return {(kind, model, id, period, company id): what is found there}."""
        found = {}
        for kind, findings in (
            ("hours", self._find_hours()),
            ("discount", self._find_discounts()),
            ("credit_note", self._find_credit_notes()),
            ("late_payment", self._find_late_payments()),
            ("deadline_shift", self._find_deadline_shifts()),
        ):
            for finding in findings:
                key, values = self._finish(kind, **finding)
                if key:
                    assert key not in found, key
                    found[key] = values
        return found

    def _get_rule(self, company, kind):
        rules = self.env["client.value.rule"].search([("kind", "=", kind)])
        rule = rules.filtered(lambda rule: rule.company_id == company)
        rule = rule or rules.filtered(lambda rule: not rule.company_id)
        return rule.filtered("active")

    def _finish(
        self,
        kind,
        rule,
        record,
        company,
        partner,
        date,
        currency,
        period=False,
        hours=0.0,
        amount=0.0,
        days=0.0,
        cost=0.0,
    ):
        """Return (key, values) of a finding, (None, None) when below a limit."""
        amount = currency.round(amount)
        worth = currency._convert(amount, company.currency_id, company, date)
        if not rule or partner in self.own or (worth and worth < rule.minimum_amount):
            return None, None
        key = (rule.kind, record._name, record.id, period, company.id)
        return key, {
            "hours": round(hours, 6),
            "amount": round(amount, 2),
            "days": round(days, 2),
            "currency": currency.name,
            "partner": partner.id,
            "cost": round(cost, 2),
            "date": date,
        }

    # ------------------------------------------------------------
    # HOURS
    # ------------------------------------------------------------

    def _get_client(self, sheet):
        partner = sheet.task_id.partner_id or sheet.project_id.partner_id
        return partner.commercial_partner_id

    def _is_fixed(self, sheet):
        return (
            sheet.timesheet_invoice_type in FIXED_PRICE
            and sheet.so_line.order_id.state == "sale"
        )

    def _find_hours(self):
        roots = self._get_extra_tasks()
        excess, totals = self._get_excess(roots)
        groups = defaultdict(list)
        for sheet in self.sheets:
            fixed, free = (
                self._is_fixed(sheet),
                sheet.timesheet_invoice_type == "non_billable",
            )
            root = roots.get(sheet.task_id) if fixed or free else None
            over = excess.get(sheet, 0.0)
            self.unpaid[sheet] = sheet.unit_amount if free or root else over
            best = 0.0
            rules = [self.rules[sheet.company_id, kind] for kind in HOUR_KINDS]
            for rule in sorted(filter(None, rules), key=lambda r: (r.sequence, r.id)):
                portion = {
                    "after_care": self._get_late_hours(sheet, rule, free, root, over),
                    "extra_scope": sheet.unit_amount if root else 0.0,
                    "overrun": self._get_overrun(sheet, rule, over, totals),
                    "free_hours": sheet.unit_amount if free else 0.0,
                    "urgent": sheet.unit_amount
                    if self._is_urgent_task(sheet, rule)
                    or self._is_day_off(sheet.company_id, sheet.date)
                    else 0.0,
                }[rule.kind]
                part = max(0.0, abs(portion) - best)
                best = max(best, abs(portion))
                if part > 1e-9 and self._get_client(sheet):
                    if self._get_client(sheet) not in self.own:
                        part = part if sheet.unit_amount > 0 else -part
                        self.claimed[sheet, rule] = part
                        groups[self._get_source(sheet, rule, root)].append(
                            (sheet, part)
                        )
        for (rule, record, period, company), parts in groups.items():
            hours = sum(part for _sheet, part in parts)
            if round(hours, 6) > 0 and round(hours, 6) >= rule.minimum_hours:
                yield self._price_hours(rule, record, period, company, parts)

    def _get_source(self, sheet, rule, root):
        """Return what the suggestion is about: (rule, record, period, company)."""
        company = sheet.company_id
        month = sheet.date.replace(day=1)
        is_other = (
            self._get_client(sheet) != sheet.project_id.partner_id.commercial_partner_id
        )
        if rule.kind == "extra_scope":
            return rule, root, False, company
        if rule.kind == "overrun":
            return rule, sheet.so_line, False, company
        if rule.kind == "urgent":
            if self._is_urgent_task(sheet, rule):
                return rule, sheet.task_id, False, company
            by_task = is_other
        else:
            by_task = is_other or (rule.group_by_task and sheet.task_id)
        return rule, sheet.task_id if by_task else sheet.project_id, month, company

    def _price_hours(self, rule, record, period, company, parts):
        sheets = [sheet for sheet, _part in parts]
        hours = round(sum(part for _sheet, part in parts), 6)
        date = max(sheet.date for sheet in sheets)
        project = sheets[0].project_id
        task = record if record._name == "project.task" else record.env["project.task"]
        if rule.kind == "overrun":
            order, sold = record.order_id, self._get_sold_hours(record)
            rate = record.price_subtotal / sold if sold else 0.0
            project = record.project_id or min(
                (sheet.project_id for sheet in sheets), key=lambda project: project.id
            )
            if len({sheet.task_id for sheet in sheets}) == 1:
                task = sheets[0].task_id
        else:
            line = task.sale_line_id or project.sale_line_id
            order, rate = line.order_id or project.reinvoiced_sale_order_id, 0.0
        currency = order.currency_id or company.currency_id
        if not rate:
            rate, priced_in = self._get_rate(task, project, order, company)
            rate = priced_in._convert(rate, currency, company, date, round=False)
        rate = currency.round(rate)
        amount = hours * rate
        if rule.kind == "urgent":
            amount, hours = amount * rule.surcharge_percent / 100, 0.0
        cost = sum(-sheet.amount * part / sheet.unit_amount for sheet, part in parts)
        return {
            "rule": rule,
            "record": record,
            "period": period,
            "company": company,
            # An order line, or an extra task with its subtasks, may serve several.
            "partner": min(map(self._get_client, sheets), key=lambda client: client.id),
            "date": date,
            "currency": currency,
            "hours": hours,
            "amount": amount,
            "cost": max(cost, 0.0),
        }

    def _get_rate(self, task, project, order, company):
        """Return (price of an hour, currency): that of the first line sold by time."""
        for line in [task.sale_line_id, project.sale_line_id, *order.order_line]:
            if line and not line.display_type and self._is_time(line.product_uom_id):
                price = line.price_reduce_taxexcl or line.price_unit
                price = line.product_uom_id._compute_price(price, self.hour)
                if price:
                    return price, line.currency_id
        return company.client_value_rate, company.currency_id

    def _is_time(self, unit):
        return unit and unit._has_common_reference(self.hour)

    # -- portions -----------------------------------------------

    def _get_late_hours(self, sheet, rule, free, root, over):
        end = self._get_end(sheet.project_id)
        if not end or sheet.date <= end + timedelta(days=rule.grace_days):
            return 0.0
        return sheet.unit_amount if free or root else over

    def _get_end(self, project):
        ends = [project.date] if project.date else []
        if project.stage_id.fold:
            changes = self._get_tracked(project, "stage_id")
            if changes:
                ends.append(
                    max(change.mail_message_id.date for change in changes).date()
                )
        return min(ends, default=None)

    def _get_overrun(self, sheet, rule, over, totals):
        line = sheet.so_line
        if not over or self._is_delivered(line):
            return over
        limit = rule.running_minimum_hours
        return over if limit and totals[line] >= limit else 0.0

    def _is_delivered(self, line):
        if 0 < line.product_uom_qty <= line.qty_delivered:
            return True
        if line.task_id.state in ("1_done", "1_canceled"):
            return True
        sheets = self.sheets.filtered(
            lambda sheet: sheet.so_line == line and self._is_fixed(sheet)
        )
        project = line.project_id or sheets.project_id.sorted("id")[:1]
        return project.stage_id.fold or project.last_update_status == "done"

    def _get_sold_hours(self, line):
        if self._is_time(line.product_uom_id):
            return line.product_uom_qty * line.product_uom_id.factor / self.hour.factor
        planned = (line.task_id or line.project_id).allocated_hours
        return planned if planned > 0 and planned != line.product_uom_qty else None

    def _get_excess(self, roots):
        """Return ({timesheet: its hours beyond what its line sold}, {line: total})."""
        excess, totals = {}, defaultdict(float)
        fixed = self.sheets.filtered(self._is_fixed)
        for line, sheets in fixed.grouped("so_line").items():
            sold, worked = self._get_sold_hours(line), 0.0
            if sold is None:
                continue
            for sheet in sorted(
                sheets, key=lambda s: (s.task_id in roots, s.date, s.id)
            ):
                before = max(0.0, worked - sold)
                worked += sheet.unit_amount
                excess[sheet] = max(0.0, worked - sold) - before
                totals[line] += excess[sheet]
        return excess, totals

    def _get_extra_tasks(self):
        """Return {task added to a fixed-price project after its order: its root}."""
        roots = {}
        for project in self.sheets.project_id:
            base = project.sale_line_id
            if not base:
                made = self.env["sale.order.line"].search(
                    [("project_id", "=", project.id)], order="id"
                )
                base = made.filtered(self._is_fixed_price_line)[:1]
            rule = base and self.rules[base.company_id, "extra_scope"]
            if not rule or not self._is_fixed_price_line(base):
                continue
            for task in self.env["project.task"].search(
                [("project_id", "=", project.id)]
            ):
                if self._is_extra(task, base, rule):
                    todo = task
                    while todo:
                        roots.update(dict.fromkeys(todo, task))
                        todo = todo.child_ids.filtered(
                            lambda child: child.project_id == child.parent_id.project_id
                        )
        return roots

    def _is_fixed_price_line(self, line):
        product = line.product_id
        return (
            line.order_id.state == "sale"
            and product.type == "service"
            and (product.invoice_policy, product.service_type)
            != ("delivery", "timesheet")
        )

    def _is_extra(self, task, base, rule):
        ordered = base.order_id.date_order
        client = task.project_id.partner_id.commercial_partner_id
        own = task.sale_line_id
        hours = self.sheets.filtered(lambda sheet: sheet.task_id == task)
        return (
            not task.parent_id
            and task.state == "1_done"
            and task.create_date > ordered + timedelta(days=rule.grace_days)
            and client
            and (task.partner_id.commercial_partner_id or client) == client
            and (
                not own
                or own == base
                or (own.order_id == base.order_id and own.create_date <= ordered)
            )
            and all(sheet.date >= task.create_date.date() for sheet in hours)
        )

    def _is_urgent_task(self, sheet, rule):
        task = sheet.task_id
        if not task or task.state != "1_done" or not task.date_end:
            return False
        day, days = task.create_date.date(), 0
        while day < task.date_end.date():
            day += timedelta(days=1)
            days += not self._is_day_off(sheet.company_id, day)
        return days <= rule.urgent_days

    def _is_day_off(self, company, day):
        calendar = company.resource_calendar_id
        worked = set(calendar.attendance_ids.mapped("dayofweek"))
        return bool(worked) and str(day.weekday()) not in worked

    # ------------------------------------------------------------
    # ORDERS
    # ------------------------------------------------------------

    def _get_tracked(self, record, field):
        """Return the tracked changes of a field of a record, the first one first."""
        return (
            self.env["mail.tracking.value"]
            .search(
                [
                    (
                        "field_id",
                        "=",
                        self.env["ir.model.fields"]._get(record._name, field).id,
                    ),
                    ("mail_message_id.model", "=", record._name),
                    ("mail_message_id.res_id", "=", record.id),
                ]
            )
            .sorted(lambda change: (change.mail_message_id.date, change.id))
        )

    def _find_discounts(self):
        orders = self.env["sale.order"].search([("state", "=", "sale")])
        for line in orders.order_line:
            rule = self.rules[line.company_id, "discount"]
            if (
                not rule
                or line.display_type
                or not line.product_id
                or line.is_downpayment
                or line.is_expense
                or line.product_uom_qty <= 0
                or line.product_id.type == "combo"
            ):
                continue
            order, currency = line.order_id, line.currency_id
            listed = 0.0
            if line.price_unit >= 0:
                listed = currency.round(
                    self._get_untaxed_price(line, self._get_reference(line, rule))
                )
            amount = currency.round(listed - line.price_subtotal)
            if currency.compare_amounts(amount, 0) > 0:
                yield {
                    "rule": rule,
                    "record": line,
                    "company": line.company_id,
                    "partner": order.partner_id.commercial_partner_id,
                    "date": order.date_order.date(),
                    "currency": currency,
                    "amount": amount,
                }

    def _get_reference(self, line, rule):
        """Return what a unit would have cost."""
        order = line.order_id
        pricelist = order.pricelist_id
        if rule.price_reference == "pricelist":
            if line.technical_price_unit != line.price_unit:
                return line.technical_price_unit
            if pricelist.item_ids:
                return pricelist.with_company(line.company_id)._get_product_price(
                    line.product_id,
                    line.product_uom_qty,
                    currency=order.currency_id,
                    uom=line.product_uom_id,
                    date=order.date_order,
                )
        template = line.product_id.product_tmpl_id
        price = template.list_price
        for change in self._get_tracked(template, "list_price"):
            if change.mail_message_id.date > order.date_order:
                price = change.old_value_float
                break
        price *= line.product_uom_id.factor / template.uom_id.factor
        # What companies share is priced in the main one's currency.
        price = template.currency_id._convert(
            price,
            line.company_id.currency_id,
            line.company_id,
            order.date_order.date(),
            round=False,
        )
        price *= order.currency_rate
        return max(line.price_unit, line.technical_price_unit, price)

    def _get_untaxed_price(self, line, price):
        total = price * line.product_uom_qty
        included = line.tax_ids.filtered("price_include")
        if not included:
            return total
        asked = line.price_unit * (1 - line.discount / 100) * line.product_uom_qty
        if asked:
            return total * line.price_subtotal / asked
        return total / (1 + sum(included.mapped("amount")) / 100)

    # ------------------------------------------------------------
    # INVOICES
    # ------------------------------------------------------------

    def _get_products(self, move):
        lines = move.invoice_line_ids.filtered(
            lambda line: line.display_type == "product"
        )
        return lines.product_id

    def _find_credit_notes(self):
        taken = self.env["account.move"]
        for refund in self.env["account.move"].search(
            [("move_type", "=", "out_refund"), ("state", "=", "posted")],
            order="invoice_date, id",
        ):
            rule = self.rules[refund.company_id, "credit_note"]
            if not rule:
                continue
            again = self._get_reissue(refund, rule, taken)
            taken |= again
            goodwill = refund.invoice_line_ids.filtered(
                lambda line: (
                    line.display_type == "product"
                    and not line.is_downpayment
                    and not self._is_return(line)
                )
            )
            if not goodwill:
                continue
            amount = sum(goodwill.mapped("price_subtotal")) - again.amount_untaxed
            if refund.currency_id.compare_amounts(amount, 0) > 0:
                yield {
                    "rule": rule,
                    "record": refund,
                    "company": refund.company_id,
                    "partner": refund.commercial_partner_id,
                    "date": refund.invoice_date,
                    "currency": refund.currency_id,
                    "amount": amount,
                }

    def _is_return(self, line):
        sold = line.sale_line_ids
        return sold and all(
            each.product_id.type == "consu" and each.qty_delivered <= each.qty_invoiced
            for each in sold
        )

    def _get_reissue(self, refund, rule, taken):
        """Return the invoice that took the place of the one credited."""
        credited = refund.reversed_entry_id
        none = self.env["account.move"]
        if not credited or credited.amount_untaxed != refund.amount_untaxed:
            return none
        for invoice in none.search(
            [("move_type", "=", "out_invoice"), ("state", "=", "posted")],
            order="invoice_date, id",
        ):
            until = refund.invoice_date + timedelta(days=rule.reissue_days)
            if (
                invoice not in taken
                and invoice.id > credited.id
                and invoice.commercial_partner_id == refund.commercial_partner_id
                and invoice.company_id == refund.company_id
                and invoice.currency_id == refund.currency_id
                and refund.invoice_date <= invoice.invoice_date <= until
                and self._get_products(invoice) == self._get_products(credited)
            ):
                return invoice
        return none

    def _find_late_payments(self):
        for invoice in self.env["account.move"].search(
            [
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("paid", "in_payment")),
            ]
        ):
            rule = self.rules[invoice.company_id, "late_payment"]
            payments = []
            for line in invoice.line_ids:
                if line.account_id.account_type != "asset_receivable":
                    continue
                for partial in line.matched_credit_ids:
                    paid = partial.credit_move_id
                    if paid.move_id.move_type != "out_refund":
                        days = (paid.date - line.date_maturity).days
                        payments.append(
                            (days, partial.debit_amount_currency, paid.date)
                        )
            days = max((days for days, _amount, _date in payments), default=0)
            if not rule or days <= 0 or days < rule.minimum_days:
                continue
            last = max(date for _days, _amount, date in payments)
            if self._has_fee(invoice, rule.fee_product_id, last):
                continue
            amount = sum(
                amount * late * rule.interest_rate / 100 / 365
                for late, amount, _date in payments
                if late > 0
            )
            yield {
                "rule": rule,
                "record": invoice,
                "company": invoice.company_id,
                "partner": invoice.commercial_partner_id,
                "date": last,
                "currency": invoice.currency_id,
                "days": days,
                "amount": amount,
            }

    def _has_fee(self, invoice, fee, paid_on):
        moves = (
            self.env["account.move.line"]
            .search(
                [
                    ("product_id", "=", fee.id or -1),
                    ("parent_state", "=", "posted"),
                    ("move_type", "=", "out_invoice"),
                    ("company_id", "=", invoice.company_id.id),
                ]
            )
            .move_id
        )
        return any(
            move.commercial_partner_id == invoice.commercial_partner_id
            and invoice.invoice_date_due
            < move.invoice_date
            <= paid_on + timedelta(days=90)
            for move in moves
        )

    # ------------------------------------------------------------
    # DEADLINES
    # ------------------------------------------------------------

    def _find_deadline_shifts(self):
        for project in self.env["project.project"].search(
            [("is_template", "=", False)]
        ):
            moves = self._get_moves(project)
            project_client = project.partner_id.commercial_partner_id
            for client in {self._get_owner(m["record"], project) for m in moves}:
                if not client or client in self.own:
                    continue
                orders = self._get_orders(project)
                if client != project_client:
                    orders = orders.filtered(
                        lambda o, c=client: o.partner_id.commercial_partner_id == c
                    )
                yield from self._find_shifts_of_client(
                    project,
                    client,
                    orders,
                    [
                        m
                        for m in moves
                        if self._get_owner(m["record"], project) == client
                    ],
                )

    def _get_owner(self, record, project):
        partner = project.partner_id
        if record._name == "project.task":
            partner = record.partner_id or partner
        return partner.commercial_partner_id

    def _find_shifts_of_client(self, project, client, orders, moves):
        company = (
            project.company_id
            or orders[:1].company_id
            or client.company_id
            or project.user_id.company_id
            or self.companies.sorted("id")[0]
        )
        rule = self.rules[company, "deadline_shift"]
        if not rule:
            return
        if orders:
            moves = [m for m in moves if m["when"] >= orders[0].date_order]
        if rule.merge_moves:
            moves = self._leave_out_joint_moves(moves)
        rises = self._get_rises(orders)
        for record in dict.fromkeys(move["record"] for move in moves):
            own = [move for move in moves if move["record"] == record]
            granted = self._get_granted_days(own, rises)
            if granted and len(granted) >= rule.minimum_days:
                yield {
                    "rule": rule,
                    "record": record,
                    "company": company,
                    "partner": client,
                    "date": granted[-1],
                    "currency": company.currency_id,
                    "days": float(len(granted)),
                }

    def _get_orders(self, project):
        orders = (
            self.env["sale.order.line"]
            .search([("project_id", "=", project.id)])
            .order_id
        )
        orders |= self.env["sale.order"].search([("project_id", "=", project.id)])
        orders |= project.reinvoiced_sale_order_id | project.sale_line_id.order_id
        orders |= (
            self.env["project.task"]
            .search([("project_id", "=", project.id)])
            .sale_line_id.order_id
        )
        return orders.filtered(lambda order: order.state == "sale").sorted(
            lambda order: (order.date_order, order.id)
        )

    def _get_rises(self, orders):
        rises = orders[1:].mapped("date_order")
        for order in orders:
            for change in self._get_tracked(order, "amount_untaxed"):
                when = change.mail_message_id.date
                if when > order.date_order:
                    if change.new_value_float > change.old_value_float:
                        rises.append(when)
        return rises

    def _get_moves(self, project):
        tasks = self.env["project.task"].search([("project_id", "=", project.id)])
        milestones = self.env["project.milestone"].search(
            [("project_id", "=", project.id)]
        )
        moves = []
        for level, field, records in (
            (0, "date", project),
            (1, "deadline", milestones),
            (2, "date_deadline", tasks),
        ):
            for record in records:
                date, since = None, record.create_date
                for change in self._get_tracked(record, field):
                    when = change.mail_message_id.date
                    old, new = change.old_value_datetime, change.new_value_datetime
                    date = old.date() if old else date
                    if date and new and new.date() != date:
                        moves.append(
                            {
                                "level": level,
                                "record": record,
                                "when": when,
                                "since": since,
                                "days": (new.date() - date).days,
                            }
                        )
                    date = new.date() if new else date
                    since = when
        return sorted(moves, key=lambda move: move["when"])

    def _leave_out_joint_moves(self, moves):
        kept = []
        for move in moves:
            day = [m for m in moves if m["when"].date() == move["when"].date()]
            ways = defaultdict(int)
            for each in day:
                ways[each["level"], each["record"]] += each["days"]
            first = min(ways, key=lambda key: (key[0], -abs(ways[key]), key[1].id))
            if (move["level"], move["record"]) == first:
                kept.append(move)
        return kept

    def _get_granted_days(self, moves, rises):
        """Return the day each day of delay was granted on: days are given and taken
        back one by one."""
        given, debt = [], 0
        for move in moves:
            on = move["when"].date()
            paid = any(move["since"] < rise and rise.date() <= on for rise in rises)
            for _day in range(abs(move["days"])):
                if move["days"] < 0 and given:
                    given.pop()
                elif move["days"] < 0:
                    debt += 1
                elif debt:
                    debt -= 1
                else:
                    given.append((on, paid))
        return [on for on, paid in given if not paid]
