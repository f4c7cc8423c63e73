"""Raising, breaking, mending and taking down a lab, and what is remembered of it between two commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.harness.errors import AssayError, RefusalError
from assay.harness.lab import commands
from assay.harness.lab.fault import Fault, checked, read_fault
from assay.harness.lab.plan import Lab, prefix

SECONDS = 30  # more than any of these commands takes
# What mpiexec calls in place of ssh: AGENT [-x] HOST COMMAND...; each process gets the node's network and its name.
AGENT = """\
#!/bin/sh
[ "$1" = -x ] && shift
host=$1
shift
exec ip netns exec "{prefix}$host" unshare --uts sh -c 'hostname "$1"; shift; eval "exec $*"' agent "$host" "$@"
"""


@dataclass(frozen=True)
class Kept:
    """A lab as it is remembered: its plan, its faults, and the agent that starts processes on its nodes."""

    lab: Lab
    faults: tuple[Fault, ...]
    agent: Path


def folder(environ: Mapping[str, str]) -> Path:
    """Give the folder in which a user's lab is remembered."""
    base = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".local" / "state"
    return Path(base) / "assay" / "lab" / environ.get("ASSAY_LAB", "")


def able(environ: Mapping[str, str]) -> None:
    """Refuse where no lab can be raised, with what is missing."""
    absent = [name for name in ("ip", "tc", "unshare") if not shutil.which(name, path=reaching(environ)["PATH"])]
    if absent:
        message = f"a lab needs {', '.join(absent)}, which is not on PATH"
        raise RefusalError(message, where="assay lab", fix="Install iproute2 and util-linux.")
    if os.geteuid() != 0:
        message = "only root can make network namespaces that outlive one command"
        raise RefusalError(message, where="assay lab", fix="Run it as root.")


def reaching(environ: Mapping[str, str]) -> dict[str, str]:
    """Give an environment in which the commands of administrators are found too."""
    return {**environ, "PATH": f"{environ.get('PATH', '')}:/usr/sbin:/sbin"}


def run(many: Iterable[commands.Command], environ: Mapping[str, str]) -> None:
    """Run commands one after the other; AssayError with the command and its words if one fails."""
    for command in many:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=reaching(environ))  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"{' '.join(command)}: {error}"
            raise AssayError(message) from error
        if done.returncode:
            message = f"{' '.join(command)}: {done.stderr.strip() or done.returncode}"
            raise AssayError(message)


def asked(command: commands.Command, environ: Mapping[str, str]) -> str:
    """Give what a command prints; nothing if it fails."""
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=reaching(environ)).stdout  # noqa: S603


def there(prefix: str, environ: Mapping[str, str]) -> list[str]:
    """List the namespaces of a user's lab, whatever became of it."""
    lines = asked(("ip", "netns", "list"), environ).splitlines()
    return [words[0] for line in lines if (words := line.split()) and words[0].startswith(prefix)]


def up(lab: Lab, environ: Mapping[str, str]) -> Kept:
    """Raise a lab; what an earlier one of this user left, crashed or not, goes first. A lab that cannot be raised leaves nothing."""
    able(environ)
    down(environ)
    place = folder(environ)
    place.mkdir(parents=True, exist_ok=True)
    agent = place / "agent"
    agent.write_text(AGENT.format(prefix=lab.prefix))
    agent.chmod(0o755)
    try:
        run(commands.raised(lab), environ)
    except AssayError:
        down(environ)
        raise
    kept = Kept(lab, (), agent)
    write(kept, environ)
    return kept


def write(kept: Kept, environ: Mapping[str, str]) -> None:
    """Remember a lab."""
    said = {"lab": kept.lab.as_dict(), "faults": [fault.as_dict() for fault in kept.faults]}
    (folder(environ) / "lab.json").write_text(json.dumps(said, indent=1) + "\n")


def standing(environ: Mapping[str, str]) -> Kept:
    """Give the lab that stands; RefusalError where none does, or only pieces of one."""
    place = folder(environ)
    try:
        said: dict[str, Any] = json.loads((place / "lab.json").read_text())
        kept = Kept(Lab(**said["lab"]), tuple(map(read_fault, said["faults"])), place / "agent")
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = "no lab stands here"
        raise RefusalError(message, where="assay lab", fix="Raise one: assay lab up --nodes 4 --planes 2 --rate 400mbit.") from error
    gone = sorted(set(kept.lab.namespaces()) - set(there(kept.lab.prefix, environ)))
    if gone:
        message = f"of the lab that is remembered {len(gone)} namespaces are gone ({gone[0]}...)"
        raise RefusalError(message, where="assay lab", fix="assay lab up raises it anew, assay lab down clears the rest away.")
    return kept


def plant(fault: Fault, environ: Mapping[str, str]) -> Kept:
    """Break something in the lab that stands; one fault a node and plane, an earlier one there is mended first."""
    kept = standing(environ)
    checked(kept.lab, fault)
    before = [one for one in kept.faults if (one.node, one.plane) == (fault.node, fault.plane)]
    for one in before:
        run(commands.mended(kept.lab, one), environ)
    try:
        run(commands.broken(kept.lab, fault), environ)
    except AssayError as error:
        if fault.kind != "loss" or "unknown" not in str(error):
            raise
        message = "this kernel has no netem, which is what loses packets"
        raise RefusalError(message, where="--loss", fix="Plant another fault, or load the module sch_netem.") from error
    after = Kept(kept.lab, (*(one for one in kept.faults if one not in before), fault), kept.agent)
    write(after, environ)
    return after


def heal(environ: Mapping[str, str]) -> Kept:
    """Mend everything, the last fault first."""
    kept = standing(environ)
    for fault in reversed(kept.faults):
        run(commands.mended(kept.lab, fault), environ)
    whole = Kept(kept.lab, (), kept.agent)
    write(whole, environ)
    return whole


def down(environ: Mapping[str, str]) -> int:
    """Take down whatever there is of this user's lab, processes on its nodes too; returns how many namespaces there were."""
    able(environ)
    spaces = there(prefix(os.geteuid(), environ.get("ASSAY_LAB", "")), environ)
    for space in spaces:
        for pid in asked(("ip", "netns", "pids", space), environ).split():
            end(int(pid))
    run(commands.lowered(spaces), environ)
    (folder(environ) / "lab.json").unlink(missing_ok=True)
    return len(spaces)


def end(pid: int) -> None:
    """Kill a process that lives in the lab; one that is gone already is no matter."""
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return
