"""What the buttons and figures of the screens do with suggestions, and for whom."""

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestSuggestionScreens(ClientValueCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The hours below would be support after its end.
        cls.project.date = cls.project.date_start = False

    def _suggest(self, partner=None, **values):
        return self._create_entry(
            partner_id=(partner or self.client).id,
            state="suggested",
            user_id=False,
            **values,
        )

    # ------------------------------------------------------------
    # KEEP ALL OF A CLIENT
    # ------------------------------------------------------------

    def test_keep_all_of_own_clients_only(self):
        own, others = self._suggest(), self._suggest(self.other_client)
        dismissed = self._suggest()
        dismissed.action_dismiss()
        clients = self.client | self.other_client
        clients.with_user(self.own).action_keep_suggestions()
        self.assertEqual(own.state, "confirmed")
        self.assertEqual(own.user_id, self.own)
        self.assertEqual(others.state, "suggested")
        self.assertEqual(dismissed.state, "dismissed")

    def test_keep_only_what_the_list_shows(self):
        hours, discount = self._suggest(hours=2.0), self._suggest(amount=100.0)
        self.client.with_user(self.own).with_context(
            suggestion_domain=[["state", "=", "suggested"], ["hours", "!=", 0]]
        ).action_keep_suggestions()
        self.assertEqual(hours.state, "confirmed")
        self.assertEqual(discount.state, "suggested")

    def test_project_user_keeps_those_of_own_projects(self):
        of_project = self._suggest(project_id=self.project.id)
        of_client = self._suggest()
        self.client.with_user(self.member).action_keep_suggestions()
        self.assertEqual(of_project.state, "confirmed")
        self.assertEqual(of_client.state, "suggested")

    # ------------------------------------------------------------
    # SCAN FROM A FORM
    # ------------------------------------------------------------

    def test_scan_of_a_client(self):
        self._log_free_hours("2026-05-04", 3.0)
        action = self.contact.with_user(self.own).action_scan_value()
        self.assertEqual(action["params"]["type"], "success")
        self.assertIn("1", action["params"]["message"])
        review = action["params"]["next"]
        found = self.env["client.value.entry"].search(review["domain"])
        self.assertRecordValues(
            found, [{"partner_id": self.client.id, "hours": 3.0, "state": "suggested"}]
        )
        self.assertEqual(
            self.client.action_view_suggestions()["domain"], review["domain"]
        )
        again = self.client.with_user(self.own).action_scan_value()
        self.assertEqual(again["params"]["type"], "info")

    def test_scan_of_a_project(self):
        self._log_free_hours("2026-05-04", 3.0)
        with self.assertRaises(AccessError):
            self.project.with_user(self.internal).action_scan_value()
        with self.assertRaises(AccessError):
            self.project.with_user(self.outsider).action_scan_value()
        action = self.project.with_user(self.own).action_scan_value()
        found = self.env["client.value.entry"].search(
            action["params"]["next"]["domain"]
        )
        self.assertEqual(found.mapped("project_id"), self.project)
        project = self.project.with_user(self.own)
        self.assertEqual(project.value_suggestion_count, 1)
        self.assertEqual(project.value_suggestion_total, found.amount)
        button = next(
            button
            for button in project._get_stat_buttons()
            if button["action"] == "action_view_suggestions"
        )
        self.assertTrue(button["show"])
        self.assertEqual(button["number"], 1)

    def test_favour_that_somebody_has_logged(self):
        suggestion = self._suggest(
            date="2026-05-04", hours=3.0, project_id=self.project.id
        )
        logged = self._create_entry(date="2026-05-20", hours=2.75)
        self._create_entry(date="2026-05-20", hours=5.0)
        elsewhere = self.env["project.project"].create({"name": "Elsewhere"})
        self._create_entry(date="2026-05-20", hours=3.0, project_id=elsewhere.id)
        self.assertEqual(suggestion.similar_entry_id, logged)
        self.assertEqual(suggestion.action_view_similar()["res_id"], logged.id)
        for values in (
            {"date": "2026-07-20"},
            {"hours": 2.0},
            {"partner_id": self.other_client.id},
            {"state": "dismissed"},
        ):
            with self.subTest(values):
                other = logged.copy(values)
                other.write(values)
                logged.state = "dismissed"
                suggestion.invalidate_recordset()
                self.assertFalse(suggestion.similar_entry_id)
                other.unlink()
                logged.state = "confirmed"
        suggestion.action_confirm()
        self.assertFalse(suggestion.similar_entry_id)

    def test_review_starts_with_own_clients_but_not_after_a_scan(self):
        """Who scans everything need not be anybody's account manager."""
        menu = self.env.ref("client_value_dossier.client_value_suggestion_action")
        self.assertIn("search_default_my_clients", menu.context)
        action = self.env["client.value.scan"].action_view_suggestions()
        self.assertNotIn("search_default_my_clients", action["context"])

    # ------------------------------------------------------------
    # FIGURES
    # ------------------------------------------------------------

    def test_figures_of_a_client(self):
        self._suggest(amount=100.0)
        self._suggest(hours=2.0)
        self._suggest(self.other_client, amount=7.0)
        self._create_entry(amount=1000.0)
        client = self.client.with_user(self.own)
        panel = client.get_client_value_panel()
        self.assertEqual(panel["suggestions"], {"count": 2, "worth": 200.0})
        self.assertEqual(panel["worth"], 1000.0)
        self.assertEqual(client.value_suggestion_count, 2)
        self.assertEqual(client.value_suggestion_total, 200.0)
        self.assertEqual(client.value_total, 1000.0)
        stranger = self.client.with_user(self.internal)
        self.assertEqual(stranger.value_suggestion_count, 0)

    def _count_queries(self, read):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        read()
        return self.env.cr.sql_log_count - before

    def test_figures_cost_no_more_however_many_there_are(self):
        client = self.client.with_user(self.own)
        entries = self.env["client.value.entry"].with_user(self.own)
        view = self.env.ref("client_value_dossier.client_value_suggestion_view_list")
        names = entries.get_view(view.id, "list")["models"][entries._name]
        specification = {
            name: {"fields": {"display_name": {}}}
            if entries._fields[name].type == "many2one"
            else {}
            for name in names
            if entries._has_field_access(entries._fields[name], "read")
        }
        domain = [("state", "=", "suggested")]
        reads = [
            client.get_client_value_panel,
            lambda: client.read(["value_suggestion_count", "value_suggestion_total"]),
            lambda: entries.web_search_read(domain, specification, limit=80),
            lambda: entries.web_read_group(
                domain, ["partner_id"], ["hours:sum", "days:sum", "amount:sum"]
            ),
            entries.get_suggestion_summary,
        ]

        def count():
            # Twice: the first time fills caches of rights, which is not the point.
            for read in reads:
                self._count_queries(read)
            return [self._count_queries(read) for read in reads]

        self._suggest(project_id=self.project.id)
        few = count()
        self._create_entries(
            200, state="suggested", project_id=self.project.id, user_id=False
        )
        for place, (before, after) in enumerate(zip(few, count(), strict=True)):
            with self.subTest(place):
                # Whether a user's company is cached makes one query of difference.
                self.assertLess(after, before + 3)
