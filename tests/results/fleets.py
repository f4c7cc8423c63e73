"""Fleets made by hand: one run a node and repetition, eight devices a node, with UUIDs, as the measuring half would leave them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assay.harness.case import Case
from assay.harness.measurement import Measurement
from assay.harness.rundir import LineWriter, RunDir
from assay.results.record import Record
from tests.results.builders import case, write_records

DEVICES = 8
CASE = case(nranks=DEVICES, m=64)


def uuid(host: int, slot: int) -> str:
    """Give the UUID of the device that was built into a slot."""
    return f"{host:08x}-0000-4000-8000-{slot:012x}"


def seat(rank: int, host: str, own: str, *, pci: str = "") -> dict[str, Any]:
    """Give a rank's line of a launch's header."""
    device = {"kind": "cuda", "name": "Toy 100", "uuid": own, "pci": pci or f"0000:{rank:02x}:00.0", "index": rank}
    return {"rank": rank, "host": host, "boot_id": f"boot of {host}", "local_rank": rank, "pid": 1, "device": device}


def write_node(
    path: Path,
    host: str,
    uuids: Sequence[str],
    values: Sequence[float | None],
    *,
    key: str = CASE.key,
    metric: str = "flop_rate",
    unit: str = "FLOP/s",
    flags: Mapping[int, tuple[str, ...]] | None = None,
    planned: Sequence[Case] = (CASE,),
    measurements: Sequence[Measurement] = (),
    **described: Any,
) -> RunDir:
    """Write one run of one node: a figure a device, None for a device without one."""
    better = "lower" if unit == "s" else "higher"
    records = [
        Record(
            run=path.name, key=key, suite="gemm", subject=f"device{rank}", metric=metric, value=value, unit=unit, better=better,
            limit=2e12, limit_name="toy", share=value / 2e12, flags=(flags or {}).get(rank, ()), hw_class="hw1", sw_class="sw1",
        )
        for rank, value in enumerate(values)
        if value is not None
    ]  # fmt: skip
    run = write_records(path, records, planned=planned, measurements=measurements, host=host, nranks=len(uuids), **described)
    covered = {one.case.key: one for one in measurements}
    gone = [one for one in planned if one.key not in covered and not records]
    rows = [
        {"key": one.case.key, "suite": "gemm", "status": one.status, "reason": one.reason}
        for one in measurements
        if one.status != "measured"
    ]
    rows += [{"key": one.key, "suite": "gemm", "status": "missing", "reason": "nothing was written down"} for one in gone]
    run.write_json("verdicts.json", {"coverage": {"rows": rows}})
    header = path / "measurements" / "000-ranks.jsonl"
    header.unlink()
    writer = LineWriter(header, {"run": path.name, "ranks": [seat(rank, host, own) for rank, own in enumerate(uuids)]})
    for one in measurements:
        writer.measurement(one)
    writer.close()
    return run


def write_fleet(
    store: Path,
    *,
    nodes: int = 8,
    runs: int = 5,
    seed: int = 1,
    change: Callable[[int, int, int], float | None] = lambda _node, _slot, _run: 1.0,
    **more: Any,
) -> list[RunDir]:
    """Write a fleet: 1 TFLOP/s a device, 0.3 % between devices and 0.3 % between runs; ``change`` multiplies, or takes away, a figure."""
    rng = np.random.default_rng(seed)
    levels = 1e12 * (1 + 0.003 * rng.standard_normal((nodes, DEVICES)))
    found = []
    for run in range(runs):
        for node in range(nodes):
            noise = 1 + 0.003 * rng.standard_normal(DEVICES)
            values = [
                None if (factor := change(node, slot, run)) is None else float(levels[node, slot] * noise[slot] * factor)
                for slot in range(DEVICES)
            ]
            if more.get("unit") == "s":
                values = [None if value is None else 1e9 / value for value in values]
            name = f"202611{run + 1:02d}-000000-{node:03d}-{seed:06x}"
            found.append(write_node(store / name, f"node{node}", [uuid(node, slot) for slot in range(DEVICES)], values, **more))
    return found
