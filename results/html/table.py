"""A table that a reader can sort and filter: plain rows without a script, ``data-v`` holds what a column is sorted by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assay.results.html.element import Child, element

# More rows than this make a page that no browser likes; what is left out is said.
MOST = 5_000
SENTENCES = {"reason", "marks", "coverage", "value"}


@dataclass(frozen=True)
class Cell:
    """What is shown, what it is sorted by (a number, or the text), and a class of style."""

    text: Child
    value: float | None = None
    mood: str = ""


Row = Sequence[Cell | str]


@dataclass(frozen=True)
class Table:
    """A table: ``numeric`` columns stand to the right, the first column names its row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Row]
    numeric: frozenset[str] = frozenset()
    small: bool = False

    def markup(self) -> Markup:
        """Write it inside a frame that scrolls by itself (by keyboard too), so that the page never does sideways."""
        head = element("thead", element("tr", [element("th", name, scope="col", class_=self.side(name)) for name in self.columns]))
        body = element("tbody", map(self.row, self.rows[:MOST]))
        rest = len(self.rows) - MOST
        more = element("p", f"{rest} more rows are left out here; assay show RUN --json has all.", class_="absent") if rest > 0 else None
        table = element("table", element("caption", self.caption), head, body, class_="small" if self.small else "sorts")
        named = {} if self.small else {"role": "region", "aria_label": self.caption}
        return element("div", table, more, class_="frame", tabindex=0, **named)

    def side(self, name: str) -> str | None:
        """Give the class of a column: figures stand to the right, sentences get room."""
        return "n" if name in self.numeric else "w" if name in SENTENCES else None

    def row(self, cells: Row) -> Markup:
        """Write one row."""
        return element("tr", [self.cell(name, cell, first=i == 0) for i, (name, cell) in enumerate(zip(self.columns, cells, strict=True))])

    def cell(self, name: str, cell: Cell | str, *, first: bool) -> Markup:
        """Write one cell; the first of a row is its heading."""
        known = cell if isinstance(cell, Cell) else Cell(cell)
        mood = " ".join(filter(None, (self.side(name), known.mood))) or None
        by = None if known.value is None or not math.isfinite(known.value) else f"{known.value:.6g}"
        return element("th" if first else "td", known.text, scope="row" if first else None, class_=mood, data_v=by)
