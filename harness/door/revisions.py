"""Revisions of the user's own package, each installed into an environment of its own beside the packages that are here already."""

from __future__ import annotations

import os
import shlex
import site
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assay.harness.door.console import tell
from assay.harness.door.sides import Side, beside
from assay.harness.errors import RefusalError

TREE = "."
TAIL = 15


def git(folder: Path, *words: str, where: str) -> str:
    """Ask git; RefusalError with its own words where it cannot answer."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)  # noqa: S603, S607 - git itself
    except OSError as error:
        message = f"git cannot be started: {error}"
        raise RefusalError(message, where=where, fix="Install git, or use --base-env and --head-env.") from error
    if done.returncode:
        message = f"git says: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"
        raise RefusalError(message, value=words[-1], where=where, fix="Name a branch, a tag or a commit of the repository you stand in.")
    return done.stdout.strip()


def install(side: Side, ref: str, work: Path, *, by: str | None) -> Side:
    """Check a revision out, make its environment, install it there; gives the side that runs in it.

    Args:
        side: what is known of it already (command, overrides).
        ref: a revision, or ``.`` for the tree as it stands, uncommitted changes included.
        work: an empty folder for both.
        by: the command that installs, with ``{python}`` and ``{tree}``; None for pip.

    RefusalError for a revision that does not exist or cannot be installed.

    """
    where = f"--{side.name}"
    top = Path(git(Path.cwd(), "rev-parse", "--show-toplevel", where=where))
    commit = git(top, "rev-parse", "--verify", "HEAD" if ref == TREE else f"{ref}^{{commit}}", where=where)
    tree = work / "tree"
    if ref == TREE:
        commit += "+changes" if git(top, "status", "--porcelain", where=where) else ""
        tree = top
    else:
        work.mkdir(parents=True, exist_ok=True)
        git(top, "worktree", "add", "--detach", "--force", str(tree), commit, where=where)
    python = environment(work / "env")
    tell(f"{side.name}: installing {ref} ({commit[:10]})")
    put(python, tree, by=by, where=where, value=ref)
    inside = Path.cwd().relative_to(top) if Path.cwd().is_relative_to(top) else Path()
    folder = tree / inside if (tree / inside).is_dir() else tree
    return replace(side, label=ref, commit=commit, python=python, environ={**side.environ, **beside(python)}, folder=folder)


def environment(folder: Path) -> str:
    """Make an environment that sees what is installed here, editable installations too, and lets its own packages go first."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)  # noqa: S603 - our own interpreter
    python = folder / "bin" / "python"
    purelib = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    here = [path for path in (*site.getsitepackages(), site.getusersitepackages()) if Path(path).is_dir()]
    # A plain path in a .pth file would leave out the .pth files of that folder, and with them what is installed editable.
    lines = [f"import site; site.addsitedir({path!r})" for path in here]
    Path(purelib, "assay_gate.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(python)


def put(python: str, tree: Path, *, by: str | None, where: str, value: str) -> None:
    """Install a tree; pip tries with the build tools that are here, then with its own (which wants a network)."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
    attempts = [[*pip, "--no-build-isolation", str(tree)], [*pip, str(tree)]]
    if by is not None:
        attempts = [[word.replace("{python}", python).replace("{tree}", str(tree)) for word in shlex.split(by)]]
    said = ""
    for attempt in attempts:
        done = subprocess.run(attempt, capture_output=True, text=True, check=False, env=outside(python))  # noqa: S603 - pip, or what the user said
        if done.returncode == 0:
            return
        said = said or "\n".join((done.stdout + done.stderr).strip().splitlines()[-TAIL:])
    message = f"cannot be installed:\n{said}\n"
    raise RefusalError(message, value=value, where=where, fix="Say --install 'COMMAND {python} {tree}', or use environments (--base-env).")


def outside(python: str) -> dict[str, str]:
    """Give the variables for an installer: those of here, with the environment's programs first."""
    return dict(os.environ) | beside(python)


def remove(sides: Sequence[str], work: Path) -> None:
    """Take the checkouts away again."""
    for name in sides:
        tree = work / name / "tree"
        if tree.is_dir():
            git(tree, "worktree", "remove", "--force", str(tree), where=f"--{name}")
