"""Who sends how much to whom: matrices of bytes, from a generator or a file, for an all-to-all with unequal blocks.

A matrix is scaled so that the rank that sends or receives most moves ``nbytes`` in all, its own block included: nccl-tests' size of an
alltoallv, max over ranks of max(send, receive). Entries are cut down to whole words.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.collectives.exchange import WORD_NBYTES
from assay.harness.errors import RefusalError

if TYPE_CHECKING:
    from numpy.typing import NDArray

GENERATORS = ("uniform", "hot", "empty", "random")
HOT_SHARE = 0.5  # of what every rank sends goes to rank 0, which has the hot expert


def weights(name: str, nranks: int, *, seed: int) -> NDArray[Any]:
    """Give the weights of senders x receivers, float64; RefusalError for a file that holds none for so many ranks.

    ``uniform``: all alike; ``hot``: half of everything goes to rank 0; ``empty``: nothing goes to the last rank, whose experts nobody asked
    for; ``random``: each sender's shares are drawn evenly from all there are (Dirichlet 1); else the path of a file.
    """
    import numpy as np

    found = np.ones((nranks, nranks))
    if name == "hot" and nranks > 1:
        found[:] = (1 - HOT_SHARE) / (nranks - 1)
        found[:, 0] = HOT_SHARE
    elif name == "empty" and nranks > 1:
        found[:, -1] = 0
    elif name == "random":
        found = np.random.default_rng([seed, 3]).dirichlet(np.ones(nranks), size=nranks)
    elif name not in GENERATORS:
        return from_file(Path(name), nranks)
    return found


def from_file(path: Path, nranks: int) -> NDArray[Any]:
    """Read a matrix, senders in rows: numbers with commas or blanks between them, or an .npy; RefusalError says what is wrong with it."""
    import numpy as np

    try:
        if path.suffix == ".npy":
            found = np.load(path, allow_pickle=False)
        else:
            lines = [line for line in path.read_text(encoding="utf-8").replace(",", " ").splitlines() if line.strip()]
            found = np.loadtxt(lines, ndmin=2) if lines else np.zeros((0, 0))
        found = np.asarray(found, dtype=np.float64)
    except (OSError, ValueError, TypeError) as error:
        message = f"is neither a kind of traffic ({', '.join(GENERATORS)}) nor a file of numbers: {error}"
        raise RefusalError(
            message, value=str(path), where="matrix", fix="Name one of them, or a file with a row of numbers a rank."
        ) from error
    wrong = ""
    if found.shape != (nranks, nranks):
        wrong = f"holds {' x '.join(map(str, found.shape))} numbers, and there are {nranks} ranks"
    elif not np.isfinite(found).all() or (found < 0).any():
        place = [int(i) for i in np.argwhere(~np.isfinite(found) | (found < 0))[0]]
        wrong = f"holds {found[tuple(place)]:g} from rank {place[0]} to rank {place[1]}, which is no amount of bytes"
    elif not found.any():
        wrong = "asks for no traffic at all"
    if wrong:
        raise RefusalError(wrong, value=str(path), where="matrix", fix=f"Write {nranks} rows of {nranks} numbers, 0 or more.")
    return found


def byte_matrix(name: str, nranks: int, nbytes: int, *, seed: int) -> NDArray[Any]:
    """Give the bytes that senders (rows) send to receivers (columns), int64, whole words.

    RefusalError where so few bytes leave nothing to send, and where a rank would neither send nor receive: nobody could check it.
    """
    import numpy as np

    shares = weights(name, nranks, seed=seed)
    largest = max(shares.sum(axis=0).max(), shares.sum(axis=1).max())
    # A hair more, so that a share that divides exactly is not cut down by the rounding of its quotient.
    words = np.floor(shares / largest * (nbytes // WORD_NBYTES) * (1 + 1e-12)).astype(np.int64)
    idle = np.flatnonzero((words.sum(axis=0) == 0) & (words.sum(axis=1) == 0))
    if len(idle):
        message = f"rank {idle[0]} would neither send nor receive a word"
        raise RefusalError(message, value=nbytes, where="bytes", fix=f"Take {WORD_NBYTES * nranks * nranks} or more, or another matrix.")
    sent: NDArray[Any] = words * WORD_NBYTES
    return sent


def busiest(sent: NDArray[Any]) -> tuple[int, float | None]:
    """Give the largest total that any rank sends or receives, and busbw / algbw: the share of it that must cross that rank's wire.

    The factor is the most that any rank sends to or receives from others over the size; (n - 1) / n where all blocks are alike. None where
    nothing leaves its rank.
    """
    import numpy as np

    size = int(max(sent.sum(axis=0).max(), sent.sum(axis=1).max()))
    crossing = sent - np.diag(np.diag(sent))
    wire = int(max(crossing.sum(axis=0).max(), crossing.sum(axis=1).max()))
    return size, wire / size if wire else None
