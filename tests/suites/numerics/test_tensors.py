"""Tensors from files: what is read, and everything that is refused with the file, what is wrong and the way out."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

from assay.harness.errors import RefusalError
from assay.suites.numerics.tensors import digest_of, load

NORMAL = np.random.default_rng(1).standard_normal((3, 5, 128))


class Evil:
    """Would run code where it is unpickled."""

    def __reduce__(self) -> Any:
        """Raise when unpickled."""
        return exec, ("raise SystemExit('unpickled')",)


def npy(path: Path, array: Any) -> Path:
    """Write one .npy."""
    np.save(path, array)
    return path


def test_floats_of_every_width_and_byte_order_are_read_as_float32_rows(tmp_path: Path) -> None:
    for kind in ("<f2", ">f4", "<f4", ">f8"):
        array = NORMAL.astype(kind)
        values, what = load(str(npy(tmp_path / f"{kind[1:]}{ord(kind[0])}.npy", array)), "", "")
        assert np.array_equal(values.numpy(), array.astype(np.float32).reshape(15, 128))
        assert what.startswith("3x5x128 float")
        assert ("rounded" in what) == (kind == ">f8")
    path = tmp_path / "t.pt"
    torch.save(torch.from_numpy(NORMAL).bfloat16(), path)
    values, what = load(str(path), "", "")
    assert torch.equal(values, torch.from_numpy(NORMAL).bfloat16().float().view(15, 128))
    assert what == "3x5x128 bfloat16"


def test_one_number_and_one_row(tmp_path: Path) -> None:
    assert load(str(npy(tmp_path / "one.npy", np.float32(3.0))), "", "")[0].tolist() == [[3.0]]
    assert load(str(npy(tmp_path / "row.npy", np.ones(7, np.float32))), "", "")[0].shape == (1, 7)


def test_a_tensor_of_several_is_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    np.savez(path, a=NORMAL, b=np.ones((2, 3), np.float32))
    assert load(str(path), "b", "")[0].shape == (2, 3)
    torch.save({"w": torch.ones(2, 4), "n": 3}, tmp_path / "d.pt")
    assert load(str(tmp_path / "d.pt"), "w", "")[0].shape == (2, 4)
    for file, key, words in (
        (path, "", "a, b"),
        (path, "c", "a, b"),
        (tmp_path / "d.pt", "n", "bare tensor"),
        (tmp_path / "d.pt", "", "--key"),
    ):
        with pytest.raises(RefusalError) as refused:
            load(str(file), key, "")
        assert words in str(refused.value)
    single = tmp_path / "single.npz"
    np.savez(single, only=np.ones((2, 3), np.float32))
    assert load(str(single), "", "")[0].shape == (2, 3)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.arange(5), "int64"),
        (np.zeros((0, 128), np.float32), "no numbers"),
        (np.zeros((4, 128), np.float32), "zeros only"),
        (np.full((1, 128), 1e300), "128 of 128 numbers that are NaN or infinite in float32, first at [0, 0]"),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), "first at [1, 1] (got nan)"),
        (np.ones(4, ml_dtypes.bfloat16), "|V2"),
        (np.array(["a", "b"]), "<U1"),
        (np.ones(3, np.complex64), "complex64"),
    ],
)
def test_what_holds_no_usable_numbers_is_refused(tmp_path: Path, array: Any, words: str) -> None:
    path = npy(tmp_path / "x.npy", array)
    with pytest.raises(RefusalError) as refused:
        load(str(path), "", "")
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert refused.value.fix


def test_damaged_files_of_every_kind_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", NORMAL)
    np.savez(tmp_path / "a.npz", a=NORMAL)
    torch.save(torch.ones(300), tmp_path / "a.pt")
    for name in ("a.npy", "a.npz", "a.pt"):
        whole = (tmp_path / name).read_bytes()
        for size in (0, 3, 60, len(whole) // 2, len(whole) - 1):
            cut = tmp_path / f"{size}{name}"
            cut.write_bytes(whole[:size])
            with pytest.raises(RefusalError) as refused:
                load(str(cut), "", "")
            assert str(cut) in str(refused.value)
            assert str(refused.value).isprintable()
    broken = bytearray((tmp_path / "a.npz").read_bytes())
    broken[len(broken) // 2] ^= 0xFF
    (tmp_path / "flip.npz").write_bytes(broken)
    with pytest.raises(RefusalError, match="cannot be read"):
        load(str(tmp_path / "flip.npz"), "", "")


def test_pickles_are_never_unpickled(tmp_path: Path) -> None:
    objects = np.empty(1, dtype=object)
    objects[0] = Evil()
    np.save(tmp_path / "o.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "o.npz", a=objects)
    torch.save(Evil(), tmp_path / "o.pt")
    torch.save({"a": Evil()}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("o.npy", "o.npz", "o.pt", "old.pt"):
        with pytest.raises(RefusalError, match=r"never unpickled|neither tensors") as refused:
            load(str(tmp_path / name), "", "")
        assert "weights_only" not in str(refused.value)
        assert str(refused.value).isprintable()


def test_other_kinds_of_files_and_missing_ones(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1 2")
    for name, words in (("a.txt", ".npy"), ("nowhere.npy", "cannot be read")):
        with pytest.raises(RefusalError) as refused:
            load(str(tmp_path / name), "", "")
        assert words in str(refused.value)
    with pytest.raises(RefusalError, match="cannot be read"):
        digest_of(str(tmp_path / "nowhere.npy"))


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    path = npy(tmp_path / "x.npy", NORMAL)
    digest = digest_of(str(path))
    assert load(str(path), "", digest)[0].shape == (15, 128)
    npy(path, NORMAL + 1)
    load.cache_clear()  # as a later process has no memory of it
    with pytest.raises(RefusalError, match="contents have changed"):
        load(str(path), "", digest)


def test_safetensors_where_it_is_installed_and_where_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"as the package reads it")
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)  # as where it is not installed
    with pytest.raises(RefusalError, match="not installed") as refused:
        load(str(path), "", "")
    assert "numpy.save" in refused.value.fix
    package = ModuleType("safetensors.torch")
    package.load_file = lambda name: {"w": torch.ones(2, 3), "v": torch.ones(4)} if name == str(path) else {}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "safetensors.torch", package)
    assert load(str(path), "w", "")[0].shape == (2, 3)

    def damaged(name: str) -> Any:
        message = f"header too small in {name}"
        raise ValueError(message)

    package.load_file = damaged  # type: ignore[attr-defined]
    with pytest.raises(RefusalError, match="header too small"):
        load(str(path), "v", "")
