"""What the comment of a database says about it."""

import pytest

from lib import databases
from lib.console import Problem


@pytest.fixture
def comment(monkeypatch):
    """Let every database have the comment that the test sets."""
    answer = {}
    monkeypatch.setattr(databases, "psql", lambda sql, **k: answer["text"])
    return answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        (databases._MARK + "half", ""),
        (databases._MARK + "abc def", "abc def"),
    ],
)
def test_key(comment, text, expected):
    comment["text"] = text
    assert databases.key("demo") == expected


@pytest.mark.parametrize("text", ["none", "the books of the company"])
def test_a_database_of_somebody_else_is_left_alone(comment, text):
    comment["text"] = text
    with pytest.raises(Problem, match="was not made here"):
        databases.drop("demo")


def test_a_half_made_template_is_built_again(monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr("lib.process.HOME", tmp_path)
    monkeypatch.setattr(databases, "psql", lambda sql: done.append(sql))
    monkeypatch.setattr(databases, "key", lambda name: "")
    databases.template("t", "key", lambda name: done.append(name))
    assert done[0] == "t"
    assert done[-1].endswith(f"IS '{databases._MARK}key'")


def test_a_finished_template_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr("lib.process.HOME", tmp_path)
    monkeypatch.setattr(databases, "key", lambda name: "key")
    assert databases.template("t", "key", pytest.fail) == "t"
