"""Suites from a folder of the command line and from installed packages: what was named may be run, and nothing else is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.harness import suitepath
from assay.harness.errors import RefusalError
from assay.harness.suitepath import name_suite_paths, option_words, take_options
from assay.harness.targets import allowed, needs_of, resolve
from tests.outside import FUNCTION, install, suite_folder


@pytest.fixture(autouse=True)
def nothing_named() -> Iterator[None]:
    """Begin and end without folders of suites."""
    name_suite_paths([])
    yield
    name_suite_paths([])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that is on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_a_suite_of_a_named_folder_is_run_and_its_folder_joins_no_path(tmp_path: Path) -> None:
    folder, before = suite_folder(tmp_path / "mine", "triad"), list(sys.path)
    with pytest.raises(RefusalError, match="outside the suites"):
        resolve("triad:triad", where="suite.triad.target")
    name_suite_paths([str(folder)])
    found, needs = resolve("triad:triad", where="suite.triad.target"), needs_of("triad:triad")
    assert found.__code__.co_filename == str(folder / "triad.py")
    assert needs is not None
    assert needs.__globals__ is found.__globals__
    assert sys.path == before
    assert "triad" not in sys.modules


def test_a_folder_hides_no_module_and_its_files_find_each_other(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path / "mine", "json", function="import json\nfrom . import common\ndef json(ctx): return common.VALUE\n")
    (folder / "common.py").write_text("VALUE = 7\n", encoding="utf-8")
    name_suite_paths([str(folder)])
    found = resolve("json:json", where="w")
    assert found(None) == 7  # type: ignore[arg-type]
    assert __import__("json").__file__ != str(folder / "json.py")
    with pytest.raises(RefusalError, match="outside the suites"):
        resolve("os:system", where="w")
    with pytest.raises(RefusalError, match="not a plain function"):
        resolve("json:common", where="w")


def test_two_suites_of_one_name_are_refused_with_both_places(tmp_path: Path) -> None:
    first, second = suite_folder(tmp_path / "a", "triad"), suite_folder(tmp_path / "b", "triad")
    with pytest.raises(RefusalError) as caught:
        name_suite_paths([str(first), str(second)])
    assert str(first / "triad.yaml") in str(caught.value)
    assert str(second / "triad.yaml") in str(caught.value)
    name_suite_paths([str(first), str(first)])  # the same folder twice is one
    assert suitepath.named == [first]


def test_a_function_file_in_two_folders_is_ambiguous_only_if_it_is_meant(tmp_path: Path) -> None:
    first, second = suite_folder(tmp_path / "a", "triad"), suite_folder(tmp_path / "b", "copy")
    (second / "triad.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    name_suite_paths([str(first), str(second)])
    assert allowed("copy:copy", where="w") == "copy:copy"
    with pytest.raises(RefusalError) as caught:
        resolve("triad:triad", where="w")
    assert str(first / "triad.py") in str(caught.value)
    assert str(second / "triad.py") in str(caught.value)


@pytest.mark.parametrize(("make", "said"), [(False, "No such file"), (True, "holds no suite")])
def test_a_folder_that_gives_nothing_is_refused(tmp_path: Path, *, make: bool, said: str) -> None:
    if make:
        (tmp_path / "mine").mkdir()
    with pytest.raises(RefusalError, match=said) as caught:
        name_suite_paths([str(tmp_path / "mine")])
    assert (caught.value.where, caught.value.value) == ("--suite-path", str(tmp_path / "mine"))


@pytest.mark.parametrize(
    ("text", "said"), [("raise OSError('no driver')\n", "OSError: no driver"), ("raise SystemExit(0)\n", "SystemExit")]
)
def test_a_file_that_raises_on_import_is_named(tmp_path: Path, text: str, said: str) -> None:
    folder = suite_folder(tmp_path / "mine", "triad", function=text)
    name_suite_paths([str(folder)])
    with pytest.raises(RefusalError, match=said) as caught:
        resolve("triad:triad", where="suite.triad.target")
    assert str(folder / "triad.py") in str(caught.value)


def test_folders_reach_another_process_as_words_of_its_command_line(tmp_path: Path) -> None:
    folders = [suite_folder(tmp_path / "a b", "triad"), suite_folder(tmp_path / "c", "copy")]
    name_suite_paths(list(map(str, folders)))
    words = option_words()
    name_suite_paths([])
    assert option_words() == []
    take_options(words)
    assert suitepath.named == folders


@pytest.mark.parametrize("words", [["--suite-path"], ["--other", "x"], ["x"]])
def test_a_rank_takes_no_other_words(words: list[str]) -> None:
    with pytest.raises(RefusalError, match="no argument of a rank"):
        take_options(words)


def test_an_entry_point_is_run_by_exactly_its_value(site: Path) -> None:
    points = "[assay.suites]\nmy_copy = acme_exact.suites:my_copy\n"
    files = {"__init__.py": "", "suites.py": "from acme_exact.kernel import my_copy\n", "kernel.py": FUNCTION.format(name="my_copy")}
    install(site, "acme_exact", points=points, files=files)
    for target in ("acme_exact.kernel:my_copy", "acme_exact.suites:needs", "acme_exact:my_copy", "acme_exact.suites"):
        with pytest.raises(RefusalError, match="nothing was imported"):
            resolve(target, where="w")
    assert not [name for name in sys.modules if name.startswith("acme_exact")]
    found, needs = resolve("acme_exact.suites:my_copy", where="w"), needs_of("acme_exact.suites:my_copy")
    assert found.__module__ == "acme_exact.kernel"  # brought in from another module of the package
    assert needs is not None
    assert needs.__module__ == "acme_exact.kernel"


def test_a_file_and_an_entry_point_of_one_target_are_refused(site: Path, tmp_path: Path) -> None:
    install(site, "acme_twice", points="[assay.suites]\nacme_twice = acme_twice:acme_twice\n", files={"__init__.py": "raise SystemExit\n"})
    folder = suite_folder(tmp_path / "mine", "acme_twice")
    name_suite_paths([str(folder)])
    with pytest.raises(RefusalError, match=r"acme_twice 1\.5 and by .*acme_twice\.py"):
        resolve("acme_twice:acme_twice", where="w")
