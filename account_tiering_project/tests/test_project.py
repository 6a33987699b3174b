from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_tiering.tests.common import TieringCommon


@tagged("post_install", "-at_install")
class TestProject(TieringCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member = cls._new_user("member", "project.group_project_user")
        cls.client = cls._create_client("Acme", user=cls.own)
        cls.contact = cls.env["res.partner"].create(
            {"name": "Ann Lee", "parent_id": cls.client.id}
        )
        cls._assign(cls.client, cls.tier_b)
        cls.project, cls.without, cls.inside = cls.env["project.project"].create(
            [
                {
                    "name": "Brand tracker",
                    "partner_id": cls.contact.id,
                    "allow_billable": True,
                    "company_id": cls.company.id,
                },
                {
                    "name": "Study",
                    "partner_id": cls._create_client("Beta").id,
                    "allow_billable": True,
                },
                {"name": "Inside"},
            ]
        )
        cls.projects = cls.project | cls.without | cls.inside

    def test_projects_show_find_and_group_by_the_tier(self):
        domain = [("id", "in", self.projects.ids)]
        projects = self.env["project.project"]
        self.assertEqual(self.project.tier_id, self.tier_b)
        self.assertFalse((self.without | self.inside).tier_id)
        self.assertEqual(
            projects.search([*domain, ("tier_id", "=", self.tier_b.id)]), self.project
        )
        self.assertEqual(
            dict(projects._read_group(domain, ["tier_id"], ["__count"])),
            {self.tier_b: 1, self.env["client.tier"]: 2},
        )
        self.assertTrue(projects.fields_get()["tier_id"]["groupable"])

    def test_project_users_see_the_badge_only(self):
        self.project.privacy_visibility = "employees"
        project = self.project.with_user(self.member)
        self.assertEqual(project.tier_id.display_name, "B")
        self.assertEqual(
            project.search([("tier_id", "=", self.tier_b.id)]), self.project
        )
        self.assertNotIn("tier_id", self.client.with_user(self.member).fields_get())
        with self.assertRaises(AccessError), mute_logger("odoo.models"):
            self.tier_b.with_user(self.member).name = "X"
        for model in ("client.tier.assignment", "client.tier.change"):
            with self.subTest(model=model):
                self.assertFalse(
                    self.env[model].with_user(self.member).has_access("read")
                )

    def test_calls_from_projects_and_tasks_count(self):
        task = self.env["project.task"].create(
            {"name": "Report", "project_id": self.project.id}
        )
        touchpoints = self.env["client.touchpoint"]
        touchpoints.plan()
        calls = touchpoints.search(
            [("partner_id", "=", self.client.id), ("channel", "=", "call")],
            order="date_due",
        )
        for call, document in zip(calls, (self.project, task), strict=True):
            with freeze_time(call.date_due):
                document.activity_schedule(
                    "mail.mail_activity_data_call", user_id=self.own.id
                ).action_done()
                self.assertEqual(call.state, "done")
