from odoo import fields, models

#: Changes of contacts that bring somebody new.
NEWCOMERS = ("new", "replaced")


class RetentionSignal(models.Model):
    """Signals with the runs that they have started."""

    _inherit = "retention.signal"

    run_ids = fields.One2many(
        comodel_name="retention.run", inverse_name="signal_id", string="Runs"
    )

    def action_start_playbook(self):
        """Open the dialog that starts a playbook for the clients of these signals."""
        action = self.partner_id.action_start_playbook()
        playbook = self.env["retention.playbook"].search(
            [
                ("state", "=", "active"),
                ("company_id", "in", (*self.company_id.ids, False)),
                ("trigger_ids.signal_kind", "in", self.mapped("kind")),
            ],
            limit=1,
        )
        action["context"] |= {
            "default_playbook_id": playbook.id,
            "default_reason_id": self.reason_id[:1].id,
        }
        return action

    def _get_about_contacts(self):
        """Return {signal id: id of the new person at the client}, for those that are
        about one."""
        return {
            signal.id: signal.res_id
            for signal in self
            if signal.kind == "new_contact"
            and signal.res_model == "res.partner"
            and (signal.facts or {}).get("change") in NEWCOMERS
        }
