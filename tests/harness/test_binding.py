"""Whose device is whose: eight ranks, by every kind of mask, and everything that is refused."""

from __future__ import annotations

import pytest

from assay.harness.binding import (
    Seat,
    check_masks,
    check_own,
    check_rank_env,
    device_index,
    early_local_rank,
    entries,
    local_rank,
    mask_of,
    rank_env,
)
from assay.harness.errors import RefusalError

CUDA = "CUDA_VISIBLE_DEVICES"
UUIDS = [f"GPU-{index}f00" for index in range(8)]


def seats(masks: list[str] | None = None, *, visible: int = 8, hosts: int = 1, ranks: int = 8) -> list[Seat]:
    """Seat ``ranks`` ranks on ``hosts`` hosts, each with its mask."""
    a_host = ranks // hosts
    return [
        Seat(f"n{rank // a_host}", f"boot{rank // a_host}", (CUDA, masks[rank]) if masks else ("", ""), visible) for rank in range(ranks)
    ]


TABLE = {
    "no mask": (seats(), list(range(8))),
    "an index mask": (seats(["7,6,5,4,3,2,1,0"] * 8), list(range(8))),
    "a mask of UUIDs": (seats([",".join(UUIDS)] * 8), list(range(8))),
    "a mask for each task": (seats(UUIDS, visible=1), [0] * 8),
    "an index for each task": (seats([str(rank) for rank in range(8)], visible=1), [0] * 8),
    "a control group for each task, all called 0": (seats(["0"] * 8, visible=1), [0] * 8),
    "half of the host for each half of the ranks": (seats(["0,1,2,3"] * 4 + ["4,5,6,7"] * 4, visible=4), [0, 1, 2, 3] * 2),
    "two hosts": (seats(hosts=2, visible=4), [0, 1, 2, 3] * 2),
    "fewer ranks than devices": (seats(ranks=2), [0, 1]),
    "the processor": ([Seat("n0", "boot0")] * 8, list(range(8))),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_rank_gets_its_own(name: str) -> None:
    there, wanted = TABLE[name]
    check_masks(there)
    assert [device_index(there, rank) for rank in range(len(there))] == wanted


def test_two_hosts_of_one_name_are_told_apart_by_their_boot() -> None:
    there = [Seat("node", f"boot{rank % 2}") for rank in range(4)]
    assert [local_rank(there, rank) for rank in range(4)] == [0, 0, 1, 1]
    assert [local_rank([Seat("node", "b")] * 3, rank) for rank in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (seats([",".join(UUIDS[:4])] * 8, visible=4), ["8 ranks on n0 share 4 devices", "rank 4", UUIDS[0]]),
        (seats(visible=4), ["8 ranks on n0 share 4 devices", "rank 4"]),
        (seats([UUIDS[0]] * 2, visible=1, ranks=2), ["2 ranks on n0 share 1 device ", UUIDS[0]]),
    ],
)
def test_more_ranks_than_devices_are_refused(there: list[Seat], words: list[str]) -> None:
    for rank in range(len(there)) if there[0].visible == 1 else range(1):
        with pytest.raises(RefusalError) as caught:
            device_index(there, rank)
        assert caught.value.where == "site.ranks_per_node"
        assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("mask", "visible", "word"),
    [("0,9,1", 1, "names 9"), ("GPU-aa,GPU-bb", 1, "names GPU-bb"), ("0,1,0", 2, "twice (0)"), ("9", 0, "names 9")],
)
def test_a_mask_that_names_what_is_not_there_is_refused(mask: str, visible: int, word: str) -> None:
    with pytest.raises(RefusalError) as caught:
        check_masks(seats([mask] * 2, visible=visible, ranks=2))
    assert caught.value.where == CUDA
    assert caught.value.value == mask
    assert word in str(caught.value)


def test_what_a_mask_names() -> None:
    assert entries("0, 1,MIG-3/1/0") == ["0", "1", "MIG-3/1/0"]
    assert entries("0,-1,2") == ["0"]
    assert entries("NoDevFiles") == entries("") == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("cuda", CUDA),
        ("cuda", "HIP_VISIBLE_DEVICES"),
        ("cuda", "ROCR_VISIBLE_DEVICES"),
        ("xpu", "ZE_AFFINITY_MASK"),
        ("npu", "ASCEND_RT_VISIBLE_DEVICES"),
        ("acme", "ACME_VISIBLE_DEVICES"),
    ],
)
def test_every_kind_has_its_mask(kind: str, name: str) -> None:
    assert mask_of(kind, {name: "3", "OTHER_VISIBLE_DEVICES": "1"}) == (name, "3")
    assert mask_of(kind, {}) == ("", "")


def test_two_ranks_on_one_device_are_refused() -> None:
    there = seats(UUIDS, visible=1)
    own = [{"uuid": uuid, "pci": f"0000:{rank:02x}:00.0"} for rank, uuid in enumerate(UUIDS)]
    check_own(there, own)
    with pytest.raises(RefusalError, match="ranks 2 and 6 are on one device, gpu-2f00 of n0"):
        check_own(there, [*own[:6], own[2], own[7]])


def test_without_a_uuid_the_pci_address_tells_on_one_host() -> None:
    same = [{"uuid": "", "pci": "0000:1b:00.0"}] * 2
    check_own([Seat("a", "1"), Seat("b", "2")], same)
    check_own([Seat("a", "1")] * 2, [{"kind": "cpu"}] * 2)
    with pytest.raises(RefusalError, match=r"0000:1b:00\.0"):
        check_own([Seat("box1", "1"), Seat("box2", "1")], same)  # two containers on one kernel


def test_variables_of_each_rank() -> None:
    wanted = check_rank_env({"NCCL_IB_HCA": ["mlx5_0", "mlx5_1"], "NCCL_IB_GID_INDEX": 3}, ranks_per_node=2)
    assert rank_env(wanted, 1) == {"NCCL_IB_HCA": "mlx5_1", "NCCL_IB_GID_INDEX": "3"}
    assert check_rank_env(None, ranks_per_node=8) == {}


@pytest.mark.parametrize(
    "wanted", [["x"], {"A B": "x"}, {"A": {"b": 1}}, {"A": True}, {"A": ["one"]}, {CUDA: "0"}, {"ZE_AFFINITY_MASK": ["0", "1"]}]
)
def test_variables_that_cannot_be_are_refused(wanted: object) -> None:
    with pytest.raises(RefusalError) as caught:
        check_rank_env(wanted, ranks_per_node=2)
    assert caught.value.where.startswith("site.rank_env")


def test_the_launcher_says_the_local_rank_before_any_world_is_up() -> None:
    assert early_local_rank({"LOCAL_RANK": "3", "SLURM_LOCALID": "5"}) == 3
    assert early_local_rank({"MPI_LOCALRANKID": "2"}) == 2
    assert early_local_rank({"LOCAL_RANK": "x"}) is None
