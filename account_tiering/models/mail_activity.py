from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.tools import mute_logger


class MailActivity(models.Model):
    """Activities of touchpoints: done ones fulfil them, moved ones move them. And
    digests, of which everybody has one of a kind."""

    _inherit = "mail.activity"

    digest_kind = fields.Char(
        readonly=True, copy=False, help="What the activity is the digest of."
    )

    # Two jobs at once give everybody one.
    _digest_uniq = models.UniqueIndex(
        "(user_id, digest_kind) WHERE digest_kind IS NOT NULL AND active",
        "There is a digest for this user already.",
    )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if "date_deadline" in vals and not self.env.context.get("touchpoint_plan"):
            self._get_touchpoints()._follow_entries("activity_id")
        return result

    def unlink(self):
        """Let the touchpoints of cancelled activities be offered again."""
        touchpoints = self._get_touchpoints()
        result = super().unlink()
        if not self.env.context.get("touchpoint_plan"):
            touchpoints._offer_anew()
        return result

    def _action_done(self, feedback=False, attachment_ids=False):
        # sudo: whoever makes the call need not be the account manager
        touchpoints = self.env["client.touchpoint"].sudo()
        documents = touchpoints._get_document_queries()
        of_clients = self.filtered(lambda one: one.res_model in documents)
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        if of_clients and not self.env.context.get("touchpoint_plan"):
            touchpoints._fulfil_from_activities(of_clients)
        return result

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _create_digests(self, vals_list):
        """Create digests; those that another job has given in the meantime are left
        alone.

        :param vals_list: values of each, with ``user_id`` and ``digest_kind``
        :returns: those that were created
        """
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                return self.create(vals_list)
        except UniqueViolation:
            half = len(vals_list) // 2
        if not half:
            return self.browse()
        parts = vals_list[:half], vals_list[half:]
        return self.union(*(self._create_digests(part) for part in parts))

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_touchpoints(self):
        """Return the open touchpoints of these activities."""
        # sudo: touchpoints follow whoever may change the activity
        return (
            self.env["client.touchpoint"]
            .sudo()
            .search([("activity_id", "in", self.ids), ("is_open", "=", True)])
        )
