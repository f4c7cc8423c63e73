"""Baselines: named sets of runs that change only by proposal and approval. The first one of a name is frozen and compared for ever.

A rolling baseline hides slow decay: ten changes of 0.5 %, each allowed, are 5 %. So every segment is a file that is never rewritten, and a
check holds a run against the newest segment and against the first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir, finite, write_atomic
from assay.results.compare import Comparison, compare
from assay.results.made_of import nodes_of
from assay.results.side import optional
from assay.results.store import Store
from assay.results.tags import check_name, user

FOLDER, PROPOSED = "baselines", "proposed.json"


@dataclass(frozen=True)
class Segment:
    """One approved set of runs under a name.

    Attributes:
        name: of the baseline.
        number: from 1; number 1 is frozen.
        runs: its runs.
        reason: why it was made.
        who: approved it.
        when: UTC, ISO 8601.
        nodes: hosts that its runs were measured on.
        excluded: cases that are no part of it, with the reason.
        approved: cases that were worse than in the segment before, with change and reason, approved one by one.

    """

    name: str
    number: int
    runs: tuple[str, ...]
    reason: str
    who: str = ""
    when: str = ""
    nodes: tuple[str, ...] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)
    approved: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Write it as it may be named on a command line."""
        return f"{self.name}@{self.number}"


def folder(store: Store, name: str) -> Path:
    """Name the folder of one baseline; RefusalError for a name that cannot be one."""
    check_name(name)
    return store.root / FOLDER / name


def names(store: Store) -> list[str]:
    """List the names of all baselines, proposed ones too."""
    root = store.root / FOLDER
    return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def segments(store: Store, name: str) -> list[Segment]:
    """Read every segment of a baseline in order; StoreError for one that cannot be read, since nobody knows then what was approved."""
    found = []
    for path in sorted(folder(store, name).glob("[0-9]*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            known = {f.name: data[f.name] for f in fields(Segment) if f.name in data}
            found.append(Segment(**(known | {"runs": tuple(data["runs"]), "nodes": tuple(data.get("nodes", ()))})))
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"cannot read {path}: {error}"
            raise StoreError(message) from error
    return found


def newest(store: Store, name: str) -> Segment:
    """Give the newest segment; RefusalError where nothing was approved yet."""
    found = segments(store, name)
    if not found:
        message = "is no baseline: nothing was approved under this name"
        known = f"Known: {', '.join(names(store))}." if names(store) else "Make one: assay baseline propose NAME RUN --reason WHY."
        raise RefusalError(message, value=name, where="NAME", fix=known)
    return found[-1]


def propose(
    store: Store, name: str, runs: Sequence[RunDir], *, reason: str, excluded: Mapping[str, str] | None = None, min_effect: float = 0.01
) -> tuple[dict[str, Any], Comparison | None]:
    """Write a proposal and hold it against the present segment; gives (proposal, comparison or None for a first one).

    RefusalError without a reason, or for runs of different hardware; they could not be compared with each other.
    """
    if not reason.strip():
        message = "a baseline needs a reason"
        raise RefusalError(message, where="--reason", fix="Say why these runs are the measure from now on.")
    described = [optional(run, "run.json") for run in runs]
    classes = {str(one.get("hw_class")) for one in described}
    if len(classes) > 1:
        message = f"the runs were measured on {len(classes)} kinds of hardware"
        raise RefusalError(message, value=", ".join(run.id for run in runs), where="RUN", fix="Make one baseline for each kind.")
    if any(one.get("inject") for one in described):
        message = "faults were planted in one of the runs"
        raise RefusalError(message, where="RUN", fix="Choose runs without planted faults.")
    present = segments(store, name)
    found = None
    if present:
        found = compare(resolved(store, present[-1]), runs, min_effect=min_effect, min_seconds=1e-6)
    worse = {f"{row.key} {row.subject}": row.change for row in found.rows if row.status == "slower"} if found else {}
    proposal = {
        "name": name,
        "runs": [run.id for run in runs],
        "reason": reason,
        "who": user(),
        "when": now(),
        "nodes": list(nodes_of(runs)),
        "excluded": dict(excluded or {}),
        "after": present[-1].number if present else 0,
        "worse": worse,
    }
    path = folder(store, name)
    path.mkdir(parents=True, exist_ok=True)
    write_atomic(path / PROPOSED, json.dumps(finite(proposal), indent=1) + "\n")
    return proposal, found


def approve(store: Store, name: str, reasons: Mapping[str, str]) -> Segment:
    """Make the proposal the newest segment.

    Args:
        store: where the baseline lies.
        name: of the baseline.
        reasons: by case (key, or key and subject), why its being worse is accepted. Every case that is worse must be there.

    RefusalError where none is proposed, where another was approved meanwhile, or for worse cases without a reason of their own.

    """
    path = folder(store, name)
    try:
        proposal = json.loads((path / PROPOSED).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = "has no proposal"
        raise RefusalError(message, value=name, where="NAME", fix="Say assay baseline propose NAME RUN --reason WHY first.") from error
    present = segments(store, name)
    if proposal["after"] != (present[-1].number if present else 0):
        message = "was proposed against a segment that is no longer the newest"
        raise RefusalError(message, value=name, where="NAME", fix="Propose it again, and look at the new differences.")
    open_ones = [case for case in proposal["worse"] if not reason_for(case, reasons)]
    if open_ones:
        listed = "; ".join(f"{case} {100 * proposal['worse'][case]:+.3g} %" for case in open_ones[:8])
        message = f"{len(open_ones)} cases are worse and approved by nobody: {listed}"
        raise RefusalError(message, where="--case", fix="Say --case KEY --because WHY for each of them.")
    approved = {case: {"change": change, "reason": reason_for(case, reasons)} for case, change in proposal["worse"].items()}
    made = Segment(
        name,
        proposal["after"] + 1,
        tuple(proposal["runs"]),
        proposal["reason"],
        user(),
        now(),
        tuple(proposal["nodes"]),
        proposal["excluded"],
        approved,
    )
    target = path / f"{made.number:03d}.json"
    try:
        with target.open("x", encoding="utf-8") as file:  # two who approve at once: one of them only
            file.write(json.dumps(asdict(made), indent=1) + "\n")
    except FileExistsError:
        message = "somebody approved another segment just now"
        raise RefusalError(message, value=made.label, where="NAME", fix="Propose it again.") from None
    (path / PROPOSED).unlink(missing_ok=True)
    return made


def reason_for(case: str, reasons: Mapping[str, str]) -> str:
    """Find the reason that was given for a case, named with its subject or without."""
    return reasons.get(case, "") or reasons.get(case.rpartition(" ")[0], "")


def resolved(store: Store, segment: Segment) -> list[RunDir]:
    """Find a segment's runs; RefusalError where one is gone."""
    gone = sorted(set(segment.runs) - set(store.ids()))
    if gone:
        message = f"baseline {segment.label} names runs that are not in this store: {', '.join(gone)}"
        raise RefusalError(message, value=segment.label, where="NAME", fix="Bring them back (assay pull URL), or propose another set.")
    return [RunDir(store.root / run) for run in segment.runs]


def now() -> str:
    """Give the time in UTC (ISO 8601)."""
    return datetime.now(UTC).isoformat(timespec="seconds")
