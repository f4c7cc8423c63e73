"""What an addition tree says of a unit: how many products it adds at once, in which order, and where partial sums are joined."""

from __future__ import annotations

from dataclasses import dataclass

from assay.suites.numerics.probes.tree import Order, Tree, canonical, leaves_of

FEW = 3


@dataclass(frozen=True)
class Structure:
    """A tree in the words of hardware.

    Attributes:
        kind: ``fused``: groups of products, and the sum so far, added in one rounding; ``chain``: one product at a time; ``pairs``:
            products summed two by two in a balanced tree; ``exact``: groups summed exactly, rounded between them; ``other``: none of these.
        fused: products of one group.
        groups: positions of each group of the first part, in the order of the chain.
        parts: positions of each part that is summed by itself from zero before it is joined; one part where nothing is joined.
        ways: positions of the chains that the first part is made of, where it is made of several (AMX: even and odd positions).

    """

    kind: str
    fused: int
    groups: tuple[tuple[int, ...], ...]
    parts: tuple[tuple[int, ...], ...]
    ways: tuple[tuple[int, ...], ...] = ()

    @property
    def joined(self) -> int | None:
        """Products after which a part is joined to the total; None where there is one part, or where they differ."""
        if len(self.parts) < 2:  # noqa: PLR2004 - one part joins nothing
            return None
        sizes = {len(part) for part in self.parts[:-1]}
        return sizes.pop() if len(sizes) == 1 else None


def structure_of(order: Order) -> Structure | None:
    """Read a tree; None where there is none."""
    if order.exact:
        everything = tuple(position for group in order.exact for position in group)
        return Structure("exact", max(map(len, order.exact)), order.exact, (everything,))
    if order.tree is None:
        return None
    tree = canonical(order.tree)
    parts = sorted(split(tree), key=lambda part: min(leaves_of(part)))
    positions = tuple(tuple(leaves_of(part)) for part in parts)
    inner = [split(part) if len(parts) > 1 else [part] for part in parts]
    ways = tuple(sorted(tuple(leaves_of(way)) for way in inner[0])) if len(inner[0]) > 1 else ()
    read = [read_part(min(part, key=lambda way: min(leaves_of(way)))) for part in inner]
    kind, fused, groups = read[0]
    if len(parts) > 1 and kind == "fused" and fused == 2:  # noqa: PLR2004 - two products rounded once, however they are called
        read = [("pairs", *part[1:]) if len(part[2]) == 1 else part for part in read]
        kind = read[0][0]
    # The last part may be shorter; a part that is built otherwise makes the whole something else.
    same = all(other[0] == kind and (other[1] == fused or i == len(read) - 1) for i, other in enumerate(read))
    return Structure(kind if same else "other", fused, groups, tuple(sorted(positions)), ways)


def split(tree: Tree) -> list[Tree]:
    """Cut a tree into the parts that are joined at its top: subtrees added one after the other to a total, or all at once.

    Where two subtrees meet, the smaller one is the part and the larger the total so far; a total no larger than the parts is a part itself.
    A balanced tree of pairs is one part, unless it is what parts of half its size were joined to.
    """
    parts: list[Tree] = []
    size = 0
    while not isinstance(tree, int) and not any(isinstance(child, int) for child in tree):
        count = len(list(leaves_of(tree)))
        if count <= size or (not size and balanced(tree) is not None):
            break
        ordered = sorted(tree, key=lambda child: len(list(leaves_of(child))))
        size = size or len(list(leaves_of(ordered[0])))
        parts += ordered[:-1]
        tree = ordered[-1]
    return [tree, *reversed(parts)]


def balanced(tree: Tree) -> int | None:
    """Give the number of leaves of a balanced binary tree of at least four, else None."""

    def size(one: Tree) -> int | None:
        if isinstance(one, int):
            return 1
        if len(one) != 2:  # noqa: PLR2004 - binary
            return None
        left, right = size(one[0]), size(one[1])
        return None if left is None or left != right else 2 * left

    found = size(tree)
    return found if found is not None and found > FEW else None


def read_part(part: Tree) -> tuple[str, int, tuple[tuple[int, ...], ...]]:
    """Give (kind, products of a group, groups in order) of one part."""
    pairs = balanced(part)
    if pairs is not None:
        return "pairs", pairs, (tuple(leaves_of(part)),)
    groups: list[tuple[int, ...]] = []
    while not isinstance(part, int):
        inner = [child for child in part if not isinstance(child, int)]
        groups.append(tuple(child for child in part if isinstance(child, int)))
        if not inner:
            break
        if len(inner) > 1 or not groups[-1]:
            return "other", 0, ()
        part = inner[0]
    groups.reverse()
    return group_kind(groups)


def group_kind(groups: list[tuple[int, ...]]) -> tuple[str, int, tuple[tuple[int, ...], ...]]:
    """Name a chain of groups; the first two products of a chain of single ones meet at one node."""
    sizes = [len(group) for group in groups]
    if sizes and sizes[0] == 2 and set(sizes[1:]) == {1}:  # noqa: PLR2004 - the first two
        first = groups[0]
        return "chain", 1, ((first[0],), (first[1],), *groups[1:])
    same = len(set(sizes[:-1] or sizes)) == 1 and sizes[-1] <= sizes[0]
    return ("fused" if same and sizes[0] > 1 else "other"), (sizes[0] if same else 0), tuple(groups)
