# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status as a page of plain text: a verdict, what is wrong, and a line for each check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MARKS = {True: "ok", False: "NO", None: "??"}
"""True, not true, and neither proven nor disproved."""


def page(rows: Sequence[dict[str, Any]], seconds: float) -> list[str]:
    """Return the lines.

    :param rows: the checks' rows in their order.
    :param seconds: how long all took.
    """
    wrong = [row for row in rows if row["ok"] is False]
    unknown = [row for row in rows if row["ok"] is None]
    true = len(rows) - len(wrong) - len(unknown)
    verdict = f"The mesh has {len(wrong)} problems" if wrong else "The mesh works"
    told = f"{verdict}: {true} of {len(rows)} checks are well"
    if unknown:
        told += f", {len(unknown)} could not be decided"
    width = max((len(row["name"]) for row in rows), default=0)
    lines = [f"{told} ({seconds:.1f} s)."]
    for row in rows:
        lines.append(f"  {MARKS[row['ok']]}  {row['name']:<{width}}  {row['says']}")
        if row["today"]:
            lines.append(f"  {'':<{width + 6}}({row['today']})")
    return lines
