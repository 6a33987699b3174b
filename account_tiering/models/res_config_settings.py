from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    tier_method = fields.Selection(
        related="company_id.tier_method",
        readonly=False,
    )
    tier_months = fields.Integer(
        related="company_id.tier_months",
        readonly=False,
    )
    tier_margin = fields.Float(
        related="company_id.tier_margin",
        readonly=False,
    )
    tier_stay_months = fields.Integer(
        related="company_id.tier_stay_months",
        readonly=False,
    )
    tier_grace_months = fields.Integer(
        related="company_id.tier_grace_months",
        readonly=False,
    )
    tier_review_schedule = fields.Selection(
        related="company_id.tier_review_schedule",
        readonly=False,
    )
    tier_review_next = fields.Date(
        related="company_id.tier_review_next",
        readonly=False,
    )
    tier_review_apply = fields.Boolean(
        related="company_id.tier_review_apply",
        readonly=False,
    )
    tier_director_id = fields.Many2one(
        related="company_id.tier_director_id",
        readonly=False,
    )
    touch_hours_per_day = fields.Float(
        related="company_id.touch_hours_per_day", readonly=False
    )
    touch_weeks = fields.Integer(related="company_id.touch_weeks", readonly=False)
    touch_horizon_months = fields.Integer(
        related="company_id.touch_horizon_months", readonly=False
    )
    touch_digest = fields.Boolean(related="company_id.touch_digest", readonly=False)
    newsletter_days = fields.Integer(
        related="company_id.newsletter_days", readonly=False
    )
