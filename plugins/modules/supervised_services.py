#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_services
short_description: Keep programs of the lab running under systemd
version_added: 0.1.0
description:
  - Writes one systemd unit for each program, and enables and starts all of them in one go.
  - A program that dies is started again, however often; systemd's usual limit of starts does not apply.
  - One task for all services takes as long as one task for one of them; with ansible.builtin.template and
    ansible.builtin.systemd_service it would be two tasks for each.
author: meshlab contributors (@meshlab)
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode).
    support: full
options:
  services:
    description: The services, each with the unit C(meshlab-NAME.service).
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: What the service is called., type: str, required: true}
      description: {description: One line for C(systemctl status)., type: str, default: ''}
      command: {description: 'Program (an absolute path) and its arguments; no shell.', type: list, elements: str}
      user: {description: The user to run as; root without it., type: str}
      environment: {description: Environment variables., type: dict, default: {}}
      after: {description: Units that are started before., type: list, elements: str, default: []}
      kill_signal: {description: The signal that stops the program., type: str, default: SIGTERM}
      at_boot: {description: 'The program does its work once at each boot, and is not run now.', type: bool,
                default: false}
      restart_seconds: {description: Seconds from a death to the next start., type: float, default: 1.0}
      timeout_seconds: {description: Seconds that a start may take., type: int, default: 90}
      state: {description: 'What this service is to be, in place of O(state).', type: str,
              choices: [started, stopped, absent]}
  owner:
    description:
      - Whose the services are. A unit that this module did not write, or that is another owner's, is not replaced; then
        the module refuses and names the owner. It is not stopped or removed either; then a warning names the owner.
      - The owner of a unit that is there is read from its C(User=), its command and its environment.
      - Without it, a service that has a command is its C(user)'s.
    type: dict
    suboptions:
      user: {description: The user that the services run as., type: str}
      kubeconfig: {description: The kubeconfig that they use., type: path}
      context: {description: 'Its context, or the profile of minikube.', type: str}
      minikube_home: {description: The home of minikube's that they use., type: path}
  prune:
    description:
      - Services of O(owner) whose names begin so, and that are not among O(services), are renamed ones. They are
        removed; with O(state=stopped) they are stopped.
    type: str
    default: ''
  variable:
    description: The variable of a role that gives the services other names; a refusal names it.
    type: str
    default: ''
  state:
    description: V(started) also at boot, V(stopped) until asked again, V(absent) without a trace.
    type: str
    choices: [started, stopped, absent]
    default: started
"""

EXAMPLES = r"""
- name: Keep a port-forward running
  meshlab.istio.supervised_services:
    services:
      - name: gateway-forward
        description: The ingress gateway on 127.0.0.1:8080
        command: [/usr/local/bin/kubectl, port-forward, --namespace=istio-system, svc/istio-ingressgateway, "8080:80"]
  become: true
"""

RETURN = r"""
services:
  description: Each service by name.
  type: dict
  returned: success
  sample: {gateway-forward: {unit: meshlab-gateway-forward.service, state: active, restarts: 0}}
commands:
  description: The commands that ran, each with exit code and seconds.
  type: list
  elements: dict
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._services import Service, ensure

STATES = ["started", "stopped", "absent"]
SERVICE_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "default": ""},
    "command": {"type": "list", "elements": "str"},
    "user": {"type": "str"},
    "environment": {"type": "dict", "default": {}},
    "after": {"type": "list", "elements": "str", "default": []},
    "kill_signal": {"type": "str", "default": "SIGTERM"},
    "at_boot": {"type": "bool", "default": False},
    "restart_seconds": {"type": "float", "default": 1.0},
    "timeout_seconds": {"type": "int", "default": 90},
    "state": {"type": "str", "choices": STATES},
}
OWNER_OPTIONS: dict[str, Any] = {
    "user": {"type": "str"},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
    "minikube_home": {"type": "path"},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result."""
    services = [Service(**{**options, "command": options["command"] or []}) for options in module.params["services"]]
    return ensure(
        services, module.params["state"], module.check_mode,
        owner=module.params["owner"], prune=module.params["prune"], variable=module.params["variable"],
    )  # fmt: skip


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE_OPTIONS},
            "owner": {"type": "dict", "options": OWNER_OPTIONS},
            "prune": {"type": "str", "default": ""},
            "variable": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": STATES, "default": "started"},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
