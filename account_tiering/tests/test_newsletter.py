from ast import literal_eval
from datetime import timedelta

from psycopg2.errors import CheckViolation, UniqueViolation

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .newsletter_common import NewsletterCommon


@tagged("post_install", "-at_install")
class TestNewsletterFilter(NewsletterCommon):
    """The audience of a tier."""

    def _get_filter(self, tier):
        filters = self.env["mailing.filter"].with_context(active_test=False)
        return filters.search([("tier_id", "=", tier.id)])

    def _get_audience(self, tier, user=None):
        partners = self.env["res.partner"].with_user(user or self.director)
        domain = self._get_filter(tier).mailing_domain
        # As mailings do: the domain is plain data.
        return partners.search(literal_eval(domain))

    def test_for_tiers_with_newsletters(self):
        self.assertFalse(self._get_filter(self.tier_a))
        self.assertEqual(self._get_filter(self.tier_b).name, "Tier B (Agency)")
        self.assertEqual(
            self._get_filter(self.tier_c).mailing_model_name, "res.partner"
        )
        self.env["client.tier.cadence"].create(
            {"tier_id": self.tier_a.id, "channel": "newsletter"}
        )
        self.assertTrue(self._get_filter(self.tier_a).active)
        self.tier_a.cadence_ids.filtered(
            lambda one: one.channel == "newsletter"
        ).unlink()
        self.assertFalse(self._get_filter(self.tier_a).active)

    def test_contacts(self):
        self.client_b.email = "info@beta.example.com"
        self._create_contact(self.client_b, "gone@beta.example.com", active=False)
        self._create_contact(self.client_b, "bills@beta.example.com", type="invoice")
        self._create_contact(self.client_b, False)
        self._create_contact(self.client_b, "no address")
        blocked = self._create_contact(self.client_b, "no@beta.example.com")
        self.env["mail.blacklist"]._add(blocked.email)
        expected = self.ben | self.bea | self.client_b
        for user in (self.director, self.marketer, self.own, self.env.user):
            self.assertEqual(self._get_audience(self.tier_b, user), expected)

    def test_archived_client(self):
        self.client_b.with_context(active_test=False).active = False
        self.assertTrue(self.ben.active)
        self.assertFalse(self._get_audience(self.tier_b))

    def test_tier_changes(self):
        self._assign(self.client_b, self.tier_c)
        self.assertFalse(self._get_audience(self.tier_b))
        self.assertEqual(
            self._get_audience(self.tier_c), self.ben | self.bea | self.cat
        )

    def test_whatever_the_current_company(self):
        """The queue of mailings runs in the main company."""
        main = self.env.ref("base.main_company")
        root = self.env(
            user=self.env.ref("base.user_root"),
            su=True,
            context={"allowed_company_ids": main.ids},
        )
        domain = self._get_filter(self.tier_b).mailing_domain
        found = root["res.partner"].search(literal_eval(domain))
        self.assertEqual(found.ids, (self.ben | self.bea).sorted().ids)

    def test_contact_of_another_company(self):
        self.bea.company_id = self.env.ref("base.main_company")
        self.assertEqual(
            self._get_audience(self.tier_b, self.env.ref("base.user_root")), self.ben
        )

    def test_follows_the_tier(self):
        audience = self._get_filter(self.tier_b)
        self.tier_b.name = "Basic"
        self.assertEqual(audience.name, "Tier Basic (Agency)")
        self._assign(self.client_b, self.tier_c)
        self.tier_b.active = False
        self.assertFalse(audience.active)
        self.tier_b.active = True
        self.assertTrue(audience.active)

    def test_what_was_changed_by_hand_stays(self):
        audience = self._get_filter(self.tier_b)
        audience.name = "Friends"
        domain = "[('is_company', '=', True)]"
        audience.mailing_domain = domain
        self.tier_b.name = "Basic"
        self.env["mailing.filter"]._follow_tiers(self.tier_b)
        self.assertEqual((audience.name, audience.mailing_domain), ("Friends", domain))
        audience.active = False
        self.env["mailing.filter"]._follow_tiers(self.tier_b)
        self.assertFalse(audience.active)

    def test_one_name_by_hand_lets_the_rest_follow(self):
        audience = self._get_filter(self.tier_b)
        audience.name = "Friends"
        self._assign(self.client_b, self.tier_c)
        self.tier_b.active = False
        self.assertFalse(audience.active)

    def test_deleted_is_not_made_again(self):
        self._get_filter(self.tier_b).unlink()
        self.env["mailing.filter"]._follow_tiers(self.tier_b)
        self.tier_b.name = "Basic"
        self.assertFalse(self._get_filter(self.tier_b))

    def test_removed_with_the_tier(self):
        tier = self.env["client.tier"].create(
            {
                "name": "D",
                "code": "D",
                "sequence": 90,
                "company_id": self.company.id,
                "cadence_ids": [Command.create({"channel": "newsletter"})],
            }
        )
        audience = self._get_filter(tier)
        other = tier.copy()
        kept = self._get_filter(other)
        kept.name = "Mine"
        (tier | other).unlink()
        self.assertFalse(audience.exists())
        self.assertTrue(kept.exists())

    def test_one_for_each_tier(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            self.env["mailing.filter"].create(
                {
                    "name": "Again",
                    "mailing_domain": "[]",
                    "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                    "tier_id": self.tier_b.id,
                }
            )

    def test_fields_of_partners(self):
        self.assertEqual(self.ben.newsletter_tier_ids, self.tier_b)
        self.assertFalse(self.contact.newsletter_tier_ids & self.tier_b)
        partners = self.env["res.partner"]
        contacts = self.ben | self.cat | self.client_b
        found = partners.search(
            [("id", "in", contacts.ids), ("newsletter_tier_ids", "=", False)]
        )
        self.assertEqual(found, self.client_b)
        found = partners.search(
            [
                ("id", "in", contacts.ids),
                ("newsletter_tier_ids", "not in", self.tier_b.ids),
            ]
        )
        self.assertEqual(found, self.cat | self.client_b)
        with self.assertRaises(AccessError):
            partners.with_user(self.internal).search(
                [("newsletter_tier_ids", "in", self.tier_b.ids)]
            )


@tagged("post_install", "-at_install")
class TestNewsletterPrepare(NewsletterCommon):
    """Drafts, ahead of the due date."""

    def test_ahead_of_the_due_date(self):
        _first, day = self._plan_until_newsletter()
        self.assertFalse(self._prepare(day - timedelta(days=15)))
        newsletters = self._prepare(day - timedelta(days=14))
        self.assertEqual(newsletters.tier_id, self.tier_b | self.tier_c)
        self.assertEqual(len(newsletters), 2)
        newsletter = newsletters.filtered(lambda one: one.tier_id == self.tier_b)
        self.assertEqual(newsletter.date_due, day)
        self.assertEqual(newsletter.state, "draft")

    def test_days_are_a_setting(self):
        _first, day = self._plan_until_newsletter()
        self.company.newsletter_days = 30
        self.assertTrue(self._prepare(day - timedelta(days=30)))
        with mute_logger("odoo.sql_db"), self.assertRaises(CheckViolation):
            self.company.newsletter_days = -1
            self.company.flush_recordset()

    def test_draft(self):
        newsletter, _day = self._prepare_first()
        mailing = newsletter.mailing_id
        self.assertEqual(mailing.state, "draft")
        self.assertEqual(mailing.user_id, self.director)
        self.assertEqual(mailing.email_from, self.director.email_formatted)
        self.assertEqual(mailing.reply_to, self.director.email_formatted)
        self.assertTrue(mailing.use_exclusion_list)
        self.assertIn("News of the quarter", mailing.body_arch)
        self.assertIn("News of the quarter", mailing.body_html)
        self.assertIn("/unsubscribe_from_list", mailing.body_html)
        self.assertIn("Agency", mailing.subject)
        self.assertNotIn("tier", mailing.subject.lower())
        self.assertFalse(
            self.env["mailing.trace"].search([("mass_mailing_id", "=", mailing.id)])
        )

    def test_audience(self):
        newsletter, _day = self._prepare_first()
        blocked = self._create_contact(self.client_b, "no@beta.example.com")
        self.env["mail.blacklist"]._add(blocked.email)
        for user in (self.director, self.marketer, self.env.ref("base.user_root")):
            self.assertEqual(
                self._get_recipients(newsletter.mailing_id, user), self.ben | self.bea
            )
        self.assertEqual(newsletter.recipient_count, 2)
        self.assertEqual(newsletter.mailing_id.with_user(self.marketer).total, 2)

    def test_audience_shrinks_with_what_took_place(self):
        other = self._create_client("Bravo", user=self.own)
        bob = self._create_contact(other, "bob@bravo.example.com")
        self._assign(other, self.tier_b)
        newsletter, day = self._prepare_first()
        self.assertEqual(
            self._get_recipients(newsletter.mailing_id), self.ben | self.bea | bob
        )
        with self._at(day):
            self._get(other, "newsletter")[0].action_done()
        self.assertEqual(
            self._get_recipients(newsletter.mailing_id), self.ben | self.bea
        )

    def test_filter_and_back(self):
        """Whoever takes another audience can come back to the prepared one."""
        mailing = self._prepare_first()[0].mailing_id
        domain = mailing.mailing_domain
        mailing.mailing_filter_id = self.env["mailing.filter"].search(
            [("tier_id", "=", self.tier_c.id)]
        )
        self.assertEqual(self._get_recipients(mailing), self.cat)
        mailing.mailing_filter_id = False
        self.assertEqual(mailing.mailing_domain, domain)

    def test_again_prepares_nothing(self):
        newsletter, day = self._prepare_first()
        mailing = newsletter.mailing_id
        count = self.env["mailing.mailing"].search_count([])
        self._prepare(day)
        self.assertEqual(newsletter.mailing_id, mailing)
        self.assertEqual(self.env["mailing.mailing"].search_count([]), count)

    def test_unique(self):
        newsletter, _day = self._prepare_first()
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            newsletter.copy()

    def test_deleted_draft(self):
        newsletter, day = self._prepare_first()
        newsletter.mailing_id.with_user(self.director).unlink()
        self.assertEqual(newsletter.state, "removed")
        self.assertFalse(newsletter.activity_ids)
        self._prepare(day)
        self.assertFalse(newsletter.mailing_id)
        newsletter.with_user(self.manager).action_prepare()
        self.assertEqual(newsletter.state, "draft")
        self.assertEqual(newsletter.activity_ids.user_id, self.director)
        mailing = newsletter.mailing_id
        newsletter.with_user(self.manager).action_prepare()
        self.assertEqual(newsletter.mailing_id, mailing)

    def test_prepare_again_for_nobody(self):
        newsletter, day = self._prepare_first()
        newsletter.mailing_id.unlink()
        with self._at(day):
            self._get(self.client_b, "newsletter")[0].action_done()
        with self.assertRaisesRegex(UserError, "No client is owed"):
            newsletter.with_user(self.manager).action_prepare()

    def test_not_for_nobody(self):
        """A newsletter that nobody would get is not prepared."""
        (self.ben | self.bea).active = False
        _first, day = self._plan_until_newsletter()
        self.assertEqual(self._prepare(day).tier_id, self.tier_c)

    def test_by_hand_before_it_is_due(self):
        first, _day = self._plan_until_newsletter()
        with self.assertRaisesRegex(UserError, "not prepared yet"):
            first.action_view_newsletter()
        action = first.with_user(self.director).action_prepare_newsletter()
        newsletter = self.letters.browse(action["res_id"])
        self.assertEqual(newsletter.state, "draft")
        self.assertEqual(first.newsletter_id, newsletter)
        self.assertEqual(first.action_view_newsletter()["res_id"], newsletter.id)
        with self.assertRaises(AccessError):
            first.with_user(self.own).action_prepare_newsletter()

    def test_activity(self):
        newsletter, day = self._prepare_first()
        activity = newsletter.activity_ids
        self.assertEqual(activity.user_id, self.director)
        self.assertEqual(activity.date_deadline, day)
        self.assertIn("tier B", activity.summary)
        newsletter.mailing_id.user_id = self.manager
        self.assertEqual(activity.user_id, self.manager)
        self.assertEqual(newsletter.user_id, self.manager)

    def test_activity_is_done_by_a_salesman(self):
        self.company.tier_director_id = False
        newsletter, _day = self._prepare_first()
        self.assertEqual(newsletter.user_id, self.own)
        activity = newsletter.activity_ids.with_user(self.own)
        activity.action_feedback(feedback="Told a colleague")
        self.assertFalse(newsletter.activity_ids)

    def test_responsible(self):
        """The director; without rights to do mailings, somebody who has them."""
        newsletter, _day = self._prepare_first()
        self.assertEqual(newsletter._get_responsible(), self.director)
        self.company.tier_director_id = self.manager
        self.assertEqual(newsletter._get_responsible(), self.manager)
        self.own.group_ids += self.env.ref("mass_mailing.group_mass_mailing_user")
        self.assertEqual(newsletter._get_responsible(), self.own)
        self.company.tier_director_id = self.director
        self.assertEqual(newsletter._get_responsible(), self.director)
        self.company.tier_director_id = False
        self.client_b.user_id = False
        self._plan()
        self.assertIn(
            newsletter._get_responsible(), self.director | self.marketer | self.own
        )

    def test_sender_without_address(self):
        self.director.email = False
        newsletter, _day = self._prepare_first()
        self.assertIn("office@agency.example.com", newsletter.mailing_id.email_from)

    def test_due_day_follows(self):
        newsletter, day = self._prepare_first()
        touchpoint = self._get(self.client_b, "newsletter")[0]
        with self._at(day - timedelta(days=5)):
            touchpoint.action_reschedule(day + timedelta(days=7))
            self.letters._run_company(self.company)
        self.assertEqual(newsletter.date_due, day + timedelta(days=7))
        self.assertEqual(newsletter.activity_ids.date_deadline, newsletter.date_due)

    def test_late_stays_late(self):
        newsletter, day = self._prepare_first()
        touchpoint = self._get(self.client_b, "newsletter")[0]
        with self._at(day + timedelta(days=20)):
            touchpoint.action_reschedule(day + timedelta(days=25))
            self.letters._run_company(self.company)
        self.assertEqual(newsletter.date_due, day)

    def test_one_mailing_for_the_tier(self):
        """All clients of a tier share the slots: whenever they came."""
        with self._at(self.TODAY):
            self._plan()
        later = self._day(self.TODAY) + timedelta(days=33)
        other = self._create_client("Bravo", user=self.other)
        self._create_contact(other, "bob@bravo.example.com")
        self._assign(other, self.tier_b)
        with self._at(later):
            self._plan()
        slots = [
            {
                (one.year, one.number): one.date_due
                for one in self._get(client, "newsletter")
                if one.date_due >= later
            }
            for client in (self.client_b, other)
        ]
        shared = slots[0].keys() & slots[1].keys()
        self.assertGreaterEqual(len(shared), 3)
        for slot in shared:
            self.assertEqual(slots[0][slot], slots[1][slot])

    def test_two_companies(self):
        company = self.env["res.company"].create({"name": "Studio"})
        tier = self.env["client.tier"].search(
            [("company_id", "=", company.id), ("code", "=", "B")]
        )
        self.env.user.company_ids += company
        self.env["client.tier.assignment"]._assign(self.client_c, company, tier)
        touchpoints = self.touchpoints.with_context(
            allowed_company_ids=(self.company | company).ids
        )
        touchpoints.plan()
        day = self._get(self.client_b, "newsletter")[0].date_planned
        with self._at(day):
            self.letters._run_company(self.company)
            self.letters._run_company(company)
        here = self.letters.search([("company_id", "=", self.company.id)])
        there = self.letters.sudo().search([("company_id", "=", company.id)])
        self.assertEqual(there.tier_id, tier)
        self.assertEqual(
            self._get_recipients(there.mailing_id, self.env.ref("base.user_root")),
            self.cat,
        )
        self.assertIn("Studio", there.mailing_id.subject)
        visible = self.letters.with_user(self.director).search([])
        self.assertEqual(visible, here)
        self.assertFalse(there & visible)

    def test_access(self):
        newsletter, _day = self._prepare_first()
        newsletter.mailing_id.unlink()
        for user in (self.own, self.all_docs, self.manager, self.marketer):
            self.assertTrue(newsletter.with_user(user).read(["state", "client_count"]))
        for user in (self.internal, self.portal):
            with self.assertRaises(AccessError):
                newsletter.with_user(user).read(["state"])
        for user in (self.own, self.all_docs):
            self.assertFalse(newsletter.with_user(user).can_prepare)
            with self.assertRaises(AccessError):
                newsletter.with_user(user).action_prepare()
            with self.assertRaises(AccessError):
                newsletter.with_user(user).write({"number": 9})
        for user in (self.own, self.all_docs, self.manager, self.marketer):
            with self.assertRaises(AccessError):
                newsletter.with_user(user).unlink()
            with self.assertRaises(AccessError):
                self.letters.with_user(user).create({})
        self.assertTrue(newsletter.with_user(self.marketer).can_open_mailing)
        self.assertFalse(newsletter.with_user(self.own).can_open_mailing)
        newsletter.with_user(self.marketer).action_prepare()
        self.assertEqual(newsletter.state, "draft")

    def test_tier_button(self):
        newsletter, _day = self._prepare_first()
        self.assertEqual(self.tier_b.newsletter_count, 1)
        action = self.tier_b.action_view_newsletters()
        self.assertEqual(self.letters.search(action["domain"]), newsletter)

    def test_cron(self):
        _first, day = self._plan_until_newsletter()
        with self._at(day), self.enter_registry_test_mode():
            self.env.ref("account_tiering.ir_cron_newsletters").method_direct_trigger()
        self.assertEqual(
            self.letters.search([("company_id", "=", self.company.id)]).tier_id,
            self.tier_b | self.tier_c,
        )

    def test_query_count(self):
        """A newsletter takes as many queries for many clients as for a few."""
        self._plan()
        days = [one.date_planned for one in self._get(self.client_b, "newsletter")]
        self.company.newsletter_days = 0
        with self._at(days[0]):
            few = self._count_queries(2)
        for number in range(60):
            client = self._create_client(f"Bulk {number}", user=self.own)
            self._create_contact(client, f"bulk{number}@bulk.example.com")
            self._assign(client, self.tier_b)
        with self._at(days[0]):
            self._plan()
        # Those of before and after are the same: B and C again.
        day = self._get(self.client_b, "newsletter")[1].date_planned
        with self._at(day):
            many = self._count_queries(2)
        self.assertLessEqual(many, few)

    def test_list_query_count(self):
        """The figures of many newsletters are read at once."""
        self.company.newsletter_days = 180
        first = self._prepare_first()[0]
        newsletters = self.letters.search([("company_id", "=", self.company.id)])
        self.assertGreater(len(newsletters), 3)
        figures = ["client_count", "held_count", "unreached_count", "recipient_count"]
        counts = []
        for some in (first, newsletters):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some.read(figures)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def _count_queries(self, expected):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        newsletters = self.letters._prepare_due(self.company)
        self.env.flush_all()
        self.assertEqual(len(newsletters), expected)
        return self.env.cr.sql_log_count - before

    def test_settings(self):
        settings = self.env["res.config.settings"].create({"newsletter_days": 21})
        settings.execute()
        self.assertEqual(self.company.newsletter_days, 21)
