"""Whether the clocks that runs were placed by agree, and an order of runs where they do not.

A run says when it began by its own host's clock. Three things can be held against that: the clock of the file system that the run was
written to (told when the run was made, or by the time of its last writing), the newest run that was there already, and the other hosts of
the same run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from assay.results.runinfo import RunInfo
from assay.results.series import moment, moment_of

SLACK = timedelta(seconds=60)  # clocks may differ so much, and a launch may take so long, without a word
NOTHING = timedelta(0)
STORE = "the store's"


@dataclass(frozen=True)
class Skew:
    """One run whose clock is off: by how much its host was ahead (behind: negative) and of whose clock."""

    run: str
    host: str
    ahead: timedelta
    of: str


def in_order(infos: Sequence[RunInfo], root: Path) -> tuple[list[RunInfo], list[str]]:
    """Sort runs by when they began and say which clocks are off.

    A run whose clock is known to be off against the store's is placed by the store's; one that says it began before a run that was there
    already, with no clock to tell which of the two is wrong, comes after that run. What is left is in the order of the runs' own times and
    ids.
    """
    skews = [one for info in infos for one in skews_of(info, root)]
    ahead = {one.run: one.ahead for one in skews if one.of == STORE}
    began = {info.id: moment(info) - ahead[info.id] if info.id in ahead else moment(info) for info in infos}
    host = {info.id: info.host for info in infos}
    late = {info.id: began[info.after] for info in infos if info.after in began and began[info.after] - began[info.id] > SLACK}
    overtaken = [
        f"{info.id} on {info.host or '?'} says it began {told(late[info.id] - began[info.id])} before {info.after} on "
        f"{host[info.after] or '?'}, which was there already: one of the two clocks is wrong; placed after it"
        for info in infos
        if info.id in late
    ]
    ordered = sorted(infos, key=lambda info: (late.get(info.id, began[info.id]), info.id in late, began[info.id], info.id))
    return ordered, [*grouped(skews), *overtaken]


def skews_of(info: RunInfo, root: Path) -> Iterator[Skew]:
    """Yield every clock of one run that is off by more than a minute."""
    ahead = of_the_store(info, root)
    if abs(ahead) > SLACK:
        yield Skew(info.id, info.host, ahead, STORE)
    clocks = {host: at for host, text in info.clocks.items() if (at := moment_of(text)) is not None}
    if len(clocks) > 1:
        seconds = {host: at.timestamp() for host, at in clocks.items()}
        reference = seconds.get(info.host, median(seconds.values()))
        of = f"{info.host}'s" if info.host in seconds else "the others'"
        for host, second in sorted(seconds.items()):
            if abs(second - reference) > SLACK.total_seconds():
                yield Skew(info.id, host, timedelta(seconds=second - reference), of)


def of_the_store(info: RunInfo, root: Path) -> timedelta:
    """Tell how far a run's clock was ahead of the file system that it was written to; zero where nothing tells.

    The clock of the store stands in runs of this version. In older ones the last writing of ``run.json`` can tell a clock that is ahead: it
    was no earlier than the time that stands in it. A clock that is behind looks the same as a file that was copied later.
    """
    here, there = moment_of(info.started), moment_of(info.store_clock)
    if here is not None and there is not None:
        return here - there
    said = [at for text in (info.started, info.ended) if (at := moment_of(text)) is not None]
    try:
        written = datetime.fromtimestamp((root / info.id / "run.json").stat().st_mtime, UTC)
    except OSError:
        return NOTHING
    return max([max(said) - written, NOTHING]) if said else NOTHING


def grouped(skews: Sequence[Skew]) -> Iterator[str]:
    """Write the skews of one host and reference as one sentence."""
    kinds: dict[tuple[str, str], list[Skew]] = {}
    for one in skews:
        kinds.setdefault((one.host, one.of), []).append(one)
    for (host, of), own in kinds.items():
        worst = max(own, key=lambda one: abs(one.ahead))
        way = "ahead of" if worst.ahead > NOTHING else "behind"
        where = f"in {own[0].run}" if len(own) == 1 else f"in {len(own)} runs, from {own[0].run} to {own[-1].run}"
        placed = "; placed by the store's" if of == STORE else ""
        yield f"the clock of {host or 'an unnamed host'} was {told(abs(worst.ahead))} {way} {of} {where}{placed}"


def told(span: timedelta) -> str:
    """Write a span of time in the unit that suits it."""
    seconds = span.total_seconds()
    scale, unit = next((row for row in ((86400, "days"), (3600, "hours"), (60, "minutes")) if seconds >= 2 * row[0]), (1, "s"))
    return f"{seconds / scale:.3g} {unit}"
