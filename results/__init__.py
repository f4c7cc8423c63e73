"""The judging half. Its scripting interface is here, loaded only when used: ``load`` and ``query``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.results.frames import load, query

__all__ = ["load", "query"]


def __getattr__(name: str) -> Any:
    """Import pandas and DuckDB only for those who ask."""
    if name in __all__:
        from assay.results import frames

        return getattr(frames, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
