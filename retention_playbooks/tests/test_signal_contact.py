from datetime import datetime, time, timedelta

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import format_date

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestComplaint(RetentionCommon):
    def _log(self, partner, text, user=None):
        wizard = Form(
            self.env["retention.complaint"]
            .with_user(user or self.own)
            .with_context(default_partner_id=partner.id)
        )
        wizard.text = text
        wizard.save().action_log()

    def test_logged_by_hand(self):
        self._log(self.contact, "The report came late")
        signal = self._get("complaint")
        self.assertIn("Complained on", signal.explanation)
        self.assertIn("The report came late", signal.explanation)
        self.assertEqual(signal.severity, "3")
        message = self.env["mail.message"].browse(signal.res_id)
        self.assertEqual(
            (message.model, message.res_id), ("res.partner", self.client.id)
        )
        self.assertEqual(message.author_id, self.own.partner_id)

    def test_logged_by_a_colleague(self):
        """Whoever hears a complaint logs it; the account manager is told."""
        self._log(self.client, "Nobody calls back", user=self.member)
        signal = self._get("complaint")
        self.assertEqual(signal.user_id, self.own)
        message = self.env["mail.message"].browse(signal.res_id)
        self.assertIn(self.own.partner_id, message.notified_partner_ids)
        with self.assertRaises(AccessError):
            self._log(self.client, "No", user=self.internal)

    def _open_dialog(self, client, user=None):
        return Form(
            self.env["retention.complaint"]
            .with_user(user or self.member)
            .with_context(default_partner_id=client.id)
        )

    def test_rule_is_switched_off(self):
        """The dialog says so, and nothing is lost."""
        self.assertTrue(self._open_dialog(self.client).is_followed)
        rule = self._set_rule("complaint", active=False)
        self.assertFalse(self._open_dialog(self.client).is_followed)
        self._log(self.client, "Nobody calls back", user=self.member)
        self.assertFalse(self._get("complaint"))
        note = self.client.message_ids[:1]
        self.assertIn("Nobody calls back", note.body)
        self.assertIn(self.own.partner_id, note.notified_partner_ids)
        rule.active = True
        self.assertIn("Nobody calls back", self._find("complaint").explanation)

    def test_rule_is_switched_off_for_a_tier(self):
        self._assign(self.client, self.tier_a)
        self._set_rule("complaint", tier=self.tier_a, active=False)
        self.assertFalse(self._open_dialog(self.contact).is_followed)
        self.assertTrue(self._open_dialog(self.other_client).is_followed)

    def test_nothing_said(self):
        with self.assertRaises(UserError):
            self._log(self.client, "   ")

    def test_incoming_mail(self):
        order = self._create_order(5)
        mail = order.message_post(
            body="This is not what we agreed",
            message_type="email",
            author_id=self.contact.id,
        )
        self.assertFalse(self._find("complaint"))
        self.assertTrue(mail.with_user(self.all_docs).action_toggle_complaint())
        signal = self._get("complaint")
        self.assertIn("This is not what we agreed", signal.explanation)
        action = signal.action_open_evidence()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("sale.order", order.id)
        )
        self.assertFalse(mail.with_user(self.all_docs).action_toggle_complaint())
        self.assertEqual(signal.state, "expired")

    def test_mail_on_a_record(self):
        """What one of us has written belongs to the client of the record."""
        order = self._create_order(5)
        note = order.message_post(body="He is angry", author_id=self.own.partner_id.id)
        note.action_toggle_complaint()
        self.assertTrue(self._get("complaint"))

    def test_mail_of_nobody(self):
        product = self.product.product_tmpl_id
        note = product.message_post(body="Bad", author_id=self.own.partner_id.id)
        with self.assertRaises(UserError):
            note.action_toggle_complaint()

    def test_mark_needs_rights(self):
        note = self.client.message_post(body="Bad")
        with self.assertRaises(AccessError):
            note.with_user(self.internal).action_toggle_complaint()
        with self.assertRaises(AccessError):
            note.with_user(self.portal).action_toggle_complaint()

    # ------------------------------------------------------------
    # BY TAG
    # ------------------------------------------------------------

    def _create_tag(self, model="crm.tag", **values):
        return self.env[model].create(
            {"name": "Complaint", "is_complaint": True, **values}
        )

    def _create_lead(self, partner=None, **values):
        return self.env["crm.lead"].create(
            {
                "name": "Numbers are wrong",
                "partner_id": (partner or self.contact).id,
                "company_id": self.company.id,
                **values,
            }
        )

    def test_tagged_opportunity(self):
        tag = self._create_tag()
        lead = self._create_lead(tag_ids=[Command.set(tag.ids)])
        signal = self._get("complaint")
        self.assertIn("Numbers are wrong", signal.explanation)
        self.assertEqual((signal.res_model, signal.res_id), ("crm.lead", lead.id))
        self.assertEqual(signal.severity, "3")
        self.assertEqual(signal.user_id, self.own)
        lead.active = False
        self.assertEqual(signal.state, "expired")

    def test_tagged_by_a_salesman(self):
        """That a tag makes a complaint is for administrators to say."""
        tag = self._create_tag()
        lead = self._create_lead(user_id=self.own.id)
        self._set_age(lead, 200)
        lead.with_user(self.own).tag_ids = tag.with_user(self.own)
        signal = self._get("complaint")
        self.assertIn(format_date(self.env, self.today), signal.explanation)
        lead.with_user(self.own).tag_ids = False
        self.assertEqual(signal.state, "expired")
        with self.assertRaises(AccessError):
            tag.with_user(self.own).is_complaint = False

    def test_tagged_task(self):
        tag = self._create_tag("project.tags")
        project = self._create_project(days_ago=1, is_support=True)
        task = self._create_task(project)
        self.assertFalse(self._get("complaint"))
        task.with_user(self.member).tag_ids = [Command.link(tag.id)]
        signal = self._get("complaint")
        self.assertEqual((signal.res_model, signal.res_id), ("project.task", task.id))
        # Done or not, it was one.
        task.state = "1_done"
        self.assertEqual(self._find("complaint"), signal)
        with self.assertRaises(AccessError):
            tag.with_user(self.member).is_complaint = False

    def test_other_tags(self):
        tag = self._create_tag(is_complaint=False)
        lead = self._create_lead(tag_ids=[Command.set(tag.ids)])
        self.assertFalse(self._find("complaint"))
        tag.is_complaint = True
        self.assertTrue(self._find("complaint"))
        # That is when it came in: nobody is alarmed about old ones.
        self._set_age(lead, 91)
        self.assertFalse(self._find("complaint"))

    def test_tagged_for_another_client(self):
        tag = self._create_tag()
        lead = self._create_lead(tag_ids=[Command.set(tag.ids)])
        lead.partner_id = self.other_client
        self.assertFalse(self._get("complaint"))
        self.assertTrue(self._get("complaint", self.other_client))

    def test_tagged_in_another_company(self):
        tag = self._create_tag()
        east = self._new_company("East")
        self._create_lead(company_id=east.id, tag_ids=[Command.set(tag.ids)])
        self.assertFalse(self._find("complaint"))
        self.assertTrue(self._get("complaint", company=east))

    def test_tagged_without_a_client(self):
        tag = self._create_tag()
        lead = self._create_lead(partner_id=False, tag_ids=[Command.set(tag.ids)])
        lead.partner_id = self.contact
        self.assertTrue(self._get("complaint"))

    def test_mail_to_an_alias_that_tags(self):
        """A mail to complaints@ becomes a complaint by itself."""
        tag = self._create_tag()
        lead = self.env["crm.lead"].message_new(
            {
                "subject": "Late again",
                "from": self.contact.email,
                "author_id": self.contact.id,
            },
            {"tag_ids": [Command.link(tag.id)], "company_id": self.company.id},
        )
        self.assertEqual(self._get("complaint").res_id, lead.id)

    def test_tagged_twice_is_one(self):
        tags = self._create_tag() | self._create_tag(name="Angry")
        self._create_lead(tag_ids=[Command.set(tags.ids)])
        self.assertEqual(self._get("complaint").facts["count"], 1)

    def _rate(self, value, feedback=None):
        project = self._create_project(days_ago=1)
        task = self._create_task(project)
        token = task._rating_get_access_token(self.contact)
        task.rating_apply(value, token=token, feedback=feedback)
        return task.rating_ids

    def test_low_rating(self):
        self._rate(3, "All right")
        self.assertFalse(self._find("complaint"))
        rating = self._rate(2, "Too slow")
        signal = self._find("complaint")
        self.assertIn("Rated us 2 of 5 on", signal.explanation)
        self.assertIn("Too slow", signal.explanation)
        rating.rating = 5
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_rating_not_given(self):
        project = self._create_project(days_ago=1)
        self._create_task(project)._rating_get_access_token(self.contact)
        self.assertFalse(self._find("complaint"))

    def test_ratings_switched_off(self):
        self._set_rule("complaint", rating_limit=0)
        self._rate(1)
        self.assertFalse(self._find("complaint"))

    def test_too_long_ago(self):
        self._set_rule("complaint", days=90)
        rating = self._rate(1)
        rating.rated_on = datetime.combine(self._days_ago(91), time(12))
        self.assertFalse(self._find("complaint"))

    def test_another_complaint_after_the_first(self):
        self._log(self.client, "First")
        self._get("complaint").action_handle("Apologised")
        self._refresh()
        self.assertFalse(self._get("complaint"))
        self._log(self.client, "Second")
        self.assertIn("Second", self._get("complaint").explanation)

    def test_long_text(self):
        self._log(self.client, "slow " * 100)
        self.assertLess(len(self._get("complaint").explanation), 200)


@tagged("post_install", "-at_install")
class TestNewContact(RetentionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_order(100)
        cls.contact.is_decision_maker = False

    def test_decision_maker_archived(self):
        self.contact.is_decision_maker = True
        self.env["retention.contact.change"].search([]).unlink()
        self.contact.action_archive()
        signal = self._get("new_contact")
        self.assertIn("Ann Lee is no contact any more since", signal.explanation)
        self.assertEqual(
            (signal.res_model, signal.res_id), ("res.partner", self.contact.id)
        )
        self.contact.action_unarchive()
        self.assertEqual(signal.state, "expired")

    def test_whom_we_work_with(self):
        """A contact in whose name orders are counts, others do not."""
        self.contact.action_archive()
        self.assertFalse(self._find("new_contact"))
        self.contact.action_unarchive()
        self._create_order(50, partner=self.contact)
        self.contact.action_archive()
        self.assertTrue(self._find("new_contact"))

    def test_new_decision_maker(self):
        self.env["res.partner"].create(
            {"name": "Bob Ray", "parent_id": self.client.id, "is_decision_maker": True}
        )
        self.assertIn(
            "Bob Ray decides at the client", self._get("new_contact").explanation
        )

    def test_becomes_decision_maker(self):
        self.contact.is_decision_maker = True
        signal = self._get("new_contact")
        self.assertTrue(signal)
        self.contact.is_decision_maker = False
        self.assertEqual(signal.state, "expired")

    def test_contact_of_a_new_client(self):
        """The people of a client that we have not worked for yet are no news."""
        self.env["res.partner"].create(
            {
                "name": "Bob Ray",
                "parent_id": self.other_client.id,
                "is_decision_maker": True,
            }
        )
        self._create_order(0, partner=self.other_client)
        self.assertFalse(self._find("new_contact", self.other_client))

    def test_moved(self):
        self.contact.is_decision_maker = True
        self.env["retention.contact.change"].search([]).unlink()
        self._create_order(100, partner=self.other_client)
        self.contact.parent_id = self.other_client
        self.assertIn("left for another company", self._get("new_contact").explanation)
        self.assertIn(
            "decides at the client",
            self._get("new_contact", self.other_client).explanation,
        )

    def test_replaced(self):
        self._create_order(50, partner=self.contact)
        self.contact.write({"name": "Bob Ray", "email": "bob@acme.example"})
        self.assertIn(
            "Bob Ray replaced Ann Lee on", self._get("new_contact").explanation
        )

    def test_renamed(self):
        """Who marries gets no second welcome."""
        self._create_order(50, partner=self.contact)
        self.contact.write({"name": "Ann Ray", "email": "ann@acme.example"})
        self.contact.name = "Ann Lee-Ray"
        self.assertFalse(self._find("new_contact"))

    def test_bounced(self):
        self._set_rule("new_contact", bounce_limit=3)
        self._create_order(50, partner=self.contact)
        self.contact.message_bounce = 2
        self.assertFalse(self._find("new_contact"))
        self.contact.message_bounce = 3
        signal = self._find("new_contact")
        self.assertEqual(signal.explanation, "Mails to Ann Lee come back")
        self.contact.message_bounce = 0
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_ends_after_a_time(self):
        self._set_rule("new_contact", days=60)
        self.contact.is_decision_maker = True
        change = self.env["retention.contact.change"].search(
            [("contact_id", "=", self.contact.id)]
        )
        change.date = self._days_ago(60)
        signal = self._find("new_contact")
        self.assertTrue(signal)
        change.date = self._days_ago(61)
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_severity_by_tier(self):
        self.assertEqual(self._get_rule("new_contact", self.tier_a).severity, "3")
        self._assign(self.client, self.tier_b)
        self.contact.is_decision_maker = True
        self.assertEqual(self._get("new_contact").severity, "2")
        self._assign(self.client, self.tier_a)
        self._refresh()
        self.assertEqual(self._get("new_contact").severity, "3")


@tagged("post_install", "-at_install")
class TestOverdueTouch(RetentionCommon):
    def _promise(self, ended_days_ago, channel="call"):
        end = self._days_ago(ended_days_ago)
        cadence = self.env["client.tier.cadence"].search(
            [("tier_id", "=", self.tier_a.id), ("channel", "=", "call")], limit=1
        ) or self.env["client.tier.cadence"].create(
            {"tier_id": self.tier_a.id, "channel": "call", "times_per_year": 4}
        )
        return self.env["client.touchpoint"].create(
            {
                "partner_id": self.client.id,
                "company_id": self.company.id,
                "cadence_id": cadence.id,
                "tier_id": self.tier_a.id,
                "channel": channel,
                "year": end.year,
                "number": self.env["client.touchpoint"].search_count([]) + 1,
                "date_due": end,
                "window_start": end - timedelta(days=30),
                "window_end": end,
                "date_planned": end,
                "state": "planned",
                "is_open": True,
            }
        )

    def test_overdue(self):
        touch = self._promise(0)
        self.assertFalse(self._find("overdue_touch"))
        touch.window_end = self._days_ago(1)
        signal = self._find("overdue_touch")
        self.assertEqual(signal.explanation, "A promised call is overdue for 1 day")
        self.assertEqual((signal.res_model, signal.res_id), (touch._name, touch.id))
        touch.action_done()
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_newsletters_do_not_count(self):
        self._promise(10, channel="newsletter")
        self.assertFalse(self._find("overdue_touch"))

    def test_rule_of_the_tier(self):
        self._promise(30)
        self.assertEqual(self._find("overdue_touch").severity, "1")
        self._assign(self.client, self.tier_a)
        self.assertEqual(self._find("overdue_touch").severity, "3")
