#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.istioctl_install."""

from __future__ import annotations

DOCUMENTATION = r"""
module: istioctl_install
short_description: Install, change or remove Istio with istioctl, and know what changes
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Brings one revision of Istio on a cluster to the state that an IstioOperator describes.
  - What would change is found first. The manifests that istioctl renders, with the labels it adds, are sent to the API
    server as a server-side apply that is not stored, under istioctl's own field manager, and compared with what is
    live. What istioctl prunes, the objects of the tag C(default), and what other versions left behind are part of it.
    Fields that istiod or istioctl rewrite after every install are not counted.
  - RV(ignore:changed), check mode and diff all come from that comparison. If nothing would change, C(istioctl install)
    is not run.
  - Only one install runs on a cluster at a time. It goes on when the task that started it returns early
    (O(wait_for=control_plane)), and a later task with the same state joins it.
  - Files that an install needs while it runs, and its log, are in C(~/.local/share/meshlab/istioctl) on the host.
requirements:
  - PyYAML and jmespath for Python on the host, which the role P(meshlab.istio.host#role) brings
  - istioctl 1.19 or newer on the host (not for O(state=absent))
extends_documentation_fragment:
  - meshlab.istio.cluster
  - meshlab.istio.progress
attributes:
  check_mode:
    support: full
    description:
      - Asks the API server what it would store, by a dry run. Without a kubeconfig or context yet, all counts as new.
      - A cluster that does not answer, such as a stopped one, is no failure. A warning says that what it holds is not
        known; with O(state=absent) no change is claimed.
  diff_mode:
    support: full
    description: Shows what the API server would store, object by object.
options:
  state:
    description:
      - V(present) installs or changes the revision.
      - V(absent) removes it by the rules of C(istioctl uninstall), and waits until it is gone.
    type: str
    choices: [present, absent]
    default: present
  path:
    description: The istioctl binary, as a path or as a name that is looked up in E(PATH).
    type: path
    default: istioctl
  profile:
    description: Istio's configuration profile, such as V(demo).
    type: str
  filename:
    description: IstioOperator files on the host, merged in this order.
    type: list
    elements: path
    default: []
  spec:
    description:
      - What stands under C(spec) of an IstioOperator. Merged over O(filename).
      - Gateways in C(components.ingressGateways) and C(components.egressGateways) are merged by name and namespace with
        those of the profile and the files, for every release of Istio. A gateway without a namespace is the only one
        of its name, or the one in Istio's namespace.
      - Has the types that Ansible gives it, while O(filename) has those of kubectl. Put a tag such as C('1.30') in
        quotes in either.
    type: dict
    default: {}
  set:
    description:
      - Entries C(path=value) as C(istioctl --set) takes them. Merged last, and typed as istioctl types them.
      - They are never passed as C(--set), which some releases mangle when the value holds C(=).
    type: list
    elements: str
    default: []
  revision:
    description: Name of the revision. V(default) and no name mean the one without a name.
    type: str
  hub:
    description: Registry and path of Istio's images.
    type: str
  tag:
    description: Tag of Istio's images.
    type: str
  force:
    description: Go on in spite of validation errors, as C(istioctl --force) does.
    type: bool
    default: false
  allow_downgrade:
    description: Whether an istioctl that is older than the control plane of this revision may be used.
    type: bool
    default: false
  adopt:
    description:
      - Whether a control plane of this revision may be changed that this user never installed from this host with this
        module, and what Helm installed.
      - V(false) refuses that before anything is changed. What is as asked for already is used in either case.
      - With O(purge), whether an Istio may be removed of which this user never installed anything from this host.
    type: bool
    default: true
  wait_for:
    description:
      - V(control_plane) returns when istiod is ready and its injector can be called. What is left goes on by itself.
        Without O(revision), istioctl hands injection to the webhook of the tag V(default) at its very end, and a pod
        that is created in that moment has no sidecar. So create workloads after V(all), or use a revision.
      - V(all) returns when every component is ready, istioctl has ended and the validating webhook refuses invalid
        configuration again. It joins an install that is still running.
      - V(none) returns when istioctl was started.
      - The wait ends within seconds of a reason that cannot pass, such as an image that does not exist, and istioctl is
        stopped then.
    type: str
    choices: [control_plane, all, none]
    default: all
  readiness_timeout:
    description: Seconds that this task waits, and that istioctl waits for each component.
    type: float
    default: 300.0
  failure_grace:
    description: Seconds that a trouble which may pass, such as a registry that does not answer, may last.
    type: float
    default: 120.0
  purge:
    description: With O(state=absent), remove every revision and what revisions share, the CRDs too.
    type: bool
    default: false
  remove_user_resources:
    description: Whether O(purge) may take resources with it that users made, such as a VirtualService.
    type: bool
    default: false
seealso:
  - module: meshlab.istio.istioctl_analyze_info
  - module: meshlab.istio.manifests
"""

EXAMPLES = r"""
- name: Install the demo profile
  meshlab.istio.istioctl_install:
    profile: demo

- name: Say what a change would do, and do nothing
  meshlab.istio.istioctl_install:
    profile: demo
    spec:
      meshConfig:
        accessLogFile: /dev/null
  check_mode: true
  diff: true

- name: Go on with what needs no sidecar as soon as istiod is ready
  meshlab.istio.istioctl_install:
    profile: demo
    wait_for: control_plane

- name: Later, see that everything is ready
  meshlab.istio.istioctl_install:
    profile: demo
    wait_for: all

- name: A canary control plane
  meshlab.istio.istioctl_install:
    path: /opt/istio-1.30.3/bin/istioctl
    profile: minimal
    revision: 1-30-3

- name: Remove the old revision
  meshlab.istio.istioctl_install:
    state: absent
    revision: default
"""

RETURN = r"""
before:
  description: For each object that changes, the changed fields with their old values; the field "" is the whole object.
  returned: success
  type: dict
  sample: {"ConfigMap istio-system/istio": {"data.mesh.accessLogFile": "/dev/stdout"}}
after:
  description: The same with the new values. Objects that go are not in it.
  returned: success
  type: dict
  sample: {"ConfigMap istio-system/istio": {"data.mesh.accessLogFile": "/dev/null"}}
changed_objects:
  description: Every field that changes.
  returned: success
  type: list
  elements: dict
  contains:
    object:
      description: Kind, namespace and name.
      type: str
    field:
      description: Path of the field, "" for an object that appears or goes.
      type: str
    old:
      description: The value before, null if there was none.
      type: raw
    new:
      description: The value after, null if there is none.
      type: raw
  sample:
    - object: ConfigMap istio-system/istio
      field: data.mesh.accessLogFile
      old: /dev/stdout
      new: /dev/null
diff:
  description: One entry for each object that changes.
  returned: success
  type: list
  elements: dict
  sample:
    - before_header: ConfigMap istio-system/istio
      after_header: ConfigMap istio-system/istio
      before: "data.mesh.accessLogFile: /dev/stdout\n"
      after: "data.mesh.accessLogFile: /dev/null\n"
version:
  description: >-
    Version of the control plane of this revision, with O(purge) of any revision, that was found; null if there was
    none.
  returned: success
  type: str
  sample: 1.31.0
installed:
  description: >-
    Whether a control plane of this revision, with O(purge) of any revision, is there after the task (or was, in check
    mode).
  returned: success
  type: bool
  sample: true
istioctl_version:
  description: Version of istioctl.
  returned: with O(state=present), if there is an istioctl
  type: str
  sample: 1.31.0
revision:
  description: The revision, V(default) for the one without a name.
  returned: success
  type: str
  sample: default
running:
  description: Whether istioctl is still at work.
  returned: with O(state=present)
  type: bool
  sample: false
joined:
  description: Whether the task found an install of the same state running and waited for it.
  returned: with O(state=present)
  type: bool
  sample: false
cluster_exists:
  description: >-
    Whether a cluster could be asked. V(false) only in check mode, where there is none yet, or where it does not answer,
    which a warning tells.
  returned: success
  type: bool
  sample: true
leftovers:
  description: Objects of other versions that no istioctl removes. They are deleted at the end of the task.
  returned: with O(state=present)
  type: list
  elements: str
  sample: [PodDisruptionBudget istio-system/istiod]
removed:
  description: Objects that were removed.
  returned: with O(state=absent)
  type: list
  elements: str
  sample: [Deployment istio-system/istiod]
left_behind:
  description: What Istio leaves in the cluster.
  returned: with O(state=absent)
  type: list
  elements: str
  sample: [Namespace istio-system, Secret istio-system/istio-ca-secret]
user_resources:
  description: Resources that users made and O(purge) would have taken with it.
  returned: when that is why the task failed
  type: list
  elements: str
  sample: [VirtualService default/bookinfo]
failures:
  description: What keeps a component from becoming ready.
  returned: when that is why the task failed
  type: list
  elements: dict
  sample:
    - object: Deployment istio-system/istiod
      pod: istiod-6d8b-abcde
      container: discovery
      reason: ErrImageNeverPull
      message: Container image is not present with pull policy of Never
istioctl_log:
  description: The last lines that istioctl wrote.
  returned: when a component did not become ready
  type: list
  elements: str
  sample: ["- Processing resources for Istiod."]
commands:
  description: What was run. The exit code of an install that is still running is null.
  returned: success
  type: list
  elements: dict
  sample:
    - cmd: istioctl version --remote=false --output json
      rc: 0
      seconds: 0.08
seconds:
  description: Seconds that the task took.
  returned: success
  type: float
  sample: 14.2
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._istio_task import present_or_absent
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import CLUSTER_OPTIONS, PROGRESS_OPTIONS, run

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "path": {"type": "path", "default": "istioctl"},
    "profile": {"type": "str"},
    "filename": {"type": "list", "elements": "path", "default": []},
    "spec": {"type": "dict", "default": {}},
    "set": {"type": "list", "elements": "str", "default": []},
    "revision": {"type": "str"},
    "hub": {"type": "str"},
    "tag": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "allow_downgrade": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": True},
    "wait_for": {"type": "str", "choices": ["control_plane", "all", "none"], "default": "all"},
    "readiness_timeout": {"type": "float", "default": 300.0},
    "failure_grace": {"type": "float", "default": 120.0},
    "purge": {"type": "bool", "default": False},
    "remove_user_resources": {"type": "bool", "default": False},
    **CLUSTER_OPTIONS,
    **PROGRESS_OPTIONS,
}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), present_or_absent)


if __name__ == "__main__":
    main()
