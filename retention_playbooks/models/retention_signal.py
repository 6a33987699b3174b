from odoo import fields, models


class RetentionSignal(models.Model):
    """One reason to act on one client, found by the weekly job or logged by hand.

    There is one open signal per client, company and kind. It closes itself when its
    reason is gone, and is kept, so that what was noticed can be measured.
    """

    _name = "retention.signal"
    _description = "Retention Signal"
    _order = "severity desc, date_open, id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        ondelete="cascade",
    )
    kind = fields.Selection(
        selection=[
            ("open_tickets", "Open Tickets"),
            ("complaint", "Complaint"),
            ("no_usage", "No Usage"),
            ("broken_pattern", "Broken Pattern"),
            ("lapsed", "Lapsed"),
            ("lost", "Lost"),
            ("new_contact", "New Contact"),
            ("overdue_touch", "Overdue Touchpoint"),
            ("late_payer", "Late Payer"),
            ("shrinking", "Shrinking"),
        ],
        required=True,
    )
    severity = fields.Selection(
        selection=[("1", "Low"), ("2", "Medium"), ("3", "High")],
        required=True,
        default="2",
    )
    explanation = fields.Char(help="The reason in a sentence.")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        ondelete="set null",
        falsy_value_label="Nobody",
    )
    date_open = fields.Date(
        string="Since", required=True, default=fields.Date.context_today
    )
    date_closed = fields.Date(string="Until")
    state = fields.Selection(
        selection=[
            ("open", "Open"),
            ("handled", "Handled"),
            ("expired", "Expired"),
        ],
        required=True,
        default="open",
    )

    _open_uniq = models.UniqueIndex(
        "(partner_id, company_id, kind) WHERE state = 'open'",
        "The client has an open signal of this kind already.",
    )
