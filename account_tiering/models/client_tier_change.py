from odoo import fields, models

from .unchecked_many2one import UncheckedMany2one


class ClientTierChange(models.Model):
    """A line of a client's history: which tier it got when, from whom, and why.

    Written by :class:`ClientTierAssignment` and by reviews. Undoing a review reads it.
    """

    _name = "client.tier.change"
    _description = "Client Tier Change"
    _order = "date desc, id desc"
    # Who and when are fields of its own; a review writes a line for every client.
    _log_access = False

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        ondelete="cascade",
        readonly=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        ondelete="cascade",
        readonly=True,
    )
    date = fields.Datetime(required=True, default=fields.Datetime.now, readonly=True)
    user_id = fields.Many2one(
        comodel_name="res.users", string="By", ondelete="set null", readonly=True
    )
    old_tier_id = UncheckedMany2one(
        comodel_name="client.tier", string="Former Tier", readonly=True
    )
    new_tier_id = UncheckedMany2one(
        comodel_name="client.tier", string="New Tier", readonly=True
    )
    kind = fields.Selection(
        selection=[
            ("manual", "By hand"),
            ("review", "Review"),
            ("undo", "Review undone"),
            ("merge", "Contacts merged"),
            ("move", "Became part of another client"),
        ],
        required=True,
        default="manual",
        readonly=True,
    )
    reason = fields.Char(
        string="Why", help="What the one who changed it wanted his colleagues to know."
    )
    review_id = fields.Many2one(
        comodel_name="client.tier.review",
        index="btree_not_null",
        ondelete="set null",
        readonly=True,
        groups="sales_team.group_sale_manager",
    )
    old_since = fields.Date(
        string="In the Former Tier Since", readonly=True, help="Restored by an undo."
    )

    _partner_company_idx = models.Index("(partner_id, company_id, date DESC)")
