"""A folder of suites from its first run to its last: ranks are given it by their command line, and who takes a run up names it again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from assay.harness.door import submit
from assay.harness.door.opening import Job
from assay.harness.door.run import arguments, prepare
from assay.harness.rundir import RunDir
from assay.harness.suitepath import name_suite_paths
from tests.conftest import program
from tests.door.place import LEAN, Place, assert_refused, keys_on_disk
from tests.outside import suite_folder

SUITE = ("suite=[triad]", "+suite.triad.axes.elements=[8,16]", *LEAN[2:])
NAMED = ("--suite-path", "mine")


@pytest.fixture(scope="module")
def run(place: Place) -> Path:
    """Measure a suite of a folder on two ranks, as a user would; a module of the folder's lies where the command is given, too."""
    suite_folder(place.folder / "mine", "triad")
    (place.folder / "json.py").write_text("open('imported', 'w')\n", encoding="utf-8")
    done = place.assay("run", *NAMED, *SUITE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "coverage: 2 of 2 cases measured" in done.stdout
    return place.runs[0]


@pytest.mark.mpi
@pytest.mark.slow
def test_neither_plan_nor_configuration_names_the_folder(place: Place, run: Path) -> None:
    for name in ("plan.json", "config.yaml"):
        assert str(place.folder / "mine") not in (run / name).read_text(encoding="utf-8")
    assert not (place.folder / "imported").exists()  # no rank imports what lies in its folder


@pytest.mark.mpi
@pytest.mark.slow
def test_a_rerun_names_the_folder_again(place: Place, run: Path) -> None:
    assert_refused(place.assay("rerun", run.name), "triad:triad", "made with --suite-path mine: name that again")
    before = place.runs
    done = place.assay("rerun", run.name, *NAMED)
    assert done.returncode == 0, done.stderr
    (made,) = set(place.runs) - set(before)
    assert len(keys_on_disk(made)) == 2
    assert "the software differs" not in place.assay("compare", run.name, made.name).stdout


@pytest.mark.mpi
@pytest.mark.slow
def test_runs_of_different_code_are_told_to_differ(place: Place, run: Path) -> None:
    other = suite_folder(place.folder / "other", "triad")
    (other / "triad.py").write_text((other / "triad.py").read_text(encoding="utf-8") + "# another kernel\n", encoding="utf-8")
    done = place.assay("rerun", run.name, "--suite-path", "other")
    assert done.returncode == 0, done.stderr
    said = place.assay("compare", run.name, place.runs[-1].name).stdout
    assert "the software differs: packages" in said
    assert "triad.py" in said


@pytest.mark.mpi
@pytest.mark.slow
def test_a_run_that_was_cut_off_is_finished_where_its_folder_is_named_again(place: Place, run: Path) -> None:
    (torn,) = (run / "measurements").glob("*-ranks.jsonl")
    lines = torn.read_text(encoding="utf-8").splitlines(keepends=True)
    torn.write_text("".join(lines[:2]), encoding="utf-8")  # as if the run had been killed in its second case
    assert_refused(place.assay("run", "--resume", run.name), "triad:triad", "made with --suite-path mine: name that again")
    assert len(keys_on_disk(run)) == 1
    file = place.folder / "mine" / "triad.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}# another kernel\n", encoding="utf-8")
    assert_refused(
        place.assay("run", "--resume", run.name, *NAMED), "triad.py is another than when the run began", f"assay rerun {run.name}"
    )
    file.write_text(text, encoding="utf-8")
    done = place.assay("run", "--resume", run.name, *NAMED)
    assert done.returncode == 0, done.stderr
    assert len(keys_on_disk(run)) == 2


@pytest.mark.mpi
@pytest.mark.slow
def test_inside_a_world_that_is_up_every_rank_reads_the_option(place: Place, run: Path) -> None:
    before = place.runs
    assert run in before
    done = place.assay("run", *NAMED, *SUITE, "--json", prefix=(str(program("mpiexec")), "-n", "2"))
    assert done.returncode == 0, done.stderr
    assert [case["status"] for case in json.loads(done.stdout)["cases"]] == ["measured"] * 2
    assert len(place.runs) == len(before) + 1


@pytest.mark.slow
def test_a_rank_by_hand_runs_a_suite_only_of_a_folder_on_its_command_line(place: Place) -> None:
    suite_folder(place.folder / "mine", "triad")
    (place.folder / "by hand").mkdir()
    assert place.assay("plan", *NAMED, *SUITE, "site.nranks=1", "--out", "plan.json").returncode == 0
    (place.folder / "by hand" / "measurements").mkdir()
    rank = (program("python") or "python3", "-P", "-m", "assay.harness.rank", "plan.json", "by hand")
    assert_refused(place.command(*rank), "plan.json: cases[0].target", "triad:triad", "--suite-path DIR")
    done = place.command(*rank, *NAMED)
    assert done.returncode == 0, done.stderr
    assert len(keys_on_disk(place.folder / "by hand")) == 2


def test_a_submitted_job_names_the_folder_on_the_command_line_of_its_own_door(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path / "my suites", "triad")
    name_suite_paths([str(folder)])
    try:
        ns = arguments().parse_intermixed_args([*SUITE, "launch=slurm"])
        composed, plan = prepare(ns, ns.overrides)
        words = shlex.split(submit.text(RunDir(tmp_path / "RUN"), Job(plan, composed.config, composed.yaml, []), ns), comments=True)
    finally:
        name_suite_paths([])
    assert words[words.index("--suite-path") + 1] == str(folder)
    assert "--resume" in words
