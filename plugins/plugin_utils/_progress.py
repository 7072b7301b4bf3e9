# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show how far a long task has come: the action of every module that has the option ``progress_file``.

The module runs as any other does, so that its result, ``become``, ``no_log``, ``until`` and check mode stay Ansible's
own affair. Meanwhile a thread reads the newest line of its file through a copy of the task's connection. It begins
after PAUSE_SECONDS: a task that is over by then costs not one remote command more than without all this. (As an
asynchronous job, each task would need a further file sent and at least two further commands.)
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import json
import secrets
import shlex
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from ansible import constants, context
from ansible.plugins.action.normal import ActionModule as Normal

OPTION = "progress_file"
PAUSE_SECONDS = 2.0
"""From the start to the first look at the file, and between two looks at first."""
PAUSE_SHARE, PAUSE_LIMIT = 0.1, 10.0
"""Later a pause is this share of the task's time so far, up to the limit: a log of an hour has some hundred lines."""
LAST_LOOK_SECONDS = 5.0
"""How long a finished task waits for a look that is under way."""
LONGEST = 300
"""Characters of a line that are shown."""
CALLBACKS = ("default", "ansible.builtin.default", "ansible.legacy.default")
"""The others print JSON or what else a program reads."""


class ShowsProgress(Normal):
    """Runs the module of the same name, and prints lines such as ``lab: minikube: [2/9] Starting the node``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        if not self._wanted():
            return self._run(tmp, task_vars)
        given = self._task.args
        # A name that nobody can guess, in the directory for what needs not outlast a reboot.
        path = f"{self.get_shell_option('system_tmpdirs')[-1]}/meshlab-progress-{secrets.token_hex(16)}"
        self._task.args = {**given, OPTION: path}
        try:
            with self._shown(path, _label(self._task, task_vars or {})):
                result = self._run(tmp, task_vars)
            if not result.get("_ansible_parsed", True):
                # The module removes the file itself, unless it was killed.
                self._low_level_execute_command(f"rm -f {shlex.quote(path)}")
        finally:
            # `until` runs the same task again.
            self._task.args = given
        return result

    def _run(self, tmp: str | None, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result

    def _wanted(self) -> bool:
        """Tell whether a person looks on who wants to know, and there will be something to tell."""
        task = self._task
        return (
            not (task.async_val or task.check_mode or task.no_log or OPTION in task.args)
            and "module_name" not in context.CLIARGS  # the command `ansible`, which has callbacks of its own
            and constants.DEFAULT_STDOUT_CALLBACK in CALLBACKS
            and not _quiet()
        )

    @contextlib.contextmanager
    def _shown(self, path: str, label: str) -> Iterator[None]:
        over = threading.Event()
        # Of its own, as the plugins for connections and privileges keep the state of the one command they run.
        reader = copy.copy(self)
        reader._connection = copy.copy(self._connection)
        reader._connection.become = copy.copy(self._connection.become)
        follow = contextvars.copy_context()
        thread = threading.Thread(target=follow.run, args=(reader._follow, path, label, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(LAST_LOOK_SECONDS)

    def _follow(self, path: str, label: str, over: threading.Event) -> None:
        # An interruption is for the main thread, which waits for the module: only there it ends the waiting.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        started = time.monotonic()
        shown = ""
        while not over.wait(min(max(PAUSE_SECONDS, PAUSE_SHARE * (time.monotonic() - started)), PAUSE_LIMIT)):
            try:
                found = self._low_level_execute_command(f"tail -n 1 {shlex.quote(path)} 2>/dev/null || true")
            except Exception as error:
                # Whatever keeps the lines away, the task is not to fail for want of them.
                self._display.vvv(f"{label}: how far it has come cannot be read: {error}")
                return
            text = sentence(found["stdout"])
            if text and text != shown and not over.is_set():
                # Standard output would keep it, in the log of a CI run, until the next task begins.
                self._display.display(f"  {label}: {text}", color=constants.COLOR_VERBOSE, stderr=True)
                shown = text


def sentence(output: str) -> str:
    """Return the text of a progress line as one printable line; "" if ``output`` is none, such as half of one."""
    try:
        text = json.loads(output)["text"]
    except (ValueError, TypeError, KeyError):
        return ""
    return "".join(character if character.isprintable() else " " for character in str(text))[:LONGEST]


def _quiet() -> bool:
    """Tell whether the callback ``default`` was asked to print nothing of what goes well."""
    kind, name = "callback", "default"
    known = constants.config.has_configuration_definition(kind, name)
    return known and not constants.config.get_config_value("display_ok_hosts", plugin_type=kind, plugin_name=name)


def _label(task: Any, task_vars: dict[str, Any]) -> str:
    host = str(task_vars.get("inventory_hostname", ""))
    where = f"{host} -> {task.delegate_to}" if task.delegate_to else host
    return f"{where}: {task.action.rpartition('.')[2]}"
