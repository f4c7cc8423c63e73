"""Ctrl-C, SIGTERM and SIGHUP as one exception that cannot get lost."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from assay.harness.errors import InterruptedRunError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """A signal handler that raises, and remembers: Python swallows an exception raised inside a finaliser or a fork hook."""

    def __init__(self) -> None:
        """Begin with nobody having asked."""
        self.asked = ""

    def __call__(self, number: int, _frame: object) -> None:
        """Raise InterruptedRunError in whatever runs now."""
        self.asked = signal.Signals(number).name
        raise InterruptedRunError(self.asked)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into one exception, so that every way out ends the ranks."""
    before = {number: signal.signal(number, handler) for number, handler in ((n, Stop()) for n in SIGNALS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def heed() -> None:
    """Raise InterruptedRunError again if somebody asked to stop and the exception was swallowed; loops that wait call it."""
    for number in SIGNALS:
        handler = signal.getsignal(number)
        if isinstance(handler, Stop) and handler.asked:
            raise InterruptedRunError(handler.asked)
