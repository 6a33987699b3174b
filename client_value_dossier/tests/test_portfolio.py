import io

import openpyxl

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestPortfolio(ClientValueCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.entries = cls._create_entries(6)
        cls.foreign_entry = cls._create_entry(
            partner_id=cls.other_client.id,
            user_id=cls.other.id,
            name="=1+1",
            amount=33,
            date="2026-02-01",
        )
        cls.dismissed = cls._create_entry(name="not counted", state="dismissed")

    def _portfolio(self, records=None, user=None, **values):
        context = {}
        if records is not None:
            context = {"active_model": records._name, "active_ids": records.ids}
        return (
            self.env["client.value.portfolio"]
            .with_user(user or self.manager)
            .with_context(**context)
            .create(values)
        )

    def _read(self, portfolio):
        buffer = io.BytesIO()
        portfolio._write_workbook(buffer)
        clients, entries, *_others = openpyxl.load_workbook(buffer).worksheets
        return (
            list(clients.iter_rows(values_only=True)),
            list(entries.iter_rows(values_only=True)),
        )

    def _names(self, portfolio):
        head, *rows = self._read(portfolio)[1]
        return {row[head.index("What")] for row in rows[:-1]}

    def test_selected_entries(self):
        chosen = self.entries[:2] + self.dismissed
        portfolio = self._portfolio(chosen)
        self.assertEqual(portfolio.entry_count, 2)
        self.assertEqual(self._names(portfolio), {"Favour 0", "Favour 1"})

    def test_selected_clients_and_their_contacts(self):
        self.assertEqual(self._portfolio(self.contact).entry_count, 6)
        self.assertEqual(self._names(self._portfolio(self.other_client)), {"=1+1"})

    def test_more_than_the_web_client_sends(self):
        self.env["ir.config_parameter"].set_param("web.active_ids_limit", "2")
        portfolio = (
            self.env["client.value.portfolio"]
            .with_context(
                active_model="client.value.entry",
                active_ids=self.entries[:2].ids,
                active_domain=[("partner_id", "=", self.client.id)],
            )
            .create({})
        )
        self.assertEqual(portfolio.entry_count, 6)

    def test_period(self):
        portfolio = self._portfolio(self.entries + self.foreign_entry)
        portfolio.date_from = "2026-01-01"
        self.assertEqual(self._names(portfolio), {"=1+1"})
        portfolio.date_to = "2026-01-15"
        self.assertEqual(portfolio.entry_count, 0)
        with self.assertRaisesRegex(UserError, "no confirmed entries"):
            portfolio.action_download()

    def test_record_rules_apply(self):
        portfolio = self._portfolio(self.entries + self.foreign_entry, user=self.own)
        self.assertEqual(portfolio.entry_count, 6)
        self.assertNotIn("=1+1", self._names(portfolio))

    def test_figures(self):
        clients, entries = self._read(
            self._portfolio(self.entries + self.foreign_entry)
        )
        head, *rows = clients
        by_client = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
        self.assertEqual(by_client["Acme Research"]["Entries"], 6)
        self.assertEqual(
            by_client["Acme Research"]["Worth (Company Currency)"],
            sum(self.entries.mapped("amount")),
        )
        self.assertEqual(by_client["Beta Foods"]["Account Manager"], self.other.name)
        head, *rows = entries
        worths = [row[head.index("Worth (Company Currency)")] for row in rows[:-1]]
        self.assertAlmostEqual(sum(worths), sum(self.entries.mapped("amount")) + 33)
        self.assertEqual(str(rows[0][0])[:10], "2024-01-01")
        self.assertIn("=1+1", {row[head.index("What")] for row in rows})

    def test_no_column_is_internal(self):
        for rows in self._read(self._portfolio(self.entries, self.all_docs)):
            for label in rows[0]:
                self.assertNotRegex(label, "(?i)cost|internal")

    def test_queries_do_not_grow_with_entries(self):
        def count():
            portfolio = self._portfolio(self.client)
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            portfolio._write_workbook(io.BytesIO())
            return self.env.cr.sql_log_count - before

        count()
        few = count()
        self._create_entries(500)
        self.assertEqual(count(), few)
