"""What lands on a user's machine: every room under ``assay``, its data, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.environments import environment_with

ROOMS = ("harness", "suites", "collectives", "conf", "results")
LIST_PACKAGES = "import setuptools, distutils.core as d; print(*d.run_setup('setup.py', stop_after='init').packages)"


def belongs(path: str) -> bool:
    """Tell whether a file of the tree, named from the root, must be in the wheel."""
    if path in {"__init__.py", "py.typed"}:
        return True
    suffixes = {"conf": (".py", ".yaml"), "results": (".py", ".json", ".css", ".js")}
    room = path.split("/", maxsplit=1)[0]
    return room in ROOMS and path.endswith(suffixes.get(room, (".py",)))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own; return its bin."""
    return environment_with(wheel, folder=tmp_path_factory.mktemp("fresh"))


def test_setup_lists_every_folder_with_code(tree: tuple[Path, ...], root: Path) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", LIST_PACKAGES], capture_output=True, text=True, check=True, cwd=root)
    code = [path.relative_to(root).parent for path in tree if path.suffix == ".py" and path.relative_to(root).parts[0] in ROOMS]
    assert sorted(done.stdout.split()) == sorted({"assay", *(".".join(("assay", *folder.parts)) for folder in code)})


@pytest.mark.slow
def test_the_wheel_holds_every_room_under_assay_and_nothing_else(wheel: Path, tree: tuple[Path, ...], root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {f"assay/{path}" for path in (str(path.relative_to(root)) for path in tree) if belongs(path)}
    assert names == wanted
    assert {"assay/conf/suite/gemm.yaml", "assay/harness/door/main.py", "assay/py.typed"} <= names
    assert any(name.startswith("assay/results/schema/") for name in names)


@pytest.mark.slow
def test_the_installed_wheel_answers_where_no_clone_is(installed: Path, tmp_path: Path, clean_env: dict[str, str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    def say(*argv: str) -> str:
        env = {k: v for k, v in clean_env.items() if k != "PYTHONPATH"}
        return subprocess.run(argv, capture_output=True, text=True, check=True, cwd=empty, env=env).stdout

    assert say(str(installed / "assay"), "--version").startswith("assay ")
    where = say(str(installed / "python"), "-c", "import assay; print(assay.__file__)").strip()
    assert Path(where).is_relative_to(installed.parent)
    assert "gemm" in say(str(installed / "assay"), "suites")
    assert os.listdir(empty) == []  # noqa: PTH208 - names are enough
