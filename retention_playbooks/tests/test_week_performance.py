import time

from odoo.tests import tagged

from .week_common import WeekCommon


@tagged("post_install", "-at_install")
class TestWeekPerformance(WeekCommon):
    """The number of queries does not depend on the number of clients."""

    #: Seconds that a list of ten thousand clients may take; it takes about one.
    LIMIT = 20

    def _count(self, call):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        call()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def _create_signals(self, count):
        """Return as many clients with two open signals each, written by SQL."""
        self.env.cr.execute(
            """
            WITH client AS (
                INSERT INTO res_partner (name, complete_name, is_company, active, type,
                                         user_id, autopost_bills)
                SELECT 'Client ' || n, 'Client ' || n, TRUE, TRUE, 'contact', %(user)s,
                       'ask'
                  FROM generate_series(1, %(count)s) AS n
                RETURNING id
            ), own AS (SELECT id FROM client)
            SELECT array_agg(id) FROM own
            """,
            {"user": self.own.id, "count": count},
        )
        [ids] = self.env.cr.fetchone()
        self.env.cr.execute(
            "UPDATE res_partner SET commercial_partner_id = id WHERE id = ANY(%s)",
            [ids],
        )
        self.env.cr.execute(
            """
            INSERT INTO retention_signal (partner_id, company_id, kind, severity, state,
                   user_id, channel, date_open, revenue, facts)
            SELECT id, %s, kind, severity, 'open', %s, 'call', %s, id %% 1000,
                   '{"sentence": "Is quiet"}'
              FROM unnest(%s::int[]) AS id
             CROSS JOIN (VALUES ('no_usage', '2'), ('complaint', '3'))
                     AS signal (kind, severity)
            """,
            [self.company.id, self.own.id, self.today, ids],
        )
        self.env.invalidate_all()
        return ids

    def _measure(self, count):
        """Return the queries of a refresh, of the next one, and of reading the list."""
        ids = self._create_signals(count)
        figures = {
            "refresh": self._count(lambda: self.clients._refresh(self.company, ids)),
            "again": self._count(lambda: self.clients._refresh(self.company, ids)),
        }
        clients = self.clients.with_user(self.own).search([("partner_id", "in", ids)])
        self.assertEqual(len(clients), count)
        figures["read"] = self._count(
            lambda: clients.read(
                ["reasons", "reason", "next_step", "urgency_note", "health", "tier_id"]
                + ["contact_phone", "is_snoozed", "partner_id", "snooze_reason"]
            )
        )
        figures["digest"] = self._count(
            lambda: self.clients._send_digests(self.company)
        )
        # The next one begins without a digest, too.
        kind = self.env.ref("retention_playbooks.mail_activity_type_week")
        self.env["mail.activity"].search([("activity_type_id", "=", kind.id)]).unlink()
        self.env.cr.execute(
            "DELETE FROM retention_signal WHERE partner_id = ANY(%s)", [ids]
        )
        self.env.invalidate_all()
        self.clients._refresh(self.company, ids)
        return figures

    def test_constant_queries(self):
        self._measure(20)  # fills caches
        few, many = self._measure(20), self._measure(200)
        for name, count in many.items():
            with self.subTest(name=name):
                self.assertLessEqual(count, few[name], (few, many))

    def test_marked_clients(self):
        """The end of a transaction refreshes all that was marked at once."""
        counts = []
        for number in (10, 10, 200):
            ids = self._create_signals(number)
            self.clients._mark((self.company.id, client_id) for client_id in ids)
            counts.append(self._count(self.env.cr.flush))
        self.assertLessEqual(counts[2], counts[1], counts)

    def test_health_queries(self):
        healths = self.env["retention.health"]
        counts = []
        for number in (10, 10, 200):
            ids = self._create_signals(number)
            found = {"severity": "3", "facts": {"sentence": "Gone"}, "reason_key": "x"}
            findings = {"lost": dict.fromkeys(ids, found)}
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            healths._refresh(self.company, ids, findings)
            counts.append(self.env.cr.sql_log_count - start)
            levels = self.env["res.partner"].browse(ids).mapped("health")
            self.assertEqual(set(levels), {"red"})
        self.assertEqual(counts[2], counts[1], counts)

    def test_ten_thousand_clients(self):
        ids = self._create_signals(10_000)
        start = time.monotonic()
        self.assertEqual(self.clients._refresh(self.company, ids), 10_000)
        clients = self.clients.with_user(self.own)
        page = clients.search([], limit=80)
        page.read(["reasons", "next_step", "urgency_note", "health"])
        clients.search_count([])
        self.assertLess(time.monotonic() - start, self.LIMIT)
