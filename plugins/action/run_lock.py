# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let one run at a time work on a host: start a keeper there that ends with this run."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

MODULE = "meshlab.istio.run_lock"
KEEPER = Path(__file__).resolve().parents[1] / "module_utils" / "_run_keeper.py"
GRACE_SECONDS = 5.0
"""A run that has just ended may still have its keeper for a moment."""
START_SECONDS = 30.0
LOOK_SECONDS = 0.5
ONE_SESSION = ("paramiko", "paramiko_ssh")
"""Connections that live in this process: a forked one cannot use them beside it."""


class ActionModule(ActionBase):
    """Runs on the controller; the module of the same name asks on the host."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return holder, or failed and msg if another run works on the host."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        name, wait = str(self._task.args.get("name", "meshlab")), float(self._task.args.get("wait") or 0)
        if self._task.check_mode:
            return {**result, "changed": False, "holder": None}
        identity = self._identity(variables)
        began = time.monotonic()
        started = 0.0
        said = False
        while True:
            answer = self._execute_module(module_name=MODULE, module_args={"name": name}, task_vars=task_vars)
            if answer.get("failed"):
                return {**result, **answer}
            holder = answer["holder"]
            if holder and holder["run"] == identity["run"]:
                return {**result, **answer}
            if holder is None and started and time.monotonic() - started > START_SECONDS:
                warning = "This connection keeps no second session, so nothing keeps another run off this host."
                return {**result, **answer, "warnings": [warning]}
            if holder is None and not started:
                if self._connection.transport in ONE_SESSION:
                    started = -START_SECONDS
                    continue
                self._keep(name, identity, answer["python"])
                started = time.monotonic()
            elif holder:
                # If both began at once, only one keeper has the name.
                started = 0.0
                if time.monotonic() - began > max(wait, GRACE_SECONDS):
                    return {**result, **answer, "failed": True, "msg": told(holder, wait)}
                if wait and not said:
                    said = True
                    self._display.display(f"{who(holder)} works on this host; waiting up to {wait:.0f} s for its end.")
            time.sleep(LOOK_SECONDS)

    def _identity(self, variables: dict[str, Any]) -> dict[str, str]:
        """Return what other runs are told of this one; ``run`` is the same in every task of it."""
        main = os.getppid()
        controller = socket.gethostname()
        return {
            "run": f"{controller} {main} {_began(main)}",
            "user": getpass.getuser(),
            "controller": controller,
            "process": str(main),
            "play": str(variables.get("ansible_play_name", "")),
            "since": time.strftime("%H:%M:%S UTC", time.gmtime()),
        }

    def _keep(self, name: str, identity: dict[str, str], python: str) -> None:
        """Start the keeper from a process that outlives this task and ends with ansible-playbook.

        A task has a process of its own, whose parent is ansible-playbook. What is forked here holds the connection on
        which the keeper runs, and the keeper ends with it.
        """
        main = os.getppid()
        began = _began(main)
        if os.fork():
            return
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            threading.Thread(target=_end_with, args=(main, began), daemon=True).start()
            command = " ".join(shlex.quote(word) for word in (python, "-", name, json.dumps(identity)))
            # Without `become`: any user of the host can hold the name.
            self._low_level_execute_command(command, sudoable=False, in_data=KEEPER.read_bytes())
        finally:
            os._exit(0)


def who(holder: dict[str, Any]) -> str:
    """Return another run in words."""
    if not holder["run"]:
        return f"A process of the user {holder['account']} ({holder['keeper']})"
    return (
        f"Another run, of {holder['user']} on {holder['controller']} (process {holder['process']}, "
        f"{holder['play']!r}, since {holder['since']}),"
    )


def told(holder: dict[str, Any], wait: float) -> str:
    """Return why this run cannot begin, and what to do."""
    waited = f" after {wait:.0f} s of waiting" if wait else ""
    return (
        f"{who(holder)} works on this host{waited}. Nothing was touched. Wait for its end and start again, or set "
        f"host_run_wait to the seconds to wait. If nothing of it runs any more, end its keeper on the host, which is "
        f"{holder['account']}'s: kill {holder['keeper']}."
    )


def _end_with(main: int, began: str) -> None:
    """End this process, and the connection that it started, when ansible-playbook has ended."""
    while _began(main) == began and began:
        time.sleep(LOOK_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _began(process: int) -> str:
    """Return when a process began, as a text that no other process of that number has; "" if it has ended."""
    try:
        # After the name in brackets: the state, and as the 20th field the start (proc(5)).
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    # Not Linux.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "unknown"
