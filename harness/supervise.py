"""One launch, watched from outside: progress, deadlines, who died first, and no process left behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from assay.harness.attempts import numbered, waiting
from assay.harness.beat import Seen, read_beats
from assay.harness.guard import die_with_parent, first_dead
from assay.harness.interrupt import heed
from assay.harness.lastwords import died, hung, states
from assay.harness.launch.choose import Launch
from assay.harness.measurement import Fault, Measurement
from assay.harness.plan import Plan
from assay.harness.rundir import LineWriter, RunDir
from assay.harness.segments import remove, segments

POLL_SECONDS = 0.05
STACK_SECONDS = 2.0  # after a case's deadline, for the ranks to write their stacks
START_SECONDS = 120.0
FAREWELL_SECONDS = 15.0  # for a launcher that ends ranks on other nodes when it is asked to


@dataclass
class Watch:
    """What the door saw of one launch."""

    run: RunDir
    plan: Plan
    launch: int
    first_dead: int | None = None
    current: int | None = None
    since: float = 0.0
    pidfds: dict[int, int] = field(default_factory=dict)
    segments: set[Path] = field(default_factory=set)

    def beats(self) -> list[Seen]:
        """Read the ranks' heartbeats."""
        return read_beats(self.run.path / "beats", launch=self.launch)

    def look(self) -> list[Seen]:
        """Take the ranks' processes under watch and note when a case began, by this host's clock."""
        beats = self.beats()
        for seen in beats:
            if seen.rank not in self.pidfds and seen.host == socket.gethostname():
                with contextlib.suppress(OSError):
                    self.pidfds[seen.rank] = os.pidfd_open(seen.pid)
        index = min((-1 if seen.case is None else seen.case for seen in beats), default=-1)
        if index != (self.current if self.current is not None else -2):
            self.current, self.since = index, time.monotonic()
            for seen in beats:
                self.segments |= segments(seen.pid) if seen.host == socket.gethostname() else set()
        return beats

    def wait(self) -> None:
        """Sleep until a rank's process goes away or the poll is over; the first to go is named."""
        if self.first_dead is not None or not self.pidfds:
            time.sleep(POLL_SECONDS)
            return
        by_number = {number: rank for rank, number in self.pidfds.items()}
        poll = select.poll()
        for number in by_number:
            poll.register(number, select.POLLIN)
        ready = poll.poll(POLL_SECONDS * 1000)
        phases = {seen.rank: seen.phase for seen in self.beats()}
        gone = [by_number[number] for number, _ in ready if phases.get(by_number[number]) != "done"]
        if gone:
            self.first_dead = gone[0]
        elif ready:
            time.sleep(POLL_SECONDS)

    def overdue(self) -> float | None:
        """Give the deadline in seconds that has passed, if one has."""
        if self.current is None:
            return None
        limit = START_SECONDS if self.current < 0 else self.plan.cases[self.current].budget.timeout + STACK_SECONDS
        return limit if time.monotonic() - self.since > limit else None

    def close(self) -> None:
        """Give the process handles back, and remove the shared memory that dead ranks could not."""
        for number in self.pidfds.values():
            os.close(number)
        remove(self.segments)


@dataclass(frozen=True)
class Ended:
    """How a launch ended: its exit code, and what a technician should know when no case could be blamed."""

    code: int | None
    trouble: str = ""


def launch(starter: Launch, environ: Mapping[str, str], run: RunDir, plan: Plan, *, number: int, progress: Callable[[], None]) -> Ended:
    """Run one launch to its end and write down the case it died in, if it did.

    Whatever ends this function, no process of the launch is left on this host, nor shared memory; srun ends those on other nodes.
    """
    for stale in (run.path / "beats").glob(f"{number:03d}-*"):
        stale.unlink()
    watch = Watch(run, plan, number, since=time.monotonic())
    (run.path / "logs").mkdir(exist_ok=True)
    log = run.path / "logs" / f"{number:03d}.txt"
    overdue = None
    seen_states: dict[int, str] = {}
    try:
        with log.open("wb") as file, started(starter, environ, file.fileno()) as process:
            while process.poll() is None:
                heed()
                beats = watch.look()
                progress()
                overdue = watch.overdue()
                if overdue is not None:
                    seen_states = states(beats)
                    break
                watch.wait()
    finally:
        watch.close()
    ending = "killed by Assay" if overdue is not None else describe(process.returncode)
    return Ended(process.returncode, write_down(watch, process.returncode, overdue, seen_states, ending, log))


def write_down(watch: Watch, code: int | None, overdue: float | None, seen_states: dict[int, str], ending: str, log: Path) -> str:
    """Write the case in flight into the door's own measurement file; tell the log's end when there is none to blame."""
    if code == 0 and overdue is None:
        return ""
    attempts = waiting(watch.plan, watch.run)
    beats = [seen for seen in watch.beats() if seen.case is not None]
    open_cases = [seen.case for seen in beats if seen.case is not None and watch.plan.cases[seen.case].key in attempts]
    tail = " | ".join(line for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:] if line.strip())
    if not open_cases:
        return f"the launch ended ({ending}) outside any case: {tail[-600:]}"
    index = min(open_cases)
    case = watch.plan.cases[index]
    involved = [seen for seen in beats if seen.case == index] or beats
    if overdue is not None:
        status, reason, fault = hung(watch.run.path, involved, seen_states, launch=watch.launch, timeout=case.budget.timeout)
    else:
        word = first_dead(watch.run.path / "deaths", [(seen.rank, seen.host, seen.pid) for seen in involved])
        # Without a word its guard was killed too: go by whose end was seen first, and by what the launcher made of it.
        first, how = (word.rank, describe(word.code)) if word else (watch.first_dead, ending)
        status, reason, fault = died(watch.run.path, involved, first, launch=watch.launch, ending=how)
    writer = LineWriter(watch.run.path / "measurements" / f"{watch.launch:03d}-door.jsonl", {"run": watch.run.id})
    writer.measurement(numbered(Measurement(case, status, reason, fault=fault), attempts[case.key]))
    writer.close()
    return ""


def give_up(run: RunDir, plan: Plan) -> None:
    """Write a case down as crashed if the last two launches both ended in it with nobody left to say so; else it is tried again.

    Once may have been the machine's or the scheduler's doing; twice in the same case it is the case.
    """
    last = run.next_launch() - 1
    ends = [in_flight(run, plan, launch=launch) for launch in (last, last - 1)] if last > 0 else [None]
    if None in ends or len({seen.case for seen in ends if seen}) != 1:
        return
    seen = ends[0]
    assert seen is not None  # noqa: S101 - looked at above
    assert seen.case is not None  # noqa: S101 - in_flight gives no other
    fault = Fault(None, seen.phase, seen.repetition, str(seen))
    writer = LineWriter(run.path / "measurements" / f"{last:03d}-door.jsonl", {"run": run.id})
    said = f"two launches in a row ended in it; last heartbeat: {seen}"
    case = plan.cases[seen.case]
    writer.measurement(numbered(Measurement(case, "crashed", said, fault=fault), waiting(plan, run)[case.key]))
    writer.close()


def in_flight(run: RunDir, plan: Plan, *, launch: int) -> Seen | None:
    """Find the rank that was least far in the case a launch ended in; None if the launch ended outside a case or finished it."""
    left = waiting(plan, run)
    beats = [seen for seen in read_beats(run.path / "beats", launch=launch) if seen.case is not None and seen.phase != "done"]
    seen = min(beats, key=lambda seen: seen.progress, default=None)
    if seen is None or seen.case is None or seen.case >= len(plan.cases) or plan.cases[seen.case].key not in left:
        return None
    return seen


def describe(code: int | None) -> str:
    """Say how a process ended."""
    if code is None:
        return "still running"
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}" + (f", which is {signal.Signals(code).name}" if code in (9, 11, 6, 7, 15) else "")


@contextlib.contextmanager
def started(starter: Launch, environ: Mapping[str, str], log: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the launcher so that it dies with this process, and end its whole tree on the way out."""
    farewell = signal.SIGTERM if starter.asked_to_end else signal.SIGKILL
    process = subprocess.Popen(  # noqa: S603 - the command comes from our launchers
        starter.command,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=partial(die_with_parent, farewell),  # noqa: PLW1509 - no thread of ours runs yet, and only prctl is called
    )
    try:
        yield process
    finally:
        if starter.asked_to_end and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(FAREWELL_SECONDS)
        end_tree(process)


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill everything the launcher started, stopped processes too, and reap the launcher."""
    tree: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process.pid)
        tree = [*root.children(recursive=True), root]
    for member in tree:
        with contextlib.suppress(psutil.Error):
            member.kill()
    process.wait()
    psutil.wait_procs(tree, timeout=5)
