from odoo import api, fields, models
from odoo.tools import SQL

from ..models.retention_signal import NOBODY
from .retention_revenue_mixin import NO_TIER, REASON_NOT_KNOWN

#: Kinds of signals that warn of a loss. That a client has lapsed is the beginning of
#: the loss itself, and that we are late with a touchpoint says nothing of the client.
WARNINGS = (
    "open_tickets",
    "complaint",
    "no_usage",
    "broken_pattern",
    "new_contact",
    "late_payer",
    "shrinking",
)
#: Kinds of playbooks that begin before a client is at risk, or after it is lost.
OTHER_KINDS = ("onboarding", "win_back", "referral")
#: Days without a warning after which the next one is another case, and within which a
#: loss belongs to the warning before it.
APART = 365


class RetentionRiskCase(models.Model):
    """A client that was at risk, or lost, and what became of it: was the risk noticed
    before the client was lost, and was anything done about it?

    A case begins with the first signal that warns. Warnings that follow within a year
    belong to it, and so does a loss. A loss without any warning is a case, too.
    """

    _name = "retention.risk.case"
    _description = "Client at Risk"
    _auto = False
    _order = "date desc, id"
    _rec_name = "partner_id"
    _depends = {
        "retention.signal": [
            "partner_id",
            "company_id",
            "kind",
            "facts",
            "date_open",
            "date_closed",
            "state",
            "reason_id",
            "revenue",
        ],
        "retention.run": ["partner_id", "company_id", "kind", "started_on"],
        "res.partner": ["user_id"],
        "client.tier.assignment": ["partner_id", "company_id", "tier_id"],
    }

    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Client", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        readonly=True,
        falsy_value_label=NOBODY,
    )
    tier_id = fields.Many2one(
        comodel_name="client.tier",
        readonly=True,
        falsy_value_label=NO_TIER,
        help="As of today.",
    )
    date = fields.Date(
        string="Since",
        readonly=True,
        help="The day of the first warning; of the loss, if there was none.",
    )
    date_lost = fields.Date(string="Lost On", readonly=True)
    days_before = fields.Integer(
        string="Days of Warning",
        readonly=True,
        aggregator="avg",
        help="From the first warning to the loss.",
    )
    reason_id = fields.Many2one(
        comodel_name="retention.lost.reason",
        string="Lost Because",
        readonly=True,
        falsy_value_label=REASON_NOT_KNOWN,
    )
    cause = fields.Selection(
        selection=[
            ("lapsed", "Has not bought for a long time"),
            ("opportunity", "Opportunity lost"),
            ("contract", "Contract ended"),
            ("manual", "Said so by hand"),
        ],
        string="How We Know",
        readonly=True,
    )
    result = fields.Selection(
        selection=[
            ("open", "At risk now"),
            ("kept_acted", "Kept, after we acted"),
            ("kept_idle", "Kept, by itself"),
            ("lost_acted", "Lost, although we acted"),
            ("lost_idle", "Lost, noticed and nothing done"),
            ("lost_unnoticed", "Lost, not noticed before"),
        ],
        string="What Became of It",
        readonly=True,
        help="We acted when a playbook was begun, or a signal handled, before.",
    )
    revenue = fields.Monetary(
        string="Lifetime Revenue", readonly=True, help="As the signals knew it."
    )
    noticed = fields.Integer(readonly=True, help="There was a warning before.")
    acted = fields.Integer(
        readonly=True, help="A playbook was begun, or a signal handled, before."
    )
    kept = fields.Integer(
        string="Clients Kept",
        readonly=True,
        help="No longer at risk, and not lost.",
    )
    lost = fields.Integer(string="Clients Lost", readonly=True)
    kept_rate = fields.Float(
        string="Caught %",
        readonly=True,
        aggregator="avg",
        help="Of clients at risk or lost, how many were noticed and kept. Those still "
        "at risk are left out.",
    )

    # ------------------------------------------------------------
    # QUERY
    # ------------------------------------------------------------

    @property
    def _table_query(self):
        return SQL(
            """
            WITH loss AS NOT MATERIALIZED (
                SELECT id, partner_id, company_id, date_open AS day, reason_id, revenue,
                       facts ->> 'cause' AS cause
                  FROM retention_signal
                 WHERE kind = 'lost'
            ), warning AS (
                -- Those before a loss belong together, those after it not.
                SELECT signal.id, signal.partner_id, signal.company_id, signal.revenue,
                       signal.date_open AS since,
                       COALESCE(signal.date_closed, %(today)s) AS until,
                       signal.state, (
                           SELECT COUNT(*) FROM loss
                            WHERE loss.partner_id = signal.partner_id
                              AND loss.company_id = signal.company_id
                              AND loss.day <= signal.date_open) AS losses
                  FROM retention_signal signal
                 WHERE signal.kind IN %(warnings)s
            ), apart AS (
                SELECT *, COALESCE(since > MAX(until) OVER (
                           PARTITION BY partner_id, company_id, losses
                           ORDER BY since, id
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                       ) + %(apart)s, TRUE)::int AS begins
                  FROM warning
            ), numbered AS (
                SELECT *, SUM(begins) OVER (
                           PARTITION BY partner_id, company_id
                           ORDER BY losses, since, id
                       ) AS number
                  FROM apart
            ), risk AS (
                SELECT MIN(id) AS id, partner_id, company_id, MIN(since) AS since,
                       MAX(until) AS until, bool_or(state = 'open') AS is_open,
                       bool_or(state = 'handled') AS is_handled,
                       MAX(revenue) AS revenue
                  FROM numbered
                 GROUP BY partner_id, company_id, number
            ), matched AS (
                -- A loss ends the last case before it.
                SELECT DISTINCT ON (loss.id) loss.id AS loss_id, risk.id AS risk_id
                  FROM loss
                  JOIN risk ON risk.partner_id = loss.partner_id
                   AND risk.company_id = loss.company_id AND risk.since < loss.day
                   AND risk.until >= loss.day - %(apart)s
                   AND NOT EXISTS (
                       SELECT FROM loss other
                        WHERE other.partner_id = loss.partner_id
                          AND other.company_id = loss.company_id
                          AND (other.day, other.id) < (loss.day, loss.id)
                          AND other.day > risk.since)
                 ORDER BY loss.id, risk.since DESC
            ), cases AS (
                SELECT COALESCE(risk.id::bigint * 2, loss.id::bigint * 2 + 1) AS id,
                       COALESCE(risk.partner_id, loss.partner_id) AS partner_id,
                       COALESCE(risk.company_id, loss.company_id) AS company_id,
                       COALESCE(risk.since, loss.day) AS date, loss.day AS date_lost,
                       loss.day - risk.since AS days_before, loss.reason_id, loss.cause,
                       GREATEST(risk.revenue, loss.revenue) AS revenue,
                       risk.id IS NOT NULL AS noticed, loss.id IS NOT NULL AS lost,
                       risk.is_open AND loss.id IS NULL AS is_open,
                       risk.id IS NOT NULL AND (risk.is_handled OR EXISTS (
                           SELECT FROM retention_run run
                            WHERE run.partner_id = risk.partner_id
                              AND run.company_id = risk.company_id
                              AND run.kind NOT IN %(others)s
                              AND run.started_on >= risk.since
                              AND run.started_on::date
                                  <= COALESCE(loss.day, risk.until))) AS acted
                  FROM risk
                  LEFT JOIN matched ON matched.risk_id = risk.id
                  FULL JOIN loss ON loss.id = matched.loss_id
            )
            SELECT cases.id, cases.partner_id, cases.company_id, client.user_id,
                   given.tier_id, cases.date, cases.date_lost, cases.days_before,
                   cases.reason_id, cases.cause, cases.revenue,
                   CASE WHEN NOT noticed THEN 'lost_unnoticed'
                        WHEN lost AND acted THEN 'lost_acted'
                        WHEN lost THEN 'lost_idle'
                        WHEN is_open THEN 'open'
                        WHEN acted THEN 'kept_acted'
                        ELSE 'kept_idle' END AS result,
                   noticed::int AS noticed, acted::int AS acted, lost::int AS lost,
                   (NOT lost AND NOT is_open)::int AS kept,
                   CASE WHEN lost THEN 0.0 WHEN NOT is_open THEN 100.0 END AS kept_rate
              FROM cases
              JOIN res_partner client ON client.id = cases.partner_id
              LEFT JOIN client_tier_assignment given
                ON given.partner_id = cases.partner_id
               AND given.company_id = cases.company_id
            """,
            today=fields.Date.context_today(self),
            warnings=self._get_warnings(),
            others=OTHER_KINDS,
            apart=APART,
        )

    @api.model
    def _get_warnings(self):
        """Hook: return the kinds of signals that warn of a loss, a tuple."""
        return WARNINGS

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_signals(self):
        """Open the signals of the client, closed ones too."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_signal_action_history"
        )
        action["domain"] = [
            ("partner_id", "=", self.partner_id.id),
            ("company_id", "=", self.company_id.id),
        ]
        action["context"] = {}
        return action
