"""Vendor comparison: planted differences ranked, nothing planted not, truth before speed, and what may not be ranked said so."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.stats import gmean

from assay.harness.case import Case
from assay.harness.door.main import main
from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.contender import Contender, read_contender
from assay.results.prices import stated_price
from assay.results.scoreboard import RECOMMENDATIONS, answers
from assay.results.tokens import Assumptions, cost, sensitivity
from assay.results.versus import versus
from tests.results.builders import GEMM, case, measured, write_run, wrong

CASES = (case(m=64, dtype="bf16"), case(m=128, dtype="bf16"), case(m=256, dtype="bf16"))


def runs(
    store: Path, label: str, speed: float, *, nodes: int = 3, sessions: int = 2, cases: tuple[Case, ...] = CASES, seed: int = 1, **more: Any
) -> list[RunDir]:
    """Write two runs a session and node; nodes differ by 1 %, runs by 0.3 %."""
    rng = np.random.default_rng(seed)
    made = []
    for node in range(nodes):
        own = 1 + 0.01 * rng.standard_normal()
        for session in range(sessions):
            for again in range(2):
                name = f"20261126-{len(made):06d}-{seed % 1000:03d}-{len(label):06x}"
                factor = speed * own * (1 + 0.003 * rng.standard_normal())
                rows = [measured(one, [1e-3 * (i + 1) / factor] * 12, volume=GEMM) for i, one in enumerate(cases)]
                described = {"host": f"{label}{node}", "session": f"{label}-s{session}", "hw_class": label} | more
                made.append(write_run(store / label / f"{name}{again}", rows, **described))
    return made


def two(tmp_path: Path, speed: float, **more: Any) -> tuple[Contender, Contender]:
    return read_contender("a", runs(tmp_path, "a", 1.0, seed=1, **more)), read_contender("bb", runs(tmp_path, "bb", speed, seed=2, **more))


def test_a_faster_vendor_is_ranked_first(tmp_path: Path) -> None:
    found = versus(two(tmp_path, 1.10))
    assert found.ranking == [["bb"], ["a"]]
    assert len(found.matched) == 3
    assert found.ratios[1].ratio == pytest.approx(1.10, rel=0.03)
    ends = found.ratios[1].interval
    assert ends is not None
    assert ends[0] < 1.10 < ends[1] or abs(math.log(found.ratios[1].ratio / 1.1)) < 0.03


def test_equal_vendors_are_not_told_apart(tmp_path: Path) -> None:
    found = versus(two(tmp_path, 1.0))
    assert found.ranking in ([["a", "bb"]], [["bb", "a"]])


def test_the_geometric_mean_is_that_of_the_cases(tmp_path: Path) -> None:
    a, b = two(tmp_path, 1.3)
    found = versus([a, b])
    wanted = gmean([math.exp(b.figures[name].log - a.figures[name].log) for name in found.matched])
    assert found.ratios[1].ratio == pytest.approx(float(wanted))


@pytest.mark.parametrize(("nodes", "sessions", "said"), [(2, 2, "2 nodes"), (3, 1, "1 sessions"), (1, 1, "1 nodes")])
def test_too_few_nodes_or_sessions_are_shown_not_ranked(tmp_path: Path, nodes: int, sessions: int, said: str) -> None:
    found = versus(two(tmp_path, 1.5, nodes=nodes, sessions=sessions))
    assert found.ranking == []
    assert any(said in reason for reason in found.unranked)
    assert found.ratios[1].ratio > 1.3


def test_a_wrong_answer_has_no_speed_and_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = runs(tmp_path, "a", 1.0, seed=1), runs(tmp_path, "bb", 2.0, seed=2)
    spoiled = write_run(tmp_path / "bb" / "20261126-999999-000-000000", [wrong(CASES[0])], planned=[CASES[0]], host="bb0", session="bb-s0")
    found = versus([read_contender("a", good), read_contender("bb", [*bad, spoiled])])
    assert len(found.matched) == 2
    (reason,) = found.wrong["bb"].values()
    assert reason.startswith("wrong: ")
    for one in (*good, *bad, spoiled):
        one.path.rename(tmp_path / one.id.replace("-0000", f"-{one.path.parent.name}", 1))
    names = {label: [path.name for path in sorted(tmp_path.glob(f"2*-{label}*"))] for label in ("a", "bb")}
    names["bb"].append(next(path.name for path in tmp_path.glob("20261126-999999*")))
    words = [f"{label}={','.join(own)}" for label, own in names.items()]
    assert main(["versus", *words, "--store", str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert text.index("truth:") < text.index("wrong: ") < text.index("speed:")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "version 2 against 1"),
        ({"timer": {"mode": "sustained"}}, "timer"),
        ({"params": {"m": 64, "dtype": "fp8"}}, "dtype 'fp8' against 'bf16'"),
    ],
)
def test_other_work_is_never_compared(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    others = tuple(replace(one, **change) for one in CASES[:1])
    a = read_contender("a", runs(tmp_path, "a", 1.0, cases=CASES[:1]))
    b = read_contender("bb", runs(tmp_path, "bb", 9.0, cases=others))
    found = versus([a, b])
    assert found.matched == []
    assert found.ranking == []
    assert any(said in reason for reason in found.unmatched.values())


def test_other_devices_do_the_same_work(tmp_path: Path) -> None:
    cuda = tuple(replace(one, device="cuda") for one in CASES)
    found = versus([read_contender("a", runs(tmp_path, "a", 1.0)), read_contender("bb", runs(tmp_path, "bb", 1.2, cases=cuda))])
    assert len(found.matched) == 3


def test_money_counts_inversely(tmp_path: Path) -> None:
    found = versus(two(tmp_path, 1.0), prices={"a": 2.0, "bb": 4.0})
    assert found.ratios[1].per_money == pytest.approx(found.ratios[1].ratio / 2)
    assert versus(two(tmp_path / "x", 1.0), prices={"a": 2.0}).ratios[1].per_money is None


def test_refusals(tmp_path: Path) -> None:
    a, b = two(tmp_path, 1.0)
    for contenders, prices, said in (
        ([a], {}, "two contenders"),
        ([a, replace(b, label="a")], {}, "two contenders"),
        ([a, replace(a, label="c")], {}, "on two sides"),
        ([a, b], {"c": 1.0}, "is no contender"),
        ([a, b], {"a": 0.0}, "no price"),
    ):
        with pytest.raises(RefusalError, match=said):
            versus(contenders, prices=prices)
    planted = write_run(tmp_path / "planted", [measured(CASES[0], [1.0] * 10)], inject=True)
    with pytest.raises(StoreError, match="planted"):
        read_contender("p", [planted])


def test_cost_of_a_million_tokens_by_hand() -> None:
    given = Assumptions(tokens_per_second=1000, device_hour=2.0, watts=700, pue=1.2, tariff=0.1, utilisation=0.5)
    # 1.8 million tokens an hour for 2 + 0.7 x 1.2 x 0.1 = 2.084
    assert cost(given) == pytest.approx(2.084 / 1.8)
    swings = sensitivity(given)
    assert swings["tokens_per_second"] == pytest.approx((cost(given) / 0.8, cost(given) / 1.2))
    assert swings["device_hour"][0] < cost(given) < swings["device_hour"][1]
    assert swings["pue"][0] == pytest.approx((2.0 + 0.7 * 1.0 * 0.1) / 1.8)  # PUE cannot be under 1
    for name, value in (("pue", 0.5), ("utilisation", 1.2), ("tokens_per_second", 0.0), ("watts", -1.0)):
        with pytest.raises(RefusalError, match=name.replace("_", "-")):
            replace(given, **{name: value}).checked()


def test_every_recommendation_has_an_answer(tmp_path: Path) -> None:
    assert [one.number for one in RECOMMENDATIONS] == list(range(1, 19))
    told = answers(two(tmp_path, 1.0)[0])
    assert told[1] == "not measured (suite fp8_gemm)"
    assert told[2] == "no suite measures it yet"
    mine = read_contender("c", runs(tmp_path, "ccc", 1.0, cases=(case("fp8_gemm", m=64),)))
    assert answers(mine)[1] == "1 cases of fp8_gemm measured"


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {}
    for label, speed, seed in (("a", 1.0, 1), ("bb", 1.2, 2)):
        made = runs(tmp_path / "made", label, speed, seed=seed)
        names[label] = []
        for i, one in enumerate(made):
            new = tmp_path / f"20261126-000000-{i:03d}-{seed:06x}"
            one.path.rename(new)
            names[label].append(new.name)
    words = [f"{label}={','.join(own)}" for label, own in names.items()]
    money = ["--price", "a=2", "--price", "bb=3", "--tokens-per-second", "a=1000", "--watts", "a=700"]
    assert main(["versus", *words, "--store", str(tmp_path), "--scoreboard", *money]) == 0
    text = capsys.readouterr().out
    assert "ranking: bb > a" in text
    assert "device_hour 2" in text
    assert "no suite measures it yet" in text
    assert main(["versus", *words, "--store", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ranking"] == [["bb"], ["a"]]
    assert main(["versus", *words, "--store", str(tmp_path), "--tokens-per-second", "a=1000"]) == 3


def priced(store: Path, price: Any) -> RunDir:
    made = write_run(store / f"r{abs(hash(str(price))) % 10**6}", [measured(CASES[0], [1e-3] * 10)])
    config = {"site": {}, "launch": {}, "rules": {}, "hardware": {"price": price}}
    (made.path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return made


def test_prices_are_stated_with_their_source(tmp_path: Path) -> None:
    entry = {"device_hour": {"value": 2.5, "unit": "USD/h", "source": "offer of 2026-11-02"}}
    one = priced(tmp_path, entry)
    assert stated_price([one]) == (2.5, "USD/h, offer of 2026-11-02")
    assert stated_price([one, priced(tmp_path, None)]) is None
    with pytest.raises(RefusalError, match="2 prices"):
        stated_price([one, priced(tmp_path, {"device_hour": entry["device_hour"] | {"value": 3.0}})])
    for bad in ({"device_hour": {"value": 0, "unit": "USD/h", "source": "x"}}, {"device_hour": {"value": 1, "unit": "USD/h"}}, {"hour": 1}):
        with pytest.raises(RefusalError, match="device_hour"):
            stated_price([priced(tmp_path, bad)])
