"""Configuration -> plan: pure expansion of axes into cases, with everything refused that could not be measured."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.harness.case import Budget, Case
from assay.harness.errors import RefusalError
from assay.harness.inject import KINDS, check_fault
from assay.harness.params import Param, bind, schema
from assay.harness.targets import needs_of, resolve
from assay.harness.timer import asked_timer
from assay.harness.timing import FEWEST, PATIENCE
from assay.harness.work import Needs

# A suite's YAML may hold these; every other key is a parameter of its function.
SUITE_KEYS = {"target", "summary", "version", "align", "limits", "units", "ranks", "budget", "axes"}
# Top-level keys that every suite taking a parameter of that name shares; a user's value replaces the suite's own.
SHARED = ("dtype", "impl", "layout", "seed")
ALIGNMENTS = ("barrier", "block")
MEMORY_SHARE = 0.9
MOST = 1e9  # of anything in a budget: thirty years in seconds, and what the system's timers still take


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


def check_options(options: Mapping[str, Any], parameters: Mapping[str, Param], *, where: str) -> None:
    """Refuse options and axes that are neither a suite key nor a parameter (an axis of mappings may have any name)."""
    for name in parameters:
        if name in SUITE_KEYS or name in ("inject", "timer"):  # the case key holds planted faults and timers under these names
            message = f"its function has a parameter named {name}, which means something else in a suite's configuration"
            raise RefusalError(message, where=where, fix="Rename the parameter.")
    for name in ("axes", "budget", "ranks", "units"):
        if not isinstance(options.get(name) or {}, Mapping):
            message = "must hold names and values"
            raise RefusalError(message, value=options[name], where=f"{where}.{name}", fix=f"Write {where}.{name}.NAME=VALUE.")
    limits = options.get("limits") or []
    if not isinstance(limits, (list, tuple)) or not all(isinstance(limit, str) for limit in limits):
        message = "is a list of names"
        raise RefusalError(message, value=limits, where=f"{where}.limits", fix=f"Write {where}.limits=[memory_copy].")
    for name in options:
        if name not in SUITE_KEYS and name not in parameters:
            message = "is neither an option nor a parameter of this suite"
            fix = f"Its parameters are {', '.join(parameters)}."
            raise RefusalError(message, value=name, where=f"{where}.{name}", fix=fix)


def check_ranks(ranks: Mapping[str, Any], nranks: int, *, where: str) -> None:
    """Refuse a rank count that the suite cannot use."""
    for name, value in ranks.items():
        if name not in ("min", "max"):
            message = "is neither min nor max"
            raise RefusalError(message, value=name, where=f"{where}.ranks.{name}", fix="A suite takes ranks.min and ranks.max.")
        positive_int(value, where=f"{where}.ranks.{name}")
    low, high = ranks.get("min", 1), ranks.get("max", nranks)
    if not low <= nranks <= high:
        message = f"cannot use {nranks} ranks: it takes {low} to {high if 'max' in ranks else 'any number'}"
        raise RefusalError(message, where=where, fix="Set site.nranks, or leave the suite out.")


def check_shared(config: Mapping[str, Any], taken: set[str]) -> None:
    """Refuse a shared key that no chosen suite takes: it would silently do nothing."""
    for name in SHARED:
        if config.get(name) is not None and name not in taken:
            message = f"no chosen suite takes {name}"
            raise RefusalError(
                message, value=config[name], where=name, fix=f"Leave it out, or choose a suite with a parameter {name} (assay suites)."
            )


def check_inject(config: Mapping[str, Any], cases: Sequence[Case]) -> None:
    """Refuse a planted fault that would hit no case: a detector's test must not pass because nothing was planted."""
    plant = config.get("inject") or {}
    if plant.get("kind") is None:
        if any(value is not None for value in plant.values()):
            message = "options of a planted fault, but no kind"
            raise RefusalError(message, where="inject.kind", fix=f"Set inject.kind to one of {', '.join(KINDS)}.")
        return
    check_fault(plant, nranks=cases[0].nranks, where="inject")
    if not any(case.inject for case in cases):
        message = "the planted fault hits no case"
        raise RefusalError(message, value=dict(plant), where="inject", fix="Set inject.suite and inject.match to what is planned.")


def budget(shared: Mapping[str, Any], own: Mapping[str, Any], *, where: str) -> Budget:
    """Merge the shared and the suite's own budget; RefusalError for unknown names and values that are not positive."""
    for path, part in (("budget", shared), (f"{where}.budget", own)):
        if not isinstance(part, Mapping):
            message = "must hold names and values"
            raise RefusalError(message, value=part, where=path, fix="Write budget.seconds=1, for example.")
    merged = {name: value for name, value in {**shared, **own}.items() if value is not None}
    known = {f.name: f.default for f in dataclasses.fields(Budget)}
    for name, value in merged.items():
        path = f"{where}.budget.{name}" if name in own else f"budget.{name}"
        if name not in known:
            message = "is no part of a budget"
            raise RefusalError(message, value=name, where=path, fix=f"Its parts are {', '.join(known)}.")
        bad = isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MOST
        if bad or (isinstance(known[name], int) and not isinstance(value, int)):
            message = "must be a positive number" if not isinstance(known[name], int) else "must be a positive whole number"
            raise RefusalError(message, value=value, where=path, fix=f"Its default is {known[name]}.")
    return Budget(**merged)


def positive_int(value: object, *, where: str) -> int:
    """Return a positive int; RefusalError otherwise."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    message = "must be a positive whole number"
    raise RefusalError(message, value=value, where=where, fix="Write 1 or more.")


def one_of(value: object, choices: Sequence[str], *, where: str) -> str:
    """Return ``value`` if it is one of ``choices``; RefusalError otherwise."""
    if value in choices:
        return str(value)
    message = "is not one of the choices"
    raise RefusalError(message, value=value, where=where, fix=f"Choose one of {', '.join(choices)}.")
