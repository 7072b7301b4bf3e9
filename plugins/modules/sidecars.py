#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.sidecars."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sidecars
short_description: Move namespaces to a revision of Istio, and restart the workloads whose sidecars are out of date
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - A sidecar stays as it was when its pod was made. After an upgrade in place, or after a namespace or a tag was moved
    to another revision, workloads run with the old one until their pods are made anew.
  - For each Deployment, StatefulSet and DaemonSet with pods, the injector is asked which sidecar a new pod would get,
    by a dry run of a pod from the workload's template. A workload whose pods have a sidecar of another revision or
    another image, or none although they would get one, is restarted as C(kubectl rollout restart) does. One joint wait
    follows.
  - A pod that would get no sidecar any more, although it has one, counts as well. What a proxy is configured with
    beside its image, such as its resources, does not.
  - Nothing is restarted where a namespace asks for a revision that is not there, as its pods would lose their sidecars.
  - A workload that a restart would not help is a warning, one whose rollout is paused or which leaves it to people to
    delete its pods. So is one of which the API server would not take a new pod.
requirements:
  - PyYAML for Python on the host, which the role P(meshlab.istio.host#role) brings
extends_documentation_fragment:
  - meshlab.istio.cluster
  - meshlab.istio.progress
attributes:
  check_mode:
    support: full
    description:
      - Lists what would be moved and restarted. The injector of a revision that a namespace is still to be moved to
        cannot be asked, so the image that it would give is left out, and only another revision counts there.
      - A revision that is not installed, and a namespace that does not exist, are no failure there, as an earlier task
        may be what brings them.
  diff_mode:
    support: full
    description: Shows the labels of namespaces, and revision and image of the sidecars of each workload.
options:
  namespaces:
    description: The namespaces to look at.
    type: list
    elements: str
    required: true
  revision:
    description:
      - The revision or tag that injects into the namespaces, as their label C(istio.io/rev). The label
        C(istio-injection), which would outdo it, is taken away. A namespace that asks for it already, in either way, is
        left as it is.
      - Without it, the labels stay as they are.
    type: str
  wait:
    description: Wait until the workloads that were restarted, or are being rolled out already, are ready.
    type: bool
    default: true
  wait_timeout:
    description: Seconds for all of them together.
    type: float
    default: 300
  failure_grace:
    description: Seconds that a trouble which may pass, such as a registry that does not answer, may last.
    type: float
    default: 120
seealso:
  - module: meshlab.istio.istioctl_install
  - module: meshlab.istio.istioctl_tag
  - module: meshlab.istio.workloads_info
"""

EXAMPLES = r"""
- name: After an upgrade in place, give every workload the new sidecar
  meshlab.istio.sidecars:
    namespaces: [tutorial]

- name: Move a namespace to a canary control plane
  meshlab.istio.sidecars:
    namespaces: [tutorial]
    revision: 1-31

- name: Say what would be restarted, and do nothing
  meshlab.istio.sidecars:
    namespaces: [tutorial]
  check_mode: true
  diff: true
"""

RETURN = r"""
restarted:
  description: The workloads that were restarted (or would be, in check mode).
  returned: success
  type: list
  elements: dict
  contains:
    object:
      description: Kind, namespace and name.
      type: str
    pods:
      description: How many of its pods have another sidecar than they would get.
      type: int
    before:
      description: The sidecars of those pods, each once, with C(revision) and C(image); null is a pod without one.
      type: list
      elements: dict
    after:
      description: What they get, null for no sidecar. An empty image is one that cannot be known yet.
      type: dict
  sample:
    - object: Deployment tutorial/reviews-v1
      pods: 3
      before: [{revision: default, image: "registry.istio.io/release/proxyv2:1.30.3"}]
      after: {revision: 1-31, image: "registry.istio.io/release/proxyv2:1.31.0"}
moved:
  description: The namespaces whose label was changed (or would be, in check mode).
  returned: success
  type: list
  elements: str
  sample: [tutorial]
before:
  description: For each object that changes, the changed fields with their old values.
  returned: success
  type: dict
  sample: {"Deployment tutorial/reviews-v1": {"sidecar.revision": "default"}}
after:
  description: The same with the new values.
  returned: success
  type: dict
  sample: {"Deployment tutorial/reviews-v1": {"sidecar.revision": "1-31"}}
changed_objects:
  description: Every field that changes, with C(object), C(field), C(old) and C(new).
  returned: success
  type: list
  elements: dict
  sample:
    - {object: Deployment tutorial/reviews-v1, field: sidecar.revision, old: default, new: 1-31}
diff:
  description: One entry for each object that changes.
  returned: success
  type: list
  elements: dict
cluster_exists:
  description: Whether a cluster could be asked. Always true outside check mode.
  returned: success
  type: bool
  sample: true
seconds:
  description: Seconds that the task took.
  returned: success
  type: float
  sample: 12.4
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._runtime import CLUSTER_OPTIONS, PROGRESS_OPTIONS, run
from ansible_collections.meshlab.istio.plugins.module_utils._sidecars_task import up_to_date

ARGUMENTS: dict[str, Any] = {
    "namespaces": {"type": "list", "elements": "str", "required": True},
    "revision": {"type": "str"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 300},
    "failure_grace": {"type": "float", "default": 120},
    **CLUSTER_OPTIONS,
    **PROGRESS_OPTIONS,
}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), up_to_date)


if __name__ == "__main__":
    main()
