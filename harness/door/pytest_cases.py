"""Our own cases as pytest-benchmark tests: ``pytest --assay-plan smoke``. pytest-benchmark's tables and files then hold our timings."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from assay.harness.case import Case
from assay.harness.errors import AssayError

SINGLE = ("launch=solo", "site.nranks=1", "hardware.name=none")


class PytestCases:
    """Adds one test for each case of a plan."""

    def __init__(self, config: pytest.Config) -> None:
        """Plan the cases; UsageError if the plan cannot be."""
        from assay.harness.door.compose import compose
        from assay.harness.door.planning import make_plan
        from assay.harness.targets import resolve

        self.scratch = tempfile.TemporaryDirectory(prefix="assay-")
        name = config.getoption("assay_plan")
        try:
            self.plan = make_plan(compose([f"plan={name}", *SINGLE]))
            self.functions = {case.key: resolve(case.target, where="plan") for case in self.plan.cases}
        except AssayError as error:
            raise pytest.UsageError(str(error)) from error
        self.session = opened(Path(self.scratch.name), self.plan.cases[0].device)

    def pytest_ignore_collect(self, config: pytest.Config) -> bool | None:
        """Leave other tests out where none were named: ``pytest --assay-plan smoke`` runs the plan."""
        return True if config.args_source is not pytest.Config.ArgsSource.ARGS else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add a test for each case."""
        items.extend(CaseItem.from_parent(session, name=case.key, case=case, cases=self) for case in self.plan.cases)

    def pytest_unconfigure(self) -> None:
        """Remove what the cases wrote."""
        self.scratch.cleanup()


def opened(scratch: Path, kind: str) -> Any:
    """Open the device of this process and a session on it."""
    from assay.harness.beat import Beat
    from assay.harness.device.open import open_device
    from assay.harness.session import Session
    from assay.harness.work import Context
    from assay.harness.world.solo import SoloWorld

    device = open_device(kind, local_rank=0)
    return Session(Context(SoloWorld(), device), Beat(scratch / "beats", rank=0, launch=0), scratch, 0, timer=dict(device.timer()))


class CaseItem(pytest.Item):
    """One case as a test."""

    def __init__(self, *, case: Case, cases: PytestCases, **kwargs: Any) -> None:
        """Keep the case; it has pytest-benchmark's fixture as a test function would."""
        super().__init__(**kwargs)
        self.assay_case, self.cases, self.funcargs = case, cases, dict[str, Any]()
        self.fixturenames = ["benchmark"]  # by this pytest-benchmark and --benchmark-only know a benchmark

    def runtest(self) -> None:
        """Measure the case and hand its timings to pytest-benchmark."""
        from assay.harness.measure import measure

        fixture = self.funcargs["benchmark"] = benchmark_of(self)
        if fixture.disabled:
            fixture._mode = "disabled"  # noqa: SLF001 - else it would warn that nobody used it
            return
        found = measure(self.cases.session, self.assay_case, self.cases.functions[self.assay_case.key])
        assert found is not None  # noqa: S101 - rank 0 of a world of one
        self.assay_found = found  # with --assay it is stored as it is, its checks included
        if found.status == "not_applicable":
            pytest.skip(found.reason)
        if found.status != "measured":
            raise CaseFailedError(found.status, found.reason)
        stats = fixture._make_stats(1)  # noqa: SLF001 - the only way to give pytest-benchmark timings of one's own
        for seconds in found.samples.slowest:
            stats.update(seconds)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Tell a case that failed in one line."""
        return str(excinfo.value) if excinfo.errisinstance(CaseFailedError) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say where the test comes from."""
        return Path(__file__), None, self.name


class CaseFailedError(AssertionError):
    """A case with a wrong answer, or one that broke."""

    def __init__(self, status: str, reason: str) -> None:
        """Say what happened."""
        super().__init__(f"{status}: {reason}")


def benchmark_of(item: CaseItem) -> Any:
    """Make pytest-benchmark's fixture for a test that is no function, with the session's own options."""
    from pytest_benchmark.fixture import BenchmarkFixture

    session: Any = item.config._benchmarksession  # type: ignore[attr-defined]  # noqa: SLF001 - where pytest-benchmark keeps its session
    if session.skip:
        pytest.skip("Benchmarks are skipped (--benchmark-skip was used).")
    parts = {"add_stats": session.benchmarks.append, "logger": session.logger, "warner": item.warn, "disabled": session.disabled}
    fixture: Any = BenchmarkFixture
    return fixture(item, **parts, **session.options)
