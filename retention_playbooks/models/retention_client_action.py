from odoo import Command, fields, models
from odoo.exceptions import UserError

#: Purpose of the dossier to show, by the kind of the gravest signal.
PURPOSES = {"new_contact": "new_manager", "lapsed": "departing", "lost": "departing"}


class RetentionClient(models.Model):
    """Buttons: one for each thing that an account manager does about a client."""

    _inherit = "retention.client"

    def action_call_done(self):
        """Open the dialog that says what a call has brought; it is filled in."""
        return self._get_done_action("call", self.env._("Call Done"))

    def action_meeting_done(self):
        """Open the dialog that says what a meeting has brought."""
        return self._get_done_action("meeting", self.env._("Meeting Held"))

    def _get_done_action(self, channel, name):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "retention.client.done",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_client_id": self.id,
                "default_channel": channel,
                "dialog_size": "medium",
            },
        }

    def action_meeting(self):
        """Open a new meeting with the contact; that of a due step stays linked to
        it."""
        self.ensure_one()
        self.check_access("read")
        # sudo: the step belongs to the client's list, which the user may see
        activity = self.step_id.sudo().activity_id
        context = {
            "default_name": self.env._("Meeting with %s", self.partner_id.name),
            "default_partner_ids": (self.env.user.partner_id | self._get_contact()).ids,
            # Internal notes: the description goes to the client with the invitation.
            "default_notes": self.reasons,
        }
        if activity.activity_category == "meeting":
            context |= {
                "default_activity_ids": [Command.set(activity.ids)],
                "default_res_model": "res.partner",
                "default_res_id": self.partner_id.id,
                "orig_activity_ids": activity.ids,
            }
        else:
            context |= {
                "default_res_model_id": self.env["ir.model"]._get_id("res.partner"),
                "default_res_id": self.partner_id.id,
            }
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Meeting"),
            "res_model": "calendar.event",
            "views": [(False, "form")],
            "target": "new",
            "context": context,
        }

    def action_mail(self):
        """Open a mail to the contact: that of a due step, or an empty one.

        :raises UserError: the contact has no address
        """
        self.ensure_one()
        self.check_access("read")
        if self.step_id.can_mail:
            return self.step_id.action_send()
        contact = self._get_contact()
        if not contact.email:
            raise UserError(self.env._("%s has no email address.", contact.name))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Mail"),
            "res_model": "mail.compose.message",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_model": "res.partner",
                "default_res_ids": self.partner_id.ids,
                "default_partner_ids": contact.ids,
                "default_composition_mode": "comment",
                "force_email": True,
            },
        }

    def action_snooze(self):
        """Open the dialog that puts these clients off."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Snooze"),
            "res_model": "retention.client.snooze",
            "view_mode": "form",
            "target": "new",
            "context": {"default_client_ids": self.ids, "dialog_size": "medium"},
        }

    def action_wake(self):
        """Put snoozed clients back on the list."""
        self.check_access("read")
        # sudo: the list, and who has put a client off, are not written by hand
        clients = self.sudo()
        clients.snooze_id.ended_on = fields.Date.context_today(self)
        clients.write({"snooze_id": False, "snoozed_until": False})
        return True

    def action_start_playbook(self):
        """Open the dialog that starts a playbook: one for the gravest signal."""
        self.check_access("read")
        signals = self.signal_id.filtered(lambda one: one.has_access("read"))
        if signals:
            return signals.action_start_playbook()
        return self.partner_id.action_start_playbook()

    def action_print_dossier(self):
        """Print the latest dossier of the client, that of its playbook first. Without
        one, open a new one for the occasion."""
        self.ensure_one()
        self.check_access("read")
        dossiers = self.env["client.value.dossier"]
        # sudo: which dossier it is; whether the user may print it is asked below
        dossier = self.run_id.sudo().dossier_id.with_env(self.env)
        if not dossier or not dossier.has_access("read"):
            dossier = dossiers.search(
                [
                    ("partner_id", "=", self.partner_id.id),
                    ("company_id", "=", self.company_id.id),
                    ("state", "!=", "cancelled"),
                ],
                order="id desc",
                limit=1,
            )
        if dossier:
            return dossier.action_print()
        action = (self._get_contact() or self.partner_id).action_new_dossier()
        action["context"]["default_purpose"] = PURPOSES.get(self.kind, "review")
        return action

    def action_open_step(self):
        """Open the due step with its talk list; without one, the playbook."""
        self.ensure_one()
        if not self.step_id:
            return self.action_open_run()
        return self.step_id._get_records_action(
            name=self.run_id.playbook_id.name, target="new", context={}
        )

    def action_open_run(self):
        """Open the playbook that runs for the client; without one, the client."""
        self.ensure_one()
        return (self.run_id or self.partner_id)._get_records_action(context={})

    def action_open_client(self):
        """Open the client."""
        self.ensure_one()
        return self.partner_id._get_records_action(context={})

    def _get_contact(self):
        """Return whom to address, the client itself if there is nobody."""
        contact = self.contact_id if self.contact_id.active else self.partner_id
        return contact or self.partner_id
