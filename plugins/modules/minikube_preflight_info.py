#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.minikube_preflight_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_preflight_info
short_description: Tell whether a host is fit for a minikube cluster
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Checks what a driver of minikube needs (programs, engine, permissions), memory, CPUs, disk space and, where there is
    no cluster yet, free ports. Returns all problems at once, each with its remedy. Changes nothing, and does not need
    minikube itself.
  - M(meshlab.istio.minikube) makes the same checks before it starts a cluster.
options:
  driver:
    description: Driver that the cluster would have. Without it, only what every driver needs is checked.
    type: str
  profile:
    description: Name that the cluster would have.
    type: str
    default: minikube
  memory:
    description: Memory that would be asked for, as MiB or with a unit, such as V(12g).
    type: str
  cpus:
    description: Number of CPUs that would be asked for.
    type: str
  disk_size:
    description: Disk that would be asked for, as MiB or with a unit.
    type: str
  nodes:
    description: Number of nodes.
    type: int
  container_runtime:
    description: Container runtime, looked for with the driver V(none).
    type: str
  apiserver_port:
    description: Port of the API server.
    type: int
  ports:
    description: Ports to publish, as V(host:container).
    type: list
    elements: str
  minikube_home:
    description:
      - Directory that minikube keeps its files under (E(MINIKUBE_HOME)), in a folder C(.minikube) of it, or that folder
        itself. A full path.
      - Without it, E(MINIKUBE_HOME) of the environment, then the home directory.
    type: path
  force:
    description:
      - Whether minikube would be told to skip its checks, so that being root is no problem.
      - Then the host counts as fit, as M(meshlab.istio.minikube) would go on, and what was found is a warning. What
        minikube checks in any case stays a problem.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Nothing is changed.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: meshlab.istio.minikube
"""

EXAMPLES = r"""
- name: See whether the tutorial's cluster fits
  meshlab.istio.minikube_preflight_info:
    driver: kvm2
    memory: 12384
    cpus: 4
  register: preflight

- name: Stop with all problems at once
  ansible.builtin.assert:
    that: preflight.fit
    fail_msg: "{{ preflight.message }}"
"""

RETURN = r"""
fit:
  description: Whether M(meshlab.istio.minikube) would start the cluster, as nothing was found or O(force) is set.
  returned: success
  type: bool
message:
  description: All problems with their remedies, or that there are none.
  returned: success
  type: str
  sample: "This host is not fit for the cluster:\n1. port 10250 (kubelet) is taken. Stop what listens there."
problems:
  description: What keeps the cluster from being started, each with C(check), C(problem) and C(remedy).
  returned: success
  type: list
  elements: dict
memory_mb:
  description: Memory of the host in MiB, null if unknown.
  returned: success
  type: int
cpus:
  description: Number of CPUs of the host.
  returned: success
  type: int
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._minikube import Minikube
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_preflight import UNFORCED, Host, check, message
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import run

ARGUMENTS: dict[str, Any] = {
    "driver": {"type": "str"},
    "profile": {"type": "str", "default": "minikube"},
    "memory": {"type": "str"},
    "cpus": {"type": "str"},
    "disk_size": {"type": "str"},
    "nodes": {"type": "int"},
    "container_runtime": {"type": "str"},
    "apiserver_port": {"type": "int"},
    "ports": {"type": "list", "elements": "str"},
    "minikube_home": {"type": "path"},
    "force": {"type": "bool", "default": False},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Check this host; return the module's result."""
    options, host = module.params, Host()
    minikube = Minikube(home=options["minikube_home"])
    new = not os.path.exists(minikube.profile_file(options["profile"]))
    problems = check(host, {**options, "home": minikube.home}, new=new)
    if new and (other := minikube.machine_of(options["profile"])):
        problems.append({"check": "profile", "problem": f"a machine of the profile {other} has the name "
                         f"{options['profile']}", "remedy": "Choose another name (minikube_profile)."})  # fmt: skip
    skipped = problems if options["force"] and not any(item["check"] in UNFORCED for item in problems) else []
    problems = [] if skipped else problems
    return {
        "changed": False,
        "fit": not problems,
        "message": message(problems),
        "problems": problems,
        "memory_mb": host.memory_mb(),
        "cpus": host.cpus(),
        "warnings": [message(skipped)] if skipped else [],
    }


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
