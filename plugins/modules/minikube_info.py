#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.minikube_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_info
short_description: Describe minikube's clusters
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Returns what minikube's profiles store and the state that their clusters are in. Changes nothing.
extends_documentation_fragment:
  - meshlab.istio.minikube
options:
  profile:
    description: Name of one profile. Without it, all are described.
    type: str
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
- name: Look at all clusters of this user
  meshlab.istio.minikube_info:
  register: minikube

- name: Say which of them run
  ansible.builtin.debug:
    msg: "{{ minikube.profiles | selectattr('state', 'equalto', 'started') | map(attribute='name') }}"
"""

RETURN = r"""
minikube_version:
  description: minikube's version.
  returned: success
  type: str
  sample: 1.38.1
minikube_home:
  description: Directory that minikube keeps its files in.
  returned: success
  type: str
kubeconfig:
  description: The kubeconfig that minikube uses.
  returned: success
  type: str
defaults:
  description: What C(minikube config set) stored for this user.
  returned: success
  type: dict
profiles:
  description: The profiles, sorted by name. An O(profile) that does not exist has the state V(absent).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the profile and of its context.
      type: str
    state:
      description: V(absent), V(damaged), V(incomplete), V(stopped), V(paused), V(degraded) or V(started).
      type: str
    reasons:
      description: Why it is in such a state.
      type: list
      elements: str
    ours:
      description: Whether it is proven that M(meshlab.istio.minikube) made the cluster.
      type: bool
    settings:
      description: What the profile stores, by the option names of M(meshlab.istio.minikube). Amounts are in MiB.
      type: dict
    nodes:
      description: The nodes, with C(name), C(ip), C(port), C(control_plane) and C(worker).
      type: list
      elements: dict
    status:
      description: What C(minikube status) says of each node.
      type: list
      elements: dict
    certificate_days:
      description: Days until the API server's certificate ends, null where it could not be seen.
      type: int
commands:
  description: Each command that ran, with C(cmd), C(rc) and C(seconds).
  returned: success
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import MINIKUBE_OPTIONS, Minikube, profile_problem
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_health import describe
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import run


def work(module: AnsibleModule) -> dict[str, Any]:
    """Look at the profiles; return the module's result."""
    options = module.params
    if options["profile"] and (problem := profile_problem(options["profile"])):
        raise InputError(problem)
    minikube = Minikube(options["path"], options["minikube_home"], options["kubeconfig"])
    names = [options["profile"]] if options["profile"] else minikube.profiles()
    return {
        "changed": False,
        "minikube_version": ".".join(map(str, minikube.version())),
        "minikube_home": minikube.home,
        "kubeconfig": minikube.kubeconfig,
        "defaults": minikube.defaults(),
        "profiles": [describe(minikube, name) for name in names],
        "commands": minikube.log,
    }


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec={"profile": {"type": "str"}, **MINIKUBE_OPTIONS}, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
