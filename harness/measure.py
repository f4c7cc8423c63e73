"""One case on this rank: prepare, warm up, check, time, check again, close, gather."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from assay.harness.account import written_down
from assay.harness.case import Case
from assay.harness.inject import plant
from assay.harness.measurement import Measurement
from assay.harness.rotation import rotated
from assay.harness.running import Running
from assay.harness.session import OK, WRONG, CaseOverError, Session
from assay.harness.tally import Tally
from assay.harness.timing import next_block, next_warmup
from assay.harness.work import Work


def measure(session: Session, case: Case, prepare: Callable[..., Work]) -> Measurement | None:
    """Measure one case; rank 0 returns the Measurement, the others None. Only a broken world raises."""
    start = time.monotonic()
    running: list[Running] = []
    session.deadline, session.repetition = start + case.budget.timeout, None
    session.watch.begin()
    ending: tuple[Any, ...]
    try:
        ending = whole_case(session, case, prepare, running)
    except CaseOverError as over:
        ending = (over.status, over.reason, over.fault)
    seen = session.watch.end(running[0].window if running else None)
    close(session, running)
    session.beat.phase("gather")
    session.repetition = None
    telemetry = session.context.world.gather(seen)
    tallies = session.context.world.gather(running[0].tally if running else Tally(session.context.rank))
    if tallies is None or telemetry is None:
        return None
    return replace(written_down(session, case, ending, running, tallies, time.monotonic() - start), telemetry=telemetry)


def whole_case(session: Session, case: Case, prepare: Callable[..., Work], running: list[Running]) -> tuple[Any, ...]:
    """Run all phases; returns (status, reason, fault)."""
    context = session.context

    def ready() -> Running:
        gc.collect()  # once a case, since blocks run with the collector off
        sets: list[Work] = []
        work = prepare(context, **case.params)
        running.append(Running(session, case, work, Tally(context.rank), sets))  # from here on it is closed whatever happens
        sets.append(work)
        while len(sets) < case.timer.get("buffers", 1):
            sets.append(prepare(context, **case.params))
            running[0].work = rotated(sets)
        work = running[0].work
        running[0].clock  # noqa: B018 - a way of timing that is not to be had is found out here
        running[0].work = plant(work, case.inject, rank=context.rank, size=context.size, attempt=session.attempt)
        return running[0]

    run = session.together("prepare", ready)
    session.together("warm-up", lambda: warm_up(run), traffic=True)
    session.together("check", lambda: checked_step(run), traffic=True)
    if agree_right(run):
        session.together("time", lambda: timed(run), traffic=True)
    if agree_right(run):
        session.together("check after timing", lambda: checked_step(run) if run.work.refresh else check(run, "after timing"), traffic=True)
    if not agree_right(run):
        return "wrong", "", None
    return "measured", "", None


def agree_right(run: Running) -> bool:
    """Tell whether every answer on every rank was right so far."""
    return max(run.session.agree(OK if run.tally.ok else WRONG)) == OK


def warm_up(run: Running) -> None:
    """Repeat until the seconds of the slowest rank settle or the warm-up's time is over; kept apart."""
    start = time.monotonic()
    slowest: list[float] = []

    def rule() -> tuple[int, str]:
        settle = float(run.case.timer.get("settle_seconds", 0.0))
        return next_warmup(slowest, elapsed=time.monotonic() - start, budget=run.case.budget, settle=settle), ""

    while count := decide(run, rule)[0]:
        slowest.extend(collect(run, block(run, count, verify=False), run.warmups))


def timed(run: Running) -> None:
    """Repeat in blocks until the stop rule says so; a wrong answer ends it after its block."""
    start = time.monotonic()
    slowest: list[float] = []

    guess = max((row[-1] for row in run.warmups if row), default=0.0)

    def rule() -> tuple[int, str]:
        return next_block(slowest, elapsed=time.monotonic() - start, budget=run.case.budget, guess=guess)

    while True:
        count, why = decide(run, rule)
        run.window = (start, time.monotonic())
        if count == 0:
            run.why = why
            return
        slowest.extend(collect(run, block(run, count, verify=True), run.rows))
        if not agree_right(run):
            run.why = "wrong answer"
            return


def decide(run: Running, rule: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    """Let rank 0 decide and tell everybody."""
    world = run.session.context.world
    return world.bcast(rule() if world.rank == 0 else (0, ""))


def block(run: Running, count: int, *, verify: bool) -> list[float]:
    """Make ``count`` repetitions on this rank; returns their seconds."""
    session, work, world, beat = run.session, run.work, run.session.context.world, run.session.beat
    reps = range(run.steps, run.steps + count)
    run.steps += count
    if verify and work.result and not work.refresh:
        poison_all(run)  # the answer of steps before this block must not pass for its own
    gc.disable()  # a collection inside a repetition would be measured as the device's
    try:
        if run.case.align == "block":
            enter(run, reps[0])
            seconds = run.clock.time(work.step, reps)
            if verify and work.refresh:
                check(run, "timed block")
            return seconds

        def before(repetition: int) -> None:
            session.repetition = repetition
            beat.repetition(repetition)
            if work.refresh:
                work.refresh(repetition)
            world.barrier()

        def after(repetition: int) -> None:
            check(run, f"repetition {repetition}")

        return run.clock.time(work.step, reps, before=before, after=after if verify and work.refresh else None)
    finally:
        gc.enable()


def enter(run: Running, repetition: int) -> None:
    """Make fresh data for ``repetition`` and align the ranks."""
    run.session.repetition = repetition
    run.session.beat.repetition(repetition)
    if run.work.refresh:
        run.work.refresh(repetition)
    run.session.context.device.sync()
    run.session.context.world.barrier()


def checked_step(run: Running) -> None:
    """Poison the result, make one step that is not timed, check it: a step that does nothing cannot pass."""
    enter(run, run.steps)
    run.steps += 1
    poison_all(run)
    run.work.step()
    check(run, "untimed step")


def check(run: Running, phase: str) -> None:
    """Check the answer of the last step on this rank, if anybody can."""
    if run.work.checked_by != "assay":
        return
    run.session.context.device.sync()
    run.tally.add(run.work.check(), phase=phase)


def poison_all(run: Running) -> None:
    """Poison the output of every set of operands, where outputs are shown."""
    for work in run.sets:
        if work.result:
            poison(work.result())


def poison(result: Any) -> None:
    """Fill the result with bytes 0xFF: NaN in every float format, -1 in every integer one."""
    if hasattr(result, "data_ptr"):
        import torch

        result.view(torch.uint8).fill_(0xFF)
    else:
        result.view("u1").fill(0xFF)


def collect(run: Running, seconds: list[float], rows: list[list[float]]) -> list[float]:
    """Gather one block's seconds of all ranks on rank 0 and return the slowest rank's; empty elsewhere."""
    run.session.agree(OK)  # whoever raised in the block agrees with another code, and everybody learns it here
    gathered = run.session.context.world.gather(seconds)
    if gathered is None:
        return []
    if not rows:
        rows.extend([] for _ in gathered)
    for row, part in zip(rows, gathered, strict=True):
        row.extend(part)
    return [max(column) for column in zip(*gathered, strict=True)]


def close(session: Session, running: list[Running]) -> None:
    """Give back what the case opened; a failure here is the case's, not the run's."""
    session.phase = "close"
    session.beat.phase("close")
    for run in running:
        try:
            run.work.close()
        except Exception as error:  # noqa: BLE001 - the answer and the samples stand; the failure is told
            run.tally.trouble = f"rank {run.tally.rank}: closing raised {type(error).__name__}: {error}"
