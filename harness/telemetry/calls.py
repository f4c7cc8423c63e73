"""Calls with a deadline: a vendor's library that hangs must not hang the case."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from assay.harness.telemetry.protocol import AbsentError, Reading

Reply = tuple[Any, BaseException | None]


class Calls:
    """One thread that makes every call; after one that did not return in time nothing is called any more."""

    def __init__(self, seconds: float) -> None:
        """Start the thread; ``seconds`` is the deadline of one call."""
        self.seconds, self.hung = seconds, ""
        self._asked: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True, name="telemetry calls").start()

    def _work(self) -> None:
        while (function := self._asked.get()) is not None:
            try:
                self._answers.put((function(), None))
            except BaseException as error:  # noqa: BLE001 - a vendor's binding may raise anything; whoever asked gets it
                self._answers.put((None, error))

    def make(self, name: str, function: Callable[[], Any], *, seconds: float | None = None) -> Any:
        """Call ``function``; what it raises is raised here, and AbsentError ``timed out`` if it does not return in time."""
        if self.hung:
            raise AbsentError(status="timed out", detail=f"not asked, since {self.hung}")
        self._asked.put(function)
        patience = self.seconds if seconds is None else seconds
        try:
            value, error = self._answers.get(timeout=patience)
        except queue.Empty:
            self.hung = f"{name} did not return within {patience:g} s"
            raise AbsentError(status="timed out", detail=self.hung) from None
        if error is not None:
            raise error
        return value

    def read(self, name: str, function: Callable[[], Any]) -> Reading:
        """Make one reading; whatever happens is its status."""
        try:
            return Reading("ok", self.make(name, function))
        except AbsentError as absent:
            return Reading(absent.status, detail=absent.detail)
        except Exception as error:  # noqa: BLE001 - an adapter from outside may raise anything
            return Reading("failed", detail=f"{type(error).__name__}: {error}")

    def end(self) -> None:
        """Let the thread end, unless it hangs."""
        self._asked.put(None)
