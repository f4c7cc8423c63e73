"""Bus factors and wire bytes: what a collective's algorithm bandwidth says about the wires, whatever algorithm ran.

Both factors are those of nccl-tests (doc/PERFORMANCE.md), where algbw = S / t with S = max(send, receive) bytes of one rank, and
busbw = algbw * factor. The derivation is: how many bytes must one rank put on its wire, as a multiple of S?

* all-reduce: each of S bytes needs n - 1 additions of somebody else's value, and each of n - 1 ranks must then learn the sum. That is
  2 (n - 1) transfers a byte, shared by n ranks: 2 (n - 1) / n. (Bound for ranks that add themselves; a switch that adds, such as SHARP
  or NVLS, needs less, and then busbw has no wire meaning. Patarasuk and Yuan, JPDC 69(2), 2009, prove the bound and a ring that meets it.)
* all-to-all: one of n equal blocks stays at home, the others leave: (n - 1) / n.
* all-gather, reduce-scatter (S is the whole vector): each half of an all-reduce, (n - 1) / n.
* broadcast: the root's S bytes must leave it at least once, and a chain needs no more of anybody: 1. A shift sends S and receives S: 1.

With one rank nothing leaves: the factor would be 0, which is no bandwidth but the absence of one, so it is None.
"""

from __future__ import annotations


def all_reduce_factor(nranks: int) -> float | None:
    """Give busbw / algbw of an all-reduce over ``nranks``; None for one rank."""
    return 2 * (nranks - 1) / nranks if nranks > 1 else None


def all_to_all_factor(nranks: int) -> float | None:
    """Give busbw / algbw of an all-to-all, an all-gather or a reduce-scatter over ``nranks``; None for one rank."""
    return (nranks - 1) / nranks if nranks > 1 else None


def one_way_factor(nranks: int) -> float | None:
    """Give busbw / algbw of a broadcast or a shift; None for one rank."""
    return 1.0 if nranks > 1 else None


def one_way_wire(nbytes: int, nranks: int) -> int:
    """Give the bytes that the root of a broadcast, or every rank of a shift, must send."""
    return nbytes if nranks > 1 else 0


def all_reduce_wire(nbytes: int, nranks: int) -> int:
    """Give the bytes that a rank must send on average in an all-reduce of ``nbytes``, rounded up."""
    return -(-2 * (nranks - 1) * nbytes // nranks)


def all_to_all_wire(nbytes: int, nranks: int) -> int:
    """Give the bytes that every rank must send in an all-to-all, all-gather or reduce-scatter of ``nbytes`` (``nranks`` divides them)."""
    return (nranks - 1) * nbytes // nranks
