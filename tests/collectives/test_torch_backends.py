"""Transports named ``torch:BACKEND``: found in torch's own registry, connected, and refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch.distributed as dist

from assay.collectives.open import check_transport, open_transport
from assay.collectives.torch_group import TorchGroup, backend_of, place_of
from assay.harness.errors import NotApplicableError, RefusalError
from tests.fakes import FakeWorld, context


@pytest.fixture(params=[False, True], ids=["plain", "extended"])
def acme(request: pytest.FixtureRequest) -> Iterator[list[Any]]:
    """Register a back end as torch_npu does: its creator is handed what torch's own helper would hand it."""
    handed: list[Any] = []

    def make(*given: Any) -> Any:
        handed.extend(given)
        first = given[0]
        store, rank, size = (first.store, first.group_rank, first.group_size) if request.param else given[:3]
        return dist.ProcessGroupGloo(store, rank, size, dist.distributed_c10d.default_pg_timeout)  # type: ignore[attr-defined]

    dist.Backend.register_backend("acmecl", make, extended_api=request.param, devices=["cpu"])
    yield handed
    dist.Backend.backend_list.remove("acmecl")
    for table in (dist.Backend._plugins, dist.Backend.backend_capability, dist.Backend.backend_type_map):
        table.pop("acmecl", None)
        table.pop("ACMECL", None)
    delattr(dist.Backend, "ACMECL")


def test_a_registered_back_end_carries_a_message(acme: list[Any]) -> None:
    transport = open_transport("torch:acmecl", context())
    send, recv = transport.buffer(4, "fp32"), transport.buffer(4, "fp32")
    send[:] = np.array([1, 2, 3, 4], dtype=np.float32)
    transport.all_reduce(send, recv)()
    assert list(recv) == [1, 2, 3, 4]
    assert acme
    assert transport.notes["algorithm"] == "chosen by acmecl"
    assert transport.notes["buffers"] == "cpu"
    transport.close()


def test_gloo_goes_by_both_names() -> None:
    transport = TorchGroup("torch:gloo", FakeWorld(), device="cpu")
    assert transport.name == "torch:gloo"
    assert transport.notes["algorithm"] == "chosen by gloo"
    transport.close()


@pytest.mark.parametrize(
    ("name", "word"), [("torch:hccl", "knows the back ends"), ("torch:nccl", "NCCL"), ("torch:rccl", "NCCL"), ("torch:xccl", "xccl")]
)
def test_what_this_torch_lacks_is_not_applicable(name: str, word: str) -> None:
    with pytest.raises(NotApplicableError, match=word):
        open_transport(name, context())


def test_names_are_checked_before_anything_is_loaded() -> None:
    check_transport("torch:hccl")
    for name in ("torch:", "hccl"):
        with pytest.raises(RefusalError, match="torch:BACKEND"):
            check_transport(name)


def test_messages_lie_where_the_back_end_can_carry_them() -> None:
    assert backend_of("torch:rccl") == backend_of("torch:NCCL") == backend_of("nccl") == "nccl"
    assert place_of("gloo", "cuda:1") == "cpu"
    assert place_of("nccl", "cuda:1") == "cuda:1"
    assert place_of("xccl", "xpu:0") == "xpu:0"
