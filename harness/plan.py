"""Configuration -> plan: pure expansion of axes into cases, with everything refused that could not be measured."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.harness.case import Case
from assay.harness.errors import RefusalError
from assay.harness.params import Param, bind, schema
from assay.harness.plancheck import SHARED, SUITE_KEYS, budget, check_inject, check_options, check_ranks, check_shared, one_of, positive_int
from assay.harness.targets import needs_of, resolve
from assay.harness.timer import asked_timer
from assay.harness.timing import FEWEST, PATIENCE
from assay.harness.work import Needs

ALIGNMENTS = ("barrier", "block")
MEMORY_SHARE = 0.9


@dataclass(frozen=True)
class LeftOut:
    """A case that was planned away, and why: it is counted, never silent."""

    case: Case
    reason: str


@dataclass(frozen=True)
class Plan:
    """What will be measured, in order.

    Attributes:
        name: of the plan's configuration, or empty.
        nranks: ranks of the launch.
        cases: what is to be measured, in order.
        left_out: what a budget or a shard left out.
        notes: what the planner dropped or merged, in words.
        rank_env: variables set in each rank before it loads anything: a text for all, or one for each local rank.
        needs: per case key, bytes a rank and seconds, as estimated by the suite.
        telemetry: ``auto``, ``none``, or the name of one.
        share: measure although others work on the devices or the node; every number is marked then.
        exclusive: use more than ``MEMORY_SHARE`` of the memory.
        marks: on every number of the run, such as ``shared with job 4711 (on node7)``.

    """

    name: str
    nranks: int
    cases: tuple[Case, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    needs: Mapping[str, Needs] = field(default_factory=dict, compare=False)
    rank_env: Mapping[str, Any] = field(default_factory=dict)
    telemetry: str = "auto"
    share: bool = False
    exclusive: bool = False
    marks: tuple[str, ...] = ()

    def seconds(self, case: Case) -> float:
        """Estimate the seconds of one case: warm-up, time slice (or the fewest steps there can be), two checked steps, preparation."""
        need = self.needs.get(case.key, Needs())
        step = need.step_seconds
        timed = max(case.budget.seconds, FEWEST * step, min(case.budget.min_reps * step, PATIENCE * case.budget.seconds))
        settled = float(case.timer.get("settle_seconds", 0.0))
        return max(case.budget.warmup_seconds, settled, step) + timed + 2 * step + need.seconds


def expand(config: Mapping[str, Any], *, name: str, layout: str, notes: Sequence[str] = ()) -> Plan:
    """Expand the chosen suites of a composed configuration; RefusalError names the config path of what cannot be.

    Args:
        config: plain containers; ``config["suite"]`` holds the chosen suites only.
        name: the plan's name.
        layout: nodes x ranks per node, such as ``1x2``.
        notes: what was dropped on the way here.

    """
    nodes, ranks_per_node = (int(part) for part in layout.split("x"))
    cases: dict[str, Case] = {}
    needs: dict[str, Needs] = {}
    said = list(notes)
    taken: set[str] = set()
    for suite, options in config["suite"].items():
        for case, need in suite_cases(suite, options, config, layout=layout, nranks=nodes * ranks_per_node):
            key = case.key
            if key in cases:
                said.append(f"listed twice, measured once: {key}")
            cases.setdefault(key, case)
            needs[key] = need
            taken |= set(case.params)
    if not cases:
        message = "nothing to measure: no suite is chosen"
        raise RefusalError(message, where="suite", fix="Say plan=smoke or 'suite=[gemm]' (assay suites lists them).")
    check_shared(config, taken)
    check_inject(config, list(cases.values()))
    plan = Plan(name, nodes * ranks_per_node, tuple(cases.values()), notes=tuple(said), needs=needs)
    long = [f"{case.key} may need {plan.seconds(case):.0f} s, over its budget.timeout" for case in plan.cases if late(plan, case)]
    return dataclasses.replace(plan, notes=(*plan.notes, *long))


def late(plan: Plan, case: Case) -> bool:
    """Tell whether a case is expected to run into its own deadline."""
    return plan.seconds(case) > case.budget.timeout


def suite_cases(
    suite: str, options: Mapping[str, Any], config: Mapping[str, Any], *, layout: str, nranks: int
) -> Iterator[tuple[Case, Needs]]:
    """Yield every case of one suite with what it needs."""
    where = f"suite.{suite}"
    function = resolve(options.get("target", ""), where=f"{where}.target")
    parameters, needs = schema(function), needs_of(options["target"])
    check_options(options, parameters, where=where)
    check_ranks(options.get("ranks") or {}, nranks, where=where)
    fixed, axes = own_values(options, config, parameters)
    plant = {k: v for k, v in (config.get("inject") or {}).items() if v is not None}
    for values, origin in combinations(fixed, axes, where=where):
        params = bind(values, parameters, where=lambda name, origin=origin: origin.get(name, f"{where}.{name}"))  # type: ignore[misc]
        case = Case(
            suite=suite,
            target=options["target"],
            params=params,
            version=positive_int(options.get("version", 1), where=f"{where}.version"),
            nranks=nranks,
            layout=layout,
            align=one_of(options.get("align", "barrier"), ALIGNMENTS, where=f"{where}.align"),
            device=str(config.get("device") or config["site"]["device"]),
            budget=budget(config.get("budget") or {}, options.get("budget") or {}, where=where),
        )
        case = dataclasses.replace(case, timer=asked_timer(config.get("timer") or {}, align=case.align))
        if plant.get("kind") and plant.get("suite", suite) == suite and str(plant.get("match", "")) in case.key:
            case = dataclasses.replace(case, inject=plant)
        yield case, need_of(case, needs, origin, config)


def own_values(
    options: Mapping[str, Any], config: Mapping[str, Any], parameters: Mapping[str, Param]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a suite's options into fixed values and axes, with the user's shared keys put in their place."""
    fixed = {name: value for name, value in options.items() if name not in SUITE_KEYS}
    axes = dict(options.get("axes") or {})
    for name in SHARED:
        value = config.get(name)
        if value is not None and name in parameters:
            fixed.pop(name, None)
            axes.pop(name, None)
            axes[name] = value if isinstance(value, list) else [value]
    return fixed, axes


def combinations(fixed: Mapping[str, Any], axes: Mapping[str, Any], *, where: str) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Yield (values, config path of each) for every combination; a value that is a mapping sets several parameters."""
    for axis, values in axes.items():
        if not isinstance(values, (list, tuple)) or not values:
            message = "an axis is a list of at least one value"
            raise RefusalError(message, value=values, where=f"{where}.axes.{axis}", fix=f"Write {where}.axes.{axis}=[VALUE].")
    for chosen in itertools.product(*axes.values()):
        combined: dict[str, Any] = dict(fixed)
        origin = {name: f"{where}.{name}" for name in fixed}
        for axis, value in zip(axes, chosen, strict=True):
            parts = value if isinstance(value, Mapping) else {axis: value}
            combined.update(parts)
            origin.update(dict.fromkeys(parts, f"{where}.axes.{axis}"))
        yield combined, origin


def need_of(case: Case, needs: Any, origin: Mapping[str, str], config: Mapping[str, Any]) -> Needs:
    """Ask the suite what the case needs; refuse what this site's memory cannot hold."""
    if needs is None:
        return Needs()
    try:
        need: Needs = needs(**case.params, nranks=case.nranks)
    except RefusalError as error:
        where = origin.get(error.where, f"suite.{case.suite}.{error.where}" if error.where else f"suite.{case.suite}")
        raise RefusalError(error.message, value=error.value, where=where, fix=error.fix) from error
    except Exception as error:
        message = f"its needs() raised {type(error).__name__}: {error}"
        raise RefusalError(message, where=f"suite.{case.suite}", fix="Mend the suite: needs() takes its parameters and nranks.") from error
    if not isinstance(need, Needs):
        message = "its needs() gave no Needs"
        raise RefusalError(message, value=need, where=f"suite.{case.suite}", fix="Return assay.harness.work.Needs.")
    sets = int(case.timer.get("buffers", 1))
    need = dataclasses.replace(need, memory_nbytes=sets * need.memory_nbytes, seconds=sets * need.seconds)
    memory = config["site"].get("memory_nbytes")
    if memory is not None:
        positive_int(memory, where="site.memory_nbytes")
    ranks_per_node, share = int(case.layout.split("x")[1]), 1.0 if config.get("exclusive") else MEMORY_SHARE
    if memory and need.memory_nbytes * ranks_per_node > share * memory:
        wanted = f"{need.memory_nbytes / 2**30:.1f} GiB on each of {ranks_per_node} ranks"
        message = f"{case.key} needs {wanted}, {share:.0%} of this machine's memory are {share * memory / 2**30:.1f} GiB"
        fix = "Choose a smaller case or fewer ranks a node (site.nranks), take all with --exclusive, or correct site.memory_nbytes."
        raise RefusalError(message, where=f"suite.{case.suite}.axes", fix=fix)
    return need
