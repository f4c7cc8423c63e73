"""What we think of one number, or of one case: a status, a reason to act on, and what was covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from assay.harness.errors import StoreError

VerdictStatus = Literal["pass", "fail", "no-verdict", "skip", "error"]
STATUSES: tuple[VerdictStatus, ...] = ("fail", "error", "no-verdict", "skip", "pass")


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
        status: ``pass``, ``fail``, ``no-verdict`` (nothing could be decided), ``skip`` (nothing had to be), ``error`` (it did not run).
        reason: one sentence that a technician can act on.
        coverage: what the judgement rests on, such as ``22 of 24 figures``.
        rule_version: hash of the rule's contents: another threshold is another rule.

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

    def as_dict(self) -> dict[str, Any]:
        """Give the verdict as plain JSON types."""
        return asdict(self) | {"interval": None if self.interval is None else list(self.interval)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """Read what ``as_dict`` wrote; missing fields are empty, unknown ones passed over, StoreError where it is no verdict."""
        if not isinstance(data, Mapping) or data.get("status") not in STATUSES:
            message = "not a verdict"
            raise StoreError(message)
        empty: dict[str, Any] = dict.fromkeys(("value", "expected", "interval"))
        known = {f.name: data.get(f.name, empty.get(f.name, "")) for f in fields(cls)} | empty | {k: data[k] for k in empty if k in data}
        interval = known["interval"]
        if not all(isinstance(value, str) for name, value in known.items() if name not in empty):
            message = "not a verdict: what should be text is not"
            raise StoreError(message)
        return cls(**(known | {"interval": tuple(interval) if interval else None}))
