"""Only a plain function under the suites may be run; anything else is refused before a byte of it is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.harness.errors import RefusalError
from assay.harness.targets import allowed, entry_points, needs_of, resolve

HEARD: list[str] = []
HEARING: list[bool] = []
LOUD = ("import", "exec", "compile", "open", "os.system", "os.exec", "subprocess.Popen", "os.posix_spawn")

HOSTILE = [
    "os.system",
    "os:system",
    "subprocess:run",
    "builtins:eval",
    "assay.harness.door.main:entry",
    "assay.harness.targets:resolve",
    "assay.results.store:Store",
    "assay.suitesx.gemm:gemm",
    "assay.suites:gemm",
    "assay.suites.gemm",
    "assay.suites.gemm:",
    "assay.suites.gemm.gemm",
    "assay.suites.:gemm",
    "assay.suites..gemm:gemm",
    ".assay.suites.gemm:gemm",
    "assay.suites.gemm:gemm:gemm",
    "assay.suites.gemm:__builtins__",
    "assay.suites.__init__:gemm",
    "assay.suites.gemm:_private",
    "assay.suites.gemm:gemm.__globals__",
    "assay.suites.gemm:Work.step",
    "assay.suites.gemm:gemm()",
    "assay.suites.gemm :gemm",
    "assay.suites.gemm:gemm\n",
    "assay.suites/../../os:system",
    "assay.suites.gemm;os:system",
    " assay.suites.gemm:gemm",
    "",
    ":",
    None,
    7,
    ["assay.suites.gemm:gemm"],
    {"_target_": "os.system"},
]


def listen(event: str, _arguments: tuple[object, ...]) -> None:
    """Note what the interpreter does while a test listens (an audit hook cannot be taken away again)."""
    if HEARING and event in LOUD:
        HEARD.append(event)


@pytest.fixture(scope="session")
def ear() -> None:
    """Put the audit hook in once."""
    sys.addaudithook(listen)


@pytest.fixture
def heard(ear: None) -> Iterator[list[str]]:
    """Give what was imported, opened or executed since ``listening``."""
    assert ear is None
    entry_points(tuple(sys.path))  # what is installed is read once, from metadata, whatever is asked for
    HEARD.clear()
    yield HEARD
    HEARING.clear()


def test_the_ear_hears_an_import(heard: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "freshly_written_module.py").write_text("VALUE = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    HEARING.append(True)
    __import__("freshly_written_module")
    assert "import" in heard
    assert "exec" in heard


@pytest.mark.parametrize("target", HOSTILE, ids=repr)
def test_hostile_targets_are_refused_and_nothing_happens(target: object, heard: list[str]) -> None:
    before = set(sys.modules)
    refusals = []
    HEARING.append(True)
    for call in (allowed, resolve):
        try:
            call(target, where="suite.s.target")  # type: ignore[arg-type]
        except RefusalError as error:
            refusals.append(error)
    HEARING.clear()
    assert heard == []
    assert set(sys.modules) == before
    assert [error.where for error in refusals] == ["suite.s.target"] * 2
    assert all("nothing was imported" in str(error) for error in refusals)


@pytest.mark.parametrize(
    "target",
    [
        "assay.suites.gemm:Context",  # a class
        "assay.suites.gemm:OPERAND_NBYTES",  # a value
        "assay.suites.gemm:annotations",  # an object of the language
        "assay.suites.all_reduce:exercise",  # a function, but of another module
        "assay.suites.gemm:absent",
        "assay.suites.absent:gemm",
    ],
)
def test_what_is_no_function_of_that_module_is_refused(target: str) -> None:
    with pytest.raises(RefusalError) as caught:
        resolve(target, where="suite.s.target")
    assert caught.value.where == "suite.s.target"
    assert caught.value.value == target
    assert caught.value.exit_code == 3


def test_a_suite_function_is_found_with_its_needs() -> None:
    found = resolve("assay.suites.gemm:gemm", where="w")
    assert (found.__module__, found.__name__) == ("assay.suites.gemm", "gemm")
    needs = needs_of("assay.suites.gemm:gemm")
    assert needs is not None
    assert needs.__name__ == "needs"


def test_a_module_without_needs_has_none() -> None:
    assert needs_of("assay.collectives.factors:all_reduce_factor") is None
