from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools.season import Season


class RetentionSeason(models.Model):
    """A time of the year that is good for addressing clients, or to be avoided.

    Playbooks that mind the seasons wait. Whether clients do not order meanwhile is
    another matter: who plans his budget, and is not to be disturbed, may well order.
    """

    _name = "retention.season"
    _description = "Season"
    _order = "date_from, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company", index=True, help="Empty: holds for all companies."
    )
    kind = fields.Selection(
        selection=[("good", "Good time"), ("avoid", "Avoid")],
        required=True,
        default="avoid",
    )
    is_pause = fields.Boolean(
        string="Nobody Orders",
        help="Its days do not count when it is told whether a client has stopped "
        "ordering as usual.",
    )
    weight = fields.Float(
        default=1.0,
        help="Where seasons overlap, they add up; those to be avoided are deducted.",
    )
    date_from = fields.Date(string="From", required=True)
    date_to = fields.Date(string="To", required=True)
    yearly = fields.Boolean(
        string="Every Year",
        default=True,
        help="It comes every year on the same days. Holidays that move have a line for "
        "each year.",
    )

    _weight_positive = models.Constraint(
        "CHECK(weight > 0)", "The weight of a season is above 0."
    )

    @api.constrains("date_from", "date_to", "yearly")
    def _check_dates(self):
        for season in self:
            if season.date_to < season.date_from:
                raise ValidationError(
                    self.env._("%s ends before it begins.", season.name)
                )
            if season.yearly and (season.date_to - season.date_from).days >= 366:
                raise ValidationError(
                    self.env._("%s lasts longer than a year.", season.name)
                )

    @api.model
    def _get_seasons(self, company):
        """Return the seasons of a company, for :mod:`tools.season`."""
        return [
            season._prepare_season()
            for season in self.search([("company_id", "in", (company.id, False))])
        ]

    @api.model
    def _get_pauses(self, company):
        """Return the seasons of a company in which nobody orders, for
        :mod:`tools.season`."""
        return [
            season._prepare_season()
            for season in self.search(
                [
                    ("company_id", "in", (company.id, False)),
                    ("kind", "=", "avoid"),
                    ("is_pause", "=", True),
                ]
            )
        ]

    def _prepare_season(self):
        first, last = self.date_from, self.date_to
        if not self.yearly:
            return Season(self.kind, self.weight, spans=[(first, last)])
        return Season(
            self.kind,
            self.weight,
            start=(first.month, first.day),
            end=(last.month, last.day),
        )
