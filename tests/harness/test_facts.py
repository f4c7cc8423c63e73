"""Facts: settings that matter are kept, secrets never; a class changes with what it is made of and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.harness.facts import HARDWARE, SOFTWARE, class_of, gather, git

KEPT = [
    "NCCL_DEBUG",
    "NCCL_IB_HCA",
    "UCX_TLS",
    "FI_PROVIDER",
    "OMP_NUM_THREADS",
    "OMPI_MCA_btl",
    "GLOO_SOCKET_IFNAME",
    "CUDA_VISIBLE_DEVICES",
    "SLURM_JOB_ID",
]
LEFT = [
    "PATH",
    "HOME",
    "NCCLX",
    "MY_NCCL_DEBUG",
    "SLURM_JOB_USER",
    "AWS_SECRET_ACCESS_KEY",
    "NCCL_TOKEN",
    "CUDA_API_KEY",
    "UCX_PASSWORD",
    "torch_token",
    "TORCH_HUB_Token",
    "OMP_SECRET_X",
    "NVIDIA_CREDENTIALS",
]
FACTS = {
    "cpu_model": "c",
    "cores": 2,
    "memory_gib": 8,
    "devices": ["d"],
    "kernel": "k",
    "python": "3",
    "packages": {"torch": "2"},
    "mpi": "m",
    "host": "h",
}


def test_only_listed_settings_are_kept_and_no_secret(tmp_path: Path) -> None:
    facts = gather(dict.fromkeys([*LEFT, *KEPT], "leak" * 3), mpi="m", folder=tmp_path)
    assert sorted(facts["environment"]) == sorted(KEPT)
    assert gather(dict.fromkeys(LEFT, "leak"), mpi="m", folder=tmp_path)["environment"] == {}


def test_facts_are_plain_and_say_what_a_class_is_made_of(tmp_path: Path) -> None:
    facts = gather({}, mpi="MPICH 4", folder=tmp_path)
    assert json.loads(json.dumps(facts)) == facts
    assert set(HARDWARE) | set(SOFTWARE) <= set(facts)
    assert facts["mpi"] == "MPICH 4"
    assert facts["cores"] >= 1
    assert facts["packages"]["numpy"]


@pytest.mark.parametrize("names", [HARDWARE, SOFTWARE], ids=["hardware", "software"])
@pytest.mark.parametrize("changed", FACTS)
def test_a_class_changes_with_its_own_facts_only(names: tuple[str, ...], changed: str) -> None:
    before, after = class_of(FACTS, names), class_of({**FACTS, changed: "another"}, names)
    assert (before != after) == (changed in names)


def test_a_class_does_not_hang_on_the_order() -> None:
    turned = dict(reversed(FACTS.items()))
    assert class_of(turned, HARDWARE) == class_of(FACTS, HARDWARE)
    assert len(class_of(FACTS, HARDWARE)) == 12


def test_without_a_repository_there_is_no_revision(tmp_path: Path) -> None:
    assert git(tmp_path / "absent") == {}
