"""What a report tells, whatever it is written in: runs read and judged, a comparison, limits, earlier figures, what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.harness.errors import AssayError
from assay.harness.rundir import RunDir
from assay.results.compare import Comparison, compare
from assay.results.document import judged, read_config
from assay.results.earlier import Point, Series, earlier_series
from assay.results.judge import Judgement
from assay.results.limits import Limit, find_limits, measured_limits
from assay.results.record import Record
from assay.results.runinfo import RunInfo, read_info
from assay.results.side import optional
from assay.results.store import Store

MIN_EFFECT, MIN_SECONDS = 0.03, 1e-6
LONGEST = 200_000


@dataclass(frozen=True)
class Content:
    """Everything that a report shows.

    Attributes:
        judgement: the run that the report is about, judged; of several the last.
        info: its line in the listing.
        others: the other runs of the report, judged.
        comparison: with the base, if there is one.
        limits: by resource.
        history: figures of this run's series over the runs of its store, oldest first, by (key, subject).
        facts: the machine.
        config: the configuration as text.
        ranks: where each rank sat.
        files: name and bytes of every file of the run.
        problems: what could not be read, the judgement's own included.

    """

    judgement: Judgement
    info: RunInfo
    others: Sequence[Judgement] = ()
    comparison: Comparison | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict)
    history: Mapping[Series, Sequence[Point]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""
    ranks: Sequence[Mapping[str, Any]] = ()
    files: Sequence[tuple[str, int]] = ()
    problems: Sequence[str] = ()

    @property
    def records(self) -> dict[str, list[Record]]:
        """Give the records of the run by key."""
        found: dict[str, list[Record]] = {}
        for record in self.judgement.records:
            found.setdefault(record.key, []).append(record)
        return found

    @property
    def planted(self) -> bool:
        """Tell whether faults were planted in the run."""
        return bool(self.judgement.described.get("inject")) or any(case.get("inject") for case in self.judgement.cases)


def gather(
    runs: Sequence[RunDir],
    *,
    base: Sequence[RunDir] = (),
    last: int = 30,
    changes: Callable[[Sequence[float]], Sequence[int]] | None = None,
) -> Content:
    """Read what a report needs; whatever is damaged becomes a problem in words, never an error.

    Args:
        runs: what the report is about, at least one; the last is shown in full.
        base: runs to compare all of them with.
        last: how many runs of the store, this one included, the history goes back; 0 for none.
        changes: finds change points: series oldest first -> indices at which a new level begins.

    """
    run = runs[-1]
    judgement = judged(run)
    config, _ = read_config(run)
    limits, doubt = known_limits(judgement, config)
    comparison, missing = compared(base, runs, config) if base else (judgement.comparison, "")
    history = earlier_series(Store(run.path.parent), judgement, last=last, changes=changes) if last else {}
    return Content(
        judgement,
        read_info(run.path),
        others=[judged(other) for other in runs[:-1]],
        comparison=comparison,
        limits=limits,
        history=history,
        facts=optional(run, "facts.json"),
        config=text_of(run, "config.yaml"),
        ranks=run.ranks(),
        files=files_of(run),
        problems=[*judgement.problems, *filter(None, (doubt, missing))],
    )


def known_limits(judgement: Judgement, config: Mapping[str, Any]) -> tuple[dict[str, Limit], str]:
    """Give the limits, and why stated ones are left out where they cannot be right."""
    measurements = [*judgement.measurements.values()]
    hardware = config.get("hardware") or {}
    try:
        return find_limits(measurements, hardware if isinstance(hardware, Mapping) else {}), ""
    except AssayError as error:
        return measured_limits(measurements), f"stated limits are left out: {error}"


def compared(base: Sequence[RunDir], runs: Sequence[RunDir], config: Mapping[str, Any]) -> tuple[Comparison | None, str]:
    """Compare with the base by the run's own thresholds; gives why it could not be done."""
    rules = config.get("rules") or {}
    own = next((rule for rule in rules.values() if isinstance(rule, Mapping) and rule.get("kind") == "relative"), {})
    try:
        return compare(base, runs, min_effect=own.get("min_effect", MIN_EFFECT), min_seconds=own.get("min_seconds", MIN_SECONDS)), ""
    except AssayError as error:
        return None, f"no comparison with the base: {error}"


def text_of(run: RunDir, name: str) -> str:
    """Read a file as text; one that is missing is empty, a long one is cut, which is said in its last line."""
    try:
        with (run.path / name).open("rb") as file:
            raw = file.read(LONGEST + 1)
    except OSError:
        return ""
    text = raw[:LONGEST].decode("utf-8", errors="replace")
    return f"{text}\n... cut after {LONGEST} bytes; the whole file lies in the run's folder" if len(raw) > LONGEST else text


def files_of(run: RunDir) -> list[tuple[str, int]]:
    """Name every file of a run with its size; what vanishes while we look is left out."""
    found = []
    for path in sorted(run.path.rglob("*")):
        try:
            if path.is_file():
                found.append((path.relative_to(run.path).as_posix(), path.stat().st_size))
        except OSError:
            continue
    return found
