"""Which dotted names may be run: ours, an installed package's entry points, a suite path of the command line; never by configuration."""

from __future__ import annotations

import functools
import inspect
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.plugins import SUITES, Plugin, plugins
from assay.harness.suitepath import OPTION, files_of, imported_as

ALLOWED = ("assay.suites.", "assay.collectives.")
WAYS = (
    f"Use module:function under {' or '.join(package.rstrip('.') for package in ALLOWED)}, the {SUITES} entry point of an installed "
    f"package, or a file in a folder named by {OPTION} DIR."
)


def allowed(target: object, *, where: str) -> str:
    """Return ``target`` if it is a ``module:function`` that may be run; else RefusalError, and nothing is imported."""
    parts = target.split(":") if isinstance(target, str) else []
    names = [name for part in parts for name in part.split(".")]
    well_formed = len(parts) == 2 and all(name.isidentifier() and not name.startswith("_") for name in names)  # noqa: PLR2004
    if not (well_formed and "." not in parts[1] and (str(target).startswith(ALLOWED) or outside(str(target), where=where))):
        message = "names a target outside the suites that Assay may run; nothing was imported"
        raise RefusalError(message, value=target, where=where, fix=WAYS)
    return str(target)


def outside(target: str, *, where: str) -> str:
    """Say which installed package or file brings a target, empty if none does; RefusalError if several do."""
    brought = [plugin.package for plugin in installed(target)] + [str(file) for file in files_of(target.split(":", maxsplit=1)[0])]
    if len(brought) > 1:
        message = f"is brought by {' and by '.join(brought)}; nothing was imported"
        raise RefusalError(message, value=target, where=where, fix="Leave one of them out, or rename it.")
    return "".join(brought)


def installed(target: str) -> list[Plugin]:
    """List the entry points whose value is exactly ``target``, one a package."""
    named = entry_points(tuple(sys.path)).get(target, ())
    return list({plugin.package: plugin for plugin in named}.values())


@functools.lru_cache(maxsize=4)
def entry_points(_path: tuple[str, ...]) -> dict[str, list[Plugin]]:
    """List the installed suites by target, once: a plan of thousands of cases asks for each of them."""
    found: dict[str, list[Plugin]] = {}
    for plugin in plugins(SUITES):
        found.setdefault(plugin.target, []).append(plugin)
    return found


def resolve(target: str, *, where: str) -> Callable[..., Any]:
    """Import an allowed target and return its function; RefusalError if it is not there or no plain function."""
    allowed(target, where=where)
    module, function = target.split(":")
    files = [] if target.startswith(ALLOWED) else files_of(module)
    name = imported_as(files[0]) if files else module
    try:
        found = pkgutil.resolve_name(f"{name}:{function}")
    except (Exception, SystemExit) as error:  # it may raise anything, and end the process too
        source = outside(target, where=where) if not target.startswith(ALLOWED) else ""
        message = f"cannot be imported{' from ' if source else ''}{source}: {type(error).__name__}: {error}"
        fix = "Mend it there; the other suites may be used." if source else "Name a function that exists."
        raise RefusalError(message, value=target, where=where, fix=fix) from error
    # A package may name a function that it brings in from a module of its own; in a file, what it imports is no suite.
    if not inspect.isfunction(found) or (found.__module__ != name and not installed(target)):
        message = "is not a plain function of that module"
        raise RefusalError(message, value=target, where=where, fix="Name the suite's own function.")
    return found


def needs_of(target: str) -> Callable[..., Any] | None:
    """Find the ``needs`` function beside a suite function, in the file that defines it, if the suite has one."""
    function = resolve(target, where="target")
    found: Callable[..., Any] | None = getattr(sys.modules[function.__module__], "needs", None)
    return found
