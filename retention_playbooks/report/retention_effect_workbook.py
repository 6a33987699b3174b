from odoo import api, models
from odoo.tools import split_every

from odoo.addons.account_tiering.tools.workbook import Column, Sheet, write_workbook

from ..tools.cohort import Retention, add_up, get_quarter

#: Rows that are read at once: each time the report is computed.
BATCH = 10_000
#: Kinds of columns by the type of their field, and their widths.
KINDS = {
    "many2one": ("text", 28),
    "selection": ("text", 24),
    "char": ("text", 28),
    "text": ("text", 60),
    "date": ("date", 12),
    "datetime": ("date", 12),
    "integer": ("integer", 11),
    "boolean": ("integer", 9),
    "float": ("percent", 11),
    "monetary": ("amount", 15),
}


class RetentionEffect(models.TransientModel):
    """The workbook of all reports on retention."""

    _inherit = "retention.effect"

    @api.model
    def _write_workbook(self, target):
        """Write the reports, of the clients that the user may see.

        :param target: path of the file to write
        """
        write_workbook(
            target,
            self._iter_sheets(),
            self.env["res.lang"]._lang_get(self.env.lang or "en_US").date_format,
        )

    @api.model
    def _iter_sheets(self):
        """Yield the sheets, one after the other."""
        _ = self.env._
        within = [("company_id", "in", self.env.companies.ids)]
        yield self._prepare_sheet(
            _("Effect"), self._compute_rows(), self._get_effect_columns()
        )
        yield self._prepare_sheet(
            _("Clients in playbooks"),
            self.env["retention.effect.client"].search(within),
            self._get_client_columns(),
        )
        yield self._prepare_sheet(
            _("Win-back"),
            self.env["retention.win.back.result"]._compute_rows(),
            self._get_win_back_columns(),
        )
        yield self._prepare_retention_sheet()
        yield self._prepare_cohort_sheet()
        yield self._prepare_sheet(
            _("At risk and lost"),
            self.env["retention.risk.case"].search(within),
            self._get_case_columns(),
        )

    # ------------------------------------------------------------
    # SHEETS OF RECORDS
    # ------------------------------------------------------------

    @api.model
    def _get_effect_columns(self):
        """Return the names of the fields of playbooks; those that the user may not see
        are left out."""
        return [
            "playbook_id",
            "kind",
            "entered",
            "queued",
            "running",
            "won",
            "lost",
            "stopped",
            "success",
            "median_days",
            "months",
            "compared",
            "revenue_before",
            "revenue_after",
            "revenue_change",
            "drawn_count",
            "alone_count",
            "difference",
            "difference_low",
            "difference_high",
            "verdict",
            "sentence",
            "currency_id",
            "company_id",
        ]

    @api.model
    def _get_client_columns(self):
        return [
            "playbook_id",
            "partner_id",
            "user_id",
            "tier_id",
            "state",
            "arm",
            "date",
            "ended_on",
            "days",
            "reason_id",
            "offer_id",
            "is_complete",
            "revenue_before",
            "revenue_after",
            "revenue_change",
            "currency_id",
            "company_id",
        ]

    @api.model
    def _get_win_back_columns(self):
        return [
            "name",
            "entered",
            "running",
            "won",
            "lost",
            "stopped",
            "success",
            "low",
            "high",
            "published_low",
            "published_high",
            "verdict",
            "sentence",
            "revenue_after",
            "currency_id",
            "company_id",
        ]

    @api.model
    def _get_case_columns(self):
        return [
            "partner_id",
            "user_id",
            "tier_id",
            "result",
            "date",
            "date_lost",
            "days_before",
            "reason_id",
            "cause",
            "revenue",
            "currency_id",
            "company_id",
        ]

    @api.model
    def _prepare_sheet(self, title, records, names):
        """Return the sheet of records, a column for each field."""
        fields_ = [
            records._fields[name]
            for name in names
            if records._has_field_access(records._fields[name], "read")
        ]
        labels = records.fields_get([field.name for field in fields_], ["string"])
        columns = [
            Column(labels[field.name]["string"], *KINDS[field.type])
            for field in fields_
        ]
        return Sheet(title, columns, self._iter_rows(records, fields_))

    @api.model
    def _iter_rows(self, records, fields_):
        """Yield the values of records, in constant memory."""
        choices = {
            field.name: dict(field._description_selection(self.env))
            for field in fields_
            if field.type == "selection"
        }
        for ids in split_every(BATCH, records.ids):
            some = records.browse(ids)
            some.fetch([field.name for field in fields_ if field.store])
            for record in some:
                yield [self._get_cell(record, field, choices) for field in fields_]
            some.invalidate_recordset(flush=False)

    @api.model
    def _get_cell(self, record, field, choices):
        value = record[field.name]
        if field.type == "many2one":
            # sudo: names of colleagues, playbooks and tiers behind a row that the user
            # may see
            return value.sudo().display_name
        if field.type == "selection":
            return choices[field.name].get(value)
        if field.type == "datetime":
            return value and value.date()
        if field.type == "boolean":
            return int(value)
        return value

    # ------------------------------------------------------------
    # RETENTION
    # ------------------------------------------------------------

    @api.model
    def _read_retention(self):
        """Return {company: list of :class:`tools.cohort.Retention`} of what the user
        may see, by quarter and tier (``client.tier``)."""
        sums = [
            "clients",
            "kept",
            "lost",
            "new",
            "regained",
            "base",
            "expansion",
            "contraction",
            "lost_revenue",
            "new_revenue",
            "regained_revenue",
        ]
        found = {}
        for company, day, tier, *values in self.env[
            "retention.client.quarter"
        ]._read_group(
            [
                ("company_id", "in", self.env.companies.ids),
                ("status", "!=", False),
            ],
            ["company_id", "date:quarter", "tier_id"],
            [f"{name}:sum" for name in sums],
            order="company_id, date:quarter, tier_id",
        ):
            figures = dict(zip(sums, map(float, values), strict=True))
            found.setdefault(company, []).append(
                Retention(get_quarter(day), tier, **figures)
            )
        return found

    @api.model
    def _prepare_retention_sheet(self):
        _ = self.env._
        columns = [
            Column(_("Quarter"), "text", 10),
            Column(_("Tier"), "text", 14),
            Column(_("Clients Before"), "integer", 10),
            Column(_("Clients Kept"), "integer", 10),
            Column(_("Clients Lost"), "integer", 10),
            Column(_("New Clients"), "integer", 10),
            Column(_("Clients Regained"), "integer", 10),
            Column(_("Client Retention %"), "percent", 11),
            Column(_("Revenue of the Year Before"), "amount", 15),
            Column(_("Expansion"), "amount", 15),
            Column(_("Contraction"), "amount", 15),
            Column(_("Lost Revenue"), "amount", 15),
            Column(_("New Revenue"), "amount", 15),
            Column(_("Regained Revenue"), "amount", 15),
            Column(_("Net Revenue Retention %"), "percent", 11),
            Column(_("Gross Revenue Retention %"), "percent", 11),
            Column(_("Currency"), "text", 9),
            Column(_("Company"), "text", 24),
        ]
        return Sheet(_("Retention"), columns, self._iter_retention_rows())

    @api.model
    def _iter_retention_rows(self):
        _ = self.env._
        for company, parts in self._read_retention().items():
            for part in parts:
                name = part.tier.name or _("No tier")
                yield self._prepare_retention_row(company, name, part)
            for part in add_up(parts):
                yield self._prepare_retention_row(company, _("All tiers"), part)

    @api.model
    def _prepare_retention_row(self, company, tier_name, part):
        """Return the values of a ``Retention`` in the workbook."""

        def percent(rate):
            return None if rate is None else 100.0 * rate

        return [
            self._get_quarter_name(part.quarter),
            tier_name,
            int(part.clients),
            int(part.kept),
            int(part.lost),
            int(part.new),
            int(part.regained),
            percent(part.client_rate),
            part.base,
            part.expansion,
            part.contraction,
            part.lost_revenue,
            part.new_revenue,
            part.regained_revenue,
            percent(part.net_rate),
            percent(part.gross_rate),
            company.currency_id.name,
            company.name,
        ]

    @api.model
    def _get_quarter_name(self, quarter):
        year, place = divmod(quarter, 4)
        return self.env._("%(year)s Q%(quarter)s", year=str(year), quarter=place + 1)

    # ------------------------------------------------------------
    # COHORTS
    # ------------------------------------------------------------

    @api.model
    def _prepare_cohort_sheet(self):
        _ = self.env._
        columns = [
            Column(_("First Bought In"), "text", 14),
            Column(_("Quarters Since"), "integer", 10),
            Column(_("Clients"), "integer", 10),
            Column(_("Bought"), "integer", 10),
            Column(_("Bought %"), "percent", 10),
            Column(_("Revenue of the Quarter"), "amount", 15),
            Column(_("Currency"), "text", 9),
            Column(_("Company"), "text", 24),
        ]
        return Sheet(_("Cohorts"), columns, self._iter_cohort_rows())

    @api.model
    def _iter_cohort_rows(self):
        """Yield how many of those who first bought in a quarter bought in each later
        one."""
        groups = self.env["retention.client.quarter"]._read_group(
            [
                ("company_id", "in", self.env.companies.ids),
                ("bought", ">", 0),
            ],
            ["company_id", "cohort:quarter", "age"],
            ["bought:sum", "quarter_revenue:sum"],
            order="company_id, cohort:quarter, age",
        )
        size = 0
        for company, day, age, bought, revenue in groups:
            # All of a cohort have bought in its first quarter.
            size = bought if age == 0 else size
            yield [
                self._get_quarter_name(get_quarter(day)),
                age,
                size,
                bought,
                100.0 * bought / size,
                float(revenue),
                company.currency_id.name,
                company.name,
            ]
