"""What a person reads when something goes wrong."""

import errno

import pytest

from lib import console


def outcome(capsys, error):
    def main(arguments):
        raise error

    status = console.guarded(main, [])
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (console.Problem("Port 8069 is in use."), "Port 8069 is in use."),
        (OSError(errno.ENOSPC, "no space"), "No space left on the disk."),
        (
            PermissionError(errno.EACCES, "denied", "/x/.odoo"),
            "No permission to write /x",
        ),
    ],
)
def test_known_errors_are_plain_messages(capsys, error, words):
    status, text = outcome(capsys, error)
    assert status == 1
    assert words in text
    assert "Traceback" not in text


def test_interruption_is_no_error_of_ours(capsys):
    status, text = outcome(capsys, KeyboardInterrupt())
    assert status == 130
    assert "Call again" in text
    assert "Traceback" not in text


def test_an_unforeseen_error_keeps_its_trace(capsys):
    status, text = outcome(capsys, OSError(errno.EIO, "broken"))
    assert status == 1
    assert "Traceback" in text


def test_step_says_what_and_how_long(capsys):
    with console.step("Thing"):
        pass
    text = capsys.readouterr().out
    assert text.startswith("-> Thing ...\n   Thing: 0.0 s")


def test_step_says_that_it_was_not_finished(capsys):
    with pytest.raises(ValueError), console.step("Thing"):
        raise ValueError
    assert "Thing: not finished" in capsys.readouterr().out
