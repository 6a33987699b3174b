"""The health of a client in named parts: examples and properties."""

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.health import (
    AMBER,
    BY_SEVERITY,
    GREEN,
    GREY,
    LEVELS,
    RED,
    compare,
    get_level,
    get_total,
)

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
SOME = st.lists(st.sampled_from(LEVELS), max_size=8)
TOLD = st.dictionaries(
    st.sampled_from("abcd"),
    st.tuples(st.sampled_from(LEVELS), st.integers(0, 2)),
)


@tagged("post_install", "-at_install")
class TestHealthTool(BaseCase):
    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_total(self):
        self.assertEqual(get_total([]), GREY)
        self.assertEqual(get_total([GREY, GREY]), GREY)
        self.assertEqual(get_total([GREY, GREEN]), GREEN)
        self.assertEqual(get_total([GREEN, AMBER, GREY]), AMBER)
        self.assertEqual(get_total([GREEN] * 5 + [RED]), RED)
        with self.assertRaises(ValueError):
            get_total([GREEN, "blue"])

    def test_level(self):
        self.assertEqual(get_level([], False), GREY)
        self.assertEqual(get_level([], True), GREEN)
        self.assertEqual(get_level(["1"], False), AMBER)
        self.assertEqual(get_level(["1", "3"], True), RED)
        with self.assertRaises(KeyError):
            get_level(["4"], True)

    def test_compare(self):
        change = compare(
            {"a": (RED, 1), "b": (GREEN, 1), "c": (AMBER, 1), "d": (RED, 1)},
            {"a": (RED, 1), "b": (GREEN, 2), "c": (GREEN, 1), "e": (GREY, 0)},
        )
        self.assertEqual(change.opened, {"c", "e"})
        self.assertEqual(change.updated, {"b"})
        self.assertEqual(change.closed, {"c", "d"})

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(SOME)
    def test_total_is_the_worst_that_is_known(self, levels):
        total = get_total(levels)
        known = [level for level in levels if level != GREY]
        self.assertEqual(total == RED, RED in levels)
        self.assertEqual(total == GREEN, bool(known) and set(known) == {GREEN})
        self.assertEqual(total == GREY, not known)

    @PROPERTY
    @given(SOME, st.sampled_from(LEVELS))
    def test_another_part_never_betters(self, levels, level):
        worst = min(LEVELS.index(get_total(levels)), LEVELS.index(level))
        self.assertEqual(LEVELS.index(get_total([*levels, level])), worst)

    @PROPERTY
    @given(st.lists(st.sampled_from(sorted(BY_SEVERITY)), max_size=5), st.booleans())
    def test_never_green_without_data(self, severities, is_known):
        level = get_level(severities, is_known)
        self.assertEqual(level == GREEN, is_known and not severities)
        self.assertEqual(level == GREY, not is_known and not severities)

    @PROPERTY
    @given(TOLD, TOLD)
    def test_what_is_written_is_what_is(self, before, after):
        change = compare(before, after)
        written = {part: told for part, told in before.items()}
        for part in change.closed:
            del written[part]
        for part in change.opened:
            self.assertNotIn(part, written)
            written[part] = after[part]
        for part in change.updated:
            self.assertIn(part, written)
            written[part] = after[part]
        self.assertEqual(written, after)
        self.assertEqual(compare(after, after), (set(), set(), set()))
