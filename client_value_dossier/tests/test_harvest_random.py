"""Hours of random histories, checked against a slow and obvious reference."""

import itertools
import random
from collections import defaultdict

from odoo import fields
from odoo.tests import tagged

from .common import ClientValueCommon

KINDS = ("after_care", "overrun", "free_hours")
MEASURE = 4  # decimals that are compared


@tagged("post_install", "-at_install")
class TestHarvestRandom(ClientValueCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.employee = cls.env["hr.employee"].create({"name": "Researcher"})
        rules = cls.env["client.value.rule"].search([])
        cls.rules = {rule.kind: rule for rule in rules if rule.kind in KINDS}
        rules.filtered(lambda rule: rule.kind not in KINDS).active = False
        rules.minimum_hours = 0.0
        # The sum of suggestions is compared: the other projects of the client are out.
        cls.project.partner_id = cls.other_client

    # ------------------------------------------------------------
    # A HISTORY
    # ------------------------------------------------------------

    def _make_history(self, dice):
        """Return projects and order lines, with timesheets of half a year on them."""
        lines = self.env["sale.order.line"]
        for _number in range(2):
            lines |= self._create_order(
                self.hour_product, dice.randint(3, 25)
            ).order_line
        lines.qty_delivered_method = "manual"
        for line in lines:
            # Delivered, or still under way.
            line.qty_delivered = line.product_uom_qty * dice.choice((0.5, 1, 1))
        projects = self.env["project.project"].create(
            [
                {
                    "name": f"Study {number}",
                    "partner_id": self.contact.id,
                    "allow_billable": True,
                    **dice.choice(
                        (
                            {},
                            {
                                "date_start": "2026-01-01",
                                "date": f"2026-0{dice.randint(2, 6)}-15",
                            },
                        )
                    ),
                }
                for number in range(3)
            ]
        )
        for _number in range(40):
            self._log(dice, projects, lines)
        return projects, lines

    def _log(self, dice, projects, lines):
        line = dice.choice((*lines, self.env["sale.order.line"]))
        return self.env["account.analytic.line"].create(
            {
                "name": "Work",
                "project_id": dice.choice(projects).id,
                "employee_id": self.employee.id,
                "date": fields.Date.add(
                    fields.Date.to_date("2026-01-01"), days=dice.randint(0, 180)
                ),
                "unit_amount": dice.choice((0.25, 1, 1.5, 2, 4, 7.75)),
                "so_line": line.id,
                "is_so_line_edited": True,
            }
        )

    def _change_history(self, dice, projects, lines):
        sheets = self._get_sheets(projects)
        for sheet in dice.sample(list(sheets), 8):
            change = dice.randint(0, 3)
            if change == 0:
                sheet.unlink()
            elif change == 1:
                sheet.unit_amount += 1.25
            elif change == 2:
                sheet.so_line = dice.choice(lines)
            else:
                sheet.project_id = dice.choice(projects)
        self._log(dice, projects, lines)
        lines[0].product_uom_qty += 2

    def _get_sheets(self, projects):
        return self.env["account.analytic.line"].search(
            [("project_id", "in", projects.ids)], order="date, id"
        )

    # ------------------------------------------------------------
    # THE REFERENCE
    # ------------------------------------------------------------

    def _get_excess(self, projects):
        """Return {timesheet id: its hours beyond what its order line sold}."""
        worked, excess = defaultdict(float), {}
        for sheet in self._get_sheets(projects):
            line = sheet.so_line
            before = max(0, worked[line] - line.product_uom_qty)
            worked[line] += sheet.unit_amount
            after = max(0, worked[line] - line.product_uom_qty)
            excess[sheet.id] = after - before if line else 0.0
        return excess

    def _get_expected(self, projects, order):
        """Return {(kind, model, id, month): hours}.

        :param order: kinds, the first one counts first
        """
        excess = self._get_excess(projects)
        expected = defaultdict(float)
        for sheet in self._get_sheets(projects):
            line, project = sheet.so_line, sheet.project_id
            unpaid = excess[sheet.id] if line else sheet.unit_amount
            is_late = project.date and sheet.date > project.date
            delivered = line and line.qty_delivered >= line.product_uom_qty
            counted = {
                "after_care": unpaid if is_late else 0,
                "overrun": unpaid if delivered else 0,
                "free_hours": 0 if line else unpaid,
            }
            left = unpaid
            for kind in order:
                hours = min(left, counted[kind])
                left -= hours
                key = (kind, project._name, project.id, sheet.date.replace(day=1))
                if kind == "overrun":
                    key = (kind, line._name, line.id, False)
                if hours:
                    expected[key] += hours
        return {key: round(hours, MEASURE) for key, hours in expected.items()}

    def _get_found(self, projects, lines):
        entries = self.env["client.value.entry"].search(
            [("state", "=", "suggested"), ("rule_id.kind", "in", KINDS)]
        )
        return {
            (entry.rule_id.kind, entry.res_model, entry.res_id, entry.period): round(
                entry.hours, MEASURE
            )
            for entry in entries
            if (entry.res_model == lines._name and entry.res_id in lines.ids)
            or (entry.res_model == projects._name and entry.res_id in projects.ids)
        }

    # ------------------------------------------------------------
    # TESTS
    # ------------------------------------------------------------

    def test_hours_are_counted_once_in_whatever_order(self):
        for seed, order in enumerate(itertools.permutations(KINDS)):
            with self.subTest(seed=seed, order=order):
                dice = random.Random(seed)
                for place, kind in enumerate(order):
                    self.rules[kind].sequence = place
                projects, lines = self._make_history(dice)
                self.env["client.value.rule"].run_harvest(partners=self.client)
                found = self._get_found(projects, lines)
                self.assertEqual(found, self._get_expected(projects, order))
                self.assertTrue(found)
                self._assert_never_more_than_unpaid(projects, found)

                # What has changed since, and the same again from the beginning.
                self.env["client.value.scan"]._start("full")._run_to_end()
                self._change_history(dice, projects, lines)
                self.env["client.value.scan"]._start("changes")._run_to_end()
                expected = self._get_expected(projects, order)
                self.assertEqual(self._get_found(projects, lines), expected)
                full = self.env["client.value.scan"]._start("full")
                full._run_to_end()
                self.assertRecordValues(
                    full,
                    [{"created_count": 0, "updated_count": 0, "withdrawn_count": 0}],
                )
                self._assert_never_more_than_unpaid(projects, expected)

    def _assert_never_more_than_unpaid(self, projects, found):
        excess = self._get_excess(projects)
        unpaid = sum(
            excess[sheet.id] if sheet.so_line else sheet.unit_amount
            for sheet in self._get_sheets(projects)
        )
        self.assertLessEqual(sum(found.values()), unpaid + 1e-6)
