"""Runs for reports, made by hand: a rich one in which every kind of section has something, and one that is hostile in every string."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from assay.harness.case import Case
from assay.harness.measurement import Fault, Measurement
from assay.harness.rundir import RunDir
from assay.harness.work import Volume
from assay.results.judge import judge
from tests.results.builders import GEMM, bare_rules, calibration, case, measured, message, write_run, wrong
from tests.results.test_telemetry import sound

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;`|\u202e\x1b[31m@user"
TAG = "<script>alert(1)</script>"
STEP = [{"name": "load", "seconds": 0.25}, {"name": "multiply", "seconds": 0.5}, {"name": "store", "start_seconds": 0.5, "seconds": 0.5}]
NO_TELEMETRY = {"source": "none", "reason": "a toy has none"}


def times(middle: float, n: int = 20) -> list[float]:
    """Make n seconds around a middle, evenly spread over 1 %."""
    return [middle * (1 + 0.01 * (i / (n - 1) - 0.5)) for i in range(n)]


def rich(path: Path, *, slower: float = 1.0, host: str = "toy", **described: Any) -> RunDir:
    """Write and judge a run with limits, sweeps, pairs, phases, telemetry, a wrong answer and a missing case."""
    found = [
        calibration("memory", times(0.01), times(0.011), volume=Volume(memory_nbytes=100_000_000)),
        calibration("matrix_fp32", times(0.01), times(0.01), volume=Volume(flops=2e9, resource="matrix_fp32")),
        *(
            measured(case("gemm", nranks=2, m=m), times(0.02 * slower), times(0.025 * slower), telemetry=[sound(0.4)] * 2)
            for m in (64, 128)
        ),
        *(
            measured(
                case("all_reduce", nranks=2, bytes=n, transport=t), times(1e-3 * k), times(9e-4 * k), volume=message(n, 1.0), scope="world"
            )
            for k, n in enumerate((8, 65536, 4194304), start=1)
            for t in ("mpi", "gloo")
        ),
        *(
            measured(
                case("pairs", nranks=2, plane=p, pair=[0, d], bytes=1024),
                times(1e-4 * (d + p)),
                times(1e-4),
                volume=message(1024, 1.0),
                scope="world",
            )
            for p in (0, 1)
            for d in (1, 2, 3)
        ),
        measured(case("step"), times(1.0), notes={"phases": json.dumps(STEP)}, seconds=25.0),
        wrong(case("fp8_gemm", nranks=2, m=1)),
    ]
    planned = [one.case for one in found] + [case("gemm", nranks=2, m=4096)]
    run = write_run(path, found, planned=planned, host=host, nranks=2, **described)
    return ended(run)


def ended(run: RunDir) -> RunDir:
    """Judge a run, and give it a whole configuration."""
    config = {"rules": bare_rules(), "hardware": {}, "site": {"name": "toy"}, "launch": {}}
    (run.path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    judge(run, config=config)
    return run


def hostile(path: Path) -> RunDir:
    """Write a run that has script in every string that anybody can write into one."""
    evil = Case(EVIL, EVIL, {EVIL: EVIL, "bytes": 8}, layout=EVIL, align=EVIL, device=EVIL, inject={"kind": EVIL}, timer={EVIL: EVIL})
    other = replace(evil, params={EVIL: EVIL, "bytes": 64})
    told = sound(0.4) | {"source": EVIL, "device": {"name": EVIL, "note": EVIL}, "foreign": [{"pid": EVIL, "name": EVIL}], "lost": EVIL}
    good = [
        measured(one, times(0.1), volume=replace(GEMM, resource=EVIL), notes={EVIL: EVIL}, flags=(EVIL,), telemetry=[told])
        for one in (evil, other)
    ]
    broken = Measurement(
        case("crash", why=EVIL),
        "crashed",
        EVIL,
        fault=Fault(0, EVIL, 1, EVIL, {EVIL: EVIL}),
        telemetry=[{"source": "none", "reason": EVIL}],
    )
    stepped = measured(case("step", how=EVIL), times(1.0), notes={"phases": json.dumps([{"name": EVIL, "seconds": 1.0}])})
    paired = [measured(case("pairs", plane=EVIL, pair=EVIL + str(n)), times(1.0)) for n in (1, 2)]
    facts = {"host": EVIL, "cpu_model": EVIL, EVIL: {EVIL: [EVIL, {EVIL: EVIL}]}, "devices": [{"name": EVIL}]}
    words = dict.fromkeys(("plan", "session", "host", "hw_class", "sw_class", "assay", "started", "ended"), EVIL)
    left = [(case("left", why=EVIL), EVIL)]
    run = write_run(path, [*good, broken, stepped, *paired], facts=facts, left_out=left, command=[EVIL], **words, **{EVIL: EVIL})
    header = path / "measurements" / "001-ranks.jsonl"
    header.write_text(
        json.dumps({"kind": "header", "ranks": [{"rank": 0, "host": EVIL, EVIL: [EVIL]}]}) + f"\n{{{EVIL}\n", encoding="utf-8"
    )
    (path / "logs").mkdir()
    (path / "logs" / TAG.replace("/", "_")).write_text(TAG, encoding="utf-8")
    with (path / "config.yaml").open("a", encoding="utf-8") as file:
        file.write(f"# {TAG}\n")
    return run
