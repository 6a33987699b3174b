from datetime import timedelta

from psycopg2.errors import UniqueViolation

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import TieringCommon


@tagged("post_install", "-at_install")
class TestPartner(TieringCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls._create_client("Acme", user=cls.own)
        cls.contact = cls.env["res.partner"].create(
            {"name": "Ann Lee", "parent_id": cls.client.id}
        )
        cls.beta = cls._create_client("Beta", user=cls.other)
        cls.partners = cls.client | cls.contact | cls.beta

    def _search(self, domain):
        return self.env["res.partner"].search(
            [("id", "in", self.partners.ids), *domain]
        )

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    def test_contacts_show_the_tier_of_their_company(self):
        self._assign(self.client, self.tier_b)
        self.assertEqual(self.client.tier_id, self.tier_b)
        self.assertEqual(self.contact.tier_id, self.tier_b)
        self.assertEqual(self.contact.tier_since, self.today)
        self.assertEqual(self.contact.tier_color, self.tier_b.color)
        self.assertFalse(self.beta.tier_id)

    def test_the_table_of_partners_has_no_column_for_it(self):
        self.env.cr.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'res_partner' AND column_name LIKE 'tier%'"
        )
        self.assertEqual(self.env.cr.fetchall(), [])

    def test_search(self):
        self._assign(self.client, self.tier_b)
        self._assign(self.beta, self.tier_a)
        acme = self.client | self.contact
        for domain, found in (
            ([("tier_id", "=", self.tier_b.id)], acme),
            ([("tier_id", "!=", self.tier_b.id)], self.beta),
            ([("tier_id", "in", (self.tier_a | self.tier_b).ids)], self.partners),
            ([("tier_id", "=", self.tier_c.id)], self.env["res.partner"]),
            ([("tier_id", "!=", False)], self.partners),
            ([("tier_id", "=", False)], self.env["res.partner"]),
            ([("tier_id", "in", [False, self.tier_a.id])], self.beta),
            ([("tier_id", "not in", [False, self.tier_a.id])], acme),
            ([("tier_id.code", "=", "B")], acme),
            ([("tier_id", "ilike", "b")], acme),
            ([("tier_since", "=", self.today)], self.partners),
            ([("tier_since", ">=", self.today)], self.partners),
            ([("tier_since", "<", self.today)], self.env["res.partner"]),
            ([("tier_since", "=", False)], self.env["res.partner"]),
        ):
            with self.subTest(domain=domain):
                self.assertEqual(self._search(domain), self._search([]) & found)

    def test_search_without_tier(self):
        self._assign(self.client, self.tier_b)
        self.assertEqual(self._search([("tier_id", "=", False)]), self.beta)
        self.assertEqual(self._search([("tier_id", "!=", self.tier_b.id)]), self.beta)

    def test_filter_in_memory_as_in_the_database(self):
        self._assign(self.client, self.tier_b, locked=True, lock_reason="Why")
        for domain in (
            [("tier_id", "=", self.tier_b.id)],
            [("tier_id", "=", False)],
            [("tier_id", "!=", False)],
            [("tier_locked", "=", True)],
            [("tier_locked", "=", False)],
            [("tier_since", "=", self.today)],
        ):
            with self.subTest(domain=domain):
                self.assertEqual(
                    self.partners.filtered_domain(domain).sorted("id"),
                    self._search(domain).sorted("id"),
                )

    def test_search_locked(self):
        given = self._assign(self.client, self.tier_b, locked=True, lock_reason="Why")
        acme = self.client | self.contact
        self.assertEqual(
            self._search([("tier_locked", "=", True)]), self._search([]) & acme
        )
        self.assertEqual(self._search([("tier_locked", "=", False)]), self.beta)
        given.lock_until = self.today
        self.assertTrue(self.client.tier_locked)
        given.lock_until = self.today - timedelta(days=1)
        self.assertFalse(self.client.tier_locked)
        self.assertFalse(self.client.tier_lock_reason)
        self.assertFalse(self._search([("tier_locked", "=", True)]))
        assignments = self.env["client.tier.assignment"]
        self.assertNotIn(given, assignments.search([("is_locked", "=", True)]))
        self.assertIn(given, assignments.search([("is_locked", "=", False)]))

    def test_group(self):
        self._assign(self.client, self.tier_b)
        groups = self.env["res.partner"]._read_group(
            [("id", "in", self.partners.ids)], ["tier_id"], ["__count"]
        )
        self.assertEqual(dict(groups), {self.tier_b: 2, self.env["client.tier"]: 1})
        groups = self.env["res.partner"]._read_group(
            [("id", "in", self.partners.ids)], ["tier_since:month"], ["__count"]
        )
        self.assertEqual(dict(groups), {self.today.replace(day=1): 2, False: 1})
        self.assertTrue(self.env["res.partner"].fields_get()["tier_id"]["groupable"])
        self.assertTrue(self.env["res.partner"].fields_get()["tier_since"]["groupable"])

    def test_kanban_shows_all_tiers_as_columns(self):
        self._assign(self.client, self.tier_b)
        groups = (
            self.env["res.partner"]
            .with_context(read_group_expand=True)
            .web_read_group([("id", "in", self.partners.ids)], ["tier_id"], ["__count"])
        )["groups"]
        names = [group["tier_id"] and group["tier_id"][1] for group in groups]
        self.assertEqual(names, ["A", "B", "C", False])

    def test_order(self):
        self._assign(self.client, self.tier_b)
        self._assign(self.beta, self.tier_a)
        self.assertEqual(
            self.env["res.partner"].search(
                [("id", "in", (self.client | self.beta).ids)], order="tier_id, id"
            ),
            self.beta | self.client,
        )

    def test_opportunities_and_orders_show_group_and_find_it(self):
        self._assign(self.client, self.tier_b)
        lead = self.env["crm.lead"].create(
            {"name": "Study", "type": "opportunity", "partner_id": self.contact.id}
        )
        lead_without, lead_no_partner = self.env["crm.lead"].create(
            [
                {"name": "Study", "type": "opportunity", "partner_id": self.beta.id},
                {"name": "Study", "type": "opportunity"},
            ]
        )
        order, order_without = self.env["sale.order"].create(
            [{"partner_id": self.contact.id}, {"partner_id": self.beta.id}]
        )
        for with_tier, without in (
            (lead, lead_without | lead_no_partner),
            (order, order_without),
        ):
            model = self.env[with_tier._name]
            with self.subTest(model=model._name):
                records = with_tier | without
                domain = [("id", "in", records.ids)]
                self.assertEqual(with_tier.tier_id, self.tier_b)
                self.assertEqual(with_tier.tier_color, self.tier_b.color)
                self.assertFalse(without.tier_id)
                self.assertEqual(
                    model.search([*domain, ("tier_id", "=", self.tier_b.id)]), with_tier
                )
                self.assertEqual(
                    model.search([*domain, ("tier_id", "=", False)]).sorted("id"),
                    without.sorted("id"),
                )
                self.assertEqual(
                    dict(model._read_group(domain, ["tier_id"], ["__count"])),
                    {self.tier_b: 1, self.env["client.tier"]: len(without)},
                )
                self.assertEqual(
                    records.filtered_domain([("tier_id", "=", self.tier_b.id)]),
                    with_tier,
                )

    def test_documents_of_another_company_show_its_tier(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.env.user.company_ids = [Command.link(other.id)]
        self._assign(self.client, self.tier_b)
        tier = self.env["client.tier"].sudo().search([("company_id", "=", other.id)])[0]
        self.env["client.tier.assignment"]._assign(self.client, other, tier)
        leads = self.env["crm.lead"].create(
            [
                {"name": "Here", "partner_id": self.client.id, "company_id": company}
                for company in (self.company.id, other.id, False)
            ]
        )
        both = (self.company | other).ids
        leads = leads.with_context(allowed_company_ids=both)
        self.assertEqual(
            [lead.tier_id for lead in leads], [self.tier_b, tier, self.tier_b]
        )
        self.assertEqual(
            leads.search([("id", "in", leads.ids), ("tier_id", "=", tier.id)]), leads[1]
        )

    def test_a_list_costs_a_constant_number_of_queries(self):
        clients = self.env["res.partner"]
        for number in range(40):
            client = self._create_client(f"Client {number}")
            self._assign(client, self.tier_a)
            clients |= client
        self.env.flush_all()
        few, many = clients[:5], clients

        def count(records):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            records.mapped("tier_id.name")
            records.mapped("tier_locked")
            return self.env.cr.sql_log_count - before

        count(few)
        self.assertEqual(count(few), count(many))

    # ------------------------------------------------------------
    # BY HAND
    # ------------------------------------------------------------

    def test_give_a_tier_by_hand(self):
        self.client.tier_id = self.tier_c
        self.contact.tier_id = self.tier_b
        self.assertEqual(self.client.tier_id, self.tier_b)
        self.client.tier_id = False
        self.assertFalse(self.contact.tier_id)
        self.assertEqual(
            self._get_history(self.client),
            [("manual", False, "C"), ("manual", "C", "B"), ("manual", "B", False)],
        )
        change = self.client.tier_change_ids[0]
        self.assertEqual(change.user_id, self.env.user)
        self.assertEqual(change.company_id, self.company)

    def test_the_same_tier_again_is_no_change(self):
        self.client.tier_id = self.tier_c
        self.env["client.tier.assignment"].search(
            [("partner_id", "=", self.client.id)]
        ).since = "2020-01-01"
        self.client.tier_id = self.tier_c
        self.assertEqual(len(self._get_history(self.client)), 1)
        self.assertEqual(self.client.tier_since, self._day("2020-01-01"))

    def test_a_contact_has_no_assignment_of_its_own(self):
        given = self.env["client.tier.assignment"].create(
            {"partner_id": self.contact.id, "tier_id": self.tier_a.id}
        )
        self.assertEqual(given.partner_id, self.client)
        with self.assertRaisesRegex(ValidationError, "is a contact of"):
            given.partner_id = self.contact

    @mute_logger("odoo.sql_db")
    def test_one_tier_per_company(self):
        self._assign(self.client, self.tier_a)
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.env["client.tier.assignment"].create(
                {"partner_id": self.client.id, "tier_id": self.tier_b.id}
            )

    def test_a_lock_needs_a_reason(self):
        given = self._assign(self.client, self.tier_a)
        with self.assertRaisesRegex(ValidationError, "Say why"):
            given.locked = True

    def test_dialog(self):
        self._assign(self.client, self.tier_c)
        action = self.contact.action_change_tier()
        with Form(
            self.env["client.tier.set"].with_context(**action["context"])
        ) as form:
            self.assertEqual(form.tier_id, self.tier_c)
            form.tier_id = self.tier_a
            form.reason = "Frame contract"
            form.locked = True
            form.lock_reason = "Reference client"
        form.save().action_set()
        self.assertEqual(self.client.tier_id, self.tier_a)
        self.assertTrue(self.client.tier_locked)
        self.assertEqual(self.client.tier_lock_reason, "Reference client")
        self.assertEqual(self.client.tier_change_ids[0].reason, "Frame contract")

    def test_dialog_for_several(self):
        self._assign(self.client, self.tier_c)
        wizard = (
            self.env["client.tier.set"]
            .with_context(
                active_model="res.partner", active_ids=(self.contact | self.beta).ids
            )
            .create({"tier_id": self.tier_b.id})
        )
        self.assertEqual(wizard.partner_ids, self.client | self.beta)
        wizard.action_set()
        self.assertEqual(self._get_tiers(self.client, self.beta), ["B", "B"])

    def test_dialog_for_several_leaves_locks(self):
        locked = self._assign(self.client, self.tier_c)
        locked.write({"locked": True, "lock_reason": "Reference client"})
        wizard = (
            self.env["client.tier.set"]
            .with_context(
                active_model="res.partner", active_ids=(self.client | self.beta).ids
            )
            .create({"tier_id": self.tier_b.id})
        )
        wizard.action_set()
        self.assertTrue(self.client.tier_locked)
        self.assertFalse(self.beta.tier_locked)
        wizard.write({"locked": True, "lock_reason": "Frame contract"})
        wizard.action_set()
        self.assertEqual(
            (self.client | self.beta).mapped("tier_lock_reason"),
            ["Frame contract", "Frame contract"],
        )

    def test_dialog_takes_a_tier_away(self):
        self._assign(self.client, self.tier_c)
        wizard = (
            self.env["client.tier.set"]
            .with_context(active_model="res.partner", active_ids=self.client.ids)
            .create({"tier_id": False})
        )
        wizard.action_set()
        self.assertFalse(self.client.tier_id)

    # ------------------------------------------------------------
    # CLIENTS THAT CHANGE
    # ------------------------------------------------------------

    def _merge(self, *sources, into):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([partner.id for partner in (*sources, into)], into)

    def test_merge_keeps_the_tier_of_the_one_that_stays(self):
        self._assign(self.beta, self.tier_c)
        self._assign(self.client, self.tier_a)
        self._merge(self.beta, into=self.client)
        self.assertEqual(self.client.tier_id, self.tier_a)
        self.assertEqual(
            self.env["client.tier.assignment"].search_count(
                [("partner_id", "=", self.client.id)]
            ),
            1,
        )
        self.assertEqual(
            sorted(self._get_history(self.client)),
            sorted(
                [
                    ("manual", False, "C"),
                    ("manual", False, "A"),
                    ("merge", "C", False),
                ]
            ),
        )

    def test_merge_takes_the_tier_over_where_there_is_none(self):
        self._assign(self.beta, self.tier_c)
        self._merge(self.beta, into=self.client)
        self.assertEqual(self.client.tier_id, self.tier_c)

    def test_merge_keeps_a_lock(self):
        self._assign(self.beta, self.tier_c, locked=True, lock_reason="Reference")
        self._assign(self.client, self.tier_a)
        self._merge(self.beta, into=self.client)
        self.assertEqual(self.client.tier_id, self.tier_c)
        self.assertTrue(self.client.tier_locked)

    def test_merge_of_three(self):
        third = self._create_client("Third")
        for partner, tier in zip(
            (self.beta, third), (self.tier_b, self.tier_c), strict=True
        ):
            self._assign(partner, tier)
        self._merge(self.beta, third, into=self.client)
        self.assertEqual(self.client.tier_id, self.tier_b)

    def test_merge_leaves_one_line_in_a_draft_review(self):
        for partner in (self.client, self.beta):
            self._create_invoice(partner, 100)
        review = self._create_review()
        self._merge(self.beta, into=self.client)
        self.env.invalidate_all()
        self.assertEqual(len(self._get_line(review, self.client)), 1)
        review.action_propose()
        self.assertEqual(self._get_line(review, self.client).revenue, 200)

    def test_a_client_that_becomes_a_contact_hands_its_tier_over(self):
        self._assign(self.beta, self.tier_c)
        self.beta.parent_id = self.client
        self.beta.is_company = False
        self.assertEqual(self.client.tier_id, self.tier_c)
        self.assertEqual(self.beta.tier_id, self.tier_c)
        self.assertEqual(self._get_history(self.client), [("manual", False, "C")])

    def test_a_client_that_becomes_a_contact_of_one_with_a_tier(self):
        self._assign(self.beta, self.tier_c)
        self._assign(self.client, self.tier_a)
        self.beta.write({"parent_id": self.client.id, "is_company": False})
        self.assertEqual(self.client.tier_id, self.tier_a)
        self.assertEqual(self.beta.tier_id, self.tier_a)
        self.assertFalse(
            self.env["client.tier.assignment"].search(
                [("partner_id", "=", self.beta.id)]
            )
        )
        self.assertIn(("move", "C", False), self._get_history(self.client))

    def test_a_contact_that_leaves_starts_without_tier(self):
        self._assign(self.client, self.tier_a)
        self.contact.write({"parent_id": False})
        self.assertFalse(self.contact.tier_id)
        self.assertEqual(self.client.tier_id, self.tier_a)

    def test_archived_clients_keep_their_tier(self):
        self._assign(self.client, self.tier_a)
        self.client.active = False
        self.assertEqual(self.client.tier_id, self.tier_a)

    def test_deleted_clients_take_their_tier_along(self):
        given = self._assign(self.beta, self.tier_a)
        self.beta.unlink()
        self.assertFalse(given.exists())

    def test_history_of_a_client(self):
        self._assign(self.client, self.tier_a)
        action = self.contact.action_view_tier_history()
        self.assertEqual(
            self.env[action["res_model"]].search(action["domain"]),
            self.client.tier_change_ids,
        )
