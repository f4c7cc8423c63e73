"""What one rank keeps over all cases of a launch, and how ranks find out together how a phase went."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from assay.harness.beat import Beat, name
from assay.harness.device.failure import is_device_error
from assay.harness.errors import BrokenWorldError, NotApplicableError
from assay.harness.measurement import Fault, Status
from assay.harness.telemetry.none import NoWatch
from assay.harness.telemetry.watch import Watch
from assay.harness.work import Context

T = TypeVar("T")
OK, WRONG, ABSENT, BROKEN = range(4)
# A rank that raised waits this long for ranks that may be stuck in a collective which it will never join.
GRACE_SECONDS = 3.0
LATE_SECONDS = 10.0  # more than the door needs to end a launch after a case's deadline


class CaseOverError(Exception):
    """The case has ended on every rank, with this status."""

    def __init__(self, status: Status, reason: str, fault: Fault | None) -> None:
        """Keep what rank 0 writes down."""
        super().__init__(reason)
        self.status, self.reason, self.fault = status, reason, fault


@dataclass
class Session:
    """One rank in one launch."""

    context: Context
    beat: Beat
    out: Path
    launch: int
    timer: Mapping[str, Any]
    phase: str = "start"
    repetition: int | None = None
    deadline: float = field(default=0.0)
    place: str = ""  # names this rank's device, for whoever has to find it
    attempt: int = 0  # of the case at hand
    spent: bool = False  # a device failed: its process cannot use it any more
    watch: Watch = field(default_factory=lambda: NoWatch("nobody asked for it"))
    marks: tuple[str, ...] = ()  # on every number of this launch

    def together(self, phase: str, action: Callable[[], T], *, traffic: bool = False) -> T:
        """Run ``action`` on every rank and agree how it went; CaseOverError on every rank if it failed on one.

        Args:
            phase: shown in heartbeats and faults.
            action: this rank's part.
            traffic: whether ranks wait for each other in it, so that one that raised leaves the others stuck.

        """
        self.phase = phase
        self.beat.phase(phase)
        value, code, said = None, OK, ("", "", False)
        try:
            value = action()
        except CaseOverError:
            raise  # agreed on already, inside the action
        except NotApplicableError as error:
            code, said = ABSENT, (str(error), "", False)
        except Exception as error:  # noqa: BLE001 - a suite may raise anything; it ends the case, never the run
            failed = is_device_error(error)
            blamed = f"{self.place} failed: " if failed else ""
            code, said = BROKEN, (f"{blamed}{type(error).__name__}: {error}", traceback.format_exc(), failed)
        self.agree(code, said, hurry=traffic and code == BROKEN)
        return value  # type: ignore[return-value]

    def agree(self, code: int, said: tuple[str, str, bool] = ("", "", False), *, hurry: bool = False) -> list[int]:
        """Exchange codes; CaseOverError on every rank if one of them failed.

        If the others cannot come, leave a last word on disk and end the launch.
        """
        # A rank that is well outwaits the deadline: the door decides who is behind, from the stacks that all ranks write then.
        patience = GRACE_SECONDS if hurry else max(GRACE_SECONDS, self.deadline + LATE_SECONDS - time.monotonic())
        try:
            codes = self.context.world.agree(code, seconds=patience)
        except BrokenWorldError:
            if code == BROKEN:
                self.last_word(said)
            self.context.world.abort(2)
            raise
        if max(codes) >= ABSENT:
            raise self.over(codes, said)
        return codes

    def over(self, codes: list[int], said: tuple[str, str, bool]) -> CaseOverError:
        """Make the same ending on every rank: not applicable only if all say so; else an error, and the first rank that had it is named."""
        everyone = self.context.world.allgather((said, self.repetition))
        failed = [r for r, ((_, _, device), _) in enumerate(everyone) if device]
        self.spent = self.spent or bool(failed)
        rank = failed[0] if failed else codes.index(BROKEN if BROKEN in codes else ABSENT)
        (reason, trace, _), repetition = everyone[rank]
        if min(codes) == max(codes) == ABSENT:
            return CaseOverError("not_applicable", reason, None)
        if BROKEN not in codes:  # one sick device among many must not hide the case for all of them
            reason = f"{codes.count(ABSENT)} of {len(codes)} ranks cannot have it, the others can: {reason}"
        stacks = {f"rank {r}": text for r, ((_, text, _), _) in enumerate(everyone) if text}
        fault = Fault(rank, self.phase, repetition, trace, stacks)
        return CaseOverError("error", f"rank {rank} raised in {self.phase}{at(repetition)}: {reason}", fault)

    def last_word(self, said: tuple[str, str, bool]) -> None:
        """Write down what this rank raised, for the door."""
        folder = self.out / "faults"
        folder.mkdir(exist_ok=True)
        word = {"rank": self.context.rank, "phase": self.phase, "repetition": self.repetition, "reason": said[0], "trace": said[1]}
        (folder / f"{name(self.launch, self.context.rank)}.json").write_text(json.dumps(word), encoding="utf-8")


def at(repetition: int | None) -> str:
    """Say at which repetition, if at any."""
    return "" if repetition is None else f" at repetition {repetition}"
