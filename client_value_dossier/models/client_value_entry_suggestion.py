import csv
import io
import json
from collections import defaultdict
from datetime import timedelta
from operator import itemgetter

from psycopg2.extras import Json

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL, float_compare
from odoo.tools.misc import split_every

# What an undecided suggestion takes over from its source when that changes.
FOLLOWED = (
    *("partner_id", "contact_id", "project_id", "task_id", "sale_order_id"),
    *("name", "date", "currency_id", "hours", "rate", "amount", "days"),
    "internal_cost",
)
# What tells a decided entry's reader that the source has changed.
MEASURES = ("hours", "amount", "days")
# How near an entry logged by hand has to be to look like the same favour.
SAME_FAVOUR_PERIOD = timedelta(days=31)
SAME_FAVOUR_SHARE = 0.1
# Rows of one INSERT.
INSERT_SIZE = 10_000


class ClientValueEntry(models.Model):
    """Suggestions: entries that a rule found in Odoo's own records.

    Until somebody decides, a suggestion follows its source. Once kept or dismissed
    it changes no more by itself.
    """

    _inherit = "client.value.entry"

    rule_id = fields.Many2one(
        comodel_name="client.value.rule",
        string="Found by",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="The rule that found it in Odoo's records.",
    )
    period = fields.Date(
        readonly=True,
        copy=False,
        help="First day of the month that the evidence is from.",
    )
    unit_id = fields.Integer(
        string="Scanned with",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Project, order or invoice whose scan keeps the entry up to date.",
    )
    withdrawn = fields.Boolean(
        readonly=True,
        copy=False,
        help="The scan took the suggestion back, nobody dismissed it.",
    )
    withdrawal_reason = fields.Selection(
        selection=[
            ("deleted", "The record behind it was deleted"),
            ("cancelled", "The document behind it was cancelled"),
            ("gone", "The records behind it have changed and no longer show it"),
            ("rule", "The rule that found it was switched off"),
        ],
        readonly=True,
        copy=False,
    )
    source_changed = fields.Boolean(
        readonly=True,
        copy=False,
        help="The records behind it have changed since it was kept.",
    )
    source_change = fields.Text(
        compute="_compute_source_change", compute_sudo=True, string="Change of Source"
    )
    has_timesheets = fields.Boolean(
        compute="_compute_has_timesheets", compute_sudo=True
    )
    similar_entry_id = fields.Many2one(
        comodel_name="client.value.entry",
        compute="_compute_similar_entry_id",
        string="Logged Already?",
        help="An entry logged by hand that may be the same favour: for the same client "
        "and project, within a month, of about the same hours, days or worth.",
    )
    # What the scan found: {field name: value of FOLLOWED, "timesheets": [ids]}. It
    # holds costs; that is why nobody reads it.
    finding = fields.Json(readonly=True, copy=False, groups=fields.NO_ACCESS)
    # The same of a decided entry whose source has changed; {"gone": reason} if lost.
    changed_finding = fields.Json(readonly=True, copy=False, groups=fields.NO_ACCESS)

    # One entry for each thing found, whoever scans at the same time.
    _source_uniq = models.UniqueIndex(
        "(rule_id, res_model, res_id, COALESCE(period, DATE '1900-01-01'), company_id) "
        "WHERE rule_id IS NOT NULL",
        "There is already an entry of this rule for this record.",
    )
    _unit_idx = models.Index("(rule_id, unit_id) WHERE rule_id IS NOT NULL")
    # The counter in the menu and the weekly activity.
    _suggested_idx = models.Index("(account_manager_id) WHERE state = 'suggested'")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("finding", "changed_finding", "currency_id")
    @api.depends_context("lang")
    def _compute_source_change(self):
        for entry in self:
            entry.source_change = entry.source_changed and entry._get_source_change()

    def _get_source_change(self):
        """Return the difference between what was kept and what is found now."""
        self.ensure_one()
        changed, found = self.changed_finding or {}, self.finding or {}
        if "gone" in changed:
            reasons = dict(
                self._fields["withdrawal_reason"]._description_selection(self.env)
            )
            return reasons[changed["gone"]]
        labels = self.fields_get(MEASURES, ["string"])
        return "\n".join(
            self.env._(
                "%(what)s: %(before)s → %(now)s",
                what=labels[name]["string"],
                before=self._format_measure(name, found),
                now=self._format_measure(name, changed),
            )
            for name in MEASURES
            if found.get(name) != changed.get(name)
        )

    def _format_measure(self, name, finding):
        value = finding.get(name) or 0.0
        if name == "amount":
            currency = self.env["res.currency"].browse(finding.get("currency_id"))
            return (currency or self.currency_id).format(value)
        return (
            self.env["res.lang"]
            ._lang_get(self.env.lang or "en_US")
            .format("%.2f" if name == "hours" else "%.1f", value, grouping=True)
        )

    @api.depends("finding")
    def _compute_has_timesheets(self):
        for entry in self:
            entry.has_timesheets = bool((entry.finding or {}).get("timesheets"))

    @api.depends("state", "partner_id", "date", "project_id", *MEASURES)
    def _compute_similar_entry_id(self):
        self.similar_entry_id = False
        suggestions = self.filtered(lambda entry: entry.state == "suggested")
        if not suggestions:
            return
        dates = suggestions.mapped("date")
        logged = self.search_fetch(
            [
                ("partner_id", "in", suggestions.partner_id.ids),
                ("company_id", "in", suggestions.company_id.ids),
                ("rule_id", "=", False),
                ("state", "=", "confirmed"),
                ("date", ">=", min(dates) - SAME_FAVOUR_PERIOD),
                ("date", "<=", max(dates) + SAME_FAVOUR_PERIOD),
            ],
            [
                "partner_id",
                "company_id",
                "project_id",
                "date",
                "currency_id",
                *MEASURES,
            ],
        )
        by_client = logged.grouped(lambda entry: (entry.partner_id, entry.company_id))
        for entry in suggestions:
            candidates = by_client.get((entry.partner_id, entry.company_id), ())
            entry.similar_entry_id = next(filter(entry._is_similar, candidates), False)

    def _is_similar(self, other):
        """Tell whether another entry of the same client may be the same favour."""
        self.ensure_one()
        if abs(self.date - other.date) > SAME_FAVOUR_PERIOD:
            return False
        if self.project_id and other.project_id and self.project_id != other.project_id:
            return False
        return any(
            self[name]
            and (name != "amount" or self.currency_id == other.currency_id)
            and abs(self[name] - other[name]) <= SAME_FAVOUR_SHARE * self[name]
            for name in (("hours",) if self.hours else MEASURES)
        )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        if "state" in vals and "withdrawn" not in vals:
            # Whatever the scan did before, now somebody has decided.
            vals = {**vals, "withdrawn": False, "withdrawal_reason": False}
        result = super().write(vals)
        if vals.get("state") == "confirmed":
            # Who keeps what a scan has found answers for it.
            self.filtered(lambda entry: not entry.user_id).user_id = self.env.user
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_update_from_source(self):
        """Take over what the records behind kept entries say now; an entry whose
        source is lost is set aside."""
        # sudo: nobody reads findings; the entries themselves are written as the user
        for entry, secret in zip(self, self.sudo(), strict=True):
            changed = secret.changed_finding
            if not changed:
                continue
            if "gone" in changed:
                entry.write(
                    {
                        "state": "dismissed",
                        "withdrawn": True,
                        "withdrawal_reason": changed["gone"],
                    }
                )
                secret.write({"source_changed": False, "changed_finding": False})
                continue
            values = entry._get_changes(secret.finding or {}, changed)
            # sudo: the internal cost is written by people who may not see it
            if "internal_cost" in values:
                secret.internal_cost = values.pop("internal_cost")
            entry.write(values)
            secret.write(
                {"finding": changed, "source_changed": False, "changed_finding": False}
            )
        return True

    def action_keep_as_is(self):
        """Leave kept entries as they are, though their source has changed."""
        self.check_access("write")
        # sudo: nobody reads findings
        for entry in self.sudo().filtered("source_changed"):
            changed = entry.changed_finding or {}
            finding = {**(entry.finding or {}), **changed}
            entry.write(
                {"finding": finding, "source_changed": False, "changed_finding": False}
            )
        return True

    def action_view_similar(self):
        """Open the entry that may be the same favour."""
        self.ensure_one()
        return self.similar_entry_id._get_records_action(context={})

    def action_view_timesheets(self):
        """Open the timesheets behind an entry, those that the user may see."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "hr_timesheet.timesheet_action_all"
        )
        # sudo: nobody reads findings; ids alone tell nothing
        timesheets = (self.sudo().finding or {}).get("timesheets") or []
        action["domain"] = [("id", "in", timesheets)]
        action["context"] = {"is_timesheet": 1, "create": False}
        action["name"] = self.env._("Timesheets behind it")
        return action

    @api.model
    def _get_suggestion_action(self, found=None, domain=()):
        """Return the action that shows suggestions to review.

        :param found: number of new ones, to be told by a notification
        :param domain: which suggestions; all that wait by default
        """
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "client_value_dossier.client_value_suggestion_action"
        )
        # Not only the user's own clients: these suggestions were asked for.
        action["context"] = {} if domain else {"search_default_group_client": 1}
        if domain:
            action["domain"] = [("state", "=", "suggested"), *domain]
        if found is None:
            return action
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if found else "info",
                "message": self.env._("New suggestions: %s", found)
                if found
                else self.env._("The scan found nothing new."),
                "next": action,
            },
        }

    def _get_evidence_record(self):
        """Lines are shown with their order."""
        record = super()._get_evidence_record()
        if record and record._name == "sale.order.line":
            # sudo: only to find the order; opening it needs the user's own rights
            return record.sudo().order_id.sudo(False)
        return record

    @api.model
    @api.readonly
    def get_suggestion_summary(self):
        """Return what the counter in the menu shows: {"count": number of suggestions
        for the user's own clients}."""
        if not self.has_access("read"):
            return {"count": 0}
        return {"count": self.search_count(self._get_own_suggestion_domain())}

    @api.model
    def _get_own_suggestion_domain(self):
        """Return the domain of the suggestions that wait for the user."""
        return [
            ("state", "=", "suggested"),
            ("account_manager_id", "=", self.env.uid),
            ("company_id", "in", self.env.companies.ids),
        ]

    # ------------------------------------------------------------
    # FINDINGS
    # ------------------------------------------------------------

    @api.model
    def _apply_findings(self, rules, ids, findings):
        """Bring the entries of a batch in line with what was found in it.

        :param rules: the ``client.value.rule`` in force that scanned it
        :param ids: ids of the unit's records that were scanned
        :param findings: list of dict, see ``client.value.rule._prepare_finding``
        :return: {"created", "updated", "withdrawn": lists of entry ids}
        """
        found = {}
        for finding in findings:
            # The first rule by sequence comes first.
            found.setdefault(self._get_source_key(finding), finding)
        existing = self._get_scanned_entries(rules, ids, found)
        new = [finding for key, finding in found.items() if key not in existing]
        findings = list(found.values())
        names = self._get_suggestion_names(findings)
        for finding, name in zip(findings, names, strict=True):
            finding["name"] = name
        quiet = self.with_context(tracking_disable=True)
        updated, lost = [], quiet.browse()
        for key, entry in zip(existing, quiet.browse(existing.values()), strict=True):
            if key not in found:
                lost |= entry
            elif entry._follow(found[key]):
                updated.append(entry.id)
        withdrawn = lost._lose_source()
        created = self._insert_suggestions(new)
        return {"created": created, "updated": updated, "withdrawn": withdrawn.ids}

    @api.model
    def _get_source_key(self, finding):
        """Return what makes an entry unique: rule, source, period and company."""
        return (
            finding["rule_id"],
            finding["res_model"],
            finding["res_id"],
            finding["period"] or None,
            finding["company_id"],
        )

    @api.model
    def _get_scanned_entries(self, rules, ids, found):
        """Return {source key: entry id} of the entries of the scanned records, and of
        those of any other record that have been found again."""
        self.flush_model()
        sources = [
            {"rule_id": rule, "res_model": model, "res_id": res_id}
            for rule, model, res_id, _period, _company in found
        ]
        # Raw SQL: five columns of many entries, compared as a row
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id, TRUE, rule_id, res_model, res_id, period, company_id
                  FROM client_value_entry
                 WHERE rule_id = ANY(%(rules)s) AND unit_id = ANY(%(units)s)
                 UNION ALL
                SELECT entry.id, FALSE, entry.rule_id, entry.res_model, entry.res_id,
                       entry.period, entry.company_id
                  FROM jsonb_to_recordset(%(sources)s)
                       AS source(rule_id integer, res_model text, res_id integer)
                  JOIN client_value_entry entry
                    ON entry.rule_id = source.rule_id
                   AND entry.res_model = source.res_model
                   AND entry.res_id = source.res_id
                """,
                rules=rules.ids,
                units=list(ids),
                sources=json.dumps(sources),
            )
        )
        return {
            tuple(key): entry_id
            for entry_id, is_scanned, *key in rows
            if is_scanned or tuple(key) in found
        }

    def _follow(self, finding):
        """Compare an entry with what is found now; return whether it was touched."""
        self.ensure_one()
        if self.unit_id != finding["unit_id"]:
            self.unit_id = finding["unit_id"]
        stored = self._prepare_stored_finding(finding)
        before = self.finding or {}
        if self.state == "suggested" or self.withdrawn:
            return self._follow_undecided(stored, before)
        if self.state == "dismissed":
            if not self._has_grown(before, stored):
                return False
            return self._follow_undecided(stored, before)
        if self._is_changed(before, stored):
            if self.changed_finding == stored:
                return False
            self.write({"changed_finding": stored, "source_changed": True})
            return True
        if self.source_changed:
            # It is again as it was when somebody kept it.
            self.write({"changed_finding": False, "source_changed": False})
            return True
        return False

    def _follow_undecided(self, stored, before):
        """Suggest what is found now; what somebody has typed stays."""
        if before == stored and self.state == "suggested":
            return False
        values = self._get_changes(before, stored)
        self.write({**values, "finding": stored, "state": "suggested"})
        return True

    def _get_changes(self, before, after):
        """Return the values to write for a source that has changed: fields that were
        typed over since are left alone."""
        self.ensure_one()
        values = {}
        for name in FOLLOWED:
            if before.get(name) == after.get(name):
                continue
            # sudo: costs are compared, too
            current = self.sudo()._get_stored_value(name)
            if current == before.get(name) or name not in before:
                values[name] = after.get(name) or False
        if {"hours", "rate"} & values.keys():
            typed = self.sudo()._get_stored_value("rate") != before.get("rate")
            if typed and "amount" in values and after.get("hours"):
                # The hours are worth the rate that was typed.
                del values["amount"]
        if {"project_id", "task_id", "sale_order_id"} & values.keys():
            # Odoo would compute these anew from them, and lose what is found or typed.
            kept = ["partner_id", "currency_id", "rate"]
            if "hours" not in values:
                kept.append("amount")
            for name in kept:
                values.setdefault(name, self._get_stored_value(name))
        return values

    def _get_stored_value(self, name):
        """Return the value of a field as a finding holds it."""
        field, value = self._fields[name], self[name]
        if field.type == "many2one":
            return value.id
        if field.type == "date":
            return fields.Date.to_string(value)
        return value

    def _has_grown(self, before, after):
        """Tell whether a dismissed favour has grown by more than the rule allows."""
        growth = self.rule_id.reopen_growth
        if not growth:
            return False
        name = next((name for name in MEASURES if after.get(name)), "amount")
        limit = (before.get(name) or 0.0) * (1 + growth / 100)
        return (after.get(name) or 0.0) > limit

    @api.model
    def _is_changed(self, before, after):
        """Tell whether the favour is another one. Hours are compared, not their worth:
        a new hourly rate does not change what was kept."""
        names = ("hours",) if after.get("hours") else MEASURES
        return any(
            float_compare(before.get(name) or 0, after.get(name) or 0, 2)
            for name in names
        )

    def _lose_source(self):
        """Deal with entries whose source no longer shows them; return those that were
        withdrawn."""
        suggestions = self.filtered(lambda entry: entry.state == "suggested")
        kept = self.filtered(
            lambda entry: (
                entry.state == "confirmed"
                and "gone" not in (entry.changed_finding or {})
                # Somebody has left it as it was.
                and "gone" not in (entry.finding or {})
            )
        )
        if not suggestions and not kept:
            return suggestions
        reasons = (suggestions | kept)._get_loss_reasons()
        for reason, entries in suggestions.grouped(lambda e: reasons[e.id]).items():
            entries._withdraw(reason)
        for reason, entries in kept.grouped(lambda e: reasons[e.id]).items():
            entries.write({"changed_finding": {"gone": reason}, "source_changed": True})
        return suggestions

    def _withdraw(self, reason):
        """Take suggestions back and say why."""
        self.with_context(tracking_disable=True).write(
            {"state": "dismissed", "withdrawn": True, "withdrawal_reason": reason}
        )

    def _get_loss_reasons(self):
        """Return {entry id: why its source no longer shows it}."""
        reasons = {}
        for model, entries in self.grouped("res_model").items():
            records = self.env[model].browse(entries.mapped("res_id")).exists()
            cancelled = set()
            if model == "sale.order.line":
                cancelled = set(
                    records.filtered(lambda line: line.state == "cancel").ids
                )
            elif model == "account.move":
                cancelled = set(records.filtered(lambda m: m.state != "posted").ids)
            there = set(records.ids)
            for entry in entries:
                if entry.res_id not in there:
                    reasons[entry.id] = "deleted"
                elif entry.res_id in cancelled:
                    reasons[entry.id] = "cancelled"
                else:
                    reasons[entry.id] = "gone"
        return reasons

    @api.model
    def _withdraw_orphans(self, rules):
        """Deal with the entries of these rules whose record was deleted: no scan of
        other records meets them."""
        self.flush_model()
        orphans = self.browse()
        for (model,) in self.env.execute_query(
            SQL(
                "SELECT DISTINCT res_model FROM client_value_entry "
                "WHERE rule_id = ANY(%s)",
                rules.ids,
            )
        ):
            if model not in self.env:
                continue
            # Raw SQL: one anti-join instead of reading every entry
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT entry.id
                      FROM client_value_entry entry
                 LEFT JOIN %(table)s source ON source.id = entry.res_id
                     WHERE entry.res_model = %(model)s
                       AND entry.rule_id = ANY(%(rules)s)
                       AND entry.state IN ('suggested', 'confirmed')
                       AND source.id IS NULL
                    """,
                    table=SQL.identifier(self.env[model]._table),
                    model=model,
                    rules=rules.ids,
                )
            )
            orphans |= self.browse(entry_id for (entry_id,) in rows)
        return orphans._lose_source()

    # ------------------------------------------------------------
    # NEW SUGGESTIONS
    # ------------------------------------------------------------

    @api.model
    def _prepare_stored_finding(self, finding):
        """Return what is kept of a finding, as JSON gives it back."""
        stored = {name: finding.get(name) or False for name in FOLLOWED}
        stored["date"] = finding["date"].isoformat()
        for name in ("hours", "rate", "amount", "days", "internal_cost"):
            stored[name] = float(finding.get(name) or 0.0)
        if finding.get("timesheets"):
            stored["timesheets"] = finding["timesheets"]
        return stored

    @api.model
    def _prepare_suggestions(self, findings):
        """Return the column values of new suggestions.

        Extend it to fill columns of your own; stored computed fields of other addons
        are computed afterwards.

        :param findings: list of dict
        """
        rules = self.env["client.value.rule"].browse(
            {finding["rule_id"] for finding in findings}
        )
        categories = {rule.id: rule.category_id for rule in rules}
        clients = self.env["res.partner"].browse(
            {finding["partner_id"] for finding in findings}
        )
        clients.fetch(["user_id"])
        managers = {client.id: client.user_id.id for client in clients}
        now = self.env.cr.now()
        values_list = []
        for finding in findings:
            category = categories[finding["rule_id"]]
            stored = self._prepare_stored_finding(finding)
            values_list.append(
                {
                    **{name: stored[name] or None for name in FOLLOWED},
                    **{name: stored[name] for name in MEASURES},
                    "rate": stored["rate"],
                    "internal_cost": stored["internal_cost"],
                    "amount_company": finding["amount_company"],
                    "rule_id": finding["rule_id"],
                    "res_model": finding["res_model"],
                    "res_id": finding["res_id"],
                    "period": finding["period"] or None,
                    "unit_id": finding["unit_id"],
                    "company_id": finding["company_id"],
                    "category_id": category.id,
                    "section": category.section,
                    "client_visible": category.client_visible,
                    "account_manager_id": managers[finding["partner_id"]] or None,
                    # Nobody's until kept: it is seen by those who see the client.
                    "user_id": None,
                    "state": "suggested",
                    "finding": json.dumps(stored),
                    "withdrawn": False,
                    "source_changed": False,
                    "create_uid": SUPERUSER_ID,
                    "write_uid": SUPERUSER_ID,
                    "create_date": fields.Datetime.to_string(now),
                    "write_date": fields.Datetime.to_string(now),
                }
            )
        return values_list

    @api.model
    def _get_company_amounts(self, findings):
        """Return the worth of findings in their company's currency."""
        amounts = [0.0] * len(findings)
        by_company = defaultdict(list)
        for place, finding in enumerate(findings):
            by_company[finding["company_id"]].append(place)
        currencies = self.env["res.currency"]
        for company_id, places in by_company.items():
            company = self.env["res.company"].browse(company_id)
            converted = currencies._convert_many(
                [
                    (
                        findings[place]["amount"] or 0.0,
                        currencies.browse(findings[place]["currency_id"]),
                        findings[place]["date"],
                    )
                    for place in places
                ],
                company.currency_id,
                company,
            )
            for place, amount in zip(places, converted, strict=True):
                amounts[place] = amount
        return amounts

    @api.model
    def _insert_suggestions(self, findings):
        """Create suggestions; return their ids.

        Raw SQL: a first scan finds tens of thousands at once, and an entry that
        another transaction has made meanwhile must not stop the others.
        """
        ids = []
        for batch in split_every(INSERT_SIZE, findings, list):
            values_list = self._prepare_suggestions(batch)
            defaults = self._get_other_defaults(values_list[0])
            names = [*values_list[0], *defaults]
            columns = SQL(", ").join(map(SQL.identifier, names))
            self._copy_to_new_table(names, [{**v, **defaults} for v in values_list])
            rows = self.env.execute_query(
                SQL(
                    "INSERT INTO client_value_entry (%(columns)s) "
                    "SELECT %(columns)s FROM client_value_new "
                    "ON CONFLICT DO NOTHING RETURNING id",
                    columns=columns,
                )
            )
            ids += [entry_id for (entry_id,) in rows]
        if ids:
            entries = self.browse(ids)
            entries._compute_other_fields(names)
            self.env["res.partner"].invalidate_model(["value_entry_ids"])
            self.env["project.project"].invalidate_model(["value_entry_ids"])
        return ids

    def _copy_to_new_table(self, names, values_list):
        """Fill the temporary table ``client_value_new``. COPY spares PostgreSQL reading
        all values as JSON first."""
        cr = self.env.cr
        cr.execute("DROP TABLE IF EXISTS client_value_new")
        cr.execute(
            SQL(
                "CREATE TEMPORARY TABLE client_value_new (%s) ON COMMIT DROP",
                SQL(", ").join(
                    SQL(
                        "%s %s",
                        SQL.identifier(name),
                        SQL(self._fields[name].column_type[1]),
                    )
                    for name in names
                ),
            )
        )
        # An empty cell is NULL: a text that is empty says no more.
        table = io.StringIO()
        csv.writer(table).writerows(map(itemgetter(*names), values_list))
        table.seek(0)
        cr.copy_expert("COPY client_value_new FROM STDIN (FORMAT csv)", table)

    @api.model
    def _get_other_defaults(self, values):
        """Return the defaults of stored fields that are not in *values*, as columns:
        those that other addons may have added."""
        names = [
            name
            for name, field in self._fields.items()
            if field.store
            and field.column_type
            and field.default
            and name not in values
        ]
        columns = {
            name: self._fields[name].convert_to_column(value, self)
            for name, value in self.default_get(names).items()
        }
        return {
            name: json.dumps(value.adapted) if isinstance(value, Json) else value
            for name, value in columns.items()
        }

    def _compute_other_fields(self, known):
        """Compute the stored fields that other addons have added."""
        for name, field in self._fields.items():
            if field.store and field.compute and name not in known:
                self.env.add_to_compute(field, self)

    @api.model
    def _get_suggestion_names(self, findings):
        """Return the words for findings, each in its client's language."""
        clients = self.env["res.partner"].browse(
            {finding["partner_id"] for finding in findings}
        )
        clients.fetch(["lang"])
        installed = dict(self.env["res.lang"].get_installed())
        default = self.env.company.partner_id.lang or "en_US"
        langs = {
            client.id: client.lang if client.lang in installed else default
            for client in clients
        }
        by_lang = defaultdict(list)
        for place, finding in enumerate(findings):
            by_lang[langs[finding["partner_id"]]].append(place)
        names = [""] * len(findings)
        for lang, places in by_lang.items():
            rules = self.env["client.value.rule"].with_context(lang=lang)
            rules._read_named_records([findings[place] for place in places])
            for place in places:
                rule = rules.browse(findings[place]["rule_id"])
                names[place] = rule._get_suggestion_name(findings[place])
        return names
