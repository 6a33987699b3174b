from odoo import models


class ClientTierCadence(models.Model):
    """Touchpoints of a cadence that is edited follow with the next plan, so that its
    effect can be looked at before; those of one that is removed are withdrawn."""

    _inherit = "client.tier.cadence"

    def unlink(self):
        # sudo: touchpoints of all account managers follow
        touchpoints = self.env["client.touchpoint"].sudo()
        touchpoints = touchpoints.search(
            [("cadence_id", "in", self.ids), ("is_open", "=", True)]
        )
        touchpoints._withdraw(self.env._("The cadence was removed"))
        return super().unlink()

    def action_preview_plan(self):
        """Show what the next plan will do."""
        return self.env["client.touchpoint.preview"].action_open()
