"""One case: what is to be measured, fully resolved. Its key is for ever."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*")
RESERVED_WORDS = {"true", "false", "null", "nan", "inf"}
# One encoder for all values: json.dumps would make one for each.
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


@dataclass(frozen=True)
class Budget:
    """How long one case may be measured.

    Attributes:
        seconds: time slice of the timed part.
        min_reps: repetitions that are made even if the slice is over.
        max_reps: repetitions after which the case ends even if the slice is not over.
        precision: stop early once the half-width of the median's 95 % interval is under this share of the median.
        warmup_seconds: longest warm-up; it ends before by convergence.
        timeout: seconds after which the case counts as hung.
        retries: how often a case that broke (not one that was wrong) is tried again.

    """

    seconds: float = 1.0
    min_reps: int = 10
    max_reps: int = 100_000
    precision: float = 0.01
    warmup_seconds: float = 0.5
    timeout: float = 120.0
    retries: int = 0


@dataclass(frozen=True)
class Case:
    """What is to be measured.

    Attributes:
        suite: name of the suite.
        target: dotted name of its function, ``package.module:function``.
        params: every resolved parameter of that function.
        version: method version; a change of method bumps it and starts a new series.
        nranks: ranks of the control world.
        layout: nodes x ranks per node, such as ``1x2``.
        align: ``barrier`` before each repetition, or ``block``: back to back after one barrier a block.
        device: kind of device, such as ``cpu``.
        inject: a planted fault, empty in real runs; it is part of the key, so planted numbers join no real series.
        budget: how long it may take; not part of the key.
        timer: how steps are timed where that is not the device's own way (method, mode, ...); part of the key unless it is empty.

    """

    suite: str
    target: str
    params: Mapping[str, Any]
    version: int = 1
    nranks: int = 1
    layout: str = "1x1"
    align: str = "barrier"
    device: str = "cpu"
    inject: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    timer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Say everything that makes this case comparable with itself, in one line.

        ``suite/version/device/align/name=value,.../nodes x ranks``; names sorted, values as JSON with the quotes left out where that is
        unambiguous. Equal cases have equal keys and different cases different ones, on every machine.
        """
        beside = {"inject": dict(self.inject), "timer": dict(self.timer)}
        shown = dict(self.params) | {name: value for name, value in beside.items() if value}
        pairs = ",".join(f"{name}={spell(shown[name])}" for name in sorted(shown))
        return f"{self.suite}/{self.version}/{self.device}/{self.align}/{pairs}/{self.layout}"

    def as_dict(self) -> dict[str, Any]:
        """Give the case as plain JSON types, its key included."""
        return {"key": self.key, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Case:
        """Read what ``as_dict`` wrote; unknown, missing and misshapen fields raise TypeError."""
        fields = {name: value for name, value in data.items() if name not in {"key", "budget"}}
        if not all(isinstance(fields.get(name, {}), Mapping) for name in ("params", "inject", "timer")):
            message = "params, inject and timer of a case are mappings"
            raise TypeError(message)
        return cls(budget=Budget(**data.get("budget", {})), **fields)


def spell(value: object) -> str:
    """Write one parameter value canonically: bare if it is a plain word, else compact JSON with sorted keys."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in RESERVED_WORDS:
        return value
    return CANONICAL(value)
