"""The plan of a stored run, taken up again."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Sequence

from assay.harness import suitepath
from assay.harness.door.brought import brought
from assay.harness.errors import RefusalError
from assay.harness.plan import Plan
from assay.harness.planfile import read_plan
from assay.harness.rundir import RunDir


def stored_plan(run: RunDir, *, goes_on: bool) -> Plan:
    """Read a run's plan; RefusalError says which suite paths it was made with, if they were not named again.

    They are not taken from the run: what may be imported is for the command line alone to say. A run that goes on must find them as they
    were, since it holds figures of them already.
    """
    try:
        plan = read_plan(run.path / "plan.json")
    except RefusalError as error:
        before = suite_paths(run.read_json("run.json").get("command") or [])
        if not before or set(before) <= {str(folder) for folder in suitepath.named}:
            raise
        fix = f"The run was made with {shlex.join(word for folder in before for word in (suitepath.OPTION, folder))}: name that again."
        raise RefusalError(error.message, value=error.value, where=error.where, fix=fix) from error
    if goes_on:
        check_unchanged(run, plan)
    return plan


def check_unchanged(run: RunDir, plan: Plan) -> None:
    """Refuse to finish a run with other suites, devices or transports than it began with."""
    now = brought(plan)
    then = (run.read_json("facts.json").get("packages") or {}) if now else {}
    for name, version in now.items():
        if then.get(name) != version:
            message = f"{name} is another than when the run began ({then.get(name)}, now {version})"
            fix = f"Bring the old one back, or measure all of it anew: assay rerun {run.id}."
            raise RefusalError(message, value=run.id, where="--resume", fix=fix)


def suite_paths(command: Sequence[str]) -> list[str]:
    """List the suite paths that a stored command named, as they were written."""
    pairs = [after for option, after in itertools.pairwise(command) if option == suitepath.OPTION]
    return pairs + [word.split("=", maxsplit=1)[1] for word in command if word.startswith(f"{suitepath.OPTION}=")]
