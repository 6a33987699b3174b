from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestPartner(ClientValueCommon):
    def test_totals_of_client_and_contacts(self):
        self._create_entry(amount=100)
        self._create_entry(amount=50, currency_id=self.foreign.id, date="2024-06-01")
        self._create_entry(amount=7, state="dismissed")
        self._create_entry(amount=7, state="suggested")
        for partner in (self.client, self.contact):
            self.assertEqual(partner.value_entry_count, 2)
            self.assertEqual(partner.value_total, 200.0)
        self.assertEqual(self.other_client.value_entry_count, 0)

    def test_totals_of_project(self):
        self._create_entry(amount=100, project_id=self.project.id)
        self._create_entry(amount=50)
        self.assertEqual(self.project.value_entry_count, 1)
        self.assertEqual(self.project.value_total, 100.0)
        self.assertEqual(len(self.project.value_entry_ids), 1)
        buttons = self.project._get_stat_buttons()
        self.assertTrue(
            [
                button
                for button in buttons
                if button["action"] == "action_view_value_entries"
                and button["number"] == 1
            ]
        )

    def test_totals_over_companies_are_in_the_current_currency(self):
        branch = self.env["res.company"].create(
            {"name": "Abroad", "currency_id": self.foreign.id}
        )
        self.env["res.currency.rate"].create(
            {
                "name": "2024-01-01",
                "currency_id": self.currency.id,
                "rate": 2.0,
                "company_id": branch.id,
            }
        )
        self._create_entry(amount=100)
        self._create_entry(amount=10, company_id=branch.id)
        # 10 of the foreign currency are 40 at our company's last rate of 0.25.
        both = self.client.with_context(
            allowed_company_ids=[self.company.id, branch.id]
        )
        self.assertEqual(both.value_total, 140.0)
        self.assertEqual(
            self.client.with_context(allowed_company_ids=branch.ids).value_total, 10.0
        )

    def test_users_without_access_see_nothing(self):
        self._create_entry(amount=100)
        self.assertEqual(self.client.with_user(self.internal).value_entry_count, 0)
        self.assertEqual(self.client.with_user(self.internal).dossier_count, 0)

    def test_client_since(self):
        self.order.date_order = "2024-03-01 12:00:00"
        self.assertEqual(str(self.client.client_since), "2024-02-01")
        self._create_entry(date="2023-05-05")
        self.client.invalidate_recordset()
        self.assertEqual(str(self.client.client_since), "2023-05-05")
        self.contact.client_since = "2015-01-01"
        self.assertEqual(str(self.client.client_since), "2015-01-01")
        self.assertEqual(str(self.client.client_since_manual), "2015-01-01")
        self.assertFalse(self.other_client.client_since)

    def test_panel(self):
        self._create_entries(8)
        panel = self.client.with_user(self.own).get_client_value_panel()
        self.assertEqual(len(panel["entries"]), 5)
        self.assertEqual(sum(section["count"] for section in panel["sections"]), 8)
        self.assertEqual(panel["projects"], 1)
        self.assertIn("revenue", panel)
        self.assertNotIn("ratio", panel)
        panel = self.client.with_user(self.other).get_client_value_panel()
        self.assertNotIn("revenue", panel)
        self.assertIn(
            "ratio", self.client.with_user(self.manager).get_client_value_panel()
        )
        panel = self.client.with_user(self.member).get_client_value_panel()
        self.assertNotIn("revenue", panel)
        self.assertEqual(panel["worth"], 0)
        with self.assertRaises(AccessError):
            self.client.with_user(self.internal).get_client_value_panel()

    def test_actions(self):
        entry = self._create_entry(project_id=self.project.id)
        dossier = self._create_dossier()
        entries = self.env["client.value.entry"]
        for record in (self.contact, self.client, self.project):
            domain = record.action_view_value_entries()["domain"]
            self.assertEqual(entries.search(domain), entry)
        domain = self.contact.action_view_dossiers()["domain"]
        self.assertEqual(self.env["client.value.dossier"].search(domain), dossier)

    def test_opening_the_form_costs_at_most_three_queries_more(self):
        """Compared with the same form without this addon's fields."""
        specification = {}
        partners = self.env["res.partner"].with_user(self.manager)
        for name in partners.get_view(view_type="form")["models"]["res.partner"]:
            field = partners._fields[name]
            if field.type not in (
                "one2many",
                "many2many",
                "binary",
                "properties",
            ) and partners._has_field_access(field, "read"):
                specification[name] = {"fields": {}} if field.relational else {}
        ours = {
            name
            for name in specification
            if self.env["res.partner"]._fields[name]._module == "client_value_dossier"
        }
        self.assertIn("value_total", ours)
        without = {
            name: value for name, value in specification.items() if name not in ours
        }

        def count(spec):
            self.env.flush_all()
            self.env.invalidate_all()
            client = self.client.with_user(self.manager)
            before = self.env.cr.sql_log_count
            client.web_read(spec)
            return self.env.cr.sql_log_count - before

        self._create_entries(4)
        for spec in (specification, without):
            count(spec)
        few, base = count(specification), count(without)
        self.assertLessEqual(few - base, 3)
        self._create_entries(200)
        count(specification)
        self.assertEqual(count(specification), few)

    def test_opening_the_list_does_not_cost_more_with_entries(self):
        entries = self.env["client.value.entry"].with_user(self.own)
        names = self.env["client.value.entry"].get_view(view_type="list")["models"][
            "client.value.entry"
        ]
        specification = {
            name: {"fields": {"display_name": {}}}
            if entries._fields[name].type == "many2one"
            else {}
            for name in names
            if entries._fields[name].type not in ("one2many", "many2many")
            and entries._has_field_access(entries._fields[name], "read")
        }

        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            entries.web_search_read(
                [("partner_id", "=", self.client.id)], specification, limit=500
            )
            return self.env.cr.sql_log_count - before

        values = {"contact_id": self.contact.id, "project_id": self.project.id}
        self.project.message_subscribe(self.own.partner_id.ids)
        self._create_entries(8, **values)
        count()
        few = count()
        self._create_entries(72, **values)
        self.assertEqual(count(), few)

    def test_value_source_of_several_projects(self):
        second = self.env["project.project"].create(
            {"name": "Second", "partner_id": self.client.id}
        )
        self.order.project_id = self.project
        self.assertEqual(
            self.order._prepare_value_entry()["project_id"], self.project.id
        )
        self.order.order_line = [Command.create({"product_id": self.fixed_product.id})]
        self.order.order_line[-1].project_id = second
        self.assertFalse(self.order._prepare_value_entry()["project_id"])
