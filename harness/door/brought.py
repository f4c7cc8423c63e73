"""What a plan uses that is not Assay's: packages with their versions, files of a suite path with their content's hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from assay.harness.case import Case
from assay.harness.plan import Plan
from assay.harness.plugins import DEVICES, TRANSPORTS, Plugin, find
from assay.harness.suitepath import files_of
from assay.harness.targets import ALLOWED, installed


def brought(plan: Plan) -> dict[str, str]:
    """Give versions by name; they stand among the run's packages, so that runs of different code are known to differ.

    A suite's ``version`` speaks of its method, and only its author raises it.
    """
    return {name: version for case in plan.cases for name, version in used(case)}


def used(case: Case) -> Iterator[tuple[str, str]]:
    """Yield name and version of everything that a case uses from outside."""
    plugins: list[Plugin | None] = [find(DEVICES, case.device), find(TRANSPORTS, str(case.params.get("transport", "")))]
    if not case.target.startswith(ALLOWED):
        plugins += installed(case.target)
        for file in files_of(case.target.split(":", maxsplit=1)[0]):
            yield file.name, "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    for plugin in plugins:
        if plugin is not None:
            name, _, version = plugin.package.rpartition(" ")
            yield name, version
