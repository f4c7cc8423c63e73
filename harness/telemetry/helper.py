"""The process beside a rank that makes all telemetry calls: ``python -m assay.harness.telemetry.helper SECONDS PERIOD``.

A process, because a thread would take the interpreter's lock away from the timed loop, and a library that hangs or crashes would take the
rank with it. Commands come as JSON lines on standard input, each is answered by one JSON line; between ``begin`` and ``end`` it samples.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Mapping
from typing import Any

from assay.harness.guard import die_with_parent
from assay.harness.telemetry.calls import Calls
from assay.harness.telemetry.open import open_telemetry
from assay.harness.telemetry.protocol import SAMPLED, AbsentError, NoTelemetryError, Reading, Telemetry

MOST_SAMPLES = 600  # of one case: beyond, every second one is dropped and the period doubles
NICE = 10  # a rank that wants this core goes first
FIRST_SECONDS = 20.0  # opening may load a driver


class Helper:
    """One device's telemetry, asked and sampled."""

    def __init__(self, *, seconds: float, period: float) -> None:
        """Give each call ``seconds``; sample every ``period`` seconds."""
        self.calls, self.period = Calls(seconds), period
        self.telemetry: Telemetry | None = None
        self.before: dict[str, Any] = {}
        self.samples: list[tuple[float, dict[str, Reading]]] = []
        self.sampling, self.step, self.due = False, period, 0.0

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Carry one command out."""
        actions = {"open": self.open, "begin": self.begin, "end": self.end, "processes": self.processes}
        return actions[asked["do"]](asked)

    def open(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Open the device's telemetry, or say why there is none."""
        name, facts = str(asked["name"]), asked["facts"]
        try:
            self.telemetry = self.calls.make("opening", lambda: open_telemetry(name, facts), seconds=max(FIRST_SECONDS, self.calls.seconds))
            assert self.telemetry is not None  # noqa: S101 - opened or raised
            device = self.calls.make("naming the device", self.telemetry.device)
            return {"source": self.telemetry.source, "device": dict(device)}
        except (AbsentError, NoTelemetryError) as none:
            return {"source": "none", "reason": str(none)}
        except Exception as error:  # noqa: BLE001 - whatever a vendor's library or a package raises, the run goes on
            return {"source": "none", "reason": f"{type(error).__name__}: {error}"}

    def read(self, names: tuple[str, ...] | None = None) -> dict[str, Reading]:
        """Read everything, or what is named and there."""
        assert self.telemetry is not None  # noqa: S101 - nobody asks before it is open
        getters = self.telemetry.readings()
        return {name: self.calls.read(name, getter) for name, getter in getters.items() if names is None or name in names}

    def begin(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """Read everything once and begin to sample."""
        self.before = {name: reading.as_dict() for name, reading in self.read().items()}
        self.samples, self.sampling, self.step, self.due = [], not self.calls.hung, self.period, time.monotonic()
        return {"hung": self.calls.hung}

    def end(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """Stop sampling, read everything once more, and hand all over."""
        self.sampling = False
        after = {name: reading.as_dict() for name, reading in self.read().items()}
        return {
            "before": self.before,
            "after": after,
            "samples": columns(self.samples),
            "period_seconds": self.step,
            "hung": self.calls.hung,
        }

    def processes(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """List the processes on the device, now."""
        found = self.read(("processes",)).get("processes", Reading("not supported"))
        return found.as_dict()

    def sample(self) -> None:
        """Take one sample; a call that hangs ends the sampling."""
        readings = self.read(SAMPLED)
        self.samples.append((time.monotonic(), readings))
        self.sampling = not self.calls.hung
        if len(self.samples) >= MOST_SAMPLES:
            self.samples, self.step = self.samples[::2], 2 * self.step
        self.due = max(self.due + self.step, time.monotonic())

    def patience(self) -> float | None:
        """Give the seconds until the next sample; None: until the next command."""
        return max(0.0, self.due - time.monotonic()) if self.sampling else None


def columns(samples: list[tuple[float, dict[str, Reading]]]) -> dict[str, Any]:
    """Turn samples into columns: ``seconds`` (CLOCK_MONOTONIC) and one for each reading, None where it was not to be had; then why."""
    names = sorted({name for _, readings in samples for name in readings})
    nothing = Reading("failed", detail="not read")
    lost: dict[str, dict[str, str]] = {}
    for _, readings in samples:
        for name, reading in readings.items():
            if reading.status != "ok":
                lost.setdefault(name, {"status": reading.status, "detail": reading.detail})
    told = {name: [readings.get(name, nothing).value for _, readings in samples] for name in names}
    return {"seconds": [at for at, _ in samples], **told, "lost": lost}


def main() -> None:
    """Serve until standard input ends."""
    die_with_parent()
    os.nice(NICE)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a library that prints must not speak among the answers
    helper = Helper(seconds=float(sys.argv[1]), period=float(sys.argv[2]))
    pending = b""
    while True:
        ready, _, _ = select.select([0], [], [], helper.patience())
        if not ready:
            helper.sample()
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            os._exit(0)  # a call that hangs must not keep the process
        pending += chunk
        *lines, pending = pending.split(b"\n")
        for line in lines:
            print(json.dumps(helper.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
