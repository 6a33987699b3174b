from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import TieringCommon


@tagged("post_install", "-at_install")
class TestCadence(TieringCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cadence = cls.env["client.tier.cadence"].create(
            {
                "tier_id": cls.tier_c.id,
                "channel": "call",
                "times_per_year": 3,
                "duration": 0.5,
                "preparation": 0.5,
            }
        )

    def test_cost(self):
        for name in ("Acme", "Beta"):
            self._assign(self._create_client(name), self.tier_c)
        self.env.invalidate_all()
        self.assertEqual(self.cadence.hours_per_client, 3)
        self.assertEqual(self.cadence.hours_total, 6)
        self.assertEqual(
            self.cadence.cost_sentence,
            "With 2 clients this costs the team 6 hours a year.",
        )

    def test_what_takes_two_people_costs_twice_its_duration(self):
        self.cadence.owner = "both"
        self.assertEqual(self.cadence.hours_per_client, 3 * (2 * 0.5 + 0.5))

    @mute_logger("odoo.sql_db")
    def test_ranges(self):
        for values in (
            {"times_per_year": 0},
            {"times_per_year": -1},
            {"times_per_year": 367},
            {"duration": -1},
            {"duration": 25},
            {"preparation": -0.5},
        ):
            with (
                self.subTest(values=values),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.cadence.write(values)
                self.cadence.flush_recordset()

    def test_a_call_takes_time(self):
        with self.assertRaisesRegex(ValidationError, "how long"):
            self.cadence.duration = 0
        self.cadence.write({"channel": "newsletter", "duration": 0})

    def test_activity_type_follows_the_channel(self):
        call = self.env.ref("mail.mail_activity_data_call")
        self.assertEqual(self.cadence.activity_type_id, call)
        with Form(self.cadence) as form:
            form.channel = "meeting"
        self.assertEqual(
            self.cadence.activity_type_id,
            self.env.ref("mail.mail_activity_data_meeting"),
        )

    def test_name(self):
        self.assertEqual(self.cadence.display_name, "Call, 3 a year")

    def test_company(self):
        self.assertEqual(self.cadence.company_id, self.company)
