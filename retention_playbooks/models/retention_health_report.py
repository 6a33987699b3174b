from odoo import fields, models
from odoo.tools import SQL

from .retention_health import LEVELS, PARTS, TOTAL


class RetentionHealthReport(models.Model):
    """Health over time: how each part of each client was at the end of each week of the
    last two years. Changes alone make no graph."""

    _name = "retention.health.report"
    _description = "Health over Time"
    _auto = False
    _order = "week desc, part, partner_id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Client", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    user_id = fields.Many2one(
        comodel_name="res.users", string="Account Manager", readonly=True
    )
    part = fields.Selection(selection=[*PARTS, (TOTAL, "Total")], readonly=True)
    level = fields.Selection(selection=LEVELS, string="Health", readonly=True)
    score = fields.Float(
        readonly=True,
        aggregator="avg",
        help="3 for green, 2 for amber, 1 for red. What is grey has none.",
    )
    week = fields.Date(readonly=True, help="Monday of the week.")

    @property
    def _table_query(self):
        # Raw SQL: a change holds for all weeks until the next one.
        return SQL(
            """
            SELECT health.id::bigint * 1024
                       + (monday::date - DATE '2000-01-03') / 7 %% 1024 AS id,
                   health.partner_id, health.company_id, client.user_id, health.part,
                   health.level, monday::date AS week,
                   CASE health.level WHEN 'green' THEN 3 WHEN 'amber' THEN 2
                                     WHEN 'red' THEN 1 END AS score
              FROM retention_health health
              JOIN res_partner client ON client.id = health.partner_id
             CROSS JOIN LATERAL generate_series(
                       date_trunc('week', GREATEST(
                           health.date_from, CURRENT_DATE - 728)::timestamp),
                       COALESCE(health.date_to, CURRENT_DATE)::timestamp,
                       INTERVAL '7 days') AS monday
             WHERE health.date_to IS NULL
                OR health.date_to > LEAST(monday::date + 6, CURRENT_DATE)
            """
        )
