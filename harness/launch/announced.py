"""What started this process says how many ranks there are: the guard against n singletons that each pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.harness.errors import RefusalError

# Innermost first: whoever started this very process knows best. SLURM_NTASKS is not here: a batch shell has it too.
MPI_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
# WORLD_SIZE alone proves nothing: scripts set it by hand. torchrun sets the other one beside it.
TORCHRUN, BESIDE = "WORLD_SIZE", "TORCHELASTIC_RUN_ID"
AGENTS = "GROUP_WORLD_SIZE"  # torchrun's own processes, one a node
VARIABLES = (*MPI_VARIABLES, TORCHRUN)


@dataclass(frozen=True)
class Announced:
    """The announced number of ranks and the variable that says so."""

    size: int
    variable: str

    @property
    def mpi(self) -> bool:
        """Tell whether an MPI launcher or Slurm announced them; else torchrun did, and they meet in its store."""
        return self.variable != TORCHRUN


def announced(environ: Mapping[str, str]) -> Announced | None:
    """Read the innermost announcement; None if nothing announced ranks. RefusalError if it is not a number."""
    torchrun = bool(environ.get(TORCHRUN) and environ.get(BESIDE))
    for variable in MPI_VARIABLES:
        # An MPI launcher or Slurm that started torchrun itself, once a node, announces its agents and not the ranks.
        if environ.get(variable) and not (torchrun and environ[variable] == environ.get(AGENTS)):
            return Announced(number(environ[variable], variable), variable)
    return Announced(number(environ[TORCHRUN], TORCHRUN), TORCHRUN) if torchrun else None


def number(text: str, variable: str) -> int:
    """Read how many ranks a variable announces; RefusalError if that is none."""
    if not text.isdecimal() or int(text) < 1:
        message = "announces a number of ranks that is none"
        raise RefusalError(message, value=text, where=variable, fix="Unset it or start through your launcher.")
    return int(text)


def unannounced(environ: Mapping[str, str]) -> list[str]:
    """List the variables that would tell ranks of a fresh launch about the world which the launching process itself belongs to."""
    prefixes = ("PMI_", "PMIX_", "OMPI_", "PRTE_", "TORCHELASTIC_")
    names = {"RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE",
             "MASTER_ADDR", "MASTER_PORT"}  # fmt: skip
    return [name for name in environ if name.startswith(prefixes) or name in names]


def attached(environ: Mapping[str, str]) -> Announced | None:
    """Tell whether this process is a rank of a world that is already up.

    One task announced by Slurm or torchrun alone is no world: an interactive shell is started like that, and the user wants a
    launch from it.
    """
    found = announced(environ)
    if found is None or (found.size == 1 and found.variable in {"SLURM_STEP_NUM_TASKS", TORCHRUN}):
        return None
    return found


def confirm(found: Announced | None, *, size: int) -> None:
    """Refuse if the world that came up has another size than announced (RefusalError naming both)."""
    if found is not None and found.size != size:
        message = f"{found.variable} announces {found.size} ranks, but the world that came up has {size}"
        fix = "Start through the launcher of the MPI that mpi4py uses (assay doctor names it), or unset the variable."
        raise RefusalError(message, fix=fix)
