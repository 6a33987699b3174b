from psycopg2.errors import CheckViolation, RestrictViolation

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestEntry(ClientValueCommon):
    def test_contact_given_as_client(self):
        entry = self._create_entry(partner_id=self.contact.id)
        self.assertEqual(entry.partner_id, self.client)
        self.assertEqual(entry.contact_id, self.contact)
        entry.write({"partner_id": self.other_client.id})
        self.assertEqual(entry.partner_id, self.other_client)

    def test_client_is_prefilled_from_project(self):
        entry = self.env["client.value.entry"].create(
            {
                "name": "Found two people by tomorrow",
                "project_id": self.project.id,
                "category_id": self.urgent.id,
            }
        )
        self.assertEqual(entry.partner_id, self.client)
        self.assertEqual(entry.section, "special")
        self.assertEqual(entry.amount, 0.0)

    # Worth of hours

    def test_rate_of_the_projects_service(self):
        entry = self._create_entry(project_id=self.project.id, hours=3)
        self.assertEqual(entry.rate, 80.0)
        self.assertEqual(entry.amount, 240.0)

    def test_rate_of_the_tasks_service_comes_first(self):
        product = self.env["product.product"].create(
            {
                "name": "Expert hour",
                "type": "service",
                "uom_id": self.env.ref("uom.product_uom_hour").id,
                "list_price": 120.0,
                "taxes_id": False,
            }
        )
        order = self._create_order(product, 5)
        self.task.sale_line_id = order.order_line
        entry = self._create_entry(
            project_id=self.project.id, task_id=self.task.id, hours=2
        )
        self.assertEqual(entry.amount, 240.0)

    def test_rate_of_an_order_sold_by_the_day(self):
        product = self.env["product.product"].create(
            {
                "name": "Moderator day",
                "type": "service",
                "uom_id": self.env.ref("uom.product_uom_day").id,
                "list_price": 800.0,
                "taxes_id": False,
            }
        )
        order = self._create_order(product, 1)
        entry = self._create_entry(sale_order_id=order.id, hours=1)
        self.assertAlmostEqual(entry.amount, 100.0)

    def test_rate_after_discount(self):
        self.order.order_line.discount = 25
        entry = self._create_entry(project_id=self.project.id, hours=1)
        self.assertEqual(entry.rate, 60.0)

    def test_company_rate_when_nothing_sold_by_the_hour(self):
        order = self._create_order(self.fixed_product, 1)
        entry = self._create_entry(sale_order_id=order.id, hours=2)
        self.assertEqual(entry.rate, 50.0)
        self.assertEqual(entry.amount, 100.0)

    def test_rate_can_be_changed(self):
        entry = self._create_entry(project_id=self.project.id, hours=2, rate=30)
        self.assertEqual(entry.amount, 60.0)
        entry.rate = 40
        self.assertEqual(entry.amount, 80.0)

    def test_worth_without_hours_stays_as_typed(self):
        entry = self._create_entry(amount=500)
        entry.project_id = self.project
        self.assertEqual(entry.amount, 500)

    def test_days_need_no_money(self):
        entry = self._create_entry(category_id=self.deadline.id, days=10)
        self.assertEqual((entry.amount, entry.days), (0.0, 10.0))

    def test_rate_of_an_order_that_one_may_not_read(self):
        self.project.message_subscribe(self.other.partner_id.ids)
        with self.assertRaises(AccessError):
            self.order.with_user(self.other).check_access("read")
        entry = (
            self.env["client.value.entry"]
            .with_user(self.other)
            .create(
                {
                    "name": "Extra wave",
                    "project_id": self.project.id,
                    "category_id": self.consultation.id,
                    "hours": 2,
                }
            )
        )
        self.assertEqual(entry.amount, 160.0)
        self.assertEqual(entry.user_id, self.other)

    # Currencies

    def test_company_amount_at_the_rate_of_the_date(self):
        early, late = (
            self._create_entry(amount=100, currency_id=self.foreign.id, date=date)
            for date in ("2024-06-01", "2025-06-01")
        )
        self.assertEqual(early.amount_company, 200.0)
        self.assertEqual(late.amount_company, 400.0)
        early.date = "2025-02-01"
        self.assertEqual(early.amount_company, 400.0)
        early.currency_id = self.currency
        self.assertEqual(early.amount_company, 100.0)

    def test_many_rates_agree_with_odoos_own(self):
        currencies = self.currency | self.foreign
        dates = [
            self.env["client.value.entry"]._fields["date"].to_date(date)
            for date in ("2020-01-01", "2024-01-01", "2024-07-01", "2026-01-01")
        ]
        rates = self.env["res.currency"]._get_rates_of_dates(
            currencies, self.company, dates
        )
        for date in dates:
            self.assertEqual(
                {currency.id: rates[currency.id, date] for currency in currencies},
                currencies._get_rates(self.company, date),
            )

    def test_order_in_another_currency(self):
        pricelist = self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": self.foreign.id}
        )
        order = self._create_order(self.hour_product, 1, pricelist_id=pricelist.id)
        entry = self._create_entry(sale_order_id=order.id, hours=1)
        self.assertEqual(entry.currency_id, self.foreign)
        self.assertEqual(entry.amount, order.order_line.price_reduce_taxexcl)

    # What is refused

    def test_negative_figures(self):
        for fname in ("amount", "hours", "days"):
            with (
                self.subTest(fname),
                mute_logger("odoo.sql_db"),
                self.assertRaises(CheckViolation) as caught,
                self.cr.savepoint(),
            ):
                self._create_entry(**{fname: -1})
            message = self.env["client.value.entry"]._sql_error_to_message(
                caught.exception
            )
            self.assertIn("cannot be negative", message)

    def test_client_with_entries_cannot_be_deleted(self):
        lonely = self.env["res.partner"].create({"name": "Lonely Ltd"})
        self._create_entry(partner_id=lonely.id)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(RestrictViolation),
            self.cr.savepoint(),
        ):
            lonely.unlink()

    # States

    def test_keep_and_dismiss(self):
        entries = self._create_entries(3)
        entries.action_dismiss()
        self.assertEqual(set(entries.mapped("state")), {"dismissed"})
        entries.action_confirm()
        self.assertEqual(set(entries.mapped("state")), {"confirmed"})

    def test_evidence_record(self):
        lead = self.env["crm.lead"].create(
            {"name": "Next wave", "partner_id": self.client.id, "user_id": self.own.id}
        )
        values = lead._prepare_value_entry()
        entry = self._create_entry(
            res_model=values["res_model"], res_id=values["res_id"]
        )
        action = entry.with_user(self.own).action_view_evidence()
        self.assertEqual((action["res_model"], action["res_id"]), ("crm.lead", lead.id))
        with self.assertRaises(AccessError):
            entry.with_user(self.other).sudo(False).action_view_evidence()
        lead.unlink()
        with self.assertRaisesRegex(UserError, "deleted"):
            entry.action_view_evidence()

    def test_evidence_files_can_be_read_by_colleagues(self):
        upload = (
            self.env["ir.attachment"]
            .with_user(self.own)
            .create({"name": "minutes.txt", "raw": b"agreed"})
        )
        with self.assertRaises(AccessError):
            upload.with_user(self.manager).check_access("read")
        entry = (
            self.env["client.value.entry"]
            .with_user(self.own)
            .create(self._entry_values(attachment_ids=[Command.set(upload.ids)]))
        )
        self.assertEqual(upload.res_id, entry.id)
        self.assertEqual(upload.with_user(self.manager).raw, b"agreed")
        with self.assertRaises(AccessError):
            upload.with_user(self.other).check_access("read")

    def test_foreign_attachment_is_not_taken_over(self):
        upload = (
            self.env["ir.attachment"]
            .with_user(self.other)
            .create({"name": "private.txt", "raw": b"private"})
        )
        entry = self._create_entry()
        entry.sudo().with_user(self.own).sudo().write(
            {"attachment_ids": [Command.link(upload.id)]}
        )
        self.assertFalse(upload.res_id)

    # Logging from where one works

    def _log(self, record, user):
        action = record.with_user(user).action_log_value()
        form = Form.from_action(self.env(user=user), action)
        form.name = "A favour"
        form.category_id = self.consultation.with_user(user)
        return form.save()

    def test_log_from_each_document(self):
        self.project.message_subscribe(self.own.partner_id.ids)
        lead = self.env["crm.lead"].create(
            {
                "name": "Next wave",
                "partner_id": self.contact.id,
                "user_id": self.own.id,
            }
        )
        expected = {
            self.client: {"contact_id": False, "project_id": False},
            self.contact: {"contact_id": self.contact.id, "project_id": False},
            self.project: {
                "contact_id": self.contact.id,
                "project_id": self.project.id,
            },
            self.order: {
                "contact_id": self.contact.id,
                "sale_order_id": self.order.id,
            },
            lead: {
                "contact_id": self.contact.id,
                "res_model": "crm.lead",
                "res_id": lead.id,
            },
        }
        for record, values in expected.items():
            with self.subTest(record=record):
                entry = self._log(record, self.own)
                self.assertEqual(entry.partner_id, self.client)
                self.assertEqual(entry.user_id, self.own)
                self.assertEqual(entry.currency_id, self.currency)
                self.assertEqual(entry.state, "confirmed")
                self.assertRecordValues(entry, [values])

    def test_log_from_a_task_as_project_user(self):
        entry = self._log(self.task, self.member)
        self.assertEqual(entry.partner_id, self.client)
        self.assertEqual(entry.project_id, self.project)
        self.assertEqual(entry.task_id, self.task)
