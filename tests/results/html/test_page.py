"""The page: whole, without network, accessible, and nothing out of a file is ever markup."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
import re
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from assay.harness.measurement import Measurement, Samples
from assay.harness.rundir import RunDir
from assay.results.html.page import page, sections
from assay.results.report_content import gather
from tests.results.builders import RIGHT, case, measured, write_run
from tests.results.outline import Outline
from tests.results.reported import EVIL, TAG, ended, hostile, rich, times

KNOWN = {
    "html",
    "head",
    "meta",
    "title",
    "link",
    "style",
    "body",
    "a",
    "header",
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "strong",
    "b",
    "span",
    "nav",
    "ul",
    "ol",
    "li",
    "main",
    "section",
    "div",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "figure",
    "figcaption",
    "svg",
    "desc",
    "g",
    "path",
    "rect",
    "text",
    "pre",
    "footer",
    "script",
}
ALL = {
    "next",
    "runs",
    "verdicts",
    "cases",
    "comparison",
    "sweeps",
    "roofline",
    "maps",
    "history",
    "telemetry",
    "waterfall",
    "samples",
    "provenance",
}


def page_of(run: RunDir, **more: object) -> str:
    return page(gather([run], **more))  # type: ignore[arg-type]


def asset(name: str) -> str:
    return resources.files("assay.results.html").joinpath(name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rich_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    store = tmp_path_factory.mktemp("store")
    base = [rich(store / f"20261124-00000{i}-000-00000{i}") for i in range(2)]
    return page_of(rich(store / "20261124-000005-000-000005", slower=1.3), base=base)


def test_every_section_is_there_and_a_rich_run_fills_all_but_the_list_of_runs(rich_page: str) -> None:
    found = Outline(rich_page)
    assert {one["id"] for one in found.all("section")} == ALL
    assert not found.crossed
    assert not found.open
    empty = [one["href"] for one in found.all("a") if one.get("class") == "empty"]
    assert empty == ["#runs"]


def test_no_section_of_any_page_failed_to_build(rich_page: str, tmp_path: Path) -> None:
    assert "could not be built" not in rich_page
    assert "could not be built" not in page_of(hostile(tmp_path / "evil"))


def test_a_section_that_cannot_be_built_says_so_and_the_rest_stands(tmp_path: Path) -> None:
    content = gather([rich(tmp_path / "r")])
    broken = next(iter(content.limits.values()))
    object.__setattr__(broken, "value", "no number")
    found = {one.id: one.absent for one in sections(content)}
    assert "could not be built" in found["roofline"]
    assert not found["cases"]


def test_the_verdict_and_the_coverage_stand_before_everything_else(rich_page: str) -> None:
    words = Outline(rich_page).words
    top = words[words.index("To the report") : words.index("What to do next")]
    assert "\u2716 FAIL" not in rich_page.split("<header>", maxsplit=1)[0]
    assert "FAIL" in rich_page[rich_page.index("<header>") : rich_page.index("<nav")]
    assert "coverage: 17 of 19 cases measured" in top


def test_ids_are_unique_and_everything_that_is_pointed_at_exists(rich_page: str) -> None:
    found = Outline(rich_page)
    ids = Counter(attributes["id"] for _, attributes in found.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    pointed = [name for _, one in found.elements for name in (one.get("aria-labelledby") or "").split()]
    pointed += [(one["href"] or "")[1:] for one in found.all("a")]
    assert pointed
    assert set(pointed) <= set(ids)


def test_landmarks_headings_and_language(rich_page: str) -> None:
    found = Outline(rich_page)
    assert found.all("html") == [{"lang": "en"}]
    assert [len(found.all(name)) for name in ("header", "nav", "main", "footer", "h1")] == [1] * 5
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert found.elements[[tag for tag, _ in found.elements].index("body") + 1][1].get("class") == "skip"


def test_every_drawing_has_title_and_description_and_a_table_behind_it(rich_page: str) -> None:
    found = Outline(rich_page)
    drawings = [one for one in found.all("svg") if one.get("role") == "img"]
    assert len(drawings) > 10
    ids = {attributes.get("id"): tag for tag, attributes in found.elements}
    for one in drawings:
        kinds = [ids[name] for name in (one.get("aria-labelledby") or "").split()]
        assert kinds == ["title", "desc"] or one.get("class") == "bar"
    assert all(one.get("aria-hidden") == "true" for one in found.all("svg") if one.get("role") != "img")
    for figure in re.findall(r"<figure.*?</figure>", rich_page, re.DOTALL):
        assert "<table" in figure
        assert "<caption>" in figure


def test_tables_name_their_columns_and_rows_and_scroll_by_keyboard(rich_page: str) -> None:
    found = Outline(rich_page)
    assert {one.get("scope") for one in found.all("th")} == {"col", "row"}
    frames = [one for one in found.all("div") if one.get("class") == "frame"]
    assert len(frames) == len(found.all("table"))
    assert all(one.get("tabindex") == "0" for one in frames)
    assert all(one.get("aria-label") for one in frames if one.get("role") == "region")


def test_the_policy_names_our_style_and_script_by_hash_and_forbids_everything_else(rich_page: str) -> None:
    found = Outline(rich_page)
    policy = next(one["content"] or "" for one in found.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'"
    assert parts["base-uri"] == "'none'"
    assert parts["form-action"] == "'none'"
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        inside = re.findall(f"<{tag}>(.*?)</{tag}>", rich_page, re.DOTALL)
        assert len(inside) == 1
        assert parts[kind] == f"'sha256-{base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()}'"


def test_nothing_is_fetched_and_nothing_runs_but_our_script(rich_page: str) -> None:
    found = Outline(rich_page)
    assert {tag for tag, _ in found.elements} <= KNOWN
    for _, attributes in found.elements:
        assert not {name for name in attributes if name.startswith("on") or name in {"src", "srcset", "style", "action", "formaction"}}
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))
    assert "url(" not in asset("style.css")
    assert "@import" not in asset("style.css")
    assert not re.search(r"https?://|\bfetch\b|XMLHttpRequest|innerHTML|\beval\b", asset("script.js"))


def test_hostile_strings_are_shown_and_never_become_markup(tmp_path: Path) -> None:
    text = page_of(hostile(tmp_path / "evil"))
    found = Outline(text)
    assert {tag for tag, _ in found.elements} <= KNOWN
    assert not found.crossed
    assert not found.open
    assert found.inside("script") == [asset("script.js")]
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on") or name == "src"]
    words = html.unescape(found.words)
    assert words.count(TAG) > 50
    for section in ("cases", "provenance", "samples", "telemetry", "waterfall", "maps", "next", "verdicts"):
        body = re.search(rf'<section[^>]*id="{section}".*?</section>', text, re.DOTALL)
        assert body is not None
        assert "&lt;script&gt;" in body.group(), section
    assert "host " + TAG in words
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert r"\u202e\x1b[31m" in words


def test_hostile_strings_in_a_base_and_in_earlier_runs_are_shown_and_never_become_markup(tmp_path: Path) -> None:
    earlier, run = ended(hostile(tmp_path / "a")), ended(hostile(tmp_path / "b"))
    text = page_of(run, base=[earlier])
    found = Outline(text)
    assert {tag for tag, _ in found.elements} <= KNOWN
    assert found.inside("script") == [asset("script.js")]
    assert not found.crossed
    for section in ("comparison", "history"):
        body = re.search(rf'<section[^>]*id="{section}".*?</section>', text, re.DOTALL)
        assert body is not None
        assert "&lt;script&gt;" in body.group(), section


def test_a_hostile_run_id_is_shown_as_text(tmp_path: Path) -> None:
    found = Outline(page_of(rich(tmp_path / "<script>alert(1)<")))
    assert len(found.all("script")) == 1


def test_equal_contents_give_equal_bytes(tmp_path: Path) -> None:
    run = rich(tmp_path / "r")
    assert page_of(run) == page_of(run)


def test_a_run_without_any_readable_file_gives_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    words = Outline(page_of(RunDir(tmp_path / "empty"))).words
    assert "run.json is missing" in words
    assert "The run has no case that can be read." in words
    assert "PASS" not in words


@pytest.mark.parametrize(
    "name", ["run.json", "plan.json", "facts.json", "config.yaml", "records.jsonl", "verdicts.json", "measurements/000-ranks.jsonl"]
)
@pytest.mark.parametrize("how", ["gone", "cut", "rubbish", "list", "null", "deep"])
def test_a_damaged_file_is_a_sentence_and_never_a_traceback(tmp_path: Path, name: str, how: str) -> None:
    run = rich(tmp_path / "r")
    path = run.path / name
    whole = path.read_bytes()
    damaged = {
        "gone": b"",
        "cut": whole[: len(whole) // 2],
        "rubbish": b"\xff\x00{<b>",
        "list": b"[1, [2]]\n",
        "null": b"null\n",
        "deep": b"[" * 100_000,
    }
    path.unlink() if how == "gone" else path.write_bytes(damaged[how])
    found = sections(gather([run]))
    assert not [one.absent for one in found if "could not be built" in one.absent]
    text = page(gather([run]), found=found)
    assert {one["id"] for one in Outline(text).all("section")} == ALL
    if name == "measurements/000-ranks.jsonl":
        assert "PASS" not in Outline(text).words.split("What to do next", maxsplit=1)[0]


def test_samples_that_are_no_numbers_are_told_and_not_drawn(tmp_path: Path) -> None:
    bad = [measured(case("gemm", m=m), [value] * 8) for m, value in enumerate((float("nan"), float("inf"), -1.0, 0.0))]
    run = write_run(tmp_path / "r", [*bad, measured(case("gemm", m=9), [1.0] * 8)])
    found = {one.id: one for one in sections(gather([run]))}
    assert found["samples"].body.count("<figure") == 1
    assert not [one.absent for one in found.values() if "could not be built" in one.absent]
    words = Outline(page(gather([run]))).words
    assert "nan" in words
    assert "inf" in words


def test_an_unfinished_run_says_that_it_is_incomplete_and_how_to_go_on(tmp_path: Path) -> None:
    run = write_run(
        tmp_path / "r", [measured(case(m=1), times(1.0))], planned=[case(m=1), case(m=2)], status="running", exit_code=None, summary=None
    )
    words = Outline(page_of(run)).words
    assert "status incomplete" in words
    assert "assay run --resume r" in words
    assert "1 missing" in words


def test_several_runs_are_listed_and_the_last_is_shown(tmp_path: Path) -> None:
    runs = [rich(tmp_path / name, host=f"host-{name}") for name in ("a", "b")]
    found = {one.id: one for one in sections(gather(runs))}
    assert not found["runs"].absent
    assert "host-a" in found["runs"].body
    assert gather(runs).judgement.run.id == "b"


def test_a_thousand_cases_stay_under_six_megabytes(tmp_path: Path) -> None:
    many: list[Measurement] = []
    for i in range(1000):
        rows = Samples(tuple(tuple(1e-3 * (1 + ((i * 31 + r * 7 + k * k) % 97) / 97) for k in range(100)) for r in range(2)))
        one = measured(
            case("all_reduce", nranks=2, bytes=8 << (i % 20), transport=f"t{i // 20}", seed=0, data="fresh", dtype="fp32"), [1.0]
        )
        many.append(
            Measurement(one.case, "measured", scope="device", volume=one.volume, samples=rows, checked=RIGHT, notes={"kernel": "a kernel"})
        )
    run = write_run(tmp_path / "many", many, nranks=2)
    text = page_of(run)
    assert len(text.encode()) < 6_000_000
    assert Outline(text).words.count("Median ") >= 1000
    assert "at most 40 points are drawn, evenly spaced by rank" in text


def test_of_more_cases_than_a_table_holds_those_without_an_answer_come_first(tmp_path: Path) -> None:
    many = [case("gemm", m=m) for m in range(5002)]
    run = write_run(tmp_path / "r", [measured(one, [1.0]) for one in many[:2]], planned=many)
    body = next(one for one in sections(gather([run])) if one.id == "cases").body
    assert "2 more rows are left out here" in body
    assert body.count("missing") == 5000
    assert "gemm m=1<" not in body


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance of #rrggbb."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palettes() -> list[dict[str, str]]:
    found = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block)) for block in re.findall(r":root \{(.*?)\}", asset("style.css"), re.DOTALL)
    ]
    return [{name: value if len(value) == 7 else "#" + "".join(2 * c for c in value[1:]) for name, value in one.items()} for one in found]


def test_black_on_white_has_the_contrast_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_text_colour_stands_out_from_every_ground_it_is_on(number: int) -> None:
    colors = palettes()[number]
    pairs = [(ink, ground) for ink in ("text", "fine", "link", "good", "bad", "open", "note") for ground in ("page", "ground")]
    pairs += [(mood, f"{mood}-ground") for mood in ("good", "bad", "open", "note")] + [(f"s{i}", "page") for i in range(6)]
    poor = [
        (ink, ground, round(contrast(colors[ink], colors[ground]), 2))
        for ink, ground in pairs
        if contrast(colors[ink], colors[ground]) < 4.5
    ]
    assert poor == []


def test_the_numbers_behind_the_page_are_those_of_the_records(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [measured(case(m=1), [0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.1])])
    text = page_of(run)
    assert "Median 4.00 ms (95 % 1.00 ms..100 ms), 1.00 ms..100 ms, n = 7, device0." in text
    assert json.dumps(EVIL) not in text
