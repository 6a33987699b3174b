import json
from collections import defaultdict
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.health import AMBER, GREEN, GREY, RED, compare, get_level, get_total
from .retention_health import PART_KINDS, PEOPLE, TOTAL
from .retention_rule_project import CLOSED
from .retention_rule_purchase import DAY_SHIFT

#: Kinds of signals that are over once somebody has handled them.
SETTLED = ("complaint", "new_contact")
#: Columns of a record, with their type in PostgreSQL.
COLUMNS = {
    "partner_id": "int",
    "part": "varchar",
    "level": "varchar",
    "kind": "varchar",
    "facts": "jsonb",
    "reason_id": "int",
}


class RetentionHealth(models.Model):
    """Refreshing: the health of a batch of clients, from what the rules have found and
    what records there are."""

    _inherit = "retention.health"

    @api.model
    def _refresh(self, company, client_ids, findings):
        """Note what has changed. Doing so again changes nothing.

        :param company: ``res.company``
        :param client_ids: ids of commercial entities, archived ones included
        :param findings: {kind: {client id: finding}}; parts none of the kinds of which
            is there are left as they are
        :returns: how many records were written
        """
        # sudo: health is told from records of all kinds, whoever asks
        self = self.sudo().with_company(company)
        client_ids = list(client_ids)
        parts = [
            part for part, kinds in PART_KINDS.items() if findings.keys() & set(kinds)
        ]
        before = self._read_current(company, client_ids)
        after = self._tell(company, client_ids, parts, findings, before)
        opened, updated, closed = [], [], []
        for client_id in client_ids:
            told, known = after.get(client_id, {}), before.get(client_id, {})
            change = compare(known, told)
            for names, rows in ((change.opened, opened), (change.updated, updated)):
                for part in names:
                    level, (kind, facts, reason_id) = told[part]
                    # Most parts of most clients are grey, without facts.
                    values = (client_id, part, level, kind, facts or None, reason_id)
                    rows.append(dict(zip(COLUMNS, values, strict=True)))
            closed += [(client_id, part) for part in change.closed]
        today = self.env["retention.rule"]._get_today(company)
        self._close(company, closed, today)
        self._insert(company, opened, today)
        self._update(company, updated)
        if opened or updated or closed:
            self.invalidate_model()
        return len(opened) + len(updated) + len(closed)

    def _tell(self, company, client_ids, parts, findings, before):
        """Return {client id: {part: (level, (kind, facts, reason id))}}, the total
        included; parts that are not asked for are as before.

        Of clients of whom nothing is known, and never was, nothing is told.
        """
        clients = self.env["retention.signal"]._read_clients(company, client_ids)
        findings = self._complete_findings(company, clients, parts, findings)
        settled = self._read_settled(company, findings)
        watched = self._get_watched(company)
        known = {
            part: getattr(self, f"_know_{part}")(company, list(clients))
            for part in parts
        }
        after = {}
        for client_id, (tier_id, _user) in clients.items():
            told = {
                part: value
                for part, value in before.get(client_id, {}).items()
                if part != TOTAL
            }
            for part in parts:
                facts = known[part].get(client_id)
                found, handled_on = [], None
                for kind in PART_KINDS[part]:
                    if finding := findings.get(kind, {}).get(client_id):
                        day = settled.get((client_id, kind))
                        if day:
                            handled_on = max(handled_on or day, day)
                        else:
                            found.append((finding["severity"], kind, finding))
                is_known = facts is not None or handled_on
                level = get_level(
                    [severity for severity, _kind, _finding in found],
                    bool(is_known and watched(part, tier_id)),
                )
                if found:
                    _severity, kind, finding = max(found, key=lambda one: one[:2])
                    reason = kind, finding["facts"], finding.get("reason_id")
                elif level == GREY:
                    reason = None, {}, None
                else:
                    facts = dict(facts or {})
                    if handled_on:
                        facts["settled"] = handled_on.isoformat()
                    reason = None, facts, None
                told[part] = level, reason
            if PEOPLE in told and told[PEOPLE][0] == GREEN:
                others = (told[part][0] for part in told if part != PEOPLE)
                if get_total(others) == GREY:
                    # To know people there is no sign of health by itself.
                    told[PEOPLE] = GREY, (None, {}, None)
            total = get_total(level for level, _reason in told.values())
            if total == GREY and client_id not in before:
                continue
            worst = {
                colour: [
                    part for part in PART_KINDS if told.get(part, (GREY,))[0] == colour
                ]
                for colour in (RED, AMBER)
            }
            told[TOTAL] = total, (None, worst, None)
            after[client_id] = told
        return after

    def _complete_findings(self, company, clients, parts, findings):
        """Return findings of all kinds of some parts: those that were not looked for
        are taken from the open signals."""
        missing = [
            kind for part in parts for kind in PART_KINDS[part] if kind not in findings
        ]
        if not missing:
            return findings
        findings = dict(findings)
        for (client_id, kind), row in (
            self.env["retention.signal"]
            ._read_open(company, list(clients), missing)
            .items()
        ):
            findings.setdefault(kind, {})[client_id] = row
        return findings

    def _read_settled(self, company, findings):
        """Return {(client id, kind): day} of what was found and handled already, and is
        over with that."""
        kinds = [kind for kind in SETTLED if findings.get(kind)]
        if not kinds:
            return {}
        clients = {client for kind in kinds for client in findings[kind]}
        handled = self.env["retention.signal"]._read_handled(company, clients, kinds)
        return {
            (client_id, kind): day
            for (client_id, kind), (severity, key, day) in handled.items()
            if (finding := findings[kind].get(client_id))
            and key == finding["reason_key"]
            and severity >= finding["severity"]
        }

    def _get_watched(self, company):
        """Return a function that tells whether any rule looks at a part for clients of
        a tier: without one, nothing is known."""
        in_force = self.env["retention.rule"]._get_rules_in_force(company)

        def is_watched(part, tier_id):
            for kind in PART_KINDS[part]:
                rule = in_force.get((kind, tier_id)) or in_force.get((kind, None))
                if rule and rule.active:
                    return True
            return False

        cache = {}

        def watched(part, tier_id):
            if (part, tier_id) not in cache:
                cache[part, tier_id] = is_watched(part, tier_id)
            return cache[part, tier_id]

        return watched

    # ------------------------------------------------------------
    # WHAT IS KNOWN, one method per part
    # ------------------------------------------------------------

    # Each returns {client id: facts} of clients whose records would show a reason: see
    # _explain_<part>. Facts do not change only because time goes by.

    def _know_orders(self, company, client_ids):
        rules = self.env["retention.rule"]._get_rules_in_force(company)
        rule = next(
            (
                rules[kind, None]
                for kind in PART_KINDS["orders"]
                if (kind, None) in rules
            ),
            None,
        )
        if not rule:
            return {}
        return {
            client_id: {
                "purchases": count,
                "last": fields.Date.to_string(
                    fields.Date.to_date("0001-01-01")
                    + timedelta(days=(number >> DAY_SHIFT) - 1)
                ),
            }
            for client_id, (count, number) in rule._read_last_purchases(
                client_ids
            ).items()
        }

    def _know_payment(self, company, client_ids):
        today = self.env["retention.rule"]._get_today(company)
        # Raw SQL: a count for each client of a batch, by its contacts' invoices.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner.commercial_partner_id, COUNT(*)
                  FROM res_partner partner
                  JOIN account_move move ON move.partner_id = partner.id
                 WHERE partner.commercial_partner_id = ANY(%s)
                   AND move.company_id = %s AND move.state = 'posted'
                   AND move.move_type = 'out_invoice' AND move.invoice_date > %s
                 GROUP BY partner.commercial_partner_id
                """,
                client_ids,
                company.id,
                today - relativedelta(years=2),
            )
        )
        return {client_id: {"count": count} for client_id, count in rows}

    def _know_contact(self, company, client_ids):
        # Raw SQL: two days for each client of a batch.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, MAX(date_done) FILTER (WHERE state = 'done'),
                       MIN(date_planned) FILTER (WHERE is_open)
                  FROM client_touchpoint
                 WHERE partner_id = ANY(%s) AND company_id = %s
                   AND (is_open OR state = 'done')
                 GROUP BY partner_id
                """,
                client_ids,
                company.id,
            )
        )
        return {
            client_id: {
                "last": fields.Date.to_string(last) or None,
                "next": fields.Date.to_string(coming) or None,
            }
            for client_id, last, coming in rows
        }

    def _know_service(self, company, client_ids):
        rule = self.env["retention.rule"].new({"company_id": company.id})
        since = self.env["retention.rule"]._get_today(company) - relativedelta(years=1)
        # Raw SQL: records of three kinds, for a batch of clients.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT client_id, COUNT(*) FILTER (WHERE is_open)
                  FROM (
                        SELECT partner.commercial_partner_id AS client_id,
                               task.active AND task.state NOT IN %(closed)s AS is_open
                          FROM project_project project
                          JOIN project_task task ON task.project_id = project.id
                          JOIN res_partner partner
                            ON partner.id
                               = COALESCE(task.partner_id, project.partner_id)
                         WHERE project.is_support AND project.active
                           AND project.is_template IS NOT TRUE
                           AND partner.commercial_partner_id = ANY(%(clients)s)
                           AND %(own_task)s
                         UNION ALL
                        SELECT partner.commercial_partner_id, FALSE
                          FROM res_partner partner
                          JOIN rating_rating rating ON rating.partner_id = partner.id
                          LEFT JOIN project_project project
                            ON rating.parent_res_model = 'project.project'
                           AND project.id = rating.parent_res_id
                         WHERE partner.commercial_partner_id = ANY(%(clients)s)
                           AND rating.consumed
                           AND COALESCE(rating.rated_on, rating.write_date) >= %(since)s
                           AND %(own_rating)s
                         UNION ALL
                        SELECT partner.commercial_partner_id, FALSE
                          FROM mail_message message
                          JOIN res_partner partner
                            ON partner.id = message.complaint_partner_id
                         WHERE partner.commercial_partner_id = ANY(%(clients)s)
                           AND message.complaint_company_id = %(company)s
                           AND message.date >= %(since)s
                       ) AS service
                 GROUP BY client_id
                """,
                closed=CLOSED,
                clients=client_ids,
                company=company.id,
                since=since,
                own_task=rule._get_company_sql(
                    SQL("task.company_id"),
                    SQL("project.company_id"),
                    SQL("partner.company_id"),
                ),
                own_rating=rule._get_company_sql(
                    SQL("project.company_id"), SQL("partner.company_id")
                ),
            )
        )
        return {client_id: {"tickets": count} for client_id, count in rows}

    def _know_usage(self, company, client_ids):
        today = self.env["retention.rule"]._get_today(company)
        batch = self.env.cr.cache.get("retention_batch") or {}
        found = {}
        for client_id, (count, last) in batch.get("running", {}).items():
            # A project that begins later is active as of now.
            last = min(last, today) if last else today
            found[client_id] = {"count": count, "last": last.isoformat()}
        return found

    def _know_relationship(self, company, client_ids):
        # Raw SQL: two counts for each client of a batch.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT commercial_partner_id, COUNT(*),
                       COUNT(*) FILTER (WHERE is_decision_maker)
                  FROM res_partner
                 WHERE commercial_partner_id = ANY(%s) AND active
                   AND id <> commercial_partner_id AND type = 'contact'
                 GROUP BY commercial_partner_id
                HAVING BOOL_OR(is_decision_maker)
                """,
                client_ids,
            )
        )
        return {
            client_id: {"contacts": count, "deciders": deciders}
            for client_id, count, deciders in rows
        }

    # ------------------------------------------------------------
    # READING AND WRITING
    # ------------------------------------------------------------

    def _read_current(self, company, client_ids):
        """Return {client id: {part: (level, (kind, facts, reason id))}} as it was told
        last."""
        found = defaultdict(dict)
        # Raw SQL: tuples, not records, of a batch of clients.
        for client_id, part, level, kind, facts, reason_id in self.env.execute_query(
            SQL(
                """
                SELECT partner_id, part, level, kind, facts, reason_id
                  FROM retention_health
                 WHERE partner_id = ANY(%s) AND company_id = %s AND date_to IS NULL
                """,
                client_ids,
                company.id,
            )
        ):
            found[client_id][part] = level, (kind, facts or {}, reason_id)
        return dict(found)

    def _close(self, company, keys, today):
        """End what holds no more. What began today is as if it had never been."""
        if not keys:
            return
        clients = [client_id for client_id, _part in keys]
        parts = [part for _client_id, part in keys]
        where = SQL(
            """
            WHERE company_id = %s AND date_to IS NULL
              AND (partner_id, part) IN (SELECT * FROM unnest(%s::int[], %s::varchar[]))
            """,
            company.id,
            clients,
            parts,
        )
        # Raw SQL: thousands in one statement each.
        self.env.execute_query(
            SQL(
                "DELETE FROM retention_health %s AND date_from >= %s RETURNING id",
                where,
                today,
            )
        )
        self.env.execute_query(
            SQL(
                "UPDATE retention_health SET date_to = %s, write_uid = %s,"
                " write_date = %s %s RETURNING id",
                today,
                self.env.uid,
                fields.Datetime.now(),
                where,
            )
        )

    def _insert(self, company, rows, today):
        if not rows:
            return
        # Raw SQL: thousands in one statement, that may meet those of another job.
        self.env.execute_query(
            SQL(
                """
                INSERT INTO retention_health (%(names)s, company_id, date_from,
                       create_uid, create_date, write_uid, write_date)
                SELECT %(names)s, %(company)s, %(today)s, %(user)s, %(now)s, %(user)s,
                       %(now)s
                  FROM jsonb_to_recordset(%(rows)s::jsonb) AS row(%(types)s)
                 ORDER BY partner_id, part
                    ON CONFLICT (partner_id, company_id, part)
                       WHERE date_to IS NULL DO NOTHING
                RETURNING id
                """,
                names=SQL(", ").join(map(SQL.identifier, COLUMNS)),
                types=self._get_types_sql(),
                rows=json.dumps(rows),
                company=company.id,
                today=today,
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )

    def _update(self, company, rows):
        """Write other reasons for the same level."""
        if not rows:
            return
        # Raw SQL: thousands in one statement.
        self.env.execute_query(
            SQL(
                """
                UPDATE retention_health AS health
                   SET kind = row.kind, facts = row.facts, reason_id = row.reason_id,
                       write_uid = %(user)s, write_date = %(now)s
                  FROM jsonb_to_recordset(%(rows)s::jsonb) AS row(%(types)s)
                 WHERE health.partner_id = row.partner_id
                   AND health.company_id = %(company)s AND health.part = row.part
                   AND health.date_to IS NULL
                RETURNING health.id
                """,
                types=self._get_types_sql(),
                rows=json.dumps(rows),
                company=company.id,
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )

    def _get_types_sql(self):
        return SQL(", ").join(
            SQL("%s %s", SQL.identifier(name), SQL(kind))
            for name, kind in COLUMNS.items()
        )
