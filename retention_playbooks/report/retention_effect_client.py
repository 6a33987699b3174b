from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate

from ..models.retention_playbook import KINDS
from ..models.retention_run import STATES
from ..models.retention_signal import NOBODY
from .retention_revenue_mixin import REVENUE_DEPENDS

_lt = LazyTranslate(__name__)

#: Name of the group without a lot.
NO_LOT_DRAWN = _lt("No lot drawn")


class RetentionEffectClient(models.Model):
    """Each time that a client entered a playbook, or was left alone instead, with the
    revenue of some months before and after.

    Who belongs to which of the two groups was drawn by lot when the client was about to
    enter, and stays so whatever happened then: nobody changes the group because he
    recovered while he waited, or was called all the same.
    """

    _name = "retention.effect.client"
    _description = "Effect of a Playbook on a Client"
    _inherit = ["retention.revenue.mixin"]
    _auto = False
    _order = "date desc, id"
    _rec_name = "partner_id"
    _depends = {
        **REVENUE_DEPENDS,
        "retention.run": [
            "playbook_id",
            "kind",
            "company_id",
            "partner_id",
            "user_id",
            "reason_id",
            "offer_id",
            "state",
            "started_on",
            "ended_on",
        ],
        "retention.lot": [
            "playbook_id",
            "partner_id",
            "company_id",
            "run_id",
            "date",
            "is_excluded",
        ],
        "retention.holdout": ["playbook_id", "partner_id", "company_id", "date"],
        "retention.playbook": ["kind"],
    }

    playbook_id = fields.Many2one(comodel_name="retention.playbook", readonly=True)
    kind = fields.Selection(selection=KINDS, readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Client", readonly=True
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account Manager",
        readonly=True,
        falsy_value_label=NOBODY,
    )
    tier_id = fields.Many2one(
        comodel_name="client.tier", readonly=True, help="As of today."
    )
    run_id = fields.Many2one(comodel_name="retention.run", readonly=True)
    reason_id = fields.Many2one(comodel_name="retention.lost.reason", readonly=True)
    offer_id = fields.Many2one(comodel_name="retention.offer", readonly=True)
    state = fields.Selection(
        selection=[*STATES, ("dropped", "Dropped"), ("alone", "Left Alone")],
        readonly=True,
        help="Dropped: its reason was gone before it began.",
    )
    arm = fields.Selection(
        selection=[("in", "Drawn to take part"), ("out", "Left alone")],
        string="Lot",
        readonly=True,
        falsy_value_label=NO_LOT_DRAWN,
        help="No lot is drawn for clients who enter by hand, or while nobody is left "
        "alone: they cannot be compared. Nor can who was merged of both groups.",
    )
    date = fields.Date(
        string="Entered On",
        readonly=True,
        help="The day on which the client entered, or would have entered.",
    )
    ended_on = fields.Datetime(string="Ended", readonly=True)

    # Figures
    entered = fields.Integer(readonly=True, help="Begun, whatever became of it.")
    queued = fields.Integer(string="In Queue", readonly=True)
    running = fields.Integer(string="In Progress", readonly=True)
    won = fields.Integer(string="Runs Won", readonly=True)
    lost = fields.Integer(string="Runs Lost", readonly=True)
    stopped = fields.Integer(string="Runs Stopped", readonly=True)
    alone = fields.Integer(string="Left Alone", readonly=True)
    success = fields.Float(
        string="Won %",
        readonly=True,
        aggregator="avg",
        help="Of those that were won or lost.",
    )
    days = fields.Integer(
        readonly=True, aggregator="avg", help="Days from start to end."
    )
    is_complete = fields.Boolean(
        string="Time Is Over",
        readonly=True,
        help="The months after are over, so that they can be compared.",
    )
    compared = fields.Integer(
        readonly=True,
        help="Those of whom the months after are over.",
    )
    revenue_before = fields.Monetary(
        readonly=True, help="Of the months before, if those after are over."
    )
    revenue_after = fields.Monetary(
        readonly=True, help="Of the months after, if they are over."
    )
    revenue_change = fields.Monetary(
        readonly=True, help="Revenue after less revenue before."
    )
    bought = fields.Integer(
        string="Bought Again", readonly=True, help="Bought in the months after."
    )

    # ------------------------------------------------------------
    # QUERY
    # ------------------------------------------------------------

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT entry.*,
                   (entry.state IN ('running', 'won', 'lost', 'stopped'))::int
                       AS entered,
                   (entry.state = 'queued')::int AS queued,
                   (entry.state = 'running')::int AS running,
                   (entry.state = 'won')::int AS won,
                   (entry.state = 'lost')::int AS lost,
                   (entry.state = 'stopped')::int AS stopped,
                   (entry.state = 'alone')::int AS alone,
                   CASE entry.state WHEN 'won' THEN 100.0 WHEN 'lost' THEN 0.0 END
                       AS success,
                   money.client_id IS NOT NULL AS is_complete,
                   (money.client_id IS NOT NULL)::int AS compared,
                   money.before AS revenue_before,
                   money.after AS revenue_after,
                   money.after - money.before AS revenue_change,
                   (money.after > 0)::int AS bought
              FROM (%(entries)s) AS entry
              JOIN res_company company ON company.id = entry.company_id
             CROSS JOIN LATERAL (
                   SELECT make_interval(months => company.retention_effect_months)
                       AS length
                   ) AS period
              LEFT JOIN LATERAL (
                   SELECT entry.partner_id AS client_id,
                          COALESCE(SUM(amount) FILTER (WHERE day < entry.date), 0)
                              AS before,
                          COALESCE(SUM(amount) FILTER (WHERE day >= entry.date), 0)
                              AS after
                     FROM (%(revenue)s) AS revenue
                    WHERE revenue.client_id = entry.partner_id
                      AND revenue.company_id = entry.company_id
                      AND revenue.day >= entry.date - period.length
                      AND revenue.day < entry.date + period.length
                   ) AS money
                ON (entry.state <> 'queued' OR entry.arm IS NOT NULL)
               AND entry.date + period.length <= %(today)s
            """,
            entries=self._get_entry_sql(),
            revenue=self._get_revenue_sql(),
            today=fields.Date.context_today(self),
        )

    @api.model
    def _get_entry_sql(self):
        """Return SQL of runs, of clients left alone, and of those whose run was dropped
        while it waited."""
        # Three tables share the ids: each has its own remainder.
        return SQL(
            """
            SELECT run.id::bigint * 3 AS id, run.playbook_id, run.kind, run.company_id,
                   run.partner_id, run.user_id, given.tier_id, run.id AS run_id,
                   run.reason_id, run.offer_id, run.state,
                   CASE WHEN lot.id IS NOT NULL AND lot.is_excluded IS NOT TRUE
                        THEN 'in' END AS arm,
                   COALESCE(lot.date, run.started_on::date, run.create_date::date)
                       AS date,
                   run.ended_on,
                   run.ended_on::date - run.started_on::date AS days
              FROM retention_run run
              LEFT JOIN retention_lot lot ON lot.run_id = run.id
              LEFT JOIN client_tier_assignment given
                ON given.partner_id = run.partner_id
               AND given.company_id = run.company_id
             UNION ALL
            SELECT alone.id::bigint * 3 + 1, alone.playbook_id, playbook.kind,
                   alone.company_id, alone.partner_id, client.user_id, given.tier_id,
                   NULL, NULL, NULL, 'alone', 'out', alone.date, NULL, NULL
              FROM retention_holdout alone
              JOIN retention_playbook playbook ON playbook.id = alone.playbook_id
              JOIN res_partner client ON client.id = alone.partner_id
              LEFT JOIN client_tier_assignment given
                ON given.partner_id = alone.partner_id
               AND given.company_id = alone.company_id
             UNION ALL
            SELECT lot.id::bigint * 3 + 2, lot.playbook_id, playbook.kind,
                   lot.company_id, lot.partner_id, client.user_id, given.tier_id,
                   NULL, NULL, NULL, 'dropped', 'in', lot.date, NULL, NULL
              FROM retention_lot lot
              JOIN retention_playbook playbook ON playbook.id = lot.playbook_id
              JOIN res_partner client ON client.id = lot.partner_id
              LEFT JOIN client_tier_assignment given
                ON given.partner_id = lot.partner_id
               AND given.company_id = lot.company_id
             WHERE lot.run_id IS NULL AND lot.is_excluded IS NOT TRUE
            """
        )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_record(self):
        """Open the run; the client, if there is none."""
        self.ensure_one()
        return (self.run_id or self.partner_id)._get_records_action()

    def action_view_revenue(self):
        """Open what was counted as revenue before and after."""
        self.ensure_one()
        months = relativedelta(months=self.company_id.retention_effect_months)
        return self._get_revenue_action(
            self.partner_id, self.company_id, self.date - months, self.date + months
        )
