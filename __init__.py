"""Assay: the harness that proves AI hardware before people trust it.

``assay.measure(fn, check=...)`` measures a callable in a script; ``assay.recording()`` puts several into one stored run. Both come in
lazily, so that importing any part of Assay stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.harness.door.script import measure, recording
    from assay.harness.work import Answer, Volume

__all__ = ["Answer", "Volume", "measure", "recording"]


def __getattr__(name: str) -> Any:
    """Bring in what scripts call when it is asked for."""
    if name in ("measure", "recording"):
        from assay.harness.door import script as source
    elif name in ("Answer", "Volume"):
        from assay.harness import work as source  # type: ignore[no-redef]
    else:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(source, name)
