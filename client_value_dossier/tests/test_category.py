from psycopg2.errors import UniqueViolation

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestCategory(ClientValueCommon):
    def test_shipped_categories_cover_every_section(self):
        sections = self.env["client.value.category"].search([]).mapped("section")
        self.assertEqual(
            set(sections), {"concession", "benefit", "flexibility", "special"}
        )

    def test_code_is_made_from_the_name(self):
        first, second, cyrillic = self.env["client.value.category"].create(
            [
                {"name": "Gifts & Co", "section": "benefit"},
                {"name": "Gifts, co!", "section": "benefit"},
                {"name": "Подарък", "section": "benefit"},
            ]
        )
        self.assertEqual(first.code, "gifts_co")
        self.assertEqual(second.code, "gifts_co_2")
        self.assertTrue(cyrillic.code.startswith("category"))

    def test_code_is_unique(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            self.env["client.value.category"].create(
                {"name": "Again", "code": self.discount.code}
            )

    def test_copy_gets_its_own_code(self):
        copy = self.discount.copy()
        self.assertNotEqual(copy.code, self.discount.code)
        self.assertIn(self.discount.name, copy.name)
        self.assertNotEqual(copy.name, self.discount.name)

    def test_section_change_moves_entries(self):
        entry = self._create_entry(category_id=self.discount.id)
        self.discount.section = "benefit"
        self.assertEqual(entry.section, "benefit")

    def test_default_visibility(self):
        hidden = self.env["client.value.category"].create(
            {"name": "Own lessons", "section": "special", "client_visible": False}
        )
        entry = self._create_entry(category_id=hidden.id)
        self.assertFalse(entry.client_visible)
        self.assertTrue(self._create_entry().client_visible)

    def test_entry_count_and_its_entries(self):
        before = self.urgent.entry_count
        entry = self._create_entry(category_id=self.urgent.id)
        self.urgent.invalidate_recordset(["entry_count"])
        self.assertEqual(self.urgent.entry_count, before + 1)
        action = self.urgent.action_view_entries()
        self.assertIn(entry, self.env["client.value.entry"].search(action["domain"]))
