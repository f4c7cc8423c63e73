"""A package of somebody else's beside Assay's wheel: no clone, no network, no rights; what it brings is listed, planned, run and judged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ANNOUNCED, ANNOUNCED_NAMES, BESIDE
from tests.outside import FUNCTION, yaml_of
from tests.packaging.environments import build, environment_with, python_of

NOBODY = 65534
TINY = ("budget.seconds=0.05", "budget.warmup_seconds=0.05", "budget.min_reps=3", "hardware.name=none")
Run = Callable[..., subprocess.CompletedProcess[str]]

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "acme"
version = "2.5"

[project.entry-points."assay.suites"]
acme_copy = "acme.suites:acme_copy"
acme_broken = "acme_broken.suites:acme_broken"

[project.entry-points."assay.devices"]
acme9 = "acme.device:open_device"

[project.entry-points."assay.transports"]
acme_wire = "acme.wire:open_wire"

[project.entry-points."assay.telemetry"]
acme_eye = "acme.telemetry:open_telemetry"

[tool.setuptools]
packages = ["acme", "acme.conf", "acme_broken", "acme_broken.conf"]

[tool.setuptools.package-data]
"*" = ["**/*.yaml"]
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "acme/__init__.py": "",
    "acme/suites.py": FUNCTION.format(name="acme_copy"),
    "acme/device.py": """\
from assay.harness.device.cpu import CpuDevice

class Acme(CpuDevice):
    kind = "acme9"

    def facts(self):
        return {**super().facts(), "name": "Acme 9"}

def open_device(*, local_rank):
    return Acme()
""",
    "acme/wire.py": """\
from assay.collectives.mpi import Mpi

class Wire(Mpi):
    name = "acme_wire"

def open_wire(ctx):
    return Wire(ctx.world)
""",
    "acme/telemetry.py": """\
class Eye:
    source = "acme eye 2.5"

    def device(self):
        return {"name": "Acme 9"}

    def readings(self):
        return {"power_watts": lambda: 77.0, "sm_clock_mhz": lambda: 900, "sm_clock_max_mhz": lambda: 900}

    def close(self):
        pass

def open_telemetry(facts):
    return Eye()
""",
    "acme/conf/__init__.py": "",
    "acme/conf/suite/acme_copy.yaml": yaml_of("acme_copy", "acme.suites:acme_copy", "wrong: false\naxes:\n  elements: [64, 4096]\n"),
    "acme/conf/plan/acme.yaml": "# @package _global_\ndefaults:\n  - override /suite: [acme_copy]\n",
    "acme_broken/__init__.py": "raise OSError('acme needs a driver')\n",
    "acme_broken/suites.py": "",
    "acme_broken/conf/__init__.py": "",
    "acme_broken/conf/suite/acme_broken.yaml": yaml_of("acme_broken", "acme_broken.suites:acme_broken"),
}
EXECUTIONS = ("os.system", "subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork")
# Runs the command line with an ear on what the interpreter imports and executes, and prints what it heard as the last line.
EAR = """\
import json, sys
from assay.harness.door.main import main
heard = []
def listen(event, args):
    if event == "exec":  # the code of a module: importlib says no more than this of what it imports
        heard.append(args[0].co_filename)
    elif event in sys.argv[1].split():
        heard.append(event)
sys.addaudithook(listen)
code = main(sys.argv[2:])
print()
print(json.dumps({"code": code, "heard": heard}))
"""


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install both wheels where any user can read them (pytest's own folders are private), with a folder that only nobody may write."""
    if os.geteuid() != 0:
        pytest.skip("only root can run a command as another user")
    base = python_of(NOBODY)
    if base is None:
        pytest.skip("no Python of this version that another user may run")
    source = tmp_path_factory.mktemp("acme")
    for name, text in FILES.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    folder = Path(tempfile.mkdtemp(prefix="acme-"))
    try:
        folder.chmod(0o755)
        environment_with(wheel, build(source, tmp_path_factory.mktemp("acme wheel")), folder=folder / "venv", base=base)
        (folder / "work").mkdir()
        os.chown(folder / "work", NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def run(home: Path) -> Run:
    """Give a callable that runs a program of the environment as nobody, who has no home, in nobody's own folder."""
    dropped = {"HOME", "XDG_CONFIG_HOME", "PYTHONPATH", *ANNOUNCED_NAMES}
    env = {k: v for k, v in os.environ.items() if not k.startswith(ANNOUNCED) and k not in dropped}
    env |= {"ASSAY_SITE_CONFIG": str(home / "etc"), "PATH": f"{home}/venv/bin:{BESIDE}:{env['PATH']}"}
    env["LD_LIBRARY_PATH"] = f"{BESIDE.parent}/lib"  # the MPI is one of the dependencies, which lie in this environment

    def command(name: str, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        argv, folder = [str(home / "venv" / "bin" / name), *args], cwd or home / "work"
        return subprocess.run(
            argv, env=env, cwd=folder, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=120, check=False
        )

    if command("python", "-c", "import numpy, torch").returncode:
        pytest.skip("the dependencies of this environment cannot be read by another user")
    return command


@pytest.mark.slow
def test_it_is_listed_with_where_it_comes_from_and_what_is_broken(run: Run, home: Path) -> None:
    rows = {row["name"]: row for row in json.loads(run("assay", "suites", "--json").stdout)["suites"]}
    assert rows["acme_copy"]["origin"].startswith("acme 2.5: ")
    assert [part["name"] for part in rows["acme_copy"]["parameters"]] == ["elements", "wrong"]
    assert "acme 2.5: OSError: acme needs a driver" in rows["acme_broken"]["problem"]
    assert [name for name, row in rows.items() if row["problem"]] == ["acme_broken"]
    where = json.loads(run("python", "-c", "import assay, acme, json; print(json.dumps([assay.__file__, acme.__file__]))").stdout)
    assert all(Path(path).is_relative_to(home / "venv") for path in where)


@pytest.mark.slow
def test_it_is_planned(run: Run) -> None:
    done = run("assay", "plan", "plan=acme", "device=acme9", "site.nranks=1", "hardware.name=none")
    assert done.returncode == 0, done.stderr
    assert "acme_copy/1/acme9/barrier/elements=4096,wrong=false/1x1" in done.stdout
    assert "2 cases on 1 ranks" in done.stdout


@pytest.mark.mpi
@pytest.mark.slow
def test_it_is_run_on_its_own_device_over_its_own_transport_and_judged(run: Run, home: Path) -> None:
    reduce = ("suite.all_reduce.axes.bytes=[8]", "suite.all_reduce.transport=acme_wire")
    done = run(
        "assay", "run", "suite=[acme_copy,all_reduce]", *reduce, "device=acme9", "site.telemetry=acme_eye", "site.nranks=2", *TINY, "--json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert {(case["suite"], case["status"]) for case in document["cases"]} == {("acme_copy", "measured"), ("all_reduce", "measured")}
    assert all("/acme9/" in case["key"] for case in document["cases"])
    assert any("transport=acme_wire" in case["key"] for case in document["cases"])
    for case in document["cases"]:
        assert [rank["source"] for rank in case["telemetry"]] == ["acme eye 2.5"] * 2
        assert case["telemetry"][0]["after"]["power_watts"] == {"status": "ok", "value": 77.0}
    passed = [verdict for verdict in document["verdicts"] if verdict["status"] == "pass"]
    assert any(verdict["rule"] == "coverage" and verdict["value"] == 1.0 for verdict in passed)
    assert {verdict["status"] for verdict in document["verdicts"]} <= {"pass", "skip"}  # skipped: floors of suites that were not planned
    (lines,) = (home / "work" / "runs" / document["run"]["id"] / "measurements").glob("*-ranks.jsonl")
    facts = json.loads((lines.parents[1] / "facts.json").read_text(encoding="utf-8"))
    assert facts["packages"]["acme"] == "2.5"
    ranks = json.loads(lines.read_text(encoding="utf-8").splitlines()[0])["ranks"]
    assert [rank["device"]["name"] for rank in ranks] == ["Acme 9"] * 2


@pytest.mark.slow
def test_a_wrong_answer_of_its_own_is_found(run: Run) -> None:
    done = run("assay", "run", "plan=acme", "suite.acme_copy.wrong=true", "site.nranks=1", *TINY)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "WRONG" in done.stdout
    assert "element 32" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "target", ["acme.suites:needs", "acme.suites:acme_copy2", "acme_absent.suites:acme_copy", "os:system", "os.system"]
)
def test_a_yaml_alone_has_nothing_imported(run: Run, home: Path, target: str) -> None:
    conf = Path(tempfile.mkdtemp(dir=home, prefix="conf-"))
    conf.chmod(0o755)
    (conf / "suite").mkdir()
    evil = FILES["acme/conf/suite/acme_copy.yaml"].replace("acme_copy", "evil").replace("acme.suites:evil", target)
    (conf / "suite" / "evil.yaml").write_text(evil, encoding="utf-8")
    done = run("python", "-c", EAR, " ".join(EXECUTIONS), "run", "suite=[evil]", "site.nranks=1", "--config-dir", str(conf))
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["code"] == 3, done.stderr
    assert "suite.evil.target" in done.stderr
    assert target in done.stderr
    assert found["heard"]
    assert not [name for name in found["heard"] if "acme" in name.removeprefix(str(home)) or name in EXECUTIONS]


@pytest.mark.slow
def test_the_ear_hears_what_an_entry_point_has_imported(run: Run, home: Path) -> None:
    done = run("python", "-c", EAR, " ".join(EXECUTIONS), "plan", "plan=acme", "site.nranks=1", "hardware.name=none")
    found = json.loads(done.stdout.splitlines()[-1])
    heard = {Path(name).parent.name for name in found["heard"] if "acme" in name.removeprefix(str(home))}
    assert (found["code"], heard) == (0, {"acme"})  # and nothing of the broken package, which was not chosen


@pytest.fixture
def sealed(home: Path) -> Iterator[Path]:
    """Take the right to write away from everything but nobody's own folder; give a folder that nobody may not write."""
    paths = [home, *(path for path in (home / "venv").rglob("*") if not path.is_symlink())]
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    yield home
    for path, mode in modes.items():
        path.chmod(mode)


@pytest.mark.mpi
@pytest.mark.slow
def test_installed_read_only_without_a_home_it_runs_where_a_store_is_given(run: Run, sealed: Path) -> None:
    store = sealed / "work" / "elsewhere"
    words = ("suite=[all_reduce]", "suite.all_reduce.axes.bytes=[8]", "site.nranks=2", *TINY)
    done = run("assay", "run", *words, f"store.url={store}", cwd=sealed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(store.glob("2*"))) == 1
    for verb in (("plan", "plan=smoke"), ("suites",), ("doctor", "--permissions"), ("show", "latest", "--store", str(store))):
        said = run("assay", *verb, cwd=sealed)
        assert said.returncode == 0, said.stderr
        assert "Traceback" not in said.stderr
    assert run("assay", "doctor", cwd=sealed).returncode == 2  # no store that could be written: not ready, and said


@pytest.mark.slow
def test_without_any_folder_to_write_it_is_refused_in_a_sentence(run: Run, sealed: Path) -> None:
    done = run("assay", "run", "suite=[gemm]", "site.nranks=1", *TINY, cwd=sealed)
    assert done.returncode == 2
    assert "Choose a store that you may write (store.url=DIR or ASSAY_STORE)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
