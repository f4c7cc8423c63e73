"""One cluster for all tests of this folder, and places whose environment talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.door.conftest import checked
from tests.door.place import Place
from tests.slurm.cluster import Cluster


@dataclass(frozen=True)
class Login(Place):
    """A folder on the login node of a cluster."""

    cluster: Cluster

    @property
    def environ(self) -> dict[str, str]:
        """Let Slurm's commands find the cluster, and MPICH tell addresses that Slurm can read: docs/running.md says why."""
        return {**super().environ, **self.cluster.environ, "MPIR_CVAR_CH4_NETMOD": "ofi"}

    def allocated(self, *argv: str, nodes: int = 1, tasks: int = 2) -> tuple[str, ...]:
        """Give the words that start a command inside an allocation."""
        return ("salloc", "--quiet", "--nodes", str(nodes), "--ntasks", str(tasks), *argv)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Raise a cluster, and take it down whatever happens."""
    found = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture
def login(tmp_path: Path, cluster: Cluster) -> Iterator[Login]:
    """Give a folder on an empty cluster; a job that a failed test left there is ended, so that the next test is not judged by it."""
    cluster.settle()
    yield from checked(Login(tmp_path, cluster))
    cluster.command("scancel", "--user", "root", check=False)
