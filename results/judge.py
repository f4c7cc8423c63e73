"""One run judged: measurements and plan in; records, verdicts, coverage, comparison and exit code out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.harness.measurement import Measurement
from assay.harness.rundir import RunDir, dumps, write_atomic
from assay.results.compare import Comparison, compare
from assay.results.coverage import Coverage, cover
from assay.results.judging import verdicts
from assay.results.metrics import derive
from assay.results.outcome import exit_code, summary
from assay.results.record import Record
from assay.results.rules import read_rules
from assay.results.verdict import Verdict


@dataclass(frozen=True)
class Judgement:
    """Everything that is thought of one run.

    Attributes:
        run: contents of ``run.json``.
        measurements: every case on disk, in the plan's order.
        records: every number worth comparing.
        verdicts: every judgement.
        coverage: what was planned and what came of it.
        comparison: with the base runs, or None where there were none.
        problems: what was wrong with the files, in words.
        exit_code: what it all comes to.

    """

    run: Mapping[str, Any]
    measurements: tuple[Measurement, ...]
    records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    coverage: Coverage
    comparison: Comparison | None
    problems: tuple[str, ...]
    exit_code: int

    def summary(self) -> dict[str, int | str]:
        """Give what ``run.json`` keeps."""
        return summary(self.coverage, self.exit_code)

    def as_dict(self) -> dict[str, Any]:
        """Give what ``verdicts.json`` keeps."""
        return {
            "schema": 1,
            "exit_code": self.exit_code,
            "coverage": self.coverage.as_dict(),
            "verdicts": [verdict.as_dict() for verdict in self.verdicts],
            "comparison": None if self.comparison is None else self.comparison.as_dict(),
            "problems": list(self.problems),
        }


def judge(
    rundir: RunDir, *, config: Mapping[str, Any], base: Sequence[RunDir] = (), decide: bool = False, allow_inconclusive: bool = False
) -> Judgement:
    """Judge a run and write ``records.jsonl`` and ``verdicts.json``; doing it again gives the same.

    Args:
        rundir: the run.
        config: its composed configuration (``rules`` and ``hardware`` are read).
        base: runs to compare with.
        decide: whether the comparison counts for the exit code.
        allow_inconclusive: turn exit code 4 into 0.

    """
    first = view(rundir, config=config)
    write_atomic(rundir.path / "records.jsonl", "".join(dumps(record.as_dict()) + "\n" for record in first.records))
    rules = read_rules(config.get("rules"))
    comparison = compare(base, [rundir], min_effect=rules.min_effect, min_seconds=rules.min_seconds) if base else None
    also = [comparison.decides()] if comparison is not None and decide else []
    statuses = [verdict.status for verdict in first.verdicts]
    code = exit_code(statuses, first.coverage, also=also, allow_inconclusive=allow_inconclusive)
    judgement = Judgement(first.run, first.measurements, first.records, first.verdicts, first.coverage, comparison, first.problems, code)
    write_atomic(rundir.path / "verdicts.json", json.dumps(judgement.as_dict(), indent=1, allow_nan=False) + "\n")
    return judgement


def view(rundir: RunDir, *, config: Mapping[str, Any]) -> Judgement:
    """Judge what is readable of a run, whole or not, and write nothing; an earlier comparison is not repeated."""
    run, plan, lines = rundir.read_json("run.json"), rundir.read_json("plan.json"), rundir.measurements()
    order = {case["key"]: number for number, case in enumerate(plan.get("cases", []))}
    kept = sorted((m for m in lines.measurements if m.case.key in order), key=lambda m: order[m.case.key])
    strangers = [f"{m.case.key} is on disk, but not in the plan" for m in lines.measurements if m.case.key not in order]
    hardware = config.get("hardware") or {}
    records = derive(kept, run=rundir.id, hardware=hardware, hw_class=str(run.get("hw_class", "")), sw_class=str(run.get("sw_class", "")))
    coverage = cover(plan, kept)
    found = verdicts(read_rules(config.get("rules")), kept, records, coverage)
    problems = tuple(lines.problems) + tuple(strangers)
    code = exit_code([verdict.status for verdict in found], coverage)
    return Judgement(run, tuple(kept), tuple(records), tuple(found), coverage, None, problems, code)
