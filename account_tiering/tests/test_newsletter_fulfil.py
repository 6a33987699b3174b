from datetime import timedelta

from psycopg2.errors import UniqueViolation

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .newsletter_common import NewsletterCommon


@tagged("post_install", "-at_install")
class TestNewsletterFulfil(NewsletterCommon):
    """Sent mailings fulfil touchpoints."""

    def _first(self, client):
        return self._get(client, "newsletter")[0]

    def test_prepared_one(self):
        newsletter, day = self._prepare_first()
        mailing = newsletter.mailing_id
        self._send(mailing, day)
        self.assertMailTraces(
            [{"partner": self.ben}, {"partner": self.bea}],
            mailing,
            self.ben | self.bea,
            check_mail=False,
        )
        self.assertEqual(newsletter.state, "sent")
        self.assertFalse(newsletter.activity_ids)
        fulfilled = self._fulfil(day)
        touchpoint = self._first(self.client_b)
        self.assertEqual(fulfilled, touchpoint)
        self.assertEqual(touchpoint.state, "done")
        self.assertFalse(touchpoint.is_open)
        self.assertEqual(touchpoint.date_done, day)
        self.assertEqual(
            (touchpoint.touch_model, touchpoint.touch_id),
            ("mailing.mailing", mailing.id),
        )
        self.assertEqual(newsletter.held_count, 1)
        self.assertEqual(self._first(self.client_c).state, "planned")
        self.assertFalse(self._fulfil(day))

    def test_through_the_queue(self):
        """The human presses Send; Odoo's queue sends it in the main company."""
        newsletter, day = self._prepare_first()
        mailing = newsletter.mailing_id
        with self._at(day, 9), self.mock_mail_gateway():
            mailing.with_user(self.director).action_launch()
            self.assertEqual(newsletter.state, "queued")
            with self.enter_registry_test_mode():
                self.env.ref(
                    "mass_mailing.ir_cron_mass_mailing_queue"
                ).method_direct_trigger()
        self.assertEqual(mailing.state, "done")
        self.assertEqual(
            set(mailing.mailing_trace_ids.mapped("email")),
            {"ben@beta.example.com", "bea@beta.example.com"},
        )
        self.assertEqual(self._fulfil(day), self._first(self.client_b))

    def test_plan_counts_it(self):
        newsletter, day = self._prepare_first()
        self._send(newsletter.mailing_id, day)
        with self._at(day, 12):
            self._plan()
        self.assertEqual(self._first(self.client_b).state, "done")

    def test_nothing_happens_without_a_human(self):
        newsletter, day = self._prepare_first()
        for days in range(3):
            self._prepare(day + timedelta(days=days))
        self.assertEqual(newsletter.mailing_id.state, "draft")
        self.assertTrue(self._first(self.client_b).is_open)

    def test_own_slot_before_the_nearest(self):
        """A newsletter that is sent very late still is what it was prepared for."""
        newsletter, day = self._prepare_first()
        late = day + timedelta(days=60)
        self._send(newsletter.mailing_id, late)
        touchpoints = self._get(self.client_b, "newsletter")
        self.assertEqual(self._fulfil(late), touchpoints[0])

    def test_any_other_mailing(self):
        _first, day = self._plan_until_newsletter()
        mailing = self._create_mailing(self.ben | self.bea | self.cat)
        self._send(mailing, day)
        fulfilled = self._fulfil(day)
        self.assertEqual(
            fulfilled, self._first(self.client_b) | self._first(self.client_c)
        )

    def test_any_other_mailing_prepared_one_goes_to_the_rest(self):
        other = self._create_client("Bravo", user=self.own)
        bob = self._create_contact(other, "bob@bravo.example.com")
        self._assign(other, self.tier_b)
        newsletter, day = self._prepare_first()
        self._send(self._create_mailing(self.ben), day - timedelta(days=2))
        self._fulfil(day - timedelta(days=2))
        self.assertEqual(self._get_recipients(newsletter.mailing_id), bob)

    def test_two_mailings_count_for_two_at_most(self):
        """The second one within a few days is too far from the next due date."""
        _first, day = self._plan_until_newsletter()
        for days in (0, 2):
            self._send(self._create_mailing(self.ben), day + timedelta(days=days))
        self.assertEqual(
            self._fulfil(day + timedelta(days=3)), self._first(self.client_b)
        )

    def test_client_itself(self):
        self.client_b.email = "info@beta.example.com"
        _first, day = self._plan_until_newsletter()
        self._send(self._create_mailing(self.client_b), day)
        self.assertEqual(self._fulfil(day), self._first(self.client_b))

    def test_mailing_list(self):
        mailing_list = self.env["mailing.list"].create({"name": "Readers"})
        contacts = self.env["mailing.contact"].create(
            [
                {"name": "Ben", "email": "Ben <BEN@beta.example.com>"},
                {"name": "Cat", "email": "cat@cosy.example.com"},
            ]
        )
        self.env["mailing.subscription"].create(
            [
                {
                    "contact_id": contact.id,
                    "list_id": mailing_list.id,
                    # Cat has unsubscribed.
                    "opt_out": contact == contacts[1],
                }
                for contact in contacts
            ]
        )
        _first, day = self._plan_until_newsletter()
        mailing = self._create_mailing(lists=mailing_list)
        self._send(mailing, day)
        self.assertEqual(self._fulfil(day), self._first(self.client_b))

    def test_archived_contact_of_a_list(self):
        mailing_list = self.env["mailing.list"].create({"name": "Readers"})
        self.env["mailing.contact"].create(
            {
                "name": "Ben",
                "email": "ben@beta.example.com",
                "list_ids": [Command.link(mailing_list.id)],
            }
        )
        self.ben.active = False
        _first, day = self._plan_until_newsletter()
        self._send(self._create_mailing(lists=mailing_list), day)
        self.assertFalse(self._fulfil(day))

    def test_blacklisted(self):
        self.env["mail.blacklist"]._add(self.cat.email)
        _first, day = self._plan_until_newsletter()
        self.env["mail.blacklist"]._add(self.ben.email)
        self.env["mail.blacklist"]._add(self.bea.email)
        mailing = self._create_mailing(self.ben | self.bea)
        self._send(mailing, day)
        self.assertEqual(
            set(mailing.mailing_trace_ids.mapped("trace_status")), {"cancel"}
        )
        self.assertFalse(self._fulfil(day))

    def test_without_exclusion_list(self):
        """Who is written to against his will has not consented."""
        _first, day = self._plan_until_newsletter()
        self.env["mail.blacklist"]._add(self.cat.email)
        mailing = self._create_mailing(self.ben | self.cat, use_exclusion_list=False)
        self._send(mailing, day)
        self.assertEqual(
            set(mailing.mailing_trace_ids.mapped("trace_status")), {"sent"}
        )
        self.assertEqual(self._fulfil(day), self._first(self.client_b))

    def test_one_of_two_contacts_is_enough(self):
        self.env["mail.blacklist"]._add(self.ben.email)
        newsletter, day = self._prepare_first()
        self._send(newsletter.mailing_id, day)
        self.assertEqual(self._fulfil(day), self._first(self.client_b))

    def test_unsubscribes_afterwards(self):
        newsletter, day = self._prepare_first()
        self._send(newsletter.mailing_id, day)
        self.env["mail.blacklist"]._add(self.ben.email)
        self.env["mail.blacklist"]._add(self.bea.email)
        self.assertEqual(self._fulfil(day), self._first(self.client_b))

    def test_shared_address(self):
        """One mail for two clients reaches both."""
        other = self._create_client("Bravo", user=self.own)
        twin = self._create_contact(other, "ben@beta.example.com")
        self._assign(other, self.tier_b)
        newsletter, day = self._prepare_first()
        mailing = self._send(newsletter.mailing_id, day)
        statuses = mailing.mailing_trace_ids.filtered(
            lambda one: one.res_id in (self.ben | twin).ids
        ).mapped("trace_status")
        self.assertEqual(sorted(statuses), ["cancel", "sent"])
        self.assertEqual(
            self._fulfil(day), self._first(self.client_b) | self._first(other)
        )

    def test_bounced_at_once(self):
        newsletter, day = self._prepare_first()
        mailing = self._send(newsletter.mailing_id, day)
        for contact in (self.ben, self.bea):
            self.gateway_mail_trace_bounce(mailing, contact)
        self.assertFalse(self._fulfil(day))
        touchpoint = self._first(self.client_b)
        self.assertTrue(touchpoint.is_open)
        self.assertEqual(touchpoint.newsletter_reach, "bounced")
        self.assertEqual(newsletter.unreached_count, 1)

    def test_bounced_later(self):
        newsletter, day = self._prepare_first()
        mailing = self._send(newsletter.mailing_id, day)
        self._fulfil(day)
        touchpoint = self._first(self.client_b)
        self.gateway_mail_trace_bounce(mailing, self.ben)
        with self._at(day + timedelta(days=1)):
            self.touchpoints._offer_returned(self.company)
        self.assertEqual(touchpoint.state, "done")
        self.gateway_mail_trace_bounce(mailing, self.bea)
        with self._at(day + timedelta(days=1)):
            self.letters._run_company(self.company)
        self.assertEqual(touchpoint.state, "planned")
        self.assertTrue(touchpoint.is_open)
        self.assertFalse(touchpoint.touch_id or touchpoint.date_done)
        with self._at(day + timedelta(days=1)):
            self._plan()
        self.assertTrue(touchpoint.is_open)

    def test_smtp_failure_and_retry(self):
        newsletter, day = self._prepare_first()
        mailing = self._send(newsletter.mailing_id, day)
        mailing.mailing_trace_ids.set_failed(failure_type="mail_smtp")
        self.assertFalse(self._fulfil(day))
        mailing.mailing_trace_ids.filtered(
            lambda one: one.res_id == self.ben.id
        ).set_sent()
        self.assertEqual(self._fulfil(day), self._first(self.client_b))
        # The one who failed still is a recipient of this mailing.
        mailing.mailing_trace_ids.filtered(
            lambda one: one.res_id == self.bea.id
        ).unlink()
        self.assertEqual(mailing._get_remaining_recipients(), self.bea.ids)

    def test_still_leaving(self):
        """Mails that wait in the queue count once they are sent."""
        newsletter, day = self._prepare_first()
        mailing = self._send(newsletter.mailing_id, day)
        mailing.mailing_trace_ids.write(
            {"trace_status": "outgoing", "sent_datetime": False}
        )
        self.assertFalse(self._fulfil(day))
        with self._at(day, 11):
            self.assertTrue(self.letters._is_sending())
        mailing.mailing_trace_ids.set_sent()
        self.assertTrue(self._fulfil(day))
        with self._at(day, 11):
            self.assertFalse(self.letters._is_sending())

    def test_sent_triggers_the_job(self):
        newsletter, day = self._prepare_first()
        cron = self.env.ref("account_tiering.ir_cron_newsletters")
        triggers = self.env["ir.cron.trigger"]
        before = triggers.search_count([("cron_id", "=", cron.id)])
        self._send(newsletter.mailing_id, day)
        after = triggers.search_count([("cron_id", "=", cron.id)])
        self.assertGreater(after, before)

    def test_test_mail_counts_for_nothing(self):
        newsletter, day = self._prepare_first()
        mailing = newsletter.mailing_id
        self.env["mailing.trace"].create(
            {
                "mass_mailing_id": mailing.id,
                "model": "res.partner",
                "res_id": self.ben.id,
                "email": self.ben.email,
                "trace_status": "sent",
                "is_test_trace": True,
            }
        )
        mailing.write({"state": "done", "sent_date": f"{day} 08:00:00"})
        self.assertFalse(self._fulfil(day))

    def test_noted_by_hand(self):
        _first, day = self._plan_until_newsletter()
        with self._at(day):
            self._first(self.client_b).action_done()
        self._send(self._create_mailing(self.ben), day + timedelta(days=1))
        self.assertFalse(self._fulfil(day + timedelta(days=2)))

    def test_day_of_the_company(self):
        """Sent at half past midnight in Brussels, which is the day before in UTC."""
        _first, day = self._plan_until_newsletter()
        self._send(self._create_mailing(self.ben), day)
        trace = self.env["mailing.trace"].search([("email", "=", self.ben.email)])
        trace.sent_datetime = f"{day - timedelta(days=1)} 23:30:00"
        self._fulfil(day)
        self.assertEqual(self._first(self.client_b).date_done, day)

    def test_two_companies(self):
        """A mailing counts where its responsible works, in his own company first."""
        company = self.env["res.company"].create({"name": "Studio"})
        self.env.user.company_ids += company
        for tier_id, client in (("B", self.client_b), ("C", self.client_c)):
            tier = self.env["client.tier"].search(
                [("company_id", "=", company.id), ("code", "=", tier_id)]
            )
            self.env["client.tier.assignment"]._assign(client, company, tier)
        companies = self.company | company
        self.touchpoints.with_context(allowed_company_ids=companies.ids).plan()
        day = self._get(self.client_b, "newsletter", company_id=self.company.id)[
            0
        ].date_planned
        self._send(self._create_mailing(self.ben), day)

        def fulfil(company):
            with self._at(day, 12):
                return self.touchpoints.sudo()._fulfil_from_mailings(company)

        self.assertFalse(fulfil(company))
        self.director.company_ids += company
        self.assertFalse(fulfil(company))
        self.assertEqual(fulfil(self.company).company_id, self.company)
        self.assertFalse(fulfil(company))
        # A client of the other company only.
        self.env["client.tier.assignment"].search(
            [
                ("partner_id", "=", self.client_c.id),
                ("company_id", "=", self.company.id),
            ]
        ).unlink()
        self._send(self._create_mailing(self.cat), day)
        self.assertEqual(fulfil(company).partner_id, self.client_c)
        self.assertEqual(fulfil(self.company).ids, [])

    def test_prepared_one_counts_for_its_company(self):
        company = self.env["res.company"].create({"name": "Studio"})
        tier = self.env["client.tier"].search(
            [("company_id", "=", company.id), ("code", "=", "B")]
        )
        self.env["client.tier.assignment"]._assign(self.client_b, company, tier)
        self.env.user.company_ids += company
        self.touchpoints.with_context(
            allowed_company_ids=(self.company | company).ids
        ).plan()
        self.director.company_ids += company
        day = self._get(self.client_b, "newsletter", company_id=self.company.id)[
            0
        ].date_planned
        with self._at(day):
            there = self.letters.sudo()._prepare_due(company)
        self._send(there.mailing_id, day)
        self.assertFalse(self._fulfil(day))
        with self._at(day, 12):
            fulfilled = self.touchpoints.sudo()._fulfil_from_mailings(company)
        self.assertEqual(fulfilled.company_id, company)

    def test_unique_in_the_database(self):
        newsletter, day = self._prepare_first()
        self._send(newsletter.mailing_id, day)
        self._fulfil(day)
        touchpoints = self._get(self.client_b, "newsletter")
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            touchpoints[1]._close_as_done(day, newsletter.mailing_id)
            touchpoints.flush_recordset()

    def test_open_touch(self):
        newsletter, day = self._prepare_first()
        self._send(newsletter.mailing_id, day)
        self._fulfil(day)
        touchpoint = self._first(self.client_b)
        action = touchpoint.with_user(self.director).action_open_touch()
        self.assertEqual(action["res_model"], "mailing.mailing")
        action = touchpoint.with_user(self.own).action_open_touch()
        self.assertEqual(action["res_model"], "client.newsletter")
        self.assertEqual(action["res_id"], newsletter.id)

    def test_query_count(self):
        """Thousands of traces take as many queries as a few."""
        counts = []
        for size in (5, 45):
            clients = [
                self._create_client(f"Bulk {size} {number}", user=self.own)
                for number in range(size)
            ]
            contacts = self.env["res.partner"]
            for number, client in enumerate(clients):
                contacts |= self._create_contact(
                    client, f"c{size}.{number}@bulk.example.com"
                )
                self._assign(client, self.tier_c)
            self._plan()
            day = self._get(clients[0], "newsletter")[0].date_planned
            mailing = self._create_mailing(contacts)
            self._send(mailing, day)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            fulfilled = self._fulfil(day)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(len(fulfilled), size)
        self.assertLessEqual(counts[1], counts[0])


@tagged("post_install", "-at_install")
class TestNewsletterReach(NewsletterCommon):
    """Clients that newsletters do not reach are seen."""

    def test_no_email(self):
        client = self._create_client("Silent", user=self.own)
        self._create_contact(client, False)
        self._assign(client, self.tier_b)
        newsletter, day = self._prepare_first()
        self._send(newsletter.mailing_id, day)
        self._fulfil(day)
        touchpoint = self._get(client, "newsletter")[0]
        self.assertTrue(touchpoint.is_open)
        self.assertEqual(touchpoint.newsletter_reach, "no_email")
        self.assertEqual(newsletter.unreached_count, 1)
        self.assertEqual(newsletter.held_count, 1)
        self.assertEqual(newsletter.client_count, 2)
        action = newsletter.action_view_unreached()
        self.assertEqual(self.touchpoints.search(action["domain"]), touchpoint)
        self._create_contact(client, "sam@silent.example.com")
        touchpoint.invalidate_recordset()
        self.assertFalse(touchpoint.newsletter_reach)

    def test_search(self):
        client = self._create_client("Silent", user=self.own)
        self._assign(client, self.tier_b)
        self._plan()
        domain = [("company_id", "=", self.company.id), ("channel", "=", "newsletter")]
        silent = self.touchpoints.search([*domain, ("newsletter_reach", "!=", False)])
        self.assertEqual(silent, self._get(client, "newsletter"))
        rest = self.touchpoints.search([*domain, ("newsletter_reach", "=", False)])
        self.assertEqual(rest.partner_id, self.client_b | self.client_c)
        found = self.touchpoints.search([("newsletter_reach", "=", "no_email")])
        self.assertLessEqual(silent, found)
        self.assertFalse(
            self.touchpoints.search([*domain, ("newsletter_reach", "=", "blacklisted")])
        )

    def test_blacklisted(self):
        """What is withdrawn because of the blacklist is seen, too."""
        self._plan()
        for contact in (self.ben, self.bea):
            self.env["mail.blacklist"]._add(contact.email)
        touchpoint = self._get(self.client_b, "newsletter")[0]
        self.assertEqual(touchpoint.newsletter_reach, "blacklisted")
        self._plan()
        touchpoint.invalidate_recordset()
        self.assertEqual(touchpoint.state, "cancelled")
        self.assertEqual(touchpoint.newsletter_reach, "blacklisted")
        self.assertEqual(
            self.touchpoints.search_count(
                [
                    ("partner_id", "=", self.client_b.id),
                    ("newsletter_reach", "=", "blacklisted"),
                ]
            ),
            len(self._get(self.client_b, "newsletter")),
        )

    def test_other_channels(self):
        self._plan()
        (self.ben | self.bea).active = False
        self.assertFalse(
            any(self._get(self.client_b, "call").mapped("newsletter_reach"))
        )

    def test_clients(self):
        """Also before anything is planned: in the list of clients."""
        client = self._create_client("Silent", user=self.own)
        given = self._assign(client, self.tier_b)
        self.env["mail.blacklist"]._add(self.cat.email)
        assignments = self.env["client.tier.assignment"]
        self.assertEqual(given.newsletter_reach, "no_email")
        domain = [("company_id", "=", self.company.id)]
        found = assignments.search([*domain, ("newsletter_reach", "=", "blacklisted")])
        self.assertEqual(found.partner_id, self.client_c)
        found = assignments.search([*domain, ("newsletter_reach", "=", False)])
        self.assertEqual(found.partner_id, self.client_a | self.client_b)
        found = assignments.with_user(self.own).search(
            [*domain, ("newsletter_reach", "!=", False)]
        )
        self.assertEqual(found.partner_id, self.client_c | client)
