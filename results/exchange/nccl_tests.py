"""nccl-tests: its tables, and its JSON (``-J``, versions 1 and 2). Times in us, GB/s of 1e9 bytes; a row is two cases, in place or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from assay.harness.work import Volume
from assay.results.exchange.foreign import (
    Foreign,
    Found,
    listing,
    load_json,
    mapping,
    number_of,
    optional_list,
    positive,
    refuse,
    whole,
    whole_number,
)

TOOL = "nccl-tests"
RANK = re.compile(r"#\s+Rank\s+(\d+)\s.*?\son\s+(\S+)\s+device\s+(\d+)\s+\[\S+\]\s*(.*)")
NAME = re.compile(r"(\w+)_perf")
COLUMNS = ("size", "count", "type", "redop", "root")
PLACES = (("out_of_place", 0), ("in_place", 1))
WITHOUT = {"N/A", "n/a", "-"}
PER_PLACE = 4  # time, algbw, busbw, #wrong


def looks_like(text: str) -> bool:
    """Tell whether a file is of this tool."""
    return ("# Avg bus bandwidth" in text or "busbw" in text) if not text.lstrip().startswith("{") else '"nccl_version"' in text[:100_000]


def read(text: str) -> Foreign:
    """Read a table or a JSON file; RefusalError names the line or field that cannot be right."""
    return from_json(text) if text.lstrip().startswith("{") else from_table(text)


def from_table(text: str) -> Foreign:
    """Read what the tests print; a table without its closing line was cut off, and is refused."""
    lines = whole(text)
    ranks = [found for line in lines if (found := RANK.match(line))]
    nranks = max((int(found.group(1)) + 1 for found in ranks), default=1)
    named = next((found.group(1) for line in lines if (found := NAME.search(line)) and "|" not in line), "")
    columns: list[str] = []
    cases: list[Found] = []
    for number, line in enumerate(lines, start=1):
        words = line.lstrip("# ").split()
        if line.startswith("#") and "busbw" in words and "size" in words:
            columns = words[: words.index("time")]
        elif columns and not line.startswith("#") and line.strip()[:1].isdigit():
            cases += table_row(line.split(), columns, name=named or "collective", ranks=nranks, where=f"line {number}")
    if not cases or not any("Avg bus bandwidth" in line for line in lines):
        message = "holds no rows" if not cases else "is cut off: the line '# Avg bus bandwidth' is missing"
        raise refuse(message, where=f"line {len(lines)}")
    bad = next((line for line in lines if "Out of bounds values" in line and "FAILED" in line), "")
    if bad and not any(case.wrong for case in cases):
        # The old column `error` can hold less than 1 in a row that failed: the file says that something is wrong, and not what.
        cases = [replace(case, wrong=f"the tests ended with '{bad.lstrip('# ')}' and no row says where") for case in cases]
    facts = {"devices": sorted({found.group(4).strip() for found in ranks}), "hosts": sorted({found.group(2) for found in ranks})}
    return Foreign(TOOL, cases, host=facts["hosts"][0] if ranks else "", facts=facts, notes=(bad.lstrip("# "),) if bad else ())


def table_row(words: Sequence[str], columns: Sequence[str], *, name: str, ranks: int, where: str) -> Iterator[Found]:
    """Yield the one or two cases of a row."""
    fixed, rest = words[: len(columns)], words[len(columns) :]
    if len(rest) not in {PER_PLACE, 2 * PER_PLACE}:
        message = f"has {len(words)} columns, {len(columns) + 2 * PER_PLACE} were announced"
        raise refuse(message, value=" ".join(words), where=where)
    row = dict(zip([column for column in columns if column in COLUMNS], fixed, strict=False))
    for place, at in PLACES:
        own = rest[PER_PLACE * at : PER_PLACE * (at + 1)]
        if own:
            yield found_case(name, row, place, own, ranks=ranks, where=where)


def found_case(
    name: str, row: Mapping[str, Any], place: str, own: Sequence[Any], *, ranks: int, where: str, times: Sequence[float] = ()
) -> Found:
    """Make one case of (time in us, algbw, busbw, wrong) and the row's own columns."""
    nbytes = whole_number(row.get("size"), where=f"{where}.size")
    seconds = positive(own[0], where=where) * 1e-6
    algbw, busbw = number_of(own[1], where=where), number_of(own[2], where=where)
    unchecked = own[3] is None or str(own[3]) in WITHOUT
    wrong = 0.0 if unchecked else number_of(own[3], where=where)
    # The old column `error` held the largest deviation, which is small and not zero for sound sums of floats.
    bad = f"{wrong:g} wrong elements" if wrong >= 1 else ""
    params = {
        "bytes": nbytes,
        "dtype": str(row.get("type", "")),
        "redop": str(row.get("redop", "")),
        "root": whole_number(row.get("root", -1), where=f"{where}.root"),
        "place": place,
    }
    return Found(
        suite=f"nccl_tests.{name}",
        params=params,
        seconds=times or (seconds,),
        aggregate=not times,
        volume=Volume(message_nbytes=nbytes, bus_factor=busbw / algbw if algbw > 0 else None),
        ranks=ranks,
        scope="world",
        by="nobody" if unchecked else "test",
        wrong=bad,
    )


def from_json(text: str) -> Foreign:
    """Read ``-J``: fields as src/util.cu of nccl-tests 2.17 writes them."""
    data = mapping(load_json(text, tool=TOOL), where="the file")
    if data.get("version") not in [1, 2]:
        message = "is a version of nccl-tests' JSON that is not known"
        raise refuse(message, value=data.get("version"), where="version", fix="Known are 1 and 2.")
    if "end_time" not in data:
        message = "is not finished: end_time is missing"
        raise refuse(message, where="end_time")
    name = next(
        (found.group(1) for word in optional_list(data, "args", where="the file") if (found := NAME.search(str(word)))), "collective"
    )
    ranks = [rank for name in ("devices", "ranks") for rank in optional_list(data, name, where="the file") if isinstance(rank, Mapping)]
    cases: list[Found] = []
    for number, row in enumerate(listing(data, "results", where="the file")):
        where = f"results[{number}]"
        row_data = mapping(row, where=where)
        for place, _ in PLACES:
            own = row_data.get(place)
            if own is not None:
                body = mapping(own, where=f"{where}.{place}")
                values = [body.get("time", body.get("cpu_time")), body.get("alg_bw"), body.get("bus_bw"), body.get("nwrong")]
                kept = mapping(row_data.get(f"{place}_per_iter") or {}, where=f"{where}.{place}_per_iter")
                times = [
                    positive(value, where=f"{where}.{place}_per_iter.times_us") * 1e-6
                    for value in optional_list(kept, "times_us", where=where)
                ]
                cases.append(found_case(name, row_data, place, values, ranks=max(len(ranks), 1), where=f"{where}.{place}", times=times))
    host = str(ranks[0].get("hostname", "")) if ranks else ""
    facts = {"devices": sorted({str(rank.get("device_info", "")) for rank in ranks}), "nccl": str(data.get("nccl_version", ""))}
    return Foreign(TOOL, cases, version=f"JSON {data['version']}", host=host, started=str(data.get("start_time", "")), facts=facts)
