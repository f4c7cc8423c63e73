"""One line about a run: what its ``run.json`` says, and whether whoever made it still lives. Standard library only."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ID = re.compile(r"\d{8}-\d{6}-\d{3}-[0-9a-f]{6}")
STATUSES = {"queued", "running", "finished", "interrupted", "failed"}
TEXTS = ("status", "started", "ended", "plan", "session", "assay", "hw_class", "sw_class", "host", "store_clock", "after")


@dataclass(frozen=True)
class RunInfo:
    """What a listing knows of a run.

    Attributes:
        id: of the run.
        status: ``queued`` at a scheduler,
            ``running``, ``finished``, ``interrupted``, ``failed``; ``incomplete`` where the door that ran it is dead; ``unreadable``
            where ``run.json`` is missing or broken.
        started: UTC, ISO 8601, or empty.
        ended: the same.
        plan: name of the plan.
        session: shared by runs that were started together.
        order: place in the session.
        command: how it was started.
        assay: version.
        nranks: ranks.
        exit_code: of the run, or None.
        summary: planned, measured, failed, skipped, not_applicable, verdict; empty before the end.
        hw_class: hash of the hardware.
        sw_class: hash of the software.
        host: where it ran.
        inject: whether a fault was planted.
        store_clock: time of the file system it was written to when it began; empty in older runs.
        after: newest run (by id) that was there when it was made; empty in older runs.
        clocks: time on each host when the ranks of its last launch met; empty in older runs.
        problem: why it is unreadable.

    """

    id: str
    status: str = "unreadable"
    started: str = ""
    ended: str = ""
    plan: str = ""
    session: str = ""
    order: int = 0
    command: tuple[str, ...] = ()
    assay: str = ""
    nranks: int = 0
    exit_code: int | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    hw_class: str = ""
    sw_class: str = ""
    host: str = ""
    inject: bool = False
    store_clock: str = ""
    after: str = ""
    clocks: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain JSON types."""
        return asdict(self) | {"command": list(self.command)}

    def line(self) -> str:
        """Say in a few words what a listing shows beside id and status; characters that could drive a terminal are shown, not sent."""
        said = [self.plan or "(no plan name)", f"{self.nranks} ranks", self.host] if not self.problem else [self.problem]
        if self.summary:
            said.append("{measured} of {planned} measured".format_map({"measured": "?", "planned": "?"} | dict(self.summary)))
            said.append(str(self.summary.get("verdict", "")))
        if self.exit_code is not None:
            said.append(f"exit {self.exit_code}")
        if self.inject:
            said.append("FAULTS PLANTED")
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in "  ".join(part for part in said if part))


def read_info(path: Path) -> RunInfo:
    """Read one run's ``run.json``; never raises, what cannot be read is ``unreadable`` with the problem."""
    try:
        data = json.loads((path / "run.json").read_bytes())
        if not isinstance(data, dict) or data.get("status") not in list(STATUSES):
            return RunInfo(path.name, problem="run.json is no run")
    except FileNotFoundError:
        return RunInfo(path.name, problem="run.json is missing")
    except (OSError, ValueError, RecursionError) as error:
        return RunInfo(path.name, problem=f"run.json cannot be read: {error}")
    told: dict[str, Any] = {name: data[name] for name in TEXTS if isinstance(data.get(name), str)}
    told |= {name: data[name] for name in ("order", "nranks", "exit_code") if type(data.get(name)) is int}
    if isinstance(data.get("command"), list):
        told["command"] = tuple(map(str, data["command"]))
    if isinstance(data.get("summary"), dict):
        told["summary"] = data["summary"]
    if isinstance(data.get("clocks"), dict):
        told["clocks"] = {str(host): str(at) for host, at in data["clocks"].items()}
    if told["status"] == "running" and not is_held(path / "door.lock"):
        told["status"] = "incomplete"
    return RunInfo(path.name, inject=bool(data.get("inject")), **told)


def is_held(lock: Path) -> bool:
    """Tell whether a living door holds a run's lock; where locks cannot be asked (another error than "held"), assume that it lives."""
    try:
        number = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(number)
