"""The project's own files, as the checks of its habits see them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.environments import build

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {"runs", "build", "dist", "outputs", "multirun", "__pycache__"}


@pytest.fixture(scope="session")
def root() -> Path:
    """Name the project's root."""
    return ROOT


@pytest.fixture(scope="session")
def tree() -> tuple[Path, ...]:
    """List the project's files: those that git tracks or would track; in an unpacked archive, all but what tools leave."""
    argv = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        names = [ROOT / name for name in done.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [
            path for path in ROOT.rglob("*") if not any(part in LEFT_OUT or part[0] == "." for part in path.relative_to(ROOT).parts[:-1])
        ]
    found = tuple(sorted(path for path in names if path.is_file()))
    assert ROOT / "pyproject.toml" in found, "the list of the project's files is wrong, so every check of them would pass in vain"
    return found


@pytest.fixture(scope="session")
def sources(tree: tuple[Path, ...]) -> dict[str, str]:
    """Read every Python file: text by path from the root."""
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in tree if path.suffix == ".py"}


@pytest.fixture(scope="session")
def wheel(tree: tuple[Path, ...], root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the project's files, as from a fresh clone (an old build/ would slip into it)."""
    clone = tmp_path_factory.mktemp("clone")
    for path in tree:
        target = clone / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return build(clone, tmp_path_factory.mktemp("wheel"))
