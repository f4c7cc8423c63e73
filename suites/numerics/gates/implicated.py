"""Which output is to blame where products that must be equal are not: each relation accuses two places, and the guilty one is in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.suites.numerics.gates.difference import Difference, bits_in_words
from assay.suites.numerics.gates.relations import Relation


@dataclass(frozen=True)
class Broken:
    """A relation that does not hold, with what differs, in the places of the plain product."""

    relation: Relation
    found: Difference


def places(broken: Sequence[Broken]) -> Counter[tuple[int, int]]:
    """Count for each output of the unit how many broken relations accuse it: where the plain product had it, and where it was moved to."""
    votes: Counter[tuple[int, int]] = Counter()
    for one in broken:
        plain = set(zip(one.found.rows, one.found.columns, strict=True))
        votes.update(plain | {one.relation.at(row, column) for row, column in plain})
    return votes


def sentence(broken: Sequence[Broken], asked: int) -> tuple[str, str]:
    """Give (reason, where): the place that most relations accuse, the first of those that are equally accused, with the bits there."""
    votes = places(broken)
    most = max(votes.values())
    row, column = min(place for place, count in votes.items() if count == most)
    either = 0
    for one in broken:
        at = [one.relation.at(r, c) for r, c in zip(one.found.rows, one.found.columns, strict=True)]
        plain = zip(one.found.rows, one.found.columns, strict=True)
        masks = [mask for mask, here, there in zip(one.found.xor, plain, at, strict=True) if (row, column) in {here, there}]
        either |= int(np.bitwise_or.reduce(masks)) if masks else 0
    where = f"row {row}, column {column}"
    rows, columns = {r for (r, _), count in votes.items() if count == most}, {c for (_, c), count in votes.items() if count == most}
    region = f"; equally accused: {len(rows)} rows, {len(columns)} columns" if max(len(rows), len(columns)) > 1 else ""
    first = broken[0]
    accused = f"{where}, {bits_in_words(either)}: accused by {most} of {len(broken)} broken relations of {asked}{region}"
    return f"{accused}; first: {first.relation.name}: {first.found.told()}", where
