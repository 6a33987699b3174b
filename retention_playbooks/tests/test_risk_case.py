from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .effect_common import EffectCommon


@tagged("post_install", "-at_install")
class TestRiskCase(EffectCommon):
    """Was a client at risk noticed before it was lost, and what became of it?"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cases = cls.env["retention.risk.case"]

    def _note(self, client, since, until=None, kind="complaint", **values):
        """Return a signal that was open from so many days ago until so many; it
        expired, unless told otherwise."""
        values.setdefault("state", "open" if until is None else "expired")
        return self._create_signal(
            client,
            kind=kind,
            date_open=self.today - timedelta(since),
            date_closed=until is not None and self.today - timedelta(until),
            **values,
        )

    def _lose(self, client, since, cause="manual", **values):
        return self._note(client, since, kind="lost", facts={"cause": cause}, **values)

    def _act(self, client, since, **values):
        day = self.today - timedelta(since)
        return self._enter(client, fields.Date.to_string(day), "lost", 1, **values)

    def _get_cases(self, client=None):
        client = client or self.client_a
        return self.cases.search(
            [("partner_id", "=", client.id), ("company_id", "=", self.company.id)],
            order="date, result",
        )

    def _get_results(self, client=None):
        return self._get_cases(client).mapped("result")

    def test_lost_without_a_warning(self):
        self._lose(self.client_a, 10, reason_id=self.price.id, revenue=500)
        self.assertRecordValues(
            self._get_cases(),
            [
                {
                    "result": "lost_unnoticed",
                    "date": self.today - timedelta(10),
                    "date_lost": self.today - timedelta(10),
                    "reason_id": self.price.id,
                    "cause": "manual",
                    "revenue": 500,
                    "noticed": 0,
                    "acted": 0,
                    "lost": 1,
                    "kept": 0,
                    "days_before": 0,
                }
            ],
        )

    def test_lost_though_noticed(self):
        self._note(self.client_a, 100, 60)
        self._lose(self.client_a, 10)
        case = self._get_cases()
        self.assertEqual(case.result, "lost_idle")
        self.assertEqual(case.days_before, 90)
        self.assertEqual((case.noticed, case.acted, case.lost), (1, 0, 1))

    def test_lost_although_we_acted(self):
        self._note(self.client_a, 100, 60)
        self._act(self.client_a, 80)
        self._lose(self.client_a, 10)
        self.assertEqual(self._get_results(), ["lost_acted"])

    def test_too_late_is_not_acted(self):
        self._note(self.client_a, 100, 60)
        self._lose(self.client_a, 10)
        self._act(self.client_a, 5)
        self.assertEqual(self._get_results(), ["lost_idle"])

    def test_winning_back_and_onboarding_are_not_rescue(self):
        self._note(self.client_a, 100, 60)
        for kind in ("win_back", "onboarding"):
            playbook = self._create_playbook(kind=kind)
            self._act(self.client_a, 80, playbook=playbook)
        self._lose(self.client_a, 10)
        self.assertEqual(self._get_results(), ["lost_idle"])

    def test_handled_is_acted(self):
        self._note(self.client_a, 100, 60, state="handled")
        self.assertEqual(self._get_results(), ["kept_acted"])

    def test_kept(self):
        self._note(self.client_a, 100, 60)
        self._note(self.client_b, 100, 60)
        self._act(self.client_b, 90)
        self.assertEqual(self._get_results(), ["kept_idle"])
        self.assertEqual(self._get_results(self.client_b), ["kept_acted"])
        self.assertEqual(self._get_cases(self.client_b).kept, 1)

    def test_still_at_risk(self):
        self._note(self.client_a, 100, 60)
        self._note(self.client_a, 50, kind="broken_pattern")
        case = self._get_cases()
        self.assertEqual(case.result, "open")
        self.assertEqual((case.kept, case.lost), (0, 0))

    def test_what_does_not_warn(self):
        self._note(self.client_a, 100, 60, kind="lapsed")
        self._note(self.client_a, 100, 60, kind="overdue_touch")
        self.assertFalse(self._get_cases())
        self._lose(self.client_a, 10)
        self.assertEqual(self._get_results(), ["lost_unnoticed"])

    def test_on_the_day_of_the_loss_is_too_late(self):
        self._note(self.client_a, 10, 5)
        self._lose(self.client_a, 10)
        self.assertEqual(self._get_results(), ["kept_idle", "lost_unnoticed"])

    def test_a_year_apart_is_another_case(self):
        self._note(self.client_a, 900, 866)
        self._note(self.client_a, 500, 400)
        self.assertEqual(len(self._get_cases()), 2)
        self._note(self.client_b, 900, 865)
        self._note(self.client_b, 500, 400)
        self.assertEqual(len(self._get_cases(self.client_b)), 1)

    def test_a_loss_long_after_was_not_noticed(self):
        self._note(self.client_a, 900, 800)
        self._lose(self.client_a, 434)
        self.assertEqual(self._get_results(), ["kept_idle", "lost_unnoticed"])
        self._note(self.client_b, 900, 799)
        self._lose(self.client_b, 434)
        self.assertEqual(self._get_results(self.client_b), ["lost_idle"])

    def test_lost_twice(self):
        self._note(self.client_a, 900, 880)
        self._lose(self.client_a, 850, until=700)
        self._note(self.client_a, 600, 550, state="handled")
        self._lose(self.client_a, 500, until=400)
        self._lose(self.client_a, 100)
        self.assertEqual(
            self._get_results(), ["lost_idle", "lost_acted", "lost_unnoticed"]
        )

    def test_companies_and_clients_apart(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self._note(self.client_a, 100, 60, company_id=other.id)
        self._note(self.client_b, 100, 60)
        self._lose(self.client_a, 10)
        self.assertEqual(self._get_results(), ["lost_unnoticed"])

    def test_share_caught(self):
        """Two kept, two lost (of whom one was not noticed), one still at risk."""
        clients = self._create_clients(5)
        for client in clients[:3]:
            self._note(client, 100, 60)
        self._note(clients[3], 100)
        self._lose(clients[2], 10)
        self._lose(clients[4], 10)
        [(rate, kept, lost)] = self.cases._read_group(
            [("company_id", "=", self.company.id)],
            [],
            ["kept_rate:avg", "kept:sum", "lost:sum"],
        )
        self.assertEqual((rate, kept, lost), (50, 2, 2))

    def test_opens_the_signals(self):
        warning = self._note(self.client_a, 100, 60)
        loss = self._lose(self.client_a, 10)
        self._note(self.client_b, 100, 60)
        action = self._get_cases().action_view_signals()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, warning | loss)
