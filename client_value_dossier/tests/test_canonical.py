import json
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, TransactionCase, tagged

from odoo.addons.client_value_dossier.tools.canonical import canonical_json, digest

from .sample_snapshot import make_snapshot

PROPERTY = settings(max_examples=150, deadline=None, database=None, derandomize=True)

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NUMBERS = st.one_of(
    st.integers(-(10**25), 10**25),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5.0, 1e20, 1e23, 1.5e300, 5e-324, 0.1 + 0.2]),
)
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=20,
)


def reverse_keys(data):
    """Return the data with the keys of each dict in the opposite order."""
    if isinstance(data, dict):
        return {key: reverse_keys(data[key]) for key in reversed(data)}
    if isinstance(data, list):
        return [reverse_keys(item) for item in data]
    return data


def same_data(one, other):
    """Return whether the data are equal: numbers by value, True is no number."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_data, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same_data(one[key], other[key]) for key in one
        )
    if is_number(one) and is_number(other):
        return Decimal(repr(one)) == Decimal(repr(other))
    return type(one) is type(other) and one == other


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


@tagged("post_install", "-at_install")
class TestCanonical(BaseCase):
    def test_form(self):
        data = {"b": [1.0, 2.5, None, True], "a": "Ж\n", "": {}}
        self.assertEqual(
            canonical_json(data),
            '{"":{},"a":"Ж\\n","b":[1,2.5,null,true]}'.encode(),
        )

    def test_digest_is_sha256(self):
        self.assertEqual(
            digest({}),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        )

    def test_equal_numbers(self):
        for one, other in [(5, 5.0), (0.0, -0.0), (1e20, 10**20), (1e23, 10**23)]:
            self.assertEqual(canonical_json([one]), canonical_json([other]))

    def test_true_is_not_one(self):
        self.assertNotEqual(canonical_json([True]), canonical_json([1]))

    @PROPERTY
    @given(DATA)
    def test_order_of_keys_does_not_matter(self, data):
        self.assertEqual(canonical_json(data), canonical_json(reverse_keys(data)))

    @PROPERTY
    @given(DATA)
    def test_json_round_trip(self, data):
        self.assertEqual(digest(json.loads(json.dumps(data))), digest(data))
        self.assertEqual(digest(json.loads(canonical_json(data))), digest(data))

    @PROPERTY
    @given(DATA, DATA)
    def test_different_data_give_different_bytes(self, one, other):
        self.assertEqual(
            canonical_json(one) == canonical_json(other), same_data(one, other)
        )

    def test_other_types_are_refused(self):
        for value in (
            {1, 2},
            b"bytes",
            (1, 2),
            date(2026, 1, 1),
            1j,
            object(),
        ):
            with (
                self.subTest(value=value),
                self.assertRaisesRegex(TypeError, r"^\$\.sections\[1\]\.amount: "),
            ):
                canonical_json({"sections": [{}, {"amount": value}]})

    def test_keys_must_be_text(self):
        for key in (1, None, True, 2.5, (1,)):
            with (
                self.subTest(key=key),
                self.assertRaisesRegex(TypeError, r"^\$\.a: the key "),
            ):
                canonical_json({"a": {key: 1}})

    def test_values_that_the_database_cannot_hold_are_refused(self):
        for value in (float("nan"), float("inf"), -float("inf"), "a\0b", "\ud800"):
            with (
                self.subTest(value=value),
                self.assertRaisesRegex(ValueError, r"^\$\.lines\[0\]: "),
            ):
                canonical_json({"lines": [value]})
        with self.assertRaisesRegex(ValueError, r"^\$: "):
            canonical_json({"a\0": 1})

    def test_each_value_of_a_snapshot_counts(self):
        snapshot = make_snapshot(2)
        before = digest(snapshot)
        snapshot["sections"][0]["lines"][0]["amount"] += 0.01
        self.assertNotEqual(digest(snapshot), before)


@tagged("post_install", "-at_install")
class TestCanonicalStored(TransactionCase):
    """What PostgreSQL gives back has the digest of what was stored."""

    def _store(self, data):
        self.env.cr.execute("SELECT %s::jsonb::text", [json.dumps(data)])
        return json.loads(self.env.cr.fetchone()[0])

    @settings(PROPERTY, max_examples=100)
    @given(DATA)
    def test_any_data(self, data):
        self.assertEqual(digest(self._store(data)), digest(data))

    def test_snapshots(self):
        for lang in ("en_US", "ru_RU", "bg_BG"):
            snapshot = make_snapshot(20, lang, tricky=True)
            self.assertEqual(digest(self._store(snapshot)), digest(snapshot))
