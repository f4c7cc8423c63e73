"""Which MPI launcher there is, and how it wants to be called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from typing import Literal

from assay.harness.errors import RefusalError

Flavour = Literal["mpich", "openmpi", "unknown"]


@dataclass(frozen=True)
class Mpiexec:
    """One launcher: its path, family and version line."""

    path: str
    flavour: Flavour
    version: str


def find_mpiexec(configured: str = "") -> Mpiexec:
    """Find the launcher: the configured one, the one beside this Python, the one on PATH; RefusalError if there is none."""
    beside = os.path.join(sysconfig.get_path("scripts"), "mpiexec")  # noqa: PTH118 - strings, for argv
    path = configured or (beside if os.access(beside, os.X_OK) else shutil.which("mpiexec") or "")
    if not path:
        message = "no mpiexec found beside this Python or on PATH"
        raise RefusalError(message, where="site.mpiexec", fix="pip install 'assay-harness[mpich]', or load your site's MPI module.")
    return Mpiexec(path, *probe(path))


def probe(path: str) -> tuple[Flavour, str]:
    """Ask the launcher who it is; RefusalError if it cannot be run."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - the launcher to use
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"cannot be run: {error}"
        raise RefusalError(message, value=path, where="site.mpiexec", fix="Name a working mpiexec.") from error
    text = done.stdout + done.stderr
    version = next((" ".join(line.split()) for line in text.splitlines() if "ersion" in line or "MPI" in line), "version unknown")
    if "HYDRA" in text or "MPICH" in text:
        return "mpich", version
    if "Open MPI" in text or "OpenRTE" in text or "PRRTE" in text:
        return "openmpi", version
    return "unknown", version
