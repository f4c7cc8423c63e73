"""A matrix unit as a black box: gemm(A, B) -> D and nothing else; whatever it does besides its job is named, never read as numerics.

Probes are sparse dot products. Row i of A and column i of B hold probe i, zeros elsewhere, and D's diagonal holds the answers: one product
of ``side`` rows runs ``side`` probes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.harness.errors import AssayError
from assay.suites.numerics.formats.format import FORMATS, Format

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Gemm = Callable[[Any, Any], Any]
Probe = Mapping[int, tuple[float, float]]  # position in K -> (element of A, element of B)
# Exponents that are used of wide formats: products and sums of them stay far inside float32.
WIDEST = 30
HEADROOM = 6  # octaves that sums of large products may climb


class BlackBoxError(AssayError):
    """The black box did not do what a matrix product does: another shape or type, an exception, or two answers to one question."""

    exit_code = 2


@dataclass
class Box:
    """A black box with the formats of its operands.

    Attributes:
        gemm: takes float32 arrays of numbers of the formats, side x K and K x side; gives their product in float32.
        a: format of A.
        b: format of B.
        k: length of K at which probes run.
        side: rows of A and columns of B in one call.
        out: format of the results' numbers, where it is known to be narrower than float32: probes stay inside it.
        subnormal: whether subnormal operands may be used; set False once they were seen to be flushed.
        calls: how many products were computed.

    """

    gemm: Gemm
    a: Format
    b: Format
    k: int = 256
    side: int = 32
    out: Format = FORMATS["fp32"]
    subnormal: bool = True
    calls: int = field(default=0)

    def dots(self, probes: Sequence[Probe], *, k: int | None = None, rest: tuple[float, float] = (0.0, 0.0)) -> Floats:
        """Give the answers of some probes, float32, one each; positions that a probe leaves out hold ``rest``."""
        answers = [self.batch(probes[i : i + self.side], k or self.k, rest) for i in range(0, len(probes), self.side)]
        return np.concatenate(answers) if answers else np.zeros(0, dtype=np.float32)

    def batch(self, probes: Sequence[Probe], k: int, rest: tuple[float, float]) -> Floats:
        """Run at most ``side`` probes in one product."""
        left, right = np.zeros((self.side, k), dtype=np.float32), np.zeros((k, self.side), dtype=np.float32)
        left[: len(probes)], right[:, : len(probes)] = rest
        for row, probe in enumerate(probes):
            for position, (x, y) in probe.items():
                left[row, position], right[position, row] = x, y
        return self.product(left, right).diagonal()[: len(probes)].copy()

    def product(self, left: Floats, right: Floats) -> Floats:
        """Compute one product; BlackBoxError where what comes back is no float32 matrix of that shape."""
        self.calls += 1
        try:
            found = np.asarray(self.gemm(left, right))
        except AssayError:
            raise
        except Exception as error:
            message = f"the black box raised {type(error).__name__}: {error}"
            raise BlackBoxError(message) from error
        wanted = (len(left), right.shape[1])
        if found.shape != wanted or found.dtype != np.float32:
            message = f"the black box gave {found.dtype} {found.shape}, wanted float32 {wanted}"
            raise BlackBoxError(message)
        return found

    def repeats(self, *, times: int = 3, seed: int = 0) -> bool:
        """Tell whether the same random operands give the same bits every time."""
        source = np.random.default_rng(seed)
        left, right = (self.numbers(source, shape) for shape in ((self.side, self.k), (self.k, self.side)))
        first = self.product(left, right).view(np.uint32)
        return all(np.array_equal(first, self.product(left, right).view(np.uint32)) for _ in range(times - 1))

    def numbers(self, source: np.random.Generator, shape: tuple[int, int]) -> Floats:
        """Draw numbers of both formats, either sign, over the exponents that probes use."""
        fraction = min(self.a.fraction, self.b.fraction)
        low, high = max(self.low(self.a), self.low(self.b)) + fraction, min(top(self.a), top(self.b))
        significand = source.integers(1 << fraction, 2 << fraction, shape) * 2.0**-fraction
        # The largest exponent may lack the largest significands (E4M3 has no 480).
        power = np.exp2(source.integers(low, max(high, low + 1), shape))
        found: Floats = (power * significand * source.choice([-1.0, 1.0], shape)).astype(np.float32)
        return found

    def low(self, of: Format) -> int:
        """Give the least exponent of a power of two that probes use in a format."""
        return max(of.emin - (of.fraction if self.subnormal else 0), -WIDEST)

    @property
    def highest(self) -> int:
        """Exponent of the largest product of two powers of two."""
        return min(top(self.a) + top(self.b), self.out.emax - HEADROOM)

    @property
    def lowest(self) -> int:
        """Exponent of the smallest product of two powers of two."""
        return max(self.low(self.a) + self.low(self.b), self.out.emin - self.out.fraction)

    def power(self, exponent: int, factor: float = 1.0) -> tuple[float, float] | None:
        """Give (x, y) with x y = factor x 2^exponent, ``factor`` going to x; None where no two numbers of the formats give it.

        x is a number of A's format with the fraction that ``factor`` needs, so 1.5 takes a normal number where the format has one bit.
        """
        need = fraction_bits(factor)
        if need > self.a.fraction:
            return None
        least = max(self.low(self.a), self.a.emin - self.a.fraction + need)
        if not self.subnormal:
            least = max(least, self.a.emin)
        most = top(self.a) - (1 if factor != 1 and abs(factor) * 2.0 ** top(self.a) > self.a.largest else 0)
        first = min(max(exponent // 2, exponent - top(self.b), least), most, exponent - self.low(self.b))
        second = exponent - first
        if not (least <= first <= most and self.low(self.b) <= second <= top(self.b)):
            return None
        return factor * 2.0**first, 2.0**second


def top(of: Format) -> int:
    """Give the largest exponent of a power of two that probes use in a format."""
    return min(of.emax, WIDEST)


def fraction_bits(factor: float) -> int:
    """Give how many fraction bits a number of one binary digit before the point has: 1.5 has one."""
    bits = 0
    while abs(factor) * 2**bits % 1:
        bits += 1
    return bits
