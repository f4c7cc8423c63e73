"""P1: the order in which a unit adds, as a tree, from products alone (FPRev: Xie et al., USENIX ATC 2025, sections 4 and 5).

Every summand is u, except +M at i and -M at j, with M so large that M + n u = M in the unit. Whatever is added while one of the two is in
the sum is lost; so D / u = n - l(i, j), where l is the number of leaves under the lowest common ancestor of i and j.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from assay.suites.numerics.probes.box import Box, Probe

SMALL = 32
Tree = int | tuple["Tree", ...]


@dataclass(frozen=True)
class Order:
    """What was found of the order: a tree, or groups whose sums are exact, or neither and why.

    Attributes:
        tree: nested tuples over positions of K; children of one node are added in one rounding. None where there is none.
        exact: groups of positions that are summed exactly before rounding, in the order of the chain; empty where there are none.
        reason: why nothing could be told; empty where something was.

    """

    tree: Tree | None = None
    exact: tuple[tuple[int, ...], ...] = ()
    reason: str = ""


class NoTreeError(Exception):
    """The counts fit no tree of rounded sums."""


@dataclass
class Masks:
    """Counts leaves under the lowest common ancestors, a batch at a time, and remembers them."""

    box: Box
    k: int
    sign: float = 1.0
    known: dict[tuple[int, int], int] = field(default_factory=dict)

    def control(self) -> None:
        """See that sums without masks are counted right: all summands, all but one, and one alone; NoTreeError where they are not.

        Results that are too short for such counts, or too narrow for such small numbers, would be taken for an order of addition.
        """
        small = self.box.power(self.box.lowest)
        if small is None:
            message = "the formats hold no powers of two to count with"
            raise NoTreeError(message)
        each = (self.sign * small[0], small[1])
        probes: list[Probe] = [dict.fromkeys(range(count), each) for count in (self.k, self.k - 1, 1)]
        for count, answer in zip((self.k, self.k - 1, 1), self.box.dots(probes, k=self.k), strict=True):
            seen = self.sign * float(answer) / 2.0**self.box.lowest
            if seen != count:
                message = f"{count} equal small products add up to {seen:g} of them, so nothing can be counted"
                raise NoTreeError(message)

    def ask(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Measure l of all pairs that are not known yet; NoTreeError where an answer is no count."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self.known]
        small, big = self.box.power(self.box.lowest), self.box.power(self.box.highest)
        if small is None or big is None:
            message = "the formats hold no powers of two to mask with"
            raise NoTreeError(message)
        unit = 2.0**self.box.lowest
        x, y = self.sign * big[0], big[1]
        answers = self.box.dots([{i: (x, y), j: (-x, y)} for i, j in new], k=self.k, rest=(self.sign * small[0], small[1]))
        for pair, answer in zip(new, answers, strict=True):
            count = self.sign * float(answer) / unit
            if not (count == int(count) if abs(count) < 2**31 else False) or not 0 <= count <= self.k - 2:
                message = f"masking positions {pair[0]} and {pair[1]} left {count:g} of {self.k} summands, which is no count"
                raise NoTreeError(message)
            self.known[pair] = self.k - int(count)


def find_order(box: Box, *, k: int | None = None) -> Order:
    """Find the order in which ``k`` products are added.

    Both signs are tried: a unit that rounds towards one infinity loses small terms of one sign only.
    """
    k = k or box.k
    reasons = []
    for sign in (1.0, -1.0):
        masks = Masks(box, k, sign)
        try:
            masks.control()
        except NoTreeError as error:
            reasons.append(str(error))
            continue
        try:
            return Order(tree=build(masks, list(range(k))))
        except NoTreeError as error:
            reasons.append(str(error))
        with contextlib.suppress(NoTreeError):
            return Order(exact=exact_groups(masks))
    return Order(reason=reasons[0])


def build(masks: Masks, leaves: list[int]) -> Tree:
    """Build the tree over some leaves (at least two); NoTreeError where the counts contradict each other.

    From the first leaf outwards: leaves j with equal l(first, j) join the tree at the same node. They are a subtree of their own if the
    largest count among them is their number; else they are further children of that very node, which adds several terms at once.
    """
    first, rest = leaves[0], leaves[1:]
    masks.ask([(first, j) for j in rest])
    tree: Tree = first
    merged = 1
    levels = sorted({masks.known[first, j] for j in rest})
    groups = [[j for j in rest if masks.known[first, j] == level] for level in levels]
    masks.ask([pair for group in groups for pair in ahead(group)])
    for level, group in zip(levels, groups, strict=True):
        merged += len(group)
        tree = joined(masks, tree, group, level)
        # Below the root of the whole, leaves outside this call count too; only at the top is the number known.
        if len(leaves) == masks.k and merged != level:
            message = f"{level} summands were lost where {merged} were added up"
            raise NoTreeError(message)
    return tree


def ahead(group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Name the pairs of a group that will be asked for: all of a small one, so that few large batches take the place of many small ones."""
    return combinations(group, 2) if len(group) <= SMALL else ((group[0], j) for j in group[1:])


def joined(masks: Masks, tree: Tree, group: list[int], level: int) -> Tree:
    """Join a group of leaves to the tree so far, at a node with ``level`` leaves below it."""
    if len(group) == 1:
        return (tree, group[0])
    own = max(masks.known[group[0], j] for j in group[1:])
    subtree = build(masks, group)
    if own == len(group):
        return (tree, subtree)
    if own != level or not isinstance(subtree, tuple):
        message = f"a group of {len(group)} loses {own} summands and joins where {level} are lost"
        raise NoTreeError(message)
    return (tree, *subtree)


def exact_groups(masks: Masks) -> tuple[tuple[int, ...], ...]:
    """Find groups in which nothing but the two masks is lost: their sums are exact, and rounded between groups (E-FDPA).

    Within a group l is 2; from the first group to a later one everything before that group is lost, and the mask in it.
    """
    left = list(range(masks.k))
    groups: list[tuple[int, ...]] = []
    masks.ask([(0, j) for j in left[1:]])
    while left:
        first = left[0]
        masks.ask([(first, j) for j in left[1:]])
        group = (first, *(j for j in left[1:] if masks.known[first, j] == 2))  # noqa: PLR2004 - the two masks
        before = sum(map(len, groups))
        if groups and any(masks.known[0, j] != before + 1 for j in group):
            message = "no chain of exact groups"
            raise NoTreeError(message)
        groups.append(group)
        left = [j for j in left if j not in group]
    if len(groups[0]) < 2 or len(groups) < 2:  # noqa: PLR2004 - one summand is no sum
        message = "no groups"
        raise NoTreeError(message)
    return tuple(groups)


def leaves_of(tree: Tree) -> Iterator[int]:
    """Yield the leaves of a tree, first added first where a chain says so."""
    stack: list[Tree] = [tree]
    while stack:
        one = stack.pop()
        if isinstance(one, int):
            yield one
        else:
            stack.extend(reversed(one))


def canonical(tree: Tree) -> Tree:
    """Order the children of every node by their first leaf, so that equal trees are equal."""
    if isinstance(tree, int):
        return tree
    return tuple(sorted((canonical(child) for child in tree), key=first_leaf))


def first_leaf(tree: Tree) -> int:
    """Give the smallest leaf of a tree in canonical form."""
    while not isinstance(tree, int):
        tree = tree[0]
    return tree
