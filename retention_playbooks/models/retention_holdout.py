from odoo import fields, models


class RetentionHoldout(models.Model):
    """A client that a playbook leaves alone, to compare with."""

    _name = "retention.holdout"
    _description = "Client Left Alone"
    _order = "date desc, id desc"
    _rec_name = "partner_id"

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook",
        required=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Client", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, ondelete="cascade"
    )
    date = fields.Date(
        string="Since", required=True, help="The day on which it would have entered."
    )

    _client_uniq = models.Constraint(
        "UNIQUE(playbook_id, partner_id, company_id)",
        "This client is left alone already.",
    )
    _partner_idx = models.Index("(partner_id)")
