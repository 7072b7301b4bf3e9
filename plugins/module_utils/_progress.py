# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whoever watches how long work goes on: one JSON line a message in a file that the action plugin reads."""

from __future__ import annotations

import json
import os
import time


class Progress:
    """Writes progress lines; without a path it does nothing.

    :param path: the file to append to (option ``progress_file`` of the long-running modules).
        Each line is ``{"at": UNIX_SECONDS, "text": SENTENCE}``.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path
        self._last = ""

    def __call__(self, text: str) -> None:
        """Report ``text``, a short sentence for a person; a repetition of the last one is dropped."""
        if self.path is None or text == self._last:
            return
        self._last = text
        line = json.dumps({"at": round(time.time(), 1), "text": text}) + "\n"
        with open(self.path, "a", encoding="utf-8", opener=_private) as stream:
            stream.write(line)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
