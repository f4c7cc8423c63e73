"""The gate as a user starts it: sides of every kind, what each ending costs, and that nothing is left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from assay.harness.door import caches
from assay.harness.door.main import main
from tests.door.place import LEAN, Place, until

ROOT = Path(__file__).parents[2]
# A turn that takes no time: it writes a run whose one case took so long, with a wobble of its own between turns.
TURN = f"""\
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.results.builders import case, measured, write_run
factor, store = float(sys.argv[1]), Path(os.environ["ASSAY_STORE"])
for m in sys.argv[2:] or ["64"]:
    count = len(list(store.glob("2*")))
    wobble = 1 + 0.001 * ((count * 7) % 5 - 2)
    write_run(store / f"20261126-000000-{{count:03d}}-{{os.getpid() % 0xFFFFFF:06x}}", [measured(case(m=int(m)), [1e-3 * factor * wobble] * 10)])
"""
QUICK = ("--pairs", "4", "--no-warm")
# A turn whose first step takes as many milliseconds as it is told, unless the cache it was given holds what it compiled.
COMPILES = f"""\
import os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from assay.harness.measurement import Samples
from tests.results.builders import case, measured, write_run
kernel, store = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"], "kernel.so"), Path(os.environ["ASSAY_STORE"])
cold = not kernel.exists()
kernel.parent.mkdir(parents=True, exist_ok=True)
kernel.touch()
count = len(list(store.glob("2*")))
first = (float(sys.argv[1]) * (1 + 0.001 * (count * 7 % 5 - 2)) if cold else 1.0) * 1e-3
found = measured(case(m=64), [1e-3 * (1 + 0.001 * (count * 7 % 5 - 2))] * 10, warmups=Samples(((first, 1e-3),)))
write_run(store / f"20261126-000000-{{count:03d}}-{{os.getpid() % 0xFFFFFF:06x}}", [found])
"""


@pytest.fixture
def turn(place: Place) -> str:
    """Give the command of a turn, to be followed by its factor."""
    (place.folder / "turn.py").write_text(TURN, encoding="utf-8")
    return f"{sys.executable} {place.folder / 'turn.py'}"


def outcome(place: Place) -> dict[str, object]:
    """Read the newest gate."""
    found: dict[str, object] = json.loads(max((place.folder / "runs" / "gates").glob("*/gate.json")).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(("factor", "code", "word"), [("1.0", 0, "1 same"), ("1.05", 1, "1 slower"), ("0.95", 0, "1 faster")])
def test_two_commands(place: Place, turn: str, factor: str, code: int, word: str) -> None:
    done = place.assay(
        "gate", "--base-cmd", f"{turn} 1.0", "--head-cmd", f"{turn} {factor}", *QUICK, "--junit", "j.xml", "--markdown", "m.md"
    )
    assert done.returncode == code, done.stderr
    assert word in done.stdout
    assert ET.parse(place.folder / "j.xml").getroot().attrib["tests"] == "1"  # noqa: S314 - our own output
    assert word in (place.folder / "m.md").read_text(encoding="utf-8")
    found = outcome(place)
    assert found["exit_code"] == code
    assert found["cost"]["confirm_turns"] == (0 if factor == "1.0" else 8)  # type: ignore[index]
    assert place.runs == []  # a gate's turns lie in its own folder


def test_cases_on_one_side_only_never_pass(place: Place, turn: str) -> None:
    done = place.assay("gate", "--base-cmd", f"{turn} 1.0 64 128", "--head-cmd", f"{turn} 1.0 64", *QUICK)
    assert done.returncode == 2
    assert "missing" in done.stdout
    assert "m=128" in done.stdout
    done = place.assay("gate", "--base-cmd", f"{turn} 1.0 64", "--head-cmd", f"{turn} 1.0 64 128", *QUICK)
    assert done.returncode == 4
    assert "new" in done.stdout


def test_a_turn_that_measures_nothing_is_an_error(place: Place, turn: str) -> None:
    done = place.assay("gate", "--base-cmd", f"{turn} 1.0", "--head-cmd", f"{sys.executable} -c 'print(7)'", *QUICK)
    assert done.returncode == 2
    assert "measured nothing" in done.stderr
    assert "| 7" in done.stderr or ": 7" in done.stderr


def test_advisory_reports_without_failing(place: Place, turn: str) -> None:
    words = ("gate", "--base-cmd", f"{turn} 1.0", "--head-cmd", f"{turn} 1.1", "--pairs", "6", "--no-warm", "--advisory")
    done = place.assay(*words)
    assert done.returncode == 0
    assert "would be 1" in done.stdout
    assert "0 of 20 gates" in done.stdout
    kept = max((place.folder / "runs" / "gates").glob("*/gate.json"))
    for i in range(20):  # the same gate twenty times over
        again = kept.parent.with_name(f"20260101-000000-{i:03d}-000000")
        again.mkdir()
        (again / "gate.json").write_bytes(kept.read_bytes())
    done = place.assay(*words)
    assert done.returncode == 1, done.stdout
    assert "advisory no longer" in done.stderr


def test_shards_are_merged(place: Place, turn: str) -> None:
    folders = []
    for i, factor in enumerate(("1.0", "1.1")):
        place.assay("gate", "--base-cmd", f"{turn} 1.0 {i + 1}", "--head-cmd", f"{turn} {factor} {i + 1}", *QUICK, "--shard", f"{i + 1}/2")
        folders.append(str(max((place.folder / "runs" / "gates").iterdir())))
    done = place.assay("merge", *folders)
    assert done.returncode == 3  # the two gates' commands differ, so they are shards of nothing
    for i, folder in enumerate(folders):
        path = Path(folder, "gate.json")
        data = json.loads(path.read_text(encoding="utf-8"))
        data |= {"head": data["base"], "shard": f"{i + 1}/2", "base": {"label": "same", "commit": ""}} | {
            "head": {"label": "same", "commit": ""}
        }
        path.write_text(json.dumps(data), encoding="utf-8")
    done = place.assay("merge", *folders, "--out", "whole.json")
    assert done.returncode == 1
    assert "1 slower, 1 same" in done.stdout
    assert json.loads((place.folder / "whole.json").read_text(encoding="utf-8"))["shard"] == ""
    assert place.assay("merge", folders[0]).returncode == 3


def test_github_gets_a_summary_and_annotations(place: Place, turn: str) -> None:
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(place.folder / "summary.md")}
    done = place.assay("gate", "--base-cmd", f"{turn} 1.0", "--head-cmd", f"{turn} 1.1", *QUICK, env=env)
    assert done.returncode == 1
    assert "::error title=assay%3A slower::gemm/1" in done.stderr
    assert "Assay gate: fail" in (place.folder / "summary.md").read_text(encoding="utf-8")


def test_undecided_cases_get_more_pairs(place: Place, turn: str) -> None:
    (place.folder / "noisy.py").write_text(
        (place.folder / "turn.py").read_text(encoding="utf-8").replace("0.001", "0.006"), encoding="utf-8"
    )
    turn = f"{sys.executable} {place.folder / 'noisy.py'} 1.0"
    words = ("gate", "--base-cmd", turn, "--head-cmd", turn, *QUICK)
    assert place.assay(*words).returncode == 4
    done = place.assay(*words, "--extend", "16")
    found = outcome(place)
    assert done.returncode == 0, done.stdout
    assert "more pairs: 1 cases undecided, 1 of them settled by 32 more runs" in done.stdout
    assert found["rows"][0]["look"]["pairs"] == 20  # type: ignore[index]
    assert found["thresholds"]["looks"] == 2  # type: ignore[index]
    assert sorted(path.name for path in (place.folder / "runs" / "gates").glob("*/logs/308-*")) == [
        "308-base.txt"
    ]  # pairs go on: A B again


@pytest.mark.parametrize(("head", "said"), [("400", "looks slower (not confirmed), p "), ("200", "same, p ")])
def test_a_slower_compiler_is_told_and_is_no_slower_step(place: Place, head: str, said: str) -> None:
    (place.folder / "compiles.py").write_text(COMPILES, encoding="utf-8")
    turn = f"{sys.executable} {place.folder / 'compiles.py'}"
    done = place.assay("gate", "--base-cmd", f"{turn} 200", "--head-cmd", f"{turn} {head}", "--pairs", "4", "--compile-runs", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "4 cold runs a side" in line]
    assert f": {said}" in line
    found = outcome(place)
    assert [len(found["compiled"][key][side]) for key in found["compiled"] for side in ("base", "head")] == [4, 4]  # type: ignore[index, attr-defined]
    assert found["caches"]["files"] == {"base": 1, "head": 1}  # type: ignore[index]
    done = place.assay("gate", "--base-cmd", f"{turn} 200", "--head-cmd", f"{turn} {head}", "--pairs", "3")
    assert "1 cold run a side: from under 3 runs nobody can tell" in done.stdout


@pytest.mark.slow
def test_two_revisions_of_a_package(place: Place) -> None:
    repo = place.folder / "repo"
    (repo / "toymark").mkdir(parents=True)
    (repo / "pyproject.toml").write_text(
        textwrap.dedent("""\
            [build-system]
            requires = ["setuptools"]
            build-backend = "setuptools.build_meta"
            [project]
            name = "toymark"
            version = "1"
            [tool.setuptools]
            packages = ["toymark"]
            """),
        encoding="utf-8",
    )
    (repo / "toymark" / "__main__.py").write_text(TURN.replace("float(sys.argv[1])", "float(__import__('toymark').WORK)"), encoding="utf-8")

    def commit(work: str) -> None:
        (repo / "toymark" / "__init__.py").write_text(f"WORK = {work}\n", encoding="utf-8")
        for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", work]):
            subprocess.run(["git", "-C", str(repo), *words], check=True, env=place.environ)

    commit("1.0")
    commit("1.07")
    store = str(place.folder / "runs")
    words = ("gate", "--base", "HEAD~1", "--store", store, "--pairs", "4", "--no-warm", "--", "python", "-m", "toymark")
    done = subprocess.run(
        [sys.executable, "-m", "assay.harness.door.main", *words], cwd=repo, env=place.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "base HEAD~1, head ." in done.stdout
    assert "+7" in done.stdout
    listed = subprocess.run(["git", "-C", str(repo), "worktree", "list"], capture_output=True, text=True, check=True).stdout
    assert len(listed.splitlines()) == 1, "the checkout was left behind"


@pytest.mark.slow
@pytest.mark.mpi
def test_a_plan_against_itself(place: Place) -> None:
    words = ("gate", "--head-override", "site.telemetry=none", "--pairs", "3", "--no-warm", "--min-effect", "0.5", "--widest", "5")
    done = place.assay(*words, *LEAN, "suite.all_reduce.transport=loopback", "site.nranks=1")
    assert done.returncode in {0, 4}, done.stdout + done.stderr
    found = outcome(place)
    assert len(found["rows"]) == 2  # type: ignore[arg-type]
    assert found["counts"].keys() <= {"same", "inconclusive"}  # type: ignore[attr-defined]
    assert place.left() == []


def test_a_refused_plan_is_refused_before_anything_is_measured(place: Place) -> None:
    done = place.assay("gate", "--head-override", "suite.all_reduce.axes.bytes=[-1]", *QUICK, *LEAN)
    assert done.returncode == 3
    assert "head was refused" in done.stderr or "base was refused" in done.stderr


def test_an_interrupted_gate_leaves_nothing_running(fresh: Place) -> None:
    sleeper = f"{sys.executable} -c 'import time; time.sleep(600)'"
    with fresh.running("gate", "--base-cmd", sleeper, "--head-cmd", sleeper, *QUICK) as door:
        until(lambda: bool(list((fresh.folder / "runs").glob("gates/*/logs/*.txt"))), door)
        os.kill(door.pid, signal.SIGTERM)
        assert door.wait(30) == 130
    assert fresh.left() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing differs"),
        (("--base-env", "/nowhere"), "both sides need one"),
        (("--base-env", "/nowhere", "--head-env", "/nowhere"), "holds no Python"),
        (("--head", "main"), "a head needs a base"),
        (("--base-cmd", "a", "--head-cmd", "b", "plan=smoke"), "configures assay run"),
        (("--base-cmd", "a", "--head-cmd", "b", "--", "c"), "is there twice"),
        (("--head-override", "seed=1", "--pairs", "2"), "too few"),
        (("--head-override", "seed=1", "--min-effect", "0"), "must be a positive number"),
        (("--head-override", "seed=1", "--extend", "-1"), "are no number of pairs"),
        (("--head-override", "seed=1", "--compile-runs", "0"), "must be 1 at least"),
        (("--head-override", "seed=1", "--compile-runs", "3", "--no-warm"), "are cold runs"),
        (("--head-override", "seed=1", "--budget", "soon"), "is no duration"),
        (("--head-override", "seed=1", "--shard", "3/2"), "is no shard"),
        (("--head-override", "seed=1", "--"), "no command follows"),
        (("--base", "no-such-ref"), "git says"),
        (("--base-cmd", "no-such-program-here", "--head-cmd", "b", "--no-warm"), "no such program"),
    ],
)
def test_refusals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("PMI_", "SLURM_", "OMPI_"))]:
        monkeypatch.delenv(name)
    assert main(["gate", *words]) == 3
    assert said in capsys.readouterr().err


def test_caches_are_apart_and_choices_are_told(tmp_path: Path) -> None:
    base, head = tmp_path / "base", tmp_path / "head"
    for folder, choice in ((base, "BLOCK=64"), (head, "BLOCK=128")):
        variables = caches.variables(folder, pin=True)
        assert variables["TRITON_CACHE_DIR"].startswith(str(folder))
        assert variables["TRITON_CACHE_AUTOTUNING"] == "1"
        (folder / "triton" / "abc").mkdir(parents=True)
        (folder / "triton" / "abc" / "matmul.autotune.json").write_text(choice, encoding="utf-8")
    found = caches.told(base, head)
    assert found["differing"] == ["triton/abc/matmul.autotune.json"]
    (note,) = caches.notes(found, pinned=False)
    assert "matmul.autotune.json" in note
    (head / "triton" / "abc" / "matmul.autotune.json").unlink()
    assert caches.pin(base, head) == 1
    assert caches.notes(caches.told(base, head), pinned=True) == []
    assert "TRITON_CACHE_AUTOTUNING" not in caches.variables(base, pin=False)


def test_choices_among_timed_candidates_are_told_and_carried(tmp_path: Path) -> None:
    # As torch 2.13 wrote it for a linear layer on a CPU (max_autotune, C++ templates), inputs and hashes shortened.
    base, head = tmp_path / "base", tmp_path / "head"
    quick = {"CppMicroGemmFP32Vec-cr4k": 0.0065, "_mkl_linear-ckf3": 0.0139}
    for folder, times in ((base, quick), (head, {"CppMicroGemmFP32Vec-cr4k": 0.0151, "_mkl_linear-ckf3": 0.0140})):
        (folder / "inductor" / "cache").mkdir(parents=True)
        table = {"system": {"hash": "4413"}, "cache": {"packed_linear": {"[('cpu', 32, 64)]": {"highest": times}}}}
        (folder / "inductor" / "cache" / "4413").write_text(json.dumps(table), encoding="utf-8")
    found = caches.told(base, head)
    assert found["differing"] == ["packed_linear [('cpu', 32, 64)] highest"]
    assert "packed_linear" in caches.notes(found, pinned=False)[0]
    kept = head / "inductor" / "cache" / "4413"
    kept.write_text(
        json.dumps(table | {"cache": {"packed_linear": {"[('cpu', 32, 64)]": {"highest": {n: 2 * t for n, t in quick.items()}}}}})
    )
    assert caches.told(base, head)["differing"] == []  # other times, the same choice
    kept.unlink()
    assert caches.pin(base, head) == 1
    assert caches.choices(base) == caches.choices(head)
    kept.write_text("[]", encoding="utf-8")
    assert caches.choices(head) == {}
