"""What another tool's file says, in our words: cases with times, what they moved, and who vouched for the answer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.harness.case import Case
from assay.harness.errors import RefusalError
from assay.harness.measurement import Checked, Measurement, Samples, Status
from assay.harness.work import CheckedBy, Scope, Volume

AGGREGATE = "aggregate only: the file keeps no single repetition"


@dataclass(frozen=True)
class Found:
    """One case of a foreign file.

    Attributes:
        suite: name of the benchmark.
        params: what tells it from others of that name, plain values.
        seconds: of each repetition that the file keeps; one, where it keeps only an aggregate.
        aggregate: whether ``seconds`` is an aggregate, such as a mean over iterations that are gone.
        volume: what one step moved.
        ranks: of the world.
        scope: ``world`` for a collective, ``device`` otherwise.
        by: who vouches for the answer: ``test`` where the tool checked it, else ``nobody``.
        wrong: what the tool found wrong, in words; empty where nothing was.
        error: why there is no figure, in words; empty where there is one.
        skipped: why it was not measured, in words, where the tool left it out; empty otherwise.
        notes: how it was measured.

    """

    suite: str
    params: Mapping[str, Any]
    seconds: Sequence[float] = ()
    aggregate: bool = True
    volume: Volume = field(default_factory=Volume)
    ranks: int = 1
    scope: Scope = "device"
    by: CheckedBy = "nobody"
    wrong: str = ""
    error: str = ""
    skipped: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    def measurement(self, tool: str) -> Measurement:
        """Give it as a measurement: wrong answers stay wrong, an error stays one, and an unchecked answer is vouched for by nobody."""
        case = Case(
            self.suite, f"import:{tool}", dict(self.params), nranks=self.ranks, layout=f"1x{self.ranks}", align="block", device="foreign"
        )
        status: Status = "error" if self.error else "skipped" if self.skipped else "wrong" if self.wrong else "measured"
        empty = bool(self.error or self.skipped)
        checked = Checked(
            ok=not self.wrong, checks=int(self.by != "nobody"), tested=int(self.by != "nobody"), reason=self.wrong, by=self.by
        )
        samples = Samples() if empty else Samples((tuple(self.seconds),))
        flags = (AGGREGATE,) if self.aggregate and not empty else ()
        return Measurement(
            case,
            status,
            reason=self.error or self.skipped or self.wrong,
            scope=self.scope,
            volume=self.volume,
            checked=checked,
            samples=samples,
            notes=dict(self.notes) | {"imported": tool},
            flags=flags,
        )


@dataclass(frozen=True)
class Foreign:
    """A whole foreign file: its cases, and what it says of tool, machine and time."""

    tool: str
    cases: Sequence[Found]
    version: str = ""
    host: str = ""
    started: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def refuse(message: str, *, value: object = None, where: str, fix: str = "Give the whole file, as the tool wrote it.") -> RefusalError:
    """Make the refusal of a file; ``where`` names line or field."""
    return RefusalError(message, value=value, where=where, fix=fix)


def whole(text: str) -> list[str]:
    """Give the lines of a text; RefusalError where the last one does not end: a figure cut short is another figure."""
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        message = "the last line does not end, so the file was cut"
        raise refuse(message, value=lines[-1][-60:], where=f"line {len(lines)}")
    return lines


def positive(value: object, *, where: str) -> float:
    """Read a time: finite and over zero; RefusalError names where it stands otherwise."""
    number = number_of(value, where=where)
    if number <= 0:
        message = "a time must be positive"
        raise refuse(message, value=value, where=where)
    return number


def number_of(value: object, *, where: str) -> float:
    """Read a finite number, also one written as text; RefusalError otherwise."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        message = "is no finite number"
        raise refuse(message, value=value, where=where)
    return number


def whole_number(value: object, *, where: str) -> int:
    """Read a whole number, also one written as text; RefusalError otherwise."""
    number = number_of(value, where=where)
    if not number.is_integer():
        message = "is no whole number"
        raise refuse(message, value=value, where=where)
    return int(number)


def load_json(text: str, *, tool: str) -> Any:
    """Parse JSON; RefusalError names line and column where it breaks off."""
    try:
        return json.loads(text)
    except RecursionError as error:
        message = f"is no JSON of {tool}: its lists lie in one another too deeply"
        raise refuse(message, where="the file") from error
    except ValueError as error:
        place = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else "the file"
        message = f"is no JSON of {tool}: {error.msg if isinstance(error, json.JSONDecodeError) else error}"
        raise refuse(message, where=place) from error


def mapping(data: object, *, where: str) -> Mapping[str, Any]:
    """Take a JSON object; RefusalError for anything else."""
    if not isinstance(data, Mapping):
        message = "is no object"
        raise refuse(message, value=data, where=where)
    return data


def listing(data: Mapping[str, Any], name: str, *, where: str) -> Sequence[Any]:
    """Take a JSON list by name; RefusalError where it is missing or none."""
    found = data.get(name)
    if not isinstance(found, list):
        message = f"has no list {name!r}"
        raise refuse(message, where=where)
    return found


def optional_list(data: Mapping[str, Any], name: str, *, where: str) -> Sequence[Any]:
    """Take a JSON list by name, empty where it is missing or null; RefusalError for anything else."""
    return [] if data.get(name) is None else listing(data, name, where=where)
