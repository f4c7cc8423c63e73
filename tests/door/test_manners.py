"""On a machine in production: others are refused or marked, devices are told beside the figures, nothing is written elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.door.place import LEAN, Place, assert_refused
from tests.telemetry.acme import install

ONE = ("suite=[all_reduce]", "suite.all_reduce.transport=loopback", "site.nranks=1", "hardware.name=none", "budget.warmup_seconds=0.05")
QUICK = (*ONE, "suite.all_reduce.axes.bytes=[8,1024]", "budget.seconds=0.05", "budget.min_reps=3")
AUDIT = """
import os, sys
LOG = os.open(os.environ["AUDIT_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def note(event, args):
    path = None
    if event == "open" and (args[2] or 0) & WRITING:
        path = args[0]
    elif event in {"os.mkdir", "os.symlink", "os.link"}:
        path = args[0]
    elif event == "os.rename":
        path = args[1]
    if path is not None and not isinstance(path, int):
        os.write(LOG, (os.path.abspath(os.fsdecode(path)) + "\\n").encode())

sys.addaudithook(note)
"""


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Install a package that brings telemetry."""
    return install(tmp_path_factory.mktemp("site"))


def timed(run: Path) -> list[dict[str, Any]]:
    """Give every record of a run that rests on a time."""
    found = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    return [record for record in found if record["unit"] in {"s", "B/s"}]


def test_somebody_elses_process_is_refused_before_measuring(fresh: Place, acme: dict[str, str]) -> None:
    done = fresh.assay("run", *QUICK, "site.telemetry=acme", env={**acme, "ACME_PID": str(os.getpid())})
    assert done.returncode == 3, done.stdout + done.stderr
    for word in ("train.py", f"pid {os.getpid()}", "6.0 GiB", "device0", "--share"):
        assert word in done.stderr
    assert fresh.runs == []


def test_share_measures_and_marks_every_number(fresh: Place, acme: dict[str, str]) -> None:
    done = fresh.assay("run", *QUICK, "site.telemetry=acme", "--share", env={**acme, "ACME_PID": str(os.getpid())})
    assert done.returncode == 0, done.stdout + done.stderr
    mark = f"shared with train.py (pid {os.getpid()}, 6.0 GiB) on device0"
    assert len(timed(fresh.runs[0])) >= 4
    told = [[flag for flag in record["flags"] if flag.startswith("shared with")] for record in timed(fresh.runs[0])]
    assert all(len(flags) == 1 and flags[0].startswith(mark) for flags in told)
    assert f"mark: {mark}" in done.stdout
    assert json.loads((fresh.runs[0] / "plan.json").read_text(encoding="utf-8"))["share"] is True


def test_a_device_alone_is_told_with_joules_and_a_throttled_one_is_marked(fresh: Place, acme: dict[str, str]) -> None:
    long = (
        *ONE,
        "suite.all_reduce.axes.bytes=[1048576]",
        "budget.seconds=2.6",
        "budget.min_reps=3",
        "budget.precision=1e-9",
        "site.telemetry=acme",
    )
    done = fresh.assay("run", *long, env={**acme, "ACME_TROUBLE": "throttled"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mark: throttled: acme too hot (1 case: 100% of " in done.stdout
    assert "mark: clock state: below its maximum (1 case: 900 of 1000 MHz, 90%)" in done.stdout
    assert "shared" not in done.stdout
    assert "device0: 250 W (250..250, n=" in done.stdout
    row: dict[str, Any] = fresh.show()["cases"][0]["telemetry"][0]
    assert row["energy"]["joules"] == pytest.approx(250 * row["energy"]["seconds"], rel=0.01), row["no_energy"]
    assert row["energy"]["seconds"] >= 2


def test_a_run_goes_on_without_telemetry_and_says_why(fresh: Place, acme: dict[str, str]) -> None:
    done = fresh.assay("run", *QUICK, "site.telemetry=acme", env={**acme, "ACME_TROUBLE": "raises"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "telemetry: none (acme of acme-telemetry 1.0 cannot be opened: RuntimeError: no driver of acme)" in done.stdout


def test_a_telemetry_that_nobody_brings_is_refused(fresh: Place) -> None:
    assert_refused(fresh.assay("run", *QUICK, "site.telemetry=nvlm"), "site.telemetry", "'nvlm'", "nvml")


def test_exclusive_takes_the_last_tenth_of_the_memory(fresh: Place) -> None:
    small = (*ONE, "suite.all_reduce.axes.bytes=[67108864]")
    needed = json.loads(fresh.assay("plan", *small, "--json").stdout)["needs"]
    memory = int(next(iter(needed.values()))["memory_nbytes"] / 0.95)
    refused = fresh.assay("plan", *small, f"site.memory_nbytes={memory}")
    assert_refused(refused, "90%", "--exclusive")
    done = fresh.assay("plan", *small, f"site.memory_nbytes={memory}", "--exclusive", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["exclusive"] is True


def tree(folder: Path) -> set[Path]:
    """List everything under a folder."""
    return set(folder.rglob("*"))


@pytest.mark.mpi
def test_nothing_is_written_outside_the_run_directory(tmp_path: Path) -> None:
    places = {name: tmp_path / name for name in ("site", "home", "tmp", "cache", "config", "work", "store")}
    for folder in places.values():
        folder.mkdir()
    (places["site"] / "sitecustomize.py").write_text(AUDIT, encoding="utf-8")
    log = tmp_path / "written"
    environ = {
        "HOME": str(places["home"]),
        "TMPDIR": str(places["tmp"]),
        "XDG_CACHE_HOME": str(places["cache"]),
        "XDG_CONFIG_HOME": str(places["config"]),
        "PYTHONPATH": str(places["site"]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AUDIT_LOG": str(log),
    }
    before = {name: tree(folder) for name, folder in places.items() if name != "store"}
    done = Place(places["work"]).assay("run", *LEAN, f"store.url={places['store']}", env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: tree(folder) for name, folder in places.items() if name != "store"} == before
    written = {Path(line) for line in log.read_text(encoding="utf-8").splitlines()}
    assert any(path.name == "run.json" for path in written), "the hook saw nothing"
    allowed = (str(places["store"]), "/dev/", "/proc/", str(tmp_path / "tmp"))  # what lay in TMPDIR is gone again, as seen above
    assert sorted(str(path) for path in written if not str(path).startswith(allowed)) == []
