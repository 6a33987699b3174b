from datetime import datetime, time

from odoo.tests import tagged

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestOpenTickets(RetentionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.support = cls._create_project("Support", is_support=True)

    def _open_tickets(self, count, **values):
        return [self._create_task(self.support, **values) for _number in range(count)]

    def test_too_many(self):
        self._set_rule("open_tickets", count_limit=3, overdue_limit=0, days=0)
        self._open_tickets(3)
        self.assertFalse(self._find("open_tickets"))
        more = self._open_tickets(1)
        signal = self._find("open_tickets")
        self.assertEqual(signal.facts["count"], 4)
        self.assertEqual(
            signal.explanation, "4 open tickets, the oldest for less than a day"
        )
        self.assertEqual(signal.res_model, "project.task")
        self.assertEqual(len(signal.evidence_ids), 4)
        more[0].state = "1_done"
        self._refresh()
        self.assertEqual(signal.state, "expired")
        self.assertEqual(signal.date_closed, self.today)

    def test_too_old(self):
        self._set_rule("open_tickets", count_limit=0, overdue_limit=0, days=30)
        self._open_tickets(1, days_ago=29)
        self.assertFalse(self._find("open_tickets"))
        self._open_tickets(1, days_ago=30)
        signal = self._find("open_tickets")
        self.assertEqual(signal.explanation, "2 open tickets, the oldest for 30 days")

    def test_overdue(self):
        self._set_rule("open_tickets", count_limit=0, overdue_limit=1, days=0)
        late = datetime.combine(self._days_ago(1), time(12))
        self._open_tickets(1, date_deadline=late)
        self._open_tickets(1, date_deadline=datetime.combine(self.today, time(23)))
        self.assertFalse(self._find("open_tickets"))
        self._open_tickets(1, date_deadline=late)
        self.assertEqual(self._find("open_tickets").facts["overdue"], 2)

    def test_severity_grows(self):
        self._set_rule("open_tickets", count_limit=1, severe_from=3)
        self._open_tickets(2)
        self.assertEqual(self._find("open_tickets").severity, "2")
        self._open_tickets(1)
        self.assertEqual(self._find("open_tickets").severity, "3")
        self.assertEqual(len(self._get("open_tickets")), 1)

    def test_other_projects_do_not_count(self):
        self._set_rule("open_tickets", count_limit=1)
        work = self._create_project("Work")
        for _number in range(5):
            self._create_task(work)
        self.assertFalse(self._find("open_tickets"))

    def test_ticket_of_another_client(self):
        """In a project for all clients, the ticket says whose it is."""
        self._set_rule("open_tickets", count_limit=1)
        self.support.partner_id = False
        for _number in range(2):
            self._create_task(self.support, partner_id=self.other_client.id)
        self.assertFalse(self._find("open_tickets"))
        self.assertTrue(self._find("open_tickets", self.other_client))

    def test_hook_for_a_helpdesk(self):
        """A source of its own counts together with tasks."""
        self._set_rule("open_tickets", count_limit=1)
        self._open_tickets(1)
        lead = self.env["crm.lead"].create(
            {"name": "Ticket", "partner_id": self.client.id}
        )
        sources = type(self.rules)._get_ticket_sources

        def _get_ticket_sources(rule):
            from odoo.tools import SQL

            return [
                *sources(rule),
                SQL(
                    "SELECT partner_id AS client_id, 'crm.lead' AS model, id,"
                    " create_date::date AS opened, NULL::date AS deadline"
                    " FROM crm_lead WHERE id = %s",
                    lead.id,
                ),
            ]

        self.patch(type(self.rules), "_get_ticket_sources", _get_ticket_sources)
        self.assertEqual(self._find("open_tickets").facts["count"], 2)


@tagged("post_install", "-at_install")
class TestNoUsage(RetentionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.project = cls._create_project(days_ago=200)

    def setUp(self):
        super().setUp()
        self._set_rule("no_usage", days=45, severe_from=90)

    def test_quiet(self):
        signal = self._find("no_usage")
        self.assertEqual(
            signal.explanation, "Nothing has happened on Brand tracker for 200 days"
        )
        self.assertEqual(signal.severity, "3")
        self.assertEqual(
            (signal.res_model, signal.res_id), ("project.project", self.project.id)
        )

    def test_bound(self):
        self._set_age(self.project, 44)
        self.assertFalse(self._find("no_usage"))
        self._set_age(self.project, 45)
        self.assertEqual(self._find("no_usage").severity, "2")

    def _assert_active(self):
        signal = self._get("no_usage")
        self.assertTrue(signal)
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_timesheet(self):
        self._refresh()
        employee = self.env["hr.employee"].create(
            {"name": "Researcher", "company_id": self.company.id}
        )
        task = self._create_task(self.project, days_ago=100)
        self.env["account.analytic.line"].create(
            {
                "name": "Interviews",
                "project_id": self.project.id,
                "task_id": task.id,
                "employee_id": employee.id,
                "date": self._days_ago(5),
                "unit_amount": 1,
            }
        )
        self._assert_active()

    def test_task_moves(self):
        task = self._create_task(self.project, days_ago=100)
        self._refresh()
        task.date_last_stage_update = datetime.combine(self._days_ago(3), time(12))
        self._assert_active()

    def test_message(self):
        task = self._create_task(self.project, days_ago=100)
        self._refresh()
        task.message_post(body="How is it going?", message_type="comment")
        self._assert_active()

    def test_portal_visit(self):
        self._refresh()
        self.portal.partner_id.parent_id = self.client
        self.env["res.users.log"].with_user(self.portal).sudo().create({})
        self._assert_active()

    def test_hook_for_product_usage(self):
        self._refresh()
        day = self._days_ago(10)

        def _get_usage_dates(rule, client_ids):
            return dict.fromkeys(client_ids, day)

        self.patch(type(self.rules), "_get_usage_dates", _get_usage_dates)
        self._assert_active()

    def test_projects_that_do_not_run(self):
        for values in (
            {"active": False},
            {"is_template": True},
            {"is_support": True},
            {"last_update_status": "on_hold"},
            {"last_update_status": "done"},
            {"date_start": self._days_ago(300), "date": self._days_ago(1)},
        ):
            with self.subTest(values=values):
                project = self.project.copy()
                self._set_age(project, 200)
                self.project.active = False
                self.assertTrue(self._find("no_usage"))
                project.write(values)
                self.assertFalse(self._find("no_usage"))
                project.active = False

    def test_several(self):
        self._create_project("Panel", days_ago=60)
        signal = self._find("no_usage")
        self.assertEqual(
            signal.explanation,
            "Nothing has happened on 2 running projects, on Brand tracker for 200 days",
        )
        self.assertEqual(len(signal.evidence_ids), 2)
