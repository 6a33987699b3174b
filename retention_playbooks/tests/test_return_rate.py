from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestReturnRate(RetentionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rates = cls.env["retention.return.rate"]
        # 24 clients bought long ago, a quarter of them came back within the year.
        for number in range(24):
            client = cls._create_client(f"Client {number}")
            cls._create_order(1500, partner=client)
            if number % 4 == 0:
                cls._create_order(1400, partner=client)

    def _get_own(self):
        return self.rates.search([("company_id", "=", self.company.id)])

    def test_rates(self):
        self.rates._recompute_rates(self.company)
        first, second = self._get_own()[:2]
        self.assertRecordValues(
            first,
            [
                {
                    "purchases": 1,
                    "client_count": 24,
                    "returned_count": 6,
                    "has_rate": True,
                    "rate": 25.0,
                    "published": 27.0,
                    "days": 100,
                }
            ],
        )
        self.assertFalse(second.has_rate, "six clients are too few to tell")
        self.rates._recompute_rates(self.company)
        self.assertEqual(self._get_own().mapped("purchases")[:2], [1, 2])

    def test_told_with_a_lapsed_client(self):
        self.rates._recompute_rates(self.company)
        self._create_order(400)
        self.assertIn(
            "Bought once, 400 days ago, and not again; 25 % of such clients buy again "
            "within a year (published: 27 %)",
            self._find("lapsed").explanation,
        )

    def test_computed_by_the_scan(self):
        scan = self.env["retention.scan"].create({"company_id": self.company.id})
        scan._scan_batch(1_000_000)
        self.assertEqual(self._get_own()[0].rate, 25.0)

    def test_security(self):
        self.rates._recompute_rates(self.company)
        rates = self._get_own()
        for user in (self.all_docs, self.manager):
            self.assertEqual(rates.with_user(user)[0].purchases, 1)
            with self.assertRaises(AccessError):
                rates.with_user(user).write({"rate": 1})
        for user in (self.own, self.internal, self.member, self.portal):
            with self.assertRaises(AccessError):
                rates.with_user(user).read(["rate"])
