#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.istioctl_analyze_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: istioctl_analyze_info
short_description: What istioctl analyze and precheck find, as data
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Runs C(istioctl analyze), and C(istioctl x precheck) if asked, and returns what they find.
  - Of O(filename), fields that Istio does not know are found by C(istioctl validate), as C(analyze) passes over them.
    They have the code V(IST0106).
  - Succeeds whatever they find, unless O(failure_threshold) says otherwise. Their own exit codes do not tell findings
    from failures.
extends_documentation_fragment:
  - meshlab.istio.cluster
attributes:
  check_mode:
    support: full
    description: Analyzing changes nothing.
  diff_mode:
    support: none
    description: Nothing is changed.
options:
  path:
    description: The istioctl binary, as a path or as a name that is looked up in E(PATH).
    type: path
    default: istioctl
  namespace:
    description: The namespace to analyze. Without it and O(all_namespaces), the one of the context.
    type: str
  all_namespaces:
    description: Whether to analyze all namespaces.
    type: bool
    default: false
  filename:
    description: Files and directories on the host with configuration that is not applied yet, analyzed as if it were.
    type: list
    elements: path
    default: []
  use_kube:
    description: Whether to look at the cluster. V(false) looks at O(filename) only.
    type: bool
    default: true
  revision:
    description: Analyze for this revision only, and with O(precheck) check its control plane only.
    type: str
  suppress:
    description: Findings to leave out, as C(CODE=Kind name.namespace), such as V(IST0103=Pod *.testing).
    type: list
    elements: str
    default: []
  precheck:
    description: Whether to run C(istioctl x precheck) as well. Needs istioctl 1.20 or newer.
    type: bool
    default: false
  from_version:
    description: >-
      With O(precheck), report changes of behaviour since this minor release, such as V(1.27). Needs istioctl 1.21 or
      newer.
    type: str
  failure_threshold:
    description: Fail if a finding is at least this severe. Without it, findings never make the task fail.
    type: str
    choices: [Info, Warning, Error]
  timeout:
    description: Seconds that each of the commands may take.
    type: float
    default: 60.0
seealso:
  - module: meshlab.istio.istioctl_install
"""

EXAMPLES = r"""
- name: Look at the whole mesh, and fail on errors
  meshlab.istio.istioctl_analyze_info:
    all_namespaces: true
    failure_threshold: Error

- name: Check files before they are applied
  meshlab.istio.istioctl_analyze_info:
    namespace: tutorial
    filename:
      - /srv/mesh/virtual-service.yaml

- name: See whether an upgrade is safe
  meshlab.istio.istioctl_analyze_info:
    precheck: true
    from_version: "1.29"
"""

RETURN = r"""
findings:
  description: What C(istioctl analyze) found, the most severe first.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: Istio's code.
      type: str
    level:
      description: V(Info), V(Warning) or V(Error).
      type: str
    origin:
      description: The object it is about.
      type: str
    reference:
      description: File and line, null for a live object.
      type: str
    message:
      description: What is wrong.
      type: str
    documentation_url:
      description: Where it is explained.
      type: str
    cluster:
      description: The cluster, if there are several.
      type: str
  sample:
    - code: IST0102
      level: Info
      origin: Namespace default
      reference: null
      message: The namespace is not enabled for Istio injection.
      documentation_url: https://istio.io/latest/docs/reference/config/analysis/ist0102/
      cluster: null
precheck:
  description: What C(istioctl x precheck) found, in the same form.
  returned: with O(precheck=true)
  type: list
  elements: dict
  sample: []
counts:
  description: How many findings there are of each level, both commands together.
  returned: success
  type: dict
  sample: {"Info": 1, "Warning": 0, "Error": 0}
istioctl_version:
  description: Version of istioctl.
  returned: success
  type: str
  sample: 1.31.0
commands:
  description: What was run.
  returned: success
  type: list
  elements: dict
  sample:
    - cmd: istioctl analyze --output json --all-namespaces
      rc: 0
      seconds: 1.1
seconds:
  description: Seconds that the task took.
  returned: success
  type: float
  sample: 1.3
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._istio_analyze import LEVELS, report
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import CLUSTER_OPTIONS, run

ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path", "default": "istioctl"},
    "namespace": {"type": "str"},
    "all_namespaces": {"type": "bool", "default": False},
    "filename": {"type": "list", "elements": "path", "default": []},
    "use_kube": {"type": "bool", "default": True},
    "revision": {"type": "str"},
    "suppress": {"type": "list", "elements": "str", "default": []},
    "precheck": {"type": "bool", "default": False},
    "from_version": {"type": "str"},
    "failure_threshold": {"type": "str", "choices": list(LEVELS)},
    "timeout": {"type": "float", "default": 60.0},
    **CLUSTER_OPTIONS,
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        mutually_exclusive=[("namespace", "all_namespaces")],
        supports_check_mode=True,
    )
    run(module, lambda module: report(module.params))


if __name__ == "__main__":
    main()
