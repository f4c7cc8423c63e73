"""Heat maps of a run: its ranks over its cases, and pairs of ranks where cases name pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.html.element import element, joined
from assay.results.html.heat import HeatMap
from assay.results.html.naming import case_names
from assay.results.html.section import Section
from assay.results.report_content import Content
from assay.results.tables import label
from assay.results.truth import figures_doubt
from assay.results.units import quantity, signed

# Parameters that name the two ends of a pair, and the one that names the plane (rail, network) it was measured on.
ENDS = (("src", "dst"), ("source", "target"), ("rank_a", "rank_b"), ("sender", "receiver"))
PLANES = ("plane", "rail", "nic")
ROWS, COLUMNS, MAPS = 40, 64, 12
RATES = ("busbw", "algbw", "memory_rate", "time")
ABSENT = (
    "No case of this run measures pairs of ranks or planes one by one (parameters plane and pair, or src and dst), "
    "so there is no plane x pair map."
)


def maps_section(content: Content) -> Section:
    """Draw the maps that the run has data for, and say which it has none for."""
    maps = [*pair_maps(content), *rank_maps(content)]
    pairs = any(one.id.startswith("pairs") for one in maps)
    said = [] if pairs else [ABSENT]
    if not any(one.id == "ranks" for one in maps):
        said.append("Fewer than two ranks were measured, so there is no map of ranks.")
    if not maps:
        return Section("maps", "Heat maps", absent=" ".join(said))
    notes = element("p", " ".join(said), class_="absent") if said else None
    return Section("maps", "Heat maps", joined(notes, element("div", [one.figure().markup() for one in maps], class_="cards wide")))


def rank_maps(content: Content) -> list[HeatMap]:
    """Draw each rank's median time against the median over the ranks, for the cases in which they differ most."""
    own = [(case, rank_medians(content.judgement.measurements.get(case["key"]))) for case in content.judgement.cases]
    known = [(case, medians) for case, medians in own if len(medians) > 1]
    if not known:
        return []
    shown = sorted(known, key=lambda row: min(row[1]) / max(row[1]))[:ROWS]
    named = case_names(content.judgement.cases)
    values: dict[tuple[str, str], float] = {}
    names = []
    for case, medians in shown:
        name = named[case["key"]]
        names.append(name)
        for rank, own_median in list(enumerate(medians))[:COLUMNS]:
            values[name, f"rank{rank}"] = own_median / median(medians) - 1
    columns = [f"rank{rank}" for rank in range(min(COLUMNS, max(len(medians) for _, medians in shown)))]
    cut = f"the {len(shown)} of {len(known)} cases whose ranks differ most" if len(shown) < len(known) else f"{len(shown)} cases"
    said = f"Median time of each rank against the median over the ranks, {cut}."
    return [HeatMap("ranks", "Ranks over cases", names, columns, values, signed, said, middle=0.0)]


def rank_medians(measurement: Measurement | None) -> list[float]:
    """Give the median of each rank of a measured case; none where its figures are in doubt."""
    if measurement is None or measurement.status != "measured" or figures_doubt(measurement):
        return []
    return [median(row) for row in measurement.samples.rows if row]


def pair_maps(content: Content) -> list[HeatMap]:
    """Draw one map for each group of cases that differ in their pair (and plane) alone."""
    records = content.records
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for case in content.judgement.cases:
        place = pair_of(case.get("params") or {})
        if place is not None:
            row, column, names = place
            rest = {name: value for name, value in case["params"].items() if name not in names and name != "seed"}
            groups.setdefault(f"{case['suite']} {label({**case, 'params': rest}, {})}", []).append((row, column, case["key"]))
    made = [pair_map(number, name, places, records) for number, (name, places) in enumerate([*groups.items()][:MAPS])]
    return [one for one in made if one is not None]


def pair_of(params: Mapping[str, Any]) -> tuple[str, str, set[str]] | None:
    """Give (row, column, parameters used): plane and pair where a plane is named, else the two ends; None for no pair."""
    plane = next((name for name in PLANES if name in params), None)
    ends = next((names for names in ENDS if all(name in params for name in names)), None)
    if "pair" in params:
        pair = params["pair"]
        said = "-".join(map(str, pair)) if isinstance(pair, (list, tuple)) else str(pair)
        return (f"{plane} {params[plane]}" if plane else "pair", said, {"pair", *([plane] if plane else [])})
    if ends and plane:
        return f"{plane} {params[plane]}", f"{params[ends[0]]}-{params[ends[1]]}", {plane, *ends}
    return (str(params[ends[0]]), str(params[ends[1]]), {*ends}) if ends else None


def pair_map(number: int, name: str, places: Sequence[tuple[str, str, str]], records: Mapping[str, Sequence[Any]]) -> HeatMap | None:
    """Draw one group; None where no case of it has a figure."""
    found = [record for _, _, key in places for record in records.get(key, [])]
    metric = next((metric for metric in RATES if any(record.metric == metric for record in found)), "")
    values = {}
    for row, column, key in places:
        own = [record.value for record in records.get(key, []) if record.metric == metric]
        if own:
            values[row, column] = max(own) if metric == "time" else min(own)
    if not values:
        return None
    unit = next(record.unit for record in found if record.metric == metric)
    rows, columns = dict.fromkeys(row for row, _, _ in places), dict.fromkeys(column for _, column, _ in places)
    said = f"{metric} of each pair, worst subject."
    return HeatMap(
        f"pairs-{number}", f"{name}: {metric}", [*rows][:COLUMNS], [*columns][:COLUMNS], values, lambda v: quantity(v, unit), said
    )
