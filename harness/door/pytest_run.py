"""One pytest session as one stored run: every benchmark a case, every round a sample, the test's own outcome its answer."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from assay.harness.case import Case
from assay.harness.errors import AssayError
from assay.harness.measurement import Checked, Measurement, Samples

if TYPE_CHECKING:
    from assay.harness.device.protocol import Device
    from assay.results.judge import Judgement

OLDEST = (4, 0)
FIXTURE = "benchmark"


def refuse(config: pytest.Config) -> None:
    """Refuse a session in which nothing could be measured: no pytest-benchmark, too old a one, workers that share the cores."""
    try:
        import pytest_benchmark
    except ImportError as error:
        message = "--assay works on pytest-benchmark's fixture: pip install pytest-benchmark"
        raise pytest.UsageError(message) from error
    version = pytest_benchmark.__version__
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST or not config.pluginmanager.hasplugin("benchmark"):
        message = f"--assay needs pytest-benchmark {OLDEST[0]}.{OLDEST[1]} or newer, switched on (here: {version})"
        raise pytest.UsageError(message)
    if getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput"):
        message = "--assay measures in one process: leave -n out, workers would share the cores that are timed"
        raise pytest.UsageError(message)


class PytestRun:
    """What ``--assay`` does with one session."""

    def __init__(self, config: pytest.Config) -> None:
        """Open store and device; UsageError if they cannot be."""
        from assay.harness.device.open import open_device
        from assay.harness.door.recording import Recording

        self.seen: set[str] = set()
        self.judgement: Judgement | None = None
        try:
            self.device: Device = open_device(config.getoption("assay_device"), local_rank=0)
            self.recording = Recording(config.getoption("assay_store"), name="pytest")
        except AssayError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Plan every benchmark that will run, so that one which never does is missing; UsageError if no run can be made."""
        from dataclasses import replace

        cases = tuple(self.case(item) for item in session.items if is_benchmark(item))
        if not cases or session.config.option.collectonly:
            return
        self.recording.plan = replace(self.recording.plan, cases=cases)
        try:
            self.recording.begin(self.facts())
        except AssayError as error:
            raise pytest.UsageError(str(error)) from error

    def case(self, item: pytest.Item) -> Case:
        """Name the case of one test: its node id says parameters and all. Our own cases have a name already."""
        ours: Case | None = getattr(item, "assay_case", None)
        if ours is not None:
            return ours
        return Case("pytest", "pytest", {"test": item.nodeid}, align="block", device=self.device.kind)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        """Let an accelerator's own timer time the rounds: work that was only queued would look free to a host's clock."""
        fixture: Any = pyfuncitem.funcargs.get(FIXTURE)
        if fixture is not None and self.device.kind != "cpu":
            fixture._make_runner = partial(runner, self.device)  # noqa: SLF001 - pytest-benchmark offers no other place

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write one benchmark down as soon as it is known how its test ended."""
        report = yield
        ended = report.when == "call" or report.outcome != "passed"
        if is_benchmark(item) and ended and item.nodeid not in self.seen:
            self.seen.add(item.nodeid)
            self.recording.add(measured(self.case(item), item, report, call, timer=self.device.timer()), self.facts())
        return report

    def facts(self) -> Mapping[str, Any]:
        """Say what this process is, for the head of the run's file."""
        mine = {"rank": 0, "host": socket.gethostname(), "pid": os.getpid(), "python": platform.python_version(), "mpi": "none"}
        return {**mine, "device": dict(self.device.facts())}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Judge the run."""
        self.judgement = self.recording.close()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was stored, how it compares, and how to gate on it; pytest's exit code stays pytest's own."""
        from assay.results.report import render_comparison

        terminalreporter.section("assay")
        if self.judgement is None:
            terminalreporter.line("no benchmark was collected, so no run was stored")
            return
        run = self.judgement.run
        terminalreporter.line(f"run {run.id} in {run.path}")
        terminalreporter.line(self.judgement.coverage.text())
        if self.judgement.comparison is not None:
            told = render_comparison(self.judgement.comparison, color=False, width=1000).splitlines()
            # What nobody can tell from these runs is counted in the first line; a row for each benchmark would bury the rest.
            terminalreporter.line("\n".join(row for row in told if not row.lstrip().startswith("inconclusive ")))
        terminalreporter.line(f"more: assay show {run.id} --store {run.path.parent}; to gate: assay compare BASE {run.id} --gate")

    def end(self) -> None:
        """Give the run's lock back where the session did not come to its end."""
        self.recording.keep.close()


def is_benchmark(item: pytest.Item) -> bool:
    """Tell whether a test asks for the benchmark fixture."""
    return FIXTURE in getattr(item, "fixturenames", ()) or hasattr(item, "assay_case")


def runner(device: Device, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[..., Any]:
    """Make what times one round on a device, as pytest-benchmark's own does on the host: seconds, and the result of a single call."""

    def timed(loops_range: range | None, timer: object = None) -> Any:  # noqa: ARG001 - pytest-benchmark's signature
        results: list[Any] = []

        def step() -> None:
            results[:] = [function(*args, **kwargs)]

        seconds = sum(device.time(step, loops_range or range(1)))
        return seconds if loops_range else (seconds, results[0])

    return timed


def measured(
    case: Case, item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None], *, timer: Mapping[str, Any]
) -> Measurement:
    """Give the measurement of one benchmark. A test that failed has no figure, whatever its rounds took."""
    ours: Measurement | None = getattr(item, "assay_found", None)
    if ours is not None:
        return ours
    fixture = getattr(item, "funcargs", {}).get(FIXTURE)
    stats = getattr(fixture, "stats", None)
    seconds = float(call.duration)
    if report.outcome == "skipped":
        return Measurement(case, "skipped", reason(report), seconds=seconds)
    if report.outcome == "failed":
        wrong = call.excinfo is not None and call.excinfo.errisinstance(AssertionError) and report.when == "call"
        if wrong:
            return Measurement(
                case, "wrong", reason(report), checked=Checked(checks=1, tested=1, reason=reason(report), by="test"), seconds=seconds
            )
        return Measurement(case, "error", reason(report), seconds=seconds)
    if fixture is None or stats is None or not stats.stats.data:
        off = getattr(fixture, "disabled", False)
        why = "pytest-benchmark is switched off (--benchmark-disable)" if off else "the test never called its benchmark fixture"
        return Measurement(case, "skipped" if off else "error", why, seconds=seconds)
    rounds = tuple(float(value) for value in stats.stats.data)
    return Measurement(
        case,
        "measured",
        checked=Checked(ok=True, checks=1, by="test"),
        samples=Samples((rounds,)).kept(),
        timer=timer,
        notes=notes(stats, len(rounds)),
        seconds=seconds,
    )


def notes(stats: Any, rounds: int) -> dict[str, str]:
    """Keep what pytest-benchmark knows of how it was measured, and what the test says of itself."""
    options = {name: str(getattr(value, "__name__", value)) for name, value in stats.options.items() if value is not None}
    said = {f"extra_info.{name}": str(value) for name, value in dict(stats.extra_info).items()}
    how = {"rounds": str(rounds), "iterations": f"{stats.iterations} a round, each sample is their mean"}
    return {"stopped": "pytest-benchmark's own rule", **how, **({"group": str(stats.group)} if stats.group else {}), **options, **said}


def reason(report: pytest.TestReport) -> str:
    """Give one line on why a test did not pass."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    return " ".join(text.split())[:300]
