"""One section of a report: a heading with what stands under it, or the sentence that says why there is nothing."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from assay.results.html.element import element

EMPTY = Markup()


@dataclass(frozen=True)
class Section:
    """One section.

    Attributes:
        id: anchor, ours.
        title: heading.
        body: markup; empty where there is nothing to show.
        absent: why there is nothing to show; empty where there is something.

    """

    id: str
    title: str
    body: Markup = EMPTY
    absent: str = ""

    def markup(self) -> Markup:
        """Write it as a landmark with its heading."""
        heading = element("h2", self.title, id=f"{self.id}-h")
        said = element("p", self.absent, class_="absent") if self.absent else None
        return element("section", heading, said, self.body, id=self.id, aria_labelledby=f"{self.id}-h")
