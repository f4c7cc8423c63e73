"""``assay versus``: vendors on the same work, truth first, then speed, watts and money."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict

from assay.harness.door.console import color, emit_json, out, parser, tell
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError

SUMMARY = "compare hardware of several vendors on the same cases"
EPILOG = """\
Each RUNS is one contender: LABEL=RUN,RUN,... (runs of several nodes and sessions) or just RUN. Fewer than 3 nodes or 2 sessions are
shown, not ranked. Cases are matched by everything but the kind of device: method version, number format, input, layout, timer.
Cost of a million output tokens: --tokens-per-second and --price for every contender; watts come from telemetry, or --watts.
Exit codes: 0 ranked; 1 a contender has a wrong answer; 4 nothing could be ranked.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("versus", SUMMARY, EPILOG)
    p.add_argument("contenders", nargs="+", metavar="RUNS")
    p.add_argument("--price", action="append", default=[], metavar="LABEL=MONEY", help="price of a device hour, all in one currency")
    p.add_argument(
        "--tokens-per-second", action="append", default=[], metavar="LABEL=RATE", help="output tokens of one device at equal TPOT"
    )
    p.add_argument("--watts", action="append", default=[], metavar="LABEL=W", help="power of one device with its share of the node")
    p.add_argument("--pue", type=float, default=1.3, help="power usage effectiveness of the site (default 1.3)")
    p.add_argument("--tariff", type=float, default=0.1, help="price of a kWh (default 0.1)")
    p.add_argument("--utilisation", type=float, default=0.5, help="share of the hours in which it serves (default 0.5)")
    p.add_argument("--scoreboard", action="store_true", help="the 18 recommendations of the DeepSeek-V3 hardware paper")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    from assay.results.contender import read_contender
    from assay.results.prices import stated_price
    from assay.results.report import finish
    from assay.results.scoreboard import answers, scoreboard_lines
    from assay.results.versus import as_dict, versus
    from assay.results.versus_text import versus_lines

    store = opened(ns.store)
    contenders, prices = [], numbers(ns.price, "--price")
    for word in ns.contenders:
        label, mark, names = word.partition("=")
        runs = store.resolve(names if mark else label)
        contenders.append(read_contender(label, runs))
        stated = stated_price(runs)
        if stated is not None and label not in prices:
            prices[label] = stated[0]
            tell(f"price of {label}: {stated[0]:g} {stated[1]}")
    found = versus(contenders, prices=prices)
    costs = tokens(ns, prices, {one.label: one.watts for one in found.ratios})
    if ns.json:
        board = {one.label: answers(one) for one in contenders} if ns.scoreboard else None
        emit_json(as_dict(found) | {"cost": costs, "scoreboard": board})
    else:
        lines = versus_lines(found) + [(line, "") for line in cost_lines(costs)]
        lines += [(line, "") for line in scoreboard_lines(contenders)] if ns.scoreboard else []
        out(finish(lines, color=color()))
    return 1 if found.wrong else 4 if found.unranked else 0


def numbers(words: Sequence[str], where: str) -> dict[str, float]:
    """Read ``LABEL=NUMBER``; RefusalError for anything else."""
    found = {}
    for word in words:
        label, _, value = word.partition("=")
        try:
            found[label] = float(value)
        except ValueError as error:
            message = "is no LABEL=NUMBER"
            raise RefusalError(message, value=word, where=where, fix=f"Write {where} ours=2.5.") from error
    return found


def tokens(ns: Namespace, prices: dict[str, float], told: dict[str, float | None]) -> dict[str, dict[str, object]]:
    """Give the cost of a million tokens of every contender with a rate; RefusalError where one of its inputs is missing."""
    from assay.results.tokens import Assumptions, cost, sensitivity

    rates, watts = numbers(ns.tokens_per_second, "--tokens-per-second"), numbers(ns.watts, "--watts")
    found: dict[str, dict[str, object]] = {}
    for label, rate in rates.items():
        power = watts.get(label, told.get(label) or 0.0)
        for name, value in (("--price", prices.get(label)), ("--watts", power or None)):
            if value is None:
                message = f"the cost of {label} needs it"
                raise RefusalError(message, where=name, fix=f"Say {name} {label}=NUMBER.")
        given = Assumptions(rate, prices[label], power, ns.pue, ns.tariff, ns.utilisation).checked()
        found[label] = {"inputs": asdict(given), "per_million": cost(given), "sensitivity": sensitivity(given)}
    return found


def cost_lines(costs: dict[str, dict[str, object]]) -> list[str]:
    """Write costs with every input and what 20 % more or less of it would do."""
    lines = ["cost of a million output tokens (currency of --price):"] if costs else []
    for label, one in costs.items():
        inputs, swing = one["inputs"], one["sensitivity"]
        assert isinstance(inputs, dict)  # noqa: S101 - made above
        assert isinstance(swing, dict)  # noqa: S101 - made above
        lines.append(f"  {label}: {one['per_million']:.4g}")
        lines += [
            f"    {name} {value:g}: {swing[name][0]:.4g} with 20 % less, {swing[name][1]:.4g} with 20 % more"
            for name, value in inputs.items()
        ]
    return lines
