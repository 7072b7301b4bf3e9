# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the host's kubeconfig on the controller: a bare host knows no YAML."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import parsed

MODULE = "meshlab.istio.cluster_preflight_info"


class ActionModule(ActionBase):
    """The module of the same name does the rest."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = {key: value for key, value in self._task.args.items() if key != "content"}
        read = self._execute_module(
            module_name="ansible.builtin.slurp", module_args={"src": given.get("kubeconfig")}, task_vars=task_vars
        )
        if not read.get("failed"):
            # What is no YAML is no kubeconfig: the module says so.
            with contextlib.suppress(InputError):
                given["content"] = json.dumps(parsed(base64.b64decode(read["content"])))
        return {**result, **self._execute_module(module_name=MODULE, module_args=given, task_vars=task_vars)}
