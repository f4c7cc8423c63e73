"""docs/adding-a-suite.md, followed to the letter in a copy of the packages: two files dropped in, no other edit."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("harness", "suites", "collectives", "conf", "results")
TINY = ("budget.seconds=0.05", "budget.warmup_seconds=0.05", "budget.min_reps=3")
FILE = re.compile(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def page() -> str:
    """Read the page up to where it leaves the clone."""
    return parts()[0]


def parts() -> tuple[str, str]:
    """Give the page's two parts: inside the clone, and outside of it."""
    inside, outside = (ROOT / "docs" / "adding-a-suite.md").read_text(encoding="utf-8").split("## Outside the clone")
    return inside, outside


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, page: str) -> Path:
    """Copy the packages as ``assay`` and write the page's files into the copy."""
    folder = tmp_path_factory.mktemp("recipe")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / "assay" / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "__init__.py", folder / "assay")
    for name, text in FILE.findall(page):
        assert not (folder / "assay" / name).exists(), f"{name} is there already: the recipe edits nothing"
        (folder / "assay" / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def run(home: Path, clean_env: dict[str, str], tmp_path: Path) -> Run:
    """Give a callable that runs one line of the page with the copy, as a user would, with a small budget."""

    def line(command: str) -> subprocess.CompletedProcess[str]:
        program, verb, *rest = shlex.split(command)
        assert program == "assay"
        argv = [sys.executable, "-m", "assay.harness.door.main", verb, *rest, *(TINY if verb == "run" else ())]
        return subprocess.run(
            argv, env=clean_env | {"PYTHONPATH": str(home)}, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    return line


def commands(page: str) -> tuple[list[str], list[str]]:
    """Give the page's commands: those that must pass, and those of the last block, which must fail."""
    *passing, failing = (block.strip().splitlines() for block in SHELL.findall(page))
    return [line for block in passing for line in block], failing


def test_the_page_names_one_function_file_and_one_yaml_and_nothing_else(page: str) -> None:
    assert [name for name, _ in FILE.findall(page)] == ["suites/triad.py", "conf/suite/triad.yaml"]
    assert page.count("```") == 2 * (len(FILE.findall(page)) + len(SHELL.findall(page)))  # no block escapes the test


@pytest.mark.mpi
@pytest.mark.slow
def test_every_command_of_the_page_does_what_the_page_says(page: str, run: Run) -> None:
    passing, _ = commands(page)
    assert [line.split()[1] for line in passing] == ["suites", "plan", "run", "run"]
    listed, planned, alone, two = (run(line) for line in passing)
    assert [done.returncode for done in (listed, planned, alone, two)] == [0, 0, 0, 0], [
        done.stderr for done in (listed, planned, alone, two)
    ]
    assert "triad" in listed.stdout
    assert "memory triad in float64, every element checked [elements number, seed number]" in listed.stdout
    assert "triad/1/cpu/barrier/elements=4194304,seed=0/1x1" in planned.stdout
    assert "calibrate/1/cpu/barrier/" in planned.stdout
    assert "coverage: 3 of 3 cases measured" in alone.stdout
    assert "coverage: 2 of 2 cases measured" in two.stdout
    assert "% of measured memory" in two.stdout


@pytest.mark.mpi
@pytest.mark.slow
def test_a_planted_wrong_element_is_found_with_rank_and_place_and_has_no_figure(page: str, run: Run) -> None:
    _, (failing,) = commands(page)
    done = run(failing)
    assert done.returncode == 1, done.stderr
    assert "rank 1: 1 of 65536 sums are wrong; first element 1" in done.stdout
    document = json.loads(run("assay show latest --json").stdout)
    (case,) = (case for case in document["cases"] if case["suite"] == "triad")
    assert (case["status"], case["checked"]["rank"], case["checked"]["where"]) == ("wrong", 1, "element 1")
    assert [record for record in document["records"] if record["suite"] == "triad"] == []  # no time, no rate


@pytest.mark.slow
def test_a_kernel_that_is_really_wrong_fails_too(home: Path, page: str, run: Run) -> None:
    file, text = home / "assay" / "suites" / "triad.py", dict(FILE.findall(page))["suites/triad.py"]
    broken = text.replace("np.add(target, left, out=target)", "np.subtract(target, left, out=target)")
    assert broken != text
    file.write_text(broken, encoding="utf-8")
    try:
        done = run("assay run 'suite=[triad]' site.nranks=1 'suite.triad.axes.elements=[65536]'")
    finally:
        file.write_text(text, encoding="utf-8")
    assert done.returncode == 1, done.stderr
    assert "WRONG" in done.stdout


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the files of the page's second part, and the two programs that it calls: both as installed here, without a network."""
    folder = tmp_path_factory.mktemp("outside")
    _, text = parts()
    for name, content in FILE.findall(text):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    pip = "-m pip install --quiet --no-index --no-deps --no-build-isolation --target site"
    programs = {
        "assay": f'case $1 in run) set -- "$@" {" ".join(TINY)};; esac\nexec {Path(sys.executable).parent}/assay "$@"',
        "pip": f'test "$1" = install && exec {sys.executable} {pip} "$2"',
    }
    (folder / "bin").mkdir()
    for name, script in programs.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)
    return folder


@pytest.mark.slow
def test_a_folder_and_a_package_are_what_the_page_says(outside: Path, clean_env: dict[str, str]) -> None:
    _, text = parts()
    assert [name for name, _ in FILE.findall(text)] == ["mine/reverse.py", "mine/reverse.yaml", "acme/pyproject.toml"]
    env = clean_env | {"PATH": f"{outside}/bin:{clean_env['PATH']}", "PYTHONPATH": str(outside / "site")}
    said = []
    for block in SHELL.findall(text):
        done = subprocess.run(["sh", "-ex"], input=block, env=env, cwd=outside, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done.stdout)
    assert len(said) == text.count("```sh") == 2
    assert all("coverage: 2 of 2 cases measured" in one for one in said)
    assert ["--suite-path: " in said[0], "acme 1.0: " in said[1]] == [True, True]
    assert all("a vector copied backwards, every element checked [elements number]" in one for one in said)
