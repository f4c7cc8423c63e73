"""Byte matrices against counts by hand, files that are none, and unequal exchanges against brute force over all ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.collectives.traffic import GENERATORS, busiest, byte_matrix
from assay.collectives.uneven import Uneven
from assay.harness.errors import RefusalError


def test_each_kind_of_traffic_is_what_it_says() -> None:
    assert byte_matrix("uniform", 4, 4096, seed=0).tolist() == [[1024] * 4] * 4
    hot = byte_matrix("hot", 3, 6000, seed=0)
    # Rank 0 receives half of what three ranks send, 1.5 of its shares, which is the largest total: 6000 B; the others get a quarter each.
    assert hot[:, 0].tolist() == [2000, 2000, 2000]
    assert hot[:, 1:].tolist() == [[1000, 1000]] * 3
    empty = byte_matrix("empty", 4, 4000, seed=0)
    assert empty[:, 3].tolist() == [0, 0, 0, 0]
    assert empty[:, 0].sum() == 4000
    one, other = (byte_matrix("random", 5, 1 << 20, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert np.array_equal(one, byte_matrix("random", 5, 1 << 20, seed=1))


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_nobody_moves_more_than_the_size_and_all_of_it_is_words(name: str, n: int) -> None:
    sent = byte_matrix(name, n, 1 << 16, seed=3)
    assert (sent % 4 == 0).all()
    size, factor = busiest(sent)
    assert (1 << 16) - 4 * n <= size <= 1 << 16
    by_hand = max(
        *(sum(sent[r, c] for c in range(n) if c != r) for r in range(n)), *(sum(sent[r, c] for r in range(n) if r != c) for c in range(n))
    )
    assert factor == (by_hand / size if n > 1 else None)
    if name == "uniform" and n > 1:
        assert factor == (n - 1) / n  # nccl-tests


def test_files_are_read_with_commas_blanks_or_as_arrays(tmp_path: Path) -> None:
    wanted = [[0, 8], [16, 24]]
    (tmp_path / "a.csv").write_text("0,8\n16, 24\n")
    (tmp_path / "a.txt").write_text("0 8\n16 24\n")
    np.save(tmp_path / "a.npy", np.array(wanted))
    for name in ("a.csv", "a.txt", "a.npy"):
        assert byte_matrix(str(tmp_path / name), 2, 40, seed=0).tolist() == wanted


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1 2\n3 4\n5 6\n", "3 x 2 numbers, and there are 2 ranks"),
        ("1 -2\n3 4\n", "-2 from rank 0 to rank 1"),
        ("1 2\nnan 4\n", "nan from rank 1 to rank 0"),
        ("1 x\n3 4\n", "nor a file of numbers"),
        ("0 0\n0 0\n", "no traffic at all"),
        ("", "0 x 0 numbers"),
    ],
)
def test_files_that_are_no_matrix_are_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(content)
    with pytest.raises(RefusalError, match=words) as caught:
        byte_matrix(str(path), 2, 4096, seed=0)
    assert caught.value.value == str(path)


def test_pickles_and_absent_files_and_words_that_are_no_traffic_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "evil.npy", np.array([[{}, {}], [{}, {}]], dtype=object), allow_pickle=True)
    for name in (str(tmp_path / "evil.npy"), str(tmp_path / "absent.csv"), "warm"):
        with pytest.raises(RefusalError, match="uniform, hot, empty, random"):
            byte_matrix(name, 2, 4096, seed=0)


def test_a_rank_that_would_do_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "idle.csv").write_text("1 1 0\n1 1 0\n0 0 0\n")
    with pytest.raises(RefusalError, match="rank 2 would neither send nor receive"):
        byte_matrix(str(tmp_path / "idle.csv"), 3, 4096, seed=0)
    with pytest.raises(RefusalError, match="rank 0 would neither"):
        byte_matrix("uniform", 4, 8, seed=0)


def exchanged(ranks: list[Uneven], sent: Any, repetition: int) -> list[Any]:
    """Carry every block by hand."""
    sends = []
    for one in ranks:
        send = np.zeros(one.send_count, dtype=np.int32)
        one.fill(send, repetition)
        sends.append(np.split(send, np.cumsum(sent[one.rank] // 4)[:-1]))
    return [
        np.concatenate([sends[s][r] for s in range(len(ranks))]) if one.recv_count else np.concatenate(sends[r])
        for r, one in enumerate(ranks)
    ]


@pytest.mark.parametrize("name", GENERATORS)
def test_blocks_that_are_carried_by_hand_are_right_and_a_wrong_word_is_found_at_its_place(name: str) -> None:
    sent = byte_matrix(name, 4, 4096, seed=5)
    ranks = [Uneven(sent, rank=rank, seed=1) for rank in range(4)]
    for repetition in (-1, 0, 7):
        for one, recv in zip(ranks, exchanged(ranks, sent, repetition), strict=True):
            answer = one.compare(recv, repetition)
            assert answer.ok
            assert answer.tested == len(recv) > 0
    recv = exchanged(ranks, sent, 2)[1]
    place = int(sent[0, 1] // 4) + 3  # the fourth word of the block from rank 1
    recv[place] ^= 1
    answer = ranks[1].compare(recv, 2)
    assert (answer.ok, answer.where) == (False, "block from rank 1, element 3")
    assert "1 of" in answer.reason
    stale = ranks[1].compare(exchanged(ranks, sent, 1)[1], 2)
    assert "repetition before" in stale.reason
