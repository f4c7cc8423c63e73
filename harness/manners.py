"""Good manners on a machine that is not ours alone: who else is at work here, and what that means for measuring."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.errors import RefusalError

SHOWN = 3


def admit(neighbours: Sequence[str], *, share: bool) -> tuple[str, ...]:
    """Decide about others at work on what is to be measured: none, and nothing is said; some, and it is refused unless shared on purpose.

    Args:
        neighbours: each in words, such as ``job 7 of alice (train) on n3``.
        share: whether the user knows and wants to measure all the same.

    Returns:
        marks for every number that is measured beside them.

    """
    if not neighbours:
        return ()
    told = ", ".join(neighbours[:SHOWN]) + (f" and {len(neighbours) - SHOWN} more" if len(neighbours) > SHOWN else "")
    if not share:
        message = f"others are at work on this run's machines: {told}"
        fix = "Ask for nodes and devices of your own, wait, or say --share: then every number is marked."
        raise RefusalError(message, where="manners", fix=fix)
    return (f"shared with {told}",)
