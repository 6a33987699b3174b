from odoo.tests import tagged

from .common import TieringCommon


@tagged("post_install", "-at_install")
class TestPricelist(TieringCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("product.group_product_pricelist")
        cls.gold, cls.silver, cls.special = cls.env["product.pricelist"].create(
            [
                {"name": name, "company_id": cls.company.id}
                for name in ("Gold", "Silver", "Special")
            ]
        )
        cls.tier_a.pricelist_id = cls.gold
        cls.tier_b.pricelist_id = cls.silver
        cls.big = cls._create_client("Big", 9000)
        cls.small = cls._create_client("Small", 1000)
        cls.contact = cls.env["res.partner"].create(
            {"name": "Ann", "parent_id": cls.big.id}
        )

    def _get_own(self, partner):
        return partner.with_company(self.company).specific_property_product_pricelist

    def test_apply_and_undo(self):
        review = self._create_review()
        review.action_apply()
        self.assertEqual(self._get_own(self.big), self.gold)
        self.assertEqual(self._get_own(self.contact), self.gold)
        self.assertEqual(self._get_own(self.small), self.silver)
        self.assertEqual(
            self.big.with_company(self.company).property_product_pricelist, self.gold
        )
        review.action_undo()
        self.assertFalse(self._get_own(self.big))
        self.assertFalse(self._get_own(self.contact))
        self.assertFalse(self._get_own(self.small))

    def test_one_set_by_hand_stays(self):
        self.big.with_company(
            self.company
        ).specific_property_product_pricelist = self.special
        review = self._create_review()
        review.action_apply()
        self.assertEqual(self._get_own(self.big), self.special)
        review.action_undo()
        self.assertEqual(self._get_own(self.big), self.special)

    def test_one_changed_by_hand_later_stays(self):
        review = self._create_review()
        review.action_apply()
        self.big.with_company(
            self.company
        ).specific_property_product_pricelist = self.special
        self._create_invoice(self.small, 90_000)
        self._create_review().action_apply()
        self.assertEqual(self._get_tiers(self.small, self.big), ["A", "B"])
        self.assertEqual(self._get_own(self.big), self.special)
        self.assertEqual(self._get_own(self.small), self.gold)

    def test_it_follows_the_tier(self):
        self._create_review().action_apply()
        self._create_invoice(self.small, 90_000)
        review = self._create_review()
        review.action_apply()
        self.assertEqual(self._get_own(self.big), self.silver)
        self.assertEqual(self._get_own(self.contact), self.silver)
        self.assertEqual(self._get_own(self.small), self.gold)
        review.action_undo()
        self.assertEqual(self._get_own(self.big), self.gold)
        self.assertEqual(self._get_own(self.contact), self.gold)
        self.assertEqual(self._get_own(self.small), self.silver)

    def test_clients_whose_tier_stays_get_a_pricelist_that_is_new(self):
        self.tier_a.pricelist_id = False
        self._create_review().action_apply()
        self.assertFalse(self._get_own(self.big))
        self.tier_a.pricelist_id = self.gold
        review = self._create_review()
        review.action_apply()
        self.assertEqual(self._get_own(self.big), self.gold)
        review.action_undo()
        self.assertFalse(self._get_own(self.big))

    def test_a_tier_without_pricelist_takes_ours_away(self):
        self._create_review().action_apply()
        self._assign(self.big, self.tier_c)
        self.assertFalse(self._get_own(self.big))
        self.assertFalse(self._get_own(self.contact))

    def test_by_hand(self):
        given = self._assign(self.small, self.tier_a)
        self.assertEqual(self._get_own(self.small), self.gold)
        self.assertEqual(given.pricelist_id, self.gold)
        self._assign(self.small, self.env["client.tier"])
        self.assertFalse(self._get_own(self.small))

    def test_other_companies_keep_theirs(self):
        main = self.env.ref("base.main_company")
        self.env.user.company_ids += main
        there = self.env["product.pricelist"].create(
            {"name": "There", "company_id": main.id}
        )
        self.big.with_company(main).specific_property_product_pricelist = there
        review = self._create_review()
        review.action_apply()
        self.assertEqual(
            self.big.with_company(main).specific_property_product_pricelist, there
        )
        self.assertEqual(self._get_own(self.big), self.gold)
        review.action_undo()
        self.assertEqual(
            self.big.with_company(main).specific_property_product_pricelist, there
        )
        self.assertFalse(self._get_own(self.big))
