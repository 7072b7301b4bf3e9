#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: workloads_info
short_description: Wait for all workloads of some namespaces at once, and list their pods
version_added: 0.1.0
description:
  - One joint wait by watch for every Deployment, StatefulSet and DaemonSet of the namespaces. It ends early, with pod,
    container and reason, when one of them cannot become ready.
author: meshlab contributors (@meshlab)
extends_documentation_fragment:
  - meshlab.istio.cluster
  - meshlab.istio.progress
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode).
    support: none
options:
  namespaces:
    description: The namespaces to look at.
    type: list
    elements: str
    required: true
  sidecars:
    description:
      - Those of the namespaces whose workloads are looked at for sidecars that are out of date, once they are ready.
      - The injector is asked for each, as M(meshlab.istio.sidecars) does, which restarts them.
    type: list
    elements: str
    default: []
  wait:
    description: Wait until all are ready. In check mode nothing is waited for.
    type: bool
    default: true
  wait_timeout:
    description: Seconds for all of them together.
    type: float
    default: 300
"""

EXAMPLES = r"""
- name: Wait for Istio, its addons and Bookinfo together
  meshlab.istio.workloads_info:
    namespaces: [istio-system, tutorial]
  register: workloads

- name: See whose sidecars are out of date
  meshlab.istio.workloads_info:
    namespaces: [tutorial]
    sidecars: [tutorial]
  register: workloads
"""

RETURN = r"""
pods:
  description: The pods, each with namespace, name, ready, phase, restarts, containers and images.
  type: list
  elements: dict
  returned: success
outdated:
  description:
    - The workloads of O(sidecars) whose pods have another sidecar than they would get now, each with C(object),
      C(pods), C(before) and C(after) as in RV(meshlab.istio.sidecars#module:restarted).
  type: list
  elements: dict
  returned: success
  sample:
    - object: Deployment tutorial/reviews-v1
      pods: 3
      before: [{revision: default, image: "registry.istio.io/release/proxyv2:1.30.3"}]
      after: {revision: default, image: "registry.istio.io/release/proxyv2:1.31.0"}
cluster_exists:
  description: Whether a cluster could be asked. Always true outside check mode.
  type: bool
  returned: success
seconds:
  description: Seconds of waiting.
  type: float
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._check_mode import connected, unknown
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._pods import pods_of, workloads_of
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._sidecars import outdated
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_for


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result."""
    options = module.params
    result: dict[str, Any] = {"changed": False, "pods": [], "outdated": [], "cluster_exists": True, "seconds": 0.0}
    warnings: list[str] = []
    try:
        _runtime.need_libraries(module, "yaml")
        cluster = connected(lambda: Cluster(options["kubeconfig"], options["context"]), check_mode=module.check_mode)
        if options["wait"] and not module.check_mode:
            workloads = workloads_of(cluster, options["namespaces"])
            waited = wait_for(cluster, workloads, options["wait_timeout"], progress=Progress(options["progress_file"]))
            result["seconds"] = waited["seconds"]
            warnings = waited["warnings"]
        result["pods"] = pods_of(cluster, options["namespaces"])
        rows, more = outdated(cluster, options["sidecars"])
        result["warnings"] = [*warnings, *more]
        result["outdated"] = [row.shown() for row in rows]
    except Unreachable as error:
        if not module.check_mode:
            raise
        result.update(cluster_exists=False, warnings=unknown(error))
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **_runtime.CLUSTER_OPTIONS,
            **_runtime.PROGRESS_OPTIONS,
            "namespaces": {"type": "list", "elements": "str", "required": True},
            "sidecars": {"type": "list", "elements": "str", "default": []},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "float", "default": 300},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
