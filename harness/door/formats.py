"""``assay formats``: number formats compared on a tensor or a distribution; a run of the suite of that name, told as tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.fingerprint import measured, stored
from assay.harness.errors import RefusalError

if TYPE_CHECKING:
    import argparse

    from assay.harness.rundir import RunDir

SUMMARY = "compare number formats on a tensor or a distribution: error, bias, range, bytes, rates"
# Names that are offered; the suite itself knows what is right.
DISTRIBUTIONS = ("normal", "uniform", "heavy_tails", "outlier_channels", "lognormal")
EPILOG = f"""\
TENSOR is a .npy, .npz, .safetensors or .pt file of floating-point numbers (its last axis is cut into tiles of 128, padded with zeros where
it does not divide); pickled objects are never read. Distributions: {", ".join(DISTRIBUTIONS)}.
  assay formats activations.npy
  assay formats weights.npz --key layer0 --formats e4m3,logfmt8
  assay formats --distribution outlier_channels --elements 1048576 --seed 7 --json
Formats: bf16, logfmt6 to logfmt10, e5m6, e4m3, e5m2 (scaled in tiles of 1x128), mxfp8, mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4; all unless
--formats names some. Other words are overrides of an ordinary run (device=cuda, budget.seconds=0.1). Every format is two cases of the run,
encode and decode, so history and compare know its figures. Exit codes: 0 measured; 1 a wrong answer; 2 something broke; 3 refused.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("formats", SUMMARY, EPILOG)
    p.add_argument("words", nargs="*", metavar="TENSOR|OVERRIDE", help="a file, or overrides of a run (NAME=VALUE)")
    p.add_argument("--distribution", metavar="NAME", help="draw the numbers instead of reading a file")
    p.add_argument("--elements", type=int, metavar="N", help="how many numbers are drawn, a multiple of 4096 (default 4194304)")
    p.add_argument("--seed", type=int, metavar="N", help="of what is drawn (default 0)")
    p.add_argument("--key", metavar="NAME", help="which tensor of a file that holds several")
    p.add_argument("--formats", metavar="A,B", help="compare these only")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_intermixed_args(list(argv))
    overrides = ["suite=[formats]", *translated(ns)]
    code, document = measured(overrides)
    return told(code, document, stored(document, overrides), as_json=ns.json)


def translated(ns: argparse.Namespace) -> Iterator[str]:
    """Turn this verb's words into overrides of a run."""
    files = [word for word in ns.words if "=" not in word or Path(word).exists()]
    rest = [word for word in ns.words if word not in files]
    if len(files) + (ns.distribution is not None) != 1:
        message = "takes one tensor or one distribution"
        given = [*files, *([ns.distribution] if ns.distribution is not None else [])]
        fix = f"Give a file, or --distribution with one of {', '.join(DISTRIBUTIONS)}."
        raise RefusalError(message, value=given or None, where="assay formats", fix=fix)
    yield from of_file(files[0], ns) if files else of_distribution(ns)
    if ns.formats is not None:
        yield f"suite.formats.axes.format=[{ns.formats}]"
    if not any(word.startswith(("site.nranks=", "site=", "launch=")) for word in rest):
        yield "site.nranks=1"
    yield from rest


def of_file(name: str, ns: argparse.Namespace) -> Iterator[str]:
    """Give the overrides of a file: where it is and, so that another content is another series, what it holds."""
    for option in ("elements", "seed"):
        if getattr(ns, option) is not None:
            message = f"--{option} is of a distribution"
            raise RefusalError(message, value=getattr(ns, option), where=name, fix="Leave it out: a file brings its own numbers.")
    path = Path(name).resolve()
    if not path.is_file():
        message = "there is no such file"
        raise RefusalError(message, value=name, where="assay formats", fix="Give the path of a tensor, or --distribution NAME.")
    yield f"suite.formats.data={quoted(str(path))}"
    yield f"suite.formats.digest={quoted(digest(path))}"
    if ns.key is not None:
        yield f"suite.formats.key={quoted(ns.key)}"


def quoted(text: str) -> str:
    """Quote a value for Hydra's parser; what would be an interpolation is refused."""
    if "${" in text:
        message = "cannot be named in a configuration: it holds ${"
        raise RefusalError(message, value=text, where="assay formats", fix="Rename it.")
    return "'" + text.replace("\\'", "\\\\'").replace("'", "\\'") + "'"


def digest(path: Path) -> str:
    """Give the first 16 hexadecimal digits of a file's SHA-256."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise RefusalError(message, where=str(path), fix="Give a file that you may read.") from error


def of_distribution(ns: argparse.Namespace) -> Iterator[str]:
    """Give the overrides of a distribution."""
    if ns.key is not None:
        message = "--key chooses a tensor of a file"
        raise RefusalError(message, value=ns.key, where="assay formats", fix="Leave it out: a distribution has no names.")
    if ns.distribution not in DISTRIBUTIONS:
        message = "is no distribution"
        raise RefusalError(message, value=ns.distribution, where="--distribution", fix=f"Choose one of {', '.join(DISTRIBUTIONS)}.")
    yield f"suite.formats.data={ns.distribution}"
    for option in ("elements", "seed"):
        if getattr(ns, option) is not None:
            yield f"suite.formats.{option}={getattr(ns, option)}"


def told(code: int, document: dict[str, Any], folder: RunDir, *, as_json: bool) -> int:
    """Tell what a run found; returns its exit code."""
    from assay.results.formats import PUBLISHED_ORDER, compared, out_of_order
    from assay.results.formats_text import lines

    found = compared(folder)
    broken = list(out_of_order(found))
    failed = [f"{case['key']}: {case['reason']}" for case in document.get("cases", []) if case["status"] != "measured"]
    if as_json:
        order = {"expected": list(PUBLISHED_ORDER), "broken": broken}
        rows = [one.as_dict() for one in found]
        emit_json({"schema": "assay.formats/1", "run": folder.id, "formats": rows, "order": order, "failed": failed, "exit_code": code})
        return code
    for line in (*lines(found), *failed, f"exit code {code}, run {folder.id}"):
        out(line)
    return code
