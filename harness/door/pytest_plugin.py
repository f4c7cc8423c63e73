"""pytest: an existing pytest-benchmark suite becomes a stored run (``--assay``), our own cases become its tests (``--assay-plan``).

Every pytest of the environment loads this file, so it imports nothing of Assay before one of its options is given.
"""

from __future__ import annotations

from typing import Any

import pytest

RUN = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    group = parser.getgroup("assay")
    group.addoption("--assay", action="store_true", help="store every benchmark of this session as an Assay run, and compare with the last")
    group.addoption("--assay-store", metavar="DIR", default=None, help="store of that run (default: ASSAY_STORE, else ./runs)")
    group.addoption("--assay-device", metavar="KIND", default="cpu", help="time with the timer of this kind of device (default: cpu)")
    group.addoption("--assay-plan", metavar="PLAN", default=None, help="run the single-process cases of an Assay plan as benchmarks")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take over, if one of our options is given; refuse what cannot be measured."""
    wanted = config.getoption("assay") or config.getoption("assay_plan")
    if not wanted:
        extra = [name for name in ("assay_store",) if config.getoption(name)]
        if extra:
            message = "--assay-store names the store of a run: give --assay too"
            raise pytest.UsageError(message)
        return
    from assay.harness.door.pytest_run import refuse

    refuse(config)
    if config.getoption("assay"):
        from assay.harness.door.pytest_run import PytestRun

        config.stash[RUN] = PytestRun(config)
        config.pluginmanager.register(config.stash[RUN], "assay-run")
    if config.getoption("assay_plan"):
        from assay.harness.door.pytest_cases import PytestCases

        config.pluginmanager.register(PytestCases(config), "assay-cases")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the run, whatever ended the session."""
    run = config.stash.get(RUN, None)
    if run is not None:
        run.end()
