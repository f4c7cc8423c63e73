"""What happened in one case, raw and complete, and its one-line form on disk."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from assay.harness.case import Case
from assay.harness.errors import StoreError
from assay.harness.work import CheckedBy, Volume

Status = Literal["measured", "wrong", "error", "crashed", "timeout", "missing", "skipped", "not_applicable"]
STATUSES: tuple[Status, ...] = ("measured", "wrong", "error", "crashed", "timeout", "missing", "skipped", "not_applicable")
# Beyond this many samples in one case only what judging needs is kept (see Samples.kept).
MAX_SAMPLES = 200_000


@dataclass(frozen=True)
class Samples:
    """Seconds of every repetition on every rank.

    Attributes:
        rows: one sequence a rank, equally long; seconds.
        dropped: what was left out, in words; empty when everything is here.

    """

    rows: Sequence[Sequence[float]] = ()
    dropped: str = ""

    @property
    def slowest(self) -> list[float]:
        """Seconds of each repetition on its slowest rank: a collective is as fast as its slowest rank."""
        return [max(column) for column in zip(*self.rows, strict=True)]

    def kept(self, limit: int = MAX_SAMPLES) -> Samples:
        """Keep everything up to ``limit`` samples; beyond it evenly spaced repetitions, each on every rank."""
        total = sum(len(row) for row in self.rows)
        if total <= limit:
            return self
        stride = math.ceil(total / limit)
        rows = tuple(row[::stride] for row in self.rows)
        left = total - sum(map(len, rows))
        return Samples(rows, f"kept every {stride}. of {len(self.rows[0])} repetitions, dropped {left} of {total} samples")

    def as_dict(self) -> dict[str, Any]:
        """Pack: little-endian float64 as base85 (10 bytes a sample, exact, NaN and infinities too), with its SHA-256."""
        raw = b"".join(struct.pack(f"<{len(row)}d", *row) for row in self.rows)
        return {
            "ranks": len(self.rows),
            "reps": len(self.rows[0]) if self.rows else 0,
            "unit": "s",
            "encoding": "f8le+b85",
            "sha256": hashlib.sha256(raw).hexdigest(),
            "dropped": self.dropped,
            "data": base64.b85encode(raw).decode("ascii"),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Samples:
        """Unpack what ``as_dict`` wrote; StoreError if shape, encoding or hash do not fit."""
        if data.get("encoding") != "f8le+b85":
            message = f"samples in an unknown encoding {data.get('encoding')!r}"
            raise StoreError(message)
        try:
            raw = base64.b85decode(data["data"])
        except (ValueError, binascii.Error, KeyError, TypeError, AttributeError) as error:
            message = f"samples cannot be decoded: {error}"
            raise StoreError(message) from error
        ranks, reps = int(data["ranks"]), int(data["reps"])
        # No repetition on a vast number of ranks would fit any header, and never be read to its end.
        if (
            min(ranks, reps) < 0
            or ranks > MAX_SAMPLES
            or len(raw) != 8 * ranks * reps
            or hashlib.sha256(raw).hexdigest() != data.get("sha256")
        ):
            message = f"samples do not fit their own header ({len(raw)} bytes for {ranks} ranks x {reps} repetitions, or another hash)"
            raise StoreError(message)
        flat = struct.unpack(f"<{ranks * reps}d", raw)
        return cls(tuple(flat[r * reps : (r + 1) * reps] for r in range(ranks)), str(data.get("dropped", "")))


@dataclass(frozen=True)
class Fault:
    """Where a case broke: ``rank`` is the rank that is to blame, or None where nobody can be named."""

    rank: int | None = None
    phase: str = ""
    repetition: int | None = None
    detail: str = ""
    stacks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """All checks of one case over all ranks: what was compared, how it came out, where it was worst, and who vouches for it."""

    ok: bool = False
    checks: int = 0
    tested: int = 0
    rank: int | None = None
    reason: str = ""
    where: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    by: CheckedBy = "assay"


@dataclass(frozen=True)
class Measurement:
    """One case, measured or not: the only thing the measuring half hands over.

    Attributes:
        case: what was to be measured.
        status: ``measured`` (answer right), ``wrong`` (answer wrong: no figure is derived), ``error``, ``crashed``, ``timeout``,
            ``missing``, ``skipped`` (left out on purpose), ``not_applicable``.
        reason: one sentence for whoever must act; empty when measured.
        scope: ``device`` (a figure for each rank) or ``world`` (one for all).
        volume: what one step moved on one rank.
        checked: the checks of the answer.
        samples: seconds, ranks x repetitions.
        warmups: seconds of the repetitions before, kept apart.
        timer: clock and its resolution and overhead in seconds.
        notes: how it was really done (kernel, placement), and why timing stopped.
        flags: marks on the quality of the numbers, such as ``warm-up did not converge``.
        fault: where it broke, for ``error``, ``crashed`` and ``timeout``.
        seconds: wall time the whole case took.
        attempt: 0 for the first; a case that broke may be tried again.
        telemetry: one mapping a rank: what its device told before, during and after (docs/results-format.md); empty in older runs.

    """

    case: Case
    status: Status
    reason: str = ""
    scope: str = "device"
    volume: Volume = field(default_factory=Volume)
    checked: Checked = field(default_factory=Checked)
    samples: Samples = field(default_factory=Samples)
    warmups: Samples = field(default_factory=Samples)
    timer: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    flags: Sequence[str] = ()
    fault: Fault | None = None
    seconds: float = 0.0
    telemetry: Sequence[Mapping[str, Any]] = ()
    attempt: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give the measurement as plain JSON types (samples packed)."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return plain | {
            "case": self.case.as_dict(),
            "volume": asdict(self.volume),
            "checked": asdict(self.checked),
            "samples": self.samples.as_dict(),
            "warmups": self.warmups.as_dict(),
            "timer": dict(self.timer),
            "notes": dict(self.notes),
            "flags": list(self.flags),
            "fault": None if self.fault is None else asdict(self.fault),
            "telemetry": [dict(row) for row in self.telemetry],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Measurement:
        """Read what ``as_dict`` wrote; StoreError for anything that is not a measurement."""
        try:
            plain = {f.name: data[f.name] for f in fields(cls) if f.name in data}
            if plain["status"] not in STATUSES:
                message = f"unknown status {plain['status']!r}"
                raise StoreError(message)
            plain["case"] = Case.from_dict(data["case"])
            plain["volume"] = Volume(**data["volume"])
            plain["checked"] = Checked(**data["checked"])
            plain["samples"] = Samples.from_dict(data["samples"])
            plain["warmups"] = Samples.from_dict(data["warmups"])
            plain["fault"] = None if data.get("fault") is None else Fault(**data["fault"])
            plain["telemetry"] = [dict(row) for row in data.get("telemetry", ())]
            found = cls(**plain)
            found.refuse_misshapen()
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            message = f"not a measurement: {type(error).__name__}: {error}"
            raise StoreError(message) from error
        return found

    def refuse_misshapen(self) -> None:
        """Raise TypeError where a part is of another type than it was written with: whoever reads on relies on it."""
        checked, fault = self.checked, self.fault or Fault()
        mappings = (self.notes, self.timer, checked.scores, checked.limits, fault.stacks)
        texts = (
            self.reason,
            self.scope,
            checked.reason,
            checked.where,
            checked.by,
            fault.phase,
            fault.detail,
            self.volume.resource,
            *self.flags,
        )
        counts = (checked.checks, checked.tested, self.attempt)
        if not all(isinstance(part, Mapping) for part in mappings) or not all(isinstance(part, str) for part in texts):
            message = "a part of it is of another type"
            raise TypeError(message)
        if not all(isinstance(part, int) for part in counts) or isinstance(self.flags, str):
            message = "a part of it is no count"
            raise TypeError(message)
