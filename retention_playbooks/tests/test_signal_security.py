from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestSignalSecurity(RetentionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for client in (cls.client, cls.other_client):
            cls._create_order(400, partner=client)
        cls.signals._refresh(cls.company, (cls.client | cls.other_client).ids)
        found = cls.signals.search([("company_id", "=", cls.company.id)])
        cls.mine = found.filtered(lambda one: one.partner_id == cls.client)
        cls.theirs = found - cls.mine

    def test_own_documents(self):
        mine, theirs = self.mine.with_user(self.own), self.theirs.with_user(self.own)
        self.assertEqual(mine.search([]), self.mine)
        self.assertIn("400 days", mine.explanation)
        for act in (
            lambda: theirs.read(["kind"]),
            lambda: theirs.action_handle("Called"),
            lambda: theirs.action_reopen(),
            lambda: theirs.write({"user_id": self.own.id}),
        ):
            with self.assertRaises(AccessError):
                act()
        mine.action_handle("Called")
        self.assertEqual(self.mine.state, "handled")

    def test_handed_to_a_colleague(self):
        """Who is asked to see to it sees it; the client's manager does, too."""
        self.mine.with_user(self.own).user_id = self.other
        seen = self.signals.with_user(self.other).search([])
        self.assertEqual(seen, self.mine | self.theirs)
        self.assertTrue(self.mine.with_user(self.own).kind)
        self.mine.with_user(self.other).action_handle("Called")

    def test_nobody_writes_what_was_found(self):
        for user in (self.own, self.all_docs):
            for vals in (
                {"severity": "1"},
                {"state": "handled"},
                {"facts": {}},
                {"kind": "lost"},
                {"partner_id": self.other_client.id},
                {"date_closed": self.today},
                {"handled_note": "No"},
                {"revenue": 1.0},
            ):
                with self.subTest(vals=vals), self.assertRaises(AccessError):
                    self.mine.with_user(user).write(vals)

    def test_create_and_delete(self):
        values = {"partner_id": self.client.id, "kind": "lost"}
        for user in (self.own, self.all_docs, self.internal, self.member, self.portal):
            with self.assertRaises(AccessError):
                self.signals.with_user(user).create(values)
            with self.assertRaises(AccessError):
                self.mine.with_user(user).unlink()

    def test_all_documents(self):
        both = (self.mine | self.theirs).with_user(self.all_docs)
        self.assertEqual(both.search([]), both)
        both.action_handle("Called")
        self.assertEqual(set(both.mapped("state")), {"handled"})

    def test_administrator(self):
        both = (self.mine | self.theirs).with_user(self.manager)
        both.write({"severity": "1"})
        self.signals.with_user(self.manager).create(
            {"partner_id": self.client.id, "kind": "lost"}
        )
        both.unlink()
        self.assertFalse(both.exists())

    def test_others_see_nothing(self):
        for user in (self.internal, self.member, self.portal):
            with self.assertRaises(AccessError):
                self.signals.with_user(user).search([])
            with self.assertRaises(AccessError):
                self.client.with_user(user).read(["signal_severity"])
            with self.assertRaises(AccessError):
                self.client.with_user(user).action_find_signals()

    def test_whoever_works_with_contacts(self):
        """Changing contacts needs no right to see signals."""
        creator = self._new_user(
            "creator", "base.group_user,base.group_partner_manager"
        )
        contact = self.contact.with_user(creator)
        contact.write({"name": "Bob", "email": "bob@acme.example"})
        contact.is_decision_maker = True
        contact.active = False
        self.assertTrue(self._get("new_contact"))
        self.client.with_user(creator).user_id = self.other
        self.assertEqual(self.mine.user_id, self.other)

    def test_rules_and_reasons(self):
        rule = self._get_rule("lapsed")
        reason = self.env.ref("retention_playbooks.lost_reason_price")
        for user in (self.own, self.all_docs):
            self.assertTrue(rule.with_user(user).days)
            self.assertTrue(reason.with_user(user).name)
            for act in (
                lambda user=user: rule.with_user(user).write({"days": 1}),
                lambda user=user: rule.with_user(user).unlink(),
                lambda user=user: rule.with_user(user).copy({"kind": "lost"}),
                lambda user=user: reason.with_user(user).write({"name": "No"}),
                lambda user=user: reason.with_user(user).unlink(),
                lambda user=user: reason.with_user(user).create(
                    {"name": "No", "code": "no"}
                ),
            ):
                with self.assertRaises(AccessError):
                    act()
        for user in (self.internal, self.member, self.portal):
            for record in (rule, reason):
                with self.assertRaises(AccessError):
                    record.with_user(user).read(["id", "active"])
        rule.with_user(self.manager).days = 300
        reason.with_user(self.manager).name = "A cheaper offer"
        self.env["retention.lost.reason"].with_user(self.manager).create(
            {"name": "War", "code": "war"}
        ).unlink()

    def test_scans(self):
        scans = self.env["retention.scan"]
        for user in (
            self.own,
            self.all_docs,
            self.internal,
            self.member,
            self.portal,
        ):
            with self.assertRaises(AccessError):
                scans.with_user(user).action_start()
            with self.assertRaises(AccessError):
                scans.with_user(user).search([])
        scans.with_user(self.manager).action_start()
        self.assertEqual(scans.with_user(self.manager).search([]).state, "running")

    def test_changes_of_contacts(self):
        self.contact.is_decision_maker = True
        changes = self.env["retention.contact.change"].search(
            [("contact_id", "=", self.contact.id)]
        )
        self.assertTrue(changes.with_user(self.manager).name)
        for user in (
            self.own,
            self.all_docs,
            self.internal,
            self.member,
            self.portal,
        ):
            with self.assertRaises(AccessError):
                changes.with_user(user).read(["name"])
        with self.assertRaises(AccessError):
            changes.with_user(self.manager).write({"name": "No"})

    def test_dialogs(self):
        reason = self.env.ref("retention_playbooks.lost_reason_price")
        values = {
            "retention.signal.handle": {
                "signal_ids": self.mine.ids,
                "note": "Called",
            },
            "retention.client.lost": {
                "partner_id": self.client.id,
                "reason_id": reason.id,
            },
            "retention.complaint": {"partner_id": self.client.id, "text": "Late"},
        }
        for model, vals in values.items():
            dialogs = self.env[model]
            for user in (self.internal, self.portal):
                with self.assertRaises(AccessError):
                    dialogs.with_user(user).create(vals)
            dialog = dialogs.with_user(self.own).create(vals)
            with self.assertRaises(AccessError):
                dialog.with_user(self.other).read(["display_name", "create_uid"])
        dialogs = self.env["retention.signal.handle"].with_user(self.other)
        with self.assertRaises(AccessError):
            dialogs.create({"signal_ids": self.mine.ids, "note": "Called"})

    def test_companies(self):
        company = self._new_company("Second Agency")
        stranger = self._new_user(
            "stranger", "sales_team.group_sale_manager", company=company
        )
        strange = self.signals.with_user(stranger).with_context(
            allowed_company_ids=company.ids
        )
        self.assertFalse(strange.search([]))
        for record in (self.mine, self._get_rule("lapsed")):
            with self.assertRaises(AccessError):
                record.with_user(stranger).with_context(
                    allowed_company_ids=company.ids
                ).read(["kind"])
        rules = self.rules.with_user(stranger).with_context(
            allowed_company_ids=company.ids
        )
        self.assertEqual(rules.search([]).company_id, company)
