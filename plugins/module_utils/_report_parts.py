# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small parts of which the sections of report.html are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._html import Markup, tag


def not_run(words: str = "Not run.") -> Markup:
    """Return the place holder of a part that was not run."""
    return tag("p", words, class_="empty")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Sequence[int] = ()) -> Markup:
    """Return a table; the columns whose index is in ``numeric`` are set to the right."""
    kinds = ["n" if index in numeric else None for index in range(len(head))]
    titles = [tag("th", words, class_=kind, scope="col") for words, kind in zip(head, kinds)]
    lines = [tag("tr", [tag("td", cell, class_=kind) for cell, kind in zip(row, kinds)]) for row in rows]
    return tag("table", tag("thead", tag("tr", titles)), tag("tbody", lines))


def pairs(rows: Sequence[tuple[str, Any]], class_: str | None = None) -> Markup | None:
    """Return names with their values, or None if there are none."""
    return tag("dl", [(tag("dt", name), tag("dd", value)) for name, value in rows], class_=class_) if rows else None


def label(key: str) -> str:
    """Return a key as words for a person."""
    return key[:1].upper() + key[1:].replace("_", " ")


def passed(state: bool | None, good: str, wrong: str) -> Markup:
    """Return a good word, a wrong one, or that it is not known (None)."""
    if state is None:
        return tag("span", "not known", class_="muted")
    return tag("span", good if state else wrong, class_="good" if state else "wrong")
