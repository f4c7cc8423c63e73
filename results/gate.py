"""The rule of the gate: A and B measured pair by pair, each case same, faster, slower, inconclusive or not comparable.

Pure: per-run medians in, verdicts out; who measured them, and how, is none of its business. statistics: ``paired.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from assay.results.paired import Estimates, Screen, estimate, noise_floor, pairs_needed, screen
from assay.results.thresholds import Thresholds
from assay.results.units import duration, percent, signed

if TYPE_CHECKING:
    from assay.results.paired import Floats

RULE = "gate/2"  # 2: hiccups by Rosner's test, in the noise floor too; 1 trimmed pairs on both sides
FEWEST = 3
MARGINS = 4.0  # the margin of "same", in noise floors: 97 % of A/A comparisons lie inside it


@dataclass(frozen=True)
class Look:
    """One case after one pass. Effects, intervals, floors and margins are shares (head / base - 1)."""

    status: str
    reason: str
    change: float = 0.0
    interval: tuple[float, float] | None = None
    interval90: tuple[float, float] | None = None
    p: float = 1.0
    pairs: int = 0
    trimmed: int = 0
    floor: float | None = None
    margin: float | None = None
    needed: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def neighbours(base: Floats, head: Floats) -> Floats:
    """Give log ratios of neighbouring runs of one side, cases x (pairs - 1): in the order A B B A the middle two are both B."""
    import numpy as np

    first = [(head if i % 2 == 0 else base)[:, i] for i in range(base.shape[1] - 1)]
    second = [(head if i % 2 == 0 else base)[:, i + 1] for i in range(base.shape[1] - 1)]
    found: Floats = np.log(np.stack(second, axis=1)) - np.log(np.stack(first, axis=1))
    return found


def look(base: Floats, head: Floats, thresholds: Thresholds) -> list[Look]:
    """Judge one pass; ``slower`` and ``faster`` are suspicions that a confirming pass must hold up.

    Args:
        base: cases x pairs, seconds of A's runs; pair i was measured A B for even i, B A for odd i.
        head: the same of B's runs.
        thresholds: what counts.

    """
    import numpy as np

    cases, pairs = base.shape
    if not cases:
        return []
    if pairs < FEWEST:
        return [Look("inconclusive", f"{pairs} pairs, at least {FEWEST} are needed", pairs=pairs)] * cases
    ratios = np.log(head) - np.log(base)
    screened = screen(ratios)
    # The noise of one pair's log ratio where nothing differs; with fewer than three neighbours nobody knows it.
    floors = noise_floor(neighbours(base, head), pairs)
    scale = np.exp(np.log(base).mean(axis=1))
    ends = [tuple(np.expm1(end) for end in screened.whole.interval(level)) for level in (0.95, 0.90)]
    shown = Shown(screened, ends, screened.own.tail())
    return [decide(i, shown, float(floors[i]), float(scale[i]), pairs, thresholds) for i in range(cases)]


@dataclass(frozen=True)
class Shown:
    """A screened pass with what follows from it: 95 % and 90 % intervals (shares; low and high of every case) and one-sided p values."""

    screened: Screen
    ends: Sequence[Sequence[Floats]]
    tails: Floats


def decide(i: int, shown: Shown, floor: float, seconds: float, pairs: int, thresholds: Thresholds) -> Look:
    """Judge case ``i`` of a pass; ``seconds`` is the base's geometric mean."""
    whole, own = shown.screened.whole, shown.screened.own
    effect, own_effect = float(whole.effect[i]), float(own.effect[i])
    ends = [(float(low[i]), float(high[i])) for low, high in shown.ends]
    least = max(thresholds.min_effect, 2 * floor)
    margin = min(max(thresholds.min_effect, MARGINS * floor), max(thresholds.widest, thresholds.min_effect))
    spread = float(whole.error[i]) * math.sqrt(pairs)
    found = Look(
        "inconclusive",
        "",
        change=math.expm1(effect),
        interval=ends[0],
        interval90=ends[1],
        p=float(shown.tails[i]),
        pairs=pairs,
        trimmed=int(whole.trimmed[i]),
        floor=floor,
        margin=margin,
        needed=enough(pairs_needed(effect, spread, margin=math.log1p(margin), level=thresholds.same_level), effect, floor, pairs),
    )
    if spread == 0:
        return coarse(found, thresholds)
    agree = effect * own_effect > 0 and min(abs(effect), abs(own_effect)) >= math.log1p(least)
    if found.p < thresholds.alpha / thresholds.looks and agree and abs(found.change) * seconds >= thresholds.min_seconds:
        return replace(found, status="slower" if effect > 0 else "faster", reason="the first pass suspects it")
    return quiet(found, seconds, thresholds)


def enough(needed: int | None, effect: float, floor: float, pairs: int) -> int | None:
    """Give the pairs that would decide, more than were taken: the effect must leave twice the floor too, which falls as 1 / sqrt(pairs)."""
    if needed is None or needed > pairs or not effect:
        return needed
    return max(pairs + 1, math.ceil(pairs * (2 * floor / abs(effect)) ** 2))


def coarse(found: Look, thresholds: Thresholds) -> Look:
    """Judge a case whose pairs are all equal: a clock's tick, not certainty, makes them so."""
    if abs(found.change) < thresholds.min_effect:
        return replace(
            found, status="same", reason="every pair gives the same ratio to the last digit, within the smallest change that matters"
        )
    return replace(found, reason="every pair gives the same ratio to the last digit, as a coarse clock makes them: measure longer")


def quiet(found: Look, seconds: float, thresholds: Thresholds) -> Look:
    """Tell ``same`` from ``inconclusive`` where no difference was flagged: two one-sided tests (Schuirmann 1987), both needed."""
    ends = found.interval90 if thresholds.looks == 1 else found.interval
    assert ends is not None  # noqa: S101 - every look with enough pairs has one
    assert found.margin is not None  # noqa: S101 - likewise
    low, high = ends
    span = f"the {percent(thresholds.same_level)} interval, {signed(low)} to {signed(high)},"
    if -found.margin / (1 + found.margin) <= low and high <= found.margin:
        return replace(found, status="same", reason=f"{span} is within {percent(found.margin)}")
    if max(abs(low), abs(high)) * seconds < thresholds.min_seconds:
        return replace(found, status="same", reason=f"{span} is under {duration(thresholds.min_seconds)}")
    needed = f"about {found.needed} pairs would decide" if found.needed else "no number of pairs would decide"
    return replace(found, reason=f"{span} reaches beyond {percent(found.margin)}: {needed}")


def hold(first: Look, base: Floats, head: Floats, thresholds: Thresholds) -> tuple[Look, Look]:
    """Hold a suspicion against fresh pairs of its case (1 x pairs each); gives (verdict, what the confirming pass saw).

    Confirmed: p under ``confirm_alpha`` in the same direction and at least half the effect. Otherwise both passes together say whether the
    case is the same, or nobody can tell.
    """
    import numpy as np

    fresh = estimate(np.log(head) - np.log(base))
    effect, p = float(fresh.effect[0]), confirm_tail(fresh, worse=first.change > 0)
    ends = fresh.interval(0.95)
    second = Look(
        first.status, "", math.expm1(effect), (math.expm1(float(ends[0][0])), math.expm1(float(ends[1][0]))), p=p, pairs=base.shape[1]
    )
    seen = f"first pass {signed(first.change)}, confirming pass {signed(second.change)} (p {p:.2g}, {second.pairs} fresh pairs)"
    if p < thresholds.confirm_alpha and abs(effect) >= abs(math.log1p(first.change)) / 2:
        return replace(first, reason=f"{signed(first.change)}, 95 % interval {ends_of(first)}; {seen}"), second
    doubt = replace(quiet(first, math.inf, thresholds), status="inconclusive")
    return replace(doubt, reason=f"not confirmed: {seen}"), second


def confirm_tail(fresh: Estimates, *, worse: bool) -> float:
    """Give the one-sided p value in the direction of the suspicion."""
    effect, p = float(fresh.effect[0]), float(fresh.tail()[0])
    return p if (effect > 0) == worse else 1 - p


def ends_of(found: Look) -> str:
    """Write the 95 % interval."""
    return "" if found.interval is None else f"{signed(found.interval[0])} to {signed(found.interval[1])}"


def false_flags(base: Floats, head: Floats, thresholds: Thresholds) -> tuple[int, int]:
    """Count (cases flagged, cases looked at) where runs of one side are compared with their own neighbours: nothing differs there.

    This is the false-alarm rate of the first pass on this very machine, before any confirming.
    """
    import numpy as np

    flagged = looked = 0
    for side, start in ((base, 1), (head, 0)):
        pairs = (side.shape[1] - start) // 2
        if pairs < FEWEST:
            continue
        first = side[:, start : start + 2 * pairs : 2]
        second = side[:, start + 1 : start + 2 * pairs : 2]
        swapped = np.arange(pairs) % 2 == 1  # the order within a pair alternates, as in the gate itself
        looks = look(np.where(swapped, second, first), np.where(swapped, first, second), thresholds)
        flagged += sum(one.status in {"slower", "faster"} for one in looks)
        looked += len(looks)
    return flagged, looked
