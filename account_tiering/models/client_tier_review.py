from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError, ValidationError

#: The share of revenue that the sentence about concentration names, in percent.
PARETO_SHARE = 80.0


class ClientTierReview(models.Model):
    """A proposed classification of all clients of a company.

    It is computed as a whole, by SQL and :mod:`tools.pareto`, and applied as a whole:
    a company may have 100 000 clients. How it is proposed is in
    :mod:`client_tier_review_propose`, how it is applied and undone in
    :mod:`client_tier_review_apply`, and what chart and workbook show in
    :mod:`client_tier_review_read`.
    """

    _name = "client.tier.review"
    _description = "Client Tier Review"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_to DESC, id DESC"

    name = fields.Char(
        required=True, default=lambda self: self._default_name(), copy=False
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self._default_company_id(),
        index=True,
        # Its lines would stay, see UncheckedMany2one.
        ondelete="restrict",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Director",
        default=lambda self: self._default_user_id(),
        ondelete="set null",
        help="Who decides about it.",
    )
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("applied", "Applied"),
            ("undone", "Undone"),
            ("cancelled", "Cancelled"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    method = fields.Selection(
        selection="_selection_method",
        required=True,
        compute="_compute_settings",
        store=True,
        readonly=False,
        precompute=True,
        help="What clients are measured by: untaxed posted invoices minus credit "
        "notes, or confirmed orders, in the company's currency.",
    )
    date_from = fields.Date(
        string="From",
        required=True,
        compute="_compute_settings",
        store=True,
        readonly=False,
        precompute=True,
    )
    date_to = fields.Date(
        string="To",
        required=True,
        default=lambda self: fields.Date.context_today(self),
        copy=False,
    )
    margin = fields.Float(
        digits=(16, 2),
        compute="_compute_settings",
        store=True,
        readonly=False,
        precompute=True,
        help="Percentage points beyond a bound before a client that has a tier moves.",
    )
    stay_months = fields.Integer(
        string="Minimum Stay",
        compute="_compute_settings",
        store=True,
        readonly=False,
        precompute=True,
        help="Months that a client stays in a tier before it moves again.",
    )
    grace_months = fields.Integer(
        string="Grace for New Clients",
        compute="_compute_settings",
        store=True,
        readonly=False,
        precompute=True,
        help="Months after its first invoice or order in which a client is not moved "
        "down.",
    )
    scheduled_for = fields.Date(readonly=True, copy=False)
    line_ids = fields.One2many(
        comodel_name="client.tier.review.line", inverse_name="review_id"
    )
    proposed_on = fields.Datetime(readonly=True, copy=False)
    applied_on = fields.Datetime(readonly=True, copy=False)
    applied_by_id = fields.Many2one(
        comodel_name="res.users",
        readonly=True,
        copy=False,
        ondelete="set null",
    )
    can_undo = fields.Boolean(compute="_compute_can_undo")

    # Concentration
    client_count = fields.Integer(string="Clients", readonly=True, copy=False)
    revenue_total = fields.Monetary(string="Revenue", readonly=True, copy=False)
    few_count = fields.Integer(readonly=True, copy=False)
    top_count = fields.Integer(
        string="Largest Clients", default=10, help="Whose share of the revenue is told."
    )
    top_share = fields.Float(
        string="Share of the Largest %", digits=(16, 1), compute="_compute_top_share"
    )
    concentration = fields.Char(compute="_compute_concentration")

    # Movements
    up_count = fields.Integer(string="Up", compute="_compute_counts")
    down_count = fields.Integer(string="Down", compute="_compute_counts")
    new_count = fields.Integer(string="New", compute="_compute_counts")
    same_count = fields.Integer(string="Same", compute="_compute_counts")
    skip_count = fields.Integer(string="Skipped", compute="_compute_counts")
    hours_before = fields.Float(string="Hours a Year Before", compute="_compute_counts")
    hours_after = fields.Float(string="Hours a Year After", compute="_compute_counts")

    _scheduled_uniq = models.UniqueIndex(
        "(company_id, scheduled_for) WHERE scheduled_for IS NOT NULL",
        "This review has been prepared already.",
    )
    _period_order = models.Constraint(
        "CHECK(date_from <= date_to)", "The period ends before it begins."
    )
    _settings_range = models.Constraint(
        "CHECK(margin BETWEEN 0 AND 50 AND stay_months >= 0 AND grace_months >= 0"
        " AND top_count >= 0)",
        "The margin lies between 0 and 50 percentage points; months and the number of "
        "largest clients must not be negative.",
    )

    def _default_name(self):
        return self.env._(
            "Tier review %s", fields.Date.to_string(fields.Date.context_today(self))
        )

    def _default_company_id(self):
        return self.env.company

    def _default_user_id(self):
        return self.env.company.tier_director_id or self.env.user

    @api.model
    def _selection_method(self):
        return self.env["res.company"]._selection_tier_method()

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("company_id")
    def _compute_settings(self):
        """Begin with the settings of the company; what was chosen then stays."""
        methods = dict(self._selection_method())
        for review in self:
            company = review.company_id
            until = review.date_to or fields.Date.context_today(review)
            review.date_from = (
                until
                + relativedelta(days=1)
                - relativedelta(months=company.tier_months or 12)
            )
            # The method of an addon that is gone.
            method = company.tier_method
            review.method = method if method in methods else next(iter(methods))
            review.margin = company.tier_margin
            review.stay_months = company.tier_stay_months
            review.grace_months = company.tier_grace_months

    @api.depends("state", "applied_on")
    def _compute_can_undo(self):
        for review in self:
            review.can_undo = review.state == "applied" and (
                review == review._get_last_applied()
            )

    @api.depends("top_count", "revenue_total", "proposed_on")
    def _compute_top_share(self):
        lines = self.env["client.tier.review.line"]
        for review in self:
            top = lines.search_fetch(
                [("review_id", "=", review._origin.id), ("revenue", ">", 0)],
                ["share"],
                limit=max(review.top_count, 1),
                order="revenue DESC, id",
            )
            review.top_share = sum(top.mapped("share")) if review.top_count > 0 else 0.0

    @api.depends("few_count", "client_count", "revenue_total")
    def _compute_concentration(self):
        for review in self:
            if not review.client_count:
                review.concentration = False
            elif not review.few_count:
                review.concentration = self.env._(
                    "No client brought revenue in this period."
                )
            else:
                review.concentration = self.env._(
                    "%(few)s of %(clients)s clients bring %(share)g %% of revenue",
                    few=review.few_count,
                    clients=review.client_count,
                    share=PARETO_SHARE,
                )

    @api.depends("line_ids.movement", "line_ids.decision", "proposed_on")
    def _compute_counts(self):
        groups = self.env["client.tier.review.line"]._read_group(
            [("review_id", "in", self.ids)],
            ["review_id", "movement", "decision"],
            ["__count", "hours_before:sum", "hours_after:sum"],
        )
        names = ("up", "down", "new", "same", "skip")
        counts = {review.id: dict.fromkeys(names, 0) for review in self}
        hours = {review.id: [0.0, 0.0] for review in self}
        for review, movement, decision, count, before, after in groups:
            skipped = decision == "skip" and movement != "same"
            counts[review.id]["skip" if skipped else movement] += count
            hours[review.id][0] += before
            hours[review.id][1] += after
        for review in self:
            for name in names:
                review[f"{name}_count"] = counts[review.id][name]
            review.hours_before, review.hours_after = hours[review.id]

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.constrains("company_id")
    def _check_company_is_kept(self):
        lines = self.env["client.tier.review.line"]
        if lines.search_count([("review_id", "in", self.ids)], limit=1):
            raise ValidationError(
                self.env._("This review has lines already: make one for the company.")
            )

    def write(self, vals):
        changed = vals.keys() & self._get_settings_fields()
        if changed and any(review.state != "draft" for review in self):
            raise UserError(
                self.env._(
                    "This review is closed: its settings do not change any more."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applied(self):
        if any(review.state in ("applied", "undone") for review in self):
            raise UserError(
                self.env._(
                    "A review that was applied is part of clients' history and is not "
                    "deleted."
                )
            )

    def unlink(self):
        lines = self.env["client.tier.review.line"].search(
            [("review_id", "in", self.ids)]
        )
        result = super().unlink()
        # sudo: nobody deletes lines by hand
        lines.sudo().unlink()
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_propose(self):
        """Compute the proposal anew. What was decided about a client stays, as long as
        the client is still part of it."""
        for review in self._lock_in_state("draft"):
            review._propose()
        return True

    def action_accept_all(self):
        """Accept all lines."""
        self._lock_in_state("draft")
        self.env["client.tier.review.line"].search(
            [("review_id", "in", self.ids), ("decision", "=", "skip")]
        ).action_accept()
        return True

    def action_apply(self):
        """Give the clients of accepted lines their new tiers.

        Locked clients are left out, and those whose tier was changed since the
        proposal. Applying a review that is applied already does nothing.
        """
        open_reviews = self.filtered(lambda review: review.state != "applied")
        for review in open_reviews._lock_in_state("draft", "applied"):
            if review.state == "draft":
                review._apply()
        return True

    def action_undo(self):
        """Take the last applied review back: tiers and pricelists are as before.

        Clients whose tier was changed since are left as they are.
        """
        for review in self._lock_in_state("applied"):
            review._undo()
        return True

    def action_cancel(self):
        """Close a draft without applying it."""
        self._lock_in_state("draft").state = "cancelled"
        return True

    def action_reopen(self):
        """Make a cancelled review a draft again."""
        self._lock_in_state("cancelled").state = "draft"
        return True

    def action_view_lines(self):
        """Open the lines in a list of their own, with filters."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_tier_review_line_action"
        )
        action["domain"] = [("review_id", "=", self.id)]
        return action

    def action_view_workload(self):
        """Open the hours before and after by account manager."""
        action = self.action_view_lines()
        views = sorted(action["views"], key=lambda view: view[1] != "pivot")
        return {**action, "views": views, "view_mode": "pivot,list"}

    def action_download(self):
        """Download the review as a workbook."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/account_tiering/review/{self.id}/review.xlsx",
            "target": "download",
        }

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_settings_fields(self):
        """Return the fields that a closed review keeps."""
        return {
            "company_id",
            "method",
            "date_from",
            "date_to",
            "margin",
            "stay_months",
            "grace_months",
        }

    def _get_last_applied(self):
        """Return the last applied review of this one's company."""
        return self.search(
            [("company_id", "=", self.company_id.id), ("state", "=", "applied")],
            order="applied_on DESC, id DESC",
            limit=1,
        )

    def _lock_in_state(self, *states):
        """Lock these reviews until the transaction ends, and return them.

        :raises UserError: when somebody else works on one of them, or when one is not
            in one of these states
        """
        self.check_access("write")
        try:
            self.lock_for_update()
        except LockError as error:
            raise UserError(
                self.env._("Somebody else is just working on this review. Try again.")
            ) from error
        self.invalidate_recordset(["state"])
        labels = dict(self._fields["state"]._description_selection(self.env))
        for review in self:
            if review.state not in states:
                raise UserError(
                    self.env._(
                        "The review %(name)s is %(state)s: this cannot be done any "
                        "more.",
                        name=review.name,
                        state=labels[review.state].lower(),
                    )
                )
        return self

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_prepare_reviews(self):
        """Prepare the scheduled reviews that are due."""
        due = self.env["res.company"].search(
            [
                ("tier_review_schedule", "!=", False),
                ("tier_review_next", "<=", fields.Date.context_today(self)),
            ]
        )
        for number, company in enumerate(due, 1):
            # Another process that prepares it has locked the company.
            if company.try_lock_for_update():
                self._prepare_scheduled_review(company)
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(due) - number):
                break

    @api.model
    def _prepare_scheduled_review(self, company):
        """Prepare the review of a company that is due, tell its director, and set the
        date of the next one.

        :returns: the review, empty if it was prepared already
        """
        day = company.tier_review_next
        review = self.with_company(company)
        if review.search_count(
            [("company_id", "=", company.id), ("scheduled_for", "=", day)], limit=1
        ):
            review = review.browse()
        else:
            director = company.tier_director_id
            review = review.create(
                {
                    "company_id": company.id,
                    "scheduled_for": day,
                    "user_id": director.id,
                }
            )
            review.action_propose()
            if company.tier_review_apply:
                review.action_apply()
            elif director:
                review.activity_schedule(
                    "mail.mail_activity_data_todo",
                    summary=review.with_context(lang=director.lang).env._(
                        "Decide on the review of client tiers"
                    ),
                    note=review.with_context(lang=director.lang).concentration,
                    user_id=director.id,
                )
        company.tier_review_next = company._get_following_review_date()
        return review
