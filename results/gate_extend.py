"""More pairs for cases that the first pass could not decide: the second of two planned looks, on all pairs of a case together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay.results.gate import look
from assay.results.gate_pairs import Pairs
from assay.results.gate_rows import Row, arrays, gap
from assay.results.thresholds import Thresholds

REACH = 2  # a case is worth more pairs if it needs at most so many times those it would then have: what it needs is an estimate


def undecided(rows: Sequence[Row], more: int) -> list[Row]:
    """List the rows for which ``more`` pairs may decide. Leaving out the hopeless ones can only make errors rarer."""
    return [
        row
        for row in rows
        if row.status == "inconclusive" and row.look and row.look.needed is not None and row.look.needed <= REACH * (row.look.pairs + more)
    ]


def extended(rows: Sequence[Row], chosen: Sequence[Row], fresh: Pairs, thresholds: Thresholds) -> tuple[Row, ...]:
    """Judge the chosen rows again on the pairs they had and the fresh ones, which went on in the order A B B A; gives all rows.

    Each look errs with its share of the stated errors (``Thresholds.looks``). A row without a figure in every fresh run stays as it was,
    and says so.
    """
    import numpy as np

    names = {(row.key, row.subject) for row in chosen}
    found: dict[tuple[str, str], Row] = {}
    whole: list[Row] = []
    for row in chosen:
        name = (row.key, row.subject)
        seen = gap(name, fresh, ("", "")) if any(name in side.times for pair in fresh.sides for side in pair) else None
        if isinstance(seen, list):
            whole.append(replace(row, values=(*row.values, *seen)))
        else:
            why = "no more pairs were measured" if seen is None else seen.reason
            found[name] = replace(row, reason=f"{row.reason}; {why}")
    if whole:
        base, head = arrays(row.values for row in whole)
        means = np.exp(np.log(base).mean(axis=1)), np.exp(np.log(head).mean(axis=1))
        for i, (row, again) in enumerate(zip(whole, look(base, head, thresholds), strict=True)):
            judged = replace(row, status=again.status, reason=again.reason, look=again, base=float(means[0][i]), head=float(means[1][i]))
            found[row.key, row.subject] = judged
    return tuple(found[row.key, row.subject] if (row.key, row.subject) in names else row for row in rows)
