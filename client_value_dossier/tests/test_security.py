"""The access matrix of the README, a test for each cell."""

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import ClientValueCommon

OPERATIONS = ("read", "write", "create", "unlink")


@tagged("post_install", "-at_install")
class TestSecurity(ClientValueCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign_entry = cls._create_entry(
            partner_id=cls.other_client.id, user_id=cls.other.id
        )
        cls.own_entry = cls._create_entry(user_id=cls.other.id)
        cls.logged_entry = cls._create_entry(
            partner_id=cls.other_client.id, user_id=cls.own.id
        )
        cls.project_entry = cls._create_entry(
            partner_id=cls.other_client.id,
            project_id=cls.project.id,
            user_id=cls.other.id,
        )
        cls.own_dossier = cls._create_dossier(user_id=cls.other.id)
        cls.foreign_dossier = cls._create_dossier(
            partner_id=cls.other_client.id, recipient_id=False, user_id=cls.other.id
        )

    def _may(self, record, user, operation):
        record = record.with_user(user)
        if operation != "create":
            return record.has_access(operation)
        values = {
            fname: record.sudo()[fname].id
            if record._fields[fname].relational
            else record.sudo()[fname]
            for fname in ("partner_id", "user_id", "project_id", "category_id", "name")
            if fname in record._fields
        }
        if record._name == "client.value.dossier":
            values.pop("name")
        if record._name == "client.value.category":
            values = {"name": "New", "section": "special"}
        if record._name == "client.value.rule":
            values["kind"] = "urgent"
            values["company_id"] = self.company.id
        if record._name == "client.value.scan":
            values["state"] = "done"
        try:
            with self.env.cr.savepoint():
                record.browse().create(values)
        except AccessError:
            return False
        return True

    def _assert_matrix(self, record, matrix):
        for user, allowed in matrix.items():
            for operation, letter in zip(OPERATIONS, "rwcu", strict=True):
                with self.subTest(user=user.login, operation=operation):
                    self.assertEqual(
                        self._may(record, user, operation), letter in allowed
                    )

    def test_entries_of_own_clients(self):
        self._assert_matrix(
            self.own_entry,
            {
                self.own: "rwc",
                self.other: "rwc",  # logged it
                self.all_docs: "rwc",
                self.manager: "rwcu",
                self.member: "",
                self.outsider: "",
                self.internal: "",
                self.portal: "",
                self.env.ref("base.public_user"): "",
            },
        )

    def test_entries_of_other_clients(self):
        self._assert_matrix(
            self.foreign_entry,
            {
                self.own: "c",  # and then it is one that he logged
                self.all_docs: "rwc",
                self.manager: "rwcu",
                self.member: "",
                self.outsider: "",
                self.internal: "",
                self.portal: "",
            },
        )

    def test_entries_that_one_logged(self):
        self._assert_matrix(self.logged_entry, {self.own: "rwc", self.other: "rwc"})
        mine = (
            self.env["client.value.entry"]
            .with_user(self.own)
            .create(self._entry_values(partner_id=self.other_client.id))
        )
        mine.sudo().user_id = self.manager
        self.assertTrue(self._may(mine, self.own, "read"))

    def test_entries_of_own_projects(self):
        self._assert_matrix(
            self.project_entry,
            {
                self.member: "rwc",
                self.outsider: "",
                self.internal: "",
                self.portal: "",
            },
        )
        follower = self._new_user("follower", "project.group_project_user")
        self.assertFalse(self._may(self.project_entry, follower, "read"))
        self.project.message_subscribe(follower.partner_id.ids)
        self.assertTrue(self._may(self.project_entry, follower, "read"))

    def test_project_user_logs_on_own_projects_only(self):
        entries = self.env["client.value.entry"].with_user(self.member)
        values = self._entry_values(user_id=self.member.id)
        entries.create({**values, "project_id": self.project.id})
        with self.assertRaises(AccessError):
            entries.create(values)

    def test_dossiers_of_own_clients(self):
        self._assert_matrix(
            self.own_dossier,
            {
                self.own: "rwcu",
                self.other: "",  # made it, but it is not his client any more
                self.all_docs: "rwcu",
                self.manager: "rwcu",
                self.member: "",
                self.internal: "",
                self.portal: "",
                self.env.ref("base.public_user"): "",
            },
        )

    def test_dossiers_of_other_clients(self):
        self._assert_matrix(
            self.foreign_dossier,
            {
                self.own: "",
                self.all_docs: "rwcu",
                self.manager: "rwcu",
                self.member: "",
                self.internal: "",
                self.portal: "",
            },
        )

    def test_categories(self):
        self._assert_matrix(
            self.discount,
            {
                self.own: "r",
                self.all_docs: "r",
                self.manager: "rwcu",
                self.member: "r",
                self.internal: "",
                self.portal: "",
            },
        )

    def test_rules(self):
        self._assert_matrix(
            self.env["client.value.rule"].create(
                {
                    "name": "Own",
                    "kind": "late_payment",
                    "category_id": self.discount.id,
                    "company_id": self.company.id,
                }
            ),
            {
                self.own: "r",
                self.all_docs: "r",
                self.manager: "rwcu",
                self.member: "r",
                self.internal: "",
                self.portal: "",
                self.env.ref("base.public_user"): "",
            },
        )

    def test_rules_of_other_companies(self):
        abroad = self.env["res.company"].create({"name": "Abroad"})
        rule = self.env.ref("client_value_dossier.rule_discount")
        own_rule = rule.copy({"company_id": abroad.id})
        self.assertTrue(rule.with_user(self.manager).has_access("write"))
        self.assertFalse(own_rule.with_user(self.manager).has_access("read"))
        # Whoever scans, the other company's rule counts there.
        in_force = rule.with_user(self.manager)._get_rules_in_force(["discount"])
        self.assertEqual(in_force[abroad.id, "discount"], own_rule)

    def test_scans(self):
        self._assert_matrix(
            self.env["client.value.scan"].create({"state": "done"}),
            {
                self.own: "r",
                self.all_docs: "r",
                self.manager: "rwcu",
                self.member: "",
                self.internal: "",
                self.portal: "",
                self.env.ref("base.public_user"): "",
            },
        )

    def _suggest(self, partner, **values):
        return self._create_entry(
            partner_id=partner.id, state="suggested", user_id=False, **values
        )

    def test_suggestions_are_seen_by_those_who_see_the_client(self):
        self._assert_matrix(
            self._suggest(self.client),
            {
                self.own: "rwc",
                self.other: "c",
                self.all_docs: "rwc",
                self.manager: "rwcu",
                self.member: "",
                self.internal: "",
                self.portal: "",
            },
        )
        self._assert_matrix(
            self._suggest(self.client, project_id=self.project.id),
            {self.member: "rwc", self.outsider: "", self.other: "c"},
        )

    def test_suggestions_follow_the_account_manager(self):
        entry = self._suggest(self.client)
        self.client.user_id = self.other
        self.assertFalse(self._may(entry, self.own, "read"))
        self.assertTrue(self._may(entry, self.other, "write"))

    def test_evidence_needs_its_own_rights(self):
        refund = self.env["account.move"].create(
            {
                "move_type": "out_refund",
                "partner_id": self.client.id,
                "invoice_user_id": self.own.id,
            }
        )
        entry = self._suggest(
            self.client,
            project_id=self.project.id,
            res_model="account.move",
            res_id=refund.id,
        )
        self.assertTrue(entry.with_user(self.own).action_view_evidence())
        with self.assertRaises(AccessError):
            entry.with_user(self.member).action_view_evidence()

    def test_what_was_found_is_read_by_nobody(self):
        entry = self._suggest(self.client)
        for user in (self.own, self.all_docs, self.manager):
            with self.subTest(user.login):
                self.assertNotIn("finding", entry.with_user(user).fields_get())
                with self.assertRaises(AccessError):
                    entry.with_user(user).read(["finding"])
                with self.assertRaises(AccessError):
                    entry.with_user(user).write({"changed_finding": {"hours": 1}})

    def test_scan_needs_sales_or_project_administrator(self):
        self.project.user_id = self.member
        rules = self.env["client.value.rule"]
        for user in (self.member, self.internal, self.portal):
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    rules.with_user(user).run_harvest(partners=self.client)
                with self.assertRaises(AccessError):
                    self.project.with_user(user).action_scan_value()
        self.member.group_ids += self.env.ref("project.group_project_manager")
        for user in (self.member, self.own):
            with self.subTest(user.login):
                self.project.with_user(user).action_scan_value()
        rules.with_user(self.own).run_harvest(partners=self.client)

    def test_portfolio_is_the_users_own(self):
        portfolio = self.env["client.value.portfolio"].with_user(self.own).create({})
        self.assertTrue(portfolio.has_access("read"))
        for user in (self.other, self.member, self.internal, self.portal):
            with self.subTest(user.login):
                self.assertFalse(portfolio.with_user(user).has_access("read"))

    def test_companies_are_separated(self):
        abroad = self.env["res.company"].create({"name": "Abroad"})
        entry = self._create_entry(company_id=abroad.id)
        dossier = self._create_dossier(company_id=abroad.id)
        for record in (entry, dossier):
            self.assertFalse(record.with_user(self.manager).has_access("read"))
            self.manager.company_ids |= abroad
            allowed = record.with_user(self.manager).with_context(
                allowed_company_ids=abroad.ids
            )
            self.assertTrue(allowed.has_access("read"))
            self.manager.company_ids -= abroad
        self.assertNotIn(entry, self._create_dossier()._get_entries())

    def test_internal_cost_is_for_sales_administrators(self):
        entry = self._create_entry(internal_cost=10)
        self.assertEqual(entry.with_user(self.manager).internal_cost, 10)
        for user in (self.own, self.all_docs):
            record = entry.with_user(user)
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    record.read(["internal_cost"])
                with self.assertRaises(AccessError):
                    record.write({"internal_cost": 1})
                self.assertNotIn("internal_cost", record.fields_get())
                with self.assertRaises(AccessError):
                    record.search([("internal_cost", ">", 5)])

    # Routes

    def _status(self, user, path):
        self.authenticate(user.login, user.login) if user else self.logout()
        return self.url_open(path, allow_redirects=False).status_code

    @mute_logger("odoo.http")
    def test_workbook_route(self):
        path = f"/client_value_dossier/{self.own_dossier.id}/workbook.xlsx"
        for user, status in (
            (self.own, 200),
            (self.all_docs, 200),
            (self.manager, 200),
            (self.member, 403),
            (self.internal, 403),
            (self.portal, 403),
            (None, 303),
        ):
            with self.subTest(user and user.login):
                self.assertEqual(self._status(user, path), status)
        path = f"/client_value_dossier/{self.foreign_dossier.id}/workbook.xlsx"
        self.assertEqual(self._status(self.own, path), 403)

    @mute_logger("odoo.http")
    def test_report_route(self):
        path = "/report/html/client_value_dossier.report_dossier/{}"
        own, foreign = (
            path.format(dossier.id)
            for dossier in (self.own_dossier, self.foreign_dossier)
        )
        self.assertEqual(self._status(self.own, own), 200)
        self.assertEqual(self._status(self.manager, foreign), 200)
        for user, refused in (
            (self.own, foreign),
            (self.member, own),
            (self.internal, own),
            (self.portal, own),
        ):
            with self.subTest(user.login):
                self.assertNotEqual(self._status(user, refused), 200)
                self.assertNotIn(self.client.name, self.url_open(refused).text)

    @mute_logger("odoo.http")
    def test_portfolio_route(self):
        self._create_entries(3)
        portfolio = self.env["client.value.portfolio"].with_user(self.own).create({})
        path = portfolio.action_download()["url"]
        self.assertEqual(self._status(self.own, path), 200)
        self.assertEqual(
            self.url_open(path).content[:2], b"PK", "the workbook is a zip file"
        )
        for user in (self.other, self.member, self.portal):
            with self.subTest(user.login):
                self.assertIn(self._status(user, path), (403, 404))
