"""The file that a command of a gate wrote, as runs."""

from __future__ import annotations

from pathlib import Path

from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir
from assay.results.store import Store


def read_output(path: Path, store: Store) -> list[RunDir]:
    """Import what a command wrote; RefusalError for a file of no known format."""
    message = f"{path}: files of other tools cannot be read yet"
    raise RefusalError(message, value=str(store.root), fix="Let the command write runs into $ASSAY_STORE (pytest --assay).")
