"""Which touchpoints mailings fulfil: examples and properties, without a database."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.account_tiering.tools.mailing_match import Noted, Owed, Sent, match

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
CLIENTS = st.integers(1, 3)
SENT = st.lists(
    st.builds(Sent, st.integers(1, 5), CLIENTS, DAYS, st.none() | st.integers(1, 4)),
    max_size=12,
)
OWED = st.lists(
    st.builds(
        Owed, st.integers(1, 99), CLIENTS, st.integers(1, 4), DAYS, st.integers(0, 90)
    ),
    max_size=12,
    unique_by=lambda one: one.key,
)
NOTED = st.lists(
    st.builds(Noted, st.integers(100, 199), CLIENTS, DAYS),
    max_size=4,
    unique_by=lambda one: one.key,
)


def day(month, number):
    return date(2026, month, number)


@tagged("post_install", "-at_install")
class TestMailingMatch(BaseCase):
    def test_nearest(self):
        owed = [
            Owed(1, "acme", 1, day(2, 1), 45),
            Owed(2, "acme", 2, day(5, 1), 45),
            Owed(3, "acme", 3, day(8, 1), 45),
        ]
        mail = Sent(7, "acme", day(4, 20))
        self.assertEqual(match([mail], owed), {2: mail})

    def test_own_slot_before_nearer_one(self):
        owed = [
            Owed(1, "acme", 1, day(2, 1), 45),
            Owed(2, "acme", 2, day(5, 1), 45),
        ]
        mail = Sent(7, "acme", day(5, 1), slot=1)
        self.assertEqual(match([mail], owed), {1: mail})

    def test_too_far_away(self):
        owed = [Owed(1, "acme", 1, day(5, 1), 45)]
        self.assertEqual(match([Sent(7, "acme", day(3, 1))], owed), {})
        near = Sent(7, "acme", day(3, 17))
        self.assertEqual(match([near], owed), {1: near})

    def test_another_client(self):
        owed = [Owed(1, "acme", 1, day(5, 1), 45)]
        self.assertEqual(match([Sent(7, "beta", day(5, 1))], owed), {})

    def test_noted_by_hand(self):
        """The mailing is what somebody has noted: it counts for nothing else."""
        owed = [Owed(1, "acme", 2, day(5, 1), 45)]
        noted = [Noted(2, "acme", day(4, 20))]
        mails = [Sent(7, "acme", day(4, 22))]
        self.assertEqual(match(mails, owed, noted, 3), {})
        self.assertEqual(match(mails, owed, noted, 1), {1: mails[0]})

    def test_once_for_each_client(self):
        owed = [
            Owed(1, "acme", 1, day(5, 1), 45),
            Owed(2, "acme", 2, day(5, 15), 45),
        ]
        mails = [Sent(7, "acme", day(5, 1)), Sent(7, "acme", day(5, 14))]
        self.assertEqual(match(mails, owed), {1: mails[0]})

    @PROPERTY
    @given(SENT, OWED, NOTED, st.integers(0, 5))
    def test_properties(self, sent, owed, noted, same_days):
        found = match(sent, owed, noted, same_days)
        by_key = {one.key: one for one in owed}
        for key, mail in found.items():
            one = by_key[key]
            self.assertEqual(one.client, mail.client)
            self.assertTrue(
                one.slot == mail.slot or abs(one.due - mail.day).days <= one.reach
            )
        used = Counter((mail.mailing, mail.client) for mail in found.values())
        self.assertFalse([one for one, count in used.items() if count > 1])

    @PROPERTY
    @given(SENT, OWED, st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, sent, owed, random):
        unique = list({(one.mailing, one.client): one for one in sent}.values())
        shuffled, shuffled_owed = list(unique), list(owed)
        random.shuffle(shuffled)
        random.shuffle(shuffled_owed)
        self.assertEqual(match(shuffled, shuffled_owed), match(unique, owed))

    @PROPERTY
    @given(SENT, OWED)
    def test_nothing_is_left_that_fits(self, sent, owed):
        """Only a mailing that counts for something else leaves one open."""
        found = match(sent, owed)
        used = {(mail.mailing, mail.client) for mail in found.values()}
        for mail in sent:
            if (mail.mailing, mail.client) in used:
                continue
            left = [
                one
                for one in owed
                if one.client == mail.client
                and one.key not in found
                and abs(one.due - mail.day) <= timedelta(days=one.reach)
            ]
            # Of several days of one mailing the first counts.
            days = [
                one.day
                for one in sent
                if (one.mailing, one.client) == (mail.mailing, mail.client)
            ]
            if mail.day == min(days) and days.count(mail.day) == 1:
                self.assertFalse(left)
