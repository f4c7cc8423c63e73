"""One case from preparation to its measurement: on one rank and on threads, right, wrong, raising, absent, with broken clocks."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.harness.beat import Beat, read_beats
from assay.harness.case import Budget, Case
from assay.harness.errors import BrokenWorldError, NotApplicableError
from assay.harness.measure import measure
from assay.harness.measurement import Measurement
from assay.harness.session import Session
from assay.harness.work import Answer, Context, Volume, Work
from tests.fakes import FakeDevice, FakeWorld, context, on_ranks

BUDGET = Budget(seconds=0.005, warmup_seconds=0.005, min_reps=8, max_reps=50, timeout=20)


@dataclass
class Doubling:
    """A hand-written suite: doubles eight numbers; tests make it do something else at a step of their choice."""

    rank: int = 0
    refreshed: bool = True
    shown: bool = True
    tested: int = 8
    step_hook: Callable[[Doubling], bool] = lambda _: True  # False: the step does nothing
    check_hook: Callable[[Doubling], object] = lambda _: None
    steps: int = 0
    checks: int = 0
    closed: int = 0
    refreshes: list[int] = field(default_factory=list)

    def work(self, ctx: Context) -> Work:
        """Bind it to one rank."""
        self.rank = ctx.rank
        self.given = np.arange(8.0)
        self.made = 2 * self.given  # right before any step: only poison finds a step that does nothing
        return Work(
            step=self.step,
            check=self.check,
            volume=Volume(memory_nbytes=128),
            refresh=self.refresh if self.refreshed else None,
            result=(lambda: self.made) if self.shown else None,
            close=self.close,
            notes={"kernel": "numpy"},
        )

    def refresh(self, repetition: int) -> None:
        """Give every repetition its own numbers."""
        self.refreshes.append(repetition)
        self.given[:] = np.arange(8.0) + repetition

    def step(self) -> None:
        """Double, unless the test says otherwise."""
        self.steps += 1
        if self.step_hook(self):
            np.multiply(self.given, 2, out=self.made)

    def check(self) -> Answer:
        """Compare exactly."""
        self.checks += 1
        self.check_hook(self)
        bad = np.flatnonzero(~(self.made == 2 * self.given))
        where = f"element {bad[0]}" if len(bad) else ""
        return Answer(ok=not len(bad), tested=self.tested, reason="not doubled", where=where, scores={"worst": float(len(bad))})

    def close(self) -> None:
        """Count it."""
        self.closed += 1


def session(ctx: Context, out: Path) -> Session:
    """Open one rank's session."""
    return Session(ctx, Beat(out / "beats", rank=ctx.rank, launch=0), out, 0, timer={"name": "fake", "overhead": 0.0})


def case(**change: Any) -> Case:
    """Make the case of the hand-written suite."""
    return replace(Case("double", "t", {}, budget=BUDGET), **change)


def run(out: Path, suite: Doubling, *, device: FakeDevice | None = None, **change: Any) -> Measurement:
    """Measure on one rank."""
    ctx = Context(FakeWorld(), device or FakeDevice())
    found = measure(session(ctx, out), case(**change), suite.work)
    assert found is not None
    return found


def run_on(
    out: Path, size: int, suites: Sequence[Doubling], prepare: Callable[[Context], Work] | None = None, **change: Any
) -> list[Measurement | None]:
    """Measure on ranks that are threads."""
    chosen = prepare or (lambda ctx: suites[ctx.rank].work(ctx))
    return on_ranks(size, lambda ctx: measure(session(ctx, out), case(nranks=size, layout=f"1x{size}", **change), chosen))


def test_a_right_case_is_measured(tmp_path: Path) -> None:
    suite = Doubling()
    found = run(tmp_path, suite)
    assert (found.status, found.reason, found.fault) == ("measured", "", None)
    assert found.checked.ok
    (row,) = found.samples.rows
    assert 8 <= len(row) <= 50
    # One check before, one for every timed repetition, one after; none in the warm-up.
    assert found.checked.checks == suite.checks == len(row) + 2
    assert found.checked.tested == 8 * suite.checks
    assert len(found.warmups.rows[0]) + len(row) + 2 == suite.steps
    assert found.notes["kernel"] == "numpy"
    assert found.notes["stopped"]
    assert found.volume.memory_nbytes == 128
    assert suite.closed == 1
    assert found.case.key == case().key
    (seen,) = read_beats(tmp_path / "beats", launch=0)
    assert seen.phase == "gather"


def test_every_repetition_has_numbers_of_its_own(tmp_path: Path) -> None:
    suite = Doubling()
    run(tmp_path, suite)
    assert suite.refreshes == list(range(suite.steps))


def test_without_fresh_numbers_it_is_checked_before_and_after(tmp_path: Path) -> None:
    suite = Doubling(refreshed=False)
    found = run(tmp_path, suite)
    assert (found.status, found.checked.checks) == ("measured", 2)


def test_all_ranks_samples_come_to_rank_0(tmp_path: Path) -> None:
    suites = [Doubling() for _ in range(3)]
    first, *others = run_on(tmp_path, 3, suites)
    assert others == [None, None]
    assert first is not None
    assert first.status == "measured"
    assert len(first.samples.rows) == len(first.warmups.rows) == 3
    assert len({len(row) for row in first.samples.rows}) == 1
    assert first.checked.checks == sum(suite.checks for suite in suites)


def test_parameters_reach_the_suite(tmp_path: Path) -> None:
    got: dict[str, Any] = {}

    def prepare(ctx: Context, **params: Any) -> Work:
        got.update(params)
        return Doubling().work(ctx)

    measure(session(context(), tmp_path), case(params={"m": 3, "name": "x"}), prepare)
    assert got == {"m": 3, "name": "x"}


def spoil(at: int) -> Callable[[Doubling], bool]:
    """Make step number ``at`` and all after it spoil element 5."""

    def hook(suite: Doubling) -> bool:
        np.multiply(suite.given, 2, out=suite.made)
        if suite.steps >= at:
            suite.made[5] += 1
        return False

    return hook


def test_an_answer_that_is_wrong_at_once_is_never_timed(tmp_path: Path) -> None:
    found = run(tmp_path, Doubling(step_hook=spoil(1)))
    assert found.status == "wrong"
    assert found.samples.rows == ()
    assert found.reason == "wrong answer: rank 0: not doubled (untimed step); worst at element 5"
    assert not found.checked.ok
    assert found.checked.scores == {"worst": 1.0}


def test_an_answer_that_goes_wrong_while_timed_is_wrong(tmp_path: Path) -> None:
    suite = Doubling()
    suite.step_hook = lambda s: spoil(1)(s) if s.checks >= 4 else True
    found = run(tmp_path, suite)
    assert found.status == "wrong"
    assert "not doubled (repetition " in found.reason
    assert found.notes["stopped"].startswith("wrong answer")
    assert suite.closed == 1


def test_a_wrong_rank_is_named(tmp_path: Path) -> None:
    suites = [Doubling(), Doubling(step_hook=spoil(1)), Doubling()]
    found = run_on(tmp_path, 3, suites)[0]
    assert found is not None
    assert (found.status, found.checked.rank, found.checked.where) == ("wrong", 1, "element 5")
    assert found.samples.rows == ()
    assert [suite.closed for suite in suites] == [1, 1, 1]


@pytest.mark.parametrize("refreshed", [True, False])
@pytest.mark.parametrize("align", ["barrier", "block"])
def test_a_step_that_does_nothing_is_wrong(tmp_path: Path, align: str, *, refreshed: bool) -> None:
    """Without fresh numbers the answer lies there from the start; it is poisoned before it is checked."""
    found = run(tmp_path, Doubling(refreshed=refreshed, step_hook=lambda _: False), align=align)
    assert (found.status, found.samples.rows) == ("wrong", ())


@pytest.mark.parametrize("refreshed", [True, False])
def test_a_step_that_stops_working_is_wrong(tmp_path: Path, *, refreshed: bool) -> None:
    """After the timing of a case without fresh numbers the last answer is looked at, and it was spoilt."""
    suite = Doubling(refreshed=refreshed)
    suite.step_hook = lambda s: spoil(1)(s) if s.checks >= 1 else True
    assert run(tmp_path, suite).status == "wrong"


@pytest.mark.parametrize("align", ["barrier", "block"])
def test_a_step_that_does_nothing_once_it_is_timed_is_wrong(tmp_path: Path, align: str) -> None:
    """Without fresh numbers the right answer of before would still lie there."""
    suite = Doubling(refreshed=False)
    suite.step_hook = lambda s: s.checks == 0
    found = run(tmp_path, suite, align=align)
    assert found.status == "wrong"
    assert "after timing" in found.reason


@pytest.mark.parametrize("tested", [0, -3])
def test_a_check_that_compared_nothing_is_wrong(tmp_path: Path, tested: int) -> None:
    found = run(tmp_path, Doubling(tested=tested))
    assert found.status == "wrong"
    assert "the check compared nothing" in found.reason
    assert found.samples.rows == ()


def fail_at(phase: str) -> Doubling:
    """Make a suite that raises in ``phase``."""

    def boom() -> bool:
        message = "planted"
        raise ValueError(message)

    suite = Doubling()
    if phase == "warm-up":
        suite.step_hook = lambda _: boom()
    if phase == "check":
        suite.check_hook = lambda _: boom()
    if phase == "time":
        suite.step_hook = lambda s: boom() if s.checks >= 3 else True
    if phase == "check after timing":
        suite.refreshed = False
        suite.check_hook = lambda s: boom() if s.checks == 2 else True
    return suite


@pytest.mark.parametrize("phase", ["warm-up", "check", "time", "check after timing"])
def test_raising_is_an_error_with_its_phase(tmp_path: Path, phase: str) -> None:
    suite = fail_at(phase)
    found = run(tmp_path, suite)
    assert found.status == "error"
    assert found.reason.startswith(f"rank 0 raised in {phase} at repetition ")
    assert found.reason.endswith(": ValueError: planted")
    assert found.fault is not None
    assert (found.fault.rank, found.fault.phase) == (0, phase)
    assert "boom" in found.fault.stacks["rank 0"]
    assert suite.closed == 1


@pytest.mark.parametrize(("size", "guilty"), [(1, 0), (3, 1), (3, 2)])
def test_raising_in_preparation_names_the_rank(tmp_path: Path, size: int, guilty: int) -> None:
    suites = [Doubling() for _ in range(size)]

    def prepare(ctx: Context) -> Work:
        if ctx.rank == guilty:
            message = "planted"
            raise ValueError(message)
        return suites[ctx.rank].work(ctx)

    found = run_on(tmp_path, size, suites, prepare)[0]
    assert found is not None
    assert (found.status, found.reason) == ("error", f"rank {guilty} raised in prepare: ValueError: planted")
    assert found.fault is not None
    assert found.fault.rank == guilty
    assert [suite.closed for suite in suites] == [int(rank != guilty) for rank in range(size)]


@pytest.mark.parametrize(
    ("size", "absent", "broken", "status"),
    [(1, {0}, None, "not_applicable"), (2, {0, 1}, None, "not_applicable"), (2, {1}, None, "error"), (3, {0}, 2, "error")],
)
def test_what_a_site_cannot_have_is_not_applicable_only_if_no_rank_can(
    tmp_path: Path, size: int, absent: set[int], broken: int | None, status: str
) -> None:
    def prepare(ctx: Context) -> Work:
        if ctx.rank in absent:
            message = "no FP8 here"
            raise NotApplicableError(message)
        if ctx.rank == broken:
            message = "planted"
            raise ValueError(message)
        return Doubling().work(ctx)

    found = run_on(tmp_path, size, [], prepare)[0]
    assert found is not None
    assert found.status == status
    assert (found.reason == "no FP8 here") == (status == "not_applicable")
    if status == "error" and broken is None:
        assert found.reason == "rank 1 raised in prepare: 1 of 2 ranks cannot have it, the others can: no FP8 here"
    assert found.samples.rows == ()


class OddClock(FakeDevice):
    """A device whose clock gives one odd value for the repetition after so many."""

    def __init__(self, odd: float, after: int) -> None:
        """Give ``odd`` for repetition number ``after``."""
        super().__init__()
        self.odd, self.after, self.made = odd, after, 0

    def time(self, *args: Any, **kwargs: Any) -> list[float]:
        """Time as ever, but lie once."""
        seconds = super().time(*args, **kwargs)
        start, self.made = self.made, self.made + len(seconds)
        return [self.odd if start + i == self.after else value for i, value in enumerate(seconds)]


@pytest.mark.parametrize("odd", [-1e-6, math.nan, math.inf, -math.inf])
def test_a_clock_that_cannot_be_trusted_is_an_error(tmp_path: Path, odd: float) -> None:
    budget = replace(BUDGET, warmup_seconds=1e-9)  # one warm-up, so that the third repetition is a timed one
    found = run(tmp_path, Doubling(), device=OddClock(odd, 3), budget=budget)
    assert found.status == "error"
    assert found.reason.startswith(f"rank 0: the clock gave {odd} s")


@pytest.mark.parametrize("odd", [-1e-6, math.nan, math.inf])
def test_an_odd_clock_in_the_warm_up_ends_nothing(tmp_path: Path, odd: float) -> None:
    assert run(tmp_path, Doubling(), device=OddClock(odd, 0)).status == "measured"


def test_a_clock_that_stands_still_is_no_error_and_ends(tmp_path: Path) -> None:
    class Standing(FakeDevice):
        def time(self, *args: Any, **kwargs: Any) -> list[float]:
            return [0.0] * len(super().time(*args, **kwargs))

    found = run(tmp_path, Doubling(), device=Standing())
    assert found.status == "measured"
    assert 8 <= len(found.samples.rows[0]) <= 50


def test_closing_that_raises_is_told_and_takes_nothing_away(tmp_path: Path) -> None:
    suite = Doubling()

    def close() -> None:
        message = "planted"
        raise OSError(message)

    suite.close = close  # type: ignore[method-assign]
    found = run(tmp_path, suite)
    assert found.status == "measured"
    assert "rank 0: closing raised OSError: planted" in found.flags


def test_back_to_back_blocks_have_one_set_of_numbers_each(tmp_path: Path) -> None:
    suite = Doubling()
    found = run(tmp_path, suite, align="block")
    assert found.status == "measured"
    assert len(suite.refreshes) < suite.steps
    assert suite.checks == found.checked.checks <= len(suite.refreshes)


@pytest.mark.parametrize("kind", ["flip_element", "negate_row", "zero_row", "nan_element", "stale"])
@pytest.mark.parametrize("after", [1, 20])
def test_a_planted_answer_is_found_and_marked(tmp_path: Path, kind: str, after: int) -> None:
    budget = replace(BUDGET, min_reps=40)
    found = run(tmp_path, Doubling(), inject={"kind": kind, "after": after}, budget=budget)
    assert found.status == "wrong"
    assert found.checked.rank == 0
    assert f"planted fault: {kind}" in found.flags


def test_a_planted_raise_is_an_error_and_slow_is_none(tmp_path: Path) -> None:
    found = run(tmp_path, Doubling(), inject={"kind": "raise"})
    assert found.status == "error"
    assert "PlantedError" in found.reason
    slow = run(tmp_path, Doubling(), inject={"kind": "slow", "seconds": 0.002})
    assert slow.status == "measured"
    assert min(slow.samples.rows[0]) >= 0.002


def test_a_fault_that_cannot_be_planted_is_an_error_and_the_work_is_closed(tmp_path: Path) -> None:
    suite = Doubling(shown=False)
    found = run(tmp_path, suite, inject={"kind": "nan_element"})
    assert found.status == "error"
    assert "RefusalError" in found.reason
    assert suite.closed == 1


def test_few_repetitions_and_a_coarse_timer_are_marked(tmp_path: Path) -> None:
    ctx = context()
    opened = replace(session(ctx, tmp_path), timer={"overhead": 1.0})
    found = measure(opened, case(budget=replace(BUDGET, min_reps=3, max_reps=3)), Doubling().work)
    assert found is not None
    assert "only 3 repetitions" in found.flags
    assert any(flag.startswith("timer overhead is") for flag in found.flags)
    quiet = run(tmp_path, Doubling(), budget=replace(BUDGET, min_reps=20))
    assert not any(flag.startswith(("only", "timer", "planted")) for flag in quiet.flags)


class LostWorld(FakeWorld):
    """A world whose other ranks are stuck where this one will never come."""

    def __init__(self) -> None:
        """Nobody has aborted yet."""
        super().__init__()
        self.calm, self.codes, self.patience = 3, list[int](), list[float]()

    def agree(self, value: int, *, seconds: float) -> list[int]:
        """Agree a few times, then never again."""
        self.patience.append(seconds)
        self.calm -= 1
        if self.calm < 0:
            message = "nobody came"
            raise BrokenWorldError(message)
        return [value]

    def abort(self, code: int) -> None:
        """Note it and end this rank, as a real world does."""
        self.codes.append(code)
        raise SystemExit(code)


def test_a_rank_that_raises_alone_leaves_its_last_word_and_ends_the_launch(tmp_path: Path) -> None:
    world, suite = LostWorld(), fail_at("check")
    world.calm = 1 + 1 + 20  # preparation and warm-up agree
    boom = suite.check_hook

    def alone(made: Doubling) -> object:
        world.calm = 0
        return boom(made)

    suite.check_hook = alone
    with pytest.raises(SystemExit):
        measure(session(Context(world, FakeDevice()), tmp_path), case(), suite.work)
    assert world.codes == [2]
    assert world.patience[-1] < world.patience[0]  # who raised does not wait out the case's whole deadline
    (path,) = (tmp_path / "faults").iterdir()
    word = json.loads(path.read_text(encoding="utf-8"))
    assert (word["rank"], word["phase"], word["reason"]) == (0, "check", "ValueError: planted")
    assert "boom" in word["trace"]


def test_a_rank_that_only_lost_the_others_leaves_no_word(tmp_path: Path) -> None:
    world = LostWorld()
    with pytest.raises(SystemExit):
        measure(session(Context(world, FakeDevice()), tmp_path), case(), Doubling().work)
    assert world.codes == [2]
    assert not (tmp_path / "faults").exists()


def test_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.active_count()
    run_on(tmp_path, 2, [Doubling(), Doubling()])
    assert threading.active_count() == before
