"""How a case asks to be timed: checked at plan time, only what differs from the device's own way enters the case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.harness.errors import RefusalError

METHODS = ("auto", "events", "graph", "cupti", "host")
MODES = ("burst", "sustained")
DEFAULTS: Mapping[str, Any] = {"method": "auto", "mode": "burst", "settle_seconds": None, "pace_seconds": None, "buffers": 1}
SETTLE_SECONDS = 10.0  # of a sustained case that names no other: a large chip's clock and temperature are level by then
LONGEST_SECONDS = 3600.0
MOST_BUFFERS = 1024


def asked_timer(options: Mapping[str, Any], *, align: str, where: str = "timer") -> dict[str, Any]:
    """Give what is asked for beyond the defaults; RefusalError names the key, the value and the way out.

    ``method``: auto, events, graph, cupti, host. ``mode``: burst (cold caches, ``pace_seconds`` apart) or sustained (back to back,
    ``settle_seconds`` of it before anything counts), which cannot have a barrier between its steps. ``buffers``: sets of operands that
    steps use in turn, so that caches stay cold without a flush; a captured graph repeats one set.
    """
    for name in options:
        if name not in DEFAULTS:
            message = "is no part of the timer"
            raise RefusalError(message, value=name, where=f"{where}.{name}", fix=f"It has {', '.join(DEFAULTS)}.")
    asked = {name: value for name, value in options.items() if value is not None and value != DEFAULTS[name]}
    for name, choices in (("method", METHODS), ("mode", MODES)):
        if name in asked and asked[name] not in choices:
            message = "is not one of the choices"
            raise RefusalError(message, value=asked[name], where=f"{where}.{name}", fix=f"Choose one of {', '.join(choices)}.")
    check_buffers(options, where=where)
    sustained = asked.get("mode") == "sustained"
    for name, wanted in (("settle_seconds", sustained), ("pace_seconds", not sustained)):
        if name in asked:
            asked[name] = positive(asked[name], where=f"{where}.{name}")
            if not wanted:
                message = f"has no meaning with mode={'sustained' if sustained else 'burst'}"
                raise RefusalError(message, value=asked[name], where=f"{where}.{name}", fix="Leave it out, or set timer.mode.")
    if sustained and align != "block":
        message = "sustained timing is back to back, but this suite has a barrier before each repetition"
        raise RefusalError(message, value=align, where=f"{where}.mode", fix="Set suite.NAME.align=block, or leave the suite out.")
    return asked | ({"settle_seconds": asked.get("settle_seconds", SETTLE_SECONDS)} if sustained else {})


def check_buffers(options: Mapping[str, Any], *, where: str) -> None:
    """Refuse a number of buffers that is none, or that a graph would not use."""
    buffers = 1 if options.get("buffers") is None else options["buffers"]
    if isinstance(buffers, bool) or not isinstance(buffers, int) or not 1 <= buffers <= MOST_BUFFERS:
        message = "must be a whole number of sets"
        raise RefusalError(message, value=buffers, where=f"{where}.buffers", fix=f"From 1 to {MOST_BUFFERS}.")
    if buffers > 1 and options.get("method") == "graph":
        message = "a captured graph repeats one set of operands"
        raise RefusalError(message, value=buffers, where=f"{where}.buffers", fix="Leave it out, or choose another timer.method.")


def positive(value: object, *, where: str) -> float:
    """Return a positive number of seconds; RefusalError otherwise."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= LONGEST_SECONDS:
        return float(value)
    message = "must be a positive number of seconds"
    raise RefusalError(message, value=value, where=where, fix=f"Write 1.5, for example; {LONGEST_SECONDS:g} at most.")
