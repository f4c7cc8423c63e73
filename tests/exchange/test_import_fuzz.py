"""Whatever stands in a field of a foreign file, it is read or refused with a place: never a traceback, never half a run."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.harness.errors import RefusalError
from assay.results.exchange.importing import READERS, read_file

FILES = Path(__file__).parent / "files"
PYTEST = {
    "machine_info": {"node": "n0", "python_version": "3.11", "cpu": {"brand_raw": "Toy"}},
    "commit_info": {"id": "0"},
    "benchmarks": [{"name": "t", "fullname": "f::t", "params": {"n": 1}, "stats": {"median": 1e-3, "data": [1e-3, 2e-3]}}],
    "datetime": "2026-11-26T00:00:00+00:00",
    "version": "5.3.1",
}
DOCUMENTS = {
    "google-benchmark": json.loads((FILES / "google_benchmark_1.9.5.json").read_text(encoding="utf-8")),
    "nccl-tests": json.loads((FILES / "nccl_tests_v2.json").read_text(encoding="utf-8")),
    "nvbench": json.loads((FILES / "nvbench_1.json").read_text(encoding="utf-8")),
    "superbench": json.loads((FILES / "superbench_a100.jsonl").read_text(encoding="utf-8")),
    "pytest-benchmark": PYTEST,
}
STRANGE: tuple[Any, ...] = (None, "x", "\x00", -1, 0, 0.5, [], {}, True, 10**400, [1], ["a"], {"a": 1}, 1e308, float("nan"), "y" * 5000)


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value; of a list, its first two entries."""
    yield at
    if isinstance(data, dict):
        for name, value in data.items():
            yield from places(value, (*at, name))
    elif isinstance(data, list):
        for number, value in enumerate(data[:2]):
            yield from places(value, (*at, number))


def changed(data: Any, at: tuple[Any, ...], value: Any) -> Any:
    """Give a copy in which one value is another."""
    if not at:
        return value
    whole = copy.deepcopy(data)
    inner = whole
    for name in at[:-1]:
        inner = inner[name]
    inner[at[-1]] = value
    return whole


@pytest.mark.parametrize("tool", DOCUMENTS)
def test_a_strange_value_is_read_or_refused(tmp_path: Path, tool: str) -> None:
    path = tmp_path / "f.json"
    refused = 0
    for at in places(DOCUMENTS[tool]):
        for value in STRANGE:
            path.write_text(json.dumps(changed(DOCUMENTS[tool], at, value)) + "\n", encoding="utf-8")
            try:
                read_file(path, tool=tool)
            except RefusalError as error:
                refused += 1
                assert str(path) in error.where  # noqa: PT017 - most values are refused, and some are not
    assert refused > 50


@pytest.mark.parametrize("tool", [tool for tool in READERS if tool != "osu"])
def test_lists_in_lists_without_end_are_refused(tmp_path: Path, tool: str) -> None:
    path = tmp_path / "deep.json"
    path.write_text('{"a": ' + "[" * 100_000 + "\n", encoding="utf-8")
    with pytest.raises(RefusalError, match=str(path)):
        read_file(path, tool=tool)
