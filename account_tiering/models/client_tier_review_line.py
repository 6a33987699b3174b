from odoo import api, fields, models
from odoo.exceptions import UserError

from .unchecked_many2one import UncheckedMany2one

HELD = [
    ("margin", "Near a bound"),
    ("stay", "Minimum stay"),
    ("grace", "New client"),
    ("locked", "Locked"),
]
MOVEMENTS = [
    ("up", "Up"),
    ("down", "Down"),
    ("new", "New"),
    ("same", "Same"),
]


class ClientTierReviewLine(models.Model):
    """What a review proposes for one client, and what was decided."""

    _name = "client.tier.review.line"
    _description = "Client Tier Review Line"
    _order = "review_id, revenue DESC, id"
    _rec_name = "partner_id"
    # A review writes a line for every client.
    _log_access = False

    # Deleted with the review by client.tier.review.
    review_id = UncheckedMany2one(comodel_name="client.tier.review", required=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        index=True,
        ondelete="cascade",
        readonly=True,
    )
    company_id = fields.Many2one(related="review_id.company_id")
    currency_id = fields.Many2one(related="review_id.currency_id")
    state = fields.Selection(related="review_id.state")
    user_id = fields.Many2one(related="partner_id.user_id", string="Account Manager")
    revenue = fields.Monetary(readonly=True)
    share = fields.Float(
        string="Share %", digits=(16, 2), aggregator="sum", readonly=True
    )
    cumulative = fields.Float(
        string="Cumulative %",
        digits=(16, 2),
        aggregator="max",
        readonly=True,
        help="Share of the client and of all who bring as much or more.",
    )
    old_tier_id = UncheckedMany2one(
        comodel_name="client.tier", string="Present Tier", readonly=True
    )
    proposed_tier_id = UncheckedMany2one(comodel_name="client.tier", readonly=True)
    tier_id = UncheckedMany2one(
        comodel_name="client.tier",
        string="New Tier",
        domain="[('company_id', '=', company_id)]",
        help="What is applied. Choose another one than proposed if you know better, "
        "and say why.",
    )
    reason = fields.Char(
        string="Why Not as Proposed",
        help="Goes into the client's history.",
    )
    held = fields.Selection(
        selection=HELD,
        string="Held Back",
        readonly=True,
        help="Why the client does not get the tier that its revenue alone asks for: it "
        "is near a bound, has not been in its tier for the minimum stay, is too new to "
        "be moved down, or is locked.",
    )
    movement = fields.Selection(
        selection=MOVEMENTS, compute="_compute_movement", store=True
    )
    decision = fields.Selection(
        selection=[("accept", "Accept"), ("skip", "Skip")],
        required=True,
        default="accept",
        help="Skipped clients keep the tier that they have.",
    )
    hours_before = fields.Float(
        readonly=True, help="Hours a year of the cadences of the present tier."
    )
    hours_after = fields.Float(
        compute="_compute_movement",
        store=True,
        help="Hours a year of the cadences of the new tier, if accepted.",
    )
    # What an undo restores.
    pricelist_set = fields.Boolean(readonly=True)
    old_pricelist_id = fields.Many2one(
        comodel_name="product.pricelist", ondelete="set null", readonly=True
    )

    _review_idx = models.Index("(review_id, revenue DESC, id)")

    @api.depends("tier_id", "old_tier_id", "decision")
    def _compute_movement(self):
        for line in self:
            old, new = line.old_tier_id, line.tier_id
            line.movement = line._get_movement(old, new)
            kept = old if line.decision == "skip" else new
            line.hours_after = kept.hours_per_client

    def write(self, vals):
        if {"tier_id", "decision", "reason"} & vals.keys():
            self._check_draft()
        if vals.get("tier_id") and self.filtered(lambda one: one.held == "locked"):
            raise UserError(
                self.env._(
                    "%s is locked in its tier. Unlock the client first, then recompute "
                    "the review.",
                    self.filtered(lambda one: one.held == "locked")[0].partner_id.name,
                )
            )
        return super().write(vals)

    def action_accept(self):
        """Accept these lines."""
        self.filtered(lambda line: line.decision != "accept").decision = "accept"
        return True

    def action_skip(self):
        """Leave these clients in the tier that they have."""
        self.filtered(lambda line: line.decision != "skip").decision = "skip"
        return True

    def action_view_client(self):
        """Open the client."""
        self.ensure_one()
        return self.partner_id._get_records_action(context={})

    @api.model
    def _get_movement(self, old, new):
        """Return the movement from one tier to another; both may be empty."""
        if old == new:
            return "same"
        if not old:
            return "new"
        if not new:
            return "down"
        better = (new.sequence, new.id) < (old.sequence, old.id)
        return "up" if better else "down"

    def _check_draft(self):
        if any(line.review_id.state != "draft" for line in self):
            raise UserError(
                self.env._("This review is closed: its lines do not change any more.")
            )
