"""A dossier as a file: written, read and refused, its runs brought into a store."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.dossier.chain import SCHEMA, Dossier
from assay.results.storage.mirror import place
from assay.results.storage.shelf import safe
from assay.results.store import Store

MANIFEST = "manifest.json"
LARGEST = 2**32  # bytes of all files together: a dossier that says more is no dossier
ORIGINS = ("own", "vendor-supplied")


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
