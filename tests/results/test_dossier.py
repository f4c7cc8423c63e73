"""Dossiers: nothing left out, nothing changed unseen, nothing of a name survives redaction."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.harness.door.main import main
from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.contender import read_contender
from assay.results.document import judged
from assay.results.dossier import chain, making, package
from assay.results.judge import judge
from assay.results.redaction import Redactor, names_of
from assay.results.storage.shelf import files_of
from assay.results.store import Store
from tests.results.builders import MEASURED, bare_rules, case, measured, write_run, wrong

SECRETS = ("gpu-node-17", "gpu-node-17.example.com", "alice", "10.20.30.40", "fe80:0000:0000:0000:0202:b3ff:fe1e:8329", "00:1b:44:11:3a:b7",
           "GPU-8a2c1f3e-1111-2222-3333-444455556666", "SN0123456789", "/home/alice")  # fmt: skip


def run(store: Path, number: int, *, bad: bool = False, other: bool = False) -> RunDir:
    """Write a judged run with names in every kind of file."""
    one = case(m=128 if other else 64)
    name = f"20261126-000000-{number:03d}-{number:06x}"
    facts = {
        "host": "gpu-node-17.example.com",
        "cpu_model": "Toy 1",
        "cores": 2,
        "environment": {"PATH": "/home/alice/bin"},
        "driver": "570.86.15",
    }
    row = wrong(one) if bad else measured(one, [1e-3] * 12, notes={"peer": "talked to 10.20.30.40 and gpu-node-17"})
    made = write_run(store / name, [row], planned=[one], facts=facts, host="gpu-node-17", command=["assay", "run", "/home/alice/suite"])
    (made.path / "config.yaml").write_text(
        yaml.safe_dump({"site": {"name": "gpu-node-17"}, "launch": {}, "rules": bare_rules(), "hardware": MEASURED}), encoding="utf-8"
    )
    ranks = [{"rank": 0, "host": "gpu-node-17", "device": {"uuid": SECRETS[6], "serial": "SN0123456789"}}]
    path = made.path / "measurements" / "000-ranks.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    header = json.loads(lines[0]) | {"ranks": ranks}
    path.write_text(json.dumps(header) + "\n" + "".join(lines[1:]), encoding="utf-8")
    (made.path / "logs").mkdir()
    (made.path / "logs" / "000.txt").write_text(
        "alice@gpu-node-17: nic 00:1b:44:11:3a:b7 at fe80:0000:0000:0000:0202:b3ff:fe1e:8329, File /home/alice/x.py, NCCL 2.28.3\n",
        encoding="utf-8",
    )
    (made.path / "deaths").mkdir()
    (made.path / "deaths" / "gpu-node-17-123.json").write_text('{"host": "gpu-node-17"}', encoding="utf-8")
    (made.path / "stacks").mkdir()
    (made.path / "stacks" / "000-rank00000.txt").write_bytes(b'File "/home/alice/y.py", line 3 \xff\xfe GPU-NODE-17')
    judgement = judge(made, config=made.config())
    made.write_json("run.json", made.read_json("run.json") | {"exit_code": judgement.exit_code})
    return made


def made(tmp_path: Path) -> tuple[Store, chain.Dossier, Path]:
    store = Store(tmp_path / "runs")
    runs = [run(store.root, 1), run(store.root, 2, bad=True), run(store.root, 3), run(store.root, 4, other=True)]
    found = making.make(store, runs[:1])
    path = tmp_path / "d.tar"
    package.write(found, path)
    return store, found, path


def test_every_run_of_the_plan_is_there_failed_ones_too(tmp_path: Path) -> None:
    store, found, path = made(tmp_path)
    assert [entry["run"] for entry in found.manifest["entries"]] == store.ids()[:3]
    assert [entry["exit_code"] for entry in found.manifest["entries"]] == [0, 1, 0]
    assert set(found.manifest["self_check"].values()) == {""}
    again = package.read(path)
    assert chain.problems(again) == []
    assert again.runs == [files_of(RunDir(store.root / name)) for name in store.ids()[:3]]
    assert len(found.manifest["code"]["files"]) > 100


def altered(path: Path, change: Any) -> Path:
    """Write a dossier again with its members changed by ``change(name, content) -> (name, content) or None``."""
    members = []
    with tarfile.open(path) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            members.append((member.name, content.read()))
    other = path.with_name("altered.tar")
    with tarfile.open(other, "w") as tar:
        for name, content in filter(None, (change(*one) for one in members)):
            package.put(tar, name, content)
    return other


def without_second(name: str, content: bytes) -> tuple[str, bytes] | None:
    if name == "manifest.json":
        data = json.loads(content)
        data["entries"] = [entry for entry in data["entries"] if entry["number"] != 2]
        return name, json.dumps(data).encode()
    return None if name.startswith("0002/") else (name, content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_second, "a run is missing"),
        (
            lambda name, content: (name, content.replace(b"1e-3", b"2e-3") + b" ") if name.endswith("0001/run.json") else (name, content),
            "not what was hashed",
        ),
        (lambda name, content: None if name == "0003/records.jsonl" else (name, content), "is missing"),
        (
            lambda name, content: (
                (name, content.replace(b'"exit_code": 1', b'"exit_code": 0')) if name == "manifest.json" else (name, content)
            ),
            "was changed",
        ),
        (
            lambda name, content: (
                (name, content.replace(b'"redacted": false', b'"redacted": true')) if name == "manifest.json" else (name, content)
            ),
            "manifest was changed",
        ),
    ],
)
def test_tampering_is_found(tmp_path: Path, change: Any, said: str) -> None:
    _, _, path = made(tmp_path)
    told = chain.problems(package.read(altered(path, change)))
    assert any(said in problem for problem in told), told


def test_figures_that_do_not_follow_from_the_samples_are_found(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    one = run(store.root, 1)
    assert making.self_check(one) == ""
    path = one.path / "records.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(row | {"value": row["value"] * 0.9}) + "\n" for row in rows), encoding="utf-8")
    assert "figures differ" in making.self_check(one)
    fresh = run(store.root, 2)
    data = fresh.read_json("verdicts.json")
    data["verdicts"][0]["status"] = "fail"
    fresh.write_json("verdicts.json", data)
    assert "verdicts differ" in making.self_check(fresh)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "0001/../../evil", "stray.txt"])
def test_names_outside_are_refused(tmp_path: Path, name: str) -> None:
    _, _, path = made(tmp_path)
    with tarfile.open(path, "a") as tar:
        package.put(tar, name, b"x")
    with pytest.raises(StoreError):
        package.read(path)


def test_links_and_rubbish_are_refused(tmp_path: Path) -> None:
    _, _, path = made(tmp_path)
    link = tmp_path / "link.tar"
    with tarfile.open(link, "w") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    for content in (b"", b"rubbish", path.read_bytes()[:2000]):
        (tmp_path / "bad.tar").write_bytes(content)
        with pytest.raises(StoreError):
            package.read(tmp_path / "bad.tar")
    with pytest.raises(StoreError):
        package.read(link)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        package.put(tar, "manifest.json", b'{"schema": "x", "entries": []}')
    (tmp_path / "other.tar").write_bytes(buffer.getvalue())
    with pytest.raises(StoreError, match="another kind"):
        package.read(tmp_path / "other.tar")


def test_no_name_survives_redaction(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    runs = [run(store.root, 1), run(store.root, 2, bad=True)]
    names = names_of([files_of(one) for one in runs], users=["alice"])
    redactor = Redactor(b"k" * 32, names)
    found = making.make(store, runs, redactor=redactor)
    whole = b"".join(content for files in found.runs for content in files.values()).decode("utf-8", errors="replace") + json.dumps(
        found.manifest
    )
    for secret in SECRETS:
        assert secret.lower() not in whole.lower(), secret
    assert "570.86.15" in whole  # a driver's version is no address
    assert "NCCL 2.28.3" in whole
    hosts = set(re.findall(r"host-[0-9a-f]{10}", whole))
    assert redactor.pseudonym("host", "gpu-node-17") in hosts
    assert (
        redactor.pseudonym("host", "GPU-Node-17")
        == redactor.pseudonym("host", "gpu-node-17")
        != Redactor(b"x", {}).pseudonym("host", "gpu-node-17")
    )
    assert chain.problems(found) == []


def test_a_redacted_run_is_still_judged_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    one = run(store.root, 1)
    redactor = Redactor(b"k" * 32, names_of([files_of(one)], users=["alice"]) | {"m": "host"})  # a host as short as a parameter
    found = making.make(store, [one], redactor=redactor)
    other = Store(tmp_path / "other")
    (back,) = package.bring_in(found, other, origin="vendor-supplied")
    mine, theirs = judged(one), judged(back)
    assert [record.value for record in theirs.records] == [record.value for record in mine.records]
    assert theirs.exit_code == mine.exit_code


def test_taken_in_runs_carry_their_label(tmp_path: Path) -> None:
    _, found, _ = made(tmp_path)
    other = Store(tmp_path / "other")
    runs = package.bring_in(found, other, origin="vendor-supplied")
    assert len(runs) == 3
    assert read_contender("v", runs[:1]).origin == "vendor-supplied"
    assert package.bring_in(found, other, origin="own") == []


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, _, _ = made(tmp_path)
    out, where = str(tmp_path / "v.tar"), ["--store", str(store.root)]
    assert main(["dossier", "make", store.ids()[0], "-o", out, "--redact", *where]) == 0
    assert "3 runs, 1 of them without a pass, redacted" in capsys.readouterr().out
    key = tmp_path / "v.tar.key"
    assert key.stat().st_mode & 0o077 == 0
    assert main(["dossier", "verify", out]) == 0
    assert "sound" in capsys.readouterr().out
    assert main(["dossier", "import", out, "--vendor-supplied", "--store", str(tmp_path / "in")]) == 0
    assert "3 runs taken in" in capsys.readouterr().out
    seal = str(package.read(Path(out)).manifest["end"])
    assert main(["dossier", "verify", out, "--seal", seal]) == 0
    assert main(["dossier", "verify", out, "--seal", "0" * 64]) == 1
    bad = altered(Path(out), lambda name, content: None if name == "0001/records.jsonl" else (name, content))
    assert main(["dossier", "verify", str(bad)]) == 1
    assert main(["dossier", "import", str(bad), "--store", str(tmp_path / "in2")]) == 3
    assert main(["dossier", "make", store.ids()[0], *where]) == 3
    (store.root / store.ids()[0] / "plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(RefusalError, match="plan cannot be read"):
        making.matching(store, [RunDir(store.root / store.ids()[0])])
