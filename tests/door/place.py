"""A folder in which the installed command is tried, as a user at a shell would: its runs, its words, its exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.conftest import ANNOUNCED, ANNOUNCED_NAMES, BESIDE, MARK, finish, left_running

BUDGET = ("budget.seconds=0.05", "budget.warmup_seconds=0.05", "budget.min_reps=3")
TINY = ("suite=[all_reduce]", "suite.all_reduce.axes.bytes=[8,1024]", *BUDGET)
LEAN = (*TINY, "hardware.name=none")  # no limits, so no calibration of this machine, which takes longer than all the rest
TRACEBACK = "Traceback"


@dataclass(frozen=True)
class Place:
    """One folder with a store of its own (``./runs``) and an environment without a word of any world outside."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """Give the environment of everything that is started here."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ANNOUNCED) and k not in ANNOUNCED_NAMES}
        site = {"ASSAY_SITE_CONFIG": str(self.folder / "etc"), "XDG_CONFIG_HOME": str(self.folder / ".config")}
        return {**kept, **site, "HOME": str(self.folder), "NO_COLOR": "1", MARK: str(self.folder)}

    @property
    def runs(self) -> list[Path]:
        """List the run directories, oldest first."""
        return sorted(path for path in (self.folder / "runs").glob("2*") if path.is_dir())

    def assay(
        self, *args: str, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = (), seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run ``[*prefix, assay, *args]`` to its end."""
        return self.command(*prefix, str(BESIDE / "assay"), *args, env=env, seconds=seconds)

    def command(self, *argv: str, env: Mapping[str, str] | None = None, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run any command to its end."""
        return finish(list(argv), env={**self.environ, **(env or {})}, cwd=self.folder, seconds=seconds)

    @contextlib.contextmanager
    def running(self, *args: str) -> Iterator[subprocess.Popen[str]]:
        """Start ``assay`` beside the test; whatever ends the test, its processes end too."""
        argv = [str(BESIDE / "assay"), *args]
        with (self.folder / "said.txt").open("w") as said:
            door = subprocess.Popen(
                argv,
                env=self.environ,
                cwd=self.folder,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            try:
                yield door
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(door.pid, signal.SIGKILL)
                door.wait()

    @property
    def said(self) -> str:
        """Give what the command started by ``running`` has said so far."""
        return (self.folder / "said.txt").read_text(encoding="utf-8")

    def show(self, run: str = "latest") -> dict[str, Any]:
        """Give the document of one run."""
        done = self.assay("show", run, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def left(self, *, seconds: float = 10.0) -> list[psutil.Process]:
        """List what is still running here after waiting for it to go."""
        deadline = time.monotonic() + seconds
        while (left := left_running(str(self.folder))) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left


def lines_of(run: Path) -> list[dict[str, Any]]:
    """Read every whole line of a run's measurement files."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((run / "measurements").glob("*.jsonl"))]
    return [json.loads(line) for text in texts for line in text.split("\n")[:-1]]


def keys_on_disk(run: Path) -> list[str]:
    """List the key of every case line on disk, repeated if it was written twice."""
    return [str(row["case"]["key"]) for row in lines_of(run) if row["kind"] == "case"]


def until(happens: Callable[[], bool], door: subprocess.Popen[str], *, seconds: float = 60.0) -> None:
    """Wait for something while ``door`` runs; the test fails if it never comes."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert door.poll() is None, f"ended before with exit code {door.returncode}"
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def case_of(document: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Find the only case whose key contains ``part``."""
    found: list[dict[str, Any]] = [case for case in document["cases"] if part in case["key"]]
    assert len(found) == 1, [case["key"] for case in document["cases"]]
    return found[0]


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert exit code 3 with one line on standard error that contains every word, and nothing on standard output."""
    assert done.returncode == 3, done.stdout + done.stderr
    assert TRACEBACK not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("assay: ")
    assert not done.stdout
    for word in words:
        assert word in done.stderr, done.stderr
