"""Provenance: everything that is known of how the figures came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from assay.results.html.element import element, joined
from assay.results.html.section import Section
from assay.results.html.table import Cell, Row, Table
from assay.results.report_content import Content
from assay.results.units import quantity, size

DEEPEST, LONGEST = 6, 4_000


def provenance_section(content: Content) -> Section:
    """Write run, machine, ranks, limits, marks, problems, files and configuration."""
    parts = [
        problems(content),
        pairs_table("Run (run.json)", content.judgement.described),
        pairs_table("Machine (facts.json)", content.facts),
        ranks_table(content),
        limits_table(content),
        marks_table(content),
        Table(
            "Files of the run",
            ("file", "size"),
            [[name, Cell(size(nbytes), nbytes)] for name, nbytes in content.files],
            numeric=frozenset({"size"}),
        ).markup(),
        config_block(content),
    ]
    return Section("provenance", "Provenance", joined(parts))


def problems(content: Content) -> Markup:
    """List what could not be read."""
    if not content.problems:
        return element("p", "Every file of the run could be read.")
    return joined(element("h3", "Problems"), element("ul", [element("li", problem) for problem in content.problems], class_="problems"))


def pairs_table(caption: str, data: Mapping[str, Any]) -> Markup:
    """Write nested values as rows of dotted names."""
    rows: list[Row] = [[name, value] for name, value in flat(data)]
    return Table(caption, ("name", "value"), rows).markup() if rows else element("p", f"{caption}: missing or unreadable.", class_="absent")


def flat(data: object, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (dotted name, value as text); what is nested too deep is written as it is."""
    if isinstance(data, Mapping) and data and depth < DEEPEST:
        for key, value in data.items():
            yield from flat(value, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(data, (list, tuple)) and any(isinstance(item, (Mapping, list, tuple)) for item in data) and depth < DEEPEST:
        for number, value in enumerate(data):
            yield from flat(value, f"{name}[{number}]", depth + 1)
    else:
        text = " ".join(map(str, data)) if isinstance(data, (list, tuple)) else str(data)
        yield name, text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def ranks_table(content: Content) -> Markup:
    """Write where each rank sat."""
    if not content.ranks:
        return element("p", "Places of the ranks: none was written down.", class_="absent")
    told = [dict(flat(rank)) for rank in content.ranks]
    names = list(dict.fromkeys(name for row in told for name in row))
    return Table("Places of the ranks", names, [[row.get(name, "") for name in names] for row in told]).markup()


def limits_table(content: Content) -> Markup:
    """Write the limits with their sources."""
    if not content.limits:
        return element("p", "Limits: none is known, neither measured nor stated.", class_="absent")
    rows: list[Row] = [
        [limit.resource, Cell(quantity(limit.value, limit.unit), limit.value), limit.name, limit.source]
        for limit in content.limits.values()
    ]
    return Table("Limits", ("resource", "limit", "name", "source"), rows, numeric=frozenset({"limit"})).markup()


def marks_table(content: Content) -> Markup:
    """Write the marks on the quality of figures with the number of cases and the first of them."""
    found: dict[str, list[str]] = {}
    for record in content.judgement.records:
        for flag in record.flags:
            if not flag.startswith("slowest rank"):
                found.setdefault(flag, []).append(record.key)
    if not found:
        return element("p", "Marks on the quality of figures: none.")
    rows: list[Row] = [[flag, Cell(len(set(keys)), len(set(keys))), keys[0]] for flag, keys in found.items()]
    return Table("Marks on the quality of figures", ("mark", "cases", "first case"), rows, numeric=frozenset({"cases"})).markup()


def config_block(content: Content) -> Markup:
    """Write the configuration as it was composed."""
    if not content.config:
        return element("p", "Configuration (config.yaml): missing or unreadable.", class_="absent")
    block = element("pre", content.config, tabindex=0, role="region", aria_label="config.yaml")
    return element("details", element("summary", "Configuration (config.yaml)"), block)
