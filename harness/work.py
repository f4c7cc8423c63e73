"""What a suite hands back for one case, live on one rank: how to do it, how to check it, what it moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from assay.harness.device.protocol import Device
    from assay.harness.world.protocol import World

Scope = Literal["device", "world"]
# Who vouches for the answer: Assay's own check, the test around the benchmark (its assertions), or nobody at all.
CheckedBy = Literal["assay", "test", "nobody"]


@dataclass(frozen=True)
class Context:
    """What a suite function is given first: the control world, this rank's device."""

    world: World
    device: Device

    @property
    def rank(self) -> int:
        """This rank's number in the control world."""
        return self.world.rank

    @property
    def size(self) -> int:
        """Ranks in the control world."""
        return self.world.size


@dataclass(frozen=True)
class Volume:
    """What one step moves on one rank; kinds are never mixed, so a GEMM can get no bus bandwidth.

    Attributes:
        flops: floating-point operations, 2MNK for a GEMM.
        memory_nbytes: bytes that must cross the device's memory at least once.
        message_nbytes: logical bytes of a collective, nccl-tests' size: max(send, receive) of one rank.
        wire_nbytes: bytes that one rank must send to other ranks by the algorithm-free lower bound.
        bus_factor: busbw / algbw (nccl-tests PERFORMANCE.md); None where it has no meaning (one rank).
        resource: name of the limit of ``flops``: ``matrix.fp32``, ``matrix.bf16``, ``matrix.fp8``.

    """

    flops: float = 0.0
    memory_nbytes: int = 0
    message_nbytes: int = 0
    wire_nbytes: int = 0
    bus_factor: float | None = None
    resource: str = ""


@dataclass(frozen=True)
class Answer:
    """One check of the answer on one rank.

    ``tested`` counts the compared elements: an answer that compared none is an error, never a pass. ``where`` names
    the worst position (``row 17, column 3``), ``scores`` holds error measures by name (unit 1), each beside its limit
    in ``limits`` where it has one.
    """

    ok: bool
    tested: int
    reason: str = ""
    where: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """One case on one rank, ready to run (live, never stored).

    Attributes:
        step: what is timed.
        check: compares the answer of the last step with an independent one.
        volume: what one step moves.
        refresh: makes fresh input for repetition ``i``, never timed; with it every repetition's answer is checked.
        result: the live output buffer (array or tensor): poisoned before checked steps, target of planted faults.
        close: gives back what was opened.
        scope: ``device``: every rank does its own work and has its own figure; ``world``: one figure for all.
        notes: how it was really done (kernel, algorithm, placement), stored with the measurement.
        checked_by: ``nobody`` for a step without an independent answer: ``check`` is never called, and every report says so.

    """

    step: Callable[[], object]
    check: Callable[[], Answer]
    volume: Volume
    refresh: Callable[[int], None] | None = None
    result: Callable[[], Any] | None = None
    close: Callable[[], None] = lambda: None
    scope: Scope = "device"
    notes: Mapping[str, str] = field(default_factory=dict)
    checked_by: CheckedBy = "assay"


@dataclass(frozen=True)
class Needs:
    """What a case will need on one rank, told at plan time by a suite's ``needs`` function.

    Attributes:
        memory_nbytes: bytes of memory.
        seconds: preparation and checks.
        step_seconds: one step, where it is long enough to matter.

    """

    memory_nbytes: int = 0
    seconds: float = 0.0
    step_seconds: float = 0.0
