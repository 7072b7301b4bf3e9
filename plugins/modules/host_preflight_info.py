#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.host_preflight_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_preflight_info
short_description: Tell whether a host has what the lab needs beside its cluster
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Checks the host's Python, that systemd runs, that C(become) leads to root, and that the ports of the port-forwards
    are free or held by the lab's own services. Returns all problems at once, each with its remedy. Changes nothing.
  - Run it with C(become), so that it sees whose process holds a port.
options:
  ports:
    description: Name to port of each port-forward.
    type: dict
    default: {}
  address:
    description: Where the port-forwards listen.
    type: str
    default: 127.0.0.1
  user:
    description: Whose they are; ports below 1024 are only for root.
    type: str
    default: root
  services:
    description: The services that will be started, without C(meshlab-) and C(.service).
    type: list
    elements: str
    default: []
  owner:
    description: Whose they are, as in M(meshlab.istio.supervised_services).
    type: dict
    default: {}
  become_failure:
    description: What Ansible said when this task was tried with C(become); empty if that worked.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Nothing is changed.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: meshlab.istio.minikube_preflight_info
  - module: meshlab.istio.cluster_preflight_info
"""

EXAMPLES = r"""
- name: See whether the port of the gateway is free
  meshlab.istio.host_preflight_info:
    ports: {gateway: 8080}
  become: true
  register: preflight
"""

RETURN = r"""
problems:
  description: The problems, each with C(check), C(problem) and C(remedy).
  returned: success
  type: list
  elements: dict
  sample:
    - check: ports
      problem: port 8080 (gateway) is taken by python3 (process 4711)
      remedy: "Stop it with `kill 4711`, or use another port with `access_port: PORT`."
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._host_preflight import Host, check
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import run
from ansible_collections.meshlab.istio.plugins.module_utils._services import PREFIX


def work(module: AnsibleModule) -> dict[str, Any]:
    """Check this host; return the module's result."""
    options = module.params
    ports = {name: str(port) for name, port in options["ports"].items()}
    for name, port in ports.items():
        if not port.isdecimal() or not 0 < int(port) < 2**16:
            raise InputError(f"The port of {name} is {port!r}. Give a number from 1 to 65535.")
    problems = check(
        Host(), {name: int(port) for name, port in ports.items()},
        address=options["address"], user=options["user"], become_failure=options["become_failure"],
        units=[f"{PREFIX}{name}.service" for name in options["services"]],
        owner={key: str(value) for key, value in options["owner"].items() if value},
    )  # fmt: skip
    return {"changed": False, "problems": problems}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "ports": {"type": "dict", "default": {}},
            "address": {"type": "str", "default": "127.0.0.1"},
            "user": {"type": "str", "default": "root"},
            "services": {"type": "list", "elements": "str", "default": []},
            "owner": {"type": "dict", "default": {}},
            "become_failure": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
