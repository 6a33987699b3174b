from odoo import api, fields, models


class ClientTouchpointPreview(models.TransientModel):
    """What the next plan would do, before it does it."""

    _name = "client.touchpoint.preview"
    _description = "Preview of the Plan"

    review_id = fields.Many2one(comodel_name="client.tier.review", readonly=True)
    horizon_months = fields.Integer(
        string="Months", default=lambda self: self._default_horizon_months()
    )
    added = fields.Integer(string="New", readonly=True)
    moved = fields.Integer(string="On Another Day", readonly=True)
    changed = fields.Integer(string="Changed Otherwise", readonly=True)
    cancelled = fields.Integer(readonly=True)
    missed = fields.Integer(string="Given Up as Missed", readonly=True)
    nobody = fields.Integer(string="Without Account Manager", readonly=True)
    no_working_day = fields.Integer(string="Nobody Works", readonly=True)
    capacity = fields.Integer(string="No Time Left", readonly=True)
    same_week = fields.Integer(string="Twice in a Week", readonly=True)
    overdue = fields.Integer(readonly=True)
    sentence = fields.Char(compute="_compute_sentence")
    without_hours = fields.Char(
        compute="_compute_without_hours",
        help="Account managers who have no working hours in the company.",
    )

    def _default_horizon_months(self):
        return self.env.company.touch_horizon_months

    @api.depends("added", "moved", "cancelled")
    def _compute_sentence(self):
        for preview in self:
            if preview.added or preview.moved or preview.cancelled:
                preview.sentence = self.env._(
                    "Planning adds %(added)s touchpoints, moves %(moved)s and cancels "
                    "%(cancelled)s.",
                    added=preview.added,
                    moved=preview.moved,
                    cancelled=preview.cancelled,
                )
            else:
                preview.sentence = self.env._("Everything is planned: nothing changes.")

    @api.depends("no_working_day")
    def _compute_without_hours(self):
        names = self.env["client.touchpoint"]._get_managers_without_hours()
        for preview in self:
            preview.without_hours = ", ".join(names.mapped("name"))

    @api.model
    def action_open(self, effect=None, review=None):
        """Compute the effect of planning now, and show it.

        :param effect: what ``plan_preview`` returned, if it is known
        :param review: ``client.tier.review`` that it is the effect of
        """
        if effect is None:
            effect = self.env["client.touchpoint"].plan_preview(
                self._default_horizon_months()
            )
        preview = self.create(
            {
                "review_id": review and review.id,
                **{name: effect[name] for name in effect if name in self._fields},
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Preview of the Plan"),
            "res_model": self._name,
            "res_id": preview.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_plan(self):
        """Plan."""
        self.ensure_one()
        self.env["client.touchpoint"].plan(self.horizon_months)
        return self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_touchpoint_action"
        )
