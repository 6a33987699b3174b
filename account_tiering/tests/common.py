from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import Command, fields
from odoo.tests import TransactionCase, new_test_user


class TieringCommon(TransactionCase):
    """A company of its own, so that no other data interfere: three tiers, a user of
    each role, and clients with invoices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "no_reset_password": True})
        cls.company = cls.env["res.company"].create({"name": "Agency"})
        cls.env.user.company_ids += cls.company
        cls.env.user.company_id = cls.company
        cls.env = cls.env(
            context={**cls.env.context, "allowed_company_ids": cls.company.ids}
        )
        cls.company = cls.env.company
        cls.env["account.chart.template"].try_loading(
            "generic_coa", company=cls.company, install_demo=False
        )
        cls.company.write(
            {"tier_margin": 0.0, "tier_stay_months": 0, "tier_grace_months": 0}
        )
        cls.currency = cls.company.currency_id
        cls.own = cls._new_user("own", "sales_team.group_sale_salesman")
        cls.other = cls._new_user("other", "sales_team.group_sale_salesman")
        cls.all_docs = cls._new_user("all", "sales_team.group_sale_salesman_all_leads")
        cls.manager = cls._new_user("manager", "sales_team.group_sale_manager")
        cls.internal = cls._new_user("internal", "base.group_user")
        cls.portal = cls._new_user("portal", "base.group_portal")
        cls.tier_a, cls.tier_b, cls.tier_c = cls.env["client.tier"].search(
            [("company_id", "=", cls.company.id)], order="sequence"
        )
        cls.today = fields.Date.context_today(cls.env.user)

    @classmethod
    def _new_user(cls, login, groups):
        return new_test_user(
            cls.env,
            f"tier_{login}",
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def _create_client(cls, name, revenue=0.0, user=None, months_ago=2, **values):
        """Return a client with one invoice, or a credit note, of this amount."""
        client = cls.env["res.partner"].create(
            {
                "name": name,
                "is_company": True,
                "user_id": user and user.id,
                **values,
            }
        )
        if revenue:
            cls._create_invoice(client, revenue, months_ago)
        return client

    @classmethod
    def _create_invoice(cls, partner, amount, months_ago=2, post=True, **values):
        """Return a posted invoice; a credit note for a negative amount."""
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice" if amount > 0 else "out_refund",
                "partner_id": partner.id,
                "invoice_date": cls._months_ago(months_ago),
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Study", "price_unit": abs(amount), "tax_ids": []}
                    )
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    @classmethod
    def _months_ago(cls, months):
        return cls.today - relativedelta(months=months)

    @classmethod
    def _create_review(cls, propose=True, **values):
        review = cls.env["client.tier.review"].create(values)
        if propose:
            review.action_propose()
        return review

    @classmethod
    def _assign(cls, partner, tier, **values):
        """Give a client a tier; return the assignment."""
        given = cls.env["client.tier.assignment"]._assign(partner, cls.company, tier)
        if values:
            given.write(values)
        return given

    def _get_tiers(self, *partners):
        """Return the codes of these partners' tiers."""
        return [partner.tier_id.code for partner in partners]

    def _get_line(self, review, partner):
        return review.line_ids.filtered(lambda line: line.partner_id == partner)

    def _get_history(self, partner):
        """Return [(kind, code of the old tier, of the new one)], the oldest first."""
        changes = self.env["client.tier.change"].search(
            [("partner_id", "=", partner.id)], order="id"
        )
        return [
            (change.kind, change.old_tier_id.code, change.new_tier_id.code)
            for change in changes
        ]

    def _day(self, text):
        return date.fromisoformat(text)
