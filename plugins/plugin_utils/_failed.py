# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task that failed said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def message_of(result: Mapping[str, Any]) -> str:
    """Return what a failed task said: its message, or those of the items of its loop that failed or found no host."""
    items = [
        item
        for item in result.get("results") or []
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable"))
    ]
    said = [message_of(item) for item in items] or [
        str(next(filter(None, (result.get(key) for key in ("msg", "censored", "stderr"))), "It gave no reason."))
    ]
    return " ".join(dict.fromkeys(said))
