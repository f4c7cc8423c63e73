"""Manners: others are refused or marked, memory is left over, nothing is taken in silence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.harness import manners
from assay.harness.beat import Beat
from assay.harness.case import Case
from assay.harness.errors import RefusalError
from assay.harness.manners import admit, in_words, keep_memory, settle, too_large
from assay.harness.plan import Plan
from assay.harness.session import Session
from tests.fakes import context

GIB = 1 << 30
SHAPE = {"n": 4096, "k": 4096, "dtype": "fp32", "layer": "", "layout": "nt", "seed": 0}
SMALL, LARGE = (Case("gemm", "assay.suites.gemm:gemm", {"m": m, **SHAPE}, device="cuda") for m in (64, 1 << 20))


class Crowd:
    """A watch that lists, one after another, what it is told to."""

    def __init__(self, *lists: Sequence[int]) -> None:
        """Take the pids of each listing; the last one stays."""
        self.lists, self.ours = list(lists), frozenset[int]()

    def processes(self) -> list[dict[str, Any]]:
        """List the next."""
        pids = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        return [{"pid": pid, "name": "train.py", "memory_nbytes": GIB} for pid in pids]


def session(tmp_path: Path, watch: Crowd) -> Session:
    """Make the session of a single rank."""
    (tmp_path / "beats").mkdir()
    return Session(context(), Beat(tmp_path / "beats", rank=0, launch=0), tmp_path, 0, timer={}, watch=watch)  # type: ignore[arg-type]


def test_nobody_at_work_is_no_mark_and_no_refusal() -> None:
    assert admit([], share=False) == admit([], share=True) == ()


def test_somebody_at_work_is_refused_or_marked() -> None:
    with pytest.raises(RefusalError) as refused:
        admit(["job 7 of alice", "train.py (pid 4711)"], share=False)
    assert refused.value.exit_code == 3
    for word in ("job 7 of alice", "pid 4711", "--share"):
        assert word in str(refused.value)
    assert admit(["job 7 of alice"], share=True) == ("shared with job 7 of alice",)
    assert admit([f"job {n}" for n in range(5)], share=True) == ("shared with job 0, job 1, job 2 and 2 more",)


def test_others_are_told_with_device_pid_name_and_memory() -> None:
    process = {"pid": 4711, "name": "train.py", "memory_nbytes": 6 * GIB}
    assert in_words(process, "device3 (GPU-x) on node7") == "train.py (pid 4711, 6.0 GiB) on device3 (GPU-x) on node7"
    assert in_words({"pid": 1, "name": "", "memory_nbytes": None}, "device0") == "unknown (pid 1, memory unknown) on device0"


def test_a_rank_sees_others_but_not_itself(tmp_path: Path) -> None:
    plan = Plan("", 1, (SMALL,), marks=("shared with sim (job 815)",))
    alone = session(tmp_path, Crowd([os.getpid()]))
    assert settle(plan, alone) == plan.marks
    assert alone.watch.ours == {os.getpid()}


def test_a_process_that_stays_is_refused_and_one_that_goes_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manners, "PATIENCE_SECONDS", 0.3)
    parent = os.getppid()
    gone = session(tmp_path, Crowd([os.getpid(), parent], [os.getpid(), parent], [os.getpid()]))
    assert settle(Plan("", 1, (SMALL,)), gone) == ()
    gone.watch.lists = [[os.getpid(), parent]]  # type: ignore[attr-defined]
    with pytest.raises(RefusalError, match=f"pid {parent}"):
        settle(Plan("", 1, (SMALL,)), gone)
    assert settle(Plan("", 1, (SMALL,), share=True), gone)[0].startswith(f"shared with train.py (pid {parent}, 1.0 GiB) on device0")


@pytest.mark.parametrize(
    ("exclusive", "held", "fits"), [(False, 0.95, False), (True, 0.95, True), (False, 0.85, True), (True, 1.05, False)]
)
def test_a_case_gets_nine_tenths_of_the_device_or_all_of_it(exclusive: bool, held: float, fits: bool) -> None:  # noqa: FBT001
    memory = int(manners.need(LARGE).memory_nbytes / held)
    said = too_large(Plan("", 1, (SMALL, LARGE), exclusive=exclusive), {"kind": "cuda", "memory_nbytes": memory})
    assert (said == "") is fits
    assert fits or LARGE.key in said


def test_torch_is_held_to_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    told: list[tuple[float, str]] = []
    module = SimpleNamespace(set_per_process_memory_fraction=lambda share, device: told.append((share, str(device))))
    monkeypatch.setattr(torch, "get_device_module", lambda _name: module)
    device = SimpleNamespace(torch_name="cuda:3")
    assert keep_memory(device, exclusive=False)
    assert told == [(0.9, "cuda:3")]
    assert not keep_memory(device, exclusive=True)
    assert not keep_memory(SimpleNamespace(torch_name="cpu"), exclusive=False)
    assert len(told) == 1
