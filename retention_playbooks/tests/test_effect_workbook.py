import io
import os
import tempfile
from datetime import date

import openpyxl

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .effect_common import EffectCommon


def _read(content):
    """Return {sheet: rows of values} of a workbook."""
    workbook = openpyxl.load_workbook(content)
    return {
        sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)]
        for sheet in workbook
    }


@tagged("post_install", "-at_install")
class TestEffectWorkbook(EffectCommon, HttpCase):
    """All reports in a workbook: text stays text, figures are numbers, and there is
    nothing in it that the user may not see."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client_a.name = "=1+1"
        cls.theirs = cls._create_client("Theirs", user=cls.other)
        cls.win_back = cls._create_playbook(kind="win_back", name="+41")
        cls._enter(cls.client_a)
        cls._enter(cls.client_a, state="lost", playbook=cls.win_back)
        cls._enter(cls.theirs, state="lost")
        cls._leave_alone(cls.client_b)
        cls._bill(cls.client_a, "2024-10-01", 100)
        cls._bill(cls.client_a, "2025-10-01", 150)
        cls._bill(cls.theirs, "2024-10-01", 40)
        cls._create_signal(
            cls.client_a, kind="lost", facts={"cause": "manual"}, date_open="2026-01-05"
        )

    def _write(self, user=None):
        handle, path = tempfile.mkstemp(suffix=".xlsx")
        os.close(handle)
        self.addCleanup(os.unlink, path)
        effect = self.env["retention.effect"].with_user(user or self.manager)
        effect._write_workbook(path)
        return _read(path)

    def test_sheets(self):
        self.assertEqual(
            list(self._write()),
            [
                "Effect",
                "Clients in playbooks",
                "Win-back",
                "Retention",
                "Cohorts",
                "At risk and lost",
            ],
        )

    def _get_rows(self, sheet):
        header, *rows = sheet
        return [dict(zip(header, row, strict=True)) for row in rows]

    def test_effect(self):
        rows = self._get_rows(self._write()["Effect"])
        row = next(row for row in rows if row["Playbook"] == "Rescue")
        self.assertEqual((row["Entered"], row["Runs Won"], row["Runs Lost"]), (2, 1, 1))
        self.assertEqual(row["Won %"], 50)
        self.assertEqual(row["Revenue After"], 150)
        self.assertEqual(row["Left Alone"], 1)
        self.assertIn("Too few to tell", row["What It Brought"])
        self.assertIn("+41", [row["Playbook"] for row in rows])

    def test_clients(self):
        rows = self._get_rows(self._write()["Clients in playbooks"])
        row = next(row for row in rows if row["Client"] == "=1+1")
        self.assertEqual(row["Entered On"].date(), date(2025, 8, 19))
        self.assertEqual(row["Revenue After"], 150)
        self.assertIn("Left Alone", [row["State"] for row in rows])

    def test_win_back(self):
        total, row = self._get_rows(self._write()["Win-back"])
        self.assertEqual(total["Lost Because, Offered"], "All reasons and offers")
        self.assertEqual((row["Entered"], row["Runs Won"], row["Runs Lost"]), (1, 0, 1))
        self.assertEqual(row["Published To %"], 40)

    def test_retention(self):
        rows = self._get_rows(self._write()["Retention"])
        last = [row for row in rows if row["Quarter"] == "2025 Q4"]
        # Acme is of tier A, Theirs of none; all of them follow.
        values = {
            row["Tier"]: (
                row["Clients Before"],
                row["Clients Kept"],
                row["Client Retention %"],
                row["Revenue of the Year Before"],
                row["Net Revenue Retention %"],
            )
            for row in last
        }
        self.assertEqual(values[self.tier_a.name], (1, 1, 100, 100, 150))
        self.assertEqual(values["No tier"], (1, 0, 0, 40, 0))
        clients, kept, rate, base, net = values["All tiers"]
        self.assertEqual((clients, kept, rate, base), (2, 1, 50, 140))
        self.assertAlmostEqual(net, 100 * 150 / 140)

    def test_cohorts(self):
        rows = self._get_rows(self._write()["Cohorts"])
        self.assertEqual(
            [
                (
                    row["First Bought In"],
                    row["Quarters Since"],
                    row["Clients"],
                    row["Bought"],
                    row["Bought %"],
                    row["Revenue of the Quarter"],
                )
                for row in rows
            ],
            [("2024 Q4", 0, 2, 2, 100, 140), ("2024 Q4", 4, 2, 1, 50, 150)],
        )

    def test_lost(self):
        [row] = self._get_rows(self._write()["At risk and lost"])
        self.assertEqual(row["What Became of It"], "Lost, not noticed before")
        self.assertEqual(row["Lost On"].date(), date(2026, 1, 5))

    def test_own_clients_only(self):
        sheets = self._write(self.own)
        texts = [value for rows in sheets.values() for row in rows[1:] for value in row]
        self.assertIn("=1+1", texts)
        self.assertNotIn("Theirs", texts)
        self.assertNotIn(self.client_b.name, texts)
        self.assertNotIn("Left Alone", sheets["Effect"][0])
        self.assertNotIn("What It Brought", sheets["Effect"][0])

    def test_download(self):
        self.env.user.browse(self.own.id).password = "retention-own"
        self.authenticate(self.own.login, "retention-own")
        response = self.url_open("/retention_playbooks/effect.xlsx")
        self.assertEqual(response.status_code, 200)
        self.assertIn(
            "Effect of retention.xlsx", response.headers["Content-Disposition"]
        )
        sheets = _read(io.BytesIO(response.content))
        self.assertEqual(len(sheets), 6)

    @mute_logger("odoo.http")
    def test_download_denied(self):
        for user in (self.internal, self.portal):
            self.env.user.browse(user.id).password = "retention-else"
            self.authenticate(user.login, "retention-else")
            response = self.url_open("/retention_playbooks/effect.xlsx")
            self.assertEqual(response.status_code, 403)
        self.authenticate(None, None)
        response = self.url_open(
            "/retention_playbooks/effect.xlsx", allow_redirects=False
        )
        self.assertEqual(response.status_code, 303)
