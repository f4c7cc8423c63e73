"""``assay.measure`` in a script: the same measuring, the same files, and no answer that nobody checked passes for a right one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import assay
from assay.harness.errors import RefusalError
from tests.door.place import Place

QUICK = {"seconds": 0.02, "warmup_seconds": 0.02, "min_reps": 6}
A = np.arange(64.0).reshape(8, 8)


def test_a_checked_callable_is_measured() -> None:
    found = assay.measure(lambda: A @ A, check=lambda got: np.array_equal(got, np.einsum("ij,jk->ik", A, A)), budget=QUICK)
    assert found.status == "measured"
    assert found.checked.ok
    assert found.checked.by == "assay"
    assert len(found.samples.rows[0]) >= 6
    assert "the answer was not checked" not in found.flags


@pytest.mark.parametrize(
    "said", [False, np.bool_(0), assay.Answer(ok=False, tested=3, reason="row 2 differs"), assay.Answer(ok=True, tested=0)]
)
def test_a_wrong_answer_has_no_figure(said: object) -> None:
    found = assay.measure(lambda: 1, check=lambda _got: said, budget=QUICK)  # type: ignore[arg-type, return-value]
    assert found.status == "wrong"
    assert not found.samples.rows


def test_the_check_sees_what_the_last_call_returned() -> None:
    made: list[int] = []

    def fn() -> int:
        made.append(len(made))
        return made[-1]

    assert assay.measure(fn, check=lambda got: got == made[-1], budget=QUICK).status == "measured"


def test_without_a_check_it_is_said() -> None:
    found = assay.measure(lambda: 1, budget=QUICK)
    assert (found.status, found.checked.by, found.checked.tested) == ("measured", "nobody", 0)
    assert "the answer was not checked" in found.flags


def test_one_that_raises_is_an_error_with_its_name() -> None:
    found = assay.measure(lambda: 1 // 0, budget=QUICK)
    assert found.status == "error"
    assert "ZeroDivisionError" in found.reason


@pytest.mark.parametrize(
    ("bad", "where"),
    [({"params": {"x": object()}}, "params['x']"), ({"device": "nope"}, "device"), ({"budget": {"seconds": -1}}, "budget.seconds")],
)
def test_what_cannot_be_is_refused(bad: dict[str, object], where: str) -> None:
    with pytest.raises(RefusalError) as caught:
        assay.measure(lambda: 1, **bad)  # type: ignore[arg-type]
    assert where in str(caught.value)


def test_the_key_says_function_parameters_and_device() -> None:
    found = assay.measure(lambda: 1, name="mine", params={"n": 3}, budget=QUICK)
    assert found.case.key == "script/1/cpu/block/function=mine,n=3/1x1"


SCRIPT = """
import assay
quick = {"seconds": 0.02, "warmup_seconds": 0.02, "min_reps": 6}
with assay.recording(name="mine") as session:
    session.measure(lambda: sum(range(100)), name="sum", check=lambda got: got == 4950, budget=quick, volume=assay.Volume(flops=100))
    if %(unchecked)s:
        session.measure(lambda: 1, name="one", budget=quick)
    print(session.run)
"""


def scripted(place: Place, *, unchecked: bool) -> str:
    """Run a script and give the id of its run."""
    (place.folder / "script.py").write_text(SCRIPT % {"unchecked": unchecked})
    done = place.command(sys.executable, "script.py")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_stored_script_is_a_run_like_any_other(fresh: Place) -> None:
    first, second = scripted(fresh, unchecked=False), scripted(fresh, unchecked=False)
    document = fresh.show(second)
    assert document["exit_code"] == 0
    assert {record["metric"] for record in document["records"]} == {"time", "flop_rate"}
    assert document["comparison"]["base"] == [first]
    compared = fresh.assay("compare", first, second)
    assert compared.returncode == 0
    assert "inconclusive" in compared.stdout


def test_a_run_with_an_unchecked_answer_has_no_verdict(fresh: Place) -> None:
    document = fresh.show(scripted(fresh, unchecked=True))
    assert document["exit_code"] == 4
    assert [v["status"] for v in document["verdicts"] if v["metric"] == "answer"] == ["pass", "no-verdict"]
    assert "unchecked" in fresh.assay("show", "latest").stdout


def test_a_script_that_dies_leaves_what_it_had_measured(fresh: Place) -> None:
    (fresh.folder / "script.py").write_text(SCRIPT % {"unchecked": False} + "    import os; os._exit(9)\n")
    assert fresh.command(sys.executable, "script.py").returncode == 9
    assert [case["status"] for case in fresh.show()["cases"]] == ["measured"]
    assert "incomplete" in fresh.assay("runs").stdout


def test_importing_assay_stays_light(fresh: Place) -> None:
    heavy = "import sys, assay; print([name for name in ('torch', 'numpy', 'hydra', 'pandas', 'mpi4py') if name in sys.modules])"
    assert fresh.command(sys.executable, "-c", heavy).stdout.strip() == "[]"


def test_nothing_is_left_beside_a_measurement_that_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assay.measure(lambda: 1, budget=QUICK)
    assert json.dumps([str(path) for path in tmp_path.rglob("*")]) == "[]"
