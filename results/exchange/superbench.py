"""SuperBench's results-summary.jsonl: one line a node, names such as ``gemm-flops/FP16_TC:0``; what has a known unit is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from assay.harness.work import Volume
from assay.results.exchange.foreign import Foreign, Found, load_json, mapping, number_of, refuse

TOOL = "superbench"
NAME = re.compile(r"(?P<bench>[^/]+(?:/[^/]+)*)/(?P<metric>[^/:]+)(?::(?P<rank>\d+))?")
# Unit by benchmark and metric, from SuperBench's documentation of micro-benchmarks: pattern, kind, factor to seconds, FLOP/s or B/s.
KNOWN = (
    (re.compile(r"gemm-flops/(?!.*(?i:int|iops)).+"), "flop_rate", 1e9),  # GFLOP/s; operations on integers are no FLOP
    (re.compile(r"(mem-bw|gpu-(sm-)?copy-bw)/.+"), "memory_rate", 1e9),  # GB/s
    (re.compile(r"[nr]ccl-bw/.+_time"), "time", 1e-6),  # us
    (re.compile(r"kernel-launch/(.+_overhead|event_time|wall_time)"), "time", 1e-3),  # ms
    (re.compile(r".+/steptime_.+"), "time", 1e-3),  # ms
    (re.compile(r"(pytorch-)?(computation-communication-overlap|matmul|sharding-matmul)/.+"), "time", 1e-3),  # ms
    (re.compile(r"ib-loopback/ib_(write|read|send)_bw_.+"), "memory_rate", 1e9),  # GB/s
    (re.compile(r"ib-loopback/IB_(write|read|send)_.+_Avg_.+"), "memory_rate", 1e6),  # MB/s: older names, perftest's own unit
)
STEP = 1e12  # work or bytes of one step where only a rate is told: the time of one step is STEP / rate


def looks_like(text: str) -> bool:
    """Tell whether a file is of this tool."""
    first = text.lstrip().split("\n", 1)[0]
    return first.startswith("{") and '"node"' in first and "/" in first


def read(text: str) -> Foreign:
    """Read every node; RefusalError for a line that cannot be right. What has no known unit is counted in a note, never guessed."""
    cases: list[Found] = []
    unknown: set[str] = set()
    hosts = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        row = mapping(load_json(line, tool=TOOL), where=f"line {number}")
        node = row.get("node")
        if not isinstance(node, str) or not node:
            message = "names no node"
            raise refuse(message, value=node, where=f"line {number}")
        hosts.append(node)
        own, strange = node_cases(node, row, where=f"line {number}")
        cases += own
        unknown |= strange
    if not cases:
        message = "holds no figure whose unit is known"
        raise refuse(message, where="the file")
    notes = (
        (f"{len(unknown)} metrics are left out, since they have no unit that is read here: {', '.join(sorted(unknown)[:5])}",)
        if unknown
        else ()
    )
    return Foreign(TOOL, cases, host=hosts[0] if len(hosts) == 1 else f"{len(hosts)} nodes", facts={"hosts": hosts}, notes=notes)


def node_cases(node: str, row: Mapping[str, Any], *, where: str) -> tuple[list[Found], set[str]]:
    """Give one node's cases and the names whose unit is unknown; a return code that is not zero is an error of its benchmark."""
    cases, unknown = [], set()
    for name, value in row.items():
        found = NAME.fullmatch(name)
        if name == "node" or found is None or value is None:
            continue
        params = {"node": node, "metric": found["metric"]} | ({"rank": int(found["rank"])} if found["rank"] else {})
        bare = Found(f"superbench.{found['bench']}", params)
        if found["metric"].startswith("return_code"):
            code = number_of(value, where=f"{where} {name}")
            cases += [replace(bare, error=f"return code {code:g}")] if code else []
            continue
        plain = name.partition(":")[0]
        known = next(((kind, factor) for pattern, kind, factor in KNOWN if pattern.fullmatch(plain)), None)
        figure = number_of(value, where=f"{where} {name}")
        if known is None:
            unknown.add(plain)
            continue
        if figure < 0:
            message = "is below zero"
            raise refuse(message, value=value, where=f"{where} {name}")
        # A benchmark that fell over reports zero, and zero is no measurement.
        cases.append(figured(bare, *known, figure) if figure else replace(bare, error="the tool reported 0"))
    return cases, unknown


def figured(bare: Found, kind: str, factor: float, figure: float) -> Found:
    """Give a case its time; a rate becomes the time of ``STEP`` operations or bytes, so that the rate is what was told."""
    if kind == "time":
        return replace(bare, seconds=(figure * factor,))
    volume = Volume(flops=STEP) if kind == "flop_rate" else Volume(memory_nbytes=int(STEP))
    note = {"time": f"derived: of {STEP:g} {'FLOP' if kind == 'flop_rate' else 'B'} at the rate that was told"}
    return replace(bare, seconds=(STEP / (figure * factor),), volume=volume, notes=note)
