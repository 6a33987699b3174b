"""Clients change: they merge, move, are archived. No entry is lost or misplaced."""

from odoo import Command
from odoo.tests import tagged

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestEntryFollow(ClientValueCommon):
    def _merge(self, source, target):
        self.env["base.partner.merge.automatic.wizard"].create({})._merge(
            (source | target).ids, target
        )

    def test_merged_clients(self):
        double = self.env["res.partner"].create(
            {
                "name": "ACME research ltd",
                "is_company": True,
                "client_since_manual": "2010-05-01",
            }
        )
        entry = self._create_entry(
            partner_id=double.id, res_model="res.partner", res_id=double.id
        )
        dossier = self._create_dossier(partner_id=double.id, recipient_id=False)
        dossier.action_issue()
        digest = dossier.digest
        self._merge(double, self.client)
        self.assertFalse(double.exists())
        self.assertEqual(entry.partner_id, self.client)
        self.assertEqual(entry.res_id, self.client.id)
        self.assertEqual(entry.account_manager_id, self.own)
        self.assertEqual(dossier.partner_id, self.client)
        self.assertEqual(dossier.digest, digest)
        self.assertFalse(dossier._get_broken_seals())
        self.assertEqual(str(self.client.client_since), "2010-05-01")

    def test_client_merged_into_a_contact(self):
        single = self.env["res.partner"].create({"name": "A. Lee"})
        entry = self._create_entry(partner_id=single.id)
        self._merge(single, self.contact)
        self.assertEqual(entry.partner_id, self.client)
        self.assertEqual(entry.contact_id, self.contact)

    def test_merged_contacts(self):
        entry = self._create_entry(contact_id=self.contact.id)
        self._merge(self.contact, self.newcomer)
        self.assertEqual(entry.contact_id, self.newcomer)
        self.assertEqual(entry.partner_id, self.client)

    def test_archived_client_and_project(self):
        entry = self._create_entry(project_id=self.project.id, amount=100)
        self.client.child_ids.action_archive()
        self.client.action_archive()
        self.project.action_archive()
        self.assertIn(
            entry,
            self.env["client.value.entry"].search(
                [("partner_id", "=", self.client.id)]
            ),
        )
        self.client.invalidate_recordset()
        self.assertEqual(self.client.value_total, 100)
        snapshot = self._create_dossier()._prepare_snapshot()
        self.assertEqual(snapshot["total"]["count"], 1)
        self.assertEqual(
            [line["name"] for line in snapshot["projects"]["lines"]], ["Brand tracker"]
        )

    def test_contact_moves_to_another_company(self):
        entry = self._create_entry(contact_id=self.contact.id)
        self.contact.parent_id = self.other_client
        self.assertEqual(entry.partner_id, self.client)
        self.assertEqual(entry.contact_id, self.contact)

    def test_person_becomes_contact_of_a_company(self):
        person = self.env["res.partner"].create({"name": "Freelance Fay"})
        entry = self._create_entry(partner_id=person.id)
        dossier = self._create_dossier(partner_id=person.id, recipient_id=False)
        self.client.write({"child_ids": [Command.link(person.id)]})
        self.assertEqual(entry.partner_id, self.client)
        self.assertEqual(entry.contact_id, person)
        self.assertEqual(dossier.partner_id, self.client)

    def test_company_gets_a_parent(self):
        entry = self._create_entry()
        self.client.parent_id = self.other_client
        self.assertEqual(entry.partner_id, self.client)

    def test_project_changes_its_client(self):
        entry = self._create_entry(
            project_id=self.project.id, contact_id=self.contact.id
        )
        self.project.partner_id = self.other_client
        self.assertEqual(entry.partner_id, self.client)
        self.assertEqual(self.project.value_former_client_count, 1)
        self.assertFalse(
            self._create_dossier(
                partner_id=self.other_client.id, recipient_id=False
            )._get_entries()
        )
        self.project.action_move_value_entries()
        self.assertEqual(entry.partner_id, self.other_client)
        self.assertFalse(entry.contact_id)
        self.project.invalidate_recordset()
        self.assertEqual(self.project.value_former_client_count, 0)

    def test_deleted_project_keeps_its_entries(self):
        project = self.env["project.project"].create(
            {"name": "Pilot", "partner_id": self.client.id}
        )
        entry = self._create_entry(project_id=project.id)
        project.unlink()
        self.assertTrue(entry.exists())
        self.assertFalse(entry.project_id)
        self.assertEqual(entry.partner_id, self.client)

    def test_client_changes_its_account_manager(self):
        entry = self._create_entry(user_id=self.other.id)
        self.assertEqual(entry.account_manager_id, self.own)
        self.client.user_id = self.all_docs
        self.assertEqual(entry.account_manager_id, self.all_docs)
        self.assertEqual(entry.user_id, self.other)
