from odoo import api, fields, models


class RetentionPlaybookChange(models.TransientModel):
    """Asks what happens to running runs when the steps of their playbook change."""

    _name = "retention.playbook.change"
    _description = "Change the Steps of a Playbook"

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook", required=True, ondelete="cascade"
    )
    running_count = fields.Integer(compute="_compute_running_count")
    choice = fields.Selection(
        selection=[
            ("finish", "They finish with the steps as they are"),
            ("follow", "They follow the new steps"),
        ],
        string="Clients on Their Way",
        required=True,
        default="finish",
    )

    @api.depends("playbook_id")
    def _compute_running_count(self):
        for change in self:
            # sudo: clients of all companies are on their way through shared playbooks
            change.running_count = len(change.playbook_id.sudo()._get_running())

    def action_change(self):
        """Let the steps be changed."""
        self.ensure_one()
        self.playbook_id.check_access("write")
        if self.choice == "finish":
            self.playbook_id._start_version()
        else:
            self.playbook_id.steps_open = True
        return {"type": "ir.actions.act_window_close"}
