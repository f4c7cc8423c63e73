"""What a user may call a run: its id, the start of its id, a tag, ``latest``, ``latest~1``. Standard library only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from assay.harness.errors import RefusalError

LATEST = re.compile(r"latest(?:~(\d{1,9}))?")
HOW = "assay runs lists them; a run is an id, the start of one, a tag, latest or latest~1"
SHOWN = 5


def resolve_name(name: str, ids: Sequence[str], tags: Mapping[str, Sequence[str]]) -> list[str]:
    """Give the ids that one name means; ids are given oldest first.

    ``latest`` is the newest run whatever its status, ``latest~1`` the one before it. RefusalError for a name that means nothing (with what
    it may have meant), that means several runs by accident, or a tag whose run is gone.
    """
    if name in ids:
        return [name]
    if found := LATEST.fullmatch(name):
        return [counted_back(name, int(found.group(1) or 0), ids)]
    if name in tags:
        return tagged(name, tags[name], ids)
    starts = [run for run in ids if name and run.startswith(name)]
    if len(starts) == 1:
        return starts
    if starts:
        shown = ", ".join(starts[:SHOWN]) + (f" and {len(starts) - SHOWN} more" if len(starts) > SHOWN else "")
        message = f"means {len(starts)} runs: {shown}"
        raise RefusalError(message, value=name, where="RUN", fix="Write more of the id.")
    close = difflib.get_close_matches(name, [*tags, *ids, "latest"], n=3, cutoff=0.6)
    message = "no such run" + (f"; did you mean {' or '.join(close)}?" if close else "")
    raise RefusalError(message, value=name, where="RUN", fix=f"{HOW}.")


def counted_back(name: str, back: int, ids: Sequence[str]) -> str:
    """Give the id of the run ``back`` before the newest."""
    if back >= len(ids):
        message = f"there are only {len(ids)} runs in this store" if ids else "there are no runs in this store"
        raise RefusalError(
            message, value=name, where="RUN", fix="Measure one (assay run plan=smoke), or choose another store (ASSAY_STORE)."
        )
    return ids[-1 - back]


def tagged(name: str, runs: Sequence[str], ids: Sequence[str]) -> list[str]:
    """Give the ids behind a tag; RefusalError if one of them is gone."""
    gone = [run for run in runs if run not in ids]
    if gone:
        message = f"tag {name} names runs that are not in this store: {', '.join(gone)}"
        raise RefusalError(message, value=name, where="RUN", fix=f"Set it anew (assay tag RUN {name} --force), or bring them back.")
    return list(runs)
