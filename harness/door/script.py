"""``assay.measure(fn)``: measure a callable of the user's own, in this process, by the same code as every suite."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.harness.beat import Beat
from assay.harness.case import Budget, Case
from assay.harness.device.open import open_device
from assay.harness.door.recording import Recording
from assay.harness.errors import RefusalError
from assay.harness.measure import measure as measure_case
from assay.harness.measurement import Measurement
from assay.harness.plancheck import budget as checked_budget
from assay.harness.rank import rank_facts
from assay.harness.session import Session
from assay.harness.work import Answer, CheckedBy, Context, Volume, Work
from assay.harness.world.solo import SoloWorld

Check = Callable[[Any], "Answer | bool"]
PLAIN = (str, int, float, bool, type(None), list, dict)


def measure(
    fn: Callable[[], Any],
    *,
    check: Check | None = None,
    volume: Volume | None = None,
    name: str = "",
    params: Mapping[str, Any] | None = None,
    device: str = "cpu",
    budget: Mapping[str, float] | None = None,
    store: str | Path | bool | None = None,
) -> Measurement:
    """Measure ``fn`` and return what happened: samples, warm-ups apart, timer, marks.

    Args:
        fn: what is timed, without arguments. On an accelerator it may only queue work; the device's own timer waits for it.
        check: given what the last ``fn`` returned, says whether it is right: an ``Answer``, or True or False. It must compare with
            something computed in another way. Without one the figures are marked, and a stored run has no verdict (code 4 in it).
        volume: what one call moves (flops, memory, message and wire bytes), for rates.
        name: of the series; default: the function's own qualified name.
        params: what distinguishes this case from others of the same name: plain values, part of the key.
        device: kind of device: ``cpu``, ``cuda``, or one that a package brings.
        budget: parts of ``Budget`` to change, such as ``{"seconds": 2}``.
        store: True for the default store, or its folder: the measurement becomes a run of its own there.

    Raises:
        RefusalError: for a budget, a device or parameters that cannot be.

    """
    kept = Recording(None if store is True else str(store), name="script") if store else None
    with scratched(kept) as script:
        return script.measure(fn, check=check, volume=volume, name=name, params=params, device=device, budget=budget)


@contextlib.contextmanager
def recording(*, store: str | Path | None = None, name: str = "script") -> Iterator[Script]:
    """Measure several callables into one run, judged at the end.

    Args:
        store: folder of the store; None for ``ASSAY_STORE``, else ``./runs``.
        name: of the run's plan: runs of one name are compared with each other.

    """
    with scratched(Recording(None if store is None else str(store), name=name)) as script:
        yield script


@contextlib.contextmanager
def scratched(kept: Recording | None) -> Iterator[Script]:
    """Give a script a folder for its heartbeats, and close its run."""
    with tempfile.TemporaryDirectory(prefix="assay-") as scratch, contextlib.ExitStack() as last:
        if kept is not None:
            last.callback(kept.close)
        yield Script(Path(scratch), kept)


class Script:
    """What one script has measured so far; ``run`` is the id of its run once there is one."""

    def __init__(self, scratch: Path, kept: Recording | None) -> None:
        """Hold a folder for heartbeats, and the run to write to, if there is one."""
        self._scratch, self._kept = scratch, kept
        self._sessions: dict[str, Session] = {}

    @property
    def run(self) -> str | None:
        """Give the id of the run; None before the first case and where nothing is stored."""
        return self._kept.run.id if self._kept and self._kept.run else None

    def measure(
        self,
        fn: Callable[[], Any],
        *,
        check: Check | None = None,
        volume: Volume | None = None,
        name: str = "",
        params: Mapping[str, Any] | None = None,
        device: str = "cpu",
        budget: Mapping[str, float] | None = None,
    ) -> Measurement:
        """Measure one callable, as ``assay.measure`` does."""
        session = self.session(device)
        case = case_of(fn, name=name, params=params, device=device, budget=checked_budget(budget or {}, {}, where="budget"))
        found = measure_case(session, case, lambda _context, **_params: work_of(fn, check, volume or Volume()))
        assert found is not None  # noqa: S101 - rank 0 of a world of one
        if self._kept is not None:
            self._kept.add(found, rank_facts(session.context.world, session))
        return found

    def session(self, device: str) -> Session:
        """Open a device once for all cases on it."""
        if device not in self._sessions:
            opened = open_device(device, local_rank=0)
            beat = Beat(self._scratch / "beats", rank=0, launch=len(self._sessions))
            self._sessions[device] = Session(Context(SoloWorld(), opened), beat, self._scratch, 0, timer=dict(opened.timer()))
        return self._sessions[device]


def case_of(fn: Callable[[], Any], *, name: str, params: Mapping[str, Any] | None, device: str, budget: Budget) -> Case:
    """Name what is measured: the case's key is what later runs are compared by."""
    known = dict(params or {})
    for key, value in known.items():
        if not isinstance(value, PLAIN):
            message = "is no plain value, so no key can be made of it"
            raise RefusalError(message, value=value, where=f"params[{key!r}]", fix="Give text, numbers, true or false, or lists of them.")
    label = name or f"{getattr(fn, '__module__', '')}.{getattr(fn, '__qualname__', type(fn).__name__)}"
    return Case("script", "assay.measure", {"function": label, **known}, align="block", device=device, budget=budget)


def work_of(fn: Callable[[], Any], check: Check | None, volume: Volume) -> Work:
    """Make a callable and its check measurable."""
    last: list[Any] = [None]

    def step() -> None:
        last[0] = fn()

    def answer() -> Answer:
        assert check is not None  # noqa: S101 - never called without one
        said = check(last[0])
        if isinstance(said, Answer):
            return said
        return Answer(ok=said is True or said == True, tested=1, reason="" if said else f"the check said {said!r}")  # noqa: E712 - numpy's own booleans

    by: CheckedBy = "nobody" if check is None else "assay"
    return Work(step=step, check=answer, volume=volume, checked_by=by)
