"""A plan that is sent: every run of it is in the dossier, and another plan, another budget, or a run that was renumbered or left out is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.harness.door.main import main
from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir
from assay.results.dossier import chain, package
from assay.results.dossier.plan import canonical, differences, plan_hash, read_sent
from assay.results.judge import judge
from assay.results.store import Store
from tests.results.builders import MEASURED, bare_rules, case, measured, plan_of, write_run, wrong

CASES = (case(m=64), case(m=128))


def run(
    store: Path, number: int, *, status: str = "finished", bad: bool = False, only: int = 2, plan: dict[str, Any] | None = None
) -> RunDir:
    """Write a run of the plan: whole, failed, interrupted, or with a case left out."""
    name = f"20261126-000000-{number:03d}-{number:06x}"
    kept, left = CASES[:only], [(one, "belongs to another shard than 1/2") for one in CASES[only:]]
    rows = [wrong(one) if bad else measured(one, [1e-3] * 12) for one in kept]
    made = write_run(
        store / name,
        rows if status == "finished" else rows[:1],
        planned=kept,
        left_out=left,
        status=status,
        facts={"code": "c0de", "cores": 2},
    )
    if plan is not None:
        made.write_json("plan.json", plan)
    (made.path / "config.yaml").write_text(
        yaml.safe_dump({"site": {}, "launch": {}, "rules": bare_rules(), "hardware": MEASURED}), encoding="utf-8"
    )
    judgement = judge(made, config=made.config())
    made.write_json("run.json", made.read_json("run.json") | {"exit_code": judgement.exit_code})
    return made


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """Write the buyer's plan; the order of its cases is not that of the vendor's."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan_of(CASES[::-1])), encoding="utf-8")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Make a vendor's store: a good, a wrong, an interrupted and a partial run of the plan, and one of another plan."""
    root = tmp_path / "vendor"
    run(root, 1)
    run(root, 2, bad=True)
    run(root, 3, status="interrupted")
    run(root, 4, only=1)
    write_run(root / "20261126-000000-005-000005", [measured(case(m=7), [1e-3] * 12)])
    return Store(root)


def packed(store: Store, sent: Path) -> Path:
    out = sent.with_name("v.tar")
    assert main(["dossier", "make", "--plan", str(sent), "-o", str(out), "--store", str(store.root)]) == 0
    return out


def test_all_runs_of_the_plan_are_there_and_untouched_it_is_sound(store: Store, sent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = packed(store, sent)
    found = package.read(out)
    assert [(entry["number"], entry["run"]) for entry in found.manifest["entries"]] == list(enumerate(store.ids()[:4], start=1))
    assert [entry["status"] for entry in found.manifest["entries"]] == ["finished", "finished", "interrupted", "finished"]
    assert [entry["exit_code"] != 0 for entry in found.manifest["entries"]][:2] == [False, True]
    assert found.manifest["plan_file"] == json.loads(sent.read_text(encoding="utf-8"))
    assert {entry["inputs"]["plan"] for entry in found.manifest["entries"]} == {plan_hash(plan_of(CASES))} == set(found.manifest["plan"])
    assert all(len(entry["inputs"]["config"]) == 64 for entry in found.manifest["entries"])
    assert {entry["code"] for entry in found.manifest["entries"]} == {"c0de"}
    capsys.readouterr()
    assert main(["dossier", "verify", str(out), "--plan", str(sent)]) == 0
    text = capsys.readouterr().out
    assert "it is the plan that was sent" in text
    assert "entry 1 (20261126-000000-001-000001) was measured by other code than the dossier lists" in text, "these runs made up their code"


def manifest_with(path: Path, change: Any) -> Path:
    """Write a dossier again with its manifest and files changed by hand, sealed anew as its forger would."""
    found = package.read(path)
    manifest, runs = dict(found.manifest), [dict(files) for files in found.runs]
    manifest["entries"] = [dict(entry) for entry in manifest["entries"]]
    manifest, runs = change(manifest, runs)
    manifest.pop("end")
    other = path.with_name("forged.tar")
    package.write(chain.Dossier(manifest | {"end": chain.sha256(canonical(manifest))}, runs), other)
    return other


def removed(manifest: dict[str, Any], runs: list[dict[str, bytes]]) -> Any:
    """Take the wrong run out, and number the rest anew."""
    kept = [entry | {"number": n} for n, entry in enumerate([manifest["entries"][0], *manifest["entries"][2:]], start=1)]
    return manifest | {"entries": kept}, [runs[0], *runs[2:]]


def renumbered(manifest: dict[str, Any], runs: list[dict[str, bytes]]) -> Any:
    """Let two runs change places."""
    first, second, *rest = manifest["entries"]
    return manifest | {"entries": [second | {"number": 1}, first | {"number": 2}, *rest]}, [runs[1], runs[0], *runs[2:]]


def altered(manifest: dict[str, Any], runs: list[dict[str, bytes]]) -> Any:
    """Change a sample."""
    name = "measurements/000-ranks.jsonl"
    return manifest, [runs[0] | {name: runs[0][name].replace(b"0.001", b"0.0009")}, *runs[1:]]


def easier(manifest: dict[str, Any], runs: list[dict[str, bytes]]) -> Any:
    """Name an easier plan, with fewer cases."""
    return manifest | {"plan_file": plan_of(CASES[:1])}, runs


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (removed, "was changed"),
        (renumbered, "does not follow"),
        (altered, "not what was hashed"),
        (easier, "the plan in the dossier lacks"),
    ],
)
def test_a_forged_dossier_is_found_though_sealed_anew(
    store: Store, sent: Path, change: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = manifest_with(packed(store, sent), change)
    capsys.readouterr()
    assert main(["dossier", "verify", str(forged), "--plan", str(sent)]) == 1
    assert said in capsys.readouterr().out


def test_another_plan_or_budget_than_the_one_sent_is_found(store: Store, sent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = packed(store, sent)
    data = json.loads(sent.read_text(encoding="utf-8"))
    stricter = [row | {"budget": row["budget"] | {"min_reps": 1000}} for row in data["cases"]]
    for plan, said in ((data | {"cases": stricter}, "budget is another"), (plan_of([*CASES, case(m=256)]), "lacks gemm/")):
        sent.write_text(json.dumps(plan), encoding="utf-8")
        assert main(["dossier", "verify", str(out), "--plan", str(sent)]) == 1
        assert said in capsys.readouterr().out


def test_a_run_with_a_budget_of_its_own_is_found(store: Store, sent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = plan_of(CASES)
    own["cases"] = [row | {"budget": row["budget"] | {"max_reps": 3}} for row in own["cases"]]
    run(store.root, 6, plan=own)
    assert main(["dossier", "verify", str(packed(store, sent)), "--plan", str(sent)]) == 1
    assert "entry 5 (20261126-000000-006-000006) gemm/" in capsys.readouterr().out


def test_differences_are_silent_for_the_same_work_and_count_the_rest() -> None:
    assert differences(plan_of(CASES), plan_of(CASES[:1], [(CASES[1], "shard")])) == []
    told = differences(plan_of([case(m=i) for i in range(10)]), plan_of(CASES))
    assert told[-1] == "and 9 more"
    assert differences(plan_of(CASES), {}) == ["it has no plan that can be read"]


@pytest.mark.parametrize("text", ["{", "[]", '{"cases": []}', '{"cases": [{"key": "x"}]}', "nothing"])
def test_what_is_no_plan_is_refused(tmp_path: Path, store: Store, text: str) -> None:
    path = tmp_path / "bad.json"
    if text != "nothing":
        path.write_text(text, encoding="utf-8")
    with pytest.raises(RefusalError, match="--plan"):
        read_sent(path)
    assert main(["dossier", "make", "--plan", str(path), "-o", str(tmp_path / "x.tar"), "--store", str(store.root)]) == 3


def test_a_plan_that_nobody_measured_and_words_that_say_nothing_are_refused(store: Store, sent: Path) -> None:
    sent.write_text(json.dumps(plan_of([case(m=999)])), encoding="utf-8")
    where = ["-o", str(sent.with_name("x.tar")), "--store", str(store.root)]
    assert main(["dossier", "make", "--plan", str(sent), *where]) == 3
    assert main(["dossier", "make", store.ids()[0], "--plan", str(sent), *where]) == 3
    assert main(["dossier", "make", *where]) == 3
    assert main(["dossier", "verify"]) == 3
