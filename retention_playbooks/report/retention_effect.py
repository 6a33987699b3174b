from statistics import median

from odoo import api, fields, models
from odoo.tools import format_amount

from ..models.retention_playbook import KINDS
from ..tools.effect import LEAST, LESS, MORE, TOO_FEW, compare_means, compare_shares

#: Figures of runs that are counted alike, and listed by a button each.
COUNTS = ("entered", "queued", "running", "won", "lost", "stopped", "compared")
#: States of entries that are no runs.
APART = ("alone", "dropped")


class RetentionEffect(models.TransientModel):
    """What a playbook has brought: how its runs went, what its clients bought before
    and after, and how that compares with clients who were left alone.

    Computed when it is opened, of the clients that the user may see.
    """

    _name = "retention.effect"
    _description = "Effect of a Playbook"
    _order = "id"
    _rec_name = "playbook_id"

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook", readonly=True, ondelete="cascade"
    )
    kind = fields.Selection(selection=KINDS, readonly=True)
    company_id = fields.Many2one(
        comodel_name="res.company", readonly=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    months = fields.Integer(string="Months Compared", readonly=True, aggregator=None)

    # How it went
    entered = fields.Integer(readonly=True, help="Begun, whatever became of it.")
    queued = fields.Integer(string="In Queue", readonly=True)
    running = fields.Integer(string="In Progress", readonly=True)
    won = fields.Integer(string="Runs Won", readonly=True)
    lost = fields.Integer(string="Runs Lost", readonly=True)
    stopped = fields.Integer(string="Runs Stopped", readonly=True)
    success = fields.Float(
        string="Won %",
        readonly=True,
        aggregator=None,
        help="Of the runs that were won or lost, how many were won.",
    )
    median_days = fields.Float(
        string="Days to Win",
        readonly=True,
        aggregator=None,
        help="Half of the runs that were won took so many days at most.",
    )

    # Before and after
    compared = fields.Integer(
        readonly=True,
        help="Clients who entered, and whose months after are over.",
    )
    revenue_before = fields.Monetary(readonly=True, help="Of those compared, in all.")
    revenue_after = fields.Monetary(readonly=True, help="Of those compared, in all.")
    revenue_change = fields.Monetary(string="Change", readonly=True)

    # Beside those left alone
    drawn_count = fields.Integer(
        string="Drawn to Take Part",
        readonly=True,
        groups="sales_team.group_sale_salesman_all_leads",
        help="By lot, while others were left alone; their months after are over.",
    )
    alone_count = fields.Integer(
        string="Left Alone",
        readonly=True,
        groups="sales_team.group_sale_salesman_all_leads",
        help="Their months after are over.",
    )
    difference = fields.Monetary(
        readonly=True,
        aggregator=None,
        groups="sales_team.group_sale_salesman_all_leads",
        help="By how much more the revenue of a client who was drawn to take part has "
        "changed than that of one left alone, on average.",
    )
    difference_low = fields.Monetary(
        string="Difference at Least",
        readonly=True,
        aggregator=None,
        groups="sales_team.group_sale_salesman_all_leads",
        help="Lower end of the interval with a confidence of 95 %.",
    )
    difference_high = fields.Monetary(
        string="Difference at Most",
        readonly=True,
        aggregator=None,
        groups="sales_team.group_sale_salesman_all_leads",
        help="Upper end of the interval with a confidence of 95 %.",
    )
    verdict = fields.Selection(
        selection=[
            ("more", "Brings more"),
            ("less", "Brings less"),
            ("unclear", "No difference to be told"),
            ("too_few", "Too few to tell"),
            ("none", "Nobody left alone"),
        ],
        readonly=True,
        groups="sales_team.group_sale_salesman_all_leads",
    )
    sentence = fields.Text(
        string="What It Brought",
        readonly=True,
        groups="sales_team.group_sale_salesman_all_leads",
    )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    @api.model
    def action_open(self):
        """Compute the effect of all playbooks, and open the list."""
        rows = self._compute_rows()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_effect_action"
        )
        action["domain"] = [("id", "in", rows.ids)]
        return action

    def action_view_clients(self):
        """Open the clients behind a figure; the context names it (``figure``)."""
        self.ensure_one()
        figure = self.env.context.get("figure")
        domains = {
            "drawn": [("arm", "=", "in"), ("compared", "=", 1)],
            "alone": [("arm", "=", "out"), ("compared", "=", 1)],
            "compared": [("compared", "=", 1), ("run_id", "!=", False)],
        }
        domain = domains.get(figure)
        if domain is None:
            domain = [(figure, "=", 1)] if figure in COUNTS else []
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_effect_client_action"
        )
        action["domain"] = [
            *domain,
            ("playbook_id", "=", self.playbook_id.id),
            ("company_id", "=", self.company_id.id),
        ]
        action["context"] = {}
        action["view_mode"] = "list,pivot,graph"
        action["views"] = [(False, "list"), (False, "pivot"), (False, "graph")]
        return action

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _compute_rows(self):
        """Return a record for each playbook and company that the user sees entries of,
        and for each other active playbook."""
        figures = self._read_figures()
        playbooks = self.env["retention.playbook"].search([("state", "=", "active")])
        for company in self.env.companies:
            for playbook in playbooks:
                if playbook.company_id in (company, self.env["res.company"]):
                    figures.setdefault((playbook, company), {})
        order = {company: place for place, company in enumerate(self.env.companies)}
        keys = sorted(
            figures,
            key=lambda key: (order[key[1]], key[0].sequence, key[0].id),
        )
        # sudo: figures that not everybody sees are computed, and hidden by their groups
        rows = self.sudo().create(
            [self._prepare_row(*key, figures[key]) for key in keys]
        )
        return rows.sudo(self.env.su)

    @api.model
    def _read_figures(self):
        """Return {(playbook, company): figures} of the clients that the user may see.

        Figures: sums by name; ``days`` of runs won; ``in`` and ``out``: (changes of
        revenue, how many bought) of those drawn and those left alone.
        """
        sums = [*COUNTS, "revenue_before", "revenue_after"]
        figures = {}
        # All at once: revenue is looked up once for each entry.
        for playbook, company, arm, state, days, changes, bought, *values in self.env[
            "retention.effect.client"
        ]._read_group(
            [("company_id", "in", self.env.companies.ids)],
            ["playbook_id", "company_id", "arm", "state"],
            [
                *("days:array_agg", "revenue_change:array_agg", "bought:sum"),
                *(f"{one}:sum" for one in sums),
            ],
        ):
            changes = [float(change) for change in changes if change is not None]
            if state in APART and not changes:
                continue
            group = figures.setdefault((playbook, company), {})
            if state not in APART:
                for name, value in zip(sums, values, strict=True):
                    group[name] = group.get(name, 0) + (value or 0)
            if state == "won":
                group.setdefault("days", []).extend(days)
            if arm and changes:
                group_changes, group_bought = group.get(arm, ([], 0))
                group[arm] = group_changes + changes, group_bought + (bought or 0)
        return figures

    @api.model
    def _prepare_row(self, playbook, company, figures):
        """Return the values of the record of a playbook in a company."""
        ended = figures.get("won", 0) + figures.get("lost", 0)
        before = figures.get("revenue_before") or 0.0
        after = figures.get("revenue_after") or 0.0
        changes, bought = figures.get("in", ([], 0))
        alone, alone_bought = figures.get("out", ([], 0))
        nobody = not alone and not playbook.holdout_share
        effect = compare_means(changes, alone)
        again = compare_shares(bought, len(changes), alone_bought, len(alone))
        return {
            "playbook_id": playbook.id,
            "kind": playbook.kind,
            "company_id": company.id,
            "months": company.retention_effect_months,
            **{name: figures.get(name) or 0 for name in COUNTS},
            "success": 100.0 * figures["won"] / ended if ended else 0.0,
            "median_days": median(figures["days"]) if figures.get("days") else 0.0,
            "revenue_before": before,
            "revenue_after": after,
            "revenue_change": after - before,
            "drawn_count": len(changes),
            "alone_count": len(alone),
            "difference": effect.difference or 0.0,
            "difference_low": effect.low or 0.0,
            "difference_high": effect.high or 0.0,
            "verdict": "none" if nobody else effect.verdict,
            "sentence": self.env._(
                "Nobody is left alone, so there is nothing to compare with: the "
                "playbook says what percentage of its clients is."
            )
            if nobody
            else self._get_sentence(company, effect, again, len(changes), len(alone)),
        }

    @api.model
    def _get_sentence(self, company, effect, again, drawn, alone):
        """Return in words what a playbook has brought beside those left alone.

        :param effect: :class:`tools.effect.Effect` of the change of revenue
        :param again: the same of the shares that bought again
        :param drawn: how many clients were drawn to take part
        :param alone: how many were left alone
        """
        months = company.retention_effect_months
        if effect.verdict == TOO_FEW:
            return self.env._(
                "Too few to tell: the %(months)s months after are over for %(drawn)s "
                "clients who were drawn to take part and for %(alone)s left alone; "
                "%(least)s of each are needed.",
                months=months,
                drawn=drawn,
                alone=alone,
                least=LEAST,
            )
        return "\n".join(
            [
                self._get_revenue_sentence(company, effect),
                self._get_bought_sentence(again),
            ]
        )

    @api.model
    def _get_revenue_sentence(self, company, effect):
        def money(amount):
            return format_amount(self.env, amount, company.currency_id)

        values = {
            "months": company.retention_effect_months,
            "difference": money(abs(effect.difference)),
            "low": money(effect.low),
            "high": money(effect.high),
        }
        if effect.verdict == MORE:
            return self.env._(
                "It brings more: compared with the %(months)s months before, a client "
                "who took part brought %(difference)s more than one left alone (with a "
                "confidence of 95 %% between %(low)s and %(high)s).",
                **values,
            )
        if effect.verdict == LESS:
            return self.env._(
                "It brings less: compared with the %(months)s months before, a client "
                "who took part brought %(difference)s less than one left alone (with a "
                "confidence of 95 %% between %(low)s and %(high)s).",
                **values,
            )
        return self.env._(
            "No difference in revenue can be told: compared with the %(months)s months "
            "before, a client who took part brought between %(low)s and %(high)s more "
            "than one left alone (confidence of 95 %%).",
            **values,
        )

    @api.model
    def _get_bought_sentence(self, again):
        values = {
            "drawn": round(100 * again.treated),
            "alone": round(100 * again.control),
            "low": round(100 * again.low),
            "high": round(100 * again.high),
        }
        if again.verdict in (MORE, LESS):
            return self.env._(
                "%(drawn)s %% of those who took part bought again, and %(alone)s %% of "
                "those left alone: a difference of %(low)s to %(high)s points.",
                **values,
            )
        return self.env._(
            "%(drawn)s %% of those who took part bought again, and %(alone)s %% of "
            "those left alone: that may be chance (%(low)s to %(high)s points).",
            **values,
        )
