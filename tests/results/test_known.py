"""What is promised of known regressions, at the command line: marked with reason and expiry, shown, an alarm again when they expire or get worse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.harness.door.main import main
from assay.harness.errors import StoreError
from assay.results import known
from assay.results.compare import Row
from assay.results.gate import Look
from assay.results.gate_rows import Row as GateRow
from assay.results.store import Store
from tests.results.builders import time_record, write_records

KEY = "gemm/1/cpu/barrier/layer=[64,64],m=64/1x1"


def day(offset: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=offset)).isoformat()


@pytest.fixture
def where(tmp_path: Path) -> list[str]:
    """Make a store in which the head's runs are 4 % slower than the base's, and name both sides."""
    store = Store(tmp_path)
    for side, factor in enumerate((1.0, 1.04)):
        names = []
        for i in range(5):
            name = f"20261126-00000{side}-00{i}-{i:06x}"
            records = [time_record(1e-3 * factor * (1 + 1e-4 * (i % 3)), run=name, key=KEY)]
            write_records(tmp_path / name, records)
            names.append(name)
        store.tag(names, ("base", "head")[side])
    return ["--store", str(tmp_path)]


def gated(where: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Compare, and let that decide; gives the exit code and what was said."""
    capsys.readouterr()
    return main(["compare", "base", "head", "--gate", *where]), capsys.readouterr().out


def test_without_a_mark_it_is_an_alarm(where: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, text = gated(where, capsys)
    assert code == 1
    assert "slower" in text


def test_marked_with_reason_and_expiry_it_is_shown_and_no_alarm(where: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["known", "add", "k", "gemm/*", "--reason", "issue 12", "--until", day(7), "--worst", "0.05", *where]) == 0
    code, text = gated(where, capsys)
    assert code == 0
    for said in ("1 known", "issue 12", day(7), "+4 %"):
        assert said in text
    assert main(["known", *where]) == 0
    text = capsys.readouterr().out
    assert "issue 12" in text
    assert day(7) in text
    assert "EXPIRED" not in text


@pytest.mark.parametrize(("until", "code"), [(0, 0), (-1, 1)])
def test_it_is_an_alarm_again_from_the_day_after_it_expired(
    where: list[str], until: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["known", "add", "k", "gemm/*", "--reason", "issue 12", "--until", day(7), "--worst", "0.05", *where]) == 0
    path = Path(where[1]) / known.FOLDER / "k.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"until": day(until)}), encoding="utf-8")
    found, text = gated(where, capsys)
    assert found == code
    assert ("has passed" in text) == bool(code)
    assert "issue 12" in text, "an alarm again still says what was known"
    assert main(["known", *where]) == 0
    assert ("EXPIRED" in capsys.readouterr().out) == bool(code)


def test_it_is_an_alarm_again_when_it_gets_worse(where: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["known", "add", "k", "gemm/*", "--reason", "issue 12", "--until", day(7), "--worst", "0.035", *where]) == 0
    code, text = gated(where, capsys)
    assert code == 1
    assert "this is worse" in text
    assert "issue 12" in text


def test_the_key_of_a_case_means_it_whatever_brackets_it_holds() -> None:
    one = known.Known("k", KEY, "why", day(1), 0.05)
    assert known.mark([Row(KEY, "device0", "slower", "why", change=0.04)], [one])[0].status == "known"
    other = KEY.replace("[64,64]", "4")  # what the brackets would mean to a shell
    assert known.mark([Row(other, "device0", "slower", "why", change=0.04)], [one])[0].status == "slower"


def test_a_gate_knows_them_too() -> None:
    look = Look("slower", "why", change=0.04, interval=(0.03, 0.05), interval90=(0.03, 0.05), p=1e-6, pairs=10, floor=0.002, margin=0.01)
    rows = [GateRow(KEY, "device0", "slower", "why", look=look), GateRow(KEY, "device0", "wrong", "why")]
    until = {offset: known.Known("k", "gemm/*", "why", day(offset), 0.05) for offset in (1, -1)}
    assert [row.status for row in known.mark(rows, [until[1]])] == ["known", "wrong"]
    assert [row.status for row in known.mark(rows, [until[-1]])] == ["slower", "wrong"]
    assert known.mark(rows, list(until.values()))[0].status == "known", "one that still holds is enough"


@pytest.mark.parametrize("change", [{"worst": "0.05"}, {"worst": 0}, {"reason": " "}, {"until": "soon"}])
def test_a_mark_that_was_edited_into_nonsense_is_refused(where: list[str], change: dict[str, object]) -> None:
    assert main(["known", "add", "k", "gemm/*", "--reason", "issue 12", "--until", day(7), "--worst", "0.05", *where]) == 0
    path = Path(where[1]) / known.FOLDER / "k.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(StoreError, match=r"k\.json"):
        known.read(Store(Path(where[1])))
    assert main(["compare", "base", "head", "--gate", *where]) == 2
