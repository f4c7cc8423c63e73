"""A suite function's signature is its schema: which parameters it takes, of which type, with which choices."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.harness.errors import RefusalError

SIMPLE = ("int", "float", "str", "bool")
OPEN = " | str"


@dataclass(frozen=True)
class Param:
    """One parameter: its annotation as written, its default (``inspect.Parameter.empty`` if it must be given)."""

    name: str
    annotation: str
    default: Any

    @property
    def choices(self) -> tuple[Any, ...]:
        """Values of a ``Literal[...]`` annotation; empty for other types."""
        return choices_of(self.annotation.removesuffix(OPEN))

    @property
    def open(self) -> bool:
        """Tell whether other text than the choices may be given (``Literal[...] | str``): the suite itself says what it takes."""
        return bool(self.choices) and self.annotation.endswith(OPEN)


@functools.cache
def choices_of(annotation: str) -> tuple[Any, ...]:
    """Read the values of a ``Literal[...]``, once for each annotation: a plan of thousands of cases asks for every one of their values."""
    if annotation.startswith("Literal[") and annotation.endswith("]"):
        return tuple(ast.literal_eval(f"({annotation[8:-1]},)"))
    return ()


def schema(function: Callable[..., Any]) -> dict[str, Param]:
    """List the keyword parameters of a suite function (everything after the context), by name."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    named = [p for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return {p.name: Param(p.name, written(p.annotation), p.default) for p in named}


def written(annotation: object) -> str:
    """Spell an annotation as in the source, whether it was kept as a string or evaluated."""
    if isinstance(annotation, str):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return " | ".join("None" if part is types.NoneType else written(part) for part in typing.get_args(annotation))
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def coerce(value: object, param: Param, *, where: str) -> Any:
    """Check ``value`` against the parameter's type and return it in that type; RefusalError otherwise.

    An int serves as a float, nothing else is converted: ``"64"`` for an int is a mistake, and 64.5 more so.
    """
    if param.choices:
        if value in param.choices and type(value) is type(param.choices[param.choices.index(value)]):
            return value
        if param.open and isinstance(value, str):
            return value
        fix = f"Choose one of {', '.join(map(str, param.choices))}."
    else:
        kinds = [part.strip() for part in param.annotation.split("|")]
        for kind in kinds:
            if fits(value, kind):
                return float(value) if kind == "float" else list(value) if isinstance(value, (list, tuple)) else value  # type: ignore[arg-type]
        fix = f"Give a value of type {param.annotation}."
    message = f"{param.name} cannot be this"
    raise RefusalError(message, value=value, where=where, fix=fix)


def fits(value: object, kind: str) -> bool:
    """Tell whether ``value`` is of the simple type named ``kind``; numbers must be finite and bool is no int."""
    if kind == "None":
        return value is None
    if kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max  # NaN is not
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in ("str", "bool"):
        return type(value).__name__ == kind
    if kind.startswith(("tuple[", "list[", "Sequence[")):
        inner = kind[kind.index("[") + 1 : -1].removesuffix(", ...").removesuffix(",...")
        return isinstance(value, (list, tuple)) and all(fits(item, inner) for item in value)
    return False


def bind(values: Mapping[str, Any], parameters: Mapping[str, Param], *, where: Callable[[str], str]) -> dict[str, Any]:
    """Resolve every parameter: the given value checked, else the default; RefusalError for unknown or missing ones."""
    for name in values:
        if name not in parameters:
            message = "is no parameter of this suite"
            raise RefusalError(message, value=name, where=where(name), fix=f"It takes {', '.join(parameters) or 'none'}.")
    bound = {}
    for name, param in parameters.items():
        if name not in values and param.default is inspect.Parameter.empty:
            message = f"{name} has no value and no default"
            raise RefusalError(message, where=where(name), fix=f"Set it ({param.annotation}).")
        bound[name] = coerce(values.get(name, param.default), param, where=where(name))
    return bound
