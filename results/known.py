"""Regressions that somebody knows of and lives with for a while: shown with their reason, an alarm again once they expire or get worse."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import write_atomic
from assay.results.record import finite_float
from assay.results.store import Store
from assay.results.tags import check_name, user
from assay.results.units import percent

FOLDER = "known"


@dataclass(frozen=True)
class Known:
    """One known regression.

    Attributes:
        name: to remove it by.
        case: glob over keys of cases.
        reason: why it is lived with.
        until: last day on which it is, ISO 8601.
        worst: largest change that is lived with, as a share: 0.05 for 5 % slower.
        who: added it.

    """

    name: str
    case: str
    reason: str
    until: str
    worst: float
    who: str = ""

    def fits(self, key: str) -> bool:
        """Tell whether a case is meant; brackets stand for themselves, since keys hold lists."""
        return fnmatchcase(key, self.case.replace("[", "[[]"))

    def says(self, change: float | None, today: date) -> tuple[bool, str]:
        """Tell of a case that is worse: (still known, in words); it is not once the day has passed or it is worse than was accepted."""
        if date.fromisoformat(self.until) < today:
            return False, f"was known ({self.name}: {self.reason}) until {self.until}, which has passed"
        if change is None or change > self.worst:
            return False, f"is known ({self.name}: {self.reason}) up to {percent(self.worst)}, and this is worse"
        return True, f"known until {self.until} ({self.name}: {self.reason}), up to {percent(self.worst)}"


def add(store: Store, name: str, *, case: str, reason: str, until: str, worst: float) -> Known:
    """Write one down; RefusalError without a reason, for a day that is none or past, or for a change that is not positive."""
    check_name(name)
    if not reason.strip():
        message = "needs a reason"
        raise RefusalError(message, where="--reason", fix="Say why it is lived with: an issue, a name.")
    try:
        day = date.fromisoformat(until)
    except ValueError as error:
        message = "is no day"
        raise RefusalError(message, value=until, where="--until", fix="Write it like 2026-12-31.") from error
    if day < today():
        message = "has passed"
        raise RefusalError(message, value=until, where="--until", fix="Choose a day to come: nothing is known for ever.")
    if (finite_float(worst) or 0.0) <= 0:
        message = "must be a positive share"
        raise RefusalError(message, value=worst, where="--worst", fix="Write 0.05 for 5 %.")
    made = Known(name, case, reason, until, float(worst), user())
    path = store.root / FOLDER / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(asdict(made), indent=1) + "\n")
    return made


def read(store: Store) -> list[Known]:
    """Read all; StoreError for one that cannot be read, since then nobody knows what is accepted."""
    found = []
    root = store.root / FOLDER
    for path in sorted(root.glob("*.json")) if root.is_dir() else []:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            one = Known(**{f.name: data[f.name] for f in fields(Known) if f.name in data})
            date.fromisoformat(one.until)
            if (finite_float(one.worst) or 0.0) <= 0 or not str(one.reason).strip():
                raise ValueError("it needs a positive worst and a reason")  # noqa: EM101, TRY003, TRY301 - becomes the message below
            found.append(one)
        except (OSError, ValueError, TypeError) as error:
            message = f"cannot read {path}: {error}"
            raise StoreError(message) from error
    return found


def remove(store: Store, name: str) -> None:
    """Take one away; RefusalError where there is none."""
    check_name(name)
    path = store.root / FOLDER / f"{name}.json"
    if not path.is_file():
        message = "is not known"
        raise RefusalError(message, value=name, where="NAME", fix="assay known lists what is.")
    path.unlink()


def mark(rows: Iterable[Any], known: Sequence[Known], *, on: date | None = None) -> list[Any]:
    """Give rows of a comparison or a gate with known regressions marked: ``slower`` becomes ``known``, or says why it is an alarm again."""
    from dataclasses import replace

    day = on or today()
    found = []
    for row in rows:
        fits = [one for one in known if row.status == "slower" and one.fits(row.key)]
        if not fits:
            found.append(row)
            continue
        change = row.change if hasattr(row, "change") else row.look.change if row.look else None
        told = [one.says(change, day) for one in fits]
        still = next((text for ok, text in told if ok), "")
        found.append(replace(row, status="known" if still else row.status, reason=f"{row.reason}; {still or told[0][1]}"))
    return found


def today() -> date:
    """Give the day, UTC."""
    return datetime.now(UTC).date()
