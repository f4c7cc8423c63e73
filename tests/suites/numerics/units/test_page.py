"""docs/fp8.md says of every published unit what the presets say, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from assay.suites.numerics.units.faults import NAMED
from assay.suites.numerics.units.options import DEFAULTS
from assay.suites.numerics.units.presets import PRESETS, preset

PAGE = (Path(__file__).parents[4] / "docs" / "fp8.md").read_text()
UNALIGNED = ("fma", "e_fdpa", "pairwise")


def test_the_table_of_published_units_is_that_of_the_presets() -> None:
    rows = {
        row[0].strip("`"): row
        for row in (re.split(r" *\| *", line.strip("| ")) for line in PAGE.splitlines())
        if row[0].strip("`") in PRESETS
    }
    assert list(rows) == list(PRESETS)
    for name, (_, path, _, a, fused, bits, out, _, checked) in rows.items():
        unit = preset(name)
        wanted = "-" if unit.family in UNALIGNED else str(unit.bits)
        assert (a, fused, bits, out) == (unit.a, str(unit.fused), wanted, f"{unit.out} {unit.round}"), name
        assert path == PRESETS[name].path
        assert (checked == "no") == (not PRESETS[name].vectors), name


def test_every_option_and_fault_is_on_the_page() -> None:
    for word in (*DEFAULTS, *NAMED):
        assert f"`{word}`" in PAGE, word


def test_the_examples_run() -> None:
    names: dict[str, Any] = {"a": np.ones((2, 32)), "b": np.ones((32, 2)), "c": np.zeros(2)}
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(code, names)  # noqa: S102 - our own page
    assert names["d"].tolist() == [32, 32]
    assert names["unit"].bits == 21
