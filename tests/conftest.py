"""What every test may ask for: what this machine has, a store, the installed command, and proof that nothing was left running."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import psutil
import pytest

BESIDE = Path(sys.executable).parent  # the scripts of the environment that runs the tests
ANNOUNCED = (
    "PMI_",
    "PMIX_",
    "OMPI_",
    "PRTE_",
    "SLURM_",
    "MPI_",
    "HYDI_",
    "HYDRA_",
    "ASSAY_",
    "TORCHELASTIC_",
)  # of some world or store outside
ANNOUNCED_NAMES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
MARK = "ORPHAN_MARK"  # inherited by everything that a test starts


def program(name: str) -> str | None:
    """Find a program beside this Python, else on PATH."""
    beside = BESIDE / name
    return str(beside) if os.access(beside, os.X_OK) else shutil.which(name)


def lacks_mpi() -> str:
    """Say what keeps MPI tests from running, if anything."""
    return "" if program("mpiexec") else "no mpiexec beside this Python or on PATH (extras mpich or openmpi bring one)"


def lacks_gpu() -> str:
    """Say what keeps GPU tests from running, if anything."""
    import torch

    return "" if torch.cuda.is_available() else "no CUDA device that torch can use"


def lacks_slurm() -> str:
    """Say what keeps Slurm tests from running, if anything; they raise a cluster of their own."""
    from tests.slurm.cluster import missing

    return missing()


def lacks_lab() -> str:
    """Say what keeps tests of the emulated cluster from running, if anything."""
    missing = [name for name in ("ip", "tc") if not shutil.which(name)]
    if missing:
        return f"no {' and '.join(missing)} on PATH (Debian: iproute2)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"assay-probe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return made.stderr.strip()


NEEDS = {"mpi": lacks_mpi, "gpu": lacks_gpu, "slurm": lacks_slurm, "lab": lacks_lab}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine cannot run; each need is looked at once, and only if a test has it."""
    for name, lacks in NEEDS.items():
        having = [item for item in items if item.get_closest_marker(name)]
        reason = lacks() if having else ""
        for item in having if reason else ():
            item.add_marker(pytest.mark.skip(reason=f"{name}: {reason}"))


@pytest.fixture(autouse=True, scope="session")
def no_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep this machine's own layers of configuration out of what tests compose in this process."""
    nowhere = tmp_path_factory.getbasetemp() / "no site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SITE_CONFIG", str(nowhere / "etc"))
        patch.setenv("XDG_CONFIG_HOME", str(nowhere / "home"))
        yield


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make an empty store for this test."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


@pytest.fixture
def clean_env(tmp_path: Path) -> dict[str, str]:
    """Copy the environment, without a word of any world or store outside, with a home of its own and this test's mark."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ANNOUNCED) and k not in ANNOUNCED_NAMES}
    return {
        **kept,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "ASSAY_SITE_CONFIG": str(home / "etc"),
        MARK: str(tmp_path),
    }


class Assay(Protocol):
    """Runs the installed command."""

    def __call__(
        self, *args: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, seconds: float = 240, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run ``[*prefix, assay, *args]`` and return how it ended and what it said.

        Args:
            *args: the verb and what follows it.
            env: variables on top of the clean environment.
            cwd: where it runs; the test's own folder if not said.
            seconds: how long it may take; then its whole process group is killed and the test fails with what it had said.
            prefix: what starts it, such as ``(mpiexec, "-n", "2")``.

        """


@pytest.fixture
def assay(tmp_path: Path, clean_env: dict[str, str]) -> Assay:
    """Give a callable that runs the ``assay`` script installed beside this Python, as a user at a shell would."""
    script = BESIDE / "assay"
    if not script.exists():
        pytest.fail(f"{script} is not installed: set up with `make setup` and test with that environment")

    def run(
        *args: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, seconds: float = 240, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        return finish([*prefix, str(script), *args], env={**clean_env, **(env or {})}, cwd=cwd or tmp_path, seconds=seconds)

    return run


def finish(argv: list[str], *, env: Mapping[str, str], cwd: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a command in a process group of its own, and end the group if it takes too long."""
    process = subprocess.Popen(
        argv, env=env, cwd=cwd, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"{' '.join(argv)} was still running after {seconds} s\nstdout:\n{out}\nstderr:\n{err}")
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def left_running(mark: str) -> list[psutil.Process]:
    """List the processes, other than this one, whose command line or environment contains ``mark``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                words = [*process.cmdline(), process.environ().get(MARK, "")]
                if any(mark in word for word in words):
                    found.append(process)
    return found


def describe(process: psutil.Process) -> str:
    """Say which process it is, even if it ends meanwhile."""
    try:
        return f"{process.pid}: {' '.join(process.cmdline())}"
    except psutil.Error:
        return f"{process.pid}: ended just now"


@pytest.fixture
def no_orphans(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Assert, when called and again at the end of the test, that nothing which the test started is left running.

    What belongs to the test is known by the test's own folder in its command line, or by the mark that ``clean_env`` sets.
    Processes get ten seconds to go; what is left then is killed and named.
    """

    def check(*, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while (left := left_running(str(tmp_path))) and time.monotonic() < deadline:
            time.sleep(0.1)
        names = [describe(process) for process in left]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        assert not names, "left running:\n" + "\n".join(names)

    yield check
    check()
