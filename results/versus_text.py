"""A vendor comparison as text: truth, then speed, watts and money, then what was not compared and why."""

from __future__ import annotations

import math

from assay.results.units import percent, plain, quantity
from assay.results.versus import Versus

RED, GREEN, YELLOW, BOLD = "31", "32", "33", "1"
FEW = 40

Line = tuple[str, str]


def versus_lines(found: Versus) -> list[Line]:
    """Write it; rates are geometric means over nodes of each run's slowest device."""
    lines: list[Line] = []
    for one in found.contenders:
        counts = f"{len(one.runs)} runs, {len(one.nodes)} nodes, {len(one.sessions)} sessions"
        label = f"{one.label} ({one.hardware or 'hardware not told'}, {one.origin}): {counts}"
        lines.append((label, BOLD))
    lines.append(("truth:", BOLD))
    wrong = [(label, case, reason) for label, cases in found.wrong.items() for case, reason in cases.items()]
    lines += [(f"  {label}: {case}: {reason}", RED) for label, case, reason in wrong]
    lines += [] if wrong else [("  every planned case of every contender has a right answer", GREEN)]
    lines += errors(found)
    lines.append((f"speed: {len(found.matched)} cases matched, {len(found.unmatched)} not", BOLD))
    for name in found.matched[:FEW]:
        cells = [
            f"{one.label} {quantity(math.exp(one.figures[name].log), one.figures[name].unit)} (n={one.figures[name].runs})"
            for one in found.contenders
        ]
        lines.append((f"  {name}: {', '.join(cells)}", ""))
    lines += [(f"  ... and {len(found.matched) - FEW} more (--json has all)", "")] if len(found.matched) > FEW else []
    lines += ratios(found)
    lines += ranking(found)
    for name, reason in list(found.unmatched.items())[:FEW]:
        lines.append((f"  not compared: {name}: {reason}", YELLOW))
    return [(plain(text), style) for text, style in lines]


def errors(found: Versus) -> list[Line]:
    """Write the worst error of each contender, as a share of what its check allows."""
    lines: list[Line] = []
    for one in found.contenders:
        worst = max(((one.scores[name], name) for name in found.matched if one.scores.get(name)), default=None)
        if worst is not None:
            lines.append((f"  {one.label}: worst error {worst[0]:.2g} of what is allowed, in {worst[1]}", ""))
    return lines


def ratios(found: Versus) -> list[Line]:
    """Write the geometric means against the first contender."""
    lines: list[Line] = []
    for one in found.ratios:
        span = "" if one.interval is None else f" [{one.interval[0]:.3f}, {one.interval[1]:.3f}]"
        parts = [f"{one.ratio:.3f}{span} times {found.ratios[0].label} over {one.cases} cases"]
        parts += [f"{percent(one.share)} of its limits"] if one.share is not None else ["share of limits not known"]
        parts += (
            [f"{one.per_watt:.3f} per watt ({one.watts:.0f} W a device)"] if one.per_watt is not None else ["per watt: power was not told"]
        )
        parts += [f"{one.per_money:.3f} per money"] if one.per_money is not None else ["per money: no prices given"]
        lines.append((f"  {one.label}: {'; '.join(parts)}", ""))
    return lines


def ranking(found: Versus) -> list[Line]:
    """Write the ranking, or why there is none."""
    if found.ranking:
        return [(f"ranking: {' > '.join(' = '.join(group) for group in found.ranking)} (= where the interval holds 1)", BOLD)]
    return [("shown, not ranked:", YELLOW), *((f"  {reason}", YELLOW) for reason in found.unranked)]
