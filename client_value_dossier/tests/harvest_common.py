"""What tests of the rules share: work, invoices and tracked changes of any day."""

from freezegun import freeze_time

from odoo import Command

from .common import ClientValueCommon


class HarvestCommon(ClientValueCommon):
    """An agency whose records can be made as if of another day."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Changes are tracked, as in daily work.
        cls.env = cls.env(
            context={
                **cls.env.context,
                "tracking_disable": False,
                "mail_notrack": False,
            }
        )
        cls.entries = cls.env["client.value.entry"]
        cls.rules = cls.env["client.value.rule"]
        cls.employee = cls.env["hr.employee"].create(
            {"name": "Researcher", "hourly_cost": 30.0}
        )
        cls.closed_stage = cls.env["project.project.stage"].create(
            {"name": "Closed", "fold": True, "sequence": 99}
        )
        # Odoo tracks a field for those who may see it only.
        cls.env.user.group_ids += cls.env.ref("project.group_project_stages")
        cls.project = cls.project.with_env(cls.env)
        cls._write_untracked(cls.project, date_start=False, date=False)
        cls._flush_tracking()

    # ------------------------------------------------------------
    # RECORDS
    # ------------------------------------------------------------

    @classmethod
    def _rule(cls, kind):
        return cls.env.ref(f"client_value_dossier.rule_{kind}")

    @classmethod
    def _product(cls, name, **values):
        return cls.env["product.product"].create(
            {"name": name, "type": "service", "taxes_id": False, **values}
        )

    @classmethod
    def _log(cls, day, hours, task=None, line=None, project=None):
        """Return a timesheet; billed by an order line, or by nobody."""
        return cls.env["account.analytic.line"].create(
            {
                "name": "Work",
                "project_id": (project or (task and task.project_id) or cls.project).id,
                "task_id": task.id if task else False,
                "employee_id": cls.employee.id,
                "date": day,
                "unit_amount": hours,
                "so_line": line.id if line else False,
                "is_so_line_edited": True,
            }
        )

    @classmethod
    def _order_lines(cls, *lines, day=None, confirm=True, **values):
        """Return the lines of a new order, confirmed on a day."""
        order = cls.env["sale.order"].create(
            {
                "partner_id": cls.client.id,
                "order_line": [Command.create(line) for line in lines],
                **values,
            }
        )
        if confirm:
            order.action_confirm()
        if day:
            order.date_order = day
        return order.order_line

    @classmethod
    def _invoice(cls, amount, day, move_type="out_invoice", product=None, **values):
        move = cls.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": cls.contact.id,
                "invoice_date": day,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": (product or cls.fixed_product).id,
                            "price_unit": amount,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
                **values,
            }
        )
        move.action_post()
        return move

    @classmethod
    def _refund(cls, invoice, day, amount=None):
        """Return a credit note of an invoice: of all of it by default."""
        return cls._invoice(
            amount or invoice.amount_untaxed,
            day,
            "out_refund",
            product=invoice.invoice_line_ids.product_id,
            reversed_entry_id=invoice.id,
        )

    @classmethod
    def _pay(cls, invoice, day, **values):
        cls.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({"payment_date": day, **values})._create_payments()

    @classmethod
    def _backdate(cls, records, day, field="create_date"):
        """Make records look as if created on a day."""
        cls.env.flush_all()
        cls.env.cr.execute(
            f"UPDATE {records._table} SET {field} = %s WHERE id IN %s",
            [day, tuple(records.ids)],
        )
        records.invalidate_recordset([field])

    @classmethod
    def _track(cls, record, day, **values):
        """Change a record on a day, tracked."""
        with freeze_time(day):
            record.write(values)
            cls._flush_tracking()

    @classmethod
    def _write_untracked(cls, record, **values):
        """Change a record as if it had been so from the beginning."""
        cls._flush_tracking()
        record.with_context(tracking_disable=True).write(values)
        cls.env.flush_all()

    @classmethod
    def _flush_tracking(cls):
        cls.env.flush_all()
        cls.env.cr.flush()

    # ------------------------------------------------------------
    # FINDINGS
    # ------------------------------------------------------------

    @classmethod
    def _suggested(cls, kind, *domain):
        return cls.entries.search(
            [("rule_id.kind", "=", kind), ("state", "=", "suggested"), *domain],
            order="res_id, period",
        )

    @classmethod
    def _find(cls, kind, partner=None):
        """Scan a client; return what the rule suggests for it."""
        partner = partner or cls.client
        cls.rules.run_harvest(partners=partner)
        return cls._suggested(kind, ("partner_id", "=", partner.id))

    @classmethod
    def _scan(cls, kind):
        scan = cls.env["client.value.scan"]._start(kind)
        scan._run_to_end()
        return scan

    @classmethod
    def _forget(cls):
        """Scan everything, and make it look as if that had been long after the last
        change: only what changes from now on is noticed."""
        cls.rules.with_context(active_test=False).search([]).tuned_on = False
        cls._scan("full")
        cls._flush_tracking()
        for model in (
            *("sale.order", "sale.order.line", "account.move", "account.move.line"),
            *("project.project", "project.task", "project.milestone"),
            *("project.project.stage", "account.analytic.line", "product.template"),
        ):
            cls.env.cr.execute(
                f"UPDATE {cls.env[model]._table} SET write_date = '2020-01-01'"
            )
        cls.env.invalidate_all()
