from io import StringIO
from itertools import product

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ..tools import pareto
from ..tools.workbook import Column, Sheet, write_workbook
from .client_tier_assignment import BATCH

#: The share of revenue that the sentence about concentration names, in percent.
PARETO_SHARE = 80.0
#: Clients named in messages.
NAMED = 5
#: What COPY reads as NULL.
NULL = r"\N"


class ClientTierReview(models.Model):
    """A proposed classification of all clients of a company.

    It is computed as a whole, by SQL and :mod:`tools.pareto`, and applied as a whole:
    a company may have 100 000 clients.
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
    # PROPOSAL
    # ------------------------------------------------------------

    def _propose(self):
        """Write the lines of this review."""
        self.ensure_one()
        tiers = self._get_tiers()
        decided = self._get_decided()
        facts = self._get_facts()
        placements = self._classify(facts, tiers)
        self.env["client.tier.review.line"].flush_model()
        self.env.execute_query(
            # Raw SQL, here and below: as many lines as there are clients.
            SQL(
                "DELETE FROM client_tier_review_line WHERE review_id = %s RETURNING id",
                self.id,
            )
        )
        self._insert_lines(facts, placements, tiers)
        self.env["client.tier.review.line"].invalidate_model()
        revenues = [placement.revenue for placement in placements]
        self.write(
            {
                "proposed_on": fields.Datetime.now(),
                "client_count": len(placements),
                "revenue_total": sum(revenues),
                "few_count": pareto.concentrate(revenues, PARETO_SHARE).few,
            }
        )
        self.invalidate_recordset()
        self._restore_decided(decided)

    def _get_tiers(self):
        """Return the tiers of the company, the best one first.

        :raises UserError: without tiers
        """
        tiers = self.env["client.tier"].search(
            [("company_id", "=", self.company_id.id)], order="sequence, id"
        )
        if not tiers:
            raise UserError(
                self.env._(
                    "%s has no tiers yet: make some in CRM > Accounts > "
                    "Configuration > Tiers.",
                    self.company_id.name,
                )
            )
        return tiers

    def _get_facts(self):
        """Return what is known of each client that is to be classified.

        Clients are the commercial entities that were ever invoiced (or ordered), and
        those that have a tier; without archived ones, and without our own companies.

        :returns: {client id: (revenue, current tier id, hold)}
        """
        self.env.flush_all()
        stay = self.date_to - relativedelta(months=self.stay_months)
        grace = self.date_to - relativedelta(months=self.grace_months)
        # Raw SQL: one pass over the invoices, there is no index by client. The director
        # sees sums of invoices that he need not have access to. With memory for the
        # sums of all clients nothing is sorted on disk.
        self.env.cr.execute("SET LOCAL work_mem = '64MB'")
        rows = self.env.execute_query(
            SQL(
                """
                SELECT client.id, COALESCE(figure.revenue, 0)::float8, given.tier_id,
                       CASE WHEN %(is_locked)s THEN 'locked'
                            WHEN given.since > %(stay)s AND %(stay)s < %(date_to)s
                            THEN 'stay'
                            WHEN figure.first > %(grace)s AND %(grace)s < %(date_to)s
                            THEN 'grace'
                            ELSE '' END
                  FROM (%(revenue)s) AS figure (client_id, revenue, first)
                  FULL JOIN (
                      SELECT * FROM client_tier_assignment
                       WHERE company_id = %(company)s
                  ) AS given ON given.partner_id = figure.client_id
                  JOIN res_partner client
                    ON client.id = COALESCE(figure.client_id, given.partner_id)
                 WHERE client.active
                   AND NOT EXISTS (SELECT FROM res_company ours
                                    WHERE ours.partner_id = client.id)
                """,
                revenue=self._get_revenue_sql(),
                company=self.company_id.id,
                is_locked=self._get_locked_sql(),
                date_to=self.date_to,
                stay=stay,
                grace=grace,
            )
        )
        self.env.cr.execute("SET LOCAL work_mem TO DEFAULT")
        digits = self.currency_id.decimal_places
        return {
            client: (round(revenue, digits), tier, hold)
            for client, revenue, tier, hold in rows
        }

    def _get_locked_sql(self):
        """Return SQL of whether the assignment ``given`` is locked."""
        return self.env["client.tier.assignment"]._get_locked_sql(
            SQL("given.locked"), SQL("given.lock_until")
        )

    def _get_revenue_sql(self):
        """Return a query for (client id, revenue of the period, first date) of all
        clients with business up to the period's end, in the company's currency."""
        return getattr(self, f"_get_{self.method}_revenue_sql")()

    def _get_invoice_revenue_sql(self):
        """Return the query for untaxed posted invoices minus credit notes."""
        return SQL(
            """
            SELECT commercial_partner_id,
                   SUM(amount_untaxed_signed)
                       FILTER (WHERE invoice_date >= %(date_from)s),
                   MIN(invoice_date)
              FROM account_move
             WHERE move_type IN ('out_invoice', 'out_refund')
               AND state = 'posted'
               AND company_id = %(company)s
               AND invoice_date <= %(date_to)s
               AND commercial_partner_id IS NOT NULL
             GROUP BY commercial_partner_id
            """,
            date_from=self.date_from,
            date_to=self.date_to,
            company=self.company_id.id,
        )

    def _get_order_revenue_sql(self):
        """Return the query for the untaxed amounts of confirmed orders."""
        return self._get_order_amount_sql("amount_untaxed")

    def _get_margin_revenue_sql(self):
        """Return the query for the margins of confirmed orders."""
        return self._get_order_amount_sql("margin")

    def _get_order_amount_sql(self, column):
        """Return the query for an amount of confirmed orders."""
        return SQL(
            """
            SELECT partner.commercial_partner_id,
                   SUM(sale.%(amount)s / COALESCE(NULLIF(sale.currency_rate, 0), 1))
                       FILTER (WHERE sale.date_order >= %(date_from)s),
                   MIN(sale.date_order)::date
              FROM sale_order sale
              JOIN res_partner partner ON partner.id = sale.partner_id
             WHERE sale.state = 'sale'
               AND sale.company_id = %(company)s
               AND sale.date_order < %(date_end)s
             GROUP BY partner.commercial_partner_id
            """,
            amount=SQL.identifier(column),
            date_from=self.date_from,
            date_end=self.date_to + relativedelta(days=1),
            company=self.company_id.id,
        )

    def _classify(self, facts, tiers):
        """Return the placements of all clients, the largest revenue first.

        :param facts: of :meth:`_get_facts`
        :param tiers: of :meth:`_get_tiers`
        """
        places = {tier.id: place for place, tier in enumerate(tiers)}
        return pareto.classify(
            [
                pareto.Client(client, revenue, places.get(tier), hold)
                for client, (revenue, tier, hold) in facts.items()
            ],
            [pareto.Bound(tier.revenue_share_to, tier.min_revenue) for tier in tiers],
            self.margin,
        )

    def _insert_lines(self, facts, placements, tiers):
        """Write the lines for these placements."""
        review = self.id
        ids = tiers.ids
        known = {tier for _revenue, tier, _hold in facts.values() if tier}
        movements = self._get_movements(tiers | tiers.browse(known))
        rows = []
        for client, revenue, share, cumulative, _asked, place, held in placements:
            old = facts[client][1]
            # Who is locked in a tier that is archived keeps it.
            new = old if place is None else ids[place]
            rows.append(
                f"{review}\t{client}\t{revenue}\t{share}\t{cumulative}"
                f"\t{held or NULL}\t{movements[old, new]}\taccept\n"
            )
        # COPY: half the time of an INSERT. Numbers and words of our own only.
        self.env.cr.copy_expert(
            "COPY client_tier_review_line (review_id, partner_id, revenue, share,"
            " cumulative, held, old_tier_id, proposed_tier_id, tier_id, movement,"
            " hours_before, hours_after, decision) FROM STDIN",
            StringIO("".join(rows)),
        )

    def _get_movements(self, tiers):
        """Return {(id of the old tier, id of the new one): columns of a line that
        follow from these}, as COPY wants them, for all pairs; None for no tier."""
        none = tiers.browse()
        pairs = product([none, *tiers], repeat=2)
        lines = self.env["client.tier.review.line"]
        return {
            (old.id or None, new.id or None): "\t".join(
                str(value or NULL)
                for value in (
                    old.id,
                    new.id,
                    new.id,
                    lines._get_movement(old, new),
                    old.hours_per_client or "0",
                    new.hours_per_client or "0",
                )
            )
            for old, new in pairs
        }

    def _get_decided(self):
        """Return what somebody decided: {client id: values to write again}."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM client_tier_review_line
                 WHERE review_id = %s
                   AND (decision = 'skip' OR reason IS NOT NULL
                        OR tier_id IS DISTINCT FROM proposed_tier_id)
                """,
                self.id,
            )
        )
        lines = self.env["client.tier.review.line"].browse(line for (line,) in rows)
        return {
            line.partner_id.id: {
                "decision": line.decision,
                "reason": line.reason,
                **(
                    {"tier_id": line.tier_id.id}
                    if line.tier_id != line.proposed_tier_id
                    else {}
                ),
            }
            for line in lines
        }

    def _restore_decided(self, decided):
        lines = self.env["client.tier.review.line"].search(
            [("review_id", "=", self.id), ("partner_id", "in", list(decided))]
        )
        free = lines.filtered(lambda line: line.held != "locked")
        same = free.grouped(lambda line: tuple(decided[line.partner_id.id].items()))
        for values, some in same.items():
            some.write(dict(values))

    # ------------------------------------------------------------
    # APPLYING AND UNDOING
    # ------------------------------------------------------------

    def _apply(self):
        """Write assignments and history of the accepted lines."""
        self.ensure_one()
        self.env.flush_all()
        self._check_can_apply()
        now, today = fields.Datetime.now(), fields.Date.context_today(self)
        # Raw SQL: in one statement for all clients. The history is written from the
        # tier that the client has at this moment, and read again for the assignments.
        changed = self.env.execute_query(
            SQL(
                """
                WITH change AS (
                    INSERT INTO client_tier_change (
                        partner_id, company_id, date, user_id, old_tier_id, new_tier_id,
                        kind, reason, review_id, old_since)
                    SELECT line.partner_id, %(company)s, %(now)s, %(user)s,
                           given.tier_id, line.tier_id, 'review', line.reason,
                           line.review_id, given.since
                      FROM client_tier_review_line line
                      LEFT JOIN client_tier_assignment given
                        ON given.partner_id = line.partner_id
                       AND given.company_id = %(company)s
                     WHERE line.review_id = %(review)s
                       AND line.decision = 'accept'
                       AND line.tier_id IS DISTINCT FROM line.old_tier_id
                       AND line.tier_id IS NOT NULL
                       AND given.tier_id IS NOT DISTINCT FROM line.old_tier_id
                       AND NOT %(is_locked)s
                    RETURNING partner_id, new_tier_id
                )
                INSERT INTO client_tier_assignment AS given (
                    partner_id, company_id, tier_id, since)
                SELECT partner_id, %(company)s, new_tier_id, %(today)s FROM change
                ON CONFLICT (partner_id, company_id) DO UPDATE
                   SET tier_id = EXCLUDED.tier_id, since = EXCLUDED.since
                RETURNING partner_id
                """,
                review=self.id,
                company=self.company_id.id,
                user=self.env.uid,
                now=now,
                today=today,
                is_locked=self._get_locked_sql(),
            )
        )
        clients = [client for (client,) in changed]
        self.write(
            {"state": "applied", "applied_on": now, "applied_by_id": self.env.uid}
        )
        self._forget_cached_tiers()
        self._apply_pricelists()
        self._post_applied(len(clients), self._get_left_out())
        self._after_change(clients)

    def _check_can_apply(self):
        """Raise UserError where a decision is missing."""
        if not self.proposed_on:
            raise UserError(self.env._("Propose tiers first, then apply them."))
        unexplained = self.env.execute_query(
            SQL(
                """
                SELECT partner_id FROM client_tier_review_line
                 WHERE review_id = %s AND decision = 'accept'
                   AND tier_id IS DISTINCT FROM proposed_tier_id
                   AND COALESCE(reason, '') = ''
                 LIMIT %s
                """,
                self.id,
                NAMED,
            )
        )
        if unexplained:
            partners = self.env["res.partner"].browse(one for (one,) in unexplained)
            raise UserError(
                self.env._(
                    "Say why these clients get another tier than proposed: %s",
                    ", ".join(partners.mapped("display_name")),
                )
            )

    def _get_left_out(self):
        """Return the clients of accepted moves that were not made, because somebody
        changed or locked the tier after the proposal."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.partner_id
                  FROM client_tier_review_line line
                  LEFT JOIN client_tier_assignment given
                    ON given.partner_id = line.partner_id AND given.company_id = %s
                 WHERE line.review_id = %s AND line.decision = 'accept'
                   AND line.tier_id IS NOT NULL
                   AND line.tier_id IS DISTINCT FROM line.old_tier_id
                   AND line.tier_id IS DISTINCT FROM given.tier_id
                 ORDER BY line.revenue DESC
                """,
                self.company_id.id,
                self.id,
            )
        )
        return self.env["res.partner"].browse(client for (client,) in rows)

    def _apply_pricelists(self):
        """Give the clients of accepted lines the pricelists of their tiers, and note
        what was there."""
        tiers = self.env["client.tier"].with_context(active_test=False)
        assignments = self.env["client.tier.assignment"]
        company = Domain("company_id", "=", self.company_id.id)
        if not (
            tiers.search_count(company & Domain("pricelist_id", "!=", False), limit=1)
            or assignments.search_count(
                company & Domain("pricelist_id", "!=", False), limit=1
            )
        ):
            return
        given = self.env.execute_query(
            SQL(
                """
                SELECT given.id, line.id
                  FROM client_tier_review_line line
                  JOIN client_tier_assignment given
                    ON given.partner_id = line.partner_id
                   AND given.company_id = %s
                   AND given.tier_id = line.tier_id
                 WHERE line.review_id = %s AND line.decision = 'accept'
                """,
                self.company_id.id,
                self.id,
            )
        )
        lines = dict(given)
        changed = assignments.browse(lines)._set_pricelists()
        if changed:
            self.env.execute_query(
                SQL(
                    """
                    UPDATE client_tier_review_line line
                       SET pricelist_set = TRUE, old_pricelist_id = changed.former
                      FROM unnest(%s::int[], %s::int[]) AS changed (id, former)
                     WHERE line.id = changed.id
                    RETURNING line.id
                    """,
                    _array(lines[one] for one in changed),
                    _array(former for former, _new in changed.values()),
                )
            )
            self.env["client.tier.review.line"].invalidate_model()

    def _undo(self):
        """Restore what this review changed, for clients that nobody changed since."""
        self.ensure_one()
        last = self._get_last_applied()
        if self != last:
            raise UserError(
                self.env._(
                    "Only the last applied review can be undone, which is %s.",
                    last.name,
                )
            )
        self.env.flush_all()
        now = fields.Datetime.now()
        restored = self.env.execute_query(
            # Raw SQL: in one statement for all clients, as it was applied.
            SQL(
                """
                WITH undone AS (
                    SELECT change.*, given.id AS given_id
                      FROM client_tier_change change
                      JOIN client_tier_assignment given
                        ON given.partner_id = change.partner_id
                       AND given.company_id = change.company_id
                       AND given.tier_id = change.new_tier_id
                     WHERE change.review_id = %(review)s AND change.kind = 'review'
                       AND NOT EXISTS (
                           -- reviews that are undone have left nothing behind
                           SELECT FROM client_tier_change later
                             LEFT JOIN client_tier_review review
                               ON review.id = later.review_id
                            WHERE COALESCE(review.state, '') != 'undone'
                              AND later.partner_id = change.partner_id
                              AND later.company_id = change.company_id
                              AND later.id > change.id)
                ), history AS (
                    INSERT INTO client_tier_change (
                        partner_id, company_id, date, user_id, old_tier_id, new_tier_id,
                        kind, review_id)
                    SELECT partner_id, company_id, %(now)s, %(user)s, new_tier_id,
                           old_tier_id, 'undo', review_id
                      FROM undone
                )
                UPDATE client_tier_assignment given
                   SET tier_id = undone.old_tier_id, since = undone.old_since
                  FROM undone
                 WHERE given.id = undone.given_id
                RETURNING given.partner_id
                """,
                review=self.id,
                user=self.env.uid,
                now=now,
            )
        )
        clients = [client for (client,) in restored]
        self._forget_cached_tiers()
        self._undo_pricelists()
        kept = self.env["client.tier.change"].search_count(
            [("review_id", "=", self.id), ("kind", "=", "review")]
        ) - len(clients)
        self.state = "undone"
        self.invalidate_model(["can_undo"])
        self.message_post(
            body=self.env._(
                "Undone: %(restored)s clients have their former tier again; %(kept)s "
                "were changed since and stay as they are.",
                restored=len(clients),
                kept=kept,
            )
        )
        self._after_change(clients)

    def _undo_pricelists(self):
        """Give back the pricelists that this review replaced, unless somebody chose
        another one since."""
        lines = self.env["client.tier.review.line"].search(
            [("review_id", "=", self.id), ("pricelist_set", "=", True)]
        )
        former = {line.partner_id.id: line.old_pricelist_id.id for line in lines}
        given = self.env["client.tier.assignment"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("partner_id", "in", list(former)),
            ]
        )
        given._set_pricelists({one.id: former[one.partner_id.id] for one in given})

    def _post_applied(self, count, left):
        """Tell in the chatter what was done, and to whom it was not."""
        body = self.env._("Applied: %s clients have another tier.", count)
        if left:
            names = ", ".join(left[:NAMED].mapped("display_name"))
            if len(left) > NAMED:
                names += " …"
            body += " " + self.env._(
                "%(count)s were changed or locked after the proposal and stay as they "
                "are: %(names)s",
                count=len(left),
                names=names,
            )
        self.message_post(body=body)

    def _after_change(self, client_ids):
        """Hook: the tiers of these clients have changed, by applying or undoing.

        :param client_ids: ids of ``res.partner``
        """

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    @api.readonly
    def get_review_panel(self):
        """Return what the chart and the table of the form show.

        :return: dict with ``sentences`` (list of str), ``bars`` (list of dict with
            ``label``, ``revenue``, ``cumulative``, ``tier``, ``color``),
            ``tiers`` and ``managers`` (lists of dict with ``name``, ``clients``,
            ``clients_before`` and hours ``before`` and ``after``), ``currency_id``
        """
        self.ensure_one()
        self.check_access("read")
        sentences = [self.concentration] if self.concentration else []
        if self.top_share:
            count = min(self.top_count, self.client_count)
            sentences.append(
                self.env._(
                    "the %(count)s largest bring %(share)s %%",
                    count=count,
                    share=self.env["res.lang"]
                    ._lang_get(self.env.lang or "en_US")
                    .format("%.1f", self.top_share),
                )
            )
        return {
            "sentences": sentences,
            "bars": self._get_bars(),
            "tiers": self._get_tier_totals(),
            "managers": self._get_workload(),
            "currency_id": self.currency_id.id,
        }

    def _get_bars(self, most=60):
        """Return the bars of the chart: one for each client, or, where there are more
        than *most*, one for each group of equally many clients."""
        self.env["client.tier.review.line"].flush_model()
        rows = self.env.execute_query(
            # Raw SQL: cut all lines into groups at once.
            SQL(
                """
                SELECT MIN(number), MAX(number), SUM(revenue)::float8, MAX(cumulative),
                       MIN(partner_id),
                       MODE() WITHIN GROUP (ORDER BY tier_id)
                  FROM (
                    SELECT partner_id, revenue, cumulative, tier_id,
                           ROW_NUMBER() OVER ranking AS number,
                           NTILE(%(most)s) OVER ranking AS part
                      FROM client_tier_review_line
                     WHERE review_id = %(review)s
                    WINDOW ranking AS (ORDER BY revenue DESC, id)
                  ) AS line
                 GROUP BY part ORDER BY part
                """,
                review=self.id,
                most=most,
            )
        )
        alone = all(first == last for first, last, *_rest in rows)
        partners = self.env["res.partner"].browse(row[4] for row in rows if alone)
        names = {partner.id: partner.display_name for partner in partners}
        tiers = self.env["client.tier"].browse({row[5] for row in rows if row[5]})
        by_id = {tier.id: tier for tier in tiers}
        return [
            {
                "label": names[partner]
                if alone
                else self.env._("Clients %(first)s–%(last)s", first=first, last=last),
                "revenue": revenue,
                "cumulative": cumulative,
                "tier": by_id[tier].name if tier else "",
                "color": by_id[tier].color if tier else 0,
            }
            for first, last, revenue, cumulative, partner, tier in rows
        ]

    def _get_tier_totals(self):
        """Return clients, revenue and hours of each tier, after and before."""
        lines = self.env["client.tier.review.line"]
        domain = [("review_id", "=", self.id)]
        before = {
            tier: (count, hours)
            for tier, count, hours in lines._read_group(
                domain, ["old_tier_id"], ["__count", "hours_before:sum"]
            )
        }
        after, revenue = {}, {}
        for new, old, decision, count, hours, amount in lines._read_group(
            domain,
            ["tier_id", "old_tier_id", "decision"],
            ["__count", "hours_after:sum", "revenue:sum"],
        ):
            tier = old if decision == "skip" else new
            clients, total = after.get(tier, (0, 0.0))
            after[tier] = (clients + count, total + hours)
            revenue[tier] = revenue.get(tier, 0.0) + amount
        tiers = self.env["client.tier"].union(*before, *after).sorted()
        none = self.env["client.tier"]
        return [
            {
                "name": tier.name or self.env._("No tier"),
                "color": tier.color,
                "clients_before": before.get(tier, (0, 0.0))[0],
                "clients": after.get(tier, (0, 0.0))[0],
                "revenue": revenue.get(tier, 0.0),
                "before": before.get(tier, (0, 0.0))[1],
                "after": after.get(tier, (0, 0.0))[1],
            }
            for tier in [*tiers, *([none] if none in before or none in after else [])]
        ]

    def _get_workload(self):
        """Return the hours a year of each account manager, before and after."""
        groups = self.env["client.tier.review.line"]._read_group(
            [("review_id", "=", self.id)],
            ["user_id"],
            ["__count", "hours_before:sum", "hours_after:sum"],
        )
        return sorted(
            (
                {
                    "name": user.sudo().name or self.env._("Nobody"),
                    "clients": count,
                    "before": before,
                    "after": after,
                }
                for user, count, before, after in groups
            ),
            key=lambda row: -row["after"],
        )

    def _write_workbook(self, target):
        """Write the workbook of this review: its lines, tiers and account managers.

        :param target: path of the file to write
        """
        self.ensure_one()
        _ = self.env._
        hours = [
            Column(_("Hours a Year Before"), "hours", 14),
            Column(_("Hours a Year After"), "hours", 14),
        ]
        sheets = [
            Sheet(
                _("Clients"), self._get_workbook_columns(), self._iter_workbook_rows()
            ),
            Sheet(
                _("Tiers"),
                [
                    Column(_("Tier"), "text", 20),
                    Column(_("Clients Before"), "integer"),
                    Column(_("Clients After"), "integer"),
                    Column(_("Revenue"), "amount", 18),
                    *hours,
                ],
                (
                    [
                        row["name"],
                        row["clients_before"],
                        row["clients"],
                        row["revenue"],
                        row["before"],
                        row["after"],
                    ]
                    for row in self._get_tier_totals()
                ),
            ),
            Sheet(
                _("Account managers"),
                [
                    Column(_("Account Manager"), "text", 30),
                    Column(_("Clients"), "integer"),
                    *hours,
                ],
                (
                    [row["name"], row["clients"], row["before"], row["after"]]
                    for row in self._get_workload()
                ),
            ),
        ]
        write_workbook(
            target,
            sheets,
            self.env["res.lang"]._lang_get(self.env.lang or "en_US").date_format,
        )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_workbook_columns(self):
        """Return the columns of the sheet of clients; see
        :meth:`_iter_workbook_rows`."""
        _ = self.env._
        return [
            Column(_("Client"), "text", 36),
            Column(_("Account Manager"), "text", 24),
            Column(_("Revenue (%s)", self.currency_id.name), "amount", 16),
            Column(_("Share %"), "percent", 10),
            Column(_("Cumulative %"), "percent", 12),
            Column(_("Present Tier"), "text", 14),
            Column(_("Proposed Tier"), "text", 14),
            Column(_("New Tier"), "text", 14),
            Column(_("Movement"), "text", 12),
            Column(_("Held"), "text", 16),
            Column(_("Decision"), "text", 12),
            Column(_("Why Not as Proposed"), "text", 36),
            Column(_("Hours a Year Before"), "hours", 14),
            Column(_("Hours a Year After"), "hours", 14),
        ]

    def _iter_workbook_rows(self):
        """Give the rows of the sheet of clients, the largest first."""
        lines = self.env["client.tier.review.line"]
        ids = lines.search([("review_id", "=", self.id)]).ids
        labels = {
            name: dict(lines._fields[name]._description_selection(self.env))
            for name in ("movement", "held", "decision")
        }
        for some in split_every(BATCH, ids):
            for line in lines.browse(some):
                yield [
                    line.partner_id.display_name,
                    line.user_id.sudo().name,  # sudo: a colleague of another company
                    line.revenue,
                    line.share,
                    line.cumulative,
                    line.old_tier_id.name,
                    line.proposed_tier_id.name,
                    line.tier_id.name,
                    labels["movement"].get(line.movement),
                    labels["held"].get(line.held),
                    labels["decision"].get(line.decision),
                    line.reason,
                    line.hours_before,
                    line.hours_after,
                ]
            self.env.invalidate_all()

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

    def _forget_cached_tiers(self):
        """Read again what was written by SQL."""
        self.invalidate_model(["can_undo"])
        self.env["client.tier.assignment"].invalidate_model()
        self.env["client.tier.change"].invalidate_model()
        self.env["client.tier"].invalidate_model()
        for model in self._get_tier_models():
            self.env[model].invalidate_model(
                [name for name in self.env[model]._fields if name.startswith("tier_")]
            )

    @api.model
    def _get_tier_models(self):
        """Return the names of the models that show their client's tier."""
        return [
            name
            for name, model in self.env.registry.items()
            if issubclass(model, self.env.registry["client.tier.mixin"])
            and not model._abstract
        ]

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


def _array(values):
    """Return numbers, or words of our own, as the text of a PostgreSQL array: psycopg2
    takes ten times as long for a list."""
    words = ",".join("NULL" if value is None else str(value) for value in values)
    return f"{{{words}}}"
