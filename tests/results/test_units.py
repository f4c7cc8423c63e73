"""Numbers as people read them."""

from __future__ import annotations

import pytest

from assay.results.units import duration, percent, plain, quantity, signed, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 ns"), (3.2e-8, "32.0 ns"), (1e-6, "1.00 us"), (1.234e-3, "1.23 ms"), (0.9999, "1000 ms"), (12.0, "12.0 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1e9, "B/s", "1.00 GB/s"),
        (989e12, "FLOP/s", "989 TFLOP/s"),
        (1.5e15, "FLOP/s", "1.50 PFLOP/s"),
        (12.0, "B/s", "12.0 B/s"),
        (65536, "B", "64 KiB"),
        (0.000475, "1", "0.000475"),
        (2e-6, "s", "2.00 us"),
    ],
)
def test_quantities_keep_decimal_rates_and_binary_sizes_apart(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_sizes() -> None:
    assert [size(n) for n in (8, 1024, 4 << 20, 1 << 30, 1000)] == ["8 B", "1 KiB", "4 MiB", "1 GiB", "1000 B"]


def test_shares_and_changes() -> None:
    assert (percent(0.041), percent(1.0), percent(12.0)) == ("4.1 %", "100 %", "1200 %")
    assert (signed(0.123), signed(-0.05)) == ("+12.3 %", "-5 %")
    assert (signed(8.9e-16), signed(-1e-9), signed(13.42)) == ("+0 %", "+0 %", "+1342 %")


@pytest.mark.parametrize("evil", ["\x1b[31mred", "a\nb", "a\rb", "\x9b2J", "\u202egnp.exe", "\x07", "\u2028", "\x00"])
def test_text_that_could_drive_a_terminal_is_shown_instead(evil: str) -> None:
    shown = plain(f"host{evil}")
    assert shown.isprintable()
    assert shown.startswith("host")
    assert plain(shown) == shown


def test_harmless_text_stays_itself() -> None:
    assert plain("Zürich 节点 42 %") == "Zürich 节点 42 %"
