from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .client_tier_cadence import format_hours


class ClientTier(models.Model):
    """How important a client is: who belongs to it, and what he is owed a year.

    Tiers belong to one company. The first by sequence is the best one.
    """

    _name = "client.tier"
    _description = "Client Tier"
    _order = "company_id, sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help="A short name, for badges, imports and integrations.",
    )
    sequence = fields.Integer(default=10, help="The best tier comes first.")
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self._default_company_id(),
        index=True,
        ondelete="cascade",
    )
    active = fields.Boolean(default=True)
    color = fields.Integer()
    revenue_share_to = fields.Float(
        string="Up to % of Revenue",
        digits=(16, 2),
        aggregator=None,
        help="The tier holds the largest clients that bring this share of the revenue "
        "together with those of better tiers. 0: no matter which share.",
    )
    min_revenue = fields.Monetary(
        string="Minimum Revenue",
        aggregator=None,
        help="Clients with less revenue in the period of a review do not get this "
        "tier. 0: no matter how much.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    pricelist_id = fields.Many2one(
        comodel_name="product.pricelist",
        check_company=True,
        ondelete="restrict",
        help="Clients get it with the tier, when a review is applied. A pricelist that "
        "was chosen by hand stays.",
    )
    cadence_ids = fields.One2many(
        comodel_name="client.tier.cadence",
        inverse_name="tier_id",
        string="Cadences",
        copy=True,
    )
    newsletter_filter_made = fields.Boolean(
        readonly=True,
        copy=False,
        help="The audience of its newsletters was made; it is not made again.",
    )
    newsletter_count = fields.Integer(
        string="Newsletters", compute="_compute_newsletter_count"
    )
    client_count = fields.Integer(compute="_compute_client_count", string="Clients")
    hours_per_client = fields.Float(
        compute="_compute_hours_per_client",
        string="Hours per Client",
        help="What the cadences cost the team for one client in a year.",
    )
    hours_total = fields.Float(
        compute="_compute_hours_total",
        string="Hours a Year",
        help="What the cadences cost the team for all clients of the tier in a year.",
    )

    cost_sentence = fields.Char(compute="_compute_cost_sentence", string="Cost")

    _code_uniq = models.Constraint(
        "UNIQUE(company_id, code)",
        "Another tier of this company has this code (it may be archived): choose a "
        "different one.",
    )
    _share_range = models.Constraint(
        "CHECK(revenue_share_to BETWEEN 0 AND 100)",
        "The share of the revenue lies between 0 and 100 %.",
    )
    _min_revenue_positive = models.Constraint(
        "CHECK(min_revenue >= 0)", "The minimum revenue must not be negative."
    )

    def _default_company_id(self):
        return self.env.company

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _compute_client_count(self):
        # sudo: how many clients a tier has is no secret to those who see the tier
        counts = dict(
            self.env["client.tier.assignment"]
            .sudo()
            ._read_group(
                [("tier_id", "in", self.ids), ("partner_id.active", "=", True)],
                ["tier_id"],
                ["__count"],
            )
        )
        for tier in self:
            tier.client_count = counts.get(tier._origin.sudo(), 0)

    @api.depends("cadence_ids.hours_per_client")
    def _compute_hours_per_client(self):
        for tier in self:
            tier.hours_per_client = sum(tier.cadence_ids.mapped("hours_per_client"))

    @api.depends("hours_per_client", "client_count")
    def _compute_hours_total(self):
        for tier in self:
            tier.hours_total = tier.hours_per_client * tier.client_count

    @api.depends("hours_total")
    def _compute_cost_sentence(self):
        for tier in self:
            tier.cost_sentence = self.env._(
                "Each client costs the team %(each)s hours a year, all %(clients)s of "
                "them %(total)s hours.",
                each=format_hours(tier.hours_per_client),
                clients=tier.client_count,
                total=format_hours(tier.hours_total),
            )

    @api.depends("company_id")
    @api.depends_context("allowed_company_ids")
    def _compute_display_name(self):
        """Tell the companies' tiers apart where several companies are shown."""
        result = super()._compute_display_name()
        if len(self.env.companies) > 1:
            for tier in self.filtered("company_id"):
                # sudo: the company's name alone
                tier.display_name = f"{tier.name} ({tier.company_id.sudo().name})"
        return result

    def _compute_newsletter_count(self):
        counts = dict(
            self.env["client.newsletter"]._read_group(
                [("tier_id", "in", self.ids)], ["tier_id"], ["__count"]
            )
        )
        for tier in self:
            tier.newsletter_count = counts.get(tier._origin, 0)

    # ------------------------------------------------------------
    # CONSTRAINTS
    # ------------------------------------------------------------

    @api.constrains(
        "sequence", "revenue_share_to", "min_revenue", "company_id", "active"
    )
    def _check_order(self):
        if self.env.context.get("tier_order_checked_later"):
            return
        tiers = self.search([("company_id", "in", self.company_id.ids)])
        for company_tiers in tiers.grouped("company_id").values():
            company_tiers.sorted()._check_bounds_in_order()

    def _check_bounds_in_order(self):
        """Raise ValidationError unless bounds rise and minimums do not, in the order
        of these tiers."""
        bounded = self.filtered(lambda tier: tier.revenue_share_to > 0)
        for better, tier in zip(bounded, bounded[1:], strict=False):
            if tier.revenue_share_to <= better.revenue_share_to:
                raise ValidationError(
                    self.env._(
                        "Tier %(tier)s reaches up to %(share)g %% of the revenue, but "
                        "tier %(better)s above it already reaches up to "
                        "%(better_share)g %%. Give %(tier)s a higher share, or move it "
                        "above %(better)s.",
                        tier=tier.name,
                        share=tier.revenue_share_to,
                        better=better.name,
                        better_share=better.revenue_share_to,
                    )
                )
        for better, tier in zip(self, self[1:], strict=False):
            if tier.min_revenue > better.min_revenue:
                raise ValidationError(
                    self.env._(
                        "Tier %(tier)s asks for more revenue than tier %(better)s "
                        "above it. Lower the minimum revenue of %(tier)s, or raise "
                        "that of %(better)s.",
                        tier=tier.name,
                        better=better.name,
                    )
                )

    @api.constrains("company_id")
    def _check_company_is_kept(self):
        # sudo: clients of other account managers count, too
        moved = (
            self.env["client.tier.assignment"]
            .sudo()
            .search([("tier_id", "in", self.ids)])
            .filtered(lambda given: given.company_id != given.tier_id.company_id)
        )
        if moved:
            raise ValidationError(
                self.env._(
                    "Tier %s has clients in its present company: make a tier of its "
                    "own for the other company.",
                    moved[0].tier_id.name,
                )
            )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        if vals.get("active") is False:
            self._check_no_clients(
                self.env._(
                    "Tier %(tier)s has %(count)s clients. Give them another tier "
                    "first, by a review or by hand, then archive it."
                )
            )
        result = super().write(vals)
        if {"name", "active", "company_id"} & vals.keys():
            self.env["mailing.filter"]._follow_tiers(self)
        return result

    def unlink(self):
        """Remove the audiences with their tiers, unless somebody has made them his."""
        # sudo: whoever removes tiers need not do mailings
        filters = self.env["mailing.filter"].sudo().with_context(active_test=False)
        filters = filters.search([("tier_id", "in", self.ids)])
        result = super().unlink()
        filters.filtered(lambda one: one._is_as_made()).unlink()
        return result

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        default = default or {}
        for tier, vals in zip(self, vals_list, strict=True):
            if "name" not in default:
                vals["name"] = self.env._("%s (copy)", tier.name)
            if "code" not in default:
                vals["code"] = self._get_free_code(tier)
            if "company_id" not in default:
                # A second tier with the same bounds cannot be.
                vals["revenue_share_to"] = 0.0
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_history(self):
        self._check_no_clients(
            self.env._(
                "Tier %(tier)s has %(count)s clients. Give them another tier first, by "
                "a review or by hand."
            )
        )
        # sudo: reviews and the history of clients that the user may not see count, too.
        # The database does not check them, see UncheckedMany2one.
        line = (
            self.env["client.tier.review.line"]
            .sudo()
            .search(
                [
                    "|",
                    "|",
                    ("tier_id", "in", self.ids),
                    ("old_tier_id", "in", self.ids),
                    ("proposed_tier_id", "in", self.ids),
                ],
                limit=1,
            )
        )
        if line:
            raise UserError(
                self.env._(
                    "A tier of these is part of the review %s: archive it instead.",
                    line.review_id.name,
                )
            )
        # sudo: a tier in the history of any client, and its name
        change = (
            self.env["client.tier.change"]
            .sudo()
            .search(
                [
                    "|",
                    ("old_tier_id", "in", self.ids),
                    ("new_tier_id", "in", self.ids),
                ],
                limit=1,
            )
        )
        if change:
            tier = (change.old_tier_id | change.new_tier_id) & self.sudo()
            raise UserError(
                self.env._(
                    "Tier %s is part of clients' history: archive it instead.",
                    tier[0].name,
                )
            )

    def web_resequence(self, specification, field_name="sequence", offset=0):
        """Check the order once all tiers have their new place."""
        unchecked = self.with_context(tier_order_checked_later=True)
        result = super(ClientTier, unchecked).web_resequence(
            specification, field_name, offset
        )
        self._check_order()
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_clients(self):
        """Open the clients of these tiers."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_tier_assignment_action"
        )
        action["domain"] = [("tier_id", "in", self.ids)]
        action["context"] = {}
        return action

    def action_view_newsletters(self):
        """Open the newsletters of these tiers."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_newsletter_action"
        )
        action["domain"] = [("tier_id", "in", self.ids)]
        action["context"] = {}
        return action

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _check_no_clients(self, message):
        """Raise UserError with this message when one of the tiers has clients."""
        [(tier, count)] = self.env[
            "client.tier.assignment"
        ].sudo()._read_group(  # sudo: clients of other account managers count, too
            [("tier_id", "in", self.ids)], ["tier_id"], ["__count"], limit=1
        ) or [(self.browse(), 0)]
        if count:
            raise UserError(message % {"tier": tier.name, "count": count})

    def _get_free_code(self, tier):
        """Return a code like the tier's that its company does not have yet."""
        taken = set(
            self.with_context(active_test=False)
            .search([("company_id", "=", tier.company_id.id)])
            .mapped("code")
        )
        number = 2
        while f"{tier.code}{number}" in taken:
            number += 1
        return f"{tier.code}{number}"

    def _prepare_newsletter_filter(self):
        """Return the values of the ``mailing.filter`` of the tier's newsletters.

        Those who have asked for no mailings are left out as Odoo's own audiences do.
        """
        self.ensure_one()
        localized = self.with_context(lang=self.company_id.partner_id.lang)
        name = localized.env._("Tier %s", localized.name)
        # sudo: to tell companies apart, it matters how many there are at all
        if self.env["res.company"].sudo().search_count([], limit=2) > 1:
            name = f"{name} ({self.company_id.name})"
        return {
            "name": name,
            "mailing_domain": repr(
                [
                    ("newsletter_tier_ids", "in", self.ids),
                    ("is_blacklisted", "=", False),
                ]
            ),
            "active": self.active
            and "newsletter" in self.cadence_ids.mapped("channel"),
        }
