# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What minikube says: its CloudEvents as steps, warnings and errors, its exit codes in words.

The tables are from minikube v1.38.1.
"""

from __future__ import annotations

import json
import time
from typing import Any, Callable

Progress = Callable[[str], None]

EVENT = "io.k8s.sigs.minikube."
"""Beginning of the type of each event (pkg/minikube/out/register/log.go)."""

# pkg/minikube/reason/exitcodes.go: the code is ten times the source plus the kind; resources go their own way.
SOURCES = {
    1: "minikube itself",
    2: "resources",
    3: "host",
    4: "internet",
    5: "driver",
    6: "driver's provider",
    7: "local network",
    8: "guest",
    9: "container runtime",
    10: "control plane",
    11: "Kubernetes service",
}
KINDS = {
    0: "error",
    1: "conflict",
    2: "time-out",
    3: "not running",
    4: "wrong usage",
    5: "not found",
    6: "not supported",
    7: "no permission",
    8: "wrong configuration",
    9: "unavailable",
}
SPECIAL = {
    1: "general failure",
    2: "interrupted",
    20: "resources: error",
    23: "resources: not enough memory",
    26: "resources: not enough storage",
    27: "resources: no permission",
    29: "resources: not enough CPUs",
}


def explain_exit(code: int) -> str:
    """Return what one of minikube's exit codes means, such as "driver's provider: not found" for 65."""
    if code in SPECIAL:
        return SPECIAL[code]
    source, kind = divmod(code, 10)
    if source in SOURCES:
        return f"{SOURCES[source]}: {KINDS[kind]}"
    return f"signal {code - 128}" if code > 128 else "unknown"


class Events:
    """Reads the CloudEvents that minikube prints with ``--output json``, one a line.

    :param progress: told about each step and download as it comes.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.steps: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.errors: list[dict[str, str]] = []
        self._progress = progress
        self._started = time.monotonic()

    def feed(self, line: str) -> None:
        """Take in one line; what is not one of minikube's events is passed over."""
        try:
            event = json.loads(line)
            kind, data = str(event["type"]), dict(event["data"])
        except (ValueError, TypeError, KeyError):
            return
        message = str(data.get("message", ""))
        if kind == EVENT + "step":
            self._step(data, message)
        elif kind == EVENT + "warning":
            self.warnings.append(message)
        elif kind == EVENT + "error":
            self.errors.append({str(key): str(value) for key, value in data.items()})
        elif kind == EVENT + "download.progress":
            self._tell(f"downloading {data.get('artifact')}: {_percent(data.get('progress'))}")

    def _step(self, data: dict[str, Any], message: str) -> None:
        current, total = _number(data.get("currentstep")), _number(data.get("totalsteps"))
        name = str(data.get("name", ""))
        seconds = round(time.monotonic() - self._started, 1)
        self.steps.append({"name": name, "message": message, "current": current, "total": total, "seconds": seconds})
        where = f"[{current}/{total}] " if current is not None else ""
        self._tell(where + message)

    def _tell(self, text: str) -> None:
        if self._progress is not None:
            self._progress(text)

    def fatal(self) -> dict[str, str]:
        """Return the error that ended the command (exitcode, name, message, advice, url), or {}."""
        named = [error for error in self.errors if error.get("exitcode")]
        return (named or self.errors or [{}])[-1]


def _number(text: Any) -> int | None:
    return int(text) if str(text).isdecimal() else None


def _percent(share: Any) -> str:
    try:
        return f"{float(share):.0%}"
    except (TypeError, ValueError):
        return "…"
