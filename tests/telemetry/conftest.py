"""A libnvidia-ml.so.1 compiled for the tests, and an installed package that brings telemetry."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "fake_nvml.c"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give a callable that compiles the library with definitions and gives the folder it lies in; skip without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc) on PATH to make a libnvidia-ml.so.1 with")

    def build(*definitions: str) -> Path:
        folder = tmp_path_factory.mktemp("nvml")
        flags = [f"-D{name}" for name in definitions]
        done = subprocess.run(
            [compiler, "-shared", "-fPIC", *flags, "-o", str(folder / "libnvidia-ml.so.1"), str(SOURCE)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return folder

    return build


@pytest.fixture
def with_library(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Give a callable that makes processes started from here find their libnvidia-ml.so.1 in a folder."""

    def use(folder: Path) -> None:
        monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep.join([str(folder), os.environ.get("LD_LIBRARY_PATH", "")]))

    return use
