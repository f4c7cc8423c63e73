"""A dossier: what somebody else measured, checkable here. All runs of a plan, failed ones too, numbered and chained by hashes.

Each entry holds the hash of the one before it: a run that was left out, put in or changed afterwards breaks the chain, and raw samples let
anybody derive every figure and verdict again.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.document import read_config
from assay.results.dossier_plan import canonical, differences, plan_hash
from assay.results.judge import consider, read_run
from assay.results.record import read_records
from assay.results.redaction import Redactor
from assay.results.side import optional
from assay.results.storage.mirror import place
from assay.results.storage.shelf import files_of, safe
from assay.results.store import Store

SCHEMA = "assay.dossier/1"
MANIFEST = "manifest.json"
BEGIN = "0" * 64
LARGEST = 2**32  # bytes of all files together: a dossier that says more is no dossier
ORIGINS = ("own", "vendor-supplied")


def sha256(content: bytes) -> str:
    """Hash."""
    return hashlib.sha256(content).hexdigest()


def plan_of(run: RunDir) -> str:
    """Hash what a run had planned to measure; empty where that cannot be read."""
    return plan_hash(optional(run, "plan.json"))


def code_hashes() -> dict[str, str]:
    """Hash every file of the Assay that is at work."""
    root = Path(str(resources.files("assay")))
    rooms = [root / room for room in ("harness", "suites", "collectives", "conf", "results")]
    paths = sorted(
        path for room in rooms for path in room.rglob("*") if path.is_file() and path.suffix in {".py", ".yaml", ".json", ".js", ".css"}
    )
    return {path.relative_to(root).as_posix(): sha256(path.read_bytes()) for path in paths}


def matching(store: Store, runs: Sequence[RunDir], *, sent: Mapping[str, Any] | None = None) -> list[RunDir]:
    """Find every run of the store that had planned the same as one of these, or as the plan that was sent, oldest first.

    Nobody chooses which ones are shown: a run that failed, or left out part of its plan, is among them. RefusalError where there is none.
    """
    wanted = {plan_of(run) for run in runs} | ({plan_hash(sent)} if sent is not None else set())
    if "" in wanted:
        message = "a run whose plan cannot be read belongs to no dossier"
        raise RefusalError(message, where="RUN", fix="Name runs with a plan.json.")
    found = [run for run in (RunDir(store.root / name) for name in store.ids()) if plan_of(run) in wanted]
    if not found:
        message = "no run of this store had this plan"
        raise RefusalError(message, value=str(store.root), where="--plan", fix="Measure it: assay run --plan-file FILE.")
    return found


@dataclass(frozen=True)
class Dossier:
    """A dossier in memory: its manifest, and the files of every run by number."""

    manifest: Mapping[str, Any]
    runs: Sequence[Mapping[str, bytes]]


def make(
    store: Store,
    runs: Sequence[RunDir],
    *,
    sent: Mapping[str, Any] | None = None,
    code: str = "",
    redactor: Redactor | None = None,
) -> Dossier:
    """Make a dossier of all runs of a plan.

    Args:
        store: where they are.
        runs: some runs of the plan; none where ``sent`` is given.
        sent: the plan itself, as somebody else sent it.
        code: hash of the code that measures here now, as runs hold that of theirs.
        redactor: takes names out before anything is hashed.

    """
    found = matching(store, runs, sent=sent)
    plan = canonical(sent if sent is not None else dict(optional(runs[0], "plan.json")))
    raw = [files_of(run) for run in found]
    shipped = [
        files if redactor is None else {redactor.text(name): redactor.file(name, content) for name, content in files.items()}
        for files in raw
    ]
    entries = chain([run.id for run in found], shipped)
    files = code_hashes()
    manifest = {
        "schema": SCHEMA,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "assay": metadata.version("assay-harness"),
        "python": platform.python_version(),
        "plan": sorted({plan_of(run) for run in found}),
        "plan_file": json.loads(plan if redactor is None else redactor.file("plan.json", plan)),
        "plan_sent": sent is not None,
        "code": {"files": files, "sha256": sha256(canonical(files)), "measuring": code},
        "redacted": redactor is not None,
        "entries": entries,
        "self_check": {run.id: self_check(run) for run in found},
    }
    return Dossier(manifest | {"end": sha256(canonical(manifest))}, shipped)


def chain(ids: Sequence[str], runs: Sequence[Mapping[str, bytes]]) -> list[dict[str, Any]]:
    """Number runs and chain them."""
    entries, before = [], BEGIN
    for number, (run, files) in enumerate(zip(ids, runs, strict=True), start=1):
        hashes = {name: sha256(content) for name, content in sorted(files.items())}
        told = parsed(files.get("run.json"))
        status = {name: told.get(name) for name in ("status", "started", "ended", "exit_code", "summary")}
        inputs = {"plan": plan_hash(parsed(files.get("plan.json"))), "config": hashes.get("config.yaml", "")}
        code = str(parsed(files.get("facts.json")).get("code", ""))
        entry = {"number": number, "run": run, "files": hashes, **status, "inputs": inputs, "code": code, "previous": before}
        before = sha256(canonical(entry))
        entries.append(entry | {"hash": before})
    return entries


def parsed(content: bytes | None) -> Mapping[str, Any]:
    """Read a JSON object; empty where it is none."""
    try:
        data = json.loads(content or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def self_check(run: RunDir) -> str:
    """Derive figures and verdicts from the raw samples again; gives what does not agree with what is stored, empty if all does."""
    config, problem = read_config(run)
    if problem:
        return problem
    described = optional(run, "run.json")
    if described.get("status") not in {"finished", "interrupted"}:
        return f"not judged: the run is {described.get('status', 'without a description')}"
    try:
        again = consider(read_run(run), config=config)
        stored = {(record.key, record.subject, record.metric): record.value for record in read_records(run)[0]}
        verdicts = sorted((row["rule"], row["key"], row["subject"], row["status"]) for row in run.read_json("verdicts.json")["verdicts"])
    except (StoreError, RefusalError, KeyError, TypeError) as error:
        return f"cannot be judged again: {error}"
    derived = {(record.key, record.subject, record.metric): record.value for record in again.records}
    if derived != stored:
        odd = next(iter(set(derived.items()) ^ set(stored.items())))
        return f"figures differ from the raw samples, such as {odd[0][2]} of {odd[0][0]} {odd[0][1]}"
    if verdicts != sorted((one.rule, one.key, one.subject, one.status) for one in again.verdicts):
        return "verdicts differ from what these samples and rules give"
    return ""


def write(found: Dossier, path: Path) -> None:
    """Write a dossier as a tar file, the same bytes for the same content; StoreError if it cannot be written."""
    try:
        with tarfile.open(path, "w") as tar:
            put(tar, MANIFEST, (json.dumps(found.manifest, indent=1) + "\n").encode())
            for entry, files in zip(found.manifest["entries"], found.runs, strict=True):
                for name, content in sorted(files.items()):
                    put(tar, f"{entry['number']:04d}/{name}", content)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise StoreError(message) from error


def put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add one file without owner or time."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def read(path: Path) -> Dossier:
    """Read a dossier; StoreError for a file that is none, or that holds links, or names outside it. Nothing is written anywhere."""
    files: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                total += member.size
                if not member.isfile() or not safe(member.name) or total > LARGEST:
                    message = f"{path} holds {member.name!r}, which is no plain file inside it, or is too large"
                    raise StoreError(message)
                content = tar.extractfile(member)
                files[member.name] = b"" if content is None else content.read()
        manifest = json.loads(files.pop(MANIFEST))
        entries = manifest["entries"]
        if manifest.get("schema") != SCHEMA or not isinstance(entries, list):
            message = f"{path} is of another kind: {manifest.get('schema')!r}"
            raise StoreError(message)
        numbers = [f"{int(entry['number']):04d}/" for entry in entries]
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, EOFError) as error:
        message = f"{path} is no dossier: {error}"
        raise StoreError(message) from error
    runs = [{name[len(number) :]: content for name, content in files.items() if name.startswith(number)} for number in numbers]
    stray = sorted(name for name in files if not any(name.startswith(number) for number in numbers))
    if stray:
        message = f"{path} holds {stray[0]!r}, which no entry names"
        raise StoreError(message)
    return Dossier(manifest, runs)


def problems(found: Dossier) -> list[str]:
    """Say what is wrong with a dossier: files, chain, numbering, end; empty if it is what was made."""
    told = []
    before = BEGIN
    for position, (entry, files) in enumerate(zip(found.manifest["entries"], found.runs, strict=True), start=1):
        named = f"entry {entry.get('number')} ({entry.get('run')})"
        if entry.get("number") != position:
            told.append(f"{named} stands in place {position}: a run is missing or was put in")
        if entry.get("previous") != before:
            told.append(f"{named} does not follow from the one before it")
        own = {name: value for name, value in entry.items() if name != "hash"}
        before = sha256(canonical(own))
        if entry.get("hash") != before:
            told.append(f"{named} was changed")
        wrong = sorted(
            {*entry.get("files", {}), *files}
            - {name for name, content in files.items() if entry.get("files", {}).get(name) == sha256(content)}
        )
        told += [f"{named}: {name} is {'missing' if name not in files else 'not what was hashed'}" for name in wrong]
        before = str(entry.get("hash"))
        plan = parsed(files.get("plan.json"))
        if "plan" in found.manifest and plan_hash(plan) not in found.manifest["plan"]:
            told.append(f"{named} had another plan than the dossier names")
    rest = {name: value for name, value in found.manifest.items() if name != "end"}
    if found.manifest.get("end") != sha256(canonical(rest)):
        told.append("the manifest was changed after it was made")
    return told


def against_plan(found: Dossier, sent: Mapping[str, Any]) -> list[str]:
    """Say what in a dossier is not the plan that was sent: the plan it names, or that of one of its runs; case by case, budgets too."""
    told = [f"the plan in the dossier {odd}" for odd in differences(sent, found.manifest.get("plan_file"))]
    for entry, files in zip(found.manifest["entries"], found.runs, strict=True):
        told += [f"entry {entry.get('number')} ({entry.get('run')}) {odd}" for odd in differences(sent, parsed(files.get("plan.json")))]
    return told


def codes(found: Dossier) -> list[str]:
    """Say which runs were measured by other code than the dossier lists; where a run does not tell, that is said too."""
    listed = found.manifest.get("code", {}).get("measuring", "")
    return [
        f"entry {entry.get('number')} ({entry.get('run')}) "
        + ("was measured by other code than the dossier lists" if entry.get("code") else "does not say which code measured it")
        for entry in found.manifest["entries"]
        if entry.get("code", "") != listed or not listed
    ]


def bring_in(found: Dossier, store: Store, *, origin: str) -> list[RunDir]:
    """Place a dossier's runs into a store, labelled by where they come from; a run that is there already is left as it is."""
    made = []
    store.root.mkdir(parents=True, exist_ok=True)
    for entry, files in zip(found.manifest["entries"], found.runs, strict=True):
        run = str(entry["run"])
        if not safe(run) or "/" in run or (store.root / run).exists():
            continue
        try:
            described = json.loads(files["run.json"])
        except (KeyError, ValueError):
            described = {"id": run, "status": "incomplete"}
        label = {"origin": origin, "dossier": {"end": found.manifest.get("end"), "number": entry["number"]}}
        place(store, run, dict(files) | {"run.json": (json.dumps(described | label, indent=1) + "\n").encode()})
        made.append(RunDir(store.root / run))
    return made
