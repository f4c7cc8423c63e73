"""What we think of one number, or of one case: a status, a reason to act on, and what was covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from assay.harness.errors import StoreError

VerdictStatus = Literal["pass", "warn", "fail", "no-verdict", "skip", "error"]
STATUSES: tuple[VerdictStatus, ...] = ("fail", "error", "no-verdict", "warn", "skip", "pass")  # worst first


@dataclass(frozen=True)
class Verdict:
    """One judgement by one rule.

    Attributes:
        rule: name of the rule in the configuration.
        key: key of the case; empty for a judgement on the whole run.
        subject: what it is about: ``device0``, ``cluster``, or empty.
        metric: what was judged: a metric, ``answer`` or ``coverage``.
        value: the figure, or None.
        expected: what the rule wanted, in the figure's unit (``answer``: None).
        unit: unit of both.
        interval: the figure's 95 % interval within this run, or None.
        status: ``pass``, ``warn`` (it passed, but not at the first attempt), ``fail``, ``no-verdict`` (nothing could be decided),
            ``skip`` (nothing had to be), ``error`` (it did not run).
        reason: one sentence that a technician can act on.
        coverage: what the judgement rests on, such as ``22 of 24 figures``.
        rule_version: hash of the rule's contents: another threshold is another rule.
        baseline: what ``expected`` was taken from: a limit, the peers, the devices that agree; empty where the rule says it itself.
        effect: value / expected - 1, or None.
        effect_interval: its 95 % interval within this run, or None.
        n: repetitions behind the figure; all are of this one run.
        noise: standard deviation over mean of these repetitions, or None.

    """

    rule: str
    key: str
    subject: str
    metric: str
    value: float | None
    expected: float | None
    unit: str
    interval: tuple[float, float] | None
    status: VerdictStatus
    reason: str
    coverage: str
    rule_version: str
    baseline: tuple[str, ...] = ()
    effect: float | None = None
    effect_interval: tuple[float, float] | None = None
    n: int = 0
    noise: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the verdict as plain JSON types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """Read what ``as_dict`` wrote; missing fields are empty, unknown ones passed over, StoreError where it is no verdict."""
        if not isinstance(data, Mapping) or data.get("status") not in STATUSES:
            message = "not a verdict"
            raise StoreError(message)
        return cls(**{name: read(name, data.get(name)) for name in TEXTS + NUMBERS + PAIRS + ("baseline", "n")})


TEXTS = ("rule", "key", "subject", "metric", "unit", "status", "reason", "coverage", "rule_version")
NUMBERS = ("value", "expected", "effect", "noise")
PAIRS = ("interval", "effect_interval")


def read(name: str, value: Any) -> Any:
    """Check one field's type and give its value, empty where it is missing; StoreError names the field."""
    if name in TEXTS:
        good: Any = "" if value is None else value if isinstance(value, str) else None
    elif name == "n":
        good = 0 if value is None else value if isinstance(value, int) and not isinstance(value, bool) else None
    elif name == "baseline":
        good = tuple(value or ()) if isinstance(value or [], list) and all(isinstance(one, str) for one in value or ()) else None
    elif value is None:
        return None
    elif name in PAIRS:
        good = tuple(value) if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) else None  # noqa: PLR2004
    else:
        good = value if is_number(value) else None
    if good is None:
        message = f"not a verdict: {name} cannot be {value!r}"
        raise StoreError(message)
    return good


def is_number(value: object) -> bool:
    """Tell whether a JSON value is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
