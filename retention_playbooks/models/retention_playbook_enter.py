import logging
from collections import Counter
from typing import NamedTuple
from zlib import crc32

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.effect import is_held_out

_logger = logging.getLogger(__name__)

#: Clients that are queued, started or advanced at once.
BATCH = 1000


class Candidate(NamedTuple):
    """A client that would enter a playbook; ids, or None."""

    partner: int
    signal: int | None
    severity: str | None
    reason: int | None
    tier: int | None
    user: int | None
    held_out: bool


class RetentionPlaybook(models.Model):
    """Which clients enter: they are queued, and begin as the cap of the day allows."""

    _inherit = "retention.playbook"

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _find_candidates(self, company):
        """Return the clients of a company that meet the trigger of this playbook and
        are not on their way already, the most urgent one first.

        :returns: list of :class:`Candidate`
        """
        self.ensure_one()
        if self.trigger == "manual":
            return []
        self.env.flush_all()
        # Raw SQL: thousands of clients by signals, runs, lots and tiers in one query.
        rows = self.env.execute_query(self._get_candidate_query(company))
        share = self.holdout_share / 100
        excluded = (
            self.env["retention.lot"]._get_excluded(self, company) if share else ()
        )
        return [
            Candidate(
                *row,
                row[0] not in excluded
                and is_held_out(self.holdout_seed, self._get_lot(), row[0], share),
            )
            for row in rows
        ]

    def _get_lot(self):
        """Return what stands for the playbook in the drawing of lots."""
        return self.id

    def _enter(self, company, limit=None):
        """Queue the clients of a company that enter this playbook, and note those that
        are left alone.

        :param limit: how many at most
        :returns: how many were queued or noted
        """
        candidates = self._find_candidates(company)[:limit]
        today = fields.Date.context_today(self)
        self.env["retention.holdout"].create(
            [
                {
                    "playbook_id": self.id,
                    "partner_id": one.partner,
                    "company_id": company.id,
                    "date": today,
                }
                for one in candidates
                if one.held_out
            ]
        )
        runs = self.env["retention.run"]
        runs = runs.with_context(**runs._get_quiet_context()).create(
            [self._prepare_run(one, company) for one in candidates if not one.held_out]
        )
        if self.holdout_share:
            self.env["retention.lot"]._note_runs(runs)
        return len(candidates)

    def _enter_safely(self, company, limit=None):
        """Do as :meth:`_enter`, and return 0 when this playbook cannot: it must not
        keep the others from going on."""
        try:
            with self.env.cr.savepoint():
                return self._enter(company, limit)
        except OperationalError:
            # Two jobs got in each other's way: the next one does it.
            raise
        except Exception:
            # A filter on a field that is gone; or somebody has just started one by hand
            _logger.exception("Nobody enters playbook %s", self.id)
            return 0

    def _prepare_run(self, candidate, company):
        """Return the values of the run of a client, queued."""
        return {
            "playbook_id": self.id,
            "partner_id": candidate.partner,
            "company_id": company.id,
            "signal_id": candidate.signal,
            "severity": candidate.severity,
            "reason_id": candidate.reason,
            "user_id": candidate.user,
            "state": "queued",
        }

    @api.model
    def _drop_stale(self, company):
        """Let those no longer wait whose signal was closed in the meantime, or who have
        been archived."""
        stale = self.env["retention.run"].search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "queued"),
                "|",
                ("partner_id.active", "=", False),
                "&",
                ("signal_id", "!=", False),
                ("signal_id.state", "!=", "open"),
            ]
        )
        stale.unlink()

    @api.model
    def _start_queued(self, company, limit=None):
        """Let waiting clients of a company begin, as many as each playbook allows per
        account manager and day.

        :param limit: how many at most
        :returns: the ``retention.run`` that have begun
        """
        self.env.flush_all()
        runs = self.env["retention.run"].browse(self._get_startable(company)[:limit])
        runs = runs.try_lock_for_update()
        runs._start()
        return runs

    def _get_startable(self, company):
        """Return the ids of the queued runs that may begin today, in their order."""
        today = fields.Date.context_today(self)
        # Raw SQL: the first so many of each manager and playbook, among all that wait.
        rows = self.env.execute_query(
            SQL(
                """
                WITH begun AS (
                    SELECT playbook_id, user_id, COUNT(*) AS count
                      FROM retention_run
                     WHERE company_id = %(company)s AND started_on >= %(today)s
                     GROUP BY playbook_id, user_id
                ), waiting AS (
                    SELECT run.id, run.playbook_id, run.user_id, run.severity,
                           tier.sequence AS tier, playbook.sequence,
                           playbook.daily_cap,
                           ROW_NUMBER() OVER (
                               PARTITION BY playbook.id, run.user_id
                               ORDER BY run.severity DESC NULLS LAST,
                                        tier.sequence NULLS LAST, run.id
                           ) AS place
                      FROM retention_run run
                      JOIN retention_playbook playbook ON playbook.id = run.playbook_id
                      LEFT JOIN client_tier_assignment given
                        ON given.partner_id = run.partner_id
                       AND given.company_id = run.company_id
                      LEFT JOIN client_tier tier ON tier.id = given.tier_id
                     WHERE run.state = 'queued' AND run.company_id = %(company)s
                       AND playbook.state = 'active' AND playbook.active
                )
                SELECT waiting.id
                  FROM waiting
                  LEFT JOIN begun ON begun.playbook_id = waiting.playbook_id
                   AND begun.user_id IS NOT DISTINCT FROM waiting.user_id
                 WHERE place <= daily_cap - COALESCE(begun.count, 0)
                 ORDER BY sequence, severity DESC NULLS LAST, tier NULLS LAST, id
                """,
                today=today,
                company=company.id,
            )
        )
        return [id_ for (id_,) in rows]

    @api.model
    def _get_active(self, company):
        """Return the active playbooks of a company, in their order."""
        return self.search(
            [("state", "=", "active"), ("company_id", "in", (company.id, False))]
        )

    @api.model
    def _lock_enter(self, company):
        """Keep other jobs from letting clients of a company enter, until the
        transaction ends.

        :returns: whether it is ours
        """
        # Raw SQL: an advisory lock keeps nobody from working. The unique index is
        # there, too, for those who do not ask.
        [(locked,)] = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(%s, %s)",
                crc32(self._name.encode()) & 0x7FFFFFFF,
                company.id,
            )
        )
        return locked

    # ------------------------------------------------------------
    # QUERY
    # ------------------------------------------------------------

    def _get_candidate_query(self, company):
        """Return the query of the candidates of a company: the columns of
        :class:`Candidate` but the last, one row per client, in order."""
        found = getattr(self, f"_get_{self.trigger}_query")(company)
        partners = self.env["res.partner"].with_company(company)
        clients = partners._search(
            self._get_client_domain(), bypass_access=True
        ).subselect()
        tiers = (
            SQL("given.tier_id = ANY(%s)", self.tier_ids.ids)
            if self.tier_ids
            else SQL("TRUE")
        )
        return SQL(
            """
            SELECT * FROM (
                SELECT DISTINCT ON (client.id) client.id, found.signal_id,
                       found.severity, found.reason_id, given.tier_id,
                       COALESCE(%(manager)s, %(nobody)s) AS user_id
                  FROM (%(found)s)
                       AS found (client_id, signal_id, severity, reason_id)
                  JOIN res_partner client ON client.id = found.client_id
                  LEFT JOIN client_tier_assignment given
                    ON given.partner_id = client.id AND given.company_id = %(company)s
                 WHERE client.active AND %(tiers)s AND client.id IN %(clients)s
                   AND (client.company_id IS NULL OR client.company_id = %(company)s)
                   AND NOT EXISTS (
                       SELECT FROM retention_run run
                        WHERE run.partner_id = client.id AND run.kind = %(kind)s
                          AND run.company_id = %(company)s
                          AND (run.state IN ('queued', 'running')
                               OR run.ended_on >= %(rested)s))
                   AND NOT EXISTS (
                       SELECT FROM retention_holdout alone
                        WHERE alone.partner_id = client.id
                          AND alone.playbook_id = %(playbook)s
                          AND alone.company_id = %(company)s)
                 ORDER BY client.id, found.severity DESC NULLS LAST, found.signal_id
            ) AS candidate
             ORDER BY severity DESC NULLS LAST,
                      (SELECT sequence FROM client_tier WHERE id = tier_id) NULLS LAST,
                      id
            """,
            found=found,
            clients=clients,
            tiers=tiers,
            manager=partners._get_account_manager_sql("client", company),
            company=company.id,
            kind=self.kind,
            playbook=self.id,
            nobody=self.user_id.id or None,
            rested=self._get_rested(),
        )

    def _get_rested(self):
        """Return the moment before which a run must have ended, for another one."""
        return fields.Datetime.subtract(fields.Datetime.now(), days=self.cool_down_days)

    def _get_signal_query(self, company):
        """Return the query of clients with an open signal; rows of client, signal,
        severity, reason."""
        kinds = SQL(" OR ").join(
            SQL(
                "(signal.kind = %s AND signal.severity >= %s)",
                trigger.signal_kind,
                trigger.severity,
            )
            for trigger in self.trigger_ids
        )
        return SQL(
            """
            SELECT signal.partner_id, signal.id, signal.severity, signal.reason_id
              FROM retention_signal signal
             WHERE signal.company_id = %s AND signal.state = 'open' AND (%s)
            """,
            company.id,
            kinds or SQL("FALSE"),
        )

    def _get_stage_query(self, company):
        """Return the query of clients that have reached the stage in the last days, and
        have not been through this playbook; rows as those of signals."""
        since = fields.Datetime.subtract(fields.Datetime.now(), days=self.stage_days)
        reached = getattr(self, f"_get_stage_{self.stage}_query")(company, since)
        return SQL(
            """
            SELECT reached.client_id, NULL::int, NULL, NULL::int
              FROM (%s) AS reached (client_id)
             WHERE NOT EXISTS (
                   SELECT FROM retention_run been
                    WHERE been.partner_id = reached.client_id
                      AND been.playbook_id = %s)
            """,
            reached,
            self.id,
        )

    def _get_stage_first_order_query(self, company, since):
        """Return the query of clients whose first order was confirmed since then."""
        return SQL(
            """
            SELECT DISTINCT person.commercial_partner_id
              FROM sale_order sale
              JOIN res_partner person ON person.id = sale.partner_id
             WHERE sale.state = 'sale' AND sale.company_id = %(company)s
               AND sale.date_order >= %(since)s
               AND NOT EXISTS (
                   SELECT FROM res_partner other
                     JOIN sale_order earlier ON earlier.partner_id = other.id
                    WHERE other.commercial_partner_id = person.commercial_partner_id
                      AND earlier.state = 'sale'
                      AND earlier.company_id = %(company)s
                      AND earlier.date_order < %(since)s)
            """,
            company=company.id,
            since=since,
        )

    def _get_stage_lead_won_query(self, company, since):
        """Return the query of clients with an opportunity won since then."""
        return SQL(
            """
            SELECT DISTINCT person.commercial_partner_id
              FROM crm_lead lead
              JOIN res_partner person ON person.id = lead.partner_id
             WHERE lead.active AND lead.won_status = 'won'
               AND (lead.company_id IS NULL OR lead.company_id = %s)
               AND lead.date_closed >= %s
            """,
            company.id,
            since,
        )

    @api.model
    def _count_candidates(self, candidates, daily_cap):
        """Return how many of these would begin today, wait, and be left alone."""
        places, begin = Counter(), 0
        entering = [one for one in candidates if not one.held_out]
        for one in entering:
            places[one.user] += 1
            begin += places[one.user] <= daily_cap
        return begin, len(entering) - begin, len(candidates) - len(entering)
