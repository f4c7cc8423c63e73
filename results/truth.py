"""Whether a measurement may speak at all: was an answer compared, was it right, are its times times?"""

from __future__ import annotations

import math

from assay.harness.measurement import Measurement

# Seconds that one step can take on any clock; outside of this the clock or the file is broken.
SHORTEST, LONGEST = 1e-12, 1e9


def answer_doubt(measurement: Measurement) -> str:
    """Say why a case that claims a right answer cannot be believed; empty if it can.

    An answer of which nothing was compared is no right answer (design promise 6), whatever the status says.
    """
    checked = measurement.checked
    if checked.by != "assay":
        return ""  # what it is worth is said beside the figure, and by the rule on answers
    if not checked.ok:
        return f"marked as measured, but its check did not pass{': ' + checked.reason if checked.reason else ''}"
    if checked.checks < 1 or checked.tested < 1:
        return f"nothing was compared ({checked.checks} checks of {checked.tested} elements), so the answer is unknown"
    bad = sorted(name for name, score in checked.scores.items() if not is_number(score))
    return f"error score {bad[0]} is {checked.scores[bad[0]]}, so the comparison itself went wrong" if bad else ""


def figures_doubt(measurement: Measurement) -> str:
    """Say why no performance figure can be derived; empty if it can. Only asks about cases with status ``measured``."""
    doubt = answer_doubt(measurement)
    rows = measurement.samples.rows
    if doubt:
        return doubt
    if not rows or not all(rows):
        return "there are no samples"
    if len({len(row) for row in rows}) > 1:
        return "ranks have different numbers of repetitions: " + ", ".join(str(len(row)) for row in rows)
    for rank, row in enumerate(rows):
        for repetition, seconds in enumerate(row):
            if not is_number(seconds) or not SHORTEST <= seconds <= LONGEST:
                return (
                    f"repetition {repetition} of rank {rank} took {seconds} s: the clock or the record is broken, and no figure is derived"
                )
    return ""


def is_number(value: object) -> bool:
    """Tell whether a value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
