"""A history as JSON: every series with its values, runs and changes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from assay.results.approved import Creep
from assay.results.breaks import Break
from assay.results.changepoint import RULE, Segmentation
from assay.results.finding import Finding
from assay.results.history import History
from assay.results.series import Series, Timeline

SCHEMA = "assay.history/1"


def history_json(history: History) -> dict[str, Any]:
    """Give a history as plain JSON types; findings newest first, each naming its series by place in ``series``."""
    place = {one.identity: i for i, one in enumerate(history.timeline.series)}
    pairs = zip(history.timeline.series, history.segmentations, strict=True)
    return {
        "schema": SCHEMA,
        "rule": RULE,
        "metric": history.metric,
        "level": history.level,
        "min_effect": history.min_effect,
        "runs": len(history.timeline.runs),
        "judged": history.judged,
        "exit_code": history.decides(),
        "notes": list(history.timeline.notes),
        "findings": [finding_json(one) | {"series": place[one.series.identity]} for one in history.shown],
        "creep": [creep_json(one) | {"series": place[one.series.identity]} for one in history.creep],
        "breaks": [break_json(one) | {"series": place[one.series.identity]} for one in history.breaks],
        "series": [series_json(series, cut, history.timeline) for series, cut in pairs],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """Give one change."""
    interval = finding.change.interval
    change = asdict(finding.change) | {"effect": finding.change.effect, "interval": None if interval is None else list(interval)}
    told = {
        name: getattr(finding, name)
        for name in ("run", "last", "started", "commit", "newest", "stands", "worse", "together", "bridge", "approved")
    }
    return {
        "key": finding.series.key,
        "subject": finding.series.subject,
        "hw_class": finding.series.hw_class,
        "unit": finding.series.unit,
        **change,
        **told,
        "cause": cause_json(finding),
    }


def creep_json(one: Creep) -> dict[str, Any]:
    """Give what has crept since a frozen first segment."""
    told = {name: getattr(one, name) for name in ("baseline", "when", "effect", "accepted")}
    return {"key": one.series.key, "subject": one.series.subject, **told, "interval": list(one.interval)}


def break_json(one: Break) -> dict[str, Any]:
    """Give one break."""
    names = ("run", "last", "before", "after", "n_before", "n_after", "effect")
    previous = {"key": one.previous.key, "hw_class": one.previous.hw_class}
    told = {name: getattr(one, name) for name in names}
    return {"key": one.series.key, "subject": one.series.subject, "previous": previous, **told, "cause": cause_json(one)}


def cause_json(one: Finding | Break) -> dict[str, Any]:
    """Give a cause."""
    return {"kind": one.cause.kind, "evidence": list(one.cause.evidence)}


def series_json(series: Series, cut: Segmentation, timeline: Timeline) -> dict[str, Any]:
    """Give one series with its values."""
    names = ("key", "subject", "metric", "hw_class", "suite", "unit", "better", "gaps")
    return {
        **{name: getattr(series, name) for name in names},
        "n": len(series.values),
        "runs": [timeline.runs[place].id for place in series.places],
        "values": list(series.measured or series.values),
        **({"carried_values": list(series.values), "carried": [asdict(one) for one in series.carried]} if series.carried else {}),
        "test": cut.test,
        "autocorrelation": cut.autocorrelation,
        "spread": cut.spread,
        "changes": [change.index for change in cut.changes],
        "medians": list(cut.medians),
    }
