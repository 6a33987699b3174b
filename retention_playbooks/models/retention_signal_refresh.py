import json
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: Columns that a refresh writes, with their type in PostgreSQL.
FOUND_COLUMNS = {
    "severity": "varchar",
    "facts": "jsonb",
    "res_model": "varchar",
    "res_id": "int",
    "evidence_ids": "jsonb",
    "reason_key": "varchar",
    "reason_id": "int",
    "channel": "varchar",
    "revenue": "numeric",
}
#: {kind: graver kinds that say the same}: of a client that is lost nobody needs to hear
#: that its rhythm is broken.
SUPERSEDED = {
    "broken_pattern": ("lapsed", "lost"),
    "lapsed": ("lost",),
    "shrinking": ("lapsed", "lost"),
}


class RetentionSignal(models.Model):
    """Refreshing: what the rules find becomes signals.

    Everything for a batch of clients is read by one query per rule in force, compared
    in memory, and written by three statements.
    """

    _inherit = "retention.signal"

    @api.model
    def _refresh(self, company, client_ids, kinds=None):
        """Bring the signals of clients up to date with what the rules find now. Doing
        so again changes nothing.

        :param company: ``res.company``
        :param client_ids: ids of commercial entities, archived ones included
        :param kinds: only these kinds; all by default
        :returns: dict with ``raised``, ``updated``, ``expired`` (counts)
        """
        # sudo: signals are found in records of all kinds, whoever asks
        self = self.sudo().with_company(company)
        self.env.flush_all()
        today = self.env["retention.rule"]._get_today(company)
        # What rules of several kinds read is read once.
        self.env.cr.cache["retention_batch"] = {
            "client_ids": list(client_ids),
            "purchases": {},
        }
        try:
            findings = self._collect_findings(company, client_ids, kinds)
            self._after_find(company, client_ids, findings)
        finally:
            del self.env.cr.cache["retention_batch"]
        found = {
            (client_id, kind): finding
            for kind, by_client in findings.items()
            for client_id, finding in by_client.items()
        }
        opened = self._read_open(company, client_ids, list(findings))
        handled = self._read_handled(company, client_ids, list(findings))
        raised = [
            finding
            for key, finding in found.items()
            if key not in opened
            and self._is_news(finding, handled.get(key), findings, today)
        ]
        changed = [
            {**finding, "id": opened[key]["id"]}
            for key, finding in found.items()
            if key in opened and self._differs(finding, opened[key])
        ]
        gone = [row["id"] for key, row in opened.items() if key not in found]
        ids = self._insert_signals(company, raised, today)
        self._update_signals(changed)
        self._close_signals(gone, today)
        self.invalidate_model()
        signals = self.browse(ids)
        signals._after_raise()
        # Signals are written by SQL here: nobody has marked their clients.
        self.env["retention.client"]._refresh(company, client_ids)
        return {"raised": len(ids), "updated": len(changed), "expired": len(gone)}

    @api.model
    def _after_find(self, company, client_ids, findings):
        """Tell what else follows from what was found, while purchases are at hand: the
        health of the clients.

        :param findings: {kind: {client id: finding}} of all kinds that were looked for
        """
        self.env["retention.health"]._refresh(company, client_ids, findings)

    def _after_raise(self):
        """Hook: what happens with signals that were just raised."""

    # ------------------------------------------------------------
    # FINDING
    # ------------------------------------------------------------

    def _collect_findings(self, company, client_ids, kinds=None):
        """Return {kind: {client id: finding}} of all kinds, those that are switched off
        included (they find nothing)."""
        if kinds is None:
            kinds = [kind for kind, _label in self._fields["kind"].selection]
        clients = self._read_clients(company, client_ids)
        in_force = self.env["retention.rule"]._get_rules_in_force(company)
        # Graver kinds are looked for, too, even if only one is asked for.
        needed = {
            *kinds,
            *(more for kind in kinds for more in SUPERSEDED.get(kind, ())),
        }
        findings = {}
        for kind in sorted(needed):
            by_rule = defaultdict(list)
            for client_id, (tier_id, _user) in clients.items():
                rule = in_force.get((kind, tier_id)) or in_force.get((kind, None))
                if rule:
                    by_rule[rule].append(client_id)
            findings[kind] = {}
            for rule, ids in by_rule.items():
                findings[kind].update(rule._find(ids))
        for kind, graver in SUPERSEDED.items():
            for client_id in list(findings.get(kind, ())):
                if any(client_id in findings.get(other, ()) for other in graver):
                    del findings[kind][client_id]
        findings = {kind: findings[kind] for kind in kinds}
        revenue = self._read_revenue(
            company, {client for found in findings.values() for client in found}
        )
        for kind, by_client in findings.items():
            for client_id, finding in by_client.items():
                finding.update(
                    kind=kind,
                    user_id=clients[client_id][1],
                    revenue=float(revenue.get(client_id, 0.0)),
                )
        return findings

    def _read_clients(self, company, client_ids):
        """Return {client id: (tier id, account manager's id)} of those who are active
        clients; either may be None. Our own companies and people are none."""
        # Raw SQL: two columns of as many clients as a batch has.
        return {
            client_id: (tier_id, user_id)
            for client_id, tier_id, user_id in self.env.execute_query(
                SQL(
                    """
                    SELECT client.id, given.tier_id, %(manager)s
                      FROM res_partner client
                      LEFT JOIN client_tier_assignment given
                        ON given.partner_id = client.id
                       AND given.company_id = %(company)s
                     WHERE client.id = ANY(%(clients)s) AND client.active
                       AND client.id = client.commercial_partner_id
                       AND (client.company_id IS NULL
                            OR client.company_id = %(company)s)
                       AND NOT EXISTS (SELECT FROM res_company own
                                        WHERE own.partner_id
                                              IN (client.id, client.parent_id))
                       AND NOT EXISTS (SELECT FROM res_users colleague
                                        WHERE colleague.partner_id = client.id
                                          AND NOT colleague.share)
                    """,
                    manager=self.env["res.partner"]._get_account_manager_sql(
                        "client", company
                    ),
                    company=company.id,
                    clients=list(client_ids),
                )
            )
        }

    def _read_revenue(self, company, client_ids):
        """Return {client id: revenue of all time} in the company's currency: what was
        invoiced, or what was ordered where that is more. Some never invoice here."""
        if not client_ids:
            return {}
        # Raw SQL: two sums for a batch of clients, by their contacts' records: the
        # commercial entity of an invoice has no index.
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT client_id, GREATEST(SUM(invoiced), SUM(ordered))
                      FROM (
                            SELECT partner.commercial_partner_id AS client_id,
                                   move.amount_untaxed_signed AS invoiced, 0 AS ordered
                              FROM res_partner partner
                              JOIN account_move move ON move.partner_id = partner.id
                             WHERE partner.commercial_partner_id = ANY(%(clients)s)
                               AND move.company_id = %(company)s
                               AND move.state = 'posted'
                               AND move.move_type IN ('out_invoice', 'out_refund')
                             UNION ALL
                            SELECT partner.commercial_partner_id, 0,
                                   sale.amount_untaxed
                                   / COALESCE(NULLIF(sale.currency_rate, 0), 1)
                              FROM res_partner partner
                              JOIN sale_order sale ON sale.partner_id = partner.id
                             WHERE partner.commercial_partner_id = ANY(%(clients)s)
                               AND sale.company_id = %(company)s
                               AND sale.state = 'sale'
                           ) AS revenue
                     GROUP BY client_id
                    """,
                    clients=list(client_ids),
                    company=company.id,
                )
            )
        )

    # ------------------------------------------------------------
    # COMPARING
    # ------------------------------------------------------------

    def _read_open(self, company, client_ids, kinds):
        """Return {(client id, kind): dict of the columns} of open signals."""
        columns = ["id", "partner_id", "kind", *FOUND_COLUMNS]
        return {
            (row[1], row[2]): dict(zip(columns, row, strict=True))
            for row in self.env.execute_query(
                # Raw SQL: tuples, not records, of a batch of signals.
                SQL(
                    """
                    SELECT %s FROM retention_signal
                     WHERE partner_id = ANY(%s) AND company_id = %s
                       AND kind = ANY(%s) AND state = 'open'
                    """,
                    SQL(", ").join(map(SQL.identifier, columns)),
                    list(client_ids),
                    company.id,
                    kinds,
                )
            )
        }

    def _read_handled(self, company, client_ids, kinds):
        """Return {(client id, kind): (severity, reason key, day, days of quiet)} of the
        signals that were handled last."""
        return {
            (client_id, kind): values
            for client_id, kind, *values in self.env.execute_query(
                # Raw SQL: the last one each.
                SQL(
                    """
                    SELECT DISTINCT ON (partner_id, kind)
                           partner_id, kind, severity, reason_key, date_closed
                      FROM retention_signal
                     WHERE partner_id = ANY(%s) AND company_id = %s
                       AND kind = ANY(%s) AND state = 'handled'
                     ORDER BY partner_id, kind, date_closed DESC, id DESC
                    """,
                    list(client_ids),
                    company.id,
                    kinds,
                )
            )
        }

    @api.model
    def _is_news(self, finding, handled, findings, today):
        """Return whether a finding is raised: what was handled is left alone until it
        is about something else, has grown worse, or a quiet time is over.

        :param handled: (severity, reason key, day) of the one handled last, or None
        """
        if not handled:
            return True
        severity, key, day = handled
        quiet = finding["quiet_days"]
        return (
            key != finding["reason_key"]
            or severity < finding["severity"]
            or bool(quiet and day + timedelta(days=quiet) <= today)
        )

    @api.model
    def _differs(self, finding, row):
        """Return whether an open signal has to be written."""
        if not finding["reason_id"]:
            # What somebody has entered by hand stays.
            finding["reason_id"] = row["reason_id"]
        for column in FOUND_COLUMNS:
            new, old = finding[column], row[column]
            if column == "revenue":
                if abs(float(new or 0.0) - float(old or 0.0)) >= 0.01:
                    return True
            elif (new or None) != (old or None):
                return True
        return False

    # ------------------------------------------------------------
    # WRITING
    # ------------------------------------------------------------

    def _insert_signals(self, company, findings, today):
        """Create signals and return their ids. One that somebody else has raised in the
        meantime is left alone."""
        if not findings:
            return []
        types = {
            "partner_id": "int",
            "kind": "varchar",
            "user_id": "int",
            **FOUND_COLUMNS,
        }
        # Raw SQL: thousands in one statement, that may meet those of another job.
        return [
            signal_id
            for (signal_id,) in self.env.execute_query(
                SQL(
                    """
                    INSERT INTO retention_signal (%(columns)s, company_id, state,
                           date_open, create_uid, create_date, write_uid, write_date)
                    SELECT %(columns)s, %(company)s, 'open', %(today)s, %(user)s,
                           %(now)s, %(user)s, %(now)s
                      FROM jsonb_to_recordset(%(rows)s::jsonb) AS row(%(types)s)
                     ORDER BY partner_id, kind
                        ON CONFLICT (partner_id, company_id, kind)
                           WHERE state = 'open' DO NOTHING
                    RETURNING id
                    """,
                    columns=SQL(", ").join(map(SQL.identifier, types)),
                    types=self._get_types_sql(types),
                    rows=json.dumps([self._get_row(one, types) for one in findings]),
                    company=company.id,
                    today=today,
                    user=self.env.uid,
                    now=fields.Datetime.now(),
                )
            )
        ]

    def _update_signals(self, findings):
        """Write what has changed, without messages: figures move every week."""
        if not findings:
            return
        types = {"id": "int", **FOUND_COLUMNS}
        # Raw SQL: thousands in one statement.
        self.env.execute_query(
            SQL(
                """
                UPDATE retention_signal AS signal
                   SET %(values)s, write_uid = %(user)s, write_date = %(now)s
                  FROM jsonb_to_recordset(%(rows)s::jsonb) AS row(%(types)s)
                 WHERE signal.id = row.id AND signal.state = 'open'
             RETURNING signal.id
                """,
                values=SQL(", ").join(
                    SQL("%s = %s", SQL.identifier(name), SQL.identifier("row", name))
                    for name in FOUND_COLUMNS
                ),
                types=self._get_types_sql(types),
                rows=json.dumps([self._get_row(one, types) for one in findings]),
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )

    def _close_signals(self, ids, today):
        """Let signals expire."""
        if not ids:
            return
        # Raw SQL: thousands in one statement, without messages.
        self.env.execute_query(
            SQL(
                """
                UPDATE retention_signal
                   SET state = 'expired', date_closed = %s, write_uid = %s,
                       write_date = %s
                 WHERE id = ANY(%s) AND state = 'open'
             RETURNING id
                """,
                today,
                self.env.uid,
                fields.Datetime.now(),
                list(ids),
            )
        )

    def _get_types_sql(self, types):
        return SQL(", ").join(
            SQL("%s %s", SQL.identifier(name), SQL(kind))
            for name, kind in types.items()
        )

    def _get_row(self, finding, names):
        """Return the values of a finding for JSON; nothing is NULL there."""
        return {name: finding[name] or None for name in names}
