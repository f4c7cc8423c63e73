"""Suites of somebody else's, written for a test: what an installed package leaves behind, and folders of suites."""

from __future__ import annotations

from pathlib import Path

FUNCTION = """\
from assay.harness.work import Answer, Needs, Volume, Work

def {name}(ctx, *, elements: int = 4096, wrong: bool = False):
    import numpy as np

    data = np.arange(elements, dtype=np.float64)
    copy = np.zeros(elements)

    def step():
        copy[:] = data
        if wrong:
            copy[elements // 2] = -1.0

    def check():
        bad = np.flatnonzero(copy != data)
        where = f"element {{bad[0]}}" if len(bad) else ""
        return Answer(ok=not len(bad), tested=elements, reason=f"{{len(bad)}} elements differ" if len(bad) else "", where=where)

    return Work(step=step, check=check, volume=Volume(memory_nbytes=16 * elements), result=lambda: copy)

def needs(*, elements, wrong, nranks):
    return Needs(memory_nbytes=16 * elements, seconds=0.1)
"""


def yaml_of(name: str, target: str, more: str = "") -> str:
    """Write a suite's YAML."""
    return f"# @package suite.{name}\ntarget: {target}\nsummary: a copy by {name}\nunits: {{elements: number}}\n{more}"


def suite_folder(folder: Path, name: str, *, function: str = "", more: str = "") -> Path:
    """Write a suite into a folder of suites: its function and its YAML."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / f"{name}.py").write_text(function or FUNCTION.format(name=name), encoding="utf-8")
    (folder / f"{name}.yaml").write_text(yaml_of(name, f"{name}:{name}", more), encoding="utf-8")
    return folder


def install(folder: Path, package: str, *, points: str, files: dict[str, str]) -> None:
    """Write what an installed package leaves in ``folder``: its files and its metadata."""
    for name, text in files.items():
        path = folder / package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    info = folder / f"{package}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
