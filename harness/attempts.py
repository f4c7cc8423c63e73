"""Cases that broke and are tried again: which, when, and for the how-manieth time. A wrong answer never is: once wrong is wrong."""

from __future__ import annotations

from dataclasses import replace

from assay.harness.measurement import Measurement
from assay.harness.plan import Plan
from assay.harness.rundir import RunDir

# What may have been the machine's or the scheduler's doing. ``wrong`` is not among them: a unit that errs now and then is the worst kind.
BROKEN = frozenset({"error", "crashed", "timeout"})


def waiting(plan: Plan, run: RunDir) -> dict[str, int]:
    """Give the attempt that is to be made of each case, by key, counting from 0; empty when nothing is left to do.

    Cases without a line come first. Only when every case has one are broken ones tried again, as often as ``budget.retries`` says, so that
    trying again never costs a case that was not measured yet.
    """
    made = {measurement.case.key: measurement for measurement in run.measurements().measurements}
    fresh = {case.key: 0 for case in plan.cases if case.key not in made}
    if fresh:
        return fresh
    last = {case.key: (case, made[case.key]) for case in plan.cases}
    return {
        key: measurement.attempt + 1
        for key, (case, measurement) in last.items()
        if measurement.status in BROKEN and measurement.attempt < case.budget.retries
    }


def numbered(measurement: Measurement, attempt: int) -> Measurement:
    """Write the attempt's number into a measurement; a figure that needed more than one says so."""
    if not attempt:
        return measurement
    return replace(measurement, attempt=attempt, flags=(*measurement.flags, f"attempt {attempt + 1}, earlier ones broke"))
