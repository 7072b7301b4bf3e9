# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note on the controller when a stage of the run begins, so that the report can show where the time went."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

FACT = "lab_timings"


class ActionModule(ActionBase):
    """Appends to the fact ``lab_timings``; nothing is sent to the host."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the fact: stage, start and end of each stage, in seconds since the first one began."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        known = (task_vars or {}).get(FACT) or {"began": time.time(), "stages": []}
        now = round(time.time() - known["began"], 2)
        stages = [dict(stage) for stage in known["stages"]]
        if stages:
            stages[-1]["end"] = now
        stages.append({"stage": str(self._task.args["name"]), "start": now, "end": now})
        return {**result, "changed": False, "ansible_facts": {FACT: {"began": known["began"], "stages": stages}}}
