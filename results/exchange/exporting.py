"""A run in the form of whichever tool is to read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from assay.harness.errors import RefusalError
from assay.harness.rundir import write_atomic
from assay.results.exchange import codequality, dashboards, github, junit, openmetrics, pytest_benchmark, tabular
from assay.results.exchange.outcomes import outcomes

if TYPE_CHECKING:
    from assay.results.judge import Judgement

FORMATS = (
    "junit",
    "github",
    "gitlab",
    "gitlab-codequality",
    "bmf",
    "github-action-benchmark",
    "pytest-benchmark",
    "pytorch-hud",
    "openmetrics",
    "csv",
    "parquet",
)
GITLAB_DIGITS = 4


def text_of(judgement: Judgement, fmt: str) -> str:
    """Write a run as text in one format; RefusalError for the two that are no single text."""
    records, found, described = list(judgement.records), outcomes(judgement), judgement.described
    title = f"Assay: {judgement.word}, run {judgement.run.id}"
    writers: dict[str, Callable[[], str]] = {
        "junit": lambda: junit.write(found, name=f"assay {judgement.run.id}", stamp=str(described.get("started", ""))),
        "github": lambda: github.summary(found, title=title, lines=[judgement.coverage.text(), *judgement.problems]),
        "gitlab-codequality": lambda: as_json(codequality.write(found)),
        "gitlab": lambda: openmetrics.write(records, digits=GITLAB_DIGITS),
        "openmetrics": lambda: openmetrics.write(records),
        "csv": lambda: tabular.write_csv(records),
        "bmf": lambda: as_json(dashboards.bmf(records)),
        "pytest-benchmark": lambda: as_json(pytest_benchmark.write(judgement)),
        "pytorch-hud": lambda: as_json(dashboards.hud(judgement)),
    }
    if fmt in writers:
        return writers[fmt]()
    message = "is no single text" if fmt in FORMATS else "is no format"
    raise RefusalError(message, value=fmt, where="--format", fix=f"Say -o PATH. Known: {', '.join(FORMATS)}.")


def as_json(data: object) -> str:
    """Write plain JSON: NaN and infinities, which it cannot hold, never come out of a record."""
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def write(judgement: Judgement, fmt: str, path: Path) -> list[Path]:
    """Write a run to a file, whole or not at all; github-action-benchmark gets one file for each direction, in the folder ``path``."""
    if fmt == "parquet":
        tabular.write_parquet(list(judgement.records), path)
        return [path]
    if fmt == "github-action-benchmark":
        path.mkdir(parents=True, exist_ok=True)
        rows = dashboards.action_benchmark(list(judgement.records))
        made = [path / f"{name}.json" for name in rows]
        for file, own in zip(made, rows.values(), strict=True):
            write_atomic(file, as_json(own))
        return made
    write_atomic(path, text_of(judgement, fmt))
    return [path]
