"""The whole page: one file, no network, nothing executed but our own script, which the content security policy names by its hash."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from importlib import resources

from markupsafe import Markup

from assay.results.html.cases import cases_section
from assay.results.html.compared import comparison_section
from assay.results.html.device import telemetry_section
from assay.results.html.element import element
from assay.results.html.history import history_section
from assay.results.html.maps import maps_section
from assay.results.html.provenance import provenance_section
from assay.results.html.roofline import roofline_section
from assay.results.html.samples import samples_section
from assay.results.html.section import Section
from assay.results.html.summary import masthead, next_section, runs_section, verdicts_section
from assay.results.html.sweeps import sweeps_section
from assay.results.html.waterfall import waterfall_section
from assay.results.report_content import Content

BUILDERS: Sequence[tuple[str, str, Callable[[Content], Section]]] = (
    ("next", "What to do next", next_section),
    ("runs", "Runs", runs_section),
    ("verdicts", "Verdicts", verdicts_section),
    ("cases", "Cases", cases_section),
    ("comparison", "Comparison", comparison_section),
    ("sweeps", "Size sweeps", sweeps_section),
    ("roofline", "Roofline", roofline_section),
    ("maps", "Heat maps", maps_section),
    ("history", "History", history_section),
    ("telemetry", "Device telemetry", telemetry_section),
    ("waterfall", "Waterfall", waterfall_section),
    ("samples", "Samples", samples_section),
    ("provenance", "Provenance", provenance_section),
)
# What figures that no sound run has may raise in a drawing; the section then says so, and the rest of the report stands.
UNDRAWABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError)


def sections(content: Content) -> list[Section]:
    """Build every section; one that cannot be built says so in its place."""
    return [built(ident, title, builder, content) for ident, title, builder in BUILDERS]


def built(ident: str, title: str, builder: Callable[[Content], Section], content: Content) -> Section:
    """Build one section."""
    try:
        return builder(content)
    except UNDRAWABLE as error:
        return Section(ident, title, absent=f"This section could not be built from the run's files: {type(error).__name__}: {error}")


def page(content: Content, *, found: Sequence[Section] | None = None) -> str:
    """Write the page; equal contents give equal bytes."""
    shown = sections(content) if found is None else found
    word = content.judgement.word
    html = element("html", head(f"{word}: Assay report {content.judgement.run.id}"), body(content, shown), lang="en")
    return f"<!DOCTYPE html>\n{html}\n"


def head(title: str) -> Markup:
    """Write the head: policy first, then our style."""
    style = asset("style.css")
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy(style, asset("script.js"))),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content="assay report"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", style),
    )


def body(content: Content, shown: Sequence[Section]) -> Markup:
    """Write the landmarks: head, ways to the sections, the sections, foot."""
    ways = [
        element("li", element("a", section.title, href=f"#{section.id}", class_="empty" if section.absent else None)) for section in shown
    ]
    version = str(content.judgement.described.get("assay") or "unknown")
    return element(
        "body",
        element("a", "To the report", href="#main", class_="skip"),
        masthead(content),
        element("nav", element("ul", ways), aria_label="Sections"),
        element("main", [section.markup() for section in shown], id="main"),
        element("footer", element("p", f"Measured with Assay {version}. This file needs no network and asks for nothing.")),
        element("script", asset("script.js")),
    )


def policy(style: str, script: str) -> str:
    """Allow our style and our script by their hashes, the empty icon, and nothing else."""
    allowed = f"default-src 'none'; script-src {hash_of(script)}; style-src {hash_of(style)}; img-src data:"
    return f"{allowed}; base-uri 'none'; form-action 'none'"


def hash_of(text: str) -> str:
    """Give the source expression of an inline block (CSP level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def asset(name: str) -> Markup:
    """Read our own style or script, which goes into the page as it is."""
    return Markup(resources.files("assay.results.html").joinpath(name).read_text(encoding="utf-8"))  # noqa: S704 - a file of ours
