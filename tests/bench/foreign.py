"""Somebody else's benchmarks, unmodified, under ``pytest --assay``: download, install, measure twice, compare. Not a test; see nox.

``foreign.py FOLDER [NAME==VERSION [TESTS]]``: the package must ship benchmarks in its source distribution.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

PACKAGE, TESTS = "cattrs==26.2.1", "bench"
BESIDE = ("msgspec", "orjson")  # what its benchmarks import


def said(*argv: str, cwd: Path) -> str:
    """Run a command; its output is shown where it fails."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main(folder: Path, package: str = PACKAGE, tests: str = TESTS) -> None:
    """Do it, and tell how long it took."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name, start = package.partition("=")[0], time.monotonic()
    said(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name, package, cwd=folder)
    said(sys.executable, "-m", "pip", "install", "--quiet", package, *BESIDE, cwd=folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    suite = next(path for path in folder.iterdir() if path.is_dir())
    for which in ("first", "second"):
        # With "=": pytest takes an existing folder that stands alone for one of the paths that its root is found by.
        options = ("-q", "-p", "no:cacheprovider", "--assay", f"--assay-store={folder / 'runs'}")
        out = said(sys.executable, "-m", "pytest", tests, *options, cwd=suite)
        print(out.partition("= assay =")[2].partition("\n\n")[0])  # noqa: T201 - the result
        print(f"{which} verdict on {package} {time.monotonic() - start:.0f} s after the download began")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() / "foreign", *sys.argv[2:])
