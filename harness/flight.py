"""Torch's flight recorder for NCCL: asked for in each rank's environment, read back after a hang (docs: "Flight Recorder", torch).

A dump is a pickle. It is read by an unpickler that knows plain values only, so that nothing in it can run.
"""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENTRIES = 2000  # collectives that are remembered
SHOWN = 3
MOST_NBYTES = 64 << 20


def recorder_env(out: Path, *, launch: int, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that make torch remember collectives and dump them into ``out`` at a timeout; the user's own win.

    Both names of each: torch renamed them from TORCH_NCCL_* to TORCH_FR_*. Torch adds the rank's number to the file's name.
    """
    prefix = str(out / "flight" / f"{launch:03d}-rank")
    wanted = {
        "TORCH_FR_BUFFER_SIZE": str(ENTRIES),
        "TORCH_NCCL_TRACE_BUFFER_SIZE": str(ENTRIES),
        "TORCH_NCCL_DUMP_ON_TIMEOUT": "1",
        "TORCH_FR_DUMP_TEMP_FILE": prefix,
        "TORCH_NCCL_DEBUG_INFO_TEMP_FILE": prefix,
    }
    return {name: value for name, value in wanted.items() if name not in environ or name.endswith("TEMP_FILE")}


class PlainUnpickler(pickle.Unpickler):
    """Reads numbers, text, lists and mappings, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse whatever could run."""
        message = f"it names {module}.{name}, and a dump holds plain values only"
        raise pickle.UnpicklingError(message)


def dumps_of(out: Path, *, launch: int) -> dict[str, str]:
    """Say for each rank of a launch that dumped what its last collectives were; empty where nothing was dumped."""
    found = {}
    for path in sorted((out / "flight").glob(f"{launch:03d}-rank*")):
        number = re.search(r"(\d+)$", path.name)
        if number:
            found[f"flight recorder of rank {int(number.group(1))}"] = told(path)
    return found


def told(path: Path) -> str:
    """Tell one dump in a few lines: collectives that are not done first, then the last that are."""
    try:
        raw = path.read_bytes()[: MOST_NBYTES + 1]
        if len(raw) > MOST_NBYTES:
            return f"{path.name} is larger than {MOST_NBYTES >> 20} MiB and was not read"
        dump = PlainUnpickler(io.BytesIO(raw)).load()
        entries = [entry for entry in dump["entries"] if isinstance(entry, dict)]
    except Exception as error:  # noqa: BLE001 - a pickle cut short or made by others may raise anything
        return f"{path.name} cannot be read: {type(error).__name__}: {error}"
    waiting = [entry for entry in entries if entry.get("state") != "completed"]
    done = [entry for entry in entries if entry.get("state") == "completed"]
    lines = [line(entry) for entry in (*waiting[:SHOWN], *done[-1:])]
    return "\n".join([f"{len(entries)} collectives remembered, {len(waiting)} not done", *lines])


def line(entry: Mapping[str, Any]) -> str:
    """Tell one collective: number, name, state, sizes."""
    number = entry.get("collective_seq_id", entry.get("record_id", "?"))
    return f"#{number} {entry.get('profiling_name', '?')} {entry.get('state', '?')}, input {entry.get('input_sizes', '?')}"
