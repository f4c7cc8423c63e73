"""The page in a real browser: no error, nothing fetched, hostile text shown, tables sorted and filtered by keyboard, nothing too wide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.results.html.page import page
from assay.results.report_content import gather
from tests.chromium import Tab, find, tab
from tests.results.builders import case, measured, write_run
from tests.results.reported import TAG, ended, hostile, rich, times

PROGRAM = find()
SIZES = [(360, 800), (1280, 900)]

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on PATH or in CHROMIUM (Debian: chromium-headless-shell)")


@pytest.fixture
def browser() -> Iterator[Tab]:
    """Give an empty page."""
    assert PROGRAM is not None
    with tab(PROGRAM) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the page of a rich run with a base, of a hostile one, and of one whose host has a script for a name."""
    store = tmp_path_factory.mktemp("store")
    base = [rich(store / f"20261124-00000{i}-000-00000{i}") for i in range(3)]
    contents = {
        "rich": gather([rich(store / "20261124-000009-000-000009", slower=1.3)], base=base),
        "evil": gather([hostile(store / "evil")]),
        "host": gather([ended(write_run(store / "host", [measured(case(m=1), times(1.0))], host=TAG))]),
    }
    found = {name: tmp_path_factory.getbasetemp() / f"{name}.html" for name in contents}
    for name, content in contents.items():
        found[name].write_text(page(content), encoding="utf-8")
    return found


@pytest.mark.parametrize("name", ["rich", "evil", "host"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_error_nothing_fetched_and_never_wider_than_the_window(
    browser: Tab, pages: dict[str, Path], name: str, width: int, height: int
) -> None:
    browser.open(pages[name], width=width, height=height)
    browser.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.logged == []
    assert [url for url in browser.asked if not url.startswith(("file://", "data:"))] == []
    assert len([url for url in browser.asked if url.startswith("file://")]) == 1
    assert browser.value("document.documentElement.scrollWidth") <= width


def test_a_script_for_a_host_name_is_shown_as_text(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["host"], width=360, height=800)
    assert f"host {TAG}" in browser.value("document.querySelector('header').innerText")
    assert browser.value("document.querySelectorAll('script').length") == 1
    assert browser.logged == []


def test_a_script_that_got_in_after_all_would_be_stopped_by_the_policy(browser: Tab, pages: dict[str, Path], tmp_path: Path) -> None:
    hole = tmp_path / "hole.html"
    text = pages["host"].read_text(encoding="utf-8")
    hole.write_text(
        text.replace("</main>", '<script>document.title = "taken"</script><img src=x onerror="document.title = 1"></main>'),
        encoding="utf-8",
    )
    browser.open(hole, width=360, height=800)
    assert browser.value("document.title").startswith("pass: Assay report")
    assert len([line for line in browser.logged if "Content Security Policy" in line]) >= 2


def column(browser: Tab, caption: str, number: int) -> list[str]:
    """Read one column of the table with this caption, hidden rows left out."""
    find_table = f"[...document.querySelectorAll('table.sorts')].find((one) => one.caption.textContent === {json.dumps(caption)})"
    found: list[str] = browser.value(
        f"[...{find_table}.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[{number}].textContent)"
    )
    return found


def test_a_table_is_sorted_by_keyboard_by_value_and_says_so(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["rich"], width=1280, height=900)
    heading = "[...document.querySelectorAll('#cases table.sorts thead th')].find((one) => one.textContent === 'median')"
    browser.value(f"{heading}.querySelector('button').focus()")
    browser.press("Enter", 13)
    assert browser.value(f"{heading}.getAttribute('aria-sort')") == "ascending"
    medians = [text for text in column(browser, "Planned cases", 3) if text]
    scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    values = [float(text.split()[0]) * scale[text.split()[1]] for text in medians]
    assert values == sorted(values)
    assert len(set(values)) > 3
    browser.press("Enter", 13)
    assert browser.value(f"{heading}.getAttribute('aria-sort')") == "descending"
    assert next(text for text in column(browser, "Planned cases", 3) if text) == medians[-1]


def test_a_table_is_filtered_and_the_count_is_told(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["rich"], width=1280, height=900)
    whole = column(browser, "Planned cases", 0)
    browser.value(
        "const input = document.querySelector('#cases input'); input.value = 'GLOO 4MiB'; input.dispatchEvent(new Event('input')); undefined"
    )
    assert column(browser, "Planned cases", 0) == [name for name in whole if "gloo" in name and "4MiB" in name]
    assert browser.value("document.querySelector('#cases output').textContent") == f" 1 of {len(whole)} rows"


def test_the_first_stop_of_the_keyboard_leads_past_the_ways(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["rich"], width=1280, height=900)
    browser.press("Tab", 9)
    assert browser.value("document.activeElement.getAttribute('href')") == "#main"
    assert browser.value("document.activeElement.getBoundingClientRect().left") >= 0


def test_a_way_to_a_plot_opens_what_it_lies_in(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["rich"], width=1280, height=900)
    browser.value("document.querySelectorAll('#samples details').forEach((one) => { one.open = false; })")
    browser.value("document.querySelector('#cases tbody a').click()")
    browser.value("new Promise((done) => setTimeout(done, 200))")
    target = "document.getElementById(location.hash.slice(1))"
    assert browser.value(f"{target}.closest('details').open") is True


def test_without_scripts_the_page_is_whole(browser: Tab, pages: dict[str, Path]) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(pages["rich"], width=1280, height=900)
    document = browser.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
    for name, least in (("table", 30), ("figure", 20), ("section", 13)):
        assert len(browser.call("DOM.querySelectorAll", nodeId=document, selector=name)["nodeIds"]) >= least
    assert browser.call("DOM.querySelectorAll", nodeId=document, selector="thead button")["nodeIds"] == []


def test_dark_and_light_have_grounds_of_their_own_and_paper_is_white(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["rich"], width=1280, height=900, dark=True)
    ground = "getComputedStyle(document.body).backgroundColor"
    assert browser.value(ground) == "rgb(18, 22, 29)"
    browser.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert browser.value(ground) == "rgb(255, 255, 255)"
    assert browser.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": "light"}])
    assert browser.value(ground) == "rgb(255, 255, 255)"


def test_it_can_be_printed(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["rich"], width=1280, height=900)
    pdf = browser.call("Page.printToPDF", printBackground=True)["data"]
    assert len(pdf) > 20_000
