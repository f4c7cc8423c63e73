"""From runs to units: identities, failures, planted runs, expected hosts; and one device through its moves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.harness.door.main import main
from assay.harness.errors import RefusalError
from assay.harness.rundir import LineWriter, RunDir
from assay.results.device_history import device_history, history_lines
from assay.results.fleet import Limits
from assay.results.fleet_units import exit_code, judge_fleet, read_fleet, worst_of
from tests.results.builders import case, time_record, write_records

KEY = "gemm/1/cpu/barrier/m=64/1x1"


def node(store: Path, number: int, times: list[float], *, host: str, run: str = "", uuids: bool = True, **more: Any) -> RunDir:
    """Write a run of one node, one device a rank."""
    name = run or f"20261126-00000{number // 100}-{number % 100:03d}-{number:06x}"
    records = [time_record(value, run=name, key=KEY, subject=f"device{i}", hw_class="hw1", sw_class="sw1") for i, value in enumerate(times)]
    found = write_records(store / name, records, host=host, **more)
    for path in found.measurement_files():
        path.unlink()
    ranks = [{"rank": i, "host": host, "local_rank": i, "device": {"uuid": f"GPU-{host}-{i}"} if uuids else {}} for i in range(len(times))]
    LineWriter(found.path / "measurements" / "000-ranks.jsonl", {"run": name, "ranks": ranks}).close()
    found.write_json("verdicts.json", {"coverage": {"rows": []}})
    return found


def fleet_of(store: Path, *, slow: str = "", runs: int = 3) -> list[RunDir]:
    """Write a fleet of 8 hosts with 2 devices each; the devices of the host ``slow`` take 10 % longer."""
    made = []
    for run in range(runs):
        for h in range(8):
            host = f"node{h}"
            wobble = 1 + 0.001 * ((h * 5 + run * 3) % 7 - 3)
            made.append(node(store, 10 * run + h, [wobble * (1.1 if host == slow else 1.0)] * 2, host=host))
    return made


def test_a_healthy_fleet_is_silent(tmp_path: Path) -> None:
    findings = judge_fleet(read_fleet(fleet_of(tmp_path)), Limits())
    assert {one.status for one in findings} == {"ok"}
    assert len(findings) == 16
    assert exit_code(findings) == 0


def test_slow_devices_are_named_by_their_uuid(tmp_path: Path) -> None:
    findings = judge_fleet(read_fleet(fleet_of(tmp_path, slow="node3")), Limits())
    assert {one.unit for one in findings if one.status == "slow"} == {"GPU-node3-0", "GPU-node3-1"}
    assert exit_code(findings) == 1


def test_without_a_uuid_host_and_number_are_the_name(tmp_path: Path) -> None:
    fleet = read_fleet([node(tmp_path, 1, [1.0, 1.0], host="a", uuids=False)])
    assert set(fleet.units) == {"a/device0", "a/device1"}


def test_other_software_is_no_peer(tmp_path: Path) -> None:
    runs = fleet_of(tmp_path)
    other = node(tmp_path, 500, [1.5, 1.5], host="node9")
    text = (other.path / "records.jsonl").read_text(encoding="utf-8").replace('"sw1"', '"sw2"')
    (other.path / "records.jsonl").write_text(text, encoding="utf-8")
    findings = judge_fleet(read_fleet([*runs, other]), Limits())
    assert {one.status for one in findings if one.unit.startswith("GPU-node9")} == {"no-verdict"}
    assert {one.status for one in findings if not one.unit.startswith("GPU-node9")} == {"ok"}


def test_failures_and_absent_hosts_never_pass(tmp_path: Path) -> None:
    runs = fleet_of(tmp_path)
    broken = node(tmp_path, 300, [], host="node8")
    broken.write_json("verdicts.json", {"coverage": {"rows": [{"key": KEY, "status": "crashed", "reason": "rank 0 died"}]}})
    findings = judge_fleet(read_fleet([*runs, broken]), Limits(), expected=["node0", "node11"])
    worst = worst_of(findings)
    assert worst["node node8"] == "failed"
    assert worst["node node11"] == "untested"
    assert exit_code(findings) == 2
    assert [one.status for one in findings][:2] == ["failed", "untested"]


def test_planted_runs_are_left_out_and_said(tmp_path: Path) -> None:
    runs = [*fleet_of(tmp_path), node(tmp_path, 400, [5.0, 5.0], host="node1", inject=True)]
    fleet = read_fleet(runs)
    assert judge_fleet(fleet, Limits())[0].status == "ok"
    assert any("planted" in note for note in fleet.notes)


def test_a_run_that_cannot_be_read_is_a_note(tmp_path: Path) -> None:
    runs = fleet_of(tmp_path)
    (runs[0].path / "run.json").write_text("{", encoding="utf-8")
    fleet = read_fleet(runs)
    assert any(runs[0].id in note for note in fleet.notes)


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = fleet_of(tmp_path, slow="node3")
    names = ",".join(run.id for run in runs)
    assert main(["fleet", names, "--store", str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert "slow       GPU-node3-0" in text
    assert "to confirm, run again:" in text
    assert "16 of 16 units tested in 1 case, 24 runs: 2 slow, 14 ok" in text
    assert main(["fleet", names, "--store", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["units"]["GPU-node3-0"]["status"] == "slow"
    expect = tmp_path / "hosts.txt"
    expect.write_text("node0\nnode77\n", encoding="utf-8")
    assert main(["fleet", names, "--store", str(tmp_path), "--expect", str(expect)]) == 2
    assert "node77" in capsys.readouterr().out
    for words in (["--spec", "x"], ["--metric", "nothing"], ["--min-deficit", "0"], ["--expect", "/nowhere/at/all"]):
        assert main(["fleet", names, "--store", str(tmp_path), *words]) == 3


def test_a_device_that_moves_keeps_its_history(tmp_path: Path) -> None:
    for number, host in enumerate(["a", "b", "c"]):
        made = node(tmp_path, number, [1.0 + 0.1 * number, 1.0], host=host)
        header = (made.path / "measurements" / "000-ranks.jsonl").read_text(encoding="utf-8").replace(f"GPU-{host}-0", "GPU-moving")
        (made.path / "measurements" / "000-ranks.jsonl").write_text(header, encoding="utf-8")
    runs = [RunDir(path) for path in sorted(tmp_path.glob("2*"), reverse=True)]
    identity, found = device_history(runs, "mov")
    assert identity == "GPU-moving"
    assert [one.place for one in found] == ["a 0", "b 0", "c 0"]
    assert [round(one.beside or 0.0, 3) for one in found] == [0.0, 0.1, 0.2]
    text = "\n".join(history_lines(identity, found))
    assert "moved to b" in text
    assert "+20 % beside the median of 1 others" in text
    with pytest.raises(RefusalError, match="means"):
        device_history(runs, "GPU-")
    with pytest.raises(RefusalError, match="no run"):
        device_history(runs, "nothing")


def test_cases_are_named_in_full() -> None:
    assert case(m=64).key.startswith("gemm/1/cpu/barrier/")
