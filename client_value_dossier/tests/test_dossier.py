from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import LockError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_actions_report import IrActionsReport
from odoo.addons.client_value_dossier.tools import canonical

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestDossier(ClientValueCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.entries = cls._create_entries(8, contact_id=cls.contact.id)
        cls.dossier = cls._create_dossier()

    # Drafts

    def test_defaults(self):
        form = Form(self.env["client.value.dossier"].with_user(self.own))
        form.partner_id = self.client
        form.purpose = "departing"
        self.assertEqual(form.user_id, self.own)
        self.assertEqual(form.lang, "en_US")
        self.assertEqual(form.currency_id, self.currency)
        self.assertIn("Before our ways part", form.introduction)
        form.purpose = "new_manager"
        self.assertIn("You have taken over", form.introduction)
        form.introduction = "Our own words."
        dossier = form.save()
        self.assertEqual(dossier.introduction, "Our own words.")
        self.assertEqual(dossier.state, "draft")

    def test_language_of_the_recipient(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.newcomer.lang = "fr_FR"
        self.assertEqual(self._create_dossier().lang, "fr_FR")
        self.assertEqual(self._create_dossier(recipient_id=False).lang, "en_US")

    def test_contact_given_as_client_becomes_recipient(self):
        dossier = self.env["client.value.dossier"].create(
            {"partner_id": self.contact.id}
        )
        self.assertEqual(dossier.partner_id, self.client)
        self.assertEqual(dossier.recipient_id, self.contact)

    def test_from_client_contact_and_project(self):
        for record, recipient, projects in (
            (self.client, self.env["res.partner"], self.env["project.project"]),
            (self.contact, self.contact, self.env["project.project"]),
            (self.project, self.contact, self.project),
        ):
            with self.subTest(record=record):
                form = Form.from_action(self.env, record.action_new_dossier())
                dossier = form.save()
                self.assertEqual(dossier.partner_id, self.client)
                self.assertEqual(dossier.recipient_id, recipient)
                self.assertEqual(dossier.project_ids, projects)

    def test_draft_follows_its_entries(self):
        before = self.dossier._get_snapshot()["total"]["count"]
        self._create_entry()
        self.assertEqual(self.dossier._get_snapshot()["total"]["count"], before + 1)

    # Issuing

    @freeze_time("2026-05-04")
    def test_issue(self):
        dossier = self.dossier.with_user(self.own)
        dossier.action_issue()
        self.assertEqual(dossier.state, "issued")
        self.assertRegex(dossier.name, r"VD/2026/\d{4}")
        self.assertEqual(dossier.snapshot["number"], dossier.name)
        self.assertEqual(dossier.snapshot["date"], "2026-05-04")
        self.assertEqual(dossier.digest, canonical.digest(dossier.snapshot))
        self.assertTrue(dossier.issued_on)
        self.assertIn(dossier.name, dossier.display_name)

    def test_numbers_are_consecutive(self):
        dossiers = self._create_dossier() | self._create_dossier()
        dossiers.action_issue()
        first, second = (int(name.rsplit("/")[-1]) for name in dossiers.mapped("name"))
        self.assertEqual(second, first + 1)

    def test_issued_dossier_does_not_follow_its_entries(self):
        self.dossier.action_issue()
        self.env.flush_all()
        sealed = self.dossier.snapshot
        self.entries.write({"name": "Something else", "amount": 1})
        self.entries[0].unlink()
        self.client.name = "Renamed"
        self.dossier.invalidate_recordset()
        self.assertEqual(self.dossier._get_snapshot(), sealed)
        self.assertFalse(self.dossier._get_broken_seals())

    def test_digest_survives_the_database(self):
        self._create_entry(amount=1e9, hours=0.1, name="“Quotes” – Ø 100 % \u2028 ä")
        self.dossier.action_issue()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(canonical.digest(self.dossier.snapshot), self.dossier.digest)

    def test_issue_twice(self):
        self.dossier.action_issue()
        number = self.dossier.name
        with self.assertRaisesRegex(UserError, "issued already"):
            self.dossier.action_issue()
        self.assertEqual(self.dossier.name, number)

    def test_two_people_issue_at_once(self):
        with (
            patch.object(
                type(self.dossier), "lock_for_update", side_effect=LockError("taken")
            ),
            self.assertRaisesRegex(UserError, "Somebody else is issuing"),
        ):
            self.dossier.action_issue()

    def test_nobody_alters_an_issued_dossier(self):
        self.dossier.action_issue()
        admin = self.env.ref("base.user_admin")
        for record in (
            self.dossier.with_user(self.manager),
            self.dossier.with_user(admin),
            self.dossier.sudo(),
        ):
            for values in (
                {"name": "VD/0"},
                {"snapshot": {"total": 0}},
                {"digest": "0"},
                {"state": "draft"},
                {"issued_on": "2020-01-01 00:00:00"},
                {"introduction": "Other words"},
                {"partner_id": self.other_client.id},
                {"show_amounts": False},
            ):
                with self.subTest(user=record.env.user.login, values=values):
                    with self.assertRaises(UserError):
                        record.write(values)
            for values in (
                {"snapshot": {}, "digest": "0"},
                {"state": "cancelled", "snapshot": {}},
                {"state": "draft"},
                {"state": "issued"},
            ):
                with self.assertRaises(UserError):
                    record._seal(values)
            with self.assertRaises(UserError):
                record.unlink()
        self.assertFalse(self.dossier._get_broken_seals())

    def test_nobody_forges_an_issued_dossier(self):
        values = {"partner_id": self.client.id}
        dossiers = self.env["client.value.dossier"]
        for forged in (
            {"state": "issued", "snapshot": {}, "digest": "0"},
            {"snapshot": {"number": "VD/1"}},
            {"digest": "0"},
            {"issued_on": "2020-01-01 00:00:00"},
        ):
            defaults = {f"default_{key}": value for key, value in forged.items()}
            for forging, vals in (
                (dossiers, {**values, **forged}),
                (dossiers.with_context(**defaults), values),
            ):
                with (
                    self.subTest(forged),
                    self.assertRaises(UserError),
                    self.cr.savepoint(),
                ):
                    forging.create(vals)
        for forged in ({"state": "issued"}, {"snapshot": {"a": 1}}, {"name": "X"}):
            with self.assertRaises(UserError):
                self.dossier.write(forged)

    def test_harmless_fields_stay_writable(self):
        self.dossier.action_issue()
        self.dossier.message_post(body="Read it")
        self.dossier.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.own.id
        )
        self.assertTrue(self.dossier.activity_ids)

    # Checking

    def test_check_names_what_was_changed_behind_odoo(self):
        dossiers = self.dossier | self._create_dossier() | self._create_dossier()
        dossiers.action_issue()
        intact, contents, number = dossiers
        self.env.flush_all()
        self.cr.execute(
            """
            UPDATE client_value_dossier
               SET snapshot = jsonb_set(snapshot, '{total,count}', '999')
             WHERE id = %s
            """,
            (contents.id,),
        )
        self.cr.execute(
            "UPDATE client_value_dossier SET name = 'VD/1900/0001' WHERE id = %s",
            (number.id,),
        )
        dossiers.invalidate_recordset()
        broken = dict(dossiers._get_broken_seals())
        self.assertEqual(set(broken), {contents, number})
        notification = dossiers.action_check_seal()["params"]
        self.assertEqual(notification["type"], "danger")
        self.assertIn(contents.name, notification["message"])
        self.assertIn("VD/1900/0001", notification["message"])
        self.assertNotIn(
            intact.name, notification["message"].replace(number.snapshot["number"], "")
        )
        self.assertEqual(intact.action_check_seal()["params"]["type"], "success")

    # Cancelling

    def test_cancelled_stays_readable_and_the_newer_refers_to_it(self):
        self.dossier.action_issue()
        sealed = self.dossier.snapshot
        self.dossier.action_cancel()
        self.assertEqual(self.dossier.state, "cancelled")
        self.assertEqual(self.dossier.snapshot, sealed)
        self.assertFalse(self.dossier._get_broken_seals())
        action = self.dossier.action_new_version()
        newer = self.env["client.value.dossier"].browse(action["res_id"])
        self.assertEqual(newer.previous_id, self.dossier)
        self.assertEqual(newer.state, "draft")
        self.assertFalse(newer.snapshot)
        previous = newer._prepare_snapshot()["previous"]
        self.assertEqual(previous["number"], self.dossier.name)
        self.assertIn(self.dossier.name, previous["text"])
        self.assertIn("cancelled", previous["text"])
        self.assertEqual(self.dossier.next_ids, newer)

    def test_new_dossier_continues_the_last_one(self):
        self.assertFalse(self.dossier.previous_id)
        self.dossier.action_issue()
        newer = self._create_dossier()
        self.assertEqual(newer.previous_id, self.dossier)
        self.assertIn("Continues", newer._prepare_snapshot()["previous"]["text"])

    def test_drafts_are_deleted_not_cancelled(self):
        with self.assertRaisesRegex(UserError, "Delete drafts"):
            self.dossier.action_cancel()
        self.dossier.unlink()
        self.assertFalse(self.dossier.exists())

    # Printing and sending

    def _fail_to_print(self):
        return patch.object(
            type(self.env["ir.actions.report"]),
            "_render_qweb_pdf",
            side_effect=UserError("wkhtmltopdf is not installed"),
        )

    def test_issue_without_wkhtmltopdf(self):
        with (
            self._fail_to_print(),
            mute_logger("odoo.addons.client_value_dossier.models.client_value_dossier"),
        ):
            self.dossier.action_issue()
        self.assertEqual(self.dossier.state, "issued")
        self.assertTrue(self.dossier.snapshot)
        self.assertIn("wkhtmltopdf is not installed", self.dossier.pdf_error)
        self.dossier.action_store_pdf()
        self.assertFalse(self.dossier.pdf_error)

    def test_issue_with_a_wkhtmltopdf_that_fails(self):
        with (
            self.allow_pdf_render(),
            patch.object(IrActionsReport, "_run_wkhtmltopdf", return_value=b""),
            mute_logger("odoo.addons.client_value_dossier.models.client_value_dossier"),
        ):
            self.dossier.with_context(force_report_rendering=True).action_issue()
        self.assertEqual(self.dossier.state, "issued")
        self.assertIn("made no PDF", self.dossier.pdf_error)
        self.assertFalse(self._get_pdf(self.dossier))

    def test_pdf_is_stored_and_printed_again(self):
        with self.allow_pdf_render():
            self.dossier.with_context(force_report_rendering=True).action_issue()
            attachment = self._get_pdf(self.dossier)
            self.assertTrue(attachment.raw.startswith(b"%PDF"))
            pdf, _kind = (
                self.env["ir.actions.report"]
                .with_context(force_report_rendering=True)
                ._render_qweb_pdf(
                    "client_value_dossier.action_report_dossier", self.dossier.ids
                )
            )
            self.assertEqual(pdf, attachment.raw)
            self.dossier.with_context(force_report_rendering=True).action_cancel()
            cancelled = self._get_pdf(self.dossier) - attachment
            self.assertIn("cancelled", cancelled.name)

    def _get_pdf(self, dossier):
        return self.env["ir.attachment"].search(
            [
                ("res_model", "=", dossier._name),
                ("res_id", "in", dossier.ids),
                ("mimetype", "=", "application/pdf"),
            ]
        )

    def test_send(self):
        with self.assertRaisesRegex(UserError, "Issue the dossier"):
            self.dossier.action_send()
        with self.allow_pdf_render():
            dossier = self.dossier.with_user(self.own).with_context(
                force_report_rendering=True
            )
            dossier.action_issue()
            action = dossier.action_send()
            action["context"]["force_report_rendering"] = True
            composer = Form.from_action(dossier.env, action).save()
            self.assertIn(dossier.name, composer.subject)
            self.assertEqual(composer.partner_ids, self.newcomer)
            self.assertEqual(composer.attachment_ids.mimetype, "application/pdf")
            before = dossier.message_ids
            composer.action_send_mail()
        message = dossier.message_ids - before
        self.assertEqual(message.attachment_ids.mimetype, "application/pdf")
        self.assertIn("Bob Ray", message.body)

    def test_file_names(self):
        self.assertEqual(self.dossier._get_pdf_attachment_name(), False)
        self.dossier.action_issue()
        name = self.dossier._get_pdf_attachment_name()
        self.assertTrue(name.endswith("Acme Research.pdf"))
        self.assertNotIn("/", name)
