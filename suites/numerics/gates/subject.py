"""The unit that a gate holds to account: opened by name, its operands bound once, its newest result live, and nothing else believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import AssayError, RefusalError
from assay.harness.work import Answer, Context
from assay.suites.numerics.gates.difference import Difference
from assay.suites.numerics.probes.box import BlackBoxError
from assay.suites.numerics.probes.named import EMULATED, REAL, Opened, architecture, emulated, open_unit
from assay.suites.numerics.units.presets import PRESETS

Floats = NDArray[np.float32]
EMULATED_RATE, FP64_RATE = 1e8, 2e10  # of one core, for estimates only: products of an emulated unit, operations in float64, a second


@dataclass
class Live:
    """One product of bound operands, computed again by every step.

    Attributes:
        bound: computes it.
        shape: rows and columns that it must have.
        device: what computes, in words, for whoever has to find it.
        newest: the live result, an array or a tensor on the device.

    """

    bound: Callable[[], Any]
    shape: tuple[int, int]
    device: str = ""
    newest: Any = field(init=False)

    def __post_init__(self) -> None:
        """Have something to be poisoned before the first step."""
        self.newest = np.zeros(self.shape, dtype=np.float32)

    def step(self) -> None:
        """Compute it once more; BlackBoxError where what comes back is no float32 matrix of that shape."""
        self.newest = answered(self.bound, self.shape)

    def clear(self, _repetition: int = 0) -> None:
        """Forget the result before the next step, so that one that does nothing cannot pass; every repetition is checked then."""
        if self.newest.shape == self.shape:
            self.newest[...] = float("nan")

    def array(self) -> Floats:
        """Give the newest result as an array of the host."""
        return on_host(self.newest)


def answered(bound: Callable[[], Any], shape: tuple[int, int]) -> Any:
    """Ask once; whatever is no float32 matrix of the shape is named, and so is an exception."""
    try:
        found = bound()
    except AssayError:
        raise
    except Exception as error:
        message = f"the black box raised {type(error).__name__}: {error}"
        raise BlackBoxError(message) from error
    kind = str(getattr(found, "dtype", type(found).__name__)).removeprefix("torch.")
    if tuple(getattr(found, "shape", ())) != shape or kind != "float32":
        message = f"the black box gave {kind} {tuple(getattr(found, 'shape', ()))}, wanted float32 {shape}"
        raise BlackBoxError(message)
    return found


def on_host(found: Any) -> Floats:
    """Give a result as an array of the host."""
    array: Floats = np.asarray(found.cpu() if hasattr(found, "cpu") else found)
    return array


def open_subject(ctx: Context, unit: str, *, a: str, b: str, fast: bool) -> Opened:
    """Open the unit of a case on this rank's device; see named.open_unit."""
    facts = ctx.device.facts()
    return open_unit(unit, a=a, b=b, device=ctx.device.torch_name.partition(":")[0], architecture=architecture(facts), fast=fast)


def device_words(ctx: Context, opened: Opened) -> str:
    """Name the device for a technician: what torch calls it, and its UUID or PCI address where it has one."""
    if opened.emulated:
        return opened.what
    facts = ctx.device.facts()
    known = [str(facts.get(name)) for name in ("uuid", "pci") if facts.get(name)]
    return " ".join([ctx.device.torch_name, *known[:1]])


def product(opened: Opened, left: Floats, right: Floats) -> Floats:
    """Compute one product and give it on the host."""
    return on_host(answered(opened.bind(left, right), (len(left), right.shape[1])))


def held_up(found: Difference | None, *, tested: int, device: str, what: str = "", scores: dict[str, float] | None = None) -> Answer:
    """Make an answer of what differs; ``what`` says which check saw it. The score is the number of words that differ."""
    wrong = 0 if found is None else len(found.rows)
    counted = {"wrong_words": float(wrong), **(scores or {})}
    if found is None:
        return Answer(ok=True, tested=tested, scores=counted)
    return Answer(ok=False, tested=tested, reason=f"{device}: {what}{found.told()}", where=found.where, scores=counted)


def check_unit(unit: str, *, a: str, b: str, **positive: int) -> None:
    """Refuse at plan time what cannot be a unit, and sizes that are not positive."""
    for name, value in positive.items():
        if value < 1:
            message = f"{name} must be positive"
            raise RefusalError(message, value=value, where=name, fix=f"Set {name} to 1 or more.")
    if unit.partition(":")[0] == EMULATED:
        emulated(unit.partition(":")[2], a=a, b=b, architecture="")
    elif unit not in REAL:
        message = "is no unit"
        fix = f"Write torch, emulated:NAME or emulated:OPTION=VALUE; names are {', '.join(PRESETS)}."
        raise RefusalError(message, value=unit, where="unit", fix=fix)


def seconds_of(unit: str, products: float) -> float:
    """Estimate the seconds of so many multiplications by a unit."""
    return products / (EMULATED_RATE if unit.startswith(EMULATED) else FP64_RATE)
