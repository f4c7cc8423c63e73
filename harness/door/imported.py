"""The file that a command of a gate wrote, as runs."""

from __future__ import annotations

from pathlib import Path

from assay.harness.rundir import RunDir
from assay.results.store import Store


def read_output(path: Path, store: Store) -> list[RunDir]:
    """Import what a command wrote; RefusalError for a file of no known format."""
    from assay.results.exchange.importing import bring_in

    return [bring_in(path, store)]
