from collections import defaultdict
from functools import lru_cache

from babel.dates import format_date

from odoo import api, models
from odoo.tools import ormcache
from odoo.tools.misc import babel_locale_parse


@lru_cache(maxsize=1000)
def _name_month(day, lang):
    """Return a month as in "May 2026". Thousands of findings share some months."""
    text = format_date(day, "LLLL y", locale=babel_locale_parse(lang))
    return text[:1].upper() + text[1:]


class ClientValueRule(models.Model):
    """The words of suggestions: those that the client may read, in its language."""

    _inherit = "client.value.rule"

    def _get_suggestion_name(self, finding):
        """Return what a finding is called, in the language of the context.

        A kind ``x`` may have its own ``_get_x_name``; without one, the rule's name is
        used.
        """
        namer = getattr(self, f"_get_{finding['kind']}_name", None)
        return namer(finding) if namer else self.name

    @api.model
    def _read_named_records(self, findings):
        """Read the records that names are made of, all at once: one by one they would
        be a query each."""
        ids = defaultdict(set)
        for finding in findings:
            ids["project.project"].add(finding["project_id"])
            ids["project.task"].add(finding["task_id"])
            ids["product.product"].add(finding["words"].get("product_id"))
            if finding["kind"] in ("deadline_shift", "overrun"):
                ids[finding["res_model"]].add(finding["res_id"])
        lines = self.env["sale.order.line"].browse(ids.pop("sale.order.line", ()))
        lines.fetch(["name", "product_id"])
        ids["product.product"].update(lines.product_id.ids)
        for model, found in ids.items():
            records = self.env[model].browse(found - {False, None})
            records.fetch(["name"])
            records.mapped("name")  # that of a product is its template's

    def _get_free_hours_name(self, finding):
        _, terms = self.env._, self._get_hour_terms(finding)
        if finding["task_id"]:
            return _("%(month)s: %(hours)s of work at no charge on %(task)s", **terms)
        return _("%(month)s: %(hours)s of work at no charge on %(project)s", **terms)

    def _get_after_care_name(self, finding):
        return self.env._(
            "%(month)s: %(hours)s of support at no charge after the end of %(project)s",
            **self._get_hour_terms(finding),
        )

    def _get_extra_scope_name(self, finding):
        return self.env._(
            "Added to %(project)s at no charge: %(task)s (%(hours)s)",
            **self._get_hour_terms(finding),
        )

    def _get_overrun_name(self, finding):
        return self.env._(
            "%(hours)s of work beyond the %(sold)s that were agreed: %(product)s",
            **self._get_hour_terms(finding),
            sold=self._format_hours(finding["words"].get("sold") or 0.0),
            product=self._get_line_label(finding["res_id"]),
        )

    def _get_urgent_name(self, finding):
        _, terms = self.env._, self._get_hour_terms(finding)
        if not finding["period"]:
            return _(
                "%(task)s: asked for and delivered at once, without surcharge "
                "(%(hours)s)",
                **terms,
            )
        return _(
            "%(month)s: %(hours)s of work on days off, without surcharge: %(project)s",
            **terms,
        )

    def _get_discount_name(self, finding):
        _, words = self.env._, finding["words"]
        product = self.env["product.product"].browse(words["product_id"])
        terms = {
            "product": product.name,
            "label": words["label"] or product.name,
            "order": words["order"],
            "percent": self._format_number(words["percent"], 1),
        }
        if not words["percent"]:
            return _("%(label)s (order %(order)s)", **terms)
        if words["percent"] > 99.95:
            return _("%(product)s at no charge (order %(order)s)", **terms)
        return _("%(percent)s%% off for %(product)s (order %(order)s)", **terms)

    def _get_credit_note_name(self, finding):
        _, words = self.env._, finding["words"]
        if words["invoice"]:
            return _("Credit note %(number)s for invoice %(invoice)s", **words)
        return _("Credit note %(number)s", **words)

    def _get_late_payment_name(self, finding):
        return self.env._(
            "Invoice %(number)s: payment accepted %(days)s after it was due",
            number=finding["words"]["number"],
            days=self._format_days(finding["days"]),
        )

    def _get_deadline_shift_name(self, finding):
        _ = self.env._
        record = self.env[finding["res_model"]].browse(finding["res_id"])
        project = self.env["project.project"].browse(finding["project_id"])
        terms = {
            "name": record.name,
            "project": project.name,
            "days": self._format_days(finding["days"]),
        }
        if record == project:
            return _("End of %(project)s moved by %(days)s at no charge", **terms)
        return _(
            "Deadline of %(name)s moved by %(days)s at no charge (%(project)s)", **terms
        )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_hour_terms(self, finding):
        """Return what names of findings with hours are made of."""
        hours = finding["words"].get("hours") or finding["hours"]
        project = self.env["project.project"].browse(finding["project_id"])
        task = self.env["project.task"].browse(finding["task_id"] or ())
        return {
            "month": self._format_month(finding["period"]),
            "hours": self._format_hours(hours),
            "project": project.name or "",
            "task": task.name or project.name or "",
        }

    def _get_line_label(self, line_id):
        line = self.env["sale.order.line"].browse(line_id)
        return line.product_id.name or line.name

    @api.model
    def _format_month(self, day):
        """Return a month as in "May 2026"."""
        return _name_month(day, self.env.lang or "en_US") if day else ""

    @api.model
    @ormcache("hours", "self.env.lang")
    def _format_hours(self, hours):
        if round(hours, 1) == 1:
            return self.env._("1 hour")
        return self.env._("%s hours", self._format_number(hours, 1))

    @api.model
    def _format_days(self, days):
        if days == 1:
            return self.env._("1 day")
        return self.env._("%s days", self._format_number(days, 0))

    @api.model
    def _format_number(self, value, digits):
        """Return a number as the language writes it, without needless zeros."""
        lang = self.env["res.lang"]._lang_get(self.env.lang or "en_US")
        shown = round(value, digits)
        if shown == round(value):
            digits = 0
        if shown < 1000:
            # There is nothing to group, but finding that out takes time.
            return f"{value:.{digits}f}".replace(".", lang.decimal_point)
        return lang.format(f"%.{digits}f", value, grouping=True)
