# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many sources fill one folder at once, for a fixed time: each may fail alone; no secret and no flood gets in."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Callable

from ansible_collections.meshlab.istio.plugins.module_utils._errors import MeshlabError
from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact

FILE_BYTES = 1 << 20
"""Of a longer file only the end is kept, which is where the newest lines are."""
FOLDER_BYTES = 8 << 20
"""A file that would go beyond it is left out, and named."""

Add = Callable[[str, str], None]
"""Keeps a file: its name relative to the folder, and its text."""
Source = Callable[[Add], None]


def collect(sources: Mapping[str, Source], seconds: float) -> tuple[dict[str, str], list[str]]:
    """Let all sources add their files at once, for at most ``seconds``.

    :returns: the files by name, without secrets and within the limits, and a sentence for all that is missing.
    """
    folder = _Folder()
    threads = {
        name: threading.Thread(target=_run, args=(name, source, folder), daemon=True)
        for name, source in sources.items()
    }
    end = time.monotonic() + seconds
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            folder.note(f"{name}: not complete, as it took more than {seconds:g} s.")
    return folder.content()


class _Folder:
    """The files so far. What a source that is too slow adds later is not in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, str] = {}
        self._notes: list[str] = []
        self._bytes = 0

    def add(self, name: str, text: str) -> None:
        # Secrets first: the cut might go through the middle of one.
        kept = _end_of(redact(text))
        with self._lock:
            if self._bytes + len(kept) > FOLDER_BYTES:
                self._notes.append(f"{name}: left out, as all files together are limited to {FOLDER_BYTES >> 20} MiB.")
                return
            self._bytes += len(kept)
            self._files[name] = kept.decode(errors="ignore")

    def note(self, sentence: str) -> None:
        with self._lock:
            self._notes.append(redact(sentence))

    def content(self) -> tuple[dict[str, str], list[str]]:
        with self._lock:
            return dict(self._files), sorted(self._notes)


def _end_of(text: str) -> bytes:
    data = text.encode(errors="replace")
    if len(data) <= FILE_BYTES:
        return data
    cut = data[-FILE_BYTES:]
    return f"({len(data) - len(cut)} bytes before this are left out)\n".encode() + cut


def _run(name: str, source: Source, folder: _Folder) -> None:
    try:
        source(folder.add)
    except MeshlabError as error:
        folder.note(f"{name}: {error.message}")
    except Exception as error:
        # Whatever one source stumbles over, the others are worth having.
        folder.note(f"{name}: {type(error).__name__}: {error}")
