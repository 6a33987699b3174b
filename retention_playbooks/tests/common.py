from datetime import datetime, time, timedelta

from dateutil.relativedelta import relativedelta

from odoo import Command
from odoo.tests import TransactionCase, new_test_user
from odoo.tools import SQL


class RetentionCommon(TransactionCase):
    """A company of its own, so that no other data interfere: a user of each role, two
    clients, and helpers that give them a past."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(
            context={
                **cls.env.context,
                "no_reset_password": True,
                "mail_create_nosubscribe": True,
            }
        )
        cls.company = cls._new_company("Agency")
        cls.env.user.company_id = cls.company
        cls.env = cls.env(
            context={**cls.env.context, "allowed_company_ids": cls.company.ids}
        )
        cls.company = cls.env.company
        cls.env["account.chart.template"].try_loading(
            "generic_coa", company=cls.company, install_demo=False
        )
        # Figures of tests are those of every day of the year.
        cls.env["retention.season"].search([]).active = False
        cls.own = cls._new_user("own", "sales_team.group_sale_salesman")
        cls.other = cls._new_user("other", "sales_team.group_sale_salesman")
        cls.all_docs = cls._new_user("all", "sales_team.group_sale_salesman_all_leads")
        cls.manager = cls._new_user("manager", "sales_team.group_sale_manager")
        cls.member = cls._new_user("member", "project.group_project_user")
        cls.internal = cls._new_user("internal", "base.group_user")
        cls.portal = cls._new_user("portal", "base.group_portal")
        cls.tier_a, cls.tier_b, cls.tier_c = cls.env["client.tier"].search(
            [("company_id", "=", cls.company.id)], order="sequence"
        )
        cls.signals = cls.env["retention.signal"]
        cls.rules = cls.env["retention.rule"]
        cls.today = cls.rules._get_today(cls.company)
        cls.client = cls._create_client("Acme Research", user=cls.own)
        cls.contact = cls.env["res.partner"].create(
            {"name": "Ann Lee", "email": "ann@acme.example", "parent_id": cls.client.id}
        )
        cls.other_client = cls._create_client("Beta Foods", user=cls.other)
        cls.product = cls.env["product.product"].create(
            {
                "name": "Study",
                "type": "service",
                "list_price": 1000.0,
                "taxes_id": False,
            }
        )

    # ------------------------------------------------------------
    # PEOPLE
    # ------------------------------------------------------------

    @classmethod
    def _new_company(cls, name):
        company = cls.env["res.company"].create({"name": name})
        cls.env.user.company_ids += company
        return company

    @classmethod
    def _new_user(cls, login, groups, company=None):
        company = company or cls.company
        return new_test_user(
            cls.env,
            f"retention_{login}",
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _create_client(cls, name, user=None, tier=None, **values):
        client = cls.env["res.partner"].create(
            {
                "name": name,
                "is_company": True,
                "user_id": (user or cls.own).id,
                **values,
            }
        )
        if tier:
            cls._assign(client, tier)
        return client

    @classmethod
    def _assign(cls, client, tier, **values):
        given = cls.env["client.tier.assignment"]._assign(client, cls.company, tier)
        given.write({"since": cls._days_ago(500), **values})
        return given

    # ------------------------------------------------------------
    # PAST
    # ------------------------------------------------------------

    @classmethod
    def _days_ago(cls, days):
        return cls.today - timedelta(days=days)

    @classmethod
    def _create_order(cls, days_ago, partner=None, price=1000.0, company=None):
        """Return an order that was confirmed some days ago."""
        company = company or cls.company
        order = (
            cls.env["sale.order"]
            .with_company(company)
            .create(
                {
                    "partner_id": (partner or cls.client).id,
                    "company_id": company.id,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": cls.product.id,
                                "price_unit": price,
                                "tax_ids": False,
                            }
                        )
                    ],
                }
            )
        )
        order.action_confirm()
        order.date_order = datetime.combine(cls._days_ago(days_ago), time(12))
        return order

    @classmethod
    def _create_orders(cls, *days_ago, partner=None):
        return cls.env["sale.order"].union(
            *(cls._create_order(days, partner=partner) for days in days_ago)
        )

    @classmethod
    def _create_invoice(cls, days_ago, amount=1000.0, partner=None, due=None):
        """Return a posted invoice; a credit note for a negative amount.

        :param due: days ago on which it was due
        """
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice" if amount > 0 else "out_refund",
                "partner_id": (partner or cls.client).id,
                "invoice_date": cls._days_ago(days_ago),
                "invoice_date_due": cls._days_ago(days_ago if due is None else due),
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Study", "price_unit": abs(amount), "tax_ids": []}
                    )
                ],
            }
        )
        move.action_post()
        return move

    @classmethod
    def _create_project(cls, name="Brand tracker", days_ago=200, **values):
        project = cls.env["project.project"].create(
            {
                "name": name,
                "partner_id": cls.client.id,
                "company_id": cls.company.id,
                **values,
            }
        )
        cls._set_age(project, days_ago)
        return project

    @classmethod
    def _create_task(cls, project, days_ago=0, **values):
        task = cls.env["project.task"].create(
            {
                "name": "Question",
                "project_id": project.id,
                "partner_id": project.partner_id.id,
                **values,
            }
        )
        cls._set_age(task, days_ago)
        return task

    @classmethod
    def _set_age(cls, record, days):
        """Make a record as if it was created and last moved some days ago."""
        record.flush_recordset()
        when = datetime.combine(cls._days_ago(days), time(12))
        # Raw SQL: nobody writes the day of creation
        cls.env.cr.execute(
            SQL(
                "UPDATE %s SET create_date = %s WHERE id = %s",
                SQL.identifier(record._table),
                when,
                record.id,
            )
        )
        if "date_last_stage_update" in record:
            record.date_last_stage_update = when
        record.invalidate_recordset()

    # ------------------------------------------------------------
    # RULES AND SIGNALS
    # ------------------------------------------------------------

    def _get_rule(self, kind, tier=None):
        return self.rules.with_context(active_test=False).search(
            [
                ("company_id", "=", self.company.id),
                ("kind", "=", kind),
                ("tier_id", "=", tier.id if tier else False),
            ]
        )

    def _set_rule(self, kind, tier=None, **values):
        """Tune the rule of a kind, or that of a tier."""
        rule = self._get_rule(kind, tier)
        if not rule:
            rule = self.rules.create(
                {"kind": kind, "company_id": self.company.id, "tier_id": tier.id}
            )
        rule.write(values)
        return rule

    def _refresh(self, *clients, company=None):
        """Look for signals of clients, by default of both; return what was done."""
        clients = clients or (self.client, self.other_client)
        return self.signals._refresh(
            company or self.company, [client.id for client in clients]
        )

    def _get(self, kind, client=None, state="open", company=None):
        """Return the signals of a kind of a client."""
        return self.signals.sudo().search(
            [
                ("partner_id", "=", (client or self.client).id),
                ("company_id", "=", (company or self.company).id),
                ("kind", "=", kind),
                ("state", "=", state),
            ]
        )

    def _find(self, kind, client=None):
        """Look for signals of a client; return the open one of a kind."""
        client = client or self.client
        self._refresh(client)
        return self._get(kind, client)

    def _months_ago(self, months):
        return (self.today - (self.today - relativedelta(months=months))).days

    def _snapshot(self):
        """Return all that is kept of the company's signals."""
        self.env.flush_all()
        self.env.invalidate_all()
        return self.signals.search_read(
            [("company_id", "=", self.company.id)], order="id"
        )
