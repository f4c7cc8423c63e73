"""Heat maps: any values over two named directions, such as rank x rank or plane x pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from markupsafe import Markup

from assay.results.html.element import element
from assay.results.html.figure import RIGHT, WIDTH, Figure
from assay.results.html.naming import fitted
from assay.results.html.table import Cell, Row, Table

SHADES = 7
HEAD, FOOT, LOWEST = 20, 26, 14
LETTER, FEW = 6, 8  # width of a letter; up to this many columns leave room for long names


@dataclass(frozen=True)
class HeatMap:
    """Values by (row, column); where there is none the place stays empty and the table says so.

    Attributes:
        id: anchor, ours.
        title: what is shown.
        rows: names of the rows.
        columns: names of the columns.
        values: by (row, column).
        text: writes a value.
        description: what a reader should see.
        middle: the value at which the scale turns (low and high get different hues); None for a scale of one hue.

    """

    id: str
    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Mapping[tuple[str, str], float]
    text: Callable[[float], str]
    description: str = ""
    middle: float | None = field(default=None)

    def figure(self) -> Figure:
        """Draw it; the darker, the higher."""
        across = (WIDTH - self.names - RIGHT) / max(len(self.columns), 1)
        down = max(min(across, 22.0), LOWEST)
        drawing = [*self.heads(across), *(mark for i, row in enumerate(self.rows) for mark in self.line(i, row, across, down))]
        height = HEAD + down * len(self.rows) + FOOT
        return Figure(self.id, self.title, self.said(), [*drawing, self.key(height - FOOT + 8)], self.table(), height=height)

    @cached_property
    def names(self) -> float:
        """Give the room for the names of the rows, in units of the drawing."""
        longest = LETTER * (max(map(len, self.rows), default=0) + 1)
        return min(max(longest, 70), 170 if len(self.columns) <= FEW else 110)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Give the lowest and the highest value; around the middle equally far on both sides."""
        known = [value for value in self.values.values() if math.isfinite(value)]
        low, high = min(known, default=0.0), max(known, default=1.0)
        if self.middle is None:
            return low, high
        far = max(high - self.middle, self.middle - low)
        return self.middle - far, self.middle + far

    def shade(self, value: float) -> str:
        """Give the class of a value: h0 to h6, or d0 to d6 where the scale turns in the middle."""
        low, high = self.ends
        part = 0.5 if high <= low else (value - low) / (high - low)
        return f"{'h' if self.middle is None else 'd'}{min(SHADES - 1, int(part * SHADES))}"

    def heads(self, across: float) -> list[Markup]:
        """Name the columns: all that fit."""
        step = max(1, math.ceil(34 / across))
        shown = [(i, name) for i, name in enumerate(self.columns) if i % step == 0]
        room = max(3, int(across * step / 6))
        return [
            element(
                "text",
                name if len(name) <= room else f"{name[: room - 1]}.",
                x=f"{self.names + across * (i + 0.5):.1f}",
                y=HEAD - 7,
                class_="m",
            )
            for i, name in shown
        ]

    def line(self, number: int, row: str, across: float, down: float) -> list[Markup]:
        """Draw one row."""
        top = HEAD + down * number
        name = fitted(row, int(self.names / LETTER))
        drawn = [element("text", name, x=self.names - 4, y=f"{top + down / 2 + 3.5:.1f}", class_="e")]
        for i, column in enumerate(self.columns):
            value = self.values.get((row, column))
            if value is None or not math.isfinite(value):
                continue
            told = element("title", f"{row}, {column}: {self.text(value)}")
            place = {
                "x": f"{self.names + across * i:.1f}",
                "y": f"{top:.1f}",
                "width": f"{max(across - 1, 1):.1f}",
                "height": f"{down - 1:.1f}",
            }
            drawn.append(element("rect", told, **place, class_=self.shade(value)))
        return drawn

    def key(self, top: float) -> Markup:
        """Draw the key of the shades with both ends."""
        low, high = self.ends
        kind = "h" if self.middle is None else "d"
        boxes = [element("rect", x=self.names + 14 * i, y=f"{top:.1f}", width=14, height=8, class_=f"{kind}{i}") for i in range(SHADES)]
        ends = [
            element("text", self.text(low), x=self.names - 4, y=f"{top + 8:.1f}", class_="e"),
            element("text", self.text(high), x=self.names + 14 * SHADES + 4, y=f"{top + 8:.1f}"),
        ]
        return element("g", boxes, ends)

    def said(self) -> str:
        """Describe it, with its extremes."""
        known = {place: value for place, value in self.values.items() if math.isfinite(value)}
        if not known:
            return f"{self.description} There is no value.".strip()
        low, high = min(known, key=lambda place: known[place]), max(known, key=lambda place: known[place])
        lowest = f"Lowest {self.text(known[low])} at {low[0]}, {low[1]}"
        return f"{self.description} {lowest}; highest {self.text(known[high])} at {high[0]}, {high[1]}.".strip()

    def table(self) -> Table:
        """Give the values behind it."""
        columns = ("row", *self.columns)
        rows: list[Row] = [
            [
                row,
                *(
                    Cell("none") if (value := self.values.get((row, column))) is None else Cell(self.text(value), value)
                    for column in self.columns
                ),
            ]
            for row in self.rows
        ]
        return Table(self.title, columns, rows, numeric=frozenset(self.columns), small=True)
