"""The hosts that a fleet should have: a file with one host a line, as MPI and Slurm write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from assay.harness.errors import RefusalError

SLOTS = re.compile(r"slots=(\d+)")
RANGE = re.compile(r"([^\[\],]*)\[([^\]]*)\]([^\[\],]*)")
MOST = 1_000_000


def read_hosts(path: Path) -> dict[str, int]:
    """Read host names in the file's order, each with how many devices it should have (0 where the file does not say).

    A line is a host, or several by commas, with Slurm's ranges (``node[001-064,70]``), then ``slots=8`` or ``:8`` where the number of
    devices is known; other words and comments are passed over. RefusalError for a file that cannot be read or names no host.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error}"
        raise RefusalError(message, value=str(path), where="--expect", fix="Give a text file with one host a line.") from error
    found: dict[str, int] = {}
    for words in filter(None, (line.split("#")[0].split() for line in lines)):
        name, _, number = words[0].partition(":")
        said = SLOTS.search(" ".join(words[1:]))
        count = int(said[1]) if said else int(number) if number.isdecimal() else 0
        found |= {host: max(count, found.get(host, 0)) for host in expand(name)}
    if not found:
        message = "names no host"
        raise RefusalError(message, value=str(path), where="--expect", fix="Give a text file with one host a line.")
    return found


def alike(name: str, other: str) -> bool:
    """Tell whether two names mean one host: equal, or one is the other without its domain."""
    if name == other:
        return True
    short = [host.split(".")[0] for host in (name, other)]
    return short[0] == short[1] and ("." not in name or "." not in other)


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
