"""Figures of one case held against each other: a device that is slow beside its peers, and figures that should be equal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from assay.results.aims import Equal, Peers
from assay.results.bounded import Finding
from assay.results.peers import ENOUGH, Crowd, lacking, settle
from assay.results.record import Record
from assay.results.robust import critical_z
from assay.results.units import percent, quantity

NAMED = 4


def judge_peers(rule: Peers, figures: Sequence[Record], *, tests: int) -> list[tuple[Record, Finding]]:
    """Judge every device of one case against the others, with the statistics of ``assay fleet``; ``tests`` figures are judged in all.

    A device fails that lacks ``min_deficit`` of its peers' speed **and** stands out of their spread (MAD z beyond k, and k grows with the
    number of tests), or is faster than they by ``max_excess`` and stands out. One run is what this sees: a hiccup looks like a slow device.
    """
    usable = [record for record in figures if record.value > 0]
    logs = {record.subject: [speed(record)] for record in usable}
    crowd, slow = settle(logs, min_deficit=rule.min_deficit, tests=tests)
    if crowd is None:
        said = f"too few peers: {len(logs)} devices have this figure, {ENOUGH} are needed to tell a slow one from spread"
        return [(record, Finding("no-verdict", said)) for record in figures]
    peers = tuple(sorted(set(logs) - slow))
    found = [(record, beside(rule, record, crowd, slow, peers, tests)) for record in usable]
    rest = [(record, Finding("no-verdict", "a figure that is not positive has no place among its peers")) for record in figures]
    return found + [pair for pair in rest if pair[0].value <= 0]


def speed(record: Record) -> float:
    """Give the logarithm of a figure, larger is faster."""
    return math.log(record.value) if record.better == "higher" else -math.log(record.value)


def beside(rule: Peers, record: Record, crowd: Crowd, slow: set[str], peers: tuple[str, ...], tests: int) -> Finding:
    """Judge one device beside its peers."""
    lead = speed(record) - crowd.centre
    expected = math.exp(crowd.centre if record.better == "higher" else -crowd.centre)
    z = lead / crowd.scale(1)
    said = f"{record.subject} has {quantity(record.value, record.unit)}, its {crowd.n} peers {quantity(expected, record.unit)} (z {z:+.1f})"
    confirm = "one run: confirm with assay fleet over several"
    if record.subject in slow:
        lost = percent(lacking(speed(record), crowd.centre))
        return Finding("fail", f"{said}: {lost} slower, {percent(rule.min_deficit)} are allowed; {confirm}", expected, peers)
    excess = math.expm1(min(lead, 700.0))
    if rule.max_excess is not None and excess > rule.max_excess and z > critical_z(crowd.n, tests):
        return Finding("fail", f"{said}: too good by {percent(excess)}, {percent(rule.max_excess)} are allowed; {confirm}", expected, peers)
    return Finding("pass", said, expected, peers)


def judge_equal(rule: Equal, figures: Sequence[Record]) -> list[tuple[Record, Finding]]:
    """Judge whether figures are equal to the last bit: to the rule's value, else to what most devices of the case have.

    Without a value and a majority nobody knows who is right: then every figure fails, and the values are named.
    """
    if rule.value is None and len(figures) < 2:  # noqa: PLR2004 - one figure is equal to itself
        said = "one figure alone has nothing to be equal to: give a value, or measure on more devices"
        return [(record, Finding("no-verdict", said)) for record in figures]
    counts = Counter(record.value for record in figures)
    most, votes = counts.most_common(1)[0]
    agreed = rule.value if rule.value is not None else most if 2 * votes > len(figures) else None
    if agreed is None:
        told = ", ".join(f"{count} x {value:.17g}" for value, count in counts.most_common(NAMED))
        return [(record, Finding("fail", f"no majority among {len(figures)} figures: {told}")) for record in figures]
    by = "the rule" if rule.value is not None else f"{votes} of {len(figures)} devices"
    baseline = () if rule.value is not None else tuple(sorted(record.subject for record in figures if record.value == agreed))
    return [(record, equality(record, agreed, by, baseline)) for record in figures]


def equality(record: Record, agreed: float, by: str, baseline: tuple[str, ...]) -> Finding:
    """Say whether one figure is what it should be."""
    if record.value == agreed:
        return Finding("pass", f"{record.subject} has {agreed:.17g} {record.unit}, as {by} says", agreed, baseline)
    return Finding("fail", f"{record.subject} has {record.value:.17g} {record.unit}, {by} says {agreed:.17g}", agreed, baseline)
