"""Which dotted names may be run: configuration alone never widens the list."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from assay.harness.errors import RefusalError

ALLOWED = ("assay.suites.", "assay.collectives.")


def allowed(target: object, *, where: str) -> str:
    """Return ``target`` if it is a ``module:function`` under an allowed package; else RefusalError, and nothing is imported."""
    parts = target.split(":") if isinstance(target, str) else []
    names = [name for part in parts for name in part.split(".")]
    well_formed = len(parts) == 2 and all(name.isidentifier() and not name.startswith("_") for name in names)  # noqa: PLR2004
    if not (well_formed and str(target).startswith(ALLOWED) and "." not in parts[1]):
        message = "names a target outside the suites that Assay may run; nothing was imported"
        raise RefusalError(
            message, value=target, where=where, fix=f"Use module:function under {' or '.join(p.rstrip('.') for p in ALLOWED)}."
        )
    return str(target)


def resolve(target: str, *, where: str) -> Callable[..., Any]:
    """Import an allowed target and return its function; RefusalError if it is not there or no plain function."""
    allowed(target, where=where)
    try:
        found = pkgutil.resolve_name(target)
    except (Exception, SystemExit) as error:  # it may raise anything, and end the process too
        message = f"cannot be imported: {type(error).__name__}: {error}"
        raise RefusalError(message, value=target, where=where, fix="Name a function that exists.") from error
    if not inspect.isfunction(found) or found.__module__ != target.split(":", maxsplit=1)[0]:
        message = "is not a plain function of that module"
        raise RefusalError(message, value=target, where=where, fix="Name the suite's own function.")
    return found


def needs_of(target: str) -> Callable[..., Any] | None:
    """Find the ``needs`` function beside a suite function, if the suite has one."""
    found: Callable[..., Any] | None = getattr(pkgutil.resolve_name(target.split(":", maxsplit=1)[0]), "needs", None)
    return found
