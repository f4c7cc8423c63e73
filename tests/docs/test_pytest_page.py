"""docs/pytest.md: its script runs as it stands, and its options are those that pytest lists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import Assay

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pytest.md").read_text(encoding="utf-8")


def test_the_script_of_the_page_measures_checks_and_stores(tmp_path: Path, clean_env: dict[str, str], assay: Assay) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "script.py").write_text(script)
    argv = [sys.executable, "script.py"]
    done = subprocess.run(argv, cwd=tmp_path, env=clean_env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("measured ")
    listed = assay("runs").stdout.splitlines()
    assert [line.split("finished")[1].split()[0] for line in listed] == ["script", "kernels"]
    assert all("exit 0" in line for line in listed)


def test_the_page_names_every_option_and_no_other(tmp_path: Path, clean_env: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "pytest", "--help"]
    told = subprocess.run(argv, cwd=tmp_path, env=clean_env, capture_output=True, text=True, timeout=60, check=True).stdout
    known = set(re.findall(r"^  (--assay[a-z-]*)", told, re.MULTILINE))
    assert set(re.findall(r"^\| `(--assay[a-z-]*)", PAGE, re.MULTILINE)) == known
    assert len(known) == 4
