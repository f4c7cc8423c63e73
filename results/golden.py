"""Golden hashes of runs: read, and held against the last run whose key is the very same; other keys are never compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from assay.harness.errors import StoreError
from assay.harness.measurement import Measurement
from assay.harness.rundir import RunDir
from assay.results.store import Store
from assay.results.verdict import Verdict, VerdictStatus

SUITE, RULE = "golden", "golden"
VERSION = hashlib.sha256(b"equal to the last run of the same key").hexdigest()[:8]
SHOWN = 12  # digits of a hash


@dataclass(frozen=True)
class Golden:
    """The hash of one case's result under one key.

    Attributes:
        run: where it was measured.
        case: key of its case.
        key: all that its bits depend on, as canonical JSON.
        hash: SHA-256 of the result, hexadecimal.

    """

    run: str
    case: str
    key: str
    hash: str


def goldens(run: str, measurements: Iterable[Measurement]) -> list[Golden]:
    """Read the hashes of a run's cases; cases with a planted fault, and what cannot be read, have none.

    A case in which ranks of one key disagree has none either: nobody knows which was right.
    """
    found: list[Golden] = []
    for measurement in measurements:
        if measurement.case.suite == SUITE and not measurement.case.inject and measurement.status == "measured":
            found += [Golden(run, measurement.case.key, key, value) for key, value in noted(measurement.notes)]
    return found


def noted(notes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (key, hash) of a case's notes."""
    try:
        rows = json.loads(notes.get("golden", "[]"))
        pairs = [(json.dumps(row["key"], sort_keys=True), str(row["hash"])) for row in rows]
    except (ValueError, KeyError, TypeError):
        return
    yield from pairs


def table(store: Store, *, before: str, keys: set[str]) -> dict[str, Golden]:
    """Give for each key the hash of the last finished run before ``before`` that has it; planted runs and damaged ones are passed over."""
    found: dict[str, Golden] = {}
    for info in reversed(store.runs()):
        if keys <= found.keys():
            break
        if info.id >= before or info.status != "finished" or info.inject:
            continue
        try:
            lines = RunDir(store.root / info.id).measurements()
        except (OSError, StoreError):
            continue
        for one in goldens(info.id, lines.measurements):
            if one.key in keys:
                found.setdefault(one.key, one)
    return found


def judge_goldens(rundir: RunDir, measurements: Iterable[Measurement]) -> list[Verdict]:
    """Hold every golden hash of a run against the last one of the same key in the same store; a row for each, none without any."""
    mine = goldens(rundir.id, measurements)
    if not mine:
        return []
    known = table(Store(rundir.path.parent), before=rundir.id, keys={one.key for one in mine})
    return [verdict(one, known.get(one.key)) for one in mine]


def verdict(one: Golden, earlier: Golden | None) -> Verdict:
    """Say whether a hash is what it was."""
    status: VerdictStatus = "skip"
    said = f"first golden hash of its key here, {one.hash[:SHOWN]}: nothing to be equal to"
    if earlier is not None and earlier.hash == one.hash:
        status, said = "pass", f"golden hash {one.hash[:SHOWN]} as in run {earlier.run}"
    elif earlier is not None:
        status = "fail"
        said = f"golden hash {one.hash[:SHOWN]}, in run {earlier.run} it was {earlier.hash[:SHOWN]}: other bits of the same key"
    based = () if earlier is None else (earlier.run,)
    return Verdict(RULE, one.case, "", "golden", None, None, "1", None, status, said, "1 hash", VERSION, baseline=based)
