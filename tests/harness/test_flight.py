"""Dumps of torch's flight recorder: asked for under both names, told in words, and never run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from assay.harness.beat import Seen
from assay.harness.flight import dumps_of, recorder_env
from assay.harness.lastwords import hung

ENTRIES = [
    {"collective_seq_id": 1, "profiling_name": "nccl:all_reduce", "state": "completed", "input_sizes": [[4]]},
    {"collective_seq_id": 2, "profiling_name": "nccl:all_gather", "state": "started", "input_sizes": [[8]]},
]


class Evil:
    """What a dump made by somebody else could hold."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Run a command when it is loaded."""
        return os.system, ("touch evil-was-here",)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Make a run with dumps of two ranks of launch 1, as torch names them."""
    (tmp_path / "flight").mkdir()
    for rank in (0, 3):
        (tmp_path / "flight" / f"001-rank{rank}").write_bytes(pickle.dumps({"version": "2.4", "entries": ENTRIES[: rank + 1]}))
    return tmp_path


def test_it_is_asked_for_under_both_names_and_the_users_own_size_wins(tmp_path: Path) -> None:
    env = recorder_env(tmp_path, launch=1, environ={"TORCH_FR_BUFFER_SIZE": "7"})
    assert "TORCH_FR_BUFFER_SIZE" not in env
    assert int(env["TORCH_NCCL_TRACE_BUFFER_SIZE"]) > 0
    assert env["TORCH_NCCL_DUMP_ON_TIMEOUT"] == "1"
    assert env["TORCH_FR_DUMP_TEMP_FILE"] == env["TORCH_NCCL_DEBUG_INFO_TEMP_FILE"] == str(tmp_path / "flight" / "001-rank")


def test_the_last_collective_of_each_rank_is_told(out: Path) -> None:
    told = dumps_of(out, launch=1)
    assert set(told) == {"flight recorder of rank 0", "flight recorder of rank 3"}
    assert "1 collectives remembered, 0 not done" in told["flight recorder of rank 0"]
    assert "#2 nccl:all_gather started, input [[8]]" in told["flight recorder of rank 3"]
    assert not dumps_of(out, launch=0)


def test_a_hang_holds_the_dumps(out: Path) -> None:
    seen = Seen(0, "elsewhere", 1, 0, "time", 4, 0)
    _, _, fault = hung(out, [seen], {}, launch=1, timeout=3)
    assert "nccl:all_gather" in fault.stacks["flight recorder of rank 3"]


@pytest.mark.parametrize(
    "raw", [pickle.dumps(Evil()), pickle.dumps({"entries": [Evil()]}), b"", b"no pickle", pickle.dumps({"entries": 3}), pickle.dumps([1])]
)
def test_a_dump_that_is_none_is_named_and_nothing_of_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flight").mkdir()
    (tmp_path / "flight" / "000-rank1").write_bytes(raw)
    assert "cannot be read" in dumps_of(tmp_path, launch=0)["flight recorder of rank 1"]
    assert not (tmp_path / "evil-was-here").exists()
