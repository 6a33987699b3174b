from odoo.tests import tagged

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestMoneySignals(RetentionCommon):
    """Bills that are not paid, and revenue that shrinks."""

    def test_late_payer(self):
        self._set_rule("late_payer", days=14, severe_from=60)
        self._create_invoice(40, 500.0, due=13)
        self.assertFalse(self._find("late_payer"))
        late = self._create_invoice(40, 250.0, due=14)
        signal = self._find("late_payer")
        self.assertEqual(signal.facts["amount"], 750.0)
        self.assertEqual(signal.facts["count"], 2)
        self.assertIn("750.00", signal.explanation)
        self.assertIn("on 2 invoices, for up to 14 days", signal.explanation)
        self.assertEqual(signal.severity, "2")
        self.assertEqual((signal.res_model, signal.res_id), ("account.move", late.id))

    def test_paid(self):
        invoice = self._create_invoice(90, due=60)
        signal = self._find("late_payer")
        self.assertEqual(signal.severity, "3")
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_credit_is_deducted(self):
        self._create_invoice(90, 500.0, due=60)
        self._create_invoice(5, -500.0)
        self.assertFalse(self._find("late_payer"))

    def test_minimum_amount(self):
        self._set_rule("late_payer", minimum_amount=1000.0)
        self._create_invoice(90, 999.0, due=60)
        self.assertFalse(self._find("late_payer"))
        self._create_invoice(90, 1.0, due=60)
        self.assertTrue(self._find("late_payer"))

    def test_shrinking(self):
        self._set_rule("shrinking", percent=30)
        self._create_invoice(500, 1000.0)
        self._create_invoice(100, 701.0)
        self.assertFalse(self._find("shrinking"))
        self._create_invoice(90, -1.0)
        signal = self._find("shrinking")
        self.assertIn("Revenue fell by 30 % within a year", signal.explanation)
        self.assertEqual((signal.facts["before"], signal.facts["after"]), (1000, 700))
        self._create_invoice(1, 100.0)
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_shrinking_minimum(self):
        self._set_rule("shrinking", minimum_amount=2000.0)
        self._create_invoice(500, 1999.0)
        self._create_invoice(100, 100.0)
        self.assertFalse(self._find("shrinking"))

    def test_shrinking_orders(self):
        self._set_rule("shrinking", source="order")
        self._create_order(500, price=1000.0)
        self._create_order(100, price=100.0)
        signal = self._find("shrinking")
        self.assertEqual(signal.facts["percent"], 90)
        self.assertEqual(signal.res_model, "sale.order")

    def test_lapsed_supersedes_shrinking(self):
        self._create_invoice(500, 1000.0)
        self._refresh()
        self.assertTrue(self._get("lapsed"))
        self.assertFalse(self._get("shrinking"))
