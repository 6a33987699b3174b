from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class RetentionOffer(models.Model):
    """What a client is offered, and for which reasons.

    A quotation template, or what the client ordered last, with a discount, a coupon and
    the days for which it holds.
    """

    _name = "retention.offer"
    _description = "Retention Offer"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company", index=True, help="Empty: shared by all companies."
    )
    reason_ids = fields.Many2many(
        comodel_name="retention.lost.reason",
        string="Suits",
        help="Why the client left or wants to leave. Empty: any reason.",
    )
    order_template_id = fields.Many2one(
        comodel_name="sale.order.template",
        string="Quotation Template",
        help="Empty: what the client ordered last, at today's prices.",
    )
    discount = fields.Float(
        string="Discount %",
        help="On each line. A coupon is deducted from what is left.",
    )
    program_id = fields.Many2one(
        comodel_name="loyalty.program",
        string="Coupon",
        domain="[('program_type', '=', 'coupons')]",
        help="The client gets a coupon of this programme, which is used in the "
        "quotation.",
    )
    validity_days = fields.Integer(
        string="Holds for", default=30, help="Days for which offer and coupon hold."
    )
    note = fields.Text(
        string="Why It Works", translate=True, help="For your colleagues."
    )
    run_count = fields.Integer(compute="_compute_results", string="Offered")
    won_count = fields.Integer(compute="_compute_results", string="Runs Won")
    ended_count = fields.Integer(compute="_compute_results", string="Won or Lost")
    success = fields.Float(
        string="Won %",
        compute="_compute_results",
        help="Of the runs with this offer that have ended. 20 to 40 % of lost clients "
        "can be won back, beside 5 to 20 % of new prospects.",
    )

    _figures_sensible = models.Constraint(
        "CHECK(discount >= 0 AND discount <= 100 AND validity_days > 0)",
        "A discount is between 0 and 100 %, and an offer holds for a day at least.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_results(self):
        counts = {
            (offer.id, state): count
            for offer, state, count in self.env["retention.run"]._read_group(
                [("offer_id", "in", self.ids)], ["offer_id", "state"], ["__count"]
            )
        }
        for offer in self:
            won = counts.get((offer._origin.id, "won"), 0)
            ended = won + counts.get((offer._origin.id, "lost"), 0)
            offer.run_count = sum(
                count for (id_, _state), count in counts.items() if id_ == offer.id
            )
            offer.won_count = won
            offer.ended_count = ended
            offer.success = won * 100 / ended if ended else 0.0

    def _choose(self, reason, company):
        """Return the first of these offers that suits a reason, or any reason.

        :param reason: ``retention.lost.reason``, may be empty
        :param company: whose it has to be, with its template and coupon
        """
        own = self.filtered(lambda offer: offer._is_for(company)).sorted()
        fitting = own.filtered(lambda offer: reason and reason in offer.reason_ids)
        return (fitting or own.filtered(lambda offer: not offer.reason_ids))[:1]

    def _is_for(self, company):
        """Tell whether a company can make this offer. Offers may be shared although
        their template is of one company."""
        # sudo: who may not see the template of another company learns that it is
        own = self.sudo()
        parts = (own, own.order_template_id, own.program_id)
        return all(not part.company_id or part.company_id == company for part in parts)

    # ------------------------------------------------------------
    # QUOTATIONS
    # ------------------------------------------------------------

    def _find_lines(self, runs):
        """Return {run id: commands of the lines of its quotation}: what the client
        ordered last. Who has never ordered anything is missing. With a template there
        are no lines, as it brings its own.

        :param runs: ``retention.run`` of one company
        """
        self.ensure_one()
        if self.order_template_id:
            return {run.id: [] for run in runs}
        last = self._find_last_orders(runs)
        found = {run.id: self._prepare_last_lines(last.get(run.id)) for run in runs}
        return {run_id: lines for run_id, lines in found.items() if lines}

    def _find_last_orders(self, runs):
        """Return {run id: the last confirmed ``sale.order`` of its client}."""
        self.env.flush_all()
        # Raw SQL: the last one each of a thousand clients.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (run.id) run.id, sale.id
                  FROM retention_run run
                  JOIN res_partner person
                    ON person.commercial_partner_id = run.partner_id
                  JOIN sale_order sale ON sale.partner_id = person.id
                   AND sale.company_id = run.company_id AND sale.state = 'sale'
                 WHERE run.id = ANY(%s)
                 ORDER BY run.id, sale.date_order DESC, sale.id DESC
                """,
                runs.ids,
            )
        )
        orders = self.env["sale.order"].browse(order_id for _run_id, order_id in rows)
        return dict(zip((run_id for run_id, _order_id in rows), orders, strict=True))

    def _prepare_last_lines(self, order):
        """Return the commands that create the lines of an order anew.

        :param order: ``sale.order`` or None
        """
        return [
            fields.Command.create(
                {
                    "product_id": line.product_id.id,
                    "product_uom_qty": line.product_uom_qty,
                    "product_uom_id": line.product_uom_id.id,
                }
            )
            for line in (order.order_line if order else ())
            if line.product_id
            and line.product_id.active
            and not line.is_downpayment
            and not line.is_reward_line
            and line.product_uom_qty > 0
        ]

    def _create_quotations(self, runs, lines):
        """Return {run id: (``sale.order``, ``loyalty.card``)}: the draft quotations of
        this offer for runs, with their coupons if any.

        :param runs: ``retention.run`` of one company
        :param lines: what :meth:`_find_lines` gave
        :raises UserError: a coupon cannot be used
        """
        self.ensure_one()
        orders = self.env["sale.order"].with_company(runs.company_id)
        orders = orders.create(
            [self._prepare_quotation(run, lines[run.id]) for run in runs]
        )
        if self.order_template_id:
            for order in orders:
                order._onchange_sale_order_template_id()
        if self.discount:
            orders.order_line.filtered(
                lambda line: not line.display_type
            ).discount = self.discount
        orders.validity_date = self._get_expiry(runs)
        return {
            run.id: (order, self._create_coupon(run, order))
            for run, order in zip(runs, orders, strict=True)
        }

    def _prepare_quotation(self, run, lines):
        values = {
            "partner_id": (run.contact_id or run.partner_id).id,
            "company_id": run.company_id.id,
            "user_id": run.user_id.id,
            "origin": run.playbook_id.name,
            "order_line": lines,
        }
        if self.order_template_id:
            values["sale_order_template_id"] = self.order_template_id.id
        return values

    def _create_coupon(self, run, order):
        """Return the coupon of the client, used in the order; none without a
        programme."""
        cards = self.env["loyalty.card"].with_context(
            # The quotation tells the client.
            loyalty_no_mail=True,
            action_no_send_mail=True,
        )
        if not self.program_id:
            return cards
        rewards = self.program_id.reward_ids
        card = cards.create(
            {
                "program_id": self.program_id.id,
                "partner_id": run.partner_id.id,
                "points": min(rewards.mapped("required_points"), default=1.0),
                "expiration_date": self._get_expiry(run),
            }
        )
        status = order._try_apply_code(card.code)
        if "error" in status:
            raise UserError(status["error"])
        for coupon, claimable in status.items():
            result = order._apply_program_reward(claimable[:1], coupon)
            if "error" in result:
                raise UserError(result["error"])
        order._update_programs_and_rewards()
        return card

    def _get_expiry(self, run):
        return fields.Date.add(run._get_today(), days=self.validity_days)
