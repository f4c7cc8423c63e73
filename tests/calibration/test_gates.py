"""The gates' table at a tiny size: what must be found is, what cannot be is not, healthy units are silent."""

from __future__ import annotations

from tests.calibration import gates
from tests.calibration.gates import GATES, HEALTHY, Trial


def found(fault: str, seed: int) -> set[str]:
    """Name the gates that find one fault."""
    trial = Trial(f"{HEALTHY},fault={fault},fault.seed={seed}", {}, seed)
    return {name for name, gate in GATES.items() if gate(trial)}


def test_one_flipped_low_bit_is_seen_by_words_and_by_nothing_else() -> None:
    """Numerics 6.5: bits 0 and 8 pass every measure of distance."""
    for bit in (0, 8):
        assert found(f"output_bit_flipped,fault.bit={bit}", bit) == {"G2 exact integers", "G3 metamorphic", "G5 hash of 3 devices"}


def test_a_missing_promotion_is_no_matter_of_exact_sums() -> None:
    seen = found("promotion_missing", 3)
    assert {"G5 hash of 3 devices", "componentwise, 2 x healthy"} <= seen
    assert not seen & {"G2 exact integers", "G4 repeat", "calc_diff < 1e-3", "first result, eps 1e-3"}


def test_one_wrong_call_in_eight_is_all_that_a_comparison_with_the_first_sees() -> None:
    assert {"G2 exact integers", "G4 repeat", "first result, eps 1e-3"} <= found("wrong_tile", 5)


def test_nan_passes_a_comparison_with_the_first_and_nothing_of_ours() -> None:
    trial = Trial(HEALTHY, {"kind": "nan_element", "after": 1, "row": 2, "column": 3}, 1)
    seen = {name for name, gate in GATES.items() if gate(trial)}
    assert seen >= {"G2 exact integers", "G3 metamorphic", "G4 repeat", "G5 hash of 3 devices", "row and column sums"}
    assert "first result, eps 1e-3" not in seen


def test_nothing_planted_is_silence() -> None:
    trial = Trial(HEALTHY, {}, 7)
    assert not [name for name, gate in GATES.items() if gate(trial)]
    table = gates.healthy(11, 40)
    assert [line.split("|")[3].strip() for line in table[2:4]] == ["0", "0"]
