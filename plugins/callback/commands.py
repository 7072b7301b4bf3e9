# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: commands
type: aggregate
short_description: Note every command that a host's tasks ran
version_added: 0.1.0
description:
  - Keeps what modules return as C(commands), and the command lines of M(ansible.builtin.command) and its like, in the
    variable C(lab_commands) of each host, with task, exit code and seconds. The role P(meshlab.istio.report#role)
    writes them to C(commands/HOST.jsonl). Secrets are taken out.
  - The playbooks of this collection switch it on by themselves. For playbooks of your own, list it in
    C(callbacks_enabled).
author: meshlab contributors (@meshlab)
requirements: []
options: {}
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact

FACT = "lab_commands"


class CallbackModule(CallbackBase):
    """Prints nothing. That a host's variable is set as a whole makes it harmless to be loaded twice."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "meshlab.istio.commands"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._variables: Any = None
        self._ran: dict[str, list[dict[str, Any]]] = {}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Learn where variables are kept."""
        self._variables = play.get_variable_manager()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note what a task that went well ran."""
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002
        """Note what a failed task ran up to then."""
        self._note(result)

    def _note(self, result: Any) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        task = result.task.get_name().strip()
        new = [{"at": at, "task": task, **redact(command)} for command in commands_of(result.result)]
        if new:
            host = result.host.get_name()
            ran = self._ran.setdefault(host, [])
            ran.extend(new)
            self._variables.set_nonpersistent_facts(host, {FACT: list(ran)})


def commands_of(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield cmd (text), rc and seconds of each command in a task's result, the items of a loop in their order."""
    for item in result.get("results") or []:
        if isinstance(item, Mapping):
            yield from commands_of(item)
    for command in result.get("commands") or []:
        if isinstance(command, Mapping) and "cmd" in command:
            yield {key: command.get(key) for key in ("cmd", "rc", "seconds")}
    if "delta" in result and "cmd" in result:
        words = result["cmd"]
        yield {
            "cmd": words if isinstance(words, str) else " ".join(map(str, words)),
            "rc": result.get("rc"),
            "seconds": _seconds(str(result["delta"])),
        }


def _seconds(delta: str) -> float:
    """Return the seconds of ``ansible.builtin.command``'s delta, such as 0:00:01.234567."""
    days, _comma, clock = delta.rpartition(", ")
    hours, minutes, seconds = clock.split(":")
    whole = int(days.split()[0]) if days else 0
    return round(((whole * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds), 2)
