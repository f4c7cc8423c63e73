"""A device's history as text: a line a run, what was out of the ordinary, and where it moved."""

from __future__ import annotations

from assay.results.device_history import DeviceHistory, Figure, Stay
from assay.results.report import Line, finish
from assay.results.units import percent, quantity

RED, YELLOW, BOLD = "31", "33", "1"
MARKED = 0.02  # a deficit worth a colour
MOST = 6


def render_device(history: DeviceHistory, *, color: bool) -> str:
    """Write a device's history, oldest run first; what came out of files cannot drive a terminal."""
    names = [f"UUID {history.uuid}" if history.uuid else "", f"serial {history.serial}" if history.serial else ""]
    head = f"{history.model} {', '.join(name for name in names if name) or history.identity}"
    lines: list[Line] = [(head, BOLD), *[(f"  note: {note}", YELLOW) for note in history.notes]]
    for stay in history.stays:
        lines += stay_lines(stay)
    hosts = len({stay.host for stay in history.stays})
    failures = sum(len(stay.failures) for stay in history.stays)
    figures = sum(len(stay.figures) for stay in history.stays)
    runs = len({stay.run for stay in history.stays})
    tail = f"{runs} run{'s' if runs != 1 else ''} on {hosts} host{'s' if hosts != 1 else ''}, {len(history.moves)} moves, "
    return finish([*lines, (tail + f"{figures} figures, {failures} cases failed or without a figure", "")], color=color)


def stay_lines(stay: Stay) -> list[Line]:
    """Write one run: where, and its figures, those furthest from the peers first."""
    moved = f"  MOVED here from {stay.moved}" if stay.moved else ""
    lines: list[Line] = [(f"{stay.run}  {stay.host} {stay.slot}{moved}", YELLOW if moved else "")]
    lines += [(f"    {what}  {key}", RED) for key, what in stay.failures]
    ordered = sorted(stay.figures, key=lambda one: (not one.marks, -(one.deficit or 0.0), one.key))
    lines += [(f"    {text(one)}", style(one)) for one in ordered[:MOST]]
    if len(ordered) > MOST:
        lines.append((f"    ... and {len(ordered) - MOST} more figures (--json has all)", ""))
    return lines


def text(one: Figure) -> str:
    """Write one figure beside its peers'."""
    beside = "no peer in this run"
    if one.peers is not None:
        away = "" if one.deficit is None else f", {percent(abs(one.deficit))} {'slower' if one.deficit > 0 else 'faster'}"
        beside = f"peers' median {quantity(one.peers, one.unit)} (n = {one.n_peers}{away})"
    marks = f"  [{', '.join(one.marks)}]" if one.marks else ""
    return f"{one.metric} {quantity(one.value, one.unit)}  {beside}{marks}  {one.key}"


def style(one: Figure) -> str:
    """Colour what lacks more than a little, and what is marked."""
    return RED if (one.deficit or 0.0) > MARKED else YELLOW if one.marks else ""
