"""One number worth comparing, and its form on disk (one JSON object a line in ``records.jsonl``)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir

# metric -> (unit, which direction is better); error scores of a check are not listed: unit 1 and lower is better, or see SCORES.
METRICS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "time": ("s", "lower"),
        "skew": ("s", "lower"),
        "flop_rate": ("FLOP/s", "higher"),
        "memory_rate": ("B/s", "higher"),
        "algbw": ("B/s", "higher"),
        "busbw": ("B/s", "higher"),
        "wire_nbytes": ("B", "none"),
        "power": ("W", "none"),
        "temperature": ("C", "none"),
        "sm_clock": ("MHz", "none"),
        "energy": ("J", "none"),
        "energy_per_step": ("J", "lower"),
        "energy_per_flop": ("J/FLOP", "lower"),
    },
)
# Error scores whose unit or direction is another than 1 and lower: of formats.
SCORES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bias": ("1", "none"),
        "bias_low": ("1", "none"),
        "bias_high": ("1", "none"),
        "smallest": ("1", "none"),
        "largest": ("1", "none"),
        "octaves": ("1", "none"),
        "wire_nbytes_per_element": ("B", "lower"),
    },
)
SCALES: Mapping[str, tuple[str, str]] = MappingProxyType({**METRICS, **SCORES})
TEXTS = {"run", "key", "suite", "subject", "metric", "unit", "better", "agg", "limit_name", "hw_class", "sw_class"}
DIRECTIONS = {"higher", "lower", "none"}


@dataclass(frozen=True)
class Record:
    """One number worth comparing.

    Attributes:
        run: id of the run.
        key: key of the case.
        suite: name of the suite.
        subject: what the number is about: ``device0``, ``device1``, ... or ``cluster``.
        metric: what was measured, see ``METRICS``; other names are error scores of the check.
        value: the number, finite, in ``unit``.
        unit: as in ``SCALES``, ``1`` for other scores; one unit a metric.
        better: ``higher``, ``lower`` or ``none``.
        agg: how the repetitions of all ranks became one number, innermost step last.
        n: repetitions behind it.
        ci_lo: low end of the 95 % interval of the median within this run, or None.
        ci_hi: its high end.
        min: smallest repetition.
        max: largest repetition.
        p99: what 99 % of the repetitions are no worse than.
        cv: standard deviation over mean within this run.
        limit: what ``value`` could be at most (for a score: at most allowed), or None where nobody knows.
        limit_name: where the limit comes from, such as ``measured memory``.
        share: value / limit.
        flags: marks on the number's quality.
        hw_class: hash of the hardware it was measured on.
        sw_class: hash of the software.
        inject: whether a fault was planted in this case.

    """

    run: str
    key: str
    suite: str
    subject: str
    metric: str
    value: float
    unit: str
    better: str
    agg: str = ""
    n: int = 0
    ci_lo: float | None = None
    ci_hi: float | None = None
    min: float | None = None
    max: float | None = None
    p99: float | None = None
    cv: float | None = None
    limit: float | None = None
    limit_name: str = ""
    share: float | None = None
    flags: tuple[str, ...] = ()
    hw_class: str = ""
    sw_class: str = ""
    inject: bool = False

    @property
    def interval(self) -> tuple[float, float] | None:
        """Give (low, high) of the median's interval, or None."""
        return None if self.ci_lo is None or self.ci_hi is None else (self.ci_lo, self.ci_hi)

    def as_dict(self) -> dict[str, Any]:
        """Give the record as plain JSON types."""
        return asdict(self) | {"flags": list(self.flags)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Record:
        """Read what ``as_dict`` wrote, now or in an older version.

        A missing field gets its default (text: empty), an unknown one is passed over; StoreError for a wrong type, for a number that is
        not finite, and where one of key, metric, value and unit is missing: that is no number of anything.
        """
        if not isinstance(data, Mapping):
            message = f"a record is a JSON object, this is {type(data).__name__}"
            raise StoreError(message)
        absent = [name for name in ("key", "metric", "value", "unit") if name not in data]
        if absent:
            message = f"record without {', '.join(absent)}"
            raise StoreError(message)
        if plainly_whole(data):
            return cls(**{name: data[name] for name in NAMES if name != "flags"}, flags=tuple(data["flags"]))
        known = {f.name: read_field(f.name, data[f.name]) for f in fields(cls) if f.name in data}
        older: dict[str, Any] = {f.name: "" for f in fields(cls) if f.default is MISSING}
        return cls(**(older | {"better": SCALES.get(known["metric"], ("1", "lower"))[1]} | known))


NAMES = tuple(f.name for f in fields(Record))
TEXT_NAMES = tuple(name for name in NAMES if name in TEXTS)
NUMBERS = tuple(name for name in NAMES if name not in {*TEXTS, "inject", "flags", "n"})


def plainly_whole(data: Mapping[str, Any]) -> bool:
    """Tell whether every field is there in the very type that ``as_dict`` writes, so that none needs a closer look (most of all lines)."""
    try:
        numbers = [data[name] for name in NUMBERS]
        return (
            all([type(data[name]) is str for name in TEXT_NAMES])  # noqa: C419 - a list is twice as fast, and this is the hot place
            and all([(type(value) is float and math.isfinite(value)) or value is None for value in numbers])  # noqa: C419 - the same
            and data["value"] is not None
            and data["better"] in DIRECTIONS
            and type(data["n"]) is int
            and data["n"] >= 0
            and type(data["inject"]) is bool
            and type(data["flags"]) is list
            and all(type(flag) is str for flag in data["flags"])
        )
    except KeyError:
        return False


def read_field(name: str, value: object) -> Any:
    """Check one field's type and give its value; StoreError names the field."""
    good: Any = None
    if name in TEXTS:
        good = value if isinstance(value, str) and (name != "better" or value in DIRECTIONS) else None
    elif name == "inject":
        good = value if isinstance(value, bool) else None
    elif name == "flags":
        good = tuple(value) if isinstance(value, (list, tuple)) and all(isinstance(flag, str) for flag in value) else None
    elif name == "n":
        good = value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
    elif value is None and name != "value":
        return None
    else:
        good = finite_float(value)
    if good is None:
        message = f"record field {name} cannot be {value!r}"
        raise StoreError(message)
    return good


def finite_float(value: object) -> float | None:
    """Give a finite number as float, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def read_records(rundir: RunDir, *, metric: str | None = None) -> tuple[list[Record], list[str]]:
    """Read ``records.jsonl``: the records that are readable (of one metric, if it is named), and a sentence for each line that is not.

    A whole line that names another metric is passed over without a closer look. StoreError if the file is not there or cannot be opened.
    """
    path = rundir.path / "records.jsonl"
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise StoreError(message) from error
    found: list[Record] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line or (metric is not None and other_metric(line, metric)):
            continue
        try:
            record = Record.from_dict(json.loads(line))
        except (ValueError, RecursionError, StoreError) as error:
            problems.append(f"records.jsonl line {number}: {error}")
            continue
        if metric is None or record.metric == metric:
            found.append(record)
    return found, problems


METRIC = re.compile(rb'"metric"\s*:\s*"((?:[^"\\]|\\.)*)"')


def other_metric(line: bytes, metric: str) -> bool:
    """Tell whether a line is whole by its ends and names one metric only, which is another; what cannot be told so is to be parsed."""
    named = METRIC.findall(line)
    return (
        len(named) == 1 and named[0] != metric.encode() and b"\\" not in named[0] and line.startswith(b"{") and line.rstrip().endswith(b"}")
    )
