from odoo import api, fields, models


class RetentionPlaybookTrigger(models.Model):
    """A kind of signal that a playbook begins with."""

    _name = "retention.playbook.trigger"
    _description = "Signal of a Playbook"
    _order = "playbook_id, id"

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="playbook_id.company_id", store=True)
    signal_kind = fields.Selection(
        selection="_get_signal_kinds", string="Signal", required=True
    )
    severity = fields.Selection(
        selection="_get_severities",
        string="At Least",
        required=True,
        default="1",
    )

    _kind_uniq = models.Constraint(
        "UNIQUE(playbook_id, signal_kind)", "A playbook names each signal once."
    )

    @api.model
    def _get_signal_kinds(self):
        signals = self.env["retention.signal"]
        return signals._fields["kind"]._description_selection(self.env)

    @api.model
    def _get_severities(self):
        signals = self.env["retention.signal"]
        return signals._fields["severity"]._description_selection(self.env)
