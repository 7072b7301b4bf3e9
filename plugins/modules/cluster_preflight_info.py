#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.cluster_preflight_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_preflight_info
short_description: Tell whether a cluster that is there already can be used
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Checks the kubeconfig, its context, and that the API server answers with it. Returns all problems, each with its
    remedy. Changes nothing, and needs neither kubectl nor a Python library on the host.
  - The API server is asked as the other modules ask it, with the same proxy, certificates and credential plugin.
extends_documentation_fragment:
  - meshlab.istio.cluster
options:
  kubeconfig:
    description: Path of the kubeconfig on the host.
    type: path
    required: true
  timeout:
    description: Seconds for the API server's answer.
    type: float
    default: 5.0
  content:
    description: What is in the kubeconfig, as JSON. The action of this name gives it.
    type: str
attributes:
  check_mode:
    support: full
    description: Nothing is changed.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: meshlab.istio.host_preflight_info
"""

EXAMPLES = r"""
- name: See whether the cluster of kind answers
  meshlab.istio.cluster_preflight_info:
    kubeconfig: ~/.kube/config
    context: kind-kind
  register: preflight
"""

RETURN = r"""
problems:
  description: The problems, each with C(check), C(problem) and C(remedy).
  returned: success
  type: list
  elements: dict
  sample:
    - check: server
      problem: "the API server https://127.0.0.1:6443 does not answer: nothing listens there (connection refused)"
      remedy: Start the cluster, or name another one with `lab_kubeconfig` and `lab_context`.
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._cluster_preflight import check
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError


def work(module: AnsibleModule) -> dict[str, Any]:
    """Look at the kubeconfig and ask its API server; return the module's result."""
    options = module.params
    try:
        content = json.loads(options["content"]) if options["content"] else None
    except ValueError as error:
        raise InputError(
            "The option content is not JSON; leave it out, and the kubeconfig is read from its file."
        ) from error
    problems = check(options["kubeconfig"], content, options["context"], options["timeout"])
    return {"changed": False, "problems": problems}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **_runtime.CLUSTER_OPTIONS,
            "kubeconfig": {"type": "path", "required": True},
            "timeout": {"type": "float", "default": 5.0},
            "content": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
