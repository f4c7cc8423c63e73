"""The 18 hardware recommendations of the DeepSeek-V3 paper (ISCA'25), each by a proxy that can be measured, and by whether it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.results.contender import Contender


@dataclass(frozen=True)
class Recommendation:
    """One recommendation: its section, what would show it, and the suite whose records answer it (empty while none exists)."""

    number: int
    section: str
    wish: str
    proxy: str
    suite: str = ""


RECOMMENDATIONS = (
    Recommendation(1, "3.1.2", "accumulation in FP32, or configurable", "accumulator bits and drift of an FP8 product with K", "fp8_gemm"),
    Recommendation(2, "3.1.2", "native fine-grained scaling", "rate of a 1x128 by 128x128 scaled product over a per-tensor one"),
    Recommendation(3, "3.2.2", "units that compress to FP8 and custom formats", "encode and decode time as a share of the all-to-all"),
    Recommendation(4, "4.4.2", "one adapter for scale-up and scale-out", "expert-parallel bandwidth per SM used"),
    Recommendation(5, "4.4.2", "communication co-processor", "SMs needed to saturate the links"),
    Recommendation(6, "4.4.2, 6.4", "hardware synchronisation, acquire and release", "latency of write and flag over that of a write"),
    Recommendation(7, "4.5", "priorities on NVLink and PCIe", "expert-parallel latency beside a copy of the KV cache"),
    Recommendation(8, "4.5", "NIC in the I/O die, CPU and GPU on one fabric", "host to device and back, bandwidth and latency"),
    Recommendation(9, "5.1", "multi-port NICs over several planes", "bandwidth of one queue pair over all planes; with one plane down"),
    Recommendation(10, "5.2.2", "low-latency RoCE switches", "end-to-end latency in one leaf and across leaves"),
    Recommendation(11, "5.2.2", "adaptive routing", "all-gather and reduce-scatter under ECMP, adaptive and static routing"),
    Recommendation(12, "5.2.2", "better congestion control", "all-reduce beside an all-to-all incast"),
    Recommendation(13, "5.2.3", "GPU-initiated network operations", "rate of small messages, GPU-initiated over CPU proxy"),
    Recommendation(14, "6.1", "checksums and checks for silent corruption", "repeated bit-exact products, hashes compared"),
    Recommendation(
        15, "6.2", "CPU: direct link, 1 TB/s of memory, enough cores", "memory bandwidth of the host, launch latency", "calibrate"
    ),
    Recommendation(16, "6.3", "lossless networks that retry and heal", "time to recover from a link that flaps"),
    Recommendation(17, "6.5", "multicast and reduction in the network", "bytes a token on the wire in dispatch and combine", "all_to_all"),
    Recommendation(18, "6.6", "memory stacked on the accelerator", "memory bandwidth in decode"),
)


def answers(contender: Contender) -> dict[int, str]:
    """Give, by number, what a contender's runs say of each recommendation: that its suite was measured, or that nobody measured it."""
    suites = {case.suite: 0 for case in contender.cases.values()}
    for name, case in contender.cases.items():
        suites[case.suite] += name in contender.figures
    found = {}
    for one in RECOMMENDATIONS:
        if not one.suite:
            found[one.number] = "no suite measures it yet"
        elif suites.get(one.suite):
            found[one.number] = f"{suites[one.suite]} cases of {one.suite} measured"
        else:
            found[one.number] = f"not measured (suite {one.suite})"
    return found


def scoreboard_lines(contenders: Sequence[Contender]) -> list[str]:
    """Write the board: every recommendation, measured or not."""
    told = {one.label: answers(one) for one in contenders}
    lines = ["recommendations of the DeepSeek-V3 hardware paper (ISCA'25), by proxy:"]
    for one in RECOMMENDATIONS:
        said = sorted({told[label][one.number] for label in told})
        shown = said[0] if len(said) == 1 else "; ".join(f"{label}: {told[label][one.number]}" for label in told)
        lines.append(f"  {one.number:2} ({one.section}) {one.wish}: {one.proxy}: {shown}")
    return lines
