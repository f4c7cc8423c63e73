"""A request to stop gets through, even where Python swallows the exception that it raised."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from assay.harness.errors import InterruptedRunError
from assay.harness.interrupt import SIGNALS, heed, interruptible


class Finalised:
    """Something whose finaliser runs while the signal arrives: an exception raised in it goes nowhere."""

    def __init__(self, number: int) -> None:
        """Keep which signal it is."""
        self.number = number

    def __del__(self) -> None:
        """Be interrupted."""
        os.kill(os.getpid(), self.number)
        for _ in range(100_000):  # the interpreter delivers it between two of these
            pass


def interrupted(number: int) -> None:
    """Be interrupted here."""
    os.kill(os.getpid(), number)
    signal.pause()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises(number: int) -> None:
    with interruptible(), pytest.raises(InterruptedRunError, match=signal.Signals(number).name):
        interrupted(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_one_that_was_swallowed_is_heeded_later(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    swallowed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: swallowed.append(told.exc_value))
    with interruptible():
        heed()  # nobody asked yet
        victim = Finalised(number)
        del victim
        assert [type(error) for error in swallowed] == [InterruptedRunError]
        with pytest.raises(InterruptedRunError, match=signal.Signals(number).name):
            heed()


def test_handlers_are_put_back_and_outside_nothing_is_heeded() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with interruptible(), pytest.raises(InterruptedRunError):
        interrupted(signal.SIGTERM)
    assert [signal.getsignal(number) for number in SIGNALS] == before
    heed()
