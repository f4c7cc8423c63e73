"""One run from the command line to its report, and every verb that reads it."""

from __future__ import annotations

import importlib.resources
import json
import subprocess
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.door.place import LEAN, TINY, Place, assert_refused, keys_on_disk, lines_of

pytestmark = pytest.mark.mpi
FILES = {"run.json", "config.yaml", "plan.json", "facts.json", "measurements", "records.jsonl", "verdicts.json"}


@dataclass(frozen=True)
class Two:
    """A store with two runs of the same plan: the first told to a person, the second to a program."""

    place: Place
    first: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]
    ids: list[str]
    after_first: int


@pytest.fixture(scope="module")
def two(place: Place) -> Two:
    """Run the same tiny plan twice."""
    first = place.assay("run", *TINY)
    count = len(place.runs)
    second = place.assay("run", *TINY, "--json")
    return Two(place, first, second, [run.name for run in place.runs], count)


def test_a_run_exits_0_and_leaves_one_directory_and_no_litter(two: Two) -> None:
    assert two.first.returncode == 0, two.first.stdout + two.first.stderr
    assert two.after_first == 1
    assert {path.name for path in two.place.folder.iterdir()} <= {"runs", ".cache"}
    assert {path.name for path in two.place.runs[0].iterdir()} >= FILES


def test_the_report_has_a_row_a_case_and_the_coverage(two: Two) -> None:
    text = two.first.stdout
    assert text.count(" right ") == 3  # two cases and the calibration of the loopback
    assert "median" in text
    assert "p99" in text
    assert "limit" in text
    assert "coverage: 3 of 3 cases measured" in text
    assert two.ids[0] in text


def test_a_run_says_which_was_there_already_and_what_the_clocks_were(two: Two) -> None:
    first, second = (json.loads((run / "run.json").read_text(encoding="utf-8")) for run in two.place.runs)
    assert (first["after"], second["after"]) == ("", two.ids[0])
    began, store, ended = (datetime.fromisoformat(second[name]).timestamp() for name in ("started", "store_clock", "ended"))
    assert abs(began - store) < 5
    assert list(second["clocks"]) == [second["host"]]
    assert began <= datetime.fromisoformat(second["clocks"][second["host"]]).timestamp() <= ended


def test_progress_is_plain_lines_where_there_is_no_terminal(two: Two) -> None:
    assert "[3/3]" in two.first.stderr
    assert "\r" not in two.first.stderr
    assert "\x1b" not in two.first.stderr + two.first.stdout


def test_measurements_are_a_header_a_line_a_case_and_a_footer(two: Two) -> None:
    rows = lines_of(two.place.runs[0])
    plan = json.loads((two.place.runs[0] / "plan.json").read_text(encoding="utf-8"))
    assert [row["kind"] for row in rows] == ["header", *["case"] * 3, "footer"]
    assert [row["case"]["key"] for row in rows[1:-1]] == [case["key"] for case in plan["cases"]]


def test_json_makes_standard_output_exactly_one_document(two: Two) -> None:
    assert two.second.returncode == 0, two.second.stderr
    document = json.loads(two.second.stdout)
    assert document["run"]["id"] == two.ids[1]
    assert {case["status"] for case in document["cases"]} == {"measured"}
    shown = two.place.show(two.ids[1])
    assert shown["records"] == document["records"]
    assert shown["verdicts"] == document["verdicts"]
    assert shown["coverage"] == document["coverage"]


def test_the_document_keeps_its_published_schema(two: Two) -> None:
    import jsonschema

    schema = importlib.resources.files("assay.results") / "schema" / "show.v1.json"
    jsonschema.validate(json.loads(two.second.stdout), json.loads(schema.read_text(encoding="utf-8")))


def test_runs_lists_both_oldest_first(two: Two) -> None:
    text = two.place.assay("runs").stdout.splitlines()
    assert [line.split()[0] for line in text[:2]] == two.ids
    assert all("finished" in line and "exit 0" in line for line in text[:2])
    listed = json.loads(two.place.assay("runs", "--json").stdout)["runs"]
    assert [(run["id"], run["status"], run["exit_code"]) for run in listed[:2]] == [(name, "finished", 0) for name in two.ids]


def test_show_finds_a_run_by_id_prefix_and_place_in_the_list(two: Two) -> None:
    for name in (two.ids[0], two.ids[0][:-1]):
        shown = two.place.assay("show", name)
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout.startswith(f"run {two.ids[0]}: finished")
        assert "coverage: 3 of 3" in shown.stdout


def test_one_run_a_side_is_inconclusive(two: Two) -> None:
    done = two.place.assay("compare", two.ids[0], two.ids[1])
    assert done.returncode == 0, done.stderr
    assert "inconclusive" in done.stdout
    gated = two.place.assay("compare", *two.ids[:2], "--json", "--gate")
    found = json.loads(gated.stdout)
    assert gated.returncode == 4
    assert {row["status"] for row in found["rows"]} == {"inconclusive"}
    assert {row["n_base"] for row in found["rows"]} == {1}


def test_a_tag_names_a_run_and_keeps_it_from_being_pruned(two: Two) -> None:
    assert two.place.assay("tag", two.ids[0], "good").returncode == 0
    assert two.place.show("good")["run"]["id"] == two.ids[0]
    assert two.place.assay("tag").stdout.startswith(f"good: {two.ids[0]}")
    assert_refused(two.place.assay("tag", two.ids[1], "good"), "good", "--force")
    before = two.place.runs
    done = two.place.assay("prune", "--keep", "0", "--json")
    doomed = [run["id"] for run in json.loads(done.stdout)["runs"]]
    assert done.returncode == 0, done.stderr
    assert two.ids[0] not in doomed
    assert two.ids[1] in doomed
    assert two.place.runs == before


def test_rerun_measures_the_stored_plan_as_a_run_of_its_own(two: Two) -> None:
    done = two.place.assay("rerun", two.ids[0])
    again = two.place.runs[-1]
    assert done.returncode == 0, done.stderr
    assert again.name not in two.ids
    assert keys_on_disk(again) == keys_on_disk(two.place.runs[0])
    assert f"comparison with {two.ids[-1]}" in done.stdout  # the last run of the same cases


def test_runs_makes_fresh_launches_of_one_session(two: Two) -> None:
    before = len(two.place.runs)
    done = two.place.assay("run", "--runs", "2", "--json", *LEAN)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    made = two.place.runs[before:]
    assert [run["run"]["id"] for run in summary["runs"]] == [run.name for run in made]
    assert len(made) == 2
    described = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run in made]
    assert {row["session"] for row in described} == {summary["session"]}
    assert [row["order"] for row in described] == [0, 1]


def test_multirun_runs_every_job_and_the_worst_code_wins(fresh: Place) -> None:
    swept = ("--multirun", "site.nranks=1,2", "inject.kind=null,flip_element", "suite.all_reduce.transport=loopback")
    done = fresh.assay("run", *LEAN, "suite.all_reduce.axes.bytes=[8]", *swept)
    made = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run in fresh.runs]
    assert done.returncode == 1, done.stdout + done.stderr
    assert [(run["nranks"], run["exit_code"]) for run in made] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert not (fresh.folder / "multirun").exists()
