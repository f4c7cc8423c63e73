"""Everything that is shipped composes, plans, and runs once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from assay.harness.door.compose import compose, options
from assay.harness.door.planning import make_plan
from tests.door.place import BUDGET, Place
from tests.suites.numerics.units.written import made

PLANS, SITES, SUITES = options("plan"), options("site"), options("suite")


@pytest.mark.parametrize(("plan", "site"), [*itertools.product(PLANS, SITES)])
def test_every_plan_composes_with_every_site(plan: str, site: str) -> None:
    composed = compose([f"plan={plan}", f"site={site}"])
    made = make_plan(composed)
    assert (composed.plan_name, made.name) == (plan, plan)
    assert composed.config["site"]["name"] == site
    assert made.cases
    assert len({case.key for case in made.cases}) == len(made.cases)
    assert all(case.nranks == made.nranks for case in made.cases)


def test_what_was_composed_says_all_that_was_chosen() -> None:
    composed = compose(["plan=smoke", "suite=[gemm]"])
    assert [*composed.config["suite"]] == ["gemm"]
    assert any("all_reduce" in note and "not chosen" in note for note in composed.notes)


def spelled(value: Any) -> str:
    """Write a value in Hydra's grammar."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{spelled(part)}" for key, part in value.items()) + "}"
    return str(value)


def smallest(given: str) -> list[str]:
    """Cut every axis of every suite to its first value, which ought to be its least demanding."""
    suites = compose([f"suite=[{','.join(SUITES)}]", given]).config["suite"]
    return [given] + [
        f"suite.{name}.axes.{axis}=[{spelled(values[0])}]" for name, suite in suites.items() for axis, values in suite["axes"].items()
    ]


@pytest.fixture(scope="module")
def shown(place: Place) -> dict[str, Any]:
    """Run every suite once, in one launch."""
    given = f"suite.vectors.file={made(place.folder / 'vectors.npz')}"  # the one parameter without a default
    done = place.assay("run", f"suite=[{','.join(SUITES)}]", *smallest(given), *BUDGET, "--allow-inconclusive", seconds=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return place.show()


@pytest.mark.mpi
@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_runs(shown: dict[str, Any], suite: str) -> None:
    own = [case for case in shown["cases"] if case["suite"] == suite]
    assert own
    for case in own:
        assert case["status"] in {"measured", "not_applicable"}, case["reason"]
        assert case["status"] == "measured" or case["reason"]
        assert case["status"] != "measured" or (case["checked"]["ok"] and case["checked"]["tested"] > 0)
