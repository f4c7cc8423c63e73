"""From a composed configuration to the plan of this machine: layout, calibration, budget, shard."""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from assay.harness.binding import check_rank_env
from assay.harness.case import Case
from assay.harness.door.compose import Composed, suite_options
from assay.harness.door.value import affordable
from assay.harness.errors import RefusalError
from assay.harness.params import Param, schema
from assay.harness.plan import LeftOut, Plan, expand, need_of
from assay.harness.plancheck import positive_int
from assay.harness.planfile import read_plan
from assay.harness.targets import needs_of, resolve
from assay.harness.telemetry.open import check_name

if TYPE_CHECKING:
    from assay.results.aims import Aim

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def make_plan(
    composed: Composed,
    *,
    nranks: int | None = None,
    nodes: int | None = None,
    config_dirs: Sequence[str] = (),
    share: bool = False,
    exclusive: bool = False,
) -> Plan:
    """Plan a composed configuration on this machine; ``nranks`` and ``nodes`` come from a world that is already up."""
    config = composed.config
    site = with_memory(config["site"], str(config.get("device") or config["site"].get("device")))
    wanted = positive_int(site.get("nranks"), where="site.nranks")
    if nranks is not None and wanted != nranks and any(o.startswith("site.nranks=") for o in composed.overrides):
        message = f"the world that is up has {nranks} ranks"
        raise RefusalError(message, value=wanted, where="site.nranks", fix="Leave it out, or start as many ranks.")
    total = nranks or wanted
    hosts = nodes_of(site, total, found=nodes)
    if total % hosts:
        message = f"{total} ranks do not divide over {hosts} nodes"
        raise RefusalError(message, value=total, where="site.nranks", fix=f"Use a multiple of {hosts}.")
    config = {**config, "site": site, "exclusive": exclusive}
    telemetry = check_name(site.get("telemetry") or "auto")
    plan = expand(config, name=composed.plan_name, layout=f"{hosts}x{total // hosts}", notes=composed.notes)
    whole = calibrated(plan, config, config_dirs)
    variables = check_rank_env(site.get("rank_env"), ranks_per_node=total // hosts)
    return dataclasses.replace(whole, telemetry=telemetry, share=share, exclusive=exclusive, rank_env=variables)


def sent_plan(path: Path, config: Mapping[str, Any], *, nranks: int | None, share: bool, exclusive: bool) -> Plan:
    """Take a plan as somebody made it elsewhere; what its cases need is asked anew, for this machine.

    RefusalError where the world that is up does not fit, or a case does not fit the memory.
    """
    plan = read_plan(path)
    if nranks is not None and plan.nranks != nranks:
        message = f"the world that is up has {nranks} ranks"
        raise RefusalError(message, value=plan.nranks, where=str(path), fix="Start as many ranks as the plan has.")
    here = {**config, "site": with_memory(config["site"], plan.cases[0].device), "exclusive": exclusive}
    needs = {case.key: need_of(case, needs_of(case.target), {}, here) for case in plan.cases}
    return dataclasses.replace(plan, needs=needs, share=share, exclusive=exclusive)


def with_memory(site: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Give the site with the memory that is free here, where the device is the CPU and nothing is stated."""
    known = site.get("memory_nbytes") or device != "cpu"
    return dict(site) if known else {**site, "memory_nbytes": psutil.virtual_memory().available}


def nodes_of(site: Mapping[str, Any], nranks: int, *, found: int | None) -> int:
    """Count the nodes: those of the world that is up, else ``site.nodes``; ``site.ranks_per_node`` must fit them, or sets them."""
    a_node = site.get("ranks_per_node")
    said = positive_int(site.get("nodes"), where="site.nodes")
    if a_node is None:
        return found or said
    positive_int(a_node, where="site.ranks_per_node")
    nodes = found or (said if said > 1 else -(-nranks // a_node))
    if nodes * a_node != nranks:
        message = f"{nranks} ranks on {nodes} node{'' if nodes == 1 else 's'} are not {a_node} a node"
        raise RefusalError(message, value=a_node, where="site.ranks_per_node", fix="Correct it, site.nodes or site.nranks.")
    return int(nodes)


def calibrated(plan: Plan, config: Mapping[str, Any], config_dirs: Sequence[str]) -> Plan:
    """Put the measurement of this machine's own limits in front, where no vendor's figures are given."""
    if config["hardware"].get("name") != "measured":
        return plan
    wanted = sorted({limit.format(**case.params) for case in plan.cases for limit in config["suite"][case.suite].get("limits") or []})
    chosen = {case.params.get("resource") for case in plan.cases if case.suite == "calibrate"}
    wanted = [name for name in wanted if name not in chosen]
    if not wanted:
        return plan
    suite = {**suite_options("calibrate", config_dirs), "axes": {"resource": wanted}}
    own = {**config, "suite": {"calibrate": suite}, "inject": {}, "timer": {}, "dtype": None, "impl": None, "layout": None}
    first = expand({**own, "seed": None}, name=plan.name, layout=plan.cases[0].layout)
    return dataclasses.replace(plan, cases=(*first.cases, *plan.cases), needs={**first.needs, **plan.needs})


def check_aims(aims: Sequence[Aim], suites: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse a rule that no case can ever fulfil: it would judge nothing and look like a pass."""
    for aim in aims:
        if aim.suite not in {*known, *suites}:
            near = difflib.get_close_matches(aim.suite, known, n=1)
            message = "there is no such suite, so this rule judges nothing"
            fix = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            raise RefusalError(message, value=aim.suite, where=f"rules.{aim.name}.suite", fix=fix)
        if aim.suite not in suites:
            continue
        target = str(suites[aim.suite]["target"])
        parameters = schema(resolve(target, where=f"suite.{aim.suite}.target"))
        for name, wanted in aim.where.items():
            choices = parameters[name].choices if name in parameters else ()
            if choices and wanted not in choices and not (parameters[name].open and taken(target, parameters, name, wanted)):
                message = f"{name} is never this, so this rule judges nothing"
                fix = f"Choose one of {', '.join(map(str, choices))}."
                raise RefusalError(message, value=wanted, where=f"rules.{aim.name}.where.{name}", fix=fix)


def taken(target: str, parameters: Mapping[str, Param], name: str, value: object) -> bool:
    """Ask a suite's ``needs`` whether a parameter that takes more than its choices takes this value, the others as they are by default."""
    values = {other: param.default for other, param in parameters.items() if param.default is not inspect.Parameter.empty} | {name: value}
    needs = needs_of(target)
    if needs is None or len(values) < len(parameters):
        return True
    try:
        needs(**values, nranks=1)
    except RefusalError as error:
        return error.where != name
    except Exception:  # noqa: BLE001 - the suite's own; planning its cases tells of it
        return True
    return True


def named(plan: Plan, patterns: Sequence[str]) -> Plan:
    """Keep only cases whose key is one of ``patterns`` or fits one as a glob (calibration always stays); the others are left out by name.

    RefusalError for a pattern that fits no case: it would measure nothing and look like a pass.
    """
    if not patterns:
        return plan
    keys = [case.key for case in plan.cases if case.suite != "calibrate"]
    exact, globs = set(patterns) & set(keys), [pattern for pattern in patterns if pattern not in keys]
    fits = {pattern: set(fnmatch.filter(keys, pattern)) for pattern in globs}
    idle = [pattern for pattern, found in fits.items() if not found]
    if idle:
        near = difflib.get_close_matches(idle[0], keys, n=1, cutoff=0.3)
        message = "fits no case of this plan"
        raise RefusalError(message, value=idle[0], where="--case", fix=f"Did you mean {near[0]}?" if near else "assay plan lists the keys.")
    chosen = exact.union(*fits.values())
    kept = tuple(case for case in plan.cases if case.suite == "calibrate" or case.key in chosen)
    left = tuple(LeftOut(case, "not named by --case") for case in plan.cases if case.suite != "calibrate" and case.key not in chosen)
    return dataclasses.replace(plan, cases=kept, left_out=(*plan.left_out, *left))


def cut(plan: Plan, *, seconds: float | None, shard: tuple[int, int] | None) -> Plan:
    """Leave out what a shard leaves to others and what a time budget cannot hold; both stay in the plan, named."""
    left: list[LeftOut] = list(plan.left_out)
    mine: list[Case] = []
    number = 0
    for case in plan.cases:
        if case.suite != "calibrate":
            number += 1
            if shard and (number - 1) % shard[1] != shard[0] - 1:
                left.append(LeftOut(case, f"belongs to another shard than {shard[0]}/{shard[1]}"))
                continue
        mine.append(case)
    within = {case.key for case in mine} if seconds is None else affordable(mine, plan.seconds, seconds)
    kept = [case for case in mine if case.key in within]  # in the plan's order, whatever the value
    left += [LeftOut(case, f"left out by --budget {seconds:g} s") for case in mine if case.key not in within]
    if not any(case.suite != "calibrate" for case in kept) and left:
        message = "leaves nothing to measure"
        least = min((plan.seconds(case) for case in plan.cases if case.suite != "calibrate"), default=0.0)
        fix = (
            "Choose another shard." if seconds is None else f"The shortest case needs about {least:.1f} s, and calibration comes before it."
        )
        raise RefusalError(message, where="--budget" if seconds is not None else "--shard", fix=fix)
    return dataclasses.replace(plan, cases=tuple(kept), left_out=tuple(left))


def duration(text: str | None) -> float | None:
    """Read ``90``, ``90s``, ``10m`` or ``1.5h`` as seconds; RefusalError otherwise."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or float(found.group(1)) <= 0:
        message = "is no duration"
        raise RefusalError(message, value=text, where="--budget", fix="Write it like 90s, 10m or 1h.")
    return float(found.group(1)) * UNITS[found.group(2)]


def shard_of(text: str | None) -> tuple[int, int] | None:
    """Read ``i/n`` with 1 <= i <= n; RefusalError otherwise."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found.group(1)) <= int(found.group(2)):
        message = "is no shard"
        raise RefusalError(message, value=text, where="--shard", fix="Write it like 1/4: this part, of how many.")
    return int(found.group(1)), int(found.group(2))
