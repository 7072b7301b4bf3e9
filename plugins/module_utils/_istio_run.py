# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ``istioctl install`` per cluster, which goes on when the module that started it has ended.

A lock file says whether one is running: the processes hold it, so the kernel frees it when they end, however they end.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._command import environment
from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact

ROOT = "~/.local/share/meshlab/istioctl"
LOG_LINES = 20
STOP_SECONDS = 5.0

SUPERVISOR = """
import json, os, signal, subprocess, sys, time
lock, result, *command = sys.argv[1:]
started = time.monotonic()
# A handler, not SIG_IGN: the child must not inherit deafness.
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: None)
child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[int(lock)])
rc = child.wait()
with open(result + ".new", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as stream:
    json.dump({"rc": rc, "seconds": round(time.monotonic() - started, 2)}, stream)
os.replace(result + ".new", result)
"""
"""Waits for istioctl and writes down how it ended. Its own program, because the module's is gone by then."""


class Run:
    """The install of one cluster, running or over.

    :param cluster_id: tells clusters apart, such as the uid of the namespace kube-system: a new cluster at an old
        address knows nothing of the old one's installs.
    :param root: directory of all clusters; made with mode 0700.
    """

    def __init__(self, cluster_id: str, root: str = ROOT) -> None:
        self.directory = os.path.join(os.path.expanduser(root), cluster_id)
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        self.log_file = os.path.join(self.directory, "install.log")
        self.operator_file = os.path.join(self.directory, "operator.yaml")
        self._result_file = os.path.join(self.directory, "result.json")
        self._state_file = os.path.join(self.directory, "state.json")
        self._lock: int | None = None

    def acquire(self) -> bool:
        """Take the lock, or tell that an install (or a module about to start one) holds it. It is kept until
        ``start`` hands it on or ``release`` gives it back."""
        if self._lock is None:
            lock = os.open(os.path.join(self.directory, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                return False
            self._lock = lock
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def running(self) -> bool:
        """Tell whether another process holds the lock."""
        if self._lock is not None:
            return False
        free = self.acquire()
        self.release()
        return not free

    def start(self, cmd: Sequence[str], document: Mapping[str, Any], digest: str) -> None:
        """Start ``cmd`` in its own session and hand the lock to it; needs ``acquire`` first.

        :param document: written to ``operator_file``, which ``cmd`` names.
        :param digest: what ``state`` gives back to tell one desired state from another.
        """
        if self._lock is None:
            raise RuntimeError("start() without acquire()")
        self.forget()
        _write(self.operator_file, document)
        with open(self.log_file, "w", encoding="utf-8", opener=_private) as log:
            process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISOR, str(self._lock), self._result_file, *cmd],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment(),
                pass_fds=[self._lock],
                start_new_session=True,
            )
        _write(self._state_file, {"pid": process.pid, "cmd": list(cmd), "digest": digest, "started": time.time()})
        self.release()

    def forget(self) -> None:
        """Drop what is known of the newest install; for whoever holds the lock, so it is over."""
        for path in (self._result_file, self._state_file):
            if os.path.exists(path):
                os.unlink(path)

    def installed_before(self) -> bool:
        """Tell whether any install of this cluster was started from here."""
        return os.path.exists(self.operator_file)

    def state(self) -> dict[str, Any]:
        """Return pid, cmd, digest and started (UNIX seconds) of the newest install; {} when there was none."""
        return _read(self._state_file)

    def result(self) -> dict[str, Any] | None:
        """Return rc and seconds of the newest install; None while it runs, or when it was killed hard."""
        return _read(self._result_file) or None

    def log_tail(self) -> list[str]:
        """Return the last lines that istioctl wrote, without the empty ones and without secrets."""
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as stream:
                lines = [line.rstrip() for line in stream if line.strip()][-LOG_LINES:]
        except OSError:
            return []
        return list(redact("\n".join(lines)).splitlines())

    def stop(self) -> None:
        """End the running install: ask, then make it."""
        pid = self.state().get("pid")
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not (pid and self.running()):
                return
            try:
                os.killpg(pid, number)
            except ProcessLookupError:
                return
            end = time.monotonic() + STOP_SECONDS
            while self.running() and time.monotonic() < end:
                time.sleep(0.05)


def _write(path: str, content: Mapping[str, Any]) -> None:
    with open(path + ".new", "w", encoding="utf-8", opener=_private) as stream:
        json.dump(content, stream, indent=1, sort_keys=True)
    os.replace(path + ".new", path)


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
