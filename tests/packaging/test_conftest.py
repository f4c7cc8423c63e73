"""The fixtures that other tests lean on: they find what they are there to find, and are silent otherwise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests import conftest
from tests.conftest import ANNOUNCED_NAMES, MARK, finish, left_running

SLEEP = "import time; time.sleep(60)"


class FakeItem:
    """A collected test with one marker."""

    def __init__(self, marker: str) -> None:
        """Carry ``marker``."""
        self.marker, self.reasons = marker, []

    def get_closest_marker(self, name: str) -> str | None:
        """Find the marker, as a collected test does."""
        return name if name == self.marker else None

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        """Keep why the test is skipped."""
        self.reasons.append(mark.kwargs["reason"])


def test_a_need_that_is_absent_skips_its_tests_alone_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "NEEDS", {"mpi": lambda: "no mpiexec", "gpu": lambda: ""})
    items = [FakeItem("mpi"), FakeItem("gpu"), FakeItem("slow")]
    conftest.pytest_collection_modifyitems(items)
    assert [item.reasons for item in items] == [["mpi: no mpiexec"], [], []]


def test_a_need_that_no_test_has_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "NEEDS", {"gpu": lambda: pytest.fail("looked for a GPU")})
    conftest.pytest_collection_modifyitems([FakeItem("mpi")])


def test_mpiexec_is_found_beside_this_python_or_on_path_or_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    beside, path = tmp_path / "beside", tmp_path / "path"
    monkeypatch.setattr(conftest, "BESIDE", beside)
    monkeypatch.setenv("PATH", str(path))
    assert "no mpiexec" in conftest.lacks_mpi()
    for folder in (path, beside):
        folder.mkdir()
        (folder / "mpiexec").touch(mode=0o755)
        assert conftest.lacks_mpi() == ""
        assert conftest.program("mpiexec") == str(folder / "mpiexec")


def test_an_orphan_is_found_by_its_environment_and_by_its_command_line(
    tmp_path: Path, clean_env: dict[str, str], no_orphans: Callable[..., None]
) -> None:
    marked = subprocess.Popen([sys.executable, "-c", SLEEP], env=clean_env)
    named = subprocess.Popen([sys.executable, "-c", SLEEP, str(tmp_path / "run")])
    try:
        assert {p.pid for p in left_running(str(tmp_path))} == {marked.pid, named.pid}
        with pytest.raises(AssertionError, match="left running"):
            no_orphans(seconds=0.2)
    finally:
        for process in (marked, named):
            process.kill()
            process.wait()


def test_a_process_of_somebody_else_is_not_an_orphan(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", SLEEP], env={MARK: "elsewhere"})
    try:
        assert left_running(str(tmp_path)) == []
    finally:
        other.kill()
        other.wait()


def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path, clean_env: dict[str, str]) -> None:
    parent = f"import subprocess, sys; print('begun', flush=True); subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    with pytest.raises(pytest.fail.Exception, match="still running after 1 s\nstdout:\nbegun"):
        finish([sys.executable, "-c", parent], env=clean_env, cwd=tmp_path, seconds=1)
    assert not [p for p in left_running(str(tmp_path)) if p.status() != psutil.STATUS_ZOMBIE]


def test_the_environment_announces_no_world_and_no_store(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    planted = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_NTASKS", "ASSAY_STORE", *ANNOUNCED_NAMES)
    for name in planted:
        monkeypatch.setenv(name, "2")
    assert not set(planted) & set(request.getfixturevalue("clean_env"))


def test_the_installed_command_answers(assay: Callable[..., subprocess.CompletedProcess[str]], no_orphans: Callable[..., None]) -> None:
    done = assay("--version")
    no_orphans()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("assay ")
