"""Wheels and environments made for a test, without a network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path


def build(source: Path, out: Path) -> Path:
    """Build the wheel of a source tree into the empty folder ``out``."""
    argv = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(out)]
    done = subprocess.run([*argv, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


def python_of(uid: int) -> str | None:
    """Find a Python of this version that a user may run (one in somebody's home cannot be), as root; None if there is none."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (getattr(sys, "_base_executable", sys.executable), f"/usr/local/bin/{name}", f"/usr/bin/{name}"):
        try:
            subprocess.run([path, "-c", "import venv"], user=uid, group=uid, extra_groups=[], cwd="/", capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return path
    return None


def environment_with(*wheels: Path, folder: Path, base: str = sys.executable) -> Path:
    """Install wheels into an environment of its own, whose dependencies are those of this one; return its bin."""
    subprocess.run([base, "-m", "venv", "--without-pip", "--symlinks", str(folder)], check=True)
    paths = sysconfig.get_paths(scheme="venv", vars={"base": str(folder), "platbase": str(folder)})
    # A folder named in a .pth file gives its modules, but not its own .pth files: the editable install stays out of sight.
    Path(paths["purelib"], "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    python = str(Path(paths["scripts"], "python"))
    argv = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", "--prefix", str(folder)]
    done = subprocess.run([*argv, *map(str, wheels)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(paths["scripts"])
