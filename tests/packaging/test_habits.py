"""Habits of the tree that no linter knows: headers of suite files, vacuous asserts, paths of somebody's machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

# Spelled in pieces, so that this file does not find itself.
MACHINE = re.compile(r"(?<![\w.}~-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "tmp" + "/w"]) + r")(?:/|\b(?![\w-]))")


def header_fault(name: str, text: str) -> str:
    """Say what is wrong with the head of the suite file ``name``, if anything."""
    wanted = f"# @package suite.{name}"
    first = text.split("\n", 1)[0]
    return "" if first == wanted else f"begins {first!r}, not {wanted!r}"


def vacuous_asserts(source: str) -> list[int]:
    """Find asserts of a conditional expression: ``assert a < b if c else d`` says nothing about a and b unless c holds."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert) and isinstance(node.test, ast.IfExp)]


def machine_paths(text: str) -> list[str]:
    """Find absolute paths that exist on a developer's machine only."""
    return [f"line {number}: {line.strip()[:120]}" for number, line in enumerate(text.splitlines(), start=1) if MACHINE.search(line)]


def test_planted_heads_are_found() -> None:
    assert header_fault("gemm", "# @package suite.gemm\ntarget: x\n") == ""
    for planted in ("", "target: x\n", "# @package suite.gem\n", "# @package _global_\n", "\n# @package suite.gemm\n"):
        assert header_fault("gemm", planted), planted


def test_planted_vacuous_asserts_are_found() -> None:
    assert vacuous_asserts("assert a < b if c else d") == [1]
    assert vacuous_asserts("def f():\n    assert x == 1 if y else z, 'message'") == [2]
    assert vacuous_asserts("assert a < (b if c else d)\nassert [x for x in y if x]\nassert f(a if b else c)") == []


@pytest.mark.parametrize(
    "path",
    [
        "/wo" + "rk/main/x.py",
        "see '/wo" + "rk/shared'",
        "/ro" + "ot/.cache",
        "cd /tmp" + "/w && ls",
        "in /tmp" + "/w/v/bin",
        "HOME=/ro" + "ot",
    ],
)
def test_planted_machine_paths_are_found(path: str) -> None:
    assert machine_paths(f"fine\n{path}\n") == [f"line 2: {path}"]


@pytest.mark.parametrize(
    "text",
    [
        "../wo" + "rk/x",
        "harness/wo" + "rk.py",
        "https://host/frame/wo" + "rk/x",
        "/srv/tmp/workdir",
        "a/ro" + "ot/b",
        "/roots",
        "/working/",
        "./ro" + "ot/",
    ],
)
def test_other_paths_are_left_alone(text: str) -> None:
    assert machine_paths(text) == []


def test_every_suite_file_begins_with_its_package(root: Path) -> None:
    files = sorted((root / "conf" / "suite").glob("*.yaml"))
    assert files
    faults = {path.name: header_fault(path.stem, path.read_text(encoding="utf-8")) for path in files}
    assert {name: fault for name, fault in faults.items() if fault} == {}


def test_no_assert_is_a_conditional_expression(sources: dict[str, str]) -> None:
    tests = {path: text for path, text in sources.items() if path.startswith("tests/")}
    assert tests
    assert {path: lines for path, text in tests.items() if (lines := vacuous_asserts(text))} == {}


def test_no_file_names_a_path_of_somebodys_machine(tree: tuple[Path, ...], root: Path) -> None:
    found = {}
    for path in tree:
        raw = path.read_bytes()
        if b"\0" not in raw and (lines := machine_paths(raw.decode("utf-8", errors="replace"))):
            found[str(path.relative_to(root))] = lines
    assert found == {}
