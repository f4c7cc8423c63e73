"""``assay report`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Assay
from tests.results.outline import Outline
from tests.results.reported import TAG, hostile, rich


@pytest.fixture
def filled(store: Path) -> Path:
    """Fill a store with two runs."""
    rich(store / "20261124-000001-000-000001")
    rich(store / "20261124-000002-000-000002", slower=1.3)
    return store


def test_a_report_is_one_html_file_beside_nothing_else(assay: Assay, filled: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    done = assay("report", "latest", "--base", "latest~1", "-o", "report.html", "--store", str(filled), cwd=here)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert [path.name for path in here.iterdir()] == ["report.html"]
    assert "report of 20261124-000002-000-000002 in report.html" in done.stderr
    found = Outline((here / "report.html").read_text(encoding="utf-8"))
    assert "against 20261124-000001-000-000001" in found.words


def test_without_a_name_the_page_is_called_after_the_run(assay: Assay, filled: Path, tmp_path: Path) -> None:
    done = assay("report", "latest", "--store", str(filled), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "20261124-000002-000-000002.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("--format", "markdown"), "# Assay report"),
        (("-o", "-"), "<!DOCTYPE html>"),
        (("--format", "terminal"), "calibrate:"),
        (("-o", "-", "--format", "markdown"), "# Assay report"),
    ],
)
def test_the_other_formats_go_to_standard_output(assay: Assay, filled: Path, words: tuple[str, ...], start: str) -> None:
    done = assay("report", "latest", *words, "--store", str(filled))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(start)
    assert "FAIL" in done.stdout


def test_the_name_of_the_file_says_the_format(assay: Assay, filled: Path, tmp_path: Path) -> None:
    for name, start in (("r.md", "# Assay"), ("r.txt", "calibrate:"), ("r.htm", "<!DOCTYPE html>")):
        done = assay("report", "latest", "-o", name, "--store", str(filled), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_json_says_where_the_report_is_and_which_sections_are_absent_and_why(assay: Assay, filled: Path, tmp_path: Path) -> None:
    done = assay("report", "latest", "-o", "r.html", "--json", "--store", str(filled), cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["schema"] == "assay.report/1"
    assert told["nbytes"] == (tmp_path / "r.html").stat().st_size
    assert told["exit_code_of_run"] == 1
    absent = {section["id"]: section["absent"] for section in told["sections"] if section["absent"]}
    assert set(absent) == {"runs", "comparison"}
    assert "--base" in absent["comparison"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "nothing"), "no such run"),
        (("report", "latest", "--base", "nothing"), "no such run"),
        (("report", "latest", "--history", "-1"), "--history"),
        (("report", "latest", "--format", "pdf"), "invalid choice"),
        (("report", "latest", "-o", "absent/r.html"), "folder that does not exist"),
        (("report", "latest", "-o", "-", "--json"), "needs a file"),
        (("report", "latest", "-o", "{run}/run.json"), "folder of a run"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(assay: Assay, filled: Path, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    run = filled / "20261124-000002-000-000002"
    before = (run / "run.json").read_bytes()
    done = assay(*(word.format(run=run) for word in words), "--store", str(filled), cwd=tmp_path)
    assert done.returncode == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (run / "run.json").read_bytes() == before


def test_a_folder_takes_the_page_under_the_name_of_the_run(assay: Assay, filled: Path, tmp_path: Path) -> None:
    (tmp_path / "r.html").mkdir()  # a folder of that name: the page goes into it
    done = assay("report", "latest", "-o", "r.html", "--store", str(filled), cwd=tmp_path)
    assert done.returncode == 0
    assert [path.name for path in (tmp_path / "r.html").iterdir()] == ["20261124-000002-000-000002.html"]
    done = assay("report", "latest", "-o", "/dev/full/r.html", "--store", str(filled), cwd=tmp_path)
    assert done.returncode == 3


def test_a_hostile_run_is_reported_in_every_format(assay: Assay, store: Path) -> None:
    hostile(store / "evil")
    for form in ("html", "markdown", "terminal"):
        done = assay("report", "evil", "-o", "-", "--format", form, "--store", str(store))
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert (TAG in done.stdout.split("<script>\n")[0]) == (form == "terminal")


def test_the_shell_completes_the_verb_and_its_runs(assay: Assay, filled: Path) -> None:
    done = assay("__complete", "report", "2026", env={"ASSAY_STORE": str(filled)})
    assert done.stdout.split() == ["20261124-000001-000-000001", "20261124-000002-000-000002"]
    assert "--base" in assay("__complete", "report", "--b").stdout
