from odoo import api, fields, models
from odoo.tools import format_amount


class RetentionRule(models.Model):
    """What a rule says, in a sentence: one method per kind, named after it."""

    _inherit = "retention.rule"

    description = fields.Char(
        compute="_compute_description", string="Raised When", help="The rule in words."
    )

    @api.depends(
        *("kind", "days", "count_limit", "overdue_limit", "minimum_amount", "percent"),
        *("rating_limit", "bounce_limit", "minimum_purchases", "factor", "currency_id"),
    )
    @api.depends_context("lang")
    def _compute_description(self):
        for rule in self:
            describe = getattr(rule, f"_describe_{rule.kind}", None)
            rule.description = describe() if rule.kind and describe else False

    def _describe_open_tickets(self):
        parts = []
        if self.count_limit:
            parts.append(self.env._("more than %s open tickets", self.count_limit))
        if self.overdue_limit:
            parts.append(self.env._("more than %s overdue", self.overdue_limit))
        if self.days:
            parts.append(self.env._("one open for %s days", self.days))
        return self.env._(" or ").join(parts)

    def _describe_complaint(self):
        if not self.rating_limit:
            return self.env._("logged or marked in the last %s days", self.days)
        return self.env._(
            "logged, marked, or rated up to %(rating)g of 5 in the last %(days)s days",
            rating=self.rating_limit,
            days=self.days,
        )

    def _describe_no_usage(self):
        return self.env._("nothing happened on a project for %s days", self.days)

    def _describe_broken_pattern(self):
        return self.env._(
            "waited %(days)s days and %(factor)g spreads longer than usual, from "
            "%(count)s purchases",
            days=self.days,
            factor=self.factor,
            count=self.minimum_purchases,
        )

    def _describe_lapsed(self):
        return self.env._("bought nothing for %s days", self.days)

    def _describe_lost(self):
        if not self.days:
            return self.env._("said so, opportunity lost for good, or contract ended")
        return self.env._(
            "said so, opportunity lost for good, contract ended, or bought nothing for "
            "%s days",
            self.days,
        )

    def _describe_new_contact(self):
        if not self.bounce_limit:
            return self.env._("people changed in the last %s days", self.days)
        return self.env._(
            "people changed in the last %(days)s days, or %(count)s mails came back",
            days=self.days,
            count=self.bounce_limit,
        )

    def _describe_overdue_touch(self):
        if not self.days:
            return self.env._("a promised contact is overdue")
        return self.env._("a promised contact is overdue for %s days", self.days)

    def _describe_late_payer(self):
        if not self.minimum_amount:
            return self.env._("an invoice is overdue for %s days", self.days)
        return self.env._(
            "%(amount)s or more, overdue for %(days)s days",
            amount=format_amount(self.env, self.minimum_amount, self.currency_id),
            days=self.days,
        )

    def _describe_shrinking(self):
        if not self.minimum_amount:
            return self.env._("revenue fell by %g %% within a year", self.percent)
        return self.env._(
            "revenue fell by %(percent)g %% within a year, from %(amount)s or more",
            percent=self.percent,
            amount=format_amount(self.env, self.minimum_amount, self.currency_id),
        )
