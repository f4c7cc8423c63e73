"""Which runs may go, and taking them away. Standard library only."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assay.harness.errors import RefusalError, StoreError
from assay.results.runinfo import ID, RunInfo, is_held

# A folder without run.json may be a run that begins right now.
BEGINNING = timedelta(hours=1)


@dataclass(frozen=True)
class Pruned:
    """A run that goes, or would go, with the bytes of its files."""

    id: str
    nbytes: int


def choose(runs: Sequence[RunInfo], tagged: set[str], *, keep: int | None, older_than_days: float | None, now: datetime) -> list[str]:
    """Choose what may go: of the runs that are neither tagged nor running, those that fail every condition that is given.

    Args:
        runs: oldest first.
        tagged: ids that a tag names.
        keep: the newest so many stay (tagged and running ones count among them).
        older_than_days: only runs older than this go.
        now: the time, with its zone.

    RefusalError if no condition is given, or one that makes no sense.

    """
    if keep is None and older_than_days is None:
        message = "nothing says which runs to keep"
        raise RefusalError(message, where="assay prune", fix="Give --keep N or --older-than DAYS.")
    if (keep is not None and keep < 0) or (older_than_days is not None and not 0 <= older_than_days < float("inf")):
        message = "must not be negative"
        raise RefusalError(message, value=keep if older_than_days is None else older_than_days, where="assay prune", fix="Give 0 or more.")
    rest = runs if keep is None else runs[: max(0, len(runs) - keep)]
    before = now - timedelta(days=min(older_than_days or 0.0, 300_000.0))
    return [
        info.id for info in rest if info.id not in tagged and may_go(info, now=now) and (older_than_days is None or begun(info) < before)
    ]


def may_go(info: RunInfo, *, now: datetime) -> bool:
    """Tell whether a run is over for certain."""
    return info.status not in {"queued", "running"} and (info.status != "unreadable" or begun(info) < now - BEGINNING)


def begun(info: RunInfo) -> datetime:
    """Give when a run began, from its id, else from ``run.json``; where neither tells, now (so that it is never old)."""
    try:
        if ID.fullmatch(info.id):
            return datetime.strptime(info.id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        told = datetime.fromisoformat(info.started)
        return told if told.tzinfo else told.replace(tzinfo=UTC)
    except ValueError:
        return datetime.now(UTC)


def weigh(path: Path) -> int:
    """Add up the bytes of a run's files; what vanishes meanwhile weighs nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += (Path(folder) / name).lstat().st_size
            except OSError:
                continue
    return total


def remove(path: Path) -> None:
    """Take a run away: first out of the listing by a rename, then its files, so that half a run is never listed."""
    aside = path.with_name(f".pruned-{path.name}")
    if is_held(path / "door.lock"):
        message = f"cannot remove {path}: it is being written"
        raise StoreError(message)
    try:
        path.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        message = f"cannot remove {path}: {error.strerror}"
        raise StoreError(message) from error
