"""The chain of a dossier's runs: numbered, each entry with the hash of the one before it, and what is wrong with one.

A run that was left out, put in or changed afterwards breaks the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.results.dossier.plan import canonical, differences, plan_hash

SCHEMA = "assay.dossier/1"
BEGIN = "0" * 64


@dataclass(frozen=True)
class Dossier:
    """A dossier in memory: its manifest, and the files of every run by number."""

    manifest: Mapping[str, Any]
    runs: Sequence[Mapping[str, bytes]]


def sha256(content: bytes) -> str:
    """Hash."""
    return hashlib.sha256(content).hexdigest()


def parsed(content: bytes | None) -> Mapping[str, Any]:
    """Read a JSON object; empty where it is none."""
    try:
        data = json.loads(content or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


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
