# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: outcome
type: aggregate
short_description: Have the report say of every host that failed that it failed
version_added: 0.1.0
description:
  - A host that is unreachable, or whose rescue fails too, cannot write the report any more, and no other host may be
    left that does. Nor can one that came to its end without the report's own task, as with C(--tags istio), while the
    rescue of another host writes it. At the end of the run this callback compares the report with what Ansible counted,
    and writes it again where they differ.
  - It looks only at plays that hold a task of the role P(meshlab.istio.report#role). In check mode it writes nothing.
  - The playbooks of this collection switch it on by themselves. For playbooks of your own, list it in
    C(callbacks_enabled).
author: meshlab contributors (@meshlab)
requirements: []
options: {}
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

from ansible_collections.meshlab.istio.plugins.module_utils import _report as report
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._report_known import known
from ansible_collections.meshlab.istio.plugins.plugin_utils._failed import message_of

ROLE = "meshlab.istio.report"
ELSEWHERE = "Nothing failed on this host. The run ended here because it failed on another one."
"""What max_fail_percentage does. The role has the same sentence, for any_errors_fatal."""


class CallbackModule(CallbackBase):
    """Prints one line, and only if it had to write."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "meshlab.istio.outcome"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._began = ""
        # Each play that reports, with a task of the role, by which its variables are known.
        self._plays: list[tuple[Any, Any]] = []
        self._failures: dict[str, dict[str, str]] = {}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Learn whether the play reports. With `serial` each batch is a start."""
        self._began = self._began or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        task = next(
            (
                task
                for block in play.compile()
                for task in block.get_tasks()
                if task._role and task._role.get_name() == ROLE
            ),
            None,
        )
        if task is not None:
            self._plays.append((play, task))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Note why a task failed."""
        if not ignore_errors:
            self._note(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Note why a host could not be reached."""
        self._note(result)

    def _note(self, result: Any) -> None:
        self._failures[result.host.get_name()] = {
            "task": str(result.task.get_name()).strip(),
            "message": message_of(result.result),
        }

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the report again if it does not say of each host that failed that it did."""
        if not self._plays or context.CLIARGS.get("check"):
            return
        try:
            self._compare(set(stats.processed), set(stats.failures), set(stats.dark))
        except InputError as error:
            self._display.warning(f"The report does not say which hosts failed. {error}")

    def _compare(self, begun: set[str], counted: set[str], gone: set[str]) -> None:
        # The last play of each host, in the order in which hosts came up.
        hosts = {
            name: (play, task) for play, task in self._plays for name in _variables(play)["ansible_play_hosts_all"]
        }
        removed = {name for play, _task in self._plays for name in play._removed_hosts}
        failed = [name for name in hosts if name in counted | gone | removed]
        if not failed:
            return
        variables = {name: _variables(*where, name) for name, where in hosts.items()}
        dest = Path(str(_templated(hosts[failed[0]][0], variables[failed[0]], "report_path", ".")))
        earlier = known(dest / report.FILES["json"])
        of_this_run = earlier["hosts"] if earlier["generated_at"] >= self._began else []
        ended = {host["name"]: "failure" in host for host in of_this_run if host.get("finished") is False}
        unsaid = [name for name in failed if not ended.get(name)]
        works = begun - set(failed)
        # A wrong word on the command line, said before anything was looked at, makes no report where there is none.
        looked = gone or earlier["hosts"] or any("lab_report" in values for values in variables.values())
        if not looked or not (unsaid or works & set(ended)):
            return
        entries = []
        for name, values in variables.items():
            play, _task = hosts[name]
            commands = _templated(play, values, "lab_commands", [])
            entry = {"name": name, **_templated(play, values, "lab_report", {}), "commands": commands}
            if name in failed:
                why = {"message": ELSEWHERE, **self._failures.get(name, {}), **entry.get("failure", {})}
                entry |= {"finished": False, "failure": why}
            entries.append({"finished": name in works, **entry})
        # What Ansible tags is plain data then.
        entries = json.loads(json.dumps(entries, default=str))
        inventory = variables[failed[0]]["groups"]["all"]
        report.write_all(dest, report.shape(entries, earlier.get("next", []), earlier, inventory), entries)
        self._display.display(f"{dest / report.FILES['html']} says that it failed on {', '.join(failed)}.")


def _variables(play: Any, task: Any = None, host: str | None = None) -> dict[str, Any]:
    manager = play.get_variable_manager()
    where = {} if host is None else {"host": manager._inventory.get_host(host), "task": task}
    return manager.get_vars(play=play, **where)  # type: ignore[no-any-return]


def _templated(play: Any, variables: dict[str, Any], name: str, default: Any) -> Any:
    return Templar(loader=play.get_loader(), variables=variables).template(variables.get(name, default))
