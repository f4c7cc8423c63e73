"""Making a dossier: all runs of a plan, failed ones too, and whether they follow from their samples."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.document import read_config
from assay.results.dossier.chain import SCHEMA, Dossier, chain, sha256
from assay.results.dossier.plan import canonical, plan_hash
from assay.results.judge import consider, read_run
from assay.results.record import read_records
from assay.results.redaction import Redactor
from assay.results.side import optional
from assay.results.storage.shelf import files_of
from assay.results.store import Store


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
