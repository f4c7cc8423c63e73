"""Folders of suites that somebody named on the command line (``--suite-path DIR``): ``NAME.py`` and ``NAME.yaml`` a suite.

What may be imported belongs to the process, as ``sys.path`` does: a program names its folders once, from its own arguments, and a rank
is given them on its own command line. Neither a configuration nor a plan file can add one.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path

from assay.harness.errors import RefusalError

OPTION = "--suite-path"
FIX = "Name a folder that holds NAME.py and NAME.yaml for each suite."
named: list[Path] = []


def name_suite_paths(folders: Sequence[str]) -> None:
    """Let this process use exactly these folders; RefusalError for one that cannot be read and for two suites of one name."""
    named[:] = dict.fromkeys(readable(folder) for folder in folders)
    seen: dict[str, Path] = {}
    for folder in named:
        for path in sorted(folder.glob("*.yaml")):
            first = seen.setdefault(path.stem, path)
            if first != path:
                message = f"two suites have one name: {first} and {path}"
                raise RefusalError(message, value=path.stem, where=OPTION, fix="Rename one of them.")


def readable(folder: str) -> Path:
    """Return a folder of suites as an absolute path; RefusalError if it is none."""
    try:
        path = Path(folder).resolve()
        suites = [name for name in os.listdir(path) if name.endswith(".yaml")]  # noqa: PTH208 - names are enough
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise RefusalError(message, value=folder, where=OPTION, fix=FIX) from error
    if not suites:
        message = "holds no suite"
        raise RefusalError(message, value=folder, where=OPTION, fix=FIX)
    return path


def option_words() -> list[str]:
    """Spell the folders as command-line arguments, for a process that this one starts."""
    return [word for folder in named for word in (OPTION, str(folder))]


def take_options(words: Sequence[str]) -> None:
    """Name the folders that ``option_words`` spelled; RefusalError for anything else."""
    if len(words) % 2 or any(word != OPTION for word in words[::2]):
        message = "is no argument of a rank"
        raise RefusalError(message, value=" ".join(words), fix=f"After PLAN OUT only {OPTION} DIR may follow.")
    name_suite_paths(list(words[1::2]))


def files_of(module: str) -> list[Path]:
    """List the files that a module's name may mean in the folders named; its name must be a plain identifier."""
    return [path for folder in named if module.isidentifier() and (path := folder / f"{module}.py").is_file()]


def imported_as(file: Path) -> str:
    """Give the name under which a file is imported: in a package of its folder's own, so that it hides no other module and none hides it.

    Nothing joins ``sys.path``; a file beside it is reached by ``from . import NAME``.
    """
    package = "assay_suite_path_" + hashlib.sha256(os.fsencode(file.parent)).hexdigest()[:12]
    if package not in sys.modules:
        spec = ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(file.parent)]
        sys.modules[package] = module_from_spec(spec)
    return f"{package}.{file.stem}"
