"""What a person sees: steps with their duration, and problems with their remedy."""

import errno
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_lock = threading.Lock()


class Problem(Exception):
    """Something the caller can mend: the message says what is wrong and what to do."""


def say(message: str = "") -> None:
    """Print one line, whole, whatever other threads print."""
    with _lock:
        print(message, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step that takes a while, then say how long it took."""
    say(f"-> {title} ...")
    start = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"   {title}: not finished after {time.monotonic() - start:.1f} s")
        raise
    say(f"   {title}: {time.monotonic() - start:.1f} s")


def explain(error: OSError) -> str | None:
    """Return plain words for the errors of the machine that a person can mend."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "No space left on the disk. About 4 GB are needed in the folder .odoo of "
            "this checkout; free some and call again, finished steps are kept."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"No permission to write {error.filename or 'a file'}. Call as the user "
            "who owns the checkout; a folder .odoo made by root is removed by root."
        )
    return None


def guarded(main: Callable[[list[str]], int], arguments: list[str]) -> int:
    """Run a command; turn its errors into a plain message and an exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return main(arguments)
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Call again to go on where it stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        message = explain(error)
        if message is None:
            traceback.print_exc()
            message = "This is an unforeseen error of setup/; please report it."
        print(f"\n{message}", file=sys.stderr)
        return 1
