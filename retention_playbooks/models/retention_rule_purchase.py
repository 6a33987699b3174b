from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import models
from odoo.tools import SQL

from ..tools import lapse, order_rhythm
from ..tools.season import find_avoided

#: A purchase is one number: its day (an ordinal), its source, its id. So the last one
#: is the greatest, and a batch of them is a list of numbers.
DAY_SHIFT, SOURCE_SHIFT = 36, 32
#: Years around today in which the seasons of a company count.
YEARS_BACK, YEARS_AHEAD = 20, 2


class RetentionRule(models.Model):
    """Signals from what clients buy: a rhythm that is broken, clients that have lapsed,
    clients that are lost."""

    _inherit = "retention.rule"

    # ------------------------------------------------------------
    # PURCHASES
    # ------------------------------------------------------------

    def _get_purchase_sources(self, client_ids):
        """Hook: return [(model, SQL)] of what counts as a purchase, 16 at most. Each
        query gives one row for each: ``client_id`` (commercial entity), ``day``,
        ``id``. What cost nothing, and what was credited in full, is none.
        """
        sources = []
        if self.source in ("order", "both"):
            orders = SQL(
                """
                SELECT partner.commercial_partner_id AS client_id,
                       sale.date_order::date AS day, sale.id
                  FROM res_partner partner
                  JOIN sale_order sale ON sale.partner_id = partner.id
                 WHERE partner.commercial_partner_id = ANY(%(clients)s)
                   AND sale.company_id = %(company)s AND sale.state = 'sale'
                   AND sale.amount_untaxed > 0
                """,
                clients=client_ids,
                company=self.company_id.id,
            )
            sources.append(("sale.order", orders))
        if self.source in ("invoice", "both"):
            invoices = SQL(
                """
                SELECT partner.commercial_partner_id AS client_id,
                       move.invoice_date AS day, move.id
                  FROM res_partner partner
                  JOIN account_move move ON move.partner_id = partner.id
                 WHERE partner.commercial_partner_id = ANY(%(clients)s)
                   AND move.company_id = %(company)s AND move.state = 'posted'
                   AND move.move_type = 'out_invoice'
                   AND move.amount_untaxed_signed > 0
                   AND move.payment_state IS DISTINCT FROM 'reversed'
                   AND %(without_order)s
                """,
                clients=client_ids,
                company=self.company_id.id,
                without_order=SQL(
                    "NOT EXISTS (SELECT FROM account_move_line line"
                    " JOIN sale_order_line_invoice_rel link"
                    " ON link.invoice_line_id = line.id"
                    " WHERE line.move_id = move.id)"
                )
                if self.source == "both"
                else SQL("TRUE"),
            )
            sources.append(("account.move", invoices))
        return sources

    def _read_purchases(self, client_ids):
        """Return {client id: purchases as numbers, in the order of time} of clients
        that have bought; see :meth:`_unpack_purchase`.

        Rules of several kinds ask for the same within a refresh: they share it.
        """
        batch = self.env.cr.cache.get("retention_batch")
        if batch is None:
            return self._query_purchases(client_ids)
        key = self.company_id.id, self.source
        if key not in batch["purchases"]:
            batch["purchases"][key] = self._query_purchases(batch["client_ids"])
        found = batch["purchases"][key]
        return {client: found[client] for client in client_ids if client in found}

    def _query_purchases(self, client_ids):
        # Raw SQL: a number for each purchase of a batch of clients; sorting lists of a
        # few numbers is faster here than there.
        parts = [
            SQL(
                "SELECT client_id, ((day - DATE '0001-01-01' + 1)::bigint << %s)"
                " + (%s::bigint << %s) + id AS number FROM (%s) AS source",
                DAY_SHIFT,
                place,
                SOURCE_SHIFT,
                source,
            )
            for place, (_model, source) in enumerate(
                self._get_purchase_sources(list(client_ids))
            )
        ]
        # Raw SQL: a million purchases as numbers, not records.
        rows = self.env.execute_query(
            SQL(
                "SELECT client_id, array_agg(number) FROM (%s) AS purchase"
                " GROUP BY client_id",
                SQL(" UNION ALL ").join(parts),
            )
        )
        return {client_id: sorted(numbers) for client_id, numbers in rows}

    def _unpack_purchase(self, number):
        """Return (day, model, id) of a purchase."""
        models_ = [model for model, _source in self._get_purchase_sources([])]
        return (
            date.fromordinal(number >> DAY_SHIFT),
            models_[(number >> SOURCE_SHIFT) & (1 << DAY_SHIFT - SOURCE_SHIFT) - 1],
            number & (1 << SOURCE_SHIFT) - 1,
        )

    def _read_last_purchases(self, client_ids):
        """Return {client id: (number of purchases, the last one as number)}.

        Several on a day are one purchase.
        """
        return {
            client_id: (len({number >> DAY_SHIFT for number in numbers}), numbers[-1])
            for client_id, numbers in self._read_purchases(client_ids).items()
        }

    # ------------------------------------------------------------
    # BROKEN PATTERN
    # ------------------------------------------------------------

    def _find_broken_pattern(self, client_ids):
        """Clients that have waited longer than their own rhythm allows."""
        findings = []
        for client_id, number, rhythm in self._get_rhythms(client_ids):
            if rhythm.state != order_rhythm.BROKEN:
                continue
            last, model, last_id = self._unpack_purchase(number)
            findings.append(
                self._prepare_finding(
                    client_id,
                    rhythm.score,
                    f"{model},{last_id}",
                    {
                        "interval": round(rhythm.interval),
                        "spread": round(rhythm.spread),
                        "bound": rhythm.bound,
                        "months": rhythm.months,
                        "purchases": rhythm.purchases,
                        "last": last.isoformat(),
                    },
                    model,
                    [last_id],
                )
            )
        return findings

    def _get_rhythms(self, client_ids):
        """Yield (client id, the last purchase as number, rhythm) of clients that have
        bought. Days on which the company's clients rest do not count, and who has been
        put off is waited for."""
        purchases = self._read_purchases(client_ids)
        for client_id, rhythm in order_rhythm.find_rhythms(
            (
                (client_id, [number >> DAY_SHIFT for number in numbers])
                for client_id, numbers in purchases.items()
            ),
            self._get_today(self.company_id),
            self._get_rhythm_limits(),
            self._read_quiet_until(client_ids),
            self._get_clock(),
        ):
            yield client_id, purchases[client_id][-1], rhythm

    def _get_clock(self):
        """Return the :class:`order_rhythm.Clock` of the company, which leaves out the
        seasons in which nobody orders; None when there are none."""
        # sudo: whoever may ask for the rhythm need not see the seasons
        seasons = self.env["retention.season"].sudo()._get_pauses(self.company_id)
        if not seasons:
            return None
        today = self._get_today(self.company_id)
        first = today - relativedelta(years=YEARS_BACK)
        last = today + relativedelta(years=YEARS_AHEAD)
        return order_rhythm.Clock(find_avoided(first, last, seasons))

    def _read_quiet_until(self, client_ids):
        """Return {client id: day before which it will not order}: that until which
        somebody has put the client off, when it is still to come.

        A signal that is open stays so meanwhile: its reason is not gone, and a playbook
        that tries to make it go has not won. A snooze that is over does not count: the
        client is back with all its reasons.
        """
        # Raw SQL: two columns of a batch of clients.
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT client.partner_id, client.snoozed_until
                      FROM retention_client client
                     WHERE client.partner_id = ANY(%(clients)s)
                       AND client.company_id = %(company)s
                       AND client.snoozed_until > %(today)s
                       AND NOT EXISTS (
                           SELECT FROM retention_signal signal
                            WHERE signal.partner_id = client.partner_id
                              AND signal.company_id = client.company_id
                              AND signal.kind = %(kind)s AND signal.state = 'open')
                    """,
                    clients=list(client_ids),
                    company=self.company_id.id,
                    today=self._get_today(self.company_id),
                    kind=self.kind,
                )
            )
        )

    def _get_rhythm_limits(self):
        """Return what a rhythm is, as the rule says."""
        limits = order_rhythm.Limits(
            purchases=self.minimum_purchases, factor=self.factor
        )
        # The days of other kinds are no grace.
        return limits._replace(grace=self.days) if self._is_about_rhythm() else limits

    def _is_about_rhythm(self):
        return self.kind == "broken_pattern"

    # ------------------------------------------------------------
    # LAPSED, LOST
    # ------------------------------------------------------------

    def _find_lapsed(self, client_ids):
        """Clients that have bought, but nothing for a long time: longer than the rule
        allows, and longer than their own history explains. With the share of such
        clients who have come back here, beside what was published."""
        today = self._get_today(self.company_id)
        bound = self._get_purchase_bound(today)
        rates = self.env["retention.return.rate"]._get_rates(self.company_id)
        waiting = {
            client_id: values
            for client_id, values in self._read_last_purchases(client_ids).items()
            if values[1] < bound
        }
        # Who buys every other year has not lapsed after one.
        lapsed = {
            client_id
            for client_id, _number, rhythm in self._get_rhythms(list(waiting))
            if lapse.find_lapse(rhythm, max(self.days - 1, 1)).has_lapsed
        }
        findings = []
        for client_id, (count, number) in waiting.items():
            if client_id not in lapsed:
                continue
            last, model, last_id = self._unpack_purchase(number)
            own, published = rates.get(count, (None, None))
            findings.append(
                self._prepare_finding(
                    client_id,
                    (today - last).days,
                    f"{model},{last_id}",
                    {
                        "purchases": count,
                        "last": last.isoformat(),
                        "rate": own,
                        "published": published,
                    },
                    model,
                    [last_id],
                )
            )
        return findings

    def _get_purchase_bound(self, today):
        """Return the number below which a purchase is at least ``days`` days ago."""
        return (today.toordinal() - self.days + 1) << DAY_SHIFT

    def _find_lost(self, client_ids):
        """Clients that are gone: said so by hand, by an opportunity that was lost with
        all future work, by a contract that ended, or by a very long time.

        Each cause ends with the next purchase.
        """
        last = self._read_last_purchases(client_ids)
        findings = {}
        # The later ones go before.
        for cause in (
            self._get_lost_by_time,
            self._get_lost_contracts,
            self._get_lost_opportunities,
            self._get_lost_by_hand,
        ):
            for finding in cause(client_ids, last):
                findings[finding["partner_id"]] = finding
        return list(findings.values())

    def _get_lost_by_time(self, client_ids, last):
        """Return findings of clients that have bought nothing for a very long time.

        :param last: what :meth:`_read_last_purchases` gave
        """
        if not self.days:
            return []
        today = self._get_today(self.company_id)
        bound = self._get_purchase_bound(today)
        findings = []
        for client_id, (count, number) in last.items():
            if number >= bound:
                continue
            day, model, last_id = self._unpack_purchase(number)
            findings.append(
                self._prepare_finding(
                    client_id,
                    (today - day).days,
                    f"{model},{last_id}",
                    {"cause": "lapsed", "date": day.isoformat(), "purchases": count},
                    model,
                    [last_id],
                )
            )
        return findings

    def _get_lost_contracts(self, client_ids, last):
        """Return findings of clients whose contract has ended: a project marked so, the
        end of which is over, with no other project running and no purchase since."""
        today = self._get_today(self.company_id)
        lang = self.company_id.partner_id.lang or "en_US"
        # Raw SQL: the last contract of each client of a batch, unless it has another.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (partner.commercial_partner_id)
                       partner.commercial_partner_id, project.id, project.date,
                       COALESCE(project.name ->> %(lang)s, project.name ->> 'en_US')
                  FROM project_project project
                  JOIN res_partner partner ON partner.id = project.partner_id
                 WHERE partner.commercial_partner_id = ANY(%(clients)s)
                   AND project.is_contract AND project.is_template IS NOT TRUE
                   AND project.date < %(today)s AND %(own)s
                   AND NOT EXISTS (
                       SELECT FROM project_project other
                         JOIN res_partner contact ON contact.id = other.partner_id
                        WHERE contact.commercial_partner_id
                              = partner.commercial_partner_id
                          AND other.active AND other.is_template IS NOT TRUE
                          AND other.id <> project.id
                          AND COALESCE(other.date >= %(today)s, TRUE))
                 ORDER BY partner.commercial_partner_id, project.date DESC,
                          project.id DESC
                """,
                lang=lang,
                clients=client_ids,
                today=today,
                own=self._get_company_sql(
                    SQL("project.company_id"), SQL("partner.company_id")
                ),
            )
        )
        return [
            self._prepare_finding(
                client_id,
                (today - end).days,
                f"project.project,{project_id}",
                {"cause": "contract", "date": end.isoformat(), "name": name},
                "project.project",
                [project_id],
            )
            for client_id, project_id, end, name in rows
            if not self._has_bought_since(last, client_id, end)
        ]

    def _get_lost_opportunities(self, client_ids, last):
        """Return findings of clients with whom an opportunity was lost for good."""
        today = self._get_today(self.company_id)
        # Raw SQL: the last one of each client of a batch.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (partner.commercial_partner_id)
                       partner.commercial_partner_id, lead.id, lead.name,
                       COALESCE(lead.date_closed, lead.write_date)::date AS day,
                       lead.client_lost_reason_id
                  FROM crm_lead lead
                  JOIN res_partner partner ON partner.id = lead.partner_id
                 WHERE partner.commercial_partner_id = ANY(%(clients)s)
                   AND lead.client_lost AND NOT lead.active AND %(own)s
                 ORDER BY partner.commercial_partner_id, day DESC, lead.id DESC
                """,
                clients=client_ids,
                own=self._get_company_sql(
                    SQL("lead.company_id"), SQL("partner.company_id")
                ),
            )
        )
        return [
            self._prepare_finding(
                client_id,
                (today - day).days,
                f"crm.lead,{lead_id}",
                {"cause": "opportunity", "date": day.isoformat(), "name": name},
                "crm.lead",
                [lead_id],
                reason_id=reason_id,
            )
            for client_id, lead_id, name, day, reason_id in rows
            if not self._has_bought_since(last, client_id, day)
        ]

    def _get_lost_by_hand(self, client_ids, last):
        """Return findings of clients that somebody has marked as lost: the signal
        itself is the record of it."""
        # Raw SQL: the open ones of a batch of clients.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, severity, facts, reason_key, reason_id
                  FROM retention_signal
                 WHERE partner_id = ANY(%s) AND company_id = %s AND kind = 'lost'
                   AND state = 'open' AND facts ->> 'cause' = 'manual'
                """,
                client_ids,
                self.company_id.id,
            )
        )
        return [
            self._prepare_finding(
                client_id, 0, key, facts, severity=severity, reason_id=reason_id
            )
            for client_id, severity, facts, key, reason_id in rows
            if not self._has_bought_since(
                last, client_id, date.fromisoformat(facts["date"])
            )
        ]

    def _has_bought_since(self, last, client_id, day):
        """Return whether the last purchase of a client came after a day."""
        return client_id in last and last[client_id][1] >> DAY_SHIFT > day.toordinal()

    # ------------------------------------------------------------
    # SAYING SO
    # ------------------------------------------------------------

    def _describe_rhythm(self, client):
        """Return in a sentence what the rhythm of a client is, or why none can be told.

        :param client: ``res.partner``, a client that the rule serves
        """
        self.ensure_one()
        for model in (
            *("sale.order", "account.move", "res.partner"),
            *("retention.client", "retention.signal"),
        ):
            self.env[model].flush_model()
        found = list(self._get_rhythms(client.ids))
        if not found:
            return self.env._("No purchase yet, so there is no rhythm to tell.")
        rhythm = found[0][2]
        if rhythm.state == order_rhythm.TOO_FEW:
            return self.env._(
                "No rhythm can be told yet: %(count)s purchases so far, %(needed)s are "
                "needed.",
                count=rhythm.purchases,
                needed=self.minimum_purchases,
            )
        text = {
            order_rhythm.REGULAR: self.env._(
                "Orders every %(interval)s days, regularly; the last order was "
                "%(days)s days ago.",
                interval=round(rhythm.interval),
                days=rhythm.since_last,
            ),
            order_rhythm.IRREGULAR: self.env._(
                "Orders every %(interval)s days or so, irregularly; the last order was "
                "%(days)s days ago. Noticed when %(bound)s days have passed.",
                interval=round(rhythm.interval),
                days=rhythm.since_last,
                bound=rhythm.bound,
            ),
            order_rhythm.BROKEN: self.env._(
                "Ordered every %(interval)s days, but the last order was %(days)s days "
                "ago: the rhythm is broken.",
                interval=round(rhythm.interval),
                days=rhythm.since_last,
            ),
        }
        return text[rhythm.state]
