"""GitLab's Code Quality report: an array of findings, in a merge request new or fixed (docs.gitlab.com, ci/testing/code_quality)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from assay.results.exchange.outcomes import Outcome, worst_first
from assay.results.units import plain

# A finding needs a file of the repository; where no case names its own, it is the one that every repository with GitLab CI has.
FILE = ".gitlab-ci.yml"
TEST = re.compile(r"(?:^|[/,])test=(?P<path>[^:,]+\.py)::")
# GitLab knows info, minor, major, critical and blocker. A wrong answer is worse than a missing one, that worse than a slow one.
SEVERITIES: Mapping[str, str] = {"wrong": "blocker"}
KINDS: Mapping[str, str] = {"error": "critical", "failed": "major"}


def write(found: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Write a finding for each outcome that failed or is an error, worst first; nothing that failed is no finding, an empty array.

    The fingerprint is made of case and check only, so a finding stays the same one while its figures move.
    """
    rows = [finding(one) for one in worst_first(found) if one.kind in KINDS]
    return list({row["fingerprint"]: row for row in reversed(rows)}.values())[
        ::-1
    ]  # GitLab drops a second one of the same mark: the worst stays


def finding(one: Outcome) -> dict[str, Any]:
    """Write one finding with every field that GitLab asks for."""
    check = f"assay/{plain(one.group)}"
    message = plain(one.message or one.text.partition("\n")[0])
    return {
        "description": f"{plain(one.status)}: {plain(one.name)}" + (f": {message}" if message else ""),
        "check_name": check,
        "fingerprint": hashlib.sha256(f"{check}\n{one.name}".encode(errors="backslashreplace")).hexdigest(),
        "severity": SEVERITIES.get(one.status, KINDS[one.kind]),
        "location": {"path": file_of(one.name), "lines": {"begin": 1}},
    }


def file_of(name: str) -> str:
    """Give the file of the repository that a case's name names: a test's own; never one outside."""
    named = TEST.search(name)
    path = PurePosixPath(named["path"]) if named else PurePosixPath(FILE)
    return FILE if path.is_absolute() or ".." in path.parts else plain(str(path))
