"""What cannot be right is refused before anything is measured: exit code 3, one clear line, no run, nothing executed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from assay.harness.door.main import main
from tests.conftest import ANNOUNCED, ANNOUNCED_NAMES
from tests.door.place import BUDGET, TINY, Place, assert_refused

ONE = "suite=[all_reduce]"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("rnu",), ("rnu", "Did you mean run?")),
        (("run",), ("no suite is chosen", "plan=smoke")),
        (("run", "--nosuch"), ("--nosuch", "--help")),
        (("run", "plan=smok"), ("smok", "Did you mean smoke?")),
        (("run", "site=nosuch"), ("nosuch", "local")),
        (("run", "suite=[all_redcue]"), ("all_redcue", "all_reduce")),
        (("run", ONE, "foo=1"), ("foo",)),
        (("run", ONE, "+foo=1"), ("foo",)),
        (("run", ONE, "budget.second=1"), ("budget.second",)),
        (("run", ONE, "site.nrank=1"), ("site.nrank",)),
        (("run", ONE, "suite.all_reduce.nosuch=1"), ("suite.all_reduce.nosuch",)),
        (("run", ONE, "+suite.all_reduce.nosuch=1"), ("suite.all_reduce.nosuch", "transport")),
        (("run", ONE, "+suite.all_reduce.axes.nosuch=[1]"), ("suite.all_reduce.axes.nosuch", "transport")),
        (("run", ONE, "suite.all_reduce.axes.bytes=[many]"), ("suite.all_reduce.axes.bytes", "'many'", "int")),
        (("run", ONE, "suite.all_reduce.axes.bytes=64"), ("suite.all_reduce.axes.bytes", "64", "list")),
        (("run", ONE, "suite.all_reduce.axes.bytes=[]"), ("suite.all_reduce.axes.bytes", "at least one")),
        (("run", ONE, "suite.all_reduce.axes.bytes=[-8]"), ("suite.all_reduce.axes.bytes", "-8")),
        (("run", ONE, "suite.all_reduce.transport=pigeon"), ("suite.all_reduce.transport", "pigeon", "gloo")),
        (("run", "suite=[all_to_all]", "suite.all_to_all.axes.bytes=[7]"), ("suite.all_to_all.axes.bytes", "7", "multiple of 2")),
        (("run", "suite=all_reduce,all_to_all"), ("suite=all_reduce,all_to_all", "--multirun")),
        (("run", ONE, "suite.gemm.axes.m=[8]"), ("suite.gemm", "gemm")),
        (("run", ONE, "impl=blockwise"), ("impl", "no chosen suite")),
        (("run", ONE, "model=deepseek_v2"), ("model", "no chosen suite")),
        (("run", ONE, "suite.all_reduce.axes.bytes=[8"), ("suite.all_reduce.axes.bytes=[8",)),
        (("run", ONE, "inject.match=bytes=8"), ("inject.match=bytes=8",)),
        (("run", ONE, "site.nranks=0"), ("site.nranks", "0")),
        (("run", ONE, "site.nranks=two"), ("site.nranks", "two")),
        (("run", ONE, "launch=solo"), ("launch=solo", "site.nranks=1")),
        (("run", ONE, "budget.seconds=-1"), ("budget.seconds", "-1")),
        (("run", ONE, "budget.seconds=.inf"), ("budget.seconds", "inf")),
        (("run", ONE, "budget.min_reps=2.5"), ("budget.min_reps", "2.5")),
        (("run", ONE, "inject.kind=gremlin"), ("inject.kind", "gremlin", "kill")),
        (("run", ONE, "inject.kind=kill", "inject.match=nothing"), ("inject", "hits no case")),
        (("run", ONE, "inject.rank=1"), ("inject.kind",)),
        (("run", ONE, "--budget", "soon"), ("--budget", "soon", "90s")),
        (("run", ONE, "--shard", "3/2"), ("--shard", "3/2", "1/4")),
        (("run", ONE, "--runs", "0"), ("--runs", "0")),
        (("run", ONE, "--config-dir", "nowhere"), ("--config-dir", "nowhere")),
        (("run", ONE, "suite.all_reduce.axes.bytes=[1099511627776]"), ("suite.all_reduce.axes", "4096", "GiB")),
        (("run", ONE, "store.url=https://host/runs"), ("https", "store.url")),
        (("run", "--resume", "nosuch"), ("nosuch",)),
        (("run", "--resume", "latest", ONE), ("--resume", "as it was planned")),
        (("plan", ONE, "foo=1"), ("foo",)),
        (("show", "nosuch"), ("nosuch", "assay runs")),
        (("show", "latest"), ("latest",)),
        (("compare", "latest"), ("HEAD",)),
        (("prune",), ("--keep",)),
        (("prune", "--keep", "-1"), ("--keep", "-1")),
        (("tag", "latest"), ("NAME",)),
        (("completion", "tcsh"), ("tcsh", "bash")),
    ],
    ids=lambda value: "_".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_bad_usage_is_one_line_that_names_it(
    argv: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # In this process, since starting a hundred others would take longer than all the rest; the console script is this call.
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(ANNOUNCED) or name in ANNOUNCED_NAMES:
            monkeypatch.delenv(name)
    code = main(argv)
    said = capfd.readouterr()
    assert_refused(subprocess.CompletedProcess(argv, code, said.out, said.err), *words)
    assert not [*tmp_path.iterdir()]


def test_the_console_script_refuses_alike(place: Place) -> None:
    assert_refused(place.assay("run", ONE, "foo=1"), "foo")
    assert_refused(place.assay("rnu"), "Did you mean run?")
    assert not place.runs


@pytest.mark.parametrize("target", ["os:system", "subprocess:run", "planted:go", "assay.suites.gemm:__import__", "assay.harness.rank:main"])
def test_configuration_cannot_widen_what_may_be_executed(fresh: Place, target: str) -> None:
    write_suite(fresh.folder / "conf", f"target: {target}\naxes: {{command: [touch executed]}}\n")
    (fresh.folder / "planted.py").write_text(
        "open('imported', 'w')\ndef go(ctx, *, command=''):\n    open('executed', 'w')\n", encoding="utf-8"
    )
    done = fresh.assay("run", "suite=[evil]", "--config-dir", "conf", env={"PYTHONPATH": str(fresh.folder)})
    assert_refused(done, "suite.evil.target", target)
    assert not (fresh.folder / "imported").exists()
    assert not (fresh.folder / "executed").exists()
    assert not fresh.runs


@pytest.mark.parametrize(
    "text", ["target: !!python/object/apply:os.system ['touch executed']\n", "target: [unclosed\n", "- no\n- mapping\n", "\x00"]
)
def test_hostile_yaml_is_refused_and_executes_nothing(fresh: Place, text: str) -> None:
    write_suite(fresh.folder / "conf", text)
    assert_refused(fresh.assay("run", "suite=[evil]", "--config-dir", "conf"))
    assert not (fresh.folder / "executed").exists()


def write_suite(conf: Path, text: str) -> None:
    """Write a suite of the user's own."""
    (conf / "suite").mkdir(parents=True)
    (conf / "suite" / "evil.yaml").write_text(f"# @package suite.evil\n{text}", encoding="utf-8")


@pytest.mark.parametrize("kind", ["a file", "no folder may be made there"])
def test_a_store_that_cannot_be_written_is_one_line_and_a_2(fresh: Place, kind: str) -> None:
    (fresh.folder / "taken").write_text("not a store", encoding="utf-8")
    url = "taken" if kind == "a file" else "/sys/store"  # nobody may make folders in /sys, root neither
    done = fresh.assay("run", *TINY, f"store.url={url}")
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert url in done.stderr
    assert "ASSAY_STORE" in done.stderr
    assert (fresh.folder / "taken").read_text(encoding="utf-8") == "not a store"


def test_reading_a_file_as_a_store_is_one_line(fresh: Place) -> None:
    (fresh.folder / "taken").write_text("not a store", encoding="utf-8")
    done = fresh.assay("runs", "--store", "taken")
    assert done.returncode in {2, 3}
    assert len(done.stderr.strip().splitlines()) == 1
    assert "taken" in done.stderr


def test_the_store_is_the_option_else_the_variable_else_runs(fresh: Place) -> None:
    named = {"ASSAY_STORE": str(fresh.folder / "elsewhere")}
    assert "elsewhere" in fresh.assay("runs", env=named).stdout
    assert "nearer" in fresh.assay("runs", "--store", "nearer", env=named).stdout
    assert json.loads(fresh.assay("runs", "--json").stdout)["store"] == "runs"


def test_planning_makes_nothing(fresh: Place) -> None:
    done = fresh.assay("plan", *TINY, *BUDGET)
    assert done.returncode == 0, done.stderr
    assert "3 cases on 2 ranks" in done.stdout
    assert "launch: " in done.stdout
    assert not [*fresh.folder.glob("runs*")]


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("rules.gemm_small.share_of_limit=0", "rules.gemm_small.share_of_limit"),
        ("rules.coverage.share=-1", "rules.coverage.share"),
        ("+hardware.limits.memory={value: 0, unit: B/s, source: x}", "hardware"),
    ],
)
def test_rules_and_limits_that_cannot_judge_are_refused_before_measuring(
    override: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "plan=smoke", override]) == 3
    assert path in capsys.readouterr().err
