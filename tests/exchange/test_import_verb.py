"""The verb: several files become runs together or not at all, and no file becomes two measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.harness.door.main import main
from assay.results.store import Store

FILES = Path(__file__).parent / "files"


def test_one_bad_file_among_several_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"version": 2, "nccl_version": 1', encoding="utf-8")
    store = tmp_path / "runs"
    assert main(["import", str(FILES / "osu_two_hosts.txt"), str(bad), "--store", str(store)]) == 3
    assert "bad.json" in capsys.readouterr().err
    assert Store(store).ids() == []


def test_the_same_file_is_no_second_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, file = tmp_path / "runs", FILES / "osu_two_hosts.txt"
    copy = tmp_path / "copy.txt"
    copy.write_bytes(file.read_bytes())
    assert main(["import", str(file), str(copy), "--store", str(store)]) == 3
    assert Store(store).ids() == []
    assert main(["import", str(file), "--store", str(store)]) == 0
    (run,) = Store(store).ids()
    capsys.readouterr()
    assert main(["import", str(copy), "--store", str(store)]) == 3
    assert run in capsys.readouterr().err
    assert Store(store).ids() == [run]
    assert main(["import", str(FILES / "osu_validation_7.txt"), "--store", str(store)]) == 0
    assert len(Store(store).ids()) == 2
