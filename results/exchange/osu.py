"""OSU micro-benchmarks: its text tables. Latencies in us; MB/s of 1e6 bytes, from which the time of one message is derived."""

from __future__ import annotations

import re
from typing import Any

from assay.harness.work import Volume
from assay.results.exchange.foreign import Foreign, Found, number_of, positive, refuse, whole

TOOL = "osu"
HEAD = re.compile(r"#\s*OSU\s+(?:MPI[_ ]?)?(.+?)\s+Test\s+v(\S+)", re.IGNORECASE)
LATENCY, BANDWIDTH = "Latency", "MB/s"
VALIDATION = "Validation"  # a last column, from version 7 on with --validation: Pass or Fail
RANKS = "the file does not say how many there were; two stand for them"


def looks_like(text: str) -> bool:
    """Tell whether a file is of this tool."""
    return HEAD.search(text) is not None


def read(text: str) -> Foreign:
    """Read one table or several; RefusalError for a table without rows, or with a row that cannot be right."""
    cases: list[Found] = []
    name = version = unit = ""
    validated = False
    rows_of = 0
    for number, line in enumerate(whole(text), start=1):
        where = f"line {number}"
        if found := HEAD.match(line.strip()):
            check_rows(name, rows_of, where)
            name, version, unit, rows_of = slug(found.group(1)), found.group(2), "", 0
        elif line.startswith("#") and "Size" in line:
            unit = BANDWIDTH if BANDWIDTH in line else LATENCY if LATENCY.lower() in line.lower() and "us" in line else ""
            if not unit:
                message = "has neither Latency (us) nor Bandwidth (MB/s)"
                raise refuse(message, value=line.strip(), where=where)
            validated = VALIDATION in line.split()
        elif unit and (words := line.split()) and words[0].isdecimal():
            if len(words) < 2 + validated:  # size, figure, and what the check said
                message = "is cut off"
                raise refuse(message, value=line, where=where)
            cases.append(row(name, int(words[0]), words[1], unit, where=where, said=words[-1] if validated else ""))
            rows_of += 1
    check_rows(name, rows_of, "the end of the file")
    if not cases:
        message = "holds no table of the OSU benchmarks"
        raise refuse(message, where="the file")
    return Foreign(TOOL, cases, version=version)


def check_rows(name: str, rows: int, where: str) -> None:
    """Refuse a table that has a heading and nothing under it."""
    if name and not rows:
        message = f"the table of {name} has no rows"
        raise refuse(message, where=where)


def row(name: str, nbytes: int, figure: str, unit: str, *, where: str, said: str = "") -> Found:
    """Make one case; ranks are not told by the file, so the world counts as two at least. ``said`` is what the tool's own check said."""
    if said not in {"", "Pass", "Fail"}:
        message = "the validation is neither Pass nor Fail"
        raise refuse(message, value=said, where=where)
    value = positive(figure, where=where)
    seconds = value * 1e-6 if unit == LATENCY else max(nbytes, 1) / (number_of(figure, where=where) * 1e6)
    derived = {} if unit == LATENCY else {"time": "derived from MB/s: of one message in the window"}
    volume = Volume(message_nbytes=nbytes)
    truth: dict[str, Any] = {"by": "test", "wrong": "validation failed" if said == "Fail" else ""} if said else {}
    return Found(
        f"osu.{name}", {"bytes": nbytes}, (seconds,), volume=volume, ranks=2, scope="world", notes=derived | {"ranks": RANKS}, **truth
    )


def slug(text: str) -> str:
    """Write a test's name as one word."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_").removeprefix("mpi_")
