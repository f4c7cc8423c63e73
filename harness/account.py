"""What is written down of a case once it is over: its Measurement, on rank 0, with the marks on its numbers."""

from __future__ import annotations

from typing import Any

from assay.harness.alignment import skewed
from assay.harness.case import Case
from assay.harness.measurement import Checked, Measurement, Samples
from assay.harness.running import Running
from assay.harness.session import Session
from assay.harness.tally import Tally, merge
from assay.harness.timing import converged

SHY_REPS = 6  # under so many repetitions no 95 % interval of the median exists


def written_down(
    session: Session, case: Case, ending: tuple[Any, ...], running: list[Running], tallies: list[Tally], seconds: float
) -> Measurement:
    """Write the Measurement on rank 0."""
    status, reason, fault = ending
    checked = merge(tallies)
    if not running:
        return Measurement(case, status, reason, fault=fault, seconds=seconds, timer=session.timer)
    run = running[0]
    if run.work.checked_by != "assay":
        checked = Checked(by=run.work.checked_by)
    if status == "wrong":
        reason = f"wrong answer: {checked.reason}" + (
            f"; worst at {checked.where}" if checked.where and checked.where not in checked.reason else ""
        )
    status, reason = sane(status, reason, run.rows)
    return Measurement(
        case=case,
        status=status,
        reason=reason,
        scope=run.work.scope,
        volume=run.work.volume,
        checked=checked,
        samples=Samples(tuple(map(tuple, run.rows))).kept(),
        warmups=Samples(tuple(map(tuple, run.warmups))).kept(),
        timer={**session.timer, **run.clock.timer()} if case.timer and status == "measured" else session.timer,
        notes={**run.work.notes, "stopped": run.why},
        flags=(*flags(session, run), *(tally.trouble for tally in tallies if tally.trouble)),
        fault=fault,
        seconds=seconds,
    )


def sane(status: str, reason: str, rows: list[list[float]]) -> tuple[Any, str]:
    """Refuse figures from a clock that went backwards or gave no number, and a case that timed nothing."""
    if status != "measured":
        return status, reason
    if not rows or not rows[0]:
        return "error", "no repetition was timed"
    for rank, row in enumerate(rows):
        bad = next((value for value in row if not 0 <= value < float("inf")), None)
        if bad is not None:
            return "error", f"rank {rank}: the clock gave {bad} s for a repetition, so none of its figures can be trusted"
    return status, reason


def flags(session: Session, run: Running) -> tuple[str, ...]:
    """Mark what a reader should know about the quality of the numbers."""
    found = []
    slowest = Samples(tuple(map(tuple, run.warmups))).slowest if run.warmups else []
    if not converged(slowest):
        found.append("warm-up did not converge")
    if run.rows and len(run.rows[0]) < SHY_REPS:
        found.append(f"only {len(run.rows[0])} repetitions")
    middle = sorted(run.rows[0])[len(run.rows[0]) // 2] if run.rows and run.rows[0] else 0.0
    overhead = float(session.timer.get("overhead", 0.0))
    if middle and overhead > 0.02 * middle:
        found.append(f"timer overhead is {overhead / middle:.0%} of the median")
    apart = skewed(session.timer, seconds=middle) if run.work.scope == "world" else ""
    if apart:
        found.append(apart)
    found.extend(session.marks)
    if run.work.checked_by == "nobody":
        found.append("the answer was not checked")
    if run.case.inject:
        found.append(f"planted fault: {run.case.inject.get('kind')}")
    return tuple(found)
