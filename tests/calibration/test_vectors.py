"""The table of published results: no row differs, and the sets that can tell a bit do."""

from __future__ import annotations

import pytest

from tests.calibration.vectors import FILE, text


@pytest.mark.skipif(not FILE.exists(), reason="the published vectors are not beside this clone (../shared/data)")
def test_no_row_differs_and_a_unit_a_step_off_is_seen() -> None:
    rows = {cells[1]: cells[2:] for line in text().splitlines()[2:] if (cells := [cell.strip() for cell in line.split("|")])}
    assert {cells[2] for cells in rows.values()} == {"0"}
    less, more, half = (int(rows["Ada_e4m3.fp32"][place]) for place in (3, 4, 5))
    assert min(less, more, half) > 0
