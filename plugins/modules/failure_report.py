#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: failure_report
short_description: Keep what tells why a run failed, in a folder on the controller
version_added: 0.1.0
description:
  - Gathers on the host what tells why a run failed, and writes it into O(dest) on the controller, readable by its owner
    only. What was in that folder from an earlier failure is replaced.
  - C(failure.json) holds the task, its message and result, and what could not be gathered, with the reason. It is
    written also when the host cannot be reached any more.
  - C(events.txt), C(not-ready.txt), for each object that is not ready its description and, for a pod, the last 1000
    lines of each container's log and of its run before; C(*.proxy-config.json) of the gateways and of each proxy whose
    pod is not ready; C(minikube.log) and C(minikube-last-start.log).
  - Passwords, tokens, private keys, the data of Secrets and the values of environment variables are replaced. Of a file
    longer than 1 MiB only the end is kept, and all files of a host together are limited to 8 MiB.
  - This is an action plugin with a module; use it in a playbook, in the C(rescue) of a block.
author: meshlab contributors (@meshlab)
extends_documentation_fragment:
  - meshlab.istio.cluster
attributes:
  check_mode:
    description: Gathers and writes nothing.
    support: full
  diff_mode:
    description: Reporting is never a change, so there is no difference to show.
    support: none
options:
  dest:
    description: The folder on the controller. Its parents are made if they are missing.
    type: path
    required: true
  task:
    description: Name of the task that failed.
    type: str
    default: ""
  result:
    description: What that task returned, C(ansible_failed_result) in a C(rescue).
    type: dict
    default: {}
  namespaces:
    description: The namespaces to look at.
    type: list
    elements: str
    default: [istio-system, kube-system]
  minikube_profile:
    description: The profile whose logs are wanted; without it minikube is not asked.
    type: str
    default: ""
  minikube_path:
    description: The minikube binary, as a path or as a name that is looked up in E(PATH).
    type: path
    default: minikube
  minikube_home:
    description: Directory that minikube keeps its files under (E(MINIKUBE_HOME)). Without it, the home directory.
    type: path
  timeout:
    description: Seconds for all that is gathered. What takes longer is left out, and named.
    type: float
    default: 25
"""

EXAMPLES = r"""
- name: Make the lab
  block:
    - name: Istio
      ansible.builtin.include_role:
        name: meshlab.istio.istio
  rescue:
    - name: Keep what tells why
      meshlab.istio.failure_report:
        dest: "{{ inventory_dir }}/failure/{{ inventory_hostname }}"
        task: "{{ ansible_failed_task.name }}"
        result: "{{ ansible_failed_result }}"
        namespaces: [istio-system, tutorial]
      register: kept

    - name: Fail as the task did
      ansible.builtin.fail:
        msg: "{{ kept.message }} See {{ kept.folder }}"
"""

RETURN = r"""
folder:
  description: The folder on the controller; empty in check mode.
  type: str
  returned: success
message:
  description: What the failed task said, of a loop what each failed item said.
  type: str
  returned: success
gathered:
  description: Names of the files in the folder.
  type: list
  elements: str
  returned: success
notes:
  description: What could not be gathered, each with the reason.
  type: list
  elements: str
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._failure import gather


def main() -> None:
    """Run the host's part; the action plugin writes the files."""
    spec: dict[str, Any] = {
        **_runtime.CLUSTER_OPTIONS,
        "dest": {"type": "path", "required": True},
        "task": {"type": "str", "default": ""},
        "result": {"type": "dict", "default": {}},
        "namespaces": {"type": "list", "elements": "str", "default": ["istio-system", "kube-system"]},
        "minikube_profile": {"type": "str", "default": ""},
        "minikube_path": {"type": "path", "default": "minikube"},
        "minikube_home": {"type": "path"},
        "timeout": {"type": "float", "default": 25},
    }
    _runtime.run(AnsibleModule(argument_spec=spec, supports_check_mode=True), gather)


if __name__ == "__main__":
    main()
