"""A run is closed: judged, its outcome written down; and which run it is compared with when none is named."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.harness.door.opening import now
from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir

if TYPE_CHECKING:
    from assay.results.judge import Judgement
    from assay.results.store import Store

INTERRUPTED = 130


def finish(
    run: RunDir, config: Mapping[str, Any], *, base: Sequence[RunDir], decide: bool, allow_inconclusive: bool, trouble: str = ""
) -> Judgement:
    """Judge what is on disk and close the run."""
    from assay.results.judge import judge

    troubles = (trouble,) if trouble else ()
    judgement = judge(run, config=config, base=base, decide=decide, allow_inconclusive=allow_inconclusive, troubles=troubles)
    described = run.read_json("run.json")
    described |= {"status": "finished", "ended": now(), "exit_code": judgement.exit_code, "summary": judgement.summary()}
    run.write_json("run.json", described | {"clocks": clocks(run)})
    return judgement


def clocks(run: RunDir) -> dict[str, str]:
    """Give the time on each host when the ranks of the last launch met; empty where they wrote none down."""
    ranks = reversed(run.ranks())  # the lowest rank of a host speaks for it
    return {str(rank["host"]): str(rank["clock"]) for rank in ranks if "host" in rank and "clock" in rank}


def mark_interrupted(run: RunDir) -> None:
    """Say in the run that somebody stopped it; what is on disk stays."""
    with contextlib.suppress(StoreError):
        run.write_json("run.json", run.read_json("run.json") | {"status": "interrupted", "ended": now(), "exit_code": INTERRUPTED})


def earlier(store: Store, run: RunDir) -> list[RunDir]:
    """Find the run to compare with when none is named: the last finished one of the same plan, ranks and kind of machine.

    Jobs of one sweep share plan and command but not a case; only a run that has a case in common tells anything.
    """
    mine, keys = run.read_json("run.json"), planned(run)
    for info in reversed(store.runs()):
        said, other = info.as_dict(), RunDir(store.root / info.id)
        alike = all(said[name] == mine[name] for name in ("plan", "nranks", "hw_class", "inject"))
        if info.id < run.id and info.status == "finished" and alike and (planned(other) & keys if mine["plan"] else planned(other) == keys):
            return [other]
    return []


def planned(run: RunDir) -> set[str]:
    """List the keys of a run's planned cases; none if its plan cannot be read."""
    try:
        return {str(case["key"]) for case in run.read_json("plan.json")["cases"]}
    except (StoreError, KeyError, TypeError):
        return set()
