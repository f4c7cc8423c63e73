"""One element of a page. This is the one place where text becomes markup: everything that is not markup already is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from markupsafe import Markup, escape

from assay.results.units import plain

Child: TypeAlias = "str | int | float | Iterable[Child] | None"  # Markup is a str that may stay as it is
Attribute = str | int | float | bool | None
VOID = {"meta", "link", "br", "wbr", "col"}
SHAPES = {"path", "rect"}  # of a drawing: closed in one go where nothing stands inside


def element(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """Make one element.

    Args:
        name: of the element, always ours.
        children: markup stays, text is escaped, None is left out; iterables of these are gone through.
        attributes: names are ours (``class_`` is ``class``, ``data_v`` is ``data-v``), values are escaped; True is an attribute without
            value, False and None leave it out.

    """
    # Both Markup constructors get parts only that attribute_text and child_text have escaped.
    opening = f"<{name}{''.join(attribute_text(key, value) for key, value in attributes.items())}>"
    if name in VOID:
        return Markup(opening)  # noqa: S704
    if name in SHAPES and not children:
        return Markup(f"{opening[:-1]}/>")  # noqa: S704
    return Markup(f"{opening}{''.join(map(child_text, children))}</{name}>")  # noqa: S704


def attribute_text(name: str, value: Attribute) -> str:
    """Write one attribute with a leading blank."""
    if value is None or value is False:
        return ""
    spelled = name.rstrip("_").replace("_", "-")
    return f" {spelled}" if value is True else f' {spelled}="{escape(shown(str(value)))}"'


def child_text(child: Child) -> str:
    """Write one child, escaped unless it is markup."""
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, (str, int, float)):
        return str(escape(shown(str(child))))
    return "".join(map(child_text, child))


def shown(text: str) -> str:
    """Make control and bidirectional characters visible; line ends stay, since a block of text may have them."""
    return text if text.isascii() and text.isprintable() else "\n".join(map(plain, text.split("\n")))


def joined(*parts: Child) -> Markup:
    """Put parts behind each other, escaped like children."""
    return Markup("".join(map(child_text, parts)))  # noqa: S704 - child_text has escaped them
