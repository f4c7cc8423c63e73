"""What the two sides of a gate are: revisions, environments, commands or overrides, and how one turn of each is started."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.harness.errors import RefusalError

OUTPUT = "{output}"
SIDES = ("base", "head")


@dataclass(frozen=True)
class Side:
    """One side of a gate.

    Attributes:
        name: ``base`` or ``head``.
        label: what the user called it.
        python: the interpreter of its environment.
        command: what a turn runs; empty for ``assay run``. ``{output}`` stands for a file that is read afterwards.
        overrides: configuration of this side only.
        environ: variables of this side only.
        folder: where its turns start.
        commit: of its revision; empty where there is none.

    """

    name: str
    label: str
    python: str = sys.executable
    command: Sequence[str] = ()
    overrides: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    commit: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give what is stored of a side."""
        return {
            "label": self.label,
            "commit": self.commit,
            "python": self.python,
            "command": list(self.command),
            "overrides": list(self.overrides),
        }


def check_sides(ns: Namespace, command: Sequence[str]) -> None:
    """Refuse sides that cannot be: half a pair, two kinds of command, nothing that differs."""
    for kind in ("env", "cmd"):
        given = [name for name in SIDES if getattr(ns, f"{name}_{kind}")]
        if len(given) == 1:
            message = "both sides need one"
            other = SIDES[1 - SIDES.index(given[0])]
            raise RefusalError(
                message, value=getattr(ns, f"{given[0]}_{kind}"), where=f"--{given[0]}-{kind}", fix=f"Say --{other}-{kind} too."
            )
    if ns.head and not ns.base:
        message = "a head needs a base"
        raise RefusalError(message, value=ns.head, where="--head", fix="Say --base main, for example.")
    if command and ns.base_cmd:
        message = "is there twice: after -- and as --base-cmd"
        raise RefusalError(message, value=shlex.join(command), where="COMMAND", fix="Leave one out.")
    if ns.base_env and ns.base:
        message = "is an environment already, so no revision is installed"
        raise RefusalError(message, value=ns.base_env, where="--base-env", fix="Leave --base and --head out, or the environments.")
    if (command or ns.base_cmd) and (ns.overrides or ns.base_override or ns.head_override):
        message = "configures assay run, but this gate runs a command of its own"
        named = (ns.overrides or ns.base_override or ns.head_override)[0]
        raise RefusalError(message, value=named, where="OVERRIDE", fix="Leave it out, or put it into the command.")
    if not (ns.base or ns.base_env or ns.base_cmd or ns.base_override or ns.head_override):
        message = "nothing differs between the two sides"
        fix = "Say --base REF, --base-env and --head-env, --base-cmd and --head-cmd, or --head-override; assay noise measures A against A."
        raise RefusalError(message, where="assay gate", fix=fix)


def from_environments(ns: Namespace, command: Sequence[str]) -> tuple[Side, Side]:
    """Make sides of environments, commands and overrides, whichever are given."""
    made = []
    for name in SIDES:
        env, cmd = getattr(ns, f"{name}_env"), getattr(ns, f"{name}_cmd")
        python = interpreter(env, where=f"--{name}-env") if env else sys.executable
        own = shlex.split(cmd) if cmd else list(command)
        overrides = getattr(ns, f"{name}_override")
        label = " ".join(str(part) for part in (env, cmd, *overrides) if part) or "as it is"
        made.append(Side(name, label, python, with_output(own), overrides, beside(python) if env else {}))
    return made[0], made[1]


def interpreter(env: str, *, where: str) -> str:
    """Find the Python of an environment (a folder, or the interpreter itself); RefusalError if there is none."""
    path = Path(env).expanduser().absolute()
    for found in (path / "bin" / "python", path):
        if found.is_file() and os.access(found, os.X_OK):
            return str(found)
    message = "holds no Python"
    raise RefusalError(message, value=env, where=where, fix="Give the folder of a virtual environment, or its bin/python.")


def beside(python: str) -> dict[str, str]:
    """Give the variables under which programs of this interpreter's environment are found first, as activating it would."""
    folder = str(Path(python).parent)
    return {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}", "VIRTUAL_ENV": str(Path(python).parent.parent)}


def with_output(command: Sequence[str]) -> list[str]:
    """Let pytest write its benchmarks to a file that is read afterwards, unless the command says itself where its results go."""
    words = list(command)
    names = [Path(word).name for word in words[:3]]
    if not any(name in {"pytest", "py.test"} for name in names):
        return words
    told = any(OUTPUT in word or word.startswith(("--assay", "--benchmark-json")) for word in words)
    return words if told else [*words, f"--benchmark-json={OUTPUT}"]


def program(side: Side) -> str:
    """Find the program of a side's command in its environment; RefusalError if it is not there."""
    name = side.command[0]
    found = shutil.which(name, path=side.environ.get("PATH") or os.environ.get("PATH"))
    if found is None:
        message = "there is no such program"
        raise RefusalError(message, value=name, where=f"command of {side.name}", fix="Install it there, or give its path.")
    return found
