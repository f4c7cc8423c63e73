"""One run, judged: measurements in, records, verdicts, coverage, comparison and exit code out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.harness.errors import AssayError, StoreError
from assay.harness.measurement import Measurement
from assay.harness.rundir import RunDir, dumps, write_atomic
from assay.results import outcome
from assay.results.aimed import Evidence, judge_aims
from assay.results.answers import judge_answers, judge_coverage
from assay.results.compare import Comparison, compare_sides
from assay.results.coverage import Coverage, cover
from assay.results.golden import judge_goldens
from assay.results.metrics import derive
from assay.results.plausible import judge_plausible
from assay.results.record import Record, read_records
from assay.results.rules import Rules, read_rules
from assay.results.side import make_side, optional, read_side
from assay.results.verdict import Verdict

SCHEMA = 1


@dataclass(frozen=True)
class Judgement:
    """What we think of one run.

    Attributes:
        run: its directory.
        described: its ``run.json``; empty where that cannot be read.
        cases: the plan's cases as JSON, in order.
        measurements: what was measured, by key.
        records: its figures.
        coverage: what was planned and what came of it.
        verdicts: one a rule and case or figure.
        comparison: with the base runs, if there were any.
        problems: files or lines that could not be read, in words.
        exit_code: what the door ends with.

    """

    run: RunDir
    described: Mapping[str, Any]
    cases: Sequence[Mapping[str, Any]]
    measurements: Mapping[str, Measurement]
    records: Sequence[Record]
    coverage: Coverage
    verdicts: Sequence[Verdict]
    comparison: Comparison | None
    problems: Sequence[str]
    exit_code: int

    def summary(self) -> dict[str, int | str]:
        """Give what ``run.json`` keeps: planned, measured, failed (missing included), skipped, not_applicable, verdict."""
        return outcome.summary(self.coverage, self.exit_code, (verdict.status for verdict in self.verdicts))

    @property
    def word(self) -> str:
        """The outcome in one word."""
        return outcome.word(self.exit_code, (verdict.status for verdict in self.verdicts))


@dataclass(frozen=True)
class Found:
    """What can be read of a run."""

    run: RunDir
    described: Mapping[str, Any]
    plan: Mapping[str, Any]
    measurements: Mapping[str, Measurement]
    problems: tuple[str, ...] = ()
    earlier: Mapping[str, tuple[Measurement, ...]] = field(default_factory=dict)


def judge(
    rundir: RunDir,
    *,
    config: Mapping[str, Any],
    base: Sequence[RunDir] = (),
    decide: bool = False,
    allow_inconclusive: bool = False,
    troubles: Sequence[str] = (),
) -> Judgement:
    """Judge a run and write ``records.jsonl`` and ``verdicts.json``; the same files judged again give the same bytes.

    Args:
        rundir: the run; damaged files are named as problems, and cases that they held are missing.
        config: the composed configuration; ``rules`` and ``hardware`` are read.
        base: runs to compare with.
        decide: whether the comparison counts for the exit code.
        allow_inconclusive: turn exit code 4 into 0.
        troubles: what went wrong outside any case, in words; kept among the problems.

    RefusalError for rules or hardware that cannot be right, StoreError if the files cannot be written.

    """
    found = read_run(rundir)
    found = replace(found, problems=(*found.problems, *troubles))
    judgement = consider(found, config=config, base=base, decide=decide, allow_inconclusive=allow_inconclusive)
    write_atomic(rundir.path / "records.jsonl", "".join(dumps(record.as_dict()) + "\n" for record in judgement.records))
    rundir.write_json("verdicts.json", as_dict(judgement))
    return judgement


def view(rundir: RunDir, *, config: Mapping[str, Any]) -> Judgement:
    """Give the judgement of a run without writing anything: the stored one of a run that has ended, else one made on the fly."""
    found = read_run(rundir)
    try:
        return stored(found) if found.described.get("status") in {"finished", "interrupted"} else consider(found, config=config)
    except (StoreError, KeyError, TypeError, ValueError, AttributeError):
        return consider(found, config=config)


def read_run(rundir: RunDir) -> Found:
    """Read what is there; whatever cannot be read is a problem in words."""
    problems: list[str] = []
    plain: dict[str, Mapping[str, Any]] = {}
    for name in ("run.json", "plan.json"):
        plain[name] = optional(rundir, name)
        if not plain[name]:
            problems.append(f"{name} is missing or cannot be read")
    plan, sound = plain["plan.json"], plan_cases(plain["plan.json"])
    if plan and sound is None:
        problems.append("plan.json is no plan")
    lines = rundir.measurements()
    measured = {measurement.case.key: measurement for measurement in lines.measurements}
    problems += lines.problems
    planned = {case["key"] for case in sound or ()}
    problems += [f"{key} was measured, but not planned" for key in measured if sound is not None and key not in planned]
    return Found(rundir, plain["run.json"], {} if sound is None else dict(plan), measured, tuple(problems), lines.earlier)


def plan_cases(plan: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Give the cases of a plan's JSON, or None if it is none."""
    rows = plan.get("cases")
    left = plan.get("left_out", [])
    if not isinstance(rows, list) or not isinstance(left, list):
        return None
    cases = [*rows, *(row.get("case") if isinstance(row, Mapping) else None for row in left)]
    return rows if all(map(sound_case, cases)) else None


def sound_case(case: object) -> bool:
    """Tell whether a plan's case can be read: its names are text, its parameters and its fault mappings."""
    if not isinstance(case, Mapping) or not all(isinstance(case.get(name), str) for name in ("key", "suite")):
        return False
    return all(isinstance(case.get(name) or {}, Mapping) for name in ("params", "inject"))


def consider(
    found: Found,
    *,
    config: Mapping[str, Any],
    base: Sequence[RunDir] = (),
    decide: bool = False,
    allow_inconclusive: bool = False,
) -> Judgement:
    """Judge what was read, purely; a plan that cannot be read is an error, since nobody knows what is missing then."""
    rules = read_rules(config.get("rules"))
    plan = found.plan or {"cases": [m.case.as_dict() for m in found.measurements.values()]}
    coverage = cover(plan, found.measurements.values())
    described = {name: str(found.described.get(name) or "") for name in ("hw_class", "sw_class")}
    derived = derive(found.measurements.values(), run=found.run.id, hardware=config.get("hardware") or {}, **described)
    records, implausible = judge_plausible(derived, rules)
    verdicts = [
        *judge_answers(coverage, found.measurements, rules, found.earlier),
        *judge_aims(rules.aims, Evidence(plan["cases"], coverage, found.measurements, records)),
        *implausible,
        *judge_goldens(found.run, found.measurements.values()),
        *judge_coverage(coverage, rules, plan_known=bool(found.plan)),
    ]
    comparison = against(base, found, records, coverage, rules) if base else None
    also = [comparison.decides()] if decide and comparison is not None else []
    code = outcome.exit_code((v.status for v in verdicts), coverage, also=also, allow_inconclusive=allow_inconclusive)
    return Judgement(
        found.run, found.described, plan["cases"], found.measurements, records, coverage, verdicts, comparison, found.problems, code
    )


def against(base: Sequence[RunDir], found: Found, records: Sequence[Record], coverage: Coverage, rules: Rules) -> Comparison:
    """Compare with the base; one that cannot be compared with at all is a comparison without rows that says why."""
    head = make_side(found.run.id, found.described, records, facts=optional(found.run, "facts.json"), coverage=coverage.as_dict())
    try:
        return compare_sides([read_side(run) for run in base], [head], min_effect=rules.min_effect, min_seconds=rules.min_seconds)
    except AssayError as error:
        names = tuple(run.id for run in base), (found.run.id,)
        return Comparison(*names, rules.min_effect, rules.min_seconds, notes=(f"no comparison: {error}",))


def stored(found: Found) -> Judgement:
    """Take the judgement from ``records.jsonl`` and ``verdicts.json``; StoreError, KeyError or TypeError if they are not whole."""
    records, problems = read_records(found.run)
    data = found.run.read_json("verdicts.json")
    verdicts = [Verdict.from_dict(row) for row in data["verdicts"]]
    comparison = None if data["comparison"] is None else Comparison.from_dict(data["comparison"])
    plan = found.plan or {"cases": [m.case.as_dict() for m in found.measurements.values()]}
    coverage = cover(plan, found.measurements.values())
    code = int(data["exit_code"])
    told = tuple(dict.fromkeys([*found.problems, *problems, *map(str, data["problems"])]))
    if problems or coverage.as_dict() != data["coverage"]:
        message = "the files are not those that were judged"
        raise StoreError(message)
    return Judgement(found.run, found.described, plan["cases"], found.measurements, records, coverage, verdicts, comparison, told, code)


def as_dict(judgement: Judgement) -> dict[str, Any]:
    """Give what ``verdicts.json`` holds."""
    return {
        "schema": SCHEMA,
        "exit_code": judgement.exit_code,
        "summary": judgement.summary(),
        "coverage": judgement.coverage.as_dict(),
        "verdicts": [verdict.as_dict() for verdict in judgement.verdicts],
        "comparison": None if judgement.comparison is None else judgement.comparison.as_dict(),
        "problems": list(judgement.problems),
    }
