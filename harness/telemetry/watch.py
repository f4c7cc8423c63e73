"""The rank's side of telemetry: it starts the helper, asks before and after each case, and never waits longer than a deadline."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

from assay.harness.telemetry.foreign import foreign
from assay.harness.telemetry.none import NoWatch
from assay.harness.telemetry.open import chosen
from assay.harness.telemetry.protocol import NoTelemetryError

PERIOD_SECONDS = 0.1  # docs/running.md states what it costs
CALL_SECONDS = 2.0
OPEN_SECONDS = 30.0  # the helper's own start and FIRST_SECONDS


class Watch(Protocol):
    """Telemetry around the cases of one rank.

    Attributes:
        ours: pids of this run's ranks on this host; processes on the device that are not among them are somebody else's.

    """

    ours: frozenset[int]

    def begin(self) -> None:
        """Read before a case and begin to sample."""

    def end(self, window: tuple[float, float] | None) -> Mapping[str, Any]:
        """Give everything read; ``window``: begin and end of the timed part in seconds of ``time.monotonic``, if there was one."""

    def processes(self) -> list[dict[str, Any]]:
        """List the compute processes on the device now; empty where nobody can tell."""

    def close(self) -> None:
        """End the helper."""


def open_watch(name: str, facts: Mapping[str, Any], *, period: float = PERIOD_SECONDS, call_seconds: float = CALL_SECONDS) -> Watch:
    """Open the telemetry ``name`` of the device that ``facts`` describe; without any the watch says why in every case."""
    try:
        chosen(name, facts)  # most often it can be told without a process
        return Helped(name, facts, period=period, call_seconds=call_seconds)
    except NoTelemetryError as none:
        return NoWatch(str(none))


class Helped:
    """A watch through a helper process."""

    def __init__(self, name: str, facts: Mapping[str, Any], *, period: float, call_seconds: float) -> None:
        """Start the helper and open the device; NoTelemetryError if there is no telemetry."""
        argv = [sys.executable, "-m", "assay.harness.telemetry.helper", str(call_seconds), str(period)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ours
        self.pending, self.lost, self.seconds = b"", "", call_seconds
        self.ours: frozenset[int] = frozenset()
        opened = self.ask({"do": "open", "name": name, "facts": plain(facts)}, seconds=OPEN_SECONDS)
        if opened is None or opened.get("source") == "none":
            self.close()
            raise NoTelemetryError(self.lost if opened is None else str(opened.get("reason")))
        self.opened = opened

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one line; a helper that has died takes none."""
        assert self.process.stdin is not None  # noqa: S101 - opened with a pipe
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def ask(self, message: Mapping[str, Any], *, seconds: float) -> dict[str, Any] | None:
        """Ask and wait for the answer; None if none came in time, and then the helper is ended and never asked again."""
        if self.lost:
            return None
        self.send(message)
        deadline = time.monotonic() + seconds
        assert self.process.stdout is not None  # noqa: S101 - opened with a pipe
        while b"\n" not in self.pending:
            if not select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                self.gone(f"the telemetry helper did not answer {message['do']} within {seconds:g} s")
                return None
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            if not chunk:
                self.gone("the telemetry helper ended by itself")
                return None
            self.pending += chunk
        line, self.pending = self.pending.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def gone(self, why: str) -> None:
        """Remember why there is no telemetry any more."""
        self.lost = why
        self.process.kill()

    @property
    def patience(self) -> float:
        """Seconds for one answer: one call may hang, after which the helper calls no other; and a busy machine is slow."""
        return 2 * self.seconds + 3.0

    def begin(self) -> None:
        """Read before a case and begin to sample."""
        self.ask({"do": "begin"}, seconds=self.patience)

    def end(self, window: tuple[float, float] | None) -> Mapping[str, Any]:
        """Give everything read; times become seconds since the timed part began."""
        told = self.ask({"do": "end"}, seconds=self.patience)
        if told is None:
            return self.opened | {"lost": self.lost}
        taken = told["samples"]["seconds"]
        start = window[0] if window else min(taken, default=0.0)
        told["samples"]["seconds"] = [round(at - start, 6) for at in taken]
        listed = {p["pid"]: p for when in ("before", "after") for p in told[when].get("processes", {}).get("value") or ()}
        others = foreign(list(listed.values()), ours=self.ours)
        return self.opened | told | {"window_seconds": None if window is None else window[1] - window[0], "foreign": others, "lost": ""}

    def processes(self) -> list[dict[str, Any]]:
        """List the compute processes on the device."""
        told = self.ask({"do": "processes"}, seconds=self.patience)
        return list(told["value"]) if told and told["status"] == "ok" else []

    def close(self) -> None:
        """End the helper; one that hangs is killed."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self.process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # inside the kernel not even that ends it
                self.process.wait(timeout=1.0)


def plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Give facts as plain JSON."""
    plainly: dict[str, Any] = json.loads(json.dumps(dict(facts), default=str))
    return plainly
