import json
from collections import defaultdict

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..tools.urgency import rate_urgency
from .res_partner import AT_ONCE
from .retention_playbook import HAND_GOALS

#: Clients that are brought up to date together.
BATCH = 10_000
#: Columns that a refresh writes, with their type in PostgreSQL.
COLUMNS = {
    "user_id": "int",
    "active": "bool",
    "urgency": "numeric",
    "urgency_parts": "jsonb",
    "severity": "varchar",
    "revenue": "numeric",
    "signal_id": "int",
    "kind": "varchar",
    "signal_count": "int",
    "run_id": "int",
    "step_id": "int",
    "date_due": "date",
    "channel": "varchar",
    "contact_id": "int",
    "snooze_id": "int",
    "snoozed_until": "date",
}
#: What a client has that nobody needs to see to.
NOTHING = {"active": False, "run_id": None, "step_id": None, "date_due": None}
#: What a due step counts as a reason: one that is late or has failed, any other one.
LATE_STEP, DUE_STEP = "2", "1"


class RetentionClient(models.Model):
    """Refreshing: who needs his manager, from open signals and due steps.

    Whatever changes these marks its clients; they are brought up to date once, at the
    end of the transaction. The weekly search for signals does so batch by batch, a
    nightly job for what only time changes.
    """

    _inherit = "retention.client"

    # ------------------------------------------------------------
    # MARKING
    # ------------------------------------------------------------

    @api.model
    def _mark(self, pairs):
        """Bring clients up to date at the end of the transaction.

        :param pairs: (company id, client id) each
        """
        pairs = {pair for pair in pairs if all(pair)}
        if not pairs:
            return
        precommit = self.env.cr.precommit
        marked = precommit.data.get(self._name)
        if marked is None:
            marked = precommit.data[self._name] = set()
            # sudo: the list follows whoever changes something
            precommit.add(self.sudo()._refresh_marked)
        marked |= pairs

    @api.model
    def _follow_tiers(self, company, client_ids):
        """Bring clients up to date whose tier has changed: a few at the end of the
        transaction, many within minutes by the job that does so each night.

        :param client_ids: ids of ``res.partner``
        """
        if len(client_ids) <= AT_ONCE:
            self._mark((company.id, client_id) for client_id in client_ids)
        else:
            # sudo: the list follows whoever gives tiers
            cron = self.env.ref("retention_playbooks.ir_cron_refresh_clients").sudo()
            cron._trigger()

    def _refresh_marked(self):
        """Bring up to date what was marked."""
        by_company = defaultdict(set)
        for company, client in self.env.cr.precommit.data.pop(self._name, ()):
            by_company[company].add(client)
        for company in self.env["res.company"].browse(by_company).exists():
            self._refresh(company, by_company[company.id])

    # ------------------------------------------------------------
    # REFRESHING
    # ------------------------------------------------------------

    @api.model
    def _refresh(self, company, client_ids):
        """Bring clients up to date. Doing so again changes nothing.

        :param company: ``res.company``
        :param client_ids: ids of commercial entities
        :returns: how many records were written
        """
        # sudo: the list is made of records of all kinds, whoever asks
        self = self.sudo().with_company(company)
        self.env.flush_all()
        client_ids = list(client_ids)
        rows = self._read_rows(company, client_ids)
        signals = self._read_signals(company, client_ids)
        steps = self._read_steps(company, client_ids)
        found = self._prepare_clients(company, signals, steps)
        for client_id, row in rows.items():
            # What it was stays readable for who has it on his screen just now.
            found.setdefault(client_id, {**row, **NOTHING})
        changed = []
        for client_id, values in found.items():
            self._keep_snooze(values, rows.get(client_id))
            if self._differs(values, rows.get(client_id)):
                changed.append({"partner_id": client_id, **values})
        self._write_rows(company, changed)
        self.invalidate_model()
        return len(changed)

    def _prepare_clients(self, company, signals, steps):
        """Return {client id: values} of those who need somebody.

        :param signals: what :meth:`_read_signals` gave
        :param steps: what :meth:`_read_steps` gave
        """
        today = self.env["retention.rule"]._get_today(company)
        clients = self.env["retention.signal"]._read_clients(
            company, {*signals, *steps}
        )
        signals = {key: some for key, some in signals.items() if key in clients}
        steps = {key: step for key, step in steps.items() if key in clients}
        without = [client_id for client_id in steps if client_id not in signals]
        revenues = self.env["retention.signal"]._read_revenue(company, without)
        contacts = self._read_contacts({*signals, *steps})
        about = (
            self.env["retention.signal"]
            .browse(
                some[0]["id"]
                for some in signals.values()
                if some[0]["kind"] == "new_contact"
            )
            ._get_about_contacts()
        )
        places = self._get_tier_places(company)
        earned = {
            client_id: float(
                (signals[client_id][0]["revenue"] if client_id in signals else 0)
                or revenues.get(client_id)
                or 0.0
            )
            for client_id in {*signals, *steps}
        }
        if not company.retention_usual_revenue and any(
            revenue > 0 for revenue in earned.values()
        ):
            # Before the first search for signals. As somebody has brought revenue,
            # there is a usual one, so this is done once.
            self._recompute_usual_revenue(company)
        usual = company.retention_usual_revenue
        found = {}
        for client_id, revenue in earned.items():
            some, step = signals.get(client_id, []), steps.get(client_id)
            severities = [signal["severity"] for signal in some]
            if step and step["step_id"]:
                late = step["state"] == "failed" or (step["date_due"] or today) < today
                severities.append(LATE_STEP if late else DUE_STEP)
            elif step and step["asks"]:
                severities.append(DUE_STEP)
            if not severities:
                # A playbook runs, and nothing is to be done.
                continue
            tier_id, user_id = clients[client_id]
            first = some[0] if some else {}
            rated = rate_urgency(
                severities, places.get(tier_id), len(places), revenue, usual
            )
            step = step or {}
            found[client_id] = {
                "user_id": user_id or first.get("user_id") or step.get("user_id"),
                "active": True,
                "urgency": round(rated.points, 1),
                "urgency_parts": {
                    "severity": round(rated.severity, 4),
                    "tier": round(rated.tier, 4),
                    "value": round(rated.value, 4),
                },
                "severity": max(severities),
                "revenue": revenue,
                "signal_id": first.get("id"),
                "kind": first.get("kind"),
                "signal_count": len(some),
                "run_id": step.get("run_id"),
                "step_id": step.get("step_id"),
                "date_due": step.get("date_due") if step.get("step_id") else None,
                "channel": first.get("channel"),
                "contact_id": (step.get("contact_id") if step.get("step_id") else None)
                or about.get(first.get("id"))
                or contacts.get(client_id),
                "snooze_id": None,
                "snoozed_until": None,
            }
        return found

    def _get_tier_places(self, company):
        """Return {tier id: place} of a company's tiers, 0 for the best."""
        tiers = self.env["client.tier"].with_context(active_test=True)
        tiers = tiers.search([("company_id", "=", company.id)], order="sequence, id")
        return {tier.id: place for place, tier in enumerate(tiers)}

    @api.model
    def _keep_snooze(self, values, row):
        """Leave a client snoozed, unless it is worse than when that was done."""
        if not row or not row["snooze_id"]:
            return
        snooze = self.env["retention.snooze"].browse(row["snooze_id"])
        if values["active"] and (values["severity"] or "") > (snooze.severity or ""):
            return
        values["snooze_id"] = row["snooze_id"]
        values["snoozed_until"] = row["snoozed_until"]

    @api.model
    def _differs(self, values, row):
        """Return whether a client has to be written."""
        if row is None:
            return True
        for name, value in values.items():
            if name in ("urgency", "revenue"):
                if abs(float(value or 0.0) - float(row[name] or 0.0)) >= 0.01:
                    return True
            elif (value or None) != (row[name] or None):
                return True
        return False

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    def _read_rows(self, company, client_ids):
        """Return {client id: dict of the columns} of records there are, inactive ones
        included."""
        # Raw SQL: dicts, not records, of a batch of clients.
        return {
            row[0]: dict(zip(COLUMNS, row[1:], strict=True))
            for row in self.env.execute_query(
                SQL(
                    "SELECT partner_id, %s FROM retention_client"
                    " WHERE partner_id = ANY(%s) AND company_id = %s",
                    SQL(", ").join(map(SQL.identifier, COLUMNS)),
                    client_ids,
                    company.id,
                )
            )
        }

    def _read_signals(self, company, client_ids):
        """Return {client id: [dict of an open signal]}, the gravest first. Those that
        a running playbook sees to are nothing to do as long as it waits."""
        names = ("id", "kind", "severity", "channel", "user_id", "revenue")
        found = defaultdict(list)
        # Raw SQL: tuples, not records, of a batch of clients.
        for client_id, *values in self.env.execute_query(
            SQL(
                """
                SELECT partner_id, %s FROM retention_signal
                 WHERE partner_id = ANY(%s) AND company_id = %s AND state = 'open'
                   AND id NOT IN (
                       SELECT run.signal_id FROM retention_run run
                         JOIN retention_run_step step ON step.run_id = run.id
                        WHERE run.partner_id = ANY(%s) AND run.company_id = %s
                          AND run.state = 'running' AND run.signal_id IS NOT NULL
                        GROUP BY run.id
                       HAVING BOOL_OR(step.state = 'waiting' OR step.state = 'open')
                          AND NOT BOOL_OR(step.state = 'failed' OR
                                          step.state = 'open' AND step.kind <> 'wait'))
                 ORDER BY partner_id, severity DESC, date_open, id
                """,
                SQL(", ").join(map(SQL.identifier, names)),
                *(client_ids, company.id) * 2,
            )
        ):
            found[client_id].append(dict(zip(names, values, strict=True)))
        return dict(found)

    def _read_steps(self, company, client_ids):
        """Return {client id: dict of its running playbook}, with the step that is to be
        done first, or none. Waiting for the client is nothing to do; ``asks``: somebody
        has to say how the run has ended."""
        names = (
            *("run_id", "step_id", "state", "date_due", "user_id", "contact_id"),
            "asks",
        )
        # Raw SQL: the first one each of a batch of clients.
        return {
            client_id: dict(zip(names, values, strict=True))
            for client_id, *values in self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT ON (run.partner_id)
                           run.partner_id, run.id, step.id, step.state, step.date_due,
                           run.user_id, run.contact_id, asking.asks
                      FROM retention_run run
                      JOIN retention_playbook playbook ON playbook.id = run.playbook_id
                      LEFT JOIN retention_run_step step
                        ON step.run_id = run.id AND step.kind <> 'wait'
                       AND step.state IN ('open', 'failed')
                     CROSS JOIN LATERAL (
                           SELECT playbook.goal IN %(by_hand)s AND NOT EXISTS (
                               SELECT FROM retention_run_step left_over
                                WHERE left_over.run_id = run.id
                                  AND left_over.state NOT IN ('done', 'skipped')
                               ) AS asks
                           ) AS asking
                     WHERE run.partner_id = ANY(%(clients)s)
                       AND run.company_id = %(company)s AND run.state = 'running'
                     ORDER BY run.partner_id, step.id IS NULL, step.date_due,
                              step.sequence, step.id, NOT asking.asks, run.id
                    """,
                    by_hand=HAND_GOALS,
                    clients=client_ids,
                    company=company.id,
                )
            )
        }

    def _read_contacts(self, client_ids):
        """Return {client id: id of whom to address}: who decides, else the first person
        with a phone or an address, else any person, else the client itself."""
        # Raw SQL: the first contact each of a batch of clients.
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT ON (commercial_partner_id)
                           commercial_partner_id, id
                      FROM res_partner
                     WHERE commercial_partner_id = ANY(%s) AND active
                       AND (id = commercial_partner_id OR type = 'contact')
                     ORDER BY commercial_partner_id, id = commercial_partner_id,
                              COALESCE(is_decision_maker, FALSE) DESC,
                              phone IS NULL AND email_normalized IS NULL, id
                    """,
                    list(client_ids),
                )
            )
        )

    # ------------------------------------------------------------
    # WRITING
    # ------------------------------------------------------------

    def _write_rows(self, company, rows):
        """Create or update records in one statement."""
        if not rows:
            return
        types = {"partner_id": "int", **COLUMNS}
        names = SQL(", ").join(map(SQL.identifier, types))
        # Raw SQL: thousands in one statement, that may meet those of another job.
        self.env.execute_query(
            SQL(
                """
                INSERT INTO retention_client AS client (%(names)s, company_id,
                       create_uid, create_date, write_uid, write_date)
                SELECT %(names)s, %(company)s, %(user)s, %(now)s, %(user)s, %(now)s
                  FROM jsonb_to_recordset(%(rows)s::jsonb) AS row(%(types)s)
                 ORDER BY partner_id
                    ON CONFLICT (partner_id, company_id) DO UPDATE
                       SET %(values)s, write_uid = %(user)s, write_date = %(now)s
                RETURNING id
                """,
                names=names,
                types=SQL(", ").join(
                    SQL("%s %s", SQL.identifier(name), SQL(kind))
                    for name, kind in types.items()
                ),
                values=SQL(", ").join(
                    SQL(
                        "%s = %s",
                        SQL.identifier(name),
                        SQL.identifier("excluded", name),
                    )
                    for name in COLUMNS
                ),
                rows=json.dumps(rows, default=str),
                company=company.id,
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )

    # ------------------------------------------------------------
    # USUAL CLIENT
    # ------------------------------------------------------------

    @api.model
    def _recompute_usual_revenue(self, company):
        """Find the lifetime revenue of the company's usual client: the median of those
        who have brought any."""
        self.env.flush_all()
        # Raw SQL: the median of two sums over all clients.
        [(median,)] = self.env.execute_query(
            SQL(
                """
                SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY revenue)
                  FROM (
                        SELECT GREATEST(SUM(invoiced), SUM(ordered)) AS revenue
                          FROM (
                                SELECT partner.commercial_partner_id AS client_id,
                                       move.amount_untaxed_signed AS invoiced,
                                       0 AS ordered
                                  FROM account_move move
                                  JOIN res_partner partner
                                    ON partner.id = move.partner_id
                                 WHERE move.company_id = %(company)s
                                   AND move.state = 'posted'
                                   AND move.move_type IN ('out_invoice', 'out_refund')
                                 UNION ALL
                                SELECT partner.commercial_partner_id, 0,
                                       sale.amount_untaxed
                                       / COALESCE(NULLIF(sale.currency_rate, 0), 1)
                                  FROM sale_order sale
                                  JOIN res_partner partner
                                    ON partner.id = sale.partner_id
                                 WHERE sale.company_id = %(company)s
                                   AND sale.state = 'sale'
                               ) AS revenue
                         GROUP BY client_id
                       ) AS clients
                 WHERE revenue > 0
                """,
                company=company.id,
            )
        )
        usual = company.currency_id.round(median or 0.0)
        if company.currency_id.compare_amounts(usual, company.retention_usual_revenue):
            # sudo: of the job, whoever has started it
            company.sudo().retention_usual_revenue = usual

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _refresh_after(self, company, last_id, size=BATCH):
        """Bring the next clients up to date that are, or should be, on the list.

        :param last_id: of the client that was done last
        :returns: the id of the last client now, or None when all are done
        """
        self.env.flush_all()
        # Raw SQL: ids alone, in the order of clients.
        ids = [
            client_id
            for (client_id,) in self.env.execute_query(
                SQL(
                    """
                    SELECT client_id
                      FROM (SELECT partner_id AS client_id FROM retention_client
                             WHERE company_id = %(company)s AND active
                             UNION
                            SELECT partner_id FROM retention_signal
                             WHERE company_id = %(company)s AND state = 'open'
                             UNION
                            SELECT partner_id FROM retention_run
                             WHERE company_id = %(company)s AND state = 'running'
                           ) AS clients
                     WHERE client_id > %(last)s ORDER BY client_id LIMIT %(size)s
                    """,
                    company=company.id,
                    last=last_id,
                    size=size,
                )
            )
        ]
        if ids:
            self._refresh(company, ids)
        return ids[-1] if len(ids) == size else None

    @api.model
    def _refresh_after_safely(self, company, last_id, attempts=5):
        """Do as :meth:`_refresh_after`, again where a transaction meets another one."""
        try:
            return self._refresh_after(company, last_id)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            if attempts <= 1:
                raise
            # Nothing is lost: a batch begins with a transaction of its own.
            self.env.cr.rollback()
        return self._refresh_after_safely(company, last_id, attempts - 1)

    @api.model
    def _cron_refresh(self):
        """Bring all lists up to date with the day. A job that is stopped begins anew,
        and has less to write; where somebody has just written the same clients, what he
        has written is read."""
        # All companies have a list.
        companies = self.env["res.company"].search([])  # pylint: disable=no-search-all
        for number, company in enumerate(companies, 1):
            last_id = 0
            while last_id is not None:
                last_id = self._refresh_after_safely(company, last_id)
                left = len(companies) - number + (last_id is not None)
                if not self.env["ir.cron"]._commit_progress(1, remaining=left):
                    return
