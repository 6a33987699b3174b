from odoo import fields, models


class MailActivity(models.Model):
    """Activities of playbooks: done ones close their step, deleted ones let it fail."""

    _inherit = "mail.activity"

    def unlink(self):
        """Tell the account managers that steps have lost their activity."""
        steps = self._get_run_steps()
        result = super().unlink()
        if steps and not self.env.context.get("retention_job"):
            steps._note_deleted()
        return result

    def _action_done(self, feedback=False, attachment_ids=False):
        steps = self._get_run_steps()
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        if steps and not self.env.context.get("retention_job"):
            steps._note_done(fields.Date.context_today(self), feedback)
        return result

    def _get_run_steps(self):
        """Return the open steps of these activities."""
        # sudo: steps follow whoever may close or delete the activity
        return (
            self.env["retention.run.step"]
            .sudo()
            .search(
                [
                    ("activity_id", "in", self.ids),
                    ("state", "in", ("open", "failed")),
                ]
            )
        )
