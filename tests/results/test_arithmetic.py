"""Cards in stored runs: a change of the arithmetic is found and named, no change is silence, and what was not told is no change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.results.arithmetic import before, card_lines, changes, drawn, fingerprints
from assay.results.store import Store
from tests.results.builders import case, measured, write_run

CARD: dict[str, Any] = {
    "kind": "fused",
    "fused": 32,
    "bits": 13,
    "align": "rz",
    "out_bits": 13,
    "out_round": "rz",
    "parts": 0,
    "specials": {"inputs": "kept", "nan": 0x7FFFFFFF, "overflow": None},
    "deterministic": True,
    "tree": [[0, 1, 2, 3], 4, 5, 6, 7],
    "reasons": {"join_bits": "no parts"},
    "calls": 100,
}


def stored(folder: Path, name: str, card: dict[str, Any], **described: Any) -> None:
    """Write a run with one card."""
    notes = {"unit": "emulated h100_fp8", "formats": "e4m3 x e4m3", "verdict": "conforms to h100_fp8", "card": json.dumps(card)}
    write_run(folder / name, [measured(case("fingerprint", unit="x"), [1e-3] * 9, notes=notes)], **described)


def test_a_changed_field_is_named_and_calls_and_reasons_are_none() -> None:
    assert changes(CARD, CARD | {"calls": 7, "reasons": {}}) == {}
    assert changes(CARD, CARD | {"bits": 25}) == {"bits": (13, 25)}
    assert changes(CARD, CARD | {"specials": {"inputs": "flushed", "nan": 0x7FFFFFFF}}) == {"specials.inputs": ("kept", "flushed")}
    assert changes(CARD, CARD | {"tree": [[0, 1], 2]}) == {"tree": ("another", "order")}


def test_the_kernel_is_told_where_one_is_known(tmp_path: Path) -> None:
    notes = {
        "unit": "torch.mm bf16 on cuda",
        "formats": "bf16 x bf16",
        "verdict": "unknown unit",
        "kernel": "sm90_gemm",
        "card": json.dumps(CARD),
    }
    write_run(tmp_path / "20261127-000000-000-aaaaaa", [measured(case("fingerprint", unit="torch"), [1e-3] * 9, notes=notes)])
    (one,) = fingerprints(Store(tmp_path).resolve("latest")[0])
    assert one.as_dict()["kernel"] == "sm90_gemm"
    assert any(line.split() == ["kernel", "sm90_gemm"] for line in card_lines(one))


def test_what_one_of_the_two_could_not_tell_is_no_change() -> None:
    assert changes(CARD, CARD | {"bits": None}) == {}
    assert changes(CARD | {"bits": None}, CARD) == {}


def test_the_last_card_of_the_same_unit_on_the_same_kind_of_machine_counts(tmp_path: Path) -> None:
    names = [f"20261127-00000{i}-000-aaaaaa" for i in range(5)]
    stored(tmp_path, names[0], CARD)
    stored(tmp_path, names[1], CARD | {"bits": 12}, hw_class="other")
    stored(tmp_path, names[2], CARD | {"bits": 11}, inject=True)
    write_run(tmp_path / names[3], [measured(case("gemm", m=1), [1.0] * 9)])
    stored(tmp_path, names[4], CARD | {"bits": 25})
    store = Store(tmp_path)
    run = store.resolve(names[4])[0]
    (now,) = fingerprints(run)
    earlier = before(store, run, now)
    assert earlier is not None
    assert earlier.run == names[0]
    assert changes(earlier.card, now.card) == {"bits": (13, 25)}
    first = store.resolve(names[0])[0]
    assert before(store, first, fingerprints(first)[0]) is None


def test_a_card_is_told_with_units_and_what_is_open(tmp_path: Path) -> None:
    stored(tmp_path, "20261127-000000-000-aaaaaa", CARD | {"bits": None, "reasons": {"bits": "at least 20"}})
    (found,) = fingerprints(Store(tmp_path).resolve("latest")[0])
    text = "\n".join(card_lines(found))
    assert "products in one group          32 products" in text
    assert "aligned to                     undetermined: at least 20" in text
    assert "results keep                   13 fraction bits" in text
    assert "nan 0x7fffffff" in text
    assert "order: {0-3} > {4-7}" in text


def test_orders_are_drawn_as_chains_or_as_parts() -> None:
    assert list(drawn([[[0, 1], 2], 3])) == ["order: {0-1} > {2} > {3}"]
    assert list(drawn([[[0, 2], 4], [[1, 3], 5]])) == ["order: parts that are joined", "  {0,2} > {4}", "  {1,3} > {5}"]
    assert list(drawn(None)) == []
    assert list(drawn([[[0, 1], [2, 3]], [[4, 5], [6, 7]]]))[1] == "  ((0 1) (2 3))"
