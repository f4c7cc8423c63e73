"""The exit code of a run, from its verdicts and its coverage alone."""

from __future__ import annotations

from collections.abc import Iterable

from assay.results.coverage import Coverage

# Several codes at once: the first of these decides. 130 (interrupted) is the door's own and never comes from a verdict.
PRECEDENCE = (3, 1, 2, 4, 0)
WORDS = {0: "pass", 1: "fail", 2: "error", 3: "refused", 4: "no-verdict"}
BY_STATUS = {"fail": 1, "error": 2, "no-verdict": 4, "warn": 0, "pass": 0, "skip": 0}


def combine(codes: Iterable[int]) -> int:
    """Give the code that decides; 4 for none at all, since nothing was judged. ValueError for a code that is none of ours."""
    given = set(codes)
    if not given <= set(PRECEDENCE):
        message = f"no exit code of a judgement: {sorted(given - set(PRECEDENCE))}"
        raise ValueError(message)
    return next((code for code in PRECEDENCE if code in given), 4)


def exit_code(statuses: Iterable[str], coverage: Coverage, *, also: Iterable[int] = (), allow_inconclusive: bool = False) -> int:
    """Give the exit code of a run.

    Args:
        statuses: status of every verdict; an unknown one raises KeyError.
        coverage: what was planned and what came of it.
        also: further codes that count, such as that of a comparison which was asked to decide.
        allow_inconclusive: turn 4, and only 4, into 0.

    """
    codes = [BY_STATUS[status] for status in statuses]
    codes.append(1 if coverage.count("wrong") else 0)
    codes.append(2 if coverage.missing or coverage.failed > coverage.count("wrong") else 0)
    codes.append(4 if coverage.barren or not coverage.measured else 0)
    code = combine([*codes, *also])
    return 0 if code == 4 and allow_inconclusive else code  # noqa: PLR2004 - 4 is what the option is about


def word(code: int, statuses: Iterable[str] = ()) -> str:
    """Name the outcome of a run: the exit code's word, and ``warn`` for a pass that needed more than one attempt."""
    return "warn" if code == 0 and "warn" in set(statuses) else WORDS.get(code, "unknown")


def summary(coverage: Coverage, code: int, statuses: Iterable[str] = ()) -> dict[str, int | str]:
    """Give what ``run.json`` keeps of the judgement; missing cases count as failed there."""
    return {
        "planned": coverage.planned,
        "measured": coverage.measured,
        "failed": coverage.failed + coverage.missing,
        "skipped": coverage.count("skipped"),
        "not_applicable": coverage.count("not_applicable"),
        "verdict": word(code, statuses),
    }
