from odoo import Command, fields
from odoo.tests import TransactionCase, new_test_user

SECRET = "SECRET-DO-NOT-PRINT"


class ClientValueCommon(TransactionCase):
    """A small agency: two clients, their people, and a user of each role."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Nothing here is about mails sent for each record that is created.
        cls.env = cls.env(context={**cls.env.context, "no_reset_password": True})
        cls.company = cls.env.company
        cls.company.client_value_rate = 50.0
        cls.currency = cls.company.currency_id
        cls.foreign = cls._prepare_foreign_currency()
        cls.own = cls._new_user("own", "sales_team.group_sale_salesman")
        cls.other = cls._new_user("other", "sales_team.group_sale_salesman")
        cls.all_docs = cls._new_user("all", "sales_team.group_sale_salesman_all_leads")
        cls.manager = cls._new_user("manager", "sales_team.group_sale_manager")
        cls.member = cls._new_user("member", "project.group_project_user")
        cls.outsider = cls._new_user("outsider", "project.group_project_user")
        cls.internal = cls._new_user("internal", "base.group_user")
        cls.portal = cls._new_user("portal", "base.group_portal")

        cls.client = cls.env["res.partner"].create(
            {
                "name": "Acme Research",
                "is_company": True,
                "user_id": cls.own.id,
                "email": "office@acme.example",
                "lang": "en_US",
            }
        )
        cls.contact, cls.newcomer = cls.env["res.partner"].create(
            [
                {
                    "name": "Ann Lee",
                    "parent_id": cls.client.id,
                    "function": "Marketing Director",
                    "email": "ann@acme.example",
                },
                {
                    "name": "Bob Ray",
                    "parent_id": cls.client.id,
                    "function": "Head of Insights",
                    "email": "bob@acme.example",
                },
            ]
        )
        cls.other_client = cls.env["res.partner"].create(
            {"name": "Beta Foods", "is_company": True, "user_id": cls.other.id}
        )
        cls.discount = cls.env.ref("client_value_dossier.category_discount")
        cls.consultation = cls.env.ref(
            "client_value_dossier.category_free_consultation"
        )
        cls.support = cls.env.ref("client_value_dossier.category_post_project_support")
        cls.deadline = cls.env.ref("client_value_dossier.category_deadline_moved")
        cls.urgent = cls.env.ref("client_value_dossier.category_urgent_search")

        cls.hour_product, cls.fixed_product = cls.env["product.product"].create(
            [
                {
                    "name": "Interview hour",
                    "type": "service",
                    "uom_id": cls.env.ref("uom.product_uom_hour").id,
                    "list_price": 80.0,
                    "taxes_id": False,
                },
                {
                    "name": "Study",
                    "type": "service",
                    "list_price": 1000.0,
                    "taxes_id": False,
                },
            ]
        )
        cls.project = cls.env["project.project"].create(
            {
                "name": "Brand tracker",
                "partner_id": cls.contact.id,
                "allow_billable": True,
                "user_id": cls.own.id,
                "privacy_visibility": "followers",
                "date_start": "2024-02-01",
                "date": "2024-06-30",
            }
        )
        cls.task = cls.env["project.task"].create(
            {
                "name": "Fieldwork",
                "project_id": cls.project.id,
                "user_ids": [Command.set(cls.member.ids)],
            }
        )
        cls.order = cls._create_order(cls.hour_product, 10)
        cls.project.sale_line_id = cls.order.order_line

    @classmethod
    def _new_user(cls, login, groups):
        return new_test_user(cls.env, f"value_{login}", groups=groups)

    @classmethod
    def _prepare_foreign_currency(cls):
        foreign = cls.env.ref("base.EUR" if cls.currency.name != "EUR" else "base.USD")
        foreign.active = True
        foreign.rate_ids.unlink()
        cls.env["res.currency.rate"].create(
            [
                {
                    "name": date,
                    "currency_id": foreign.id,
                    "rate": rate,
                    "company_id": cls.company.id,
                }
                for date, rate in (("2024-01-01", 0.5), ("2025-01-01", 0.25))
            ]
        )
        return foreign

    @classmethod
    def _create_order(cls, product, quantity, partner=None, **values):
        order = cls.env["sale.order"].create(
            {
                "partner_id": (partner or cls.contact).id,
                "user_id": cls.own.id,
                "order_line": [
                    Command.create(
                        {"product_id": product.id, "product_uom_qty": quantity}
                    )
                ],
                **values,
            }
        )
        order.action_confirm()
        return order

    @classmethod
    def _log_free_hours(cls, day, hours):
        """Log hours that nobody pays for in the client's project."""
        task = cls.env["project.task"].create(
            {"name": "Consultation", "project_id": cls.project.id}
        )
        task.sale_line_id = False
        employee = cls.member.employee_id or cls.env["hr.employee"].create(
            {"name": "Researcher", "user_id": cls.member.id, "hourly_cost": 30.0}
        )
        return cls.env["account.analytic.line"].create(
            {
                "name": "Advice",
                "project_id": cls.project.id,
                "task_id": task.id,
                "employee_id": employee.id,
                "date": day,
                "unit_amount": hours,
                "so_line": False,
                "is_so_line_edited": True,
            }
        )

    @classmethod
    def _entry_values(cls, **values):
        return {
            "name": "Advice on the questionnaire",
            "partner_id": cls.client.id,
            "category_id": cls.consultation.id,
            "date": "2024-03-05",
            "user_id": cls.own.id,
            **values,
        }

    @classmethod
    def _create_entry(cls, **values):
        return cls.env["client.value.entry"].create(cls._entry_values(**values))

    @classmethod
    def _create_entries(cls, count, **values):
        categories = [cls.discount, cls.consultation, cls.support, cls.deadline]
        return cls.env["client.value.entry"].create(
            [
                cls._entry_values(
                    name=f"Favour {number}",
                    category_id=categories[number % len(categories)].id,
                    amount=10.0 + number,
                    date=fields.Date.add(
                        fields.Date.to_date("2024-01-01"), days=number % 700
                    ),
                    **values,
                )
                for number in range(count)
            ]
        )

    @classmethod
    def _create_dossier(cls, **values):
        return cls.env["client.value.dossier"].create(
            {
                "partner_id": cls.client.id,
                "recipient_id": cls.newcomer.id,
                "purpose": "new_manager",
                "user_id": cls.own.id,
                **values,
            }
        )

    @classmethod
    def _plant_secrets(cls):
        """Create what must never reach a client, each with the secret word."""
        visible = cls._create_entry(
            note_internal=SECRET, internal_cost=4711.17, amount=100.0
        )
        cls._create_entry(name=f"{SECRET} hidden", client_visible=False)
        cls._create_entry(name=f"{SECRET} suggested", state="suggested")
        cls._create_entry(name=f"{SECRET} dismissed", state="dismissed")
        cls._create_dossier(user_id=cls.other.id, introduction=f"{SECRET} draft")
        return visible
