"""What started this process says how many ranks there are: the guard against n singletons that each pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.harness.errors import RefusalError

# Innermost first: whoever started this very process knows best. SLURM_NTASKS is not here: a batch shell has it too.
VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "WORLD_SIZE")
# These two alone do not prove that this process is one of the ranks: they count only beside the other variable.
BESIDE = {"WORLD_SIZE": "TORCHELASTIC_RUN_ID"}


@dataclass(frozen=True)
class Announced:
    """The announced number of ranks and the variable that says so."""

    size: int
    variable: str


def announced(environ: Mapping[str, str]) -> Announced | None:
    """Read the innermost announcement; None if nothing announced ranks. RefusalError if it is not a number."""
    for variable in VARIABLES:
        text = environ.get(variable, "")
        if not text or (variable in BESIDE and not environ.get(BESIDE[variable])):
            continue
        if not text.isdecimal() or int(text) < 1:
            message = "announces a number of ranks that is none"
            raise RefusalError(message, value=text, where=variable, fix="Unset it or start through your MPI launcher.")
        return Announced(int(text), variable)
    return None


def attached(environ: Mapping[str, str]) -> Announced | None:
    """Tell whether this process is a rank of a world that is already up.

    One task announced by Slurm or torchrun alone is no world: an interactive shell is started like that, and the user wants a
    launch from it.
    """
    found = announced(environ)
    if found is None or (found.size == 1 and found.variable in {"SLURM_STEP_NUM_TASKS", "WORLD_SIZE"}):
        return None
    return found


def confirm(found: Announced | None, *, size: int) -> None:
    """Refuse if the world that came up has another size than announced (RefusalError naming both)."""
    if found is not None and found.size != size:
        message = f"{found.variable} announces {found.size} ranks, but the MPI world that came up has {size}"
        fix = "Start through the launcher of the MPI that mpi4py uses (assay doctor names it), or unset the variable."
        raise RefusalError(message, fix=fix)
