# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build HTML and SVG from Python calls; whatever is not markup by construction is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Markup(str):
    """Text that is already HTML and goes into a page as it is. Only this file's functions make it."""

    __slots__ = ()


def tag(element: str, /, *children: Any, **attributes: Any) -> Markup:
    """Return one element.

    :param element: the element's name.
    :param children: Markup goes in as it is, None is left out, an iterable is flattened, anything else is escaped.
    :param attributes: None and False leave the attribute out, True writes it without a value.
        A trailing underscore is dropped (``class_``), an inner one becomes a hyphen (``stroke_width``).
    """
    written = "".join(
        f" {_attribute_name(key)}" + ("" if value is True else f'="{escape(str(value), quote=True)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if element in VOID:
        return Markup(f"<{element}{written}>")
    return Markup(f"<{element}{written}>{join(children)}</{element}>")


def join(children: Iterable[Any]) -> Markup:
    """Return the children one after the other, escaped as ``tag`` does."""
    return Markup("".join(_child(child) for child in children))


def document(title: str, style: str, *body: Any) -> str:
    """Return a whole page that loads nothing: a strict policy forbids scripts and every request.

    :param title: the page's title.
    :param style: trusted CSS (a constant of ours), which must not contain ``</``.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    return "<!DOCTYPE html>\n" + tag("html", head, tag("body", *body), lang="en") + "\n"


def _attribute_name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _child(child: Any) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, (str, int, float)):
        return escape(str(child), quote=False)
    return join(child)
