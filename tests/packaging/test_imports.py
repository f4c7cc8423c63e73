"""Imports that only work by accident, or that join the two wings where they must not meet."""

from __future__ import annotations

import ast

import pytest

ROOMS = {"harness", "suites", "collectives", "results", "conf"}
FACTS = ("harness/", "suites/", "collectives/")
DOOR = "harness/door/"


def imported(source: str) -> list[tuple[int, str]]:
    """List what a file imports, as (line, dotted name); ``from a import b`` gives ``a.b``, relative imports are left out."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def bare_imports(source: str) -> list[str]:
    """Find imports of a room by its folder's name: they work in the clone's root and nowhere else."""
    return [f"line {line}: {name}" for line, name in imported(source) if name.split(".")[0] in ROOMS]


def opinions(source: str) -> list[str]:
    """Find imports of the judging wing."""
    return [f"line {line}: {name}" for line, name in imported(source) if name.split(".")[:2] == ["assay", "results"]]


@pytest.mark.parametrize(
    "planted",
    [
        "import harness",
        "import suites.gemm as g",
        "from harness import plan",
        "from suites.gemm import gemm",
        "def f():\n    import results",
    ],
)
def test_a_planted_bare_import_is_found(planted: str) -> None:
    assert len(bare_imports(planted)) == 1


@pytest.mark.parametrize(
    "healthy", ["import assay.harness", "from assay.suites import gemm", "from . import harness", "import harness_of_others"]
)
def test_an_import_through_assay_is_no_bare_import(healthy: str) -> None:
    assert bare_imports(healthy) == []


@pytest.mark.parametrize("planted", ["import assay.results", "from assay import results", "from assay.results.rules import judge"])
def test_a_planted_opinion_is_found(planted: str) -> None:
    assert len(opinions(planted)) == 1


@pytest.mark.parametrize("healthy", ["import assay.harness", "from assay.harness import results", "import assay.results_of_others"])
def test_a_fact_is_no_opinion(healthy: str) -> None:
    assert opinions(healthy) == []


def test_no_file_imports_a_room_by_its_folder(sources: dict[str, str]) -> None:
    assert {path: found for path, text in sources.items() if (found := bare_imports(text))} == {}


def test_facts_never_import_opinions(sources: dict[str, str]) -> None:
    facts = {path: text for path, text in sources.items() if path.startswith(FACTS) and not path.startswith(DOOR)}
    assert len(facts) > 1
    assert {path: found for path, text in facts.items() if (found := opinions(text))} == {}
