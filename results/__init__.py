"""Opinions: records, verdicts, comparisons, and their tables.

The one ``__init__`` that is not empty: ``assay.results.load(...)`` and ``assay.results.query(...)`` are what notebooks call. Both come in
lazily, so that importing any module of this room stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.results.frames import load, query

__all__ = ["load", "query"]


def __getattr__(name: str) -> Any:
    """Bring in the tables when they are asked for."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from assay.results import frames

    return getattr(frames, name)
