"""``assay dossier``: runs that leave the house, so that somebody else can check them."""

from __future__ import annotations

import os
import secrets
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from assay.harness.door.console import emit_json, out, parser, tell
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError
from assay.results.units import plain

SUMMARY = "pack all runs of a plan for somebody else, check such a package, or take its runs in"
EPILOG = """\
  assay dossier make --plan plan.json -o vendor.tar   every run of that plan, failed and partial ones too, numbered and chained
  assay dossier make RUN -o vendor.tar [--redact]     the same for the plan of a run
  assay dossier verify vendor.tar --plan plan.json    hashes, chain, figures from the raw samples, the plan you sent
  assay dossier import vendor.tar --vendor-supplied   its runs into the store, labelled (assay versus shows the label)
A buyer makes the plan (assay plan ... --out plan.json) and sends it; the vendor measures it (assay run --plan-file plan.json).
--redact takes hosts, users, home folders, addresses, serial numbers and UUIDs out of every file, logs too. The key makes the pseudonyms:
keep it (--key FILE; made if it is not there), and who holds it can tell which is which.
Exit codes: 0 sound; 1 the package is not what was made, or its figures do not follow from its samples.
"""
KEY_BYTES = 32


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("dossier", SUMMARY, EPILOG)
    p.add_argument("action", choices=tuple(ACTIONS))
    p.add_argument("what", nargs="*", metavar="RUN|FILE")
    p.add_argument("--plan", metavar="FILE", help="of make: all runs of this plan; of verify: the plan that must have been run")
    p.add_argument("--out", "-o", metavar="FILE", help="of make: the tar file to write")
    p.add_argument("--redact", action="store_true", help="of make: take names out")
    p.add_argument("--key", metavar="FILE", help="of --redact: the key (default: FILE.key beside the tar file)")
    p.add_argument("--seal", metavar="HEX", help="of verify: where the chain must end, as its maker told you by another way")
    p.add_argument("--vendor-supplied", action="store_true", help="of import: somebody else measured these")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    if bool(ns.what) == (ns.action == "make" and ns.plan is not None):
        p.error("say either RUN or --plan" if ns.action == "make" else "names no file")
    return ACTIONS[ns.action](ns)


def make(ns: Namespace) -> int:
    """Make a dossier."""
    from assay.harness.facts import measuring_code
    from assay.results.dossier import making, package
    from assay.results.dossier.plan import read_sent
    from assay.results.redaction import Redactor, names_of
    from assay.results.storage.shelf import files_of

    if not ns.out:
        message = "names the file to write"
        raise RefusalError(message, where="--out", fix="Say -o vendor.tar.")
    store, sent = opened(ns.store), read_sent(Path(ns.plan)) if ns.plan else None
    runs = [run for name in ns.what for run in store.resolve(name)]
    redactor = None
    if ns.redact:
        names = names_of(
            [files_of(run) for run in making.matching(store, runs, sent=sent)], users=[os.environ.get("USER", ""), Path.home().name]
        )
        redactor = Redactor(key_of(Path(ns.key or f"{ns.out}.key")), names)
    made = making.make(store, runs, sent=sent, code=measuring_code(), redactor=redactor)
    package.write(made, Path(ns.out))
    entries = made.manifest["entries"]
    odd = {run: told for run, told in made.manifest["self_check"].items() if told}
    if ns.json:
        emit_json({"schema": "assay.dossier/1", "file": ns.out, "runs": [entry["run"] for entry in entries], "self_check": odd})
    else:
        for run, told in odd.items():
            tell(f"note: {run}: {told}")
        failed = sum(entry.get("exit_code") != 0 for entry in entries)
        counts = f"{len(entries)} runs, {failed} of them without a pass{', redacted' if ns.redact else ''}"
        out(f"{ns.out}: {counts}; its seal is {made.manifest['end']}")
    return 0


def key_of(path: Path) -> bytes:
    """Read the key, or make one that only its owner can read."""
    try:
        if path.is_file():
            return path.read_bytes()
        key = secrets.token_bytes(KEY_BYTES)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(key)
    except OSError as error:
        message = f"cannot be read or made: {error.strerror}"
        raise RefusalError(message, value=str(path), where="--key", fix="Name a file that you may write.") from error
    tell(f"the key of the pseudonyms is in {path}: keep it, and do not send it along")
    return key


def verify(ns: Namespace) -> int:
    """Check dossiers."""
    import tempfile

    from assay.results.dossier import chain, making, package
    from assay.results.dossier.plan import read_sent
    from assay.results.store import Store

    sent = read_sent(Path(ns.plan)) if ns.plan else None
    told: dict[str, list[str]] = {}
    notes: dict[str, list[str]] = {}
    for file in ns.what:
        found = package.read(Path(file))
        told[file] = chain.problems(found) + (chain.against_plan(found, sent) if sent is not None else [])
        notes[file] = chain.codes(found)
        if ns.seal and found.manifest.get("end") != ns.seal:
            told[file].append(f"its chain ends in {found.manifest.get('end')}, not in the seal: it was made anew as a whole")
        with tempfile.TemporaryDirectory(prefix="assay-dossier-") as scratch:
            for run in package.bring_in(found, Store(Path(scratch)), origin="own"):
                odd = making.self_check(run)
                said = found.manifest.get("self_check", {}).get(run.id, "")
                told[file] += [f"{run.id}: {odd}"] if odd and odd != said else []
        if not ns.json:
            counts = f"{len(found.manifest['entries'])} runs, made {found.manifest.get('made')} with Assay {found.manifest.get('assay')}"
            sound = f"sound: hashes, chain and figures agree{', and it is the plan that was sent' if sent is not None else ''}"
            lines = [*(told[file] or [sound]), *(f"note: {note}" for note in notes[file])]
            out("\n".join([f"{file}: {counts}", *(f"  {plain(line)}" for line in lines)]))
    if ns.json:
        emit_json({"schema": "assay.dossier/1", "problems": told, "notes": notes})
    return 1 if any(told.values()) else 0


def bring_in(ns: Namespace) -> int:
    """Take the runs of dossiers in."""
    from assay.results.dossier import chain, package

    store = opened(ns.store)
    made = []
    for file in ns.what:
        found = package.read(Path(file))
        wrong = chain.problems(found)
        if wrong:
            message = f"{file} is not what was made: {wrong[0]}"
            raise RefusalError(message, where="FILE", fix="assay dossier verify tells all; ask for the file again.")
        made += package.bring_in(found, store, origin=package.ORIGINS[int(ns.vendor_supplied)])
    if ns.json:
        emit_json({"schema": "assay.dossier/1", "runs": [run.id for run in made]})
    else:
        out(f"{len(made)} runs taken in, labelled {package.ORIGINS[int(ns.vendor_supplied)]}")
    return 0


ACTIONS: Mapping[str, Callable[[Namespace], int]] = {"make": make, "verify": verify, "import": bring_in}
