"""Number formats for people: one table of what each loses, one of how fast it is, and the published order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.results.formats import PUBLISHED_ORDER, Compared, Rate, out_of_order
from assay.results.units import percent, plain, quantity

NONE = "-"
LOSSES = (
    "format",
    "scaled",
    "rel RMSE",
    "SQNR dB",
    "bias [95 %]",
    "calc_diff",
    "max rel error",
    "became 0",
    "smallest..largest",
    "octaves",
    "B/element",
)
RATES = ("format", "operation", "elements/s", "[95 %]", "p99..best", "n", "bytes/s", "share of limit", "stored in")


def lines(found: Sequence[Compared]) -> Iterator[str]:
    """Write both tables and the order; every format of one run was measured on the same numbers."""
    for data in dict.fromkeys(one.data for one in found):
        own = [one for one in found if one.data == data]
        yield f"{plain(data)}"
        yield from table(LOSSES, [losses(one) for one in own])
        yield "bias: sum(|decoded| - |given|) / sum |given|, its interval over tiles of 128; octaves: largest to smallest of one block"
        yield ""
        yield from table(RATES, [rates(one, name, rate) for one in own for name, rate in one.rates.items()])
        yield "one repetition is one pass over the tensor; bytes are float32 on one side, codes and scales as stored on the other"
        if any((rate.share or 0) > 1 for one in own for rate in one.rates.values()):
            yield "over 100 % of the memory's limit: the tensor stays in a cache; take more --elements to see the memory"
        yield from (plain(f"{one.format} {name} {said}") for one in own for name, said in one.wrong.items())
        yield ""
        yield from order(own)


def order(found: Sequence[Compared]) -> Iterator[str]:
    """Say whether the published order holds here."""
    known = [one.format for one in found if one.format in PUBLISHED_ORDER and one.scores]
    if len(known) < 2:  # noqa: PLR2004 - an order needs two
        return
    chain = " < ".join(name for name in PUBLISHED_ORDER if name in known)
    broken = list(out_of_order(found))
    yield f"published order of errors on normal data, {chain}: {'does NOT hold here' if broken else 'holds here'}"
    yield from (f"  {one}" for one in broken)


def losses(one: Compared) -> list[str]:
    """Write the cells of one format."""
    s = one.scores
    if not s:
        return [one.format, one.scaled, *([NONE] * (len(LOSSES) - 2))]
    interval = f" [{s['bias_low']:+.1e}, {s['bias_high']:+.1e}]" if "bias_low" in s else ""
    return [
        one.format,
        one.scaled,
        f"{s['rel_rmse']:.3g}",
        "exact" if one.sqnr is None else f"{one.sqnr:.1f}",
        f"{s['bias']:+.2e}{interval}",
        f"{s['calc_diff']:.2e}",
        f"{s['max_rel_error']:.3g}",
        percent(s["flushed"]),
        f"{s['smallest']:.2e}..{s['largest']:.2e}",
        f"{s['octaves']:.1f}",
        f"{s['wire_nbytes_per_element']:.4g}",
    ]


def rates(one: Compared, name: str, rate: Rate) -> list[str]:
    """Write the cells of one operation."""
    interval = NONE if rate.ci is None else f"{quantity(rate.ci[0], '')}..{quantity(rate.ci[1], '')}"
    share = "no limit known" if rate.share is None else f"{percent(rate.share)} of {plain(rate.limit)}"
    spread = f"{quantity(rate.p99, '')}..{quantity(rate.best, '')}"
    return [one.format, name, quantity(rate.elements, ""), interval, spread, str(rate.n), quantity(rate.nbytes, "B/s"), share, one.stored]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write aligned columns: words to the left, figures to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    words = {0, 1}
    for row in (head, *rows):
        cells = (text.ljust(width) if i in words else text.rjust(width) for i, (text, width) in enumerate(zip(row, widths, strict=True)))
        yield "  ".join(cells).rstrip()
