#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig_context
short_description: Set the namespace of a context
version_added: 0.1.0
description:
  - What C(kubectl config set-context NAME --namespace=NAMESPACE) does, told apart from what was so before.
  - The current context stays as it is.
author: meshlab contributors (@meshlab)
extends_documentation_fragment:
  - meshlab.istio.cluster
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode).
    support: full
options:
  namespace:
    description: The namespace that kubectl uses without C(-n).
    type: str
    required: true
  path:
    description: The kubectl program.
    type: str
    default: kubectl
"""

EXAMPLES = r"""
- name: Work in the tutorial's namespace
  meshlab.istio.kubeconfig_context:
    context: minikube
    namespace: tutorial
"""

RETURN = r"""
context_exists:
  description: Whether the kubeconfig has the context; in check mode it may not have it yet.
  type: bool
  returned: success
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError

SECONDS = 15.0


class Kubectl(CommandLineTool):
    """Kubernetes' command-line tool."""

    name = "kubectl"


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result."""
    environment = {"KUBECONFIG": module.params["kubeconfig"]} if module.params["kubeconfig"] else {}
    kubectl = Kubectl(module.params["path"], environment)
    if module.check_mode and not kubectl.found():
        return {
            "changed": True,
            "context_exists": False,
            "diff": {"before": "", "after": f"{module.params['namespace']}\n"},
        }
    view = _view(kubectl)
    name = str(module.params["context"] or view.get("current-context") or "")
    found = next((entry.get("context") or {} for entry in view.get("contexts") or [] if entry["name"] == name), None)
    before, after = (found or {}).get("namespace", "default"), module.params["namespace"]
    if found is None and not module.check_mode:
        raise InputError(f"The kubeconfig has no context {name!r}. Start the cluster first, or give `context`.")
    if before != after and not module.check_mode:
        kubectl.run(["config", "set-context", name, f"--namespace={after}"], timeout=SECONDS)
    return {
        "changed": before != after,
        "diff": {"before": f"{before}\n", "after": f"{after}\n"},
        "context_exists": found is not None,
        "commands": kubectl.log,
    }


def _view(kubectl: Kubectl) -> dict[str, Any]:
    """Return the kubeconfig as kubectl reads it."""
    done = kubectl.run(["config", "view", "--output", "json"], timeout=SECONDS)
    try:
        view = json.loads(done.stdout)
    except ValueError:
        view = None
    if not isinstance(view, dict):
        raise CommandError(
            f"{done.cmd[0]} did not show the kubeconfig as kubectl does. Is it really kubectl?",
            cmd=list(done.cmd), rc=done.rc, stdout=done.stdout, stderr=done.stderr,
        )  # fmt: skip
    return view


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **_runtime.CLUSTER_OPTIONS,
            "namespace": {"type": "str", "required": True},
            "path": {"type": "str", "default": "kubectl"},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
