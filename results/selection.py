"""Which series and which time a user means."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir
from assay.results.runinfo import RunInfo
from assay.results.series import Series, moment
from assay.results.store import Store

NAMED = 3


def choose(series: Sequence[Series], patterns: Sequence[str], *, metric: str, suite: str) -> list[Series]:
    """Choose series by their names: parts of one, or patterns with ``*`` and ``?``; all without any.

    RefusalError where nothing was measured or a pattern fits nothing.
    """
    if not series:
        what = f"metric {metric}" + (f" of suite {suite}" if suite else "")
        message = f"no run of this store has a figure for {what}"
        raise RefusalError(message, where="--metric, --suite", fix="assay runs lists the runs, assay show RUN the figures of one.")
    for pattern in patterns:
        if not any(fits(one, pattern) for one in series):
            names = [one.name for one in series]
            close = difflib.get_close_matches(pattern, names, n=NAMED, cutoff=0.3) or names[:NAMED]
            message = "no series has this in its name"
            raise RefusalError(message, value=pattern, where="SERIES", fix=f"There are for example: {'; '.join(close)}.")
    return [one for one in series if not patterns or any(fits(one, pattern) for pattern in patterns)]


def fits(series: Series, pattern: str) -> bool:
    """Tell whether a pattern means a series; brackets stand for themselves, since keys hold lists."""
    if "*" in pattern or "?" in pattern:
        return fnmatchcase(series.name, pattern.replace("[", "[[]"))
    return pattern in series.name


def since_place(store: Store, runs: Sequence[RunInfo], since: str) -> int:
    """Give the place of the first run of a day (ISO 8601; without a zone UTC) or of a named run on; RefusalError for neither."""
    if not since:
        return 0
    try:
        told = datetime.fromisoformat(since)
    except ValueError:
        named = {run.id for run in resolved(store, since)}
        found = [place for place, info in enumerate(runs) if info.id in named]
        if not found:
            message = "that run is left out of the history"
            raise RefusalError(message, value=since, where="--since", fix="Give a day such as 2026-11-24, or another run.") from None
        return found[0]
    start = told if told.tzinfo else told.replace(tzinfo=UTC)
    return next((place for place, info in enumerate(runs) if moment(info) >= start), len(runs))


def resolved(store: Store, since: str) -> list[RunDir]:
    """Find the runs that ``--since`` names; RefusalError says that it may be a day as well."""
    try:
        return store.resolve(since)
    except RefusalError as error:
        fix = "Give a day such as 2026-11-24, or a run that assay runs lists."
        raise RefusalError(error.message, value=since, where="--since", fix=fix) from None
