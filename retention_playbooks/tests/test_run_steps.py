from datetime import date

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .playbook_common import PlaybookCommon

LOGGER = "odoo.addons.retention_playbooks.models.retention_run_step"


@tagged("post_install", "-at_install")
class TestRunSteps(PlaybookCommon):
    """Each kind of step, its days and its conditions."""

    # ------------------------------------------------------------
    # ACTIVITIES AND DAYS
    # ------------------------------------------------------------

    def test_activity(self):
        playbook = self._create_playbook(
            {
                "name": "Welcome call",
                "note": "<p>Be nice</p>",
                "question_ids": [Command.create({"name": "How to start?"})],
            }
        )
        signal = self._create_signal(self.client_a)
        run = self._start(playbook)
        activity = run.activity_ids
        self.assertRecordValues(
            activity,
            [
                {
                    "res_model": "res.partner",
                    "res_id": self.client_a.id,
                    "user_id": self.own.id,
                    "activity_type_id": self.call.id,
                    "summary": "Rescue: Welcome call",
                    "date_deadline": self.today,
                }
            ],
        )
        for text in ("Be nice", "How to start?", "Ann"):
            self.assertIn(text, activity.note)
        self.assertEqual(run.signal_id, signal)
        self.assertEqual(run.contact_id, self.contact)
        self.assertIn("Rescue has begun", self._get_notes())

    def test_days(self):
        """Working days from the start, and from the step before."""
        playbook = self._create_playbook(
            1, {"delay_days": 2}, {"delay_days": 10, "delay_from": "start"}
        )
        run = self._start(playbook)
        self.assertEqual(self._get_states(run), ["waiting"] * 3)
        self.assertEqual(self._get_days(run), [1, False, 14])
        self._job_on(1)
        self.assertEqual(self._get_states(run), ["open", "waiting", "waiting"])
        # Done on Thursday: two working days later is Monday.
        self._finish(run.activity_ids, 3)
        self.assertEqual(self._get_days(run), [1, 7, 14])
        self._job_on(6)
        self.assertEqual(self._get_states(run), ["done", "waiting", "waiting"])
        self._job_on(7)
        self.assertEqual(self._get_states(run), ["done", "open", "waiting"])
        self._job_on(14)
        self.assertEqual(self._get_states(run), ["done", "open", "open"])

    def test_days_off(self):
        """Holidays of the company are no working days."""
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                "date_from": "2026-03-02 23:00:00",
                "date_to": "2026-03-04 22:59:59",
            }
        )
        run = self._start(self._create_playbook(1))
        self.assertEqual(self._get_days(run), [3])

    def test_seasons(self):
        self.env["retention.season"].search([]).active = False
        self.env["retention.season"].create(
            {
                "name": "Holidays",
                "kind": "avoid",
                "date_from": "2020-03-01",
                "date_to": "2020-03-10",
            }
        )
        run = self._start(self._create_playbook(0, use_seasons=True))
        self.assertEqual(run.step_ids.date_due, date(2026, 3, 11))
        other = self._start(self._create_playbook(0, kind="recovery"))
        self.assertEqual(other.step_ids.date_due, self.today)
        self._job_on("2026-03-10")
        self.assertEqual(run.step_ids.state, "waiting")
        self._job_on("2026-03-11")
        self.assertEqual(run.step_ids.state, "open")

    def test_next_step_follows_at_once(self):
        run = self._start(self._create_playbook(0, 0))
        self._finish(run.activity_ids, feedback="All well")
        self.assertEqual(self._get_states(run), ["done", "open"])
        self.assertEqual(run.step_ids[0].feedback, "All well")
        self.assertEqual(run.progress, 50)
        self.assertEqual(run.current_step_id, run.step_ids[1])

    def test_moved_activity_is_done_later(self):
        run = self._start(self._create_playbook(0, 1))
        run.activity_ids.date_deadline = "2026-03-20"
        self._job_on(5)
        self.assertEqual(self._get_states(run), ["open", "waiting"])

    def test_event_delay(self):
        playbook = self._create_playbook(
            0, {"delay_from": "event", "delay_event": "order", "delay_days": 1}
        )
        run = self._start(playbook)
        with self._on(2):
            self._create_order()
        self._job_on(2, hour=9)
        self.assertEqual(self._get_days(run)[1], 3)
        self._job_on(3)
        self.assertEqual(self._get_states(run), ["open", "open"])

    # ------------------------------------------------------------
    # WHO
    # ------------------------------------------------------------

    def test_roles(self):
        team = self.env["crm.team"].create(
            {
                "name": "Key accounts",
                "user_id": self.manager.id,
                "company_id": self.company.id,
                "member_ids": [Command.set(self.own.ids)],
            }
        )
        self.assertIn(self.own, team.member_ids)
        self.env["project.project"].create(
            {
                "name": "Study",
                "partner_id": self.client_a.id,
                "user_id": self.other.id,
                "company_id": self.company.id,
                "allow_billable": True,
            }
        )
        roles = {
            "manager": self.own,
            "director": self.manager,
            "project": self.other,
            "user": self.all_docs,
        }
        playbook = self._create_playbook(
            *(
                {
                    "user_role": role,
                    "delay_from": "start",
                    "user_id": user.id if role == "user" else False,
                }
                for role, user in roles.items()
            )
        )
        run = self._start(playbook)
        self.assertEqual(
            [step.activity_id.user_id for step in run.step_ids], [*roles.values()]
        )
        # The company's director goes before the leader of the team; without a project
        # there is the account manager.
        self.company.tier_director_id = self.all_docs
        run = self._start(playbook, self.client_b)
        self.assertEqual(run.step_ids[1].user_id, self.all_docs)
        self.assertEqual(run.step_ids[2].user_id, self.own)
        self.assertIn("Project manager: there is nobody", run.step_ids[2].remark)

    # ------------------------------------------------------------
    # TALK LISTS AND CONDITIONS
    # ------------------------------------------------------------

    def _create_asking(self, answer):
        playbook = self._create_playbook(
            {
                "question_ids": [
                    Command.create({"name": "A problem?", "kind": "check"}),
                    Command.create({"name": "Which?"}),
                ]
            },
            {},
            activate=False,
        )
        playbook.step_ids[1].write(
            {
                "condition_question_id": playbook.step_ids[0].question_ids[0].id,
                "condition_answer": answer,
            }
        )
        playbook.action_activate()
        return playbook

    def test_answers(self):
        for wanted, given, state in (
            ("yes", "yes", "open"),
            ("yes", "no", "skipped"),
            ("no", "no", "open"),
            ("yes", False, "skipped"),
            ("empty", False, "open"),
            ("filled", "no", "open"),
        ):
            with self.subTest(wanted=wanted, given=given):
                run = self._start(self._create_asking(wanted))
                first = run.step_ids[0].with_user(self.own)
                first.write(
                    {
                        "answer_ids": [
                            Command.update(first.answer_ids[0].id, {"choice": given}),
                            Command.update(first.answer_ids[1].id, {"text": "Late"}),
                        ]
                    }
                )
                first.action_done()
                self.assertEqual(self._get_states(run), ["done", state])
                self.assertIn("Which?: Late", self._get_notes())
                run.action_win()

    def test_condition_on_a_later_point(self):
        playbook = self._create_asking("yes")
        with self.assertRaises(UserError):
            playbook.step_ids[1].sequence = 1

    def test_tier_and_reason(self):
        playbook = self._create_playbook(
            {"tier_ids": [Command.set(self.tier_b.ids)]},
            {"reason_ids": [Command.set(self.price.ids)]},
            {},
        )
        run = self._start(playbook, reason=self.service)
        self.assertEqual(self._get_states(run), ["skipped", "skipped", "open"])
        self.assertTrue(run.step_ids[0].remark)
        run = self._start(playbook, self.client_b, reason=self.price)
        self.assertEqual(self._get_states(run), ["open", "waiting", "waiting"])

    def test_reason_is_learned_on_the_way(self):
        playbook = self._create_playbook(
            {}, {"reason_ids": [Command.set(self.price.ids)]}
        )
        run = self._start(playbook)
        run.with_user(self.own).reason_id = self.price
        self._finish(run.activity_ids)
        self.assertEqual(self._get_states(run), ["done", "open"])

    def test_skip_and_done_by_button(self):
        run = self._start(self._create_playbook(0, 0))
        run.step_ids[0].with_user(self.own).action_skip()
        self.assertEqual(self._get_states(run), ["skipped", "open"])
        self.assertEqual(len(self.client_a.activity_ids), 1)
        run.step_ids[1].with_user(self.own).action_done()
        self.assertEqual(run.step_ids[1].state, "done")
        self.assertFalse(self.client_a.activity_ids)
        self.assertEqual(run.progress, 100)

    # ------------------------------------------------------------
    # MAILS
    # ------------------------------------------------------------

    def _create_mailing(self, mode="auto", *more):
        return self._create_playbook(
            {"kind": "mail", "template_id": self.template.id, "send_mode": mode},
            *(more or (0,)),
        )

    def test_mail_sent_by_itself(self):
        run = self._start(self._create_mailing())
        mail = self.env["mail.mail"].search(
            [("model", "=", run._name), ("res_id", "=", run.id)], limit=1
        )
        self.assertEqual(mail.model, "retention.run")
        self.assertEqual(mail.recipient_ids, self.contact)
        self.assertEqual(mail.subject, f"Hello from {self.own.name}")
        self.assertEqual(mail.state, "outgoing")
        self.assertEqual(self._get_states(run), ["done", "open"])
        self.assertEqual(run.step_ids[0].message_id, mail.mail_message_id)
        self._job_on(1)
        self.assertEqual(
            self.env["mail.mail"].search_count([("model", "=", "retention.run")]), 1
        )

    def test_the_client_does_not_read_of_the_playbook(self):
        self.company.retention_mail_quiet_days = 0
        run = self._start(self._create_mailing("offer"))
        action = run.step_ids[0].with_user(self.own).action_send()
        self.env["mail.compose.message"].with_user(self.own).with_context(
            **action["context"]
        ).create({})._action_send_mail()
        by_itself = self._start(
            self._create_playbook(
                {
                    "kind": "mail",
                    "template_id": self.template.id,
                    "send_mode": "auto",
                },
                kind="recovery",
            )
        )
        mails = self.env["mail.mail"].search(
            [("mail_message_id", "in", (run | by_itself).step_ids.message_id.ids)]
        )
        self.assertEqual(len(mails), 2)
        for mail in mails:
            self.assertIn("Dear", mail.body_html)
            self.assertNotIn("Rescue", mail.body_html)
            self.assertNotIn("Playbook", mail.body_html)

    def test_mail_with_the_quotation_sends_it(self):
        offer = self.env["retention.offer"].create({"name": "As last time"})
        with self._on(-100):
            self._create_order()
        template = self.env.ref("retention_playbooks.mail_template_win_back")
        run = self._start(
            self._create_playbook(
                {"kind": "quotation", "offer_ids": [Command.set(offer.ids)]},
                {"kind": "mail", "template_id": template.id, "send_mode": "auto"},
            )
        )
        self.assertEqual(self._get_states(run), ["done", "done"])
        self.assertEqual(run.order_id.state, "sent")

    def test_mail_offered(self):
        run = self._start(self._create_mailing("offer"))
        step = run.step_ids[0].with_user(self.own)
        self.assertFalse(
            self.env["mail.mail"].search(
                [("model", "=", run._name), ("res_id", "=", run.id)]
            )
        )
        self.assertTrue(step.activity_id)
        self.assertTrue(step.can_mail)
        self.assertEqual(self._get_states(run), ["open", "waiting"])
        action = step.action_send()
        composer = (
            self.env["mail.compose.message"]
            .with_user(self.own)
            .with_context(**action["context"])
            .create({})
        )
        self.assertEqual(composer.partner_ids, self.contact)
        composer.body = "<p>In my own words</p>"
        composer._action_send_mail()
        self.assertEqual(self._get_states(run), ["done", "open"])
        self.assertIn("In my own words", run.step_ids[0].message_id.body)
        self.assertFalse(step.activity_id.active)

    def test_refused_addresses(self):
        """Nobody is mailed who is blacklisted, has opted out or has no address."""
        mailing_list = self.env["mailing.list"].create({"name": "News"})

        def blacklist():
            self.env["mail.blacklist"]._add(self.contact.email)

        def opt_out():
            self.env["mailing.contact"].create(
                {
                    "email": "ANN@acme.example.com",
                    "subscription_ids": [
                        Command.create({"list_id": mailing_list.id, "opt_out": True})
                    ],
                }
            )

        def forget():
            self.contact.email = False

        for number, (refuse, word) in enumerate(
            (
                (opt_out, "does not want mails"),
                (blacklist, "blacklisted"),
                (forget, "no email address"),
            )
        ):
            with self.subTest(refuse=refuse.__name__):
                refuse()
                run = self._start(self._create_mailing())
                step = run.step_ids[0]
                self.assertEqual(step.state, "open")
                self.assertIn(word, step.remark)
                self.assertIn(word, step.activity_id.note)
                self.assertFalse(step.can_mail)
                with self.assertRaises(UserError):
                    step.action_send()
                self.assertFalse(
                    self.env["mail.mail"].search(
                        [("model", "=", run._name), ("res_id", "=", run.id)]
                    )
                )
                step.action_done()
                self.assertEqual(self._get_states(run), ["done", "open"])
                run.action_stop(f"Case {number}")

    def test_who_reads_one_list_has_not_opted_out(self):
        lists = self.env["mailing.list"].create([{"name": "News"}, {"name": "Tips"}])
        self.env["mailing.contact"].create(
            {
                "email": self.contact.email,
                "subscription_ids": [
                    Command.create({"list_id": lists[0].id, "opt_out": True}),
                    Command.create({"list_id": lists[1].id}),
                ],
            }
        )
        run = self._start(self._create_mailing())
        self.assertEqual(run.step_ids[0].state, "done")

    def test_broken_template(self):
        """The other runs go on."""
        self._set_body(
            "<p t-out='1 / len(object.contact_id.function or &quot;&quot;)'/>"
        )
        fine = self._create_client("Fine", user=self.own, email="f@example.com")
        fine.function = "Boss"
        with mute_logger(LOGGER, "odoo.addons.mail.models.mail_render_mixin"):
            runs = self._start(self._create_mailing(), self.client_a | fine)
        states = {run.partner_id: run.step_ids[0].state for run in runs}
        self.assertEqual(states, {self.client_a: "failed", fine: "done"})
        failed = runs.filtered(lambda run: run.partner_id == self.client_a)
        self.assertTrue(failed.attention)
        self.assertIn("could not be made", failed.step_ids[0].remark)
        self.contact.function = "Buyer"
        failed.step_ids[0].with_user(self.own).action_offer_again()
        self.assertEqual(self._get_states(failed), ["done", "open"])
        self.assertFalse(failed.attention)

    def test_one_mail_that_cannot_be_made(self):
        """It fails alone, and its manager is told once; the others are sent."""
        self._set_body("<p><t t-out='1 / object.contact_id.color'/></p>")
        playbook = self._create_playbook(
            {
                "kind": "mail",
                "template_id": self.template.id,
                "send_mode": "auto",
                "activity_type_id": False,
            }
        )
        clients = self._create_clients(9, mail=True, color=1)
        clients[3:6:2].color = 0
        self.env["mail.notification"].search([]).unlink()
        with mute_logger(
            "odoo.addons.base.models.ir_qweb",
            "odoo.addons.mail.models.mail_render_mixin",
        ):
            runs = self._start(playbook, clients)
        failed = runs.filtered(lambda run: run.partner_id.color == 0)
        self.assertEqual(set(failed.step_ids.mapped("state")), {"failed"})
        self.assertEqual(set((runs - failed).step_ids.mapped("state")), {"done"})
        self.assertEqual(
            set(failed.step_ids.mapped("remark")),
            {"The mail could not be made from Hello: division by zero"},
        )
        mails = self.env["mail.mail"].search(
            [("model", "=", "retention.run"), ("res_id", "in", runs.ids)]
        )
        self.assertEqual(sorted(mails.mapped("res_id")), (runs - failed).ids)
        told = self.env["mail.message"].search(
            [
                ("partner_ids", "in", self.own.partner_id.ids),
                ("subject", "=", "A playbook waits for you"),
            ]
        )
        self.assertEqual(len(told), 1)
        for run in failed:
            self.assertIn(f'data-oe-id="{run.id}"', told.body)

    def test_one_quotation_that_cannot_be_made(self):
        playbook = self._create_playbook(
            {"kind": "quotation", "offer_ids": [Command.create({"name": "Again"})]}
        )
        self._create_order(self.client_a)
        self._create_order(self.client_b)
        runs = self._start(playbook, self.client_a | self.client_b | self.client_c)
        steps = runs.step_ids.grouped("partner_id")
        self.assertEqual(steps[self.client_c].state, "failed")
        self.assertIn("not ordered anything yet", steps[self.client_c].remark)
        for client in (self.client_a, self.client_b):
            order = steps[client].run_id.order_id
            self.assertEqual(order.partner_id.commercial_partner_id, client)
            self.assertEqual(steps[client].remark, order.name)

    def test_bounce(self):
        """The manager is asked to reach the client in another way."""
        run = self._start(self._create_mailing("auto", {"delay_days": 2}))
        run._message_receive_bounce(self.contact.email, self.contact)
        step = run.step_ids[0]
        self.assertEqual(self._get_states(run), ["failed", "waiting"])
        self.assertTrue(run.attention)
        self.assertIn("came back", step.remark)
        self.assertIn("came back", step.activity_id.note)
        told = self.env["mail.message"].search(
            [("partner_ids", "in", self.own.partner_id.ids)], order="id desc", limit=1
        )
        self.assertIn("came back", told.body)
        self._job_on(5)
        self.assertEqual(self._get_states(run), ["failed", "waiting"])
        self._finish(step.activity_id, 5)
        self.assertEqual(self._get_states(run), ["done", "waiting"])
        self.assertFalse(run.attention)

    def test_mail_that_could_not_be_sent(self):
        run = self._start(self._create_mailing())
        mail = self.env["mail.mail"].search(
            [("model", "=", run._name), ("res_id", "=", run.id)], limit=1
        )
        mail.write({"state": "exception", "failure_reason": "No route"})
        self._job_on(1)
        step = run.step_ids[0]
        self.assertEqual(step.state, "failed")
        self.assertIn("No route", step.remark)
        self.assertEqual(len(run.activity_ids), 2)
        self._job_on(2)
        self.assertEqual(len(run.activity_ids), 2, "It is told once.")

    # ------------------------------------------------------------
    # DELETED ACTIVITIES
    # ------------------------------------------------------------

    def test_deleted_activity(self):
        run = self._start(self._create_playbook(0, 0))
        run.activity_ids.with_user(self.own).unlink()
        self.assertEqual(self._get_states(run), ["failed", "waiting"])
        self.assertTrue(run.attention)
        self.assertIn(self.own.name, run.step_ids[0].remark)
        self._job_on(1)
        self.assertEqual(self._get_states(run), ["failed", "waiting"])
        run.step_ids[0].with_user(self.own).action_offer_again()
        self.assertEqual(self._get_states(run), ["open", "waiting"])
        self.assertTrue(run.activity_ids)
        self.assertFalse(run.attention)

    def test_activity_deleted_behind_our_back(self):
        run = self._start(self._create_playbook())
        self.env.flush_all()
        self.env.cr.execute(
            "DELETE FROM mail_activity WHERE id = ANY(%s)", [run.activity_ids.ids]
        )
        self.env.invalidate_all()
        self._job_on(1)
        self.assertEqual(run.step_ids.state, "failed")

    def test_other_activities_do_not_matter(self):
        run = self._start(self._create_playbook())
        other = self._create_call(self.client_a)
        other.unlink()
        self.assertEqual(run.step_ids.state, "open")

    # ------------------------------------------------------------
    # QUOTATIONS
    # ------------------------------------------------------------

    def _create_offer(self, **values):
        return self.env["retention.offer"].create(
            {"name": "Offer", "company_id": self.company.id, **values}
        )

    def _offer(self, offers, reason=None, **values):
        playbook = self._create_playbook(
            {"kind": "quotation", "offer_ids": [Command.set(offers.ids)]},
            kind="win_back",
        )
        return self._start(playbook, reason=reason)

    def test_quotation_from_template(self):
        template = self.env["sale.order.template"].create(
            {
                "name": "Come back",
                "company_id": self.company.id,
                "sale_order_template_line_ids": [
                    Command.create(
                        {"product_id": self.product.id, "product_uom_qty": 3}
                    )
                ],
            }
        )
        offer = self._create_offer(
            order_template_id=template.id, discount=10, validity_days=20
        )
        run = self._offer(offer)
        order = run.order_id
        self.assertEqual(run.step_ids.state, "done")
        self.assertEqual(run.offer_id, offer)
        self.assertRecordValues(
            order,
            [
                {
                    "state": "draft",
                    "partner_id": self.contact.id,
                    "user_id": self.own.id,
                    "company_id": self.company.id,
                    "validity_date": date(2026, 3, 22),
                    "amount_untaxed": 2700.0,
                }
            ],
        )

    def test_quotation_of_the_last_order(self):
        with self._on(-100):
            self._create_order()
        run = self._offer(self._create_offer(discount=15))
        self.assertEqual(run.order_id.order_line.product_id, self.product)
        self.assertEqual(run.order_id.amount_untaxed, 1700)

    def test_nothing_to_offer(self):
        with mute_logger(LOGGER):
            run = self._offer(self._create_offer())
        self.assertEqual(run.step_ids.state, "failed")
        self.assertIn("has not ordered anything", run.step_ids.remark)
        self._create_order()
        run.step_ids.action_offer_again()
        self.assertEqual(run.step_ids.state, "done")

    def test_offer_by_reason(self):
        with self._on(-100):
            self._create_order()
        cheap = self._create_offer(
            discount=20, reason_ids=[Command.set(self.price.ids)]
        )
        better = self._create_offer(reason_ids=[Command.set(self.service.ids)])
        other = self._create_offer()
        for reason, wanted in (
            (self.price, cheap),
            (self.service, better),
            (self.env.ref("retention_playbooks.lost_reason_no_need"), other),
            (None, other),
        ):
            with self.subTest(reason=reason and reason.name):
                run = self._offer(cheap | better | other, reason)
                self.assertEqual(run.offer_id, wanted)
                run.action_lose()
        with mute_logger(LOGGER):
            run = self._offer(cheap | better)
        self.assertIn("No offer suits", run.step_ids.remark)

    def test_template_of_another_company(self):
        """A shared offer is for those who can make it."""
        company = self.env["res.company"].create({"name": "Elsewhere"})
        template = self.env["sale.order.template"].create(
            {"name": "Theirs", "company_id": company.id}
        )
        shared = self._create_offer(company_id=False, order_template_id=template.id)
        with mute_logger(LOGGER):
            run = self._offer(shared)
        self.assertIn("No offer suits", run.step_ids.remark)
        self.assertEqual(shared._choose(None, company), shared)

    def test_coupon(self):
        program = self.env["loyalty.program"].create(
            {
                "name": "Welcome back",
                "program_type": "coupons",
                "applies_on": "current",
                "trigger": "with_code",
                "company_id": self.company.id,
                "rule_ids": [Command.create({})],
                "reward_ids": [
                    Command.create(
                        {
                            "reward_type": "discount",
                            "discount": 25,
                            "discount_mode": "percent",
                            "required_points": 1,
                        }
                    )
                ],
            }
        )
        self._create_order()
        run = self._offer(self._create_offer(program_id=program.id))
        self.assertEqual(run.step_ids.state, "done", run.step_ids.remark)
        self.assertEqual(run.order_id.amount_untaxed, 1500)
        self.assertRecordValues(
            run.coupon_id,
            [
                {
                    "program_id": program.id,
                    "partner_id": self.client_a.id,
                    "expiration_date": date(2026, 4, 1),
                }
            ],
        )

    def test_results(self):
        self._create_order()
        offer = self._create_offer()
        self._offer(offer).action_win()
        with self._on(200):
            self._offer(offer).action_lose()
        with self._on(400):
            self._offer(offer)
        self.assertEqual((offer.run_count, offer.won_count), (3, 1))
        self.assertEqual(offer.success, 50)

    # ------------------------------------------------------------
    # DOSSIERS, WAITING
    # ------------------------------------------------------------

    def test_dossier(self):
        playbook = self._create_playbook(
            {"kind": "dossier", "dossier_purpose": "new_manager"}, 0
        )
        run = self._start(playbook, contact=self.contact)
        self.assertRecordValues(
            run.dossier_id,
            [
                {
                    "partner_id": self.client_a.id,
                    "recipient_id": self.contact.id,
                    "purpose": "new_manager",
                    "user_id": self.own.id,
                    "state": "draft",
                    "company_id": self.company.id,
                }
            ],
        )
        self.assertEqual(self._get_states(run), ["done", "open"])

    def test_wait(self):
        playbook = self._create_playbook(
            {"kind": "wait", "wait_for": "reply", "wait_days": 3}, 0
        )
        run = self._start(playbook)
        self.assertEqual(self._get_states(run), ["open", "waiting"])
        self.assertEqual(run.step_ids[0].date_until, date(2026, 3, 5))
        self._job_on(3)
        self.assertEqual(self._get_states(run), ["open", "waiting"])
        with self._on(3):
            self._receive_mail(self.contact)
        self._job_on(3, hour=9)
        self.assertEqual(self._get_states(run), ["done", "open"])

    def test_wait_in_vain(self):
        playbook = self._create_playbook(
            {"kind": "wait", "wait_for": "reply", "wait_days": 3}, 0
        )
        run = self._start(playbook)
        self._job_on(4)
        self.assertEqual(self._get_states(run), ["skipped", "open"])
        self.assertIn("in time", run.step_ids[0].remark)

    def test_reply_before_the_wait_does_not_count(self):
        playbook = self._create_playbook(
            0, {"kind": "wait", "wait_for": "reply", "wait_days": 3}
        )
        run = self._start(playbook)
        with self._on(0, hour=9):
            self._receive_mail(self.contact)
        self._finish(run.activity_ids, 3)
        self.assertEqual(self._get_states(run), ["done", "open"])

    def test_name_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        playbook = self._create_playbook()
        playbook.step_ids.with_context(lang="fr_FR").name = "Appeler"
        step = self._start(playbook).step_ids
        self.assertEqual(step.with_context(lang="fr_FR").display_name, "Appeler")
        self.assertEqual(step.display_name, playbook.step_ids.name)
