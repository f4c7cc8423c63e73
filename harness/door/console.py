"""What the doors share at the terminal: arguments that end in exit code 3, colours only where they are wanted, progress."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import NoReturn

from assay.harness.errors import RefusalError
from assay.harness.measurement import Measurement
from assay.harness.plan import Plan
from assay.harness.rundir import BAD_LINE, RunDir, finite, read_line

MARKS = {"measured": "ok", "not_applicable": "n/a"}


class Parser(argparse.ArgumentParser):
    """An argument parser whose bad usage is a refusal like any other."""

    def error(self, message: str) -> NoReturn:
        """Refuse."""
        raise RefusalError(message, where=self.prog, fix=f"See {self.prog} --help.")


def parser(verb: str, summary: str, epilog: str = "") -> Parser:
    """Make the parser of one verb."""
    return Parser(prog=f"assay {verb}", description=summary, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter)


def tell(text: str) -> None:
    """Say something beside the result, on standard error."""
    print(text, file=sys.stderr, flush=True)


def out(text: str) -> None:
    """Print a verb's result. A reader that has gone (``| head -1``) changes nothing: the exit code says what was found, read or not."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def emit_json(data: object) -> None:
    """Print the one JSON document of a verb."""
    out(json.dumps(finite(data), indent=1, allow_nan=False))


def color() -> bool:
    """Tell whether standard output wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal; a file or a pipe gets lines as long as they need to be."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 1000


class Progress:
    """Tells which cases are done: one rewritten line on a terminal, plain lines in a log."""

    def __init__(self, run: RunDir, plan: Plan) -> None:
        """Start counting; cases already on disk count as done."""
        self.run, self.plan, self.start = run, plan, time.monotonic()
        self.offsets: dict[Path, int] = {}
        self.done: set[str] = set()
        self.live = sys.stderr.isatty()
        self.last_line = ""

    def __call__(self) -> None:
        """Look for new cases and say so."""
        for path in self.run.measurement_files():
            for measurement in self.fresh(path):
                self.done.add(measurement.case.key)
                self.say(measurement)
        if self.live:
            left = [case for case in self.plan.cases if case.key not in self.done]
            if left:
                seconds = sum(map(self.plan.seconds, left))
                line = f"{left[0].suite}: case {len(self.done) + 1} of {len(self.plan.cases)}, about {seconds:.0f} s left"
                if line != self.last_line:
                    sys.stderr.write(f"\r\x1b[K{line}")
                    sys.stderr.flush()
                    self.last_line = line

    def fresh(self, path: Path) -> list[Measurement]:
        """Read the cases that were written since the last look."""
        start = self.offsets.get(path, 0)
        if path.stat().st_size <= start:
            return []
        with path.open("rb") as file:
            file.seek(start)
            raw = file.read()
        whole = raw[: raw.rfind(b"\n") + 1]
        self.offsets[path] = start + len(whole)
        found = []
        for line in whole.splitlines():
            with contextlib.suppress(*BAD_LINE):  # the judging names it
                found += [read_line(line)]
        return [one for one in found if isinstance(one, Measurement)]

    def say(self, measurement: Measurement) -> None:
        """Say one finished case."""
        mark = MARKS.get(measurement.status, measurement.status.upper())
        clear = "\r\x1b[K" if self.live else ""
        reason = f": {measurement.reason}" if measurement.reason else ""
        tell(f"{clear}[{len(self.done):{len(str(len(self.plan.cases)))}}/{len(self.plan.cases)}] {mark:8} {measurement.case.key}{reason}")
        self.last_line = ""

    def end(self) -> None:
        """Clear the rewritten line."""
        self()
        if self.live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
