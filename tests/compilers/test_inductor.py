"""A real compiler in a gate: Inductor for the CPU (C++ through g++). Each side has a cache of its own, and measured turns compile nothing."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from assay.harness.door import caches
from assay.harness.door.sides import Side
from assay.harness.door.turns import Table, take_turn
from assay.harness.door.warming import warmed

pytest.importorskip("torch")
COMPILER = next((found for name in ("g++", "clang++") if (found := shutil.which(name))), None)
# What each turn runs, the same on both sides. What Inductor did is said at the end, from its own counters.
SCRIPT = """\
    import json
    import assay, torch
    from torch._dynamo.utils import counters

    x = torch.linspace(0.0, 1.0, 64)

    def plain(x):
        return torch.sin(x) * 2 + x

    compiled = torch.compile(plain)
    assay.measure(
        lambda: compiled(x), check=lambda got: torch.allclose(got, plain(x)), name="tiny", store=True,
        budget={"seconds": 0.01, "warmup_seconds": 0.01, "min_reps": 3},
    )
    print(json.dumps({"made": counters["inductor"]["fxgraph_cache_miss"], "found": counters["inductor"]["fxgraph_cache_hit"]}))
"""


TUNED = """\
    import json
    import assay, torch
    from torch._dynamo.utils import counters
    from torch._inductor import config

    config.max_autotune, config.max_autotune_gemm_backends, config.freezing = True, "CPP,ATEN", True
    layer = torch.nn.Linear(64, 128).eval()
    compiled = torch.compile(layer)
    x = torch.ones(32, 64)

    def check(got):
        return torch.allclose(got, layer(x), atol=1e-5)

    with torch.no_grad():
        assay.measure(lambda: compiled(x), check=check, name="tuned", store=True, budget={"seconds": 0.01, "warmup_seconds": 0.01, "min_reps": 3})
    print(json.dumps({"timed": counters["inductor"]["benchmarking.InductorBenchmarker.benchmark_cpu"]}))
"""


def did(folder: Path, log: str) -> dict[str, int]:
    """Read what a turn said of its compiler."""
    counted: dict[str, int] = json.loads((folder / "logs" / log).read_text(encoding="utf-8").splitlines()[-1])
    return counted


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="Inductor needs a C++ compiler, and neither g++ nor clang++ is here")
def test_sides_compile_apart_and_measured_turns_compile_nothing(tmp_path: Path) -> None:
    (tmp_path / "turn.py").write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    given = [Side(name, name, command=[sys.executable, str(tmp_path / "turn.py")]) for name in ("base", "head")]
    table = Table(tmp_path / "gate", (), ())
    sides, seconds, steps = warmed(table, (given[0], given[1]), runs=1, pin=False, across=())
    for number, side in enumerate(sides):
        take_turn(table, side, number=number)

    for number, name in enumerate(("base", "head")):
        assert did(table.folder, f"{900 + number}-{name}.txt") == {"made": 1, "found": 0}  # the head too, though it is the same code
        assert did(table.folder, f"{number:03d}-{name}.txt") == {"made": 0, "found": 1}
    assert min(caches.told(table.folder / "caches" / "base", table.folder / "caches" / "head")["files"].values()) > 0
    ((_, compiled),) = steps.items()
    assert all(len(found) == 1 and 0 < found[0] < seconds for found in compiled.values())

    # The fault that caches of their own keep away: in the base's, the head's cold turn finds everything compiled.
    take_turn(table, replace(given[1], environ=caches.variables(table.folder / "caches" / "base", pin=False)), number=800)
    assert did(table.folder, "800-head.txt") == {"made": 0, "found": 1}


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="Inductor needs a C++ compiler, and neither g++ nor clang++ is here")
def test_choices_of_the_autotuner_are_carried_to_the_head(tmp_path: Path) -> None:
    (tmp_path / "turn.py").write_text(textwrap.dedent(TUNED), encoding="utf-8")
    given = [Side(name, name, command=[sys.executable, str(tmp_path / "turn.py")]) for name in ("base", "head")]
    table = Table(tmp_path / "gate", (), ())
    warmed(table, (given[0], given[1]), runs=1, pin=True, across=())
    base, head = (table.folder / "caches" / name for name in ("base", "head"))
    assert did(table.folder, "900-base.txt")["timed"] >= 2  # a C++ template and what ATen has
    assert did(table.folder, "901-head.txt") == {"timed": 0}
    assert len(caches.choices(base)) == 1
    assert caches.choices(base) == caches.choices(head)
    assert caches.told(base, head)["differing"] == []
