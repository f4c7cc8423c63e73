"""A drawing with its words: title and description for those who cannot see it, caption, and the numbers behind it as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assay.results.html.element import Child, element
from assay.results.html.scale import Scale
from assay.results.html.table import Table

# Units of a drawing: about the pixels of a phone, so that its text is never smaller than on paper.
WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 22, 36
SERIES = 6  # styles of line and point in style.css: s0 to s5


@dataclass(frozen=True)
class Figure:
    """One drawing.

    Attributes:
        id: anchor, ours; ids of title and description are made of it.
        title: what is drawn.
        description: what can be seen, in a sentence or two.
        drawing: what stands inside the ``svg``.
        table: the numbers behind it.
        caption: markup or text under it; the title where there is none.
        height: in units.

    """

    id: str
    title: str
    description: str
    drawing: Sequence[Child]
    table: Table
    caption: Child = None
    height: float = HEIGHT

    def markup(self) -> Markup:
        """Write it."""
        svg = element(
            "svg",
            element("title", self.title, id=f"{self.id}-t"),
            element("desc", self.description, id=f"{self.id}-d"),
            self.drawing,
            viewBox=f"0 0 {WIDTH} {self.height:g}",
            role="img",
            aria_labelledby=f"{self.id}-t {self.id}-d",
        )
        caption = element("figcaption", element("h3", self.title), self.caption or element("p", self.description))
        numbers = element("details", element("summary", "Numbers"), self.table.markup(), class_="numbers")
        return element("figure", caption, svg, numbers, id=self.id)


def axes(
    x: Scale, y: Scale, *, xlabel: str, ylabel: str, xtext: Callable[[float], str], ytext: Callable[[float], str], height: float = HEIGHT
) -> list[Markup]:
    """Draw grid lines with their values, and the names of both axes; ``y`` starts at the bottom."""
    bottom = height - BOTTOM
    ticks = y.ticks()
    drawn = [
        element("rect", x=LEFT, y=TOP, width=WIDTH - LEFT - RIGHT, height=bottom - TOP, class_="ground"),
        element("path", d="".join(f"M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" for tick in ticks), class_="grid"),
        *(element("text", ytext(tick), x=LEFT - 4, y=f"{y(tick) + 3.5:.1f}", class_="e") for tick in ticks),
    ]
    return drawn + x_axis(x, top=TOP, bottom=bottom, label=xlabel, text=xtext) + [element("text", ylabel, x=2, y=TOP - 9, class_="name")]


def x_axis(x: Scale, *, top: float, bottom: float, label: str, text: Callable[[float], str]) -> list[Markup]:
    """Draw the vertical grid lines with values and the name of the axis under them."""
    ticks = x.ticks(4)
    lines = element("path", d="".join(f"M{x(tick):.1f} {top:g}V{bottom:g}" for tick in ticks), class_="grid")
    names = [element("text", text(tick), x=f"{x(tick):.1f}", y=f"{bottom + 12:g}", class_="m") for tick in ticks]
    return [lines, *names, element("text", label, x=WIDTH - RIGHT, y=f"{bottom + 27:g}", class_="e name")]


def points(places: Sequence[tuple[float, float]], style: str) -> Markup:
    """Draw points as one path: round ends of lines without length."""
    return element("path", d="".join(f"M{x:.1f} {y:.1f}h0" for x, y in places), class_=f"dot {style}")


def line(places: Sequence[tuple[float, float]], style: str, kind: str = "line") -> Markup:
    """Draw one line through its places."""
    return element("path", d="".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(places)), class_=f"{kind} {style}")


def style_of(number: int) -> str:
    """Give the style of the nth series; after six they begin again."""
    return f"s{number % SERIES}"


def legend(names: Sequence[str]) -> Markup:
    """Name the series beside samples of their styles."""
    entries = [element("li", swatch(number), " ", name) for number, name in enumerate(names)]
    return element("ul", entries, class_="legend")


def swatch(number: int) -> Markup:
    """Draw a sample of one style."""
    style = style_of(number)
    drawn = [line([(1, 6), (27, 6)], style), points([(14, 6)], style)]
    return element("svg", drawn, viewBox="0 0 28 12", class_="swatch", aria_hidden="true")
