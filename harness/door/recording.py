"""A run that is written case by case by one process: a script, or a pytest session. On disk it is a run like any other."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.harness.case import Case
from assay.harness.door import closing, opening
from assay.harness.door.compose import compose
from assay.harness.door.copies import copy_out
from assay.harness.measurement import Measurement
from assay.harness.plan import Plan
from assay.harness.planfile import to_dict
from assay.harness.rundir import LineWriter, RunDir
from assay.results.store import Store, locate

if TYPE_CHECKING:
    from assay.results.judge import Judgement

SITE = ("launch=solo", "site.nranks=1")


class Recording:
    """One run of one process. What was measured is on disk at once; a process that dies leaves an incomplete run, never a wrong one."""

    def __init__(self, store: str | None, *, name: str, cases: Sequence[Case] = ()) -> None:
        """Open the store; the run itself is made with its first case.

        Args:
            store: folder of the store; None for ``ASSAY_STORE``, else ``./runs``.
            name: of the plan, such as ``pytest``: what later runs are compared with.
            cases: what is planned already; cases that are added later join the plan.

        """
        self.store = Store(locate(store, os.environ))
        self.composed = compose([*SITE, "hardware.name=none"])
        self.plan = Plan(name, 1, tuple(cases))
        self.keep = contextlib.ExitStack()
        self.run: RunDir | None = None
        self.writer: LineWriter | None = None

    def begin(self, facts: Mapping[str, object]) -> LineWriter:
        """Make the run directory and its measurement file."""
        yaml = self.composed.yaml
        job = opening.Job(self.plan, self.composed.config, yaml, [Path(sys.argv[0]).name, *sys.argv[1:]])
        self.run = opening.make_run(self.store, job, self.keep, attached=False, mpi="none", environ=os.environ)
        self.writer = LineWriter(self.run.path / "measurements" / "000-ranks.jsonl", {"run": self.run.id, "ranks": [facts]})
        return self.writer

    def add(self, measurement: Measurement, facts: Mapping[str, object]) -> None:
        """Write one case down; ``facts`` describe this process and its device, for the file's head."""
        if measurement.case.key not in {case.key for case in self.plan.cases}:
            self.plan = replace(self.plan, cases=(*self.plan.cases, measurement.case))
        writer = self.writer or self.begin(facts)
        if self.run is not None:
            self.run.write_json("plan.json", to_dict(self.plan))
        writer.measurement(measurement)

    def close(self, *, base: Sequence[RunDir] | None = None) -> Judgement | None:
        """Judge and close the run; None if nothing was ever added."""
        if self.run is None or self.writer is None:
            return None
        self.writer.close()
        with self.keep:
            compared = closing.earlier(self.store, self.run) if base is None else base
            judgement = closing.finish(self.run, self.composed.config, base=compared, decide=False, allow_inconclusive=False)
            copy_out(self.composed.config, self.store, self.run.id)
            return judgement
