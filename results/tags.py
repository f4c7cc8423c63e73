"""Names for runs, kept as one small file each: a tag protects its runs from pruning. Standard library only."""

from __future__ import annotations

import getpass
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import write_atomic
from assay.results.units import plain

# A tag begins with a letter, so it can be neither an id nor the start of one.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]{0,99}")
NAMED = 8
RESERVED = re.compile(r"latest(?:~.*)?")


@dataclass(frozen=True)
class Tag:
    """A name for some runs.

    Attributes:
        name: the name.
        runs: ids of the runs.
        who: gave it.
        when: UTC, ISO 8601.
        nodes: hosts that the runs were measured on; empty in tags of before it was written down.
        excluded: what was kept out of the set on purpose (a node, or a glob over cases), with the reason.
        left_out: cases that a run of it holds no figure of, by key, with the reason.
        problem: why a damaged one names no run.

    """

    name: str
    runs: tuple[str, ...]
    who: str = ""
    when: str = ""
    nodes: tuple[str, ...] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain JSON types."""
        return {key: value for key, value in asdict(self).items() if key != "problem" or value}

    def lines(self) -> list[str]:
        """Say it: runs, nodes, who and when; then what was excluded, and what is missing."""
        count = f"{len(self.nodes)} node{'s' * (len(self.nodes) != 1)}"
        shown = ", ".join(self.nodes[:NAMED]) + (f" and {len(self.nodes) - NAMED} more" if len(self.nodes) > NAMED else "")
        nodes = f"{count}: {shown}; " if self.nodes else ""
        said = [f"{self.name}: {', '.join(self.runs) or self.problem} ({nodes}{self.who}, {self.when})"]
        said += [f"  excluded {what}: {why}" for what, why in self.excluded.items()]
        said += [f"  no figure of {key}: {why}" for key, why in list(self.left_out.items())[:NAMED]]
        more = len(self.left_out) - NAMED
        said += [f"  and {more} more cases without a figure (--json has all)"] if more > 0 else []
        return [plain(line) for line in said]


def check_name(name: str) -> None:
    """Refuse a name that could be taken for something else, or that could leave the folder of tags."""
    if not NAME.fullmatch(name) or RESERVED.fullmatch(name):
        message = "cannot be a tag: it must begin with a letter, hold only letters, digits and . _ + -, and not be latest"
        raise RefusalError(message, value=name, where="NAME", fix="Choose a name such as golden-2026-11.")


def write_tag(folder: Path, runs: Sequence[str], name: str, *, force: bool = False, **made_of: Any) -> Tag:
    """Give some runs a name (``made_of``: nodes, excluded, left_out of the tag).

    RefusalError for a bad or taken name (``force`` moves it), StoreError where the store cannot be written.
    """
    check_name(name)
    if not runs:
        message = "a tag needs at least one run"
        raise RefusalError(message, value=name, where="NAME", fix="Say assay tag RUN NAME.")
    tag = Tag(name, tuple(dict.fromkeys(runs)), user(), datetime.now(UTC).isoformat(timespec="milliseconds"), **made_of)
    text = json.dumps(tag.as_dict()) + "\n"
    path = folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not force:
            # Taking the name is one step that only one of two writers can do; the text then replaces the empty file.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        message = f"is taken: it names {', '.join(read_tag(path).runs) or 'nothing readable'}"
        raise RefusalError(message, value=name, where="NAME", fix="Choose another name, or move it with --force.") from None
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}. Make room or choose another store (store.url=DIR)"
        raise StoreError(message) from error
    write_atomic(path, text)
    return tag


def read_tags(folder: Path) -> list[Tag]:
    """List every tag by name; a damaged one is listed with its problem and names no run."""
    return [read_tag(path) for path in sorted(folder.glob("[A-Za-z]*.json"))]


def read_tag(path: Path) -> Tag:
    """Read one tag; never raises."""
    try:
        data = json.loads(path.read_bytes())
        runs = data["runs"]
        if not isinstance(runs, list) or not all(isinstance(run, str) for run in runs):
            return Tag(path.stem, (), problem="holds no list of runs")
        nodes, *reasons = (data.get("nodes") or [], *(data.get(name) or {} for name in ("excluded", "left_out")))
        excluded, left_out = ({str(key): str(why) for key, why in one.items()} for one in reasons)
        return Tag(path.stem, tuple(runs), str(data.get("who", "")), str(data.get("when", "")), tuple(map(str, nodes)), excluded, left_out)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Tag(path.stem, (), problem=f"cannot be read: {error}")


def user() -> str:
    """Name whoever runs this; empty where the system has no name for them (a container)."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
