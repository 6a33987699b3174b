from odoo import api, fields, models
from odoo.tools import LazyTranslate

from ..tools.effect import LEAST
from ..tools.win_back import ABOVE, BELOW, PROSPECTS, PUBLISHED, TOO_FEW, judge
from .retention_revenue_mixin import REASON_NOT_KNOWN

_lt = LazyTranslate(__name__)

#: Name of the group without an offer.
WITHOUT_AN_OFFER = _lt("Without an offer")

#: Figures of runs that are counted alike.
COUNTS = ("entered", "running", "won", "lost", "stopped", "compared")


class RetentionWinBackResult(models.TransientModel):
    """How many lost clients were won back, by why they had left and what they were
    offered, beside what was published.

    Computed when it is opened, of the clients that the user may see.
    """

    _name = "retention.win.back.result"
    _description = "Win-Back Result"
    _order = "id"
    _rec_name = "name"

    company_id = fields.Many2one(
        comodel_name="res.company", readonly=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    reason_id = fields.Many2one(
        comodel_name="retention.lost.reason",
        string="Lost Because",
        readonly=True,
        ondelete="cascade",
        falsy_value_label=REASON_NOT_KNOWN,
    )
    offer_id = fields.Many2one(
        comodel_name="retention.offer",
        readonly=True,
        ondelete="cascade",
        falsy_value_label=WITHOUT_AN_OFFER,
    )
    is_total = fields.Boolean(readonly=True)
    name = fields.Char(compute="_compute_name", string="Lost Because, Offered")
    entered = fields.Integer(readonly=True, help="Begun, whatever became of it.")
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
    low = fields.Float(string="From %", readonly=True, aggregator=None)
    high = fields.Float(string="To %", readonly=True, aggregator=None)
    published_low = fields.Float(
        string="Published From %", readonly=True, aggregator=None
    )
    published_high = fields.Float(
        string="Published To %", readonly=True, aggregator=None
    )
    verdict = fields.Selection(
        selection=[
            ("above", "More than published"),
            ("within", "As published"),
            ("below", "Less than published"),
            ("too_few", "Too few to tell"),
        ],
        readonly=True,
    )
    sentence = fields.Text(string="Beside What Was Published", readonly=True)
    compared = fields.Integer(readonly=True, help="Those whose months after are over.")
    revenue_after = fields.Monetary(
        readonly=True,
        help="Of those whose months after are over.",
    )

    @api.depends("reason_id", "offer_id", "is_total")
    @api.depends_context("lang")
    def _compute_name(self):
        for row in self:
            if row.is_total:
                row.name = self.env._("All reasons and offers")
                continue
            reason = row.reason_id.name or self.env._("Reason not known")
            offer = row.offer_id.name or self.env._("Without an offer")
            row.name = f"{reason}, {offer}"

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    @api.model
    def action_open(self):
        """Compute the results, and open them."""
        rows = self._compute_rows()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_win_back_result_action"
        )
        action["domain"] = [("id", "in", rows.ids)]
        return action

    def action_view_clients(self):
        """Open the entries behind a figure; the context names it (``figure``)."""
        self.ensure_one()
        figure = self.env.context.get("figure")
        domain = [
            ("kind", "=", "win_back"),
            ("company_id", "=", self.company_id.id),
            (figure if figure in COUNTS else "entered", "=", 1),
        ]
        if not self.is_total:
            domain += [
                ("reason_id", "=", self.reason_id.id),
                ("offer_id", "=", self.offer_id.id),
            ]
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_effect_client_action"
        )
        action["domain"] = domain
        action["context"] = {}
        action["views"] = [(False, "list"), (False, "pivot"), (False, "graph")]
        return action

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _compute_rows(self):
        """Return a record for each company's total, and for each reason and offer."""
        names = [*COUNTS, "revenue_after"]
        rows = []
        groups = self.env["retention.effect.client"]._read_group(
            [
                ("kind", "=", "win_back"),
                ("entered", "=", 1),
                ("company_id", "in", self.env.companies.ids),
            ],
            ["company_id", "reason_id", "offer_id"],
            [f"{name}:sum" for name in names],
        )
        for company in self.env.companies:
            parts = [
                (reason, offer, dict(zip(names, values, strict=True)))
                for one, reason, offer, *values in groups
                if one == company
            ]
            if not parts:
                continue
            total = {
                name: sum(sums[name] or 0 for _reason, _offer, sums in parts)
                for name in names
            }
            rows.append(self._prepare_row(company, total, is_total=True))
            # Those tried most often first.
            parts.sort(key=lambda part: -part[2]["entered"])
            rows += [
                self._prepare_row(company, sums, reason_id=reason.id, offer_id=offer.id)
                for reason, offer, sums in parts
            ]
        return self.create(rows)

    @api.model
    def _prepare_row(self, company, sums, **values):
        """Return the values of a record of these sums."""
        ended = sums["won"] + sums["lost"]
        result = judge(sums["won"], ended)
        return {
            "company_id": company.id,
            **{name: sums[name] or 0 for name in COUNTS},
            "revenue_after": sums["revenue_after"] or 0.0,
            "success": 100.0 * (result.share or 0.0),
            "low": 100.0 * result.low if ended else 0.0,
            "high": 100.0 * result.high if ended else 0.0,
            "published_low": 100.0 * PUBLISHED.low,
            "published_high": 100.0 * PUBLISHED.high,
            "verdict": result.verdict,
            "sentence": self._get_sentence(sums["won"], ended, result),
            **values,
        }

    @api.model
    def _get_sentence(self, won, ended, result):
        """Return in words how a result is beside what was published.

        :param result: :class:`tools.win_back.Result`
        """
        values = {
            "won": won,
            "ended": ended,
            "share": round(100 * (result.share or 0.0)),
            "low": round(100 * result.low),
            "high": round(100 * result.high),
            "from_": round(100 * PUBLISHED.low),
            "to": round(100 * PUBLISHED.high),
            "prospects_from": round(100 * PROSPECTS.low),
            "prospects_to": round(100 * PROSPECTS.high),
            "least": LEAST,
        }
        if result.verdict == TOO_FEW:
            return self.env._(
                "Too few to tell: %(won)s won of %(ended)s that have ended; %(least)s "
                "are needed to compare them with the published %(from_)s to %(to)s %%.",
                **values,
            )
        if result.verdict == ABOVE:
            return self.env._(
                "%(won)s of %(ended)s won back (%(share)s %%, with a confidence of "
                "95 %% between %(low)s and %(high)s %%): more than the published "
                "%(from_)s to %(to)s %%.",
                **values,
            )
        if result.verdict == BELOW:
            return self.env._(
                "%(won)s of %(ended)s won back (%(share)s %%, with a confidence of "
                "95 %% between %(low)s and %(high)s %%): less than the published "
                "%(from_)s to %(to)s %%. Of new prospects, %(prospects_from)s to "
                "%(prospects_to)s %% become clients.",
                **values,
            )
        return self.env._(
            "%(won)s of %(ended)s won back (%(share)s %%, with a confidence of 95 %% "
            "between %(low)s and %(high)s %%): that agrees with the published "
            "%(from_)s to %(to)s %%.",
            **values,
        )
