"""The files of one run: who writes which, how they survive a cut at any byte, how they are read back.

A run directory holds::

    run.json            id, status, times, plan name, versions (rewritten whole: temporary name, sync, rename)
    config.yaml         the composed configuration
    plan.json           the plan, replayable by hand
    facts.json          the machine
    measurements/NNN-ranks.jsonl   written by rank 0 of launch NNN: a header line, one line a case, a footer line
    measurements/NNN-door.jsonl    written by the door after launch NNN: cases that could not speak for themselves
    records.jsonl verdicts.json    derived by the judging half; may be made again
    beats/ stacks/ faults/ deaths/ logs/    last words of the ranks

Two writers never share a file. A line is written at once, flushed and synced; a torn last line is not a case.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.measurement import Measurement

SCHEMA = 1


def write_atomic(path: Path, text: str) -> None:
    """Write a whole file under a temporary name, sync it, rename it, sync its folder."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> StoreError:
    """Say in one line what cannot be written, why, and the way out."""
    return StoreError(f"cannot write {path}: {error.strerror}. Make room or choose another store (store.url=DIR)")


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in ``folder`` survive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def dumps(data: object) -> str:
    """Write one JSON value on one line; NaN and infinities become strings, since JSON has none."""
    return json.dumps(finite(data), separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def finite(data: object) -> object:
    """Replace non-finite floats by their names (``"nan"``, ``"inf"``, ``"-inf"``), all the way down."""
    if isinstance(data, float) and not math.isfinite(data):
        return str(data)
    if isinstance(data, Mapping):
        return {str(k): finite(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite(v) for v in data]
    return data


class LineWriter:
    """Appends JSON lines to a file of its own: header first, footer last, each line synced before it counts."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """Create ``path`` (which must not exist) and write the header line; StoreError if it cannot be made."""
        self.path, self.count = path, 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = path.open("x", encoding="utf-8")
        except OSError as error:
            raise unwritable(path, error) from error
        self.line({"kind": "header", "schema": SCHEMA, **header})
        sync_folder(path.parent)

    def line(self, data: Mapping[str, Any]) -> None:
        """Append one line and sync it."""
        try:
            self.file.write(dumps(data) + "\n")
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as error:
            raise unwritable(self.path, error) from error

    def measurement(self, measurement: Measurement) -> None:
        """Append one case."""
        self.line({"kind": "case", **measurement.as_dict()})
        self.count += 1

    def close(self) -> None:
        """Write the footer: from here on the file says that it is whole."""
        self.line({"kind": "footer", "cases": self.count})
        self.file.close()


@dataclass(frozen=True)
class Lines:
    """What could be read of measurements files: cases, whether all is whole, what was wrong, and earlier attempts at a case by its key."""

    measurements: tuple[Measurement, ...]
    complete: bool
    problems: tuple[str, ...] = ()
    earlier: Mapping[str, tuple[Measurement, ...]] = field(default_factory=dict)


# What a line that no rank of ours wrote whole may raise when it is read.
BAD_LINE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, StoreError)


def read_line(line: bytes) -> Measurement | int | None:
    """Read one line: a case, the number of cases that a footer counts, None for any other; one of ``BAD_LINE`` if it is broken."""
    data = json.loads(line)
    if data["kind"] == "case":
        return Measurement.from_dict(data)
    return int(data["cases"]) if data["kind"] == "footer" else None


def read_lines(path: Path) -> Lines:
    """Read one measurements file as far as it goes; bad lines are named and passed over, never fatal."""
    found, problems, complete = [], [], False
    raw = path.read_bytes().split(b"\n")
    for number, line in enumerate(raw[:-1], start=1):
        try:
            read = read_line(line)
            if isinstance(read, Measurement):
                found.append(read)
            elif read is not None:
                complete = read == len(found)
                if not complete:
                    problems.append(f"{path.name}: footer counts {read} cases, {len(found)} were readable")
        except BAD_LINE as error:
            problems.append(f"{path.name} line {number}: {error}")
    if raw[-1]:
        problems.append(f"{path.name}: the last line is cut after {len(raw[-1])} bytes")
    return Lines(tuple(found), complete, tuple(problems))


@dataclass(frozen=True)
class RunDir:
    """One run's directory."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id, which is the folder's name."""
        return self.path.name

    def read_json(self, name: str) -> Any:
        """Read one whole JSON file; StoreError names it when it is missing or broken."""
        path = self.path / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            message = f"cannot read {path}: {error}"
            raise StoreError(message) from error

    def write_json(self, name: str, data: object) -> None:
        """Write one whole JSON file."""
        write_atomic(self.path / name, json.dumps(finite(data), indent=1, allow_nan=False) + "\n")

    def config(self) -> dict[str, Any]:
        """Read the composed configuration that the run was made with; StoreError if it is missing or broken."""
        import yaml  # only readers of a whole run need it

        path = self.path / "config.yaml"
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            message = f"cannot read {path}: {' '.join(str(error).split())}"
            raise StoreError(message) from error
        if not isinstance(data, dict) or not all(isinstance(data.get(part), dict) for part in ("site", "launch", "rules")):
            message = f"{path} holds no composed configuration (site, launch and rules)"
            raise StoreError(message)
        return data

    def measurement_files(self) -> list[Path]:
        """Name the measurement files in the order of their launches."""
        # Within a launch what the ranks wrote comes before what the door wrote about them: the first line of a case is kept.
        files = (self.path / "measurements").glob("*.jsonl")
        return sorted(files, key=lambda path: (len(path.name.partition("-")[0]), path.name.replace("-door", "-z")))

    def measurements(self) -> Lines:
        """Read every case of every launch: its last attempt, the ones before it apart.

        A case that was measured twice by mistake is named as a problem.
        """
        parts = [read_lines(path) for path in self.measurement_files()]
        attempts: dict[str, dict[int, Measurement]] = {}
        problems = [p for part in parts for p in part.problems]
        for measurement in (m for part in parts for m in part.measurements):
            made = attempts.setdefault(measurement.case.key, {})
            if measurement.attempt in made:
                problems.append(f"{measurement.case.key} was measured twice; the first is kept")
            made.setdefault(measurement.attempt, measurement)
        ordered = {key: [made[number] for number in sorted(made)] for key, made in attempts.items()}
        earlier = {key: tuple(found[:-1]) for key, found in ordered.items() if len(found) > 1}
        complete = bool(parts) and all(part.complete for part in parts)
        return Lines(tuple(found[-1] for found in ordered.values()), complete, tuple(problems), earlier)

    def ranks(self) -> list[dict[str, Any]]:
        """Read where each rank of the last launch that came up sat, and on which device; empty if none did."""
        for path in reversed([path for path in self.measurement_files() if not path.stem.endswith("-door")]):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):  # a header cut short
                with path.open("rb") as file:
                    ranks = json.loads(file.readline())["ranks"]
                if isinstance(ranks, list) and all(isinstance(rank, dict) for rank in ranks):
                    return ranks
        return []

    def next_launch(self) -> int:
        """Number of the next launch: one more than the highest on disk."""
        numbers = [path.name.partition("-")[0] for path in self.measurement_files()]
        return max((int(number) for number in numbers if number.isdecimal()), default=-1) + 1
