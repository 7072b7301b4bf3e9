# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes label selectors, as ``kubectl apply -l`` reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Callable

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError

Labels = Mapping[str, str]
Term = Callable[[Labels], bool]

_KEY = r"(?P<key>[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?)"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Term]], ...] = (
    (re.compile(rf"!\s*{_KEY}"), lambda m: lambda labels: m["key"] not in labels),
    (re.compile(_KEY), lambda m: lambda labels: m["key"] in labels),
    (re.compile(rf"{_KEY}\s*==?\s*(?P<value>[\w.-]*)"), lambda m: lambda labels: labels.get(m["key"]) == m["value"]),
    (re.compile(rf"{_KEY}\s*!=\s*(?P<value>[\w.-]*)"), lambda m: lambda labels: labels.get(m["key"]) != m["value"]),
    (
        re.compile(rf"{_KEY}\s+in\s*\((?P<values>[^()]*)\)"),
        lambda m: lambda labels: labels.get(m["key"]) in _values(m),
    ),
    (
        re.compile(rf"{_KEY}\s+notin\s*\((?P<values>[^()]*)\)"),
        lambda m: lambda labels: labels.get(m["key"]) not in _values(m),
    ),
)


def selector(texts: Sequence[str]) -> Term:
    """Return a function that tells whether labels fulfil every selector.

    :param texts: selectors such as ``app=reviews,version!=v2`` or ``tier in (a, b)``; ``!=`` and ``notin`` also hold
        for an object without the label.
    :raises InputError: a text is no selector.
    """
    terms = [_term(part, text) for text in texts for part in re.split(r",(?![^(]*\))", text)]
    return lambda labels: all(term(labels) for term in terms)


def _term(part: str, text: str) -> Term:
    for form, made in _FORMS:
        match = form.fullmatch(part.strip())
        if match:
            return made(match)
    raise InputError(
        f"The label selector {text!r} cannot be read at {part.strip()!r}. "
        "Write terms such as a=b, a!=b, a in (b,c), a notin (b,c), a, !a, with commas between them.",
    )


def _values(match: re.Match[str]) -> set[str]:
    return {value.strip() for value in match["values"].split(",")}
