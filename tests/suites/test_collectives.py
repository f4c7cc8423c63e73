"""All-reduce and all-to-all as the harness runs them: on one rank, and on ranks that are threads over real Gloo connections."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from typing import Any

import pytest

from assay.collectives.open import open_transport
from assay.collectives.torch_group import crowding
from assay.harness.errors import NotApplicableError, RefusalError
from assay.harness.work import Answer, Context, Work
from assay.suites import all_gather as all_gather_module
from assay.suites import all_reduce as all_reduce_module
from assay.suites import all_to_all as all_to_all_module
from assay.suites import broadcast as broadcast_module
from assay.suites import reduce_scatter as reduce_scatter_module
from assay.suites import send_recv as send_recv_module
from assay.suites.all_gather import all_gather
from assay.suites.all_reduce import all_reduce
from assay.suites.all_to_all import all_to_all
from assay.suites.all_to_all_v import all_to_all_v
from assay.suites.broadcast import broadcast
from assay.suites.reduce_scatter import reduce_scatter
from assay.suites.send_recv import send_recv
from tests.fakes import context, on_ranks, run_once

SUITES: list[Callable[..., Work]] = [all_reduce, all_to_all, all_gather, reduce_scatter, broadcast, send_recv]


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("transport", ["loopback", "gloo"])
def test_one_rank_alone_is_right_and_has_no_bus(suite: Callable[..., Work], transport: str) -> None:
    if (suite, transport) == (broadcast, "loopback"):
        with pytest.raises(NotApplicableError, match="to nobody"):
            suite(context(), bytes=4096, transport=transport)
        return
    work = suite(context(), bytes=4096, transport=transport)
    answers = [run_once(work, repetition) for repetition in range(3)]
    work.close()
    assert all(answer.ok and answer.tested == 1024 for answer in answers)
    assert (work.volume.bus_factor, work.volume.wire_nbytes, work.volume.message_nbytes) == (None, 0, 4096)
    assert work.scope == "world"


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("nbytes", [24, 3 * 4096])
def test_three_ranks_over_gloo_are_right_twice_in_one_process(suite: Callable[..., Work], nbytes: int) -> None:
    def rank(ctx: Context) -> list[Answer]:
        answers = []
        for _ in range(2):  # a second transport after the first was closed
            work = suite(ctx, bytes=nbytes, transport="gloo")
            answers += [run_once(work, repetition) for repetition in range(3)]
            ctx.world.barrier()
            work.close()
        return answers

    for answers in on_ranks(3, rank):
        assert all(answer.ok for answer in answers), answers


@pytest.mark.parametrize("suite", SUITES)
def test_faults_planted_over_a_real_transport_are_found_on_the_rank_that_has_them(suite: Callable[..., Work]) -> None:
    def rank(ctx: Context) -> tuple[Answer, Answer, Answer]:
        work = suite(ctx, bytes=4096, transport="gloo")
        assert run_once(work).ok
        if ctx.rank == 1:
            work.result()[7] = -work.result()[7] - 1  # type: ignore[misc]
        one = work.check()
        stale = dataclasses.replace(work, step=lambda: None)
        work.step()
        stale.refresh(1)  # type: ignore[misc]
        stale.step()
        old = stale.check()
        poisoned = run_once(stale, 2)
        work.close()
        return one, old, poisoned

    (clean, *_), (spoiled, old, poisoned) = on_ranks(2, rank)
    assert clean.ok
    assert not spoiled.ok
    assert spoiled.where.endswith("element 7")
    assert "repetition before" in old.reason
    assert not poisoned.ok


def test_gloo_says_that_its_all_reduce_is_a_copy_and_then_the_sum() -> None:
    reduce, exchange = (suite(context(), bytes=64, transport="gloo") for suite in (all_reduce, all_to_all))
    assert "copy" in reduce.notes["out of place"]
    assert "out of place" not in exchange.notes
    reduce.close()
    exchange.close()


@pytest.mark.parametrize(("cores", "crowded"), [(3, True), (4, False)])
def test_gloo_says_where_its_threads_have_no_cores_of_their_own(monkeypatch: pytest.MonkeyPatch, cores: int, crowded: bool) -> None:  # noqa: FBT001
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    said = on_ranks(2, lambda ctx: crowding(ctx.world))
    assert [bool(row) for row in said] == [crowded, crowded]
    assert "2 ranks on 3 cores" in said[0].get("crowded", "2 ranks on 3 cores")


def test_gloo_keeps_to_an_interface_that_is_named_and_one_that_is_not_there_is_not_applicable_on_all() -> None:
    def rank(ctx: Context) -> tuple[Answer, str]:
        work = all_reduce(ctx, bytes=64, transport="gloo@lo")
        answer = run_once(work)
        ctx.world.barrier()
        work.close()
        return answer, work.notes["interface"]

    assert [(answer.ok, note) for answer, note in on_ranks(2, rank)] == [(True, "lo, 127.0.0.1 on rank 0")] * 2
    with pytest.raises(NotApplicableError, match=r"plane9 is no interface of .*, which has .*lo"):
        all_reduce(context(), bytes=64, transport="gloo@plane9")
    with pytest.raises(RefusalError, match="gloo@INTERFACE"):
        open_transport("mpi@lo", context())


def test_a_closed_transport_gives_its_port_back() -> None:
    line: Any = open_transport("gloo", context())
    port = line._store.port
    with pytest.raises(OSError, match="in use"), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
    line.close()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_absent_transports_are_not_applicable_with_a_reason() -> None:
    with pytest.raises(NotApplicableError, match="MPI"):
        all_reduce(context(), transport="mpi")
    with pytest.raises(NotApplicableError, match=r"rank 0: .*NCCL"):
        all_to_all(context(), transport="nccl")
    with pytest.raises(RefusalError):
        open_transport("pigeon", context())


def test_a_transport_that_one_rank_lacks_is_refused_on_all() -> None:
    def rank(ctx: Context) -> str:
        try:
            open_transport("nccl", ctx)
        except NotApplicableError as error:
            return str(error)
        return ""

    said = on_ranks(2, rank)
    assert said[0] == said[1] != ""


def test_a_transport_is_closed_when_preparing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr("assay.collectives.loopback.Loopback.close", lambda _: closed.append(1))
    for suite in SUITES:
        with pytest.raises(ValueError, match="negative"):
            suite(context(), bytes=-4, transport="loopback")
    assert len(closed) == len(SUITES)


@pytest.mark.parametrize("nbytes", [0, 2, 9])
def test_all_reduce_refuses_messages_without_whole_elements(nbytes: int) -> None:
    with pytest.raises(RefusalError) as caught:
        all_reduce_module.needs(bytes=nbytes, transport="mpi", dtype="fp32", data="fresh", seed=0, nranks=2)
    assert (caught.value.where, caught.value.value) == ("bytes", nbytes)
    assert "Take " in caught.value.fix


def test_all_to_all_refuses_messages_that_do_not_divide() -> None:
    with pytest.raises(RefusalError) as caught:
        all_to_all_module.needs(bytes=8, transport="mpi", data="fresh", seed=0, nranks=3)
    assert (caught.value.where, caught.value.value) == ("bytes", 8)
    assert "Take 9" in caught.value.fix
    assert all_to_all_module.needs(bytes=8, transport="mpi", data="fresh", seed=0, nranks=8).memory_nbytes > 0
    assert all_to_all_module.needs(bytes=8, transport="loopback", data="fresh", seed=0, nranks=3).memory_nbytes > 0


def test_all_reduce_refuses_ranks_whose_sums_could_not_be_exact() -> None:
    with pytest.raises(RefusalError, match="ranks"):
        all_reduce_module.needs(bytes=8, transport="mpi", dtype="fp32", data="fresh", seed=0, nranks=100_000)


@pytest.mark.parametrize("suite", [all_gather_module, reduce_scatter_module])
def test_vectors_that_do_not_divide_are_refused(suite: Any) -> None:
    more = {"dtype": "fp32"} if suite is reduce_scatter_module else {}
    with pytest.raises(RefusalError, match="one a rank") as caught:
        suite.needs(bytes=16, transport="mpi", data="fresh", seed=0, nranks=3, **more)
    assert "Take 12" in caught.value.fix or "Take 15" in caught.value.fix


def test_a_root_that_is_no_rank_and_messages_of_nothing_are_refused() -> None:
    for root in (-1, 2):
        with pytest.raises(RefusalError, match="root"):
            broadcast_module.needs(bytes=8, transport="mpi", root=root, data="fresh", seed=0, nranks=2)
    with pytest.raises(RefusalError, match="at least one byte"):
        send_recv_module.needs(bytes=0, transport="mpi", data="fresh", seed=0, nranks=2)


def test_every_root_can_be_the_one_and_is_asked_whether_its_message_is_whole() -> None:
    def rank(ctx: Context) -> list[tuple[bool, int]]:
        found = []
        for root in range(3):
            work = broadcast(ctx, bytes=40, transport="gloo", root=root)
            answers = [run_once(work, repetition) for repetition in range(2)]
            found += [(answer.ok, answer.tested) for answer in answers]
            assert (work.result is None) == (ctx.rank == root)
            ctx.world.barrier()
            work.close()
        return found

    assert on_ranks(3, rank) == [[(True, 10)] * 6] * 3


@pytest.mark.parametrize(
    ("suite", "lacks"), [(all_gather, "all_gather"), (reduce_scatter, "reduce_scatter"), (broadcast, "broadcast"), (send_recv, "shift")]
)
def test_an_operation_that_a_transport_does_not_bring_is_not_applicable(
    monkeypatch: pytest.MonkeyPatch, suite: Callable[..., Work], lacks: str
) -> None:
    monkeypatch.delattr(f"assay.collectives.loopback.Loopback.{lacks}")
    with pytest.raises(NotApplicableError, match=f"transport loopback has no {lacks}"):
        suite(context(), bytes=64, transport="loopback")


@pytest.mark.parametrize("matrix", ["uniform", "hot", "empty", "random"])
def test_unequal_blocks_over_gloo_are_right_on_three_ranks(matrix: str) -> None:
    def rank(ctx: Context) -> list[tuple[bool, int]]:
        work = all_to_all_v(ctx, bytes=1200, matrix=matrix, transport="gloo")
        assert "B in all" in work.notes["traffic"]
        answers = [run_once(work, repetition) for repetition in range(3)]
        ctx.world.barrier()
        work.close()
        return [(answer.ok, answer.tested) for answer in answers]

    found = on_ranks(3, rank)
    assert all(ok and tested for answers in found for ok, tested in answers), found
