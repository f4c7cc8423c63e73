"""``assay fingerprint``: which arithmetic a matrix unit really does; a run of the suite of that name, told as a card."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.door import run
from assay.harness.door.compose import compose
from assay.harness.door.console import emit_json, out, parser
from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir

if TYPE_CHECKING:
    from assay.results.arithmetic import Fingerprint

SUMMARY = "probe a matrix unit from outside and say which arithmetic it does"
EPILOG = """\
A unit is torch (what torch multiplies with on the device; also torch_cpu, torch_cuda), deep_gemm, transformer_engine,
emulated:NAME, or emulated with options of your own:
  assay fingerprint a=bf16
  assay fingerprint unit=torch_cuda a=e4m3 fast=true expect=h100_fp8 device=cuda
  assay fingerprint unit=emulated:h100_fp8
  assay fingerprint unit=emulated unit.fused=8 unit.bits=21 unit.align=rz unit.promote=none
  assay fingerprint --vectors vectors.npz
Other words are overrides of an ordinary run. The card is stored with it, and held against the last one of the same unit on this kind
of machine. Exit codes: 0 told (and as expected); 1 not what was expected, or not what it was before; 2 it could not be probed; 3 refused;
4 undetermined.
"""
OWN = ("a", "b", "k", "side", "fast", "expect", "seed")


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("fingerprint", SUMMARY, EPILOG)
    p.add_argument(
        "words", nargs="*", metavar="OVERRIDE", help="unit=..., unit.OPTION=..., a=FORMAT, b=FORMAT, expect=NAME, or any override of a run"
    )
    p.add_argument("--vectors", metavar="FILE", help="hold a file of published vectors (.npz) against every published unit instead")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_intermixed_args(list(argv))
    if ns.vectors is not None:
        return vectors(ns.vectors, ns.words, as_json=ns.json)
    overrides = ["suite=[fingerprint]", *translated(ns.words)]
    code, document = measured(overrides)
    return told(code, document, stored(document, overrides), as_json=ns.json)


def translated(words: Sequence[str]) -> Iterator[str]:
    """Turn this verb's words into overrides of a run."""
    unit, options = "", []
    for word in words:
        name, _, value = word.partition("=")
        if name == "unit":
            unit = value
        elif name.startswith("unit."):
            options.append(f"{name.removeprefix('unit.')}={value}")
        elif name in OWN:
            yield f"suite.fingerprint.{word}"
        else:
            yield word
    if options and unit.partition(":")[0] != "emulated":
        message = "describe an emulated unit only"
        raise RefusalError(message, value=unit or "torch", where="unit.OPTION", fix="Write unit=emulated unit.bits=21, for example.")
    if unit:
        joined = ",".join(part for part in (unit.partition(":")[2], *options) if part)
        yield f"suite.fingerprint.unit='{unit.partition(':')[0]}{':' if joined else ''}{joined}'"
    if not any(word.startswith(("site.nranks=", "site=", "launch=")) for word in words):
        yield "site.nranks=1"


def measured(overrides: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Make the run; returns its exit code and its document. Progress goes to standard error as in any run."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = run.main([*overrides, "--json"])
    return code, json.loads(said.getvalue()) if said.getvalue().strip() else {}


def told(code: int, document: dict[str, Any], folder: RunDir, *, as_json: bool) -> int:
    """Tell the cards of a run and what has changed since the last ones; returns the exit code."""
    from assay.results.arithmetic import before, card_lines, changes, fingerprints
    from assay.results.store import Store

    store = Store(folder.path.parent)
    found = fingerprints(folder)
    changed: dict[str, dict[str, Any]] = {}
    lines: list[str] = []
    cards: list[dict[str, Any]] = []
    for one in found:
        earlier = before(store, folder, one)
        different = changes(earlier.card, one.card) if earlier is not None else {}
        lines += card_lines(one)
        lines += since(earlier, different)
        cards.append(one.as_dict() | {"before": None if earlier is None else earlier.run})
        if earlier is not None and different:
            changed[one.key] = {"since": earlier.run, "fields": {name: list(pair) for name, pair in sorted(different.items())}}
    failed = [f"{case['key']}: {case['reason']}" for case in document.get("cases", []) if case["status"] != "measured"]
    final = ending(code, found, changed=bool(changed))
    if as_json:
        emit_json(
            {"schema": "assay.fingerprint/1", "run": folder.id, "cards": cards, "changed": changed, "failed": failed, "exit_code": final}
        )
        return final
    for line in (*lines, *failed, f"exit code {final}, run {folder.id}"):
        out(line)
    return final


def stored(document: dict[str, Any], overrides: Sequence[str]) -> RunDir:
    """Find the run's folder in the store that these overrides configure."""
    from assay.results.store import locate

    url = compose(overrides).config["store"].get("url")
    return RunDir(locate(url, os.environ) / str(document["run"]["id"]))


def since(earlier: Fingerprint | None, different: dict[str, tuple[Any, Any]]) -> list[str]:
    """Say what has changed since the last card."""
    if earlier is None:
        return ["  first card of this unit on this kind of machine"]
    if not different:
        return [f"  as in run {earlier.run}"]
    return [f"  CHANGED since run {earlier.run}: {name} was {old}, is {new}" for name, (old, new) in sorted(different.items())]


def ending(code: int, found: Sequence[Fingerprint], *, changed: bool) -> int:
    """Give the exit code: the run's own, 1 for an arithmetic that changed, 4 where nothing could be told."""
    if code:
        return code
    if changed:
        return 1
    return 0 if found and all(one.card.get("kind") for one in found) else 4


def fitting(found: dict[str, int]) -> str:
    """Say which units give every row of a set, or which comes nearest."""
    fits = [unit for unit, wrong in found.items() if not wrong]
    if fits:
        return f"no wrong row: {', '.join(fits)}"
    near = min(found, key=lambda unit: found[unit]) if found else ""
    return f"nearest {near}, {found[near]} rows wrong" if near else "no published unit takes this format"


def vectors(path: str, words: Sequence[str], *, as_json: bool) -> int:
    """Hold a file of vectors against the published units and tell which fit."""
    file = Path(path).resolve()
    code, document = measured(["suite=[vectors]", f"suite.vectors.file='{file}'", "site.nranks=1", *words])
    cases = document.get("cases", [])
    counts = json.loads(cases[0]["notes"].get("sets", "{}")) if cases else {}
    if as_json:
        emit_json({"schema": "assay.vectors/1", "run": document.get("run", {}).get("id"), "sets": counts, "exit_code": code})
        return code
    width = max(map(len, counts), default=0)
    for name, found in counts.items():
        out(f"{name:{width}}  {fitting(found)}")
    for case in cases:
        if case["status"] != "measured":
            out(f"{case['status']}: {case['reason']}")
    out(f"exit code {code}")
    return code
