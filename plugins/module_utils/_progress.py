# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whoever watches how far work has come: one JSON line a message in a file that the action plugin reads."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import threading
import time

from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW


class Progress:
    """Writes progress lines; without a path it does nothing.

    :param path: the file to make with the first line, for its owner only (option ``progress_file`` of the long-running
        modules). It is removed when the program ends. Each line is ``{"at": UNIX_SECONDS, "text": SENTENCE}``.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path
        self._flags = APPEND | os.O_EXCL
        self._last = ""
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        """Report ``text``, a short sentence for a person, without secrets; a repetition of the last one is dropped.

        A file that is there already, or cannot be written, ends the reports and not the work.
        """
        line = json.dumps({"at": round(time.time(), 1), "text": redact(text)}) + "\n"
        with self._lock:
            if self.path is None or text == self._last:
                return
            self._last = text
            try:
                with open(self.path, "a", encoding="utf-8", opener=self._open) as stream:
                    stream.write(line)
            except OSError:
                self.path = None

    def _open(self, path: str, _flags: int) -> int:
        opened = os.open(path, self._flags, 0o600)
        if self._flags & os.O_EXCL:
            atexit.register(_remove, path)
            self._flags = APPEND
        return opened


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
