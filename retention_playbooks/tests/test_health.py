from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo.tests import freeze_time, tagged

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestHealth(RetentionCommon):
    """Named parts, each with its level and its sentence; the total hides nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.healths = cls.env["retention.health"]

    def _look(self, client=None):
        """Tell the health of a client now, and return {part: level}."""
        client = client or self.client
        self._refresh(client)
        self.env.invalidate_all()
        return {one.part: one.level for one in self._get_current(client)}

    def _get_current(self, client=None, part=None):
        domain = [
            ("partner_id", "=", (client or self.client).id),
            ("company_id", "=", self.company.id),
            ("date_to", "=", False),
        ]
        if part:
            domain.append(("part", "=", part))
        return self.healths.search(domain)

    def _say(self, part):
        return self._get_current(part=part).explanation

    def _get_history(self, part):
        """Return [(level, since, until)] of a part, as days before today."""
        found = self.healths.search(
            [("partner_id", "=", self.client.id), ("part", "=", part)],
            order="date_from, id",
        )
        return [
            (
                one.level,
                (self.today - one.date_from).days,
                one.date_to and (self.today - one.date_to).days,
            )
            for one in found
        ]

    def _days_on(self, days):
        """Return a context in which it is some days later."""
        return freeze_time(f"{self.today + timedelta(days=days)} 12:00:00")

    # ------------------------------------------------------------
    # PARTS
    # ------------------------------------------------------------

    def test_nothing_known(self):
        """No data is grey: of such clients nothing is told."""
        self.assertEqual(self._look(), {})
        self.assertFalse(self.client.health)

    def test_people_alone_are_no_health(self):
        self.contact.is_decision_maker = True
        self._set_rule("new_contact", active=False)
        self._set_rule("new_contact", tier=self.tier_a, active=False)
        self.assertEqual(self._look(), {})

    def test_orders(self):
        self._create_order(10)
        told = self._look()
        self.assertEqual((told["orders"], told["total"]), ("green", "green"))
        self.assertTrue(self._say("orders").startswith("Bought once, on"))
        for part in ("payment", "contact", "usage", "service", "relationship"):
            self.assertEqual(told[part], "grey", part)
        self._create_order(5)
        self._look()
        self.assertTrue(self._say("orders").startswith("Bought 2 times, last on"))

    def test_lapsed_is_amber_then_red(self):
        self._create_order(400)
        told = self._look()
        self.assertEqual((told["orders"], told["total"]), ("amber", "amber"))
        self.assertIn("400 days ago", self._say("orders"))
        self.assertEqual(self._say("total"), "Amber: Orders")
        with self._days_on(200):
            self.assertEqual(self._look()["total"], "red")
            self.assertIn("600 days ago", self._say("orders"))
            self.assertEqual(self._say("total"), "Red: Orders")

    def test_payment(self):
        self._create_invoice(60, due=10)
        told = self._look()
        self.assertEqual(told["payment"], "green")
        self.assertIn("(1) is long overdue", self._say("payment"))
        self._create_invoice(120, due=100)
        self.assertEqual(self._look()["payment"], "red")
        self.assertIn("overdue on 2 invoices", self._say("payment"))

    def test_total_never_hides_a_red_part(self):
        for days in (300, 200, 100, 5):
            self._create_order(days)
        self._create_invoice(5)
        self._create_invoice(120, due=100)
        told = self._look()
        self.assertEqual(told["orders"], "green")
        self.assertEqual((told["payment"], told["total"]), ("red", "red"))
        self.assertEqual(self._say("total"), "Red: Payment")

    def test_promised_contacts(self):
        touchpoints = self.env["client.touchpoint"]
        touchpoint = touchpoints.create(
            {
                "partner_id": self.client.id,
                "company_id": self.company.id,
                "tier_id": self.tier_a.id,
                "channel": "call",
                "year": self.today.year,
                "number": 1,
                "user_id": self.own.id,
                "date_due": self.today,
                "window_start": self.today,
                "window_end": self.today,
                "date_planned": self.today,
            }
        )
        self.assertEqual(self._look()["contact"], "green")
        self.assertTrue(self._say("contact").startswith("Next contact on"))
        with self._days_on(20):
            self.assertEqual(self._look()["contact"], "amber")
            self.assertIn("overdue for 20 days", self._say("contact"))
            touchpoint.sudo().action_done()
            self.assertEqual(self._look()["contact"], "green")
            self.assertIn("last contact on", self._say("contact"))

    def test_tickets(self):
        project = self._create_project(is_support=True)
        self._create_task(project)
        self.assertEqual(self._look()["service"], "green")
        self.assertEqual(self._say("service"), "No complaint; open tickets: 1")
        self._set_rule("open_tickets", days=0, count_limit=1, severe_from=0)
        self._create_task(project)
        self.assertEqual(self._look()["service"], "amber")

    def _complain(self):
        dialog = self.env["retention.complaint"].create(
            {"partner_id": self.client.id, "text": "Late"}
        )
        dialog.action_log()

    def test_complaint_that_is_settled(self):
        """A complaint is over when somebody has handled it; a late bill is not."""
        self._create_invoice(120, due=100)
        self._complain()
        told = self._look()
        self.assertEqual((told["service"], told["payment"]), ("red", "red"))
        self._get("complaint").action_handle("Apologised")
        self._get("late_payer").action_handle("Called")
        told = self._look()
        self.assertEqual((told["service"], told["payment"]), ("green", "red"))
        self.assertIn("The complaint was settled on", self._say("service"))

    def test_complaint_is_red_at_once(self):
        """Logging it tells that part, and leaves the others as they are."""
        self._create_order(10)
        self._look()
        self._complain()
        told = {one.part: one.level for one in self._get_current()}
        self.assertEqual((told["service"], told["orders"]), ("red", "green"))
        self.assertEqual(told["total"], "red")

    def test_complaint_does_not_hide_tickets(self):
        """When only complaints are looked for, open tickets stay amber."""
        project = self._create_project(is_support=True)
        self._set_rule("open_tickets", days=0, count_limit=1, severe_from=0)
        for _number in range(2):
            self._create_task(project)
        self.assertEqual(self._look()["service"], "amber")
        self.signals._refresh(self.company, self.client.ids, ["complaint"])
        self.assertEqual(self._get_current(part="service").level, "amber")

    def test_usage(self):
        project = self._create_project(days_ago=10)
        self.assertEqual(self._look()["usage"], "green")
        self.assertTrue(self._say("usage").startswith("Running projects: 1"))
        self._set_age(project, 60)
        self.assertEqual(self._look()["usage"], "amber")
        self.assertIn("for 60 days", self._say("usage"))

    def test_usage_ahead(self):
        """A project that begins later is active as of now."""
        self._create_project(
            date_start=self.today + timedelta(days=30),
            date=self.today + timedelta(days=90),
        )
        self._look()
        facts = self._get_current(part="usage").facts
        self.assertEqual(facts["last"], self.today.isoformat())

    def test_people(self):
        self._create_order(10)
        self.assertEqual(self._look()["relationship"], "grey")
        self.contact.is_decision_maker = True
        told = self._look()
        self.assertEqual(told["relationship"], "amber")
        self.assertIn("Ann Lee decides", self._say("relationship"))
        self._get("new_contact").action_handle("Met her")
        self.assertEqual(self._look()["relationship"], "green")
        self.assertIn("dealt with", self._say("relationship"))
        with self._days_on(90):
            self._look()
            self.assertIn("who decides: 1", self._say("relationship"))

    def test_kinds_that_are_switched_off(self):
        """Nobody looks: that is grey, not green."""
        self._create_invoice(30, due=5)
        self.assertEqual(self._look()["payment"], "green")
        self._set_rule("late_payer", active=False)
        self.assertEqual(self._look()["payment"], "grey")

    def test_all_parts_have_their_methods(self):
        for part, _label in self.healths._fields["part"].selection:
            self.assertTrue(hasattr(self.healths, f"_explain_{part}"), part)
            if part != "total":
                self.assertTrue(hasattr(self.healths, f"_know_{part}"), part)

    def test_grey_in_words(self):
        self._create_order(10)
        self._look()
        for one in self._get_current():
            self.assertTrue(one.explanation, one.part)

    # ------------------------------------------------------------
    # HISTORY
    # ------------------------------------------------------------

    def test_again_changes_nothing(self):
        self._create_order(400)
        self._create_invoice(120, due=100)
        self._look()
        fields_ = ["part", "level", "facts", "date_from", "date_to", "write_date"]
        before = self.healths.search([]).read(fields_)
        findings = {kind: {} for kind in ("complaint",)}
        self._look()
        self.assertEqual(self.healths.search([]).read(fields_), before)
        self.assertEqual(
            self.healths._refresh(self.company, self.other_client.ids, findings), 0
        )

    def test_history(self):
        self._create_order(350)
        self.assertEqual(self._look()["orders"], "green")
        with self._days_on(30):
            self._look()
        with self._days_on(60):
            self._create_order(-60)
            self._look()
        self.assertEqual(
            self._get_history("orders"),
            [("green", 0, -30), ("amber", -30, -60), ("green", -60, False)],
        )

    def test_what_began_today_is_written_over(self):
        self._create_order(400)
        self._look()
        self._create_order(0)
        self._look()
        self.assertEqual(self._get_history("orders"), [("green", 0, False)])

    def test_archived_client(self):
        self._create_order(10)
        self._look()
        self.client.active = False
        with self._days_on(7):
            self._look()
        self.assertFalse(self._get_current())
        self.assertEqual(self._get_history("orders"), [("green", 0, -7)])

    def test_over_time(self):
        """Each part counts for each week, as it was at the week's end."""
        self._create_order(10)
        self._look()
        monday = self.today - timedelta(days=self.today.weekday())
        orders = self._get_current(part="orders")
        orders.write({"date_from": monday - timedelta(days=10), "level": "green"})
        orders.copy(
            {
                "date_from": monday - timedelta(days=24),
                "date_to": monday - timedelta(days=10),
                "level": "red",
            }
        )
        self.env.flush_all()
        report = self.env["retention.health.report"].search(
            [("partner_id", "=", self.client.id), ("part", "=", "orders")],
            order="week",
        )
        self.assertEqual(
            [((monday - one.week).days // 7, one.level, one.score) for one in report],
            [(4, "red", 1), (3, "red", 1), (2, "green", 3), (1, "green", 3)]
            + [(0, "green", 3)],
        )
        self.assertEqual(len(set(report.ids)), 5)

    # ------------------------------------------------------------
    # THE CLIENT
    # ------------------------------------------------------------

    def test_on_the_client(self):
        self._create_order(400)
        self._look()
        client = self.client.with_user(self.own)
        self.assertEqual(client.health, "amber")
        self.assertEqual(client.health_note, "Amber: Orders")
        self.assertEqual(len(client.health_ids), 6)
        self.assertEqual(self.contact.with_user(self.own).health, "amber")
        action = client.action_view_health()
        self.assertEqual(action["domain"], [("partner_id", "in", self.client.ids)])
        partners = self.env["res.partner"].with_user(self.own)
        domain = [("id", "in", (self.client | self.other_client).ids)]
        for operator, value, found in (
            ("=", "amber", self.client),
            ("!=", "amber", self.other_client),
            ("in", ["red", "amber"], self.client),
            ("=", False, self.other_client),
            ("!=", False, self.client),
        ):
            with self.subTest(operator=operator, value=value):
                self.assertEqual(
                    partners.search([*domain, ("health", operator, value)]).ids,
                    found.ids,
                )
        ordered = partners.search(domain, order="health, id")
        self.assertEqual(set(ordered.ids), set(domain[0][2]))

    def test_companies_apart(self):
        company = self._new_company("Second Agency")
        self._create_order(400)
        self._look()
        self.signals._refresh(company, self.client.ids)
        self.assertFalse(self.client.with_company(company).health)
        self.assertEqual(self.client.health, "amber")

    def test_merged_clients(self):
        self._create_order(10)
        self._create_order(400, partner=self.other_client)
        self._look()
        self._look(self.other_client)
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (self.client | self.other_client).ids, self.client, extra_checks=False
        )
        self.assertEqual(self._look()["orders"], "green")

    def test_a_year_of_weeks(self):
        """One record per change, whatever the number of weeks."""
        self._create_order(10)
        for week in range(0, 56, 7):
            with freeze_time(self.today + relativedelta(days=week)):
                self._look()
        self.assertEqual(len(self._get_history("orders")), 1)
