"""The report in Markdown: whole, and nothing out of a file becomes markup, a link or a mention (read back by markdown-it)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from assay.harness.rundir import RunDir
from assay.results.report_content import gather
from assay.results.report_markdown import escaped, render_markdown
from assay.results.report_text import render_text
from tests.results.outline import Outline
from tests.results.reported import EVIL, TAG, hostile, rich

KNOWN = {"h1", "h2", "h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ol", "ul", "li"}


def read(text: str) -> Outline:
    """Read Markdown as GitHub does: tables, raw HTML let through, bare addresses made links."""
    return Outline(MarkdownIt("commonmark", {"html": True}).enable(["table"]).render(text))


def test_the_report_has_verdict_coverage_steps_tables_and_machine(tmp_path: Path) -> None:
    base = rich(tmp_path / "a")
    text = render_markdown(gather([rich(tmp_path / "b", slower=1.3)], base=[base]))
    words = read(text).words
    assert words.index("FAIL") < words.index("coverage: 17 of 19 cases measured") < words.index("What to do next")
    assert {"Verdicts", "Cases", "Comparison", "Provenance"} <= set(read(text).inside("h2"))
    assert "Toy 1" in words
    assert text == render_markdown(gather([RunDir(tmp_path / "b")], base=[base]))


def test_every_row_of_every_table_has_as_many_cells_as_its_head(tmp_path: Path) -> None:
    for run in (rich(tmp_path / "a"), hostile(tmp_path / "b")):
        html = MarkdownIt("commonmark").enable(["table"]).render(render_markdown(gather([run])))
        for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
            counts = {row.count("<td>") + row.count("<th>") for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}
            assert len(counts) == 1


def test_hostile_strings_are_shown_and_never_become_markup(tmp_path: Path) -> None:
    found = read(render_markdown(gather([hostile(tmp_path / "evil")])))
    assert {tag for tag, _ in found.elements} <= KNOWN
    assert "".join(text for _, text in found.texts).count(TAG) > 10
    assert all("@user" not in text for _, text in found.texts)  # a comment stands in between, so nobody is called


@pytest.mark.parametrize(
    "text",
    [
        "*a* _b_ **c**",
        "[x](http://e.vil)",
        "`code`",
        "![p](x.png)",
        "a | b",
        "~~no~~",
        "http://e.vil/x",
        "www.e.vil",
        "&lt;b&gt;",
        "\\",
        "$x$",
        "<!-- -->",
    ],
)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    found = Outline(
        MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"]).render(f"x {escaped(text)} x")
    )
    assert {tag for tag, _ in found.elements} == {"p"}
    assert "".join(said for _, said in found.texts).strip() == f"x {text} x"


@pytest.mark.parametrize("text", ["@octocat", "#12", "GH-12", "https://e.vil", "www.e.vil", ":tada:"])
def test_what_github_would_make_something_of_is_broken_by_a_comment(text: str) -> None:
    assert "<!-- -->" in escaped(text)


def test_plain_words_and_figures_stay_readable() -> None:
    assert escaped("4.20 ms (95 % 4.1..4.3), n = 12, +3 %") == "4.20 ms (95 % 4.1..4.3), n = 12, +3 %"


def test_a_run_without_anything_gives_markdown_and_text_that_say_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    content = gather([RunDir(tmp_path / "empty")])
    assert "no case that can be read" in render_markdown(content)
    assert "run.json is missing" in render_text(content, color=False, width=100)


def test_the_terminal_gets_no_control_characters_out_of_a_file(tmp_path: Path) -> None:
    text = render_text(gather([hostile(tmp_path / "evil")]), color=False, width=100)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert TAG in text
    assert "what to do next" in text
    assert EVIL not in text
