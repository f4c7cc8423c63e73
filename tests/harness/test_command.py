"""From plan and site to argv, word by word."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assay.harness.errors import RefusalError
from assay.harness.launch.command import THREAD_VARIABLES, environment, mpiexec, rank_command, solo
from assay.harness.launch.mpi import Flavour, Mpiexec, find_mpiexec, probe

COMMAND = ["python3", "-P", "-m", "mpi4py", "-m", "assay.harness.rank", "plan.json", "out"]


def test_one_rank_needs_no_mpi() -> None:
    assert solo("python3", "plan.json", "out") == ["python3", "-P", "-m", "assay.harness.rank", "plan.json", "out"]


def test_a_rank_runs_under_mpi4py() -> None:
    assert rank_command("python3", "plan.json", "out") == COMMAND


@pytest.mark.parametrize(
    ("flavour", "root", "flags"),
    [
        ("mpich", False, []),
        ("mpich", True, []),
        ("openmpi", False, ["--oversubscribe"]),
        ("openmpi", True, ["--oversubscribe", "--allow-run-as-root"]),
        ("unknown", True, []),
    ],
)
def test_the_launchers_argv(flavour: Flavour, flags: list[str], *, root: bool) -> None:
    launcher = Mpiexec("bin/mpiexec", flavour, "1")
    assert mpiexec(launcher, COMMAND, nranks=4, root=root) == ["bin/mpiexec", *flags, "-n", "4", *COMMAND]
    extra = ["--bind-to", "core"]
    assert mpiexec(launcher, COMMAND, nranks=2, root=root, extra=extra) == ["bin/mpiexec", *flags, *extra, "-n", "2", *COMMAND]


@pytest.mark.parametrize(
    ("ranks", "cores", "threads", "share"),
    [(1, 8, None, "8"), (2, 8, None, "4"), (3, 8, None, "2"), (2, 2, None, "1"), (16, 2, None, "1"), (2, 8, 3, "3"), (0, 4, None, "4")],
)
def test_threads_get_a_fair_share_of_the_cores(ranks: int, cores: int, threads: int | None, share: str) -> None:
    made = environment({"PATH": "p", "OMP_NUM_THREADS": "99"}, ranks_per_node=ranks, cores=cores, threads=threads)
    assert {name: made[name] for name in THREAD_VARIABLES} == dict.fromkeys(THREAD_VARIABLES, share)
    assert {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"} <= set(THREAD_VARIABLES)
    assert made["MKL_DYNAMIC"] == "FALSE"
    assert made["PATH"] == "p"


def test_named_variables_are_left_out_and_the_base_is_left_alone() -> None:
    base = {"PMI_SIZE": "2", "PATH": "p"}
    made = environment(base, ranks_per_node=1, cores=1, threads=None, dropped=["PMI_SIZE", "ABSENT"])
    assert "PMI_SIZE" not in made
    assert base == {"PMI_SIZE": "2", "PATH": "p"}


def script(path: Path, text: str) -> str:
    """Write a launcher that says ``text`` about itself."""
    path.write_text(f"#!{sys.executable}\nprint({text!r})\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "flavour", "version"),
    [
        ("HYDRA build details:\n    Version:    4.3.1\n", "mpich", "Version: 4.3.1"),
        ("mpiexec (Open MPI) 5.0.7\n\nReport bugs to ...", "openmpi", "mpiexec (Open MPI) 5.0.7"),
        ("mpiexec (OpenRTE) 4.1.4", "openmpi", "version unknown"),
        ("Intel(R) library Version 2021", "unknown", "Intel(R) library Version 2021"),
        ("", "unknown", "version unknown"),
    ],
)
def test_a_launcher_is_known_by_what_it_says(tmp_path: Path, text: str, flavour: str, version: str) -> None:
    path = script(tmp_path / "mpiexec", text)
    assert probe(path) == (flavour, version)
    assert find_mpiexec(path) == Mpiexec(path, flavour, version)  # type: ignore[arg-type]


def test_a_launcher_that_cannot_be_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RefusalError) as caught:
        find_mpiexec(str(tmp_path / "absent"))
    assert caught.value.where == "site.mpiexec"
    assert caught.value.value == str(tmp_path / "absent")
