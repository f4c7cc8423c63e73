"""The hosts that a fleet should have: a file with one host a line, as MPI and Slurm write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from assay.harness.errors import RefusalError

RANGE = re.compile(r"([^\[\],]*)\[([^\]]*)\]([^\[\],]*)")
MOST = 1_000_000


def read_hosts(path: Path) -> list[str]:
    """Read host names, each once, in the file's order.

    A line is a host, or several by commas, with Slurm's ranges (``node[001-064,70]``); what follows a space or a colon (``slots=8``) and
    comments are passed over. RefusalError for a file that cannot be read or names no host.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error}"
        raise RefusalError(message, value=str(path), where="--expect", fix="Give a text file with one host a line.") from error
    words = [words[0].split(":")[0] for line in lines if (words := line.split("#")[0].split())]
    found = list(dict.fromkeys(host for word in words for host in expand(word)))
    if not found:
        message = "names no host"
        raise RefusalError(message, value=str(path), where="--expect", fix="Give a text file with one host a line.")
    return found


def expand(text: str) -> Iterator[str]:
    """Yield the hosts of one word: ``a,b[01-03,7]`` gives a, b01, b02, b03, b7."""
    for part in re.findall(r"(?:[^\[,]|\[[^\]]*\])+", text):
        found = RANGE.fullmatch(part)
        if found is None:
            yield part
            continue
        for numbers in found[2].split(","):
            for number in counted(numbers, text):
                yield f"{found[1]}{number}{found[3]}"


def counted(numbers: str, whole: str) -> Iterator[str]:
    """Yield the numbers of ``001-003`` with their leading zeros; RefusalError for anything else."""
    first, dash, last = numbers.partition("-")
    last = last if dash else first
    if not (first.isdecimal() and last.isdecimal()) or not 0 <= int(last) - int(first) < MOST:
        message = "is no range of hosts"
        raise RefusalError(message, value=whole, where="--expect", fix="Ranges are written like node[001-064,70].")
    for number in range(int(first), int(last) + 1):
        yield f"{number:0{len(first)}d}"
