from datetime import timedelta

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .week_common import WeekCommon


@tagged("post_install", "-at_install")
class TestWeekSecurity(WeekCommon):
    """Own documents: own clients. All documents: all. Others: none. Companies apart."""

    MODELS = (
        "retention.client",
        "retention.snooze",
        "retention.health",
        "retention.health.report",
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.theirs = cls._create_client("Delta", user=cls.other)
        reason = cls.env.ref("retention_playbooks.lost_reason_price")
        (cls.client_a | cls.theirs)._mark_lost(reason)
        cls.env.cr.flush()
        cls.list = cls.clients.search([("company_id", "=", cls.company.id)])
        cls.mine = cls.list.filtered(lambda one: one.partner_id == cls.client_a)
        cls.foreign = cls.list - cls.mine
        cls.snoozes = cls.env["retention.snooze"].create(
            [
                {
                    "client_id": client.id,
                    "date_until": cls.today + timedelta(days=3),
                    "reason": "Holiday",
                }
                for client in cls.mine | cls.foreign
            ]
        )

    def _search(self, model, user):
        return self.env[model].with_user(user).search([])

    def _get_partners(self, records):
        records = records.sudo()
        if records._name == "retention.snooze":
            records = records.client_id
        return records.partner_id

    def test_set_up(self):
        """What the others are tested with is there."""
        self.assertEqual(len(self.mine), 1)
        self.assertEqual(len(self.foreign), 1)
        for model in self.MODELS:
            self.assertEqual(
                self._get_partners(self._search(model, self.all_docs)),
                self.client_a | self.theirs,
                model,
            )

    def test_own_documents(self):
        for model in self.MODELS:
            with self.subTest(model=model):
                found = self._search(model, self.own)
                self.assertEqual(self._get_partners(found), self.client_a)
                every = self._search(model, self.all_docs).with_user(self.own)
                with self.assertRaises(AccessError):
                    (every - found).read(["display_name", "company_id"])

    def test_all_documents_and_administrators(self):
        for user in (self.all_docs, self.manager):
            for model in self.MODELS:
                with self.subTest(model=model, user=user.login):
                    self.assertEqual(
                        self._get_partners(self._search(model, user)),
                        self.client_a | self.theirs,
                    )

    def test_others_see_nothing(self):
        outsider = new_test_user(
            self.env,
            "week_portal",
            groups="base.group_portal",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        internal = new_test_user(
            self.env,
            "week_internal",
            groups="base.group_user,project.group_project_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        for user in (internal, outsider):
            for model in (
                *self.MODELS,
                "retention.client.done",
                "retention.client.snooze",
            ):
                with self.subTest(model=model, user=user.login):
                    with self.assertRaises(AccessError):
                        self._search(model, user)
            with self.assertRaises(AccessError):
                self.client_a.with_user(user).read(["health"])
            with self.assertRaises(AccessError):
                self.env["res.partner"].with_user(user).search([("health", "=", "red")])

    def test_asked_to_see_to_a_client_of_nobody(self):
        """Who handles the signal of a client without a manager has it on his list."""
        lonely = self._create_client("Lonely", user=self.env["res.users"])
        signal = self._create_signal(lonely)
        signal.user_id = self.own
        client = self._get_client(lonely)
        self.assertEqual(client.user_id, self.own)
        self.assertIn(client, self._search("retention.client", self.own))
        self.assertNotIn(client, self._search("retention.client", self.other))
        snooze = (
            self.env["retention.snooze"]
            .with_user(self.own)
            .create(
                {
                    "client_id": client.id,
                    "date_until": self.today + timedelta(days=3),
                    "reason": "Holiday",
                }
            )
        )
        self.assertIn(snooze, self._search("retention.snooze", self.own))
        self.assertNotIn(snooze, self._search("retention.snooze", self.other))
        self.assertNotIn(
            lonely, self._search("retention.health", self.own).sudo().partner_id
        )

    def test_buttons(self):
        """Own documents: on own clients. All documents and administrators: on all."""
        for user, client in (
            (self.own, self.mine),
            (self.all_docs, self.foreign),
            (self.manager, self.foreign),
        ):
            with self.subTest(user=user.login):
                own = client.with_user(user)
                own.action_snooze()
                self.env["retention.client.snooze"].with_user(user).create(
                    {"client_ids": client.ids, "reason": "Holiday"}
                ).action_apply()
                self.assertTrue(client.is_snoozed)
                own.action_wake()
                self.assertFalse(client.is_snoozed)
                self.assertEqual(own.action_call_done()["target"], "new")
                self.env["retention.client.done"].with_user(user).create(
                    {"client_id": client.id, "note": "Talked"}
                )
        with self.assertRaises(AccessError):
            self.env["retention.client.snooze"].with_user(self.own).create(
                {"client_ids": self.foreign.ids, "reason": "Holiday"}
            ).action_apply()

    def test_nobody_writes_lists_and_health(self):
        healths = self.env["retention.health"].search(
            [("partner_id", "=", self.client_a.id)]
        )
        for user in (self.own, self.all_docs, self.manager):
            for record, values in (
                (self.mine, {"urgency": 1.0}),
                (healths[:1], {"level": "green"}),
            ):
                with self.subTest(user=user.login, model=record._name):
                    own = record.with_user(user)
                    with self.assertRaises(AccessError):
                        own.write(values)
                    with self.assertRaises(AccessError):
                        own.unlink()
                    with self.assertRaises(AccessError):
                        own.create(
                            {
                                "partner_id": self.client_b.id,
                                "company_id": self.company.id,
                            }
                        )

    def test_snoozes(self):
        snoozes = self.env["retention.snooze"]
        values = {
            "client_id": self.mine.id,
            "date_until": self.today + timedelta(days=9),
            "reason": "Fair",
            "user_id": self.other.id,
        }
        made = snoozes.with_user(self.own).create(dict(values))
        self.assertEqual(made.user_id, self.own, "nobody snoozes in another's name")
        foreign = dict(values, client_id=self.foreign.id)
        with self.assertRaises(AccessError):
            snoozes.with_user(self.own).create(foreign)
        for user in (self.own, self.all_docs):
            with self.assertRaises(AccessError):
                made.with_user(user).reason = "Other"
            with self.assertRaises(AccessError):
                made.with_user(user).unlink()
        snoozes.with_user(self.all_docs).create(dict(values, client_id=self.foreign.id))
        made.with_user(self.manager).reason = "Other"
        made.with_user(self.manager).unlink()

    def test_dialogs_of_others(self):
        for model, values in (
            ("retention.client.done", {"client_id": self.mine.id}),
            (
                "retention.client.snooze",
                {"client_ids": self.mine.ids, "reason": "Holiday"},
            ),
        ):
            with self.subTest(model=model):
                dialog = self.env[model].with_user(self.own).create(values)
                with self.assertRaises(AccessError):
                    dialog.with_user(self.manager).read(["display_name", "create_uid"])

    def test_health_of_others_clients(self):
        """Neither reading, nor filters, nor groups tell it."""
        partners = self.env["res.partner"].with_user(self.own)
        both = self.client_a | self.theirs
        self.assertEqual(
            both.with_user(self.own).mapped("health"), ["red", False], "read"
        )
        domain = [("id", "in", both.ids)]
        self.assertEqual(
            partners.search([*domain, ("health", "=", "red")]).ids,
            self.client_a.ids,
            "filtered",
        )
        self.assertEqual(
            partners.search([*domain, ("health", "=", False)]).ids,
            self.theirs.ids,
            "filtered for none",
        )
        groups = partners._read_group(domain, ["health"], ["id:recordset"])
        self.assertEqual(
            {level: found.ids for level, found in groups},
            {"red": self.client_a.ids, False: self.theirs.ids},
            "grouped",
        )
        groups = (
            self.env["res.partner"]
            .with_user(self.all_docs)
            ._read_group(domain, ["health"], ["__count"])
        )
        self.assertEqual(groups, [("red", 2)])

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Second Agency"})
        stranger = new_test_user(
            self.env,
            "week_stranger",
            groups="sales_team.group_sale_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        for model in self.MODELS:
            with self.subTest(model=model):
                records = (
                    self.env[model]
                    .with_user(stranger)
                    .with_context(allowed_company_ids=company.ids)
                )
                self.assertFalse(records.search([]))
                every = self._search(model, self.all_docs)
                with self.assertRaises(AccessError):
                    records.browse(every[:1].id).read(["display_name", "company_id"])
        self.assertFalse(
            self.client_a.with_user(stranger)
            .with_context(allowed_company_ids=company.ids)
            .health
        )

    def test_menu_of_the_team(self):
        """Who sees all documents has the list of all managers."""
        menu = self.env.ref("retention_playbooks.menu_retention_client_team")
        menus = self.env["ir.ui.menu"]
        for user, is_shown in (
            (self.own, False),
            (self.all_docs, True),
            (self.manager, True),
        ):
            shown = menus.with_user(user)._visible_menu_ids()
            self.assertEqual(menu.id in shown, is_shown, user.login)
