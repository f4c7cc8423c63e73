"""One case while it runs on one rank."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.harness.case import Case
from assay.harness.device.protocol import Clock
from assay.harness.errors import NotApplicableError
from assay.harness.session import Session
from assay.harness.tally import Tally
from assay.harness.work import Work


@dataclass
class Running:
    """One case while it runs on one rank; rank 0 alone holds everybody's samples."""

    session: Session
    case: Case
    work: Work
    tally: Tally
    sets: Sequence[Work]  # with rotating buffers, those that ``work`` uses in turn; else ``work`` alone
    steps: int = 0  # counts every step of the case, so that each has fresh data
    warmups: list[list[float]] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    why: str = ""
    window: tuple[float, float] | None = None  # of the timed part, time.monotonic

    @functools.cached_property
    def clock(self) -> Clock:
        """What times the steps: the device in its own way, or as the case asks; NotApplicableError where it has no other way."""
        device, timing = self.session.context.device, {name: value for name, value in self.case.timer.items() if name != "buffers"}
        if not timing:
            return device
        if not hasattr(device, "timed_by"):
            message = f"timer: a device of kind {device.kind} is timed in one way only"
            raise NotApplicableError(message)
        clock: Clock = device.timed_by(timing)
        return clock
