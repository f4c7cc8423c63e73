"""Calls with a deadline: one that hangs is left alone, and so is everything after it."""

from __future__ import annotations

import threading

from assay.harness.telemetry.calls import Calls
from assay.harness.telemetry.protocol import AbsentError


def test_a_value_is_ok_and_a_zero_stays_one() -> None:
    assert Calls(5).read("power", lambda: 0).as_dict() == {"status": "ok", "value": 0}


def test_what_is_absent_keeps_its_status_and_anything_else_failed() -> None:
    calls = Calls(5)

    def absent() -> None:
        raise AbsentError(status="denied", detail="ask root")

    def broken() -> None:
        message = "no"
        raise OSError(message)

    assert calls.read("ecc", absent).as_dict() == {"status": "denied", "detail": "ask root"}
    assert calls.read("ecc", broken).as_dict() == {"status": "failed", "detail": "OSError: no"}
    assert calls.read("ecc", lambda: 1).status == "ok"


def test_after_a_call_that_hangs_nothing_is_called() -> None:
    calls, never, asked = Calls(0.05), threading.Event(), []
    assert calls.read("temperature", never.wait).status == "timed out"
    after = calls.read("power", lambda: asked.append(1))
    assert (after.status, after.value, asked) == ("timed out", None, [])
    assert "temperature did not return" in after.detail
    never.set()
