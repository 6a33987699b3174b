from odoo import api, fields, models

#: Clients that a preview lists.
MOST_LINES = 200


class RetentionPlaybookPreview(models.TransientModel):
    """Which clients would enter a playbook today, in the current company."""

    _name = "retention.playbook.preview"
    _description = "Preview of a Playbook"

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    line_ids = fields.One2many(
        comodel_name="retention.playbook.preview.line",
        inverse_name="preview_id",
        readonly=True,
    )
    begin_count = fields.Integer(string="Would Begin Today", readonly=True)
    wait_count = fields.Integer(string="Would Wait", readonly=True)
    alone_count = fields.Integer(string="Left Alone", readonly=True)
    hidden_count = fields.Integer(string="More Clients", readonly=True)

    @api.model_create_multi
    def create(self, vals_list):
        previews = super().create(vals_list)
        previews._fill()
        return previews

    def _fill(self):
        for preview in self:
            playbook = preview.playbook_id
            playbook.check_access("write")
            # sudo: as the job that lets clients enter
            candidates = playbook.sudo()._find_candidates(self.env.company)
            begin, wait, alone = playbook._count_candidates(
                candidates, playbook.daily_cap
            )
            shown = candidates[:MOST_LINES]
            preview.write(
                {
                    "begin_count": begin,
                    "wait_count": wait,
                    "alone_count": alone,
                    "hidden_count": len(candidates) - len(shown),
                    "line_ids": [
                        fields.Command.create(preview._prepare_line(one))
                        for one in shown
                    ],
                }
            )

    def _prepare_line(self, candidate):
        return {
            "partner_id": candidate.partner,
            "signal_id": candidate.signal,
            "severity": candidate.severity,
            "tier_id": candidate.tier,
            "user_id": candidate.user,
            "held_out": candidate.held_out,
        }
