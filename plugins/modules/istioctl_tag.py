#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.istioctl_tag."""

from __future__ import annotations

DOCUMENTATION = r"""
module: istioctl_tag
short_description: Point a revision tag to a revision of Istio, or remove it
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - A tag is a second name of a revision. Namespaces with the label C(istio.io/rev=TAG) get their sidecars from the
    revision that the tag points to, and follow when it is pointed to another one and their workloads are restarted.
  - What would change is found first. What C(istioctl tag generate) writes is sent to the API server as a server-side
    apply that is not stored, under the field manager of C(istioctl tag set), and compared with what is live. The
    certificate that istiod patches into webhooks is not counted.
  - RV(ignore:changed), check mode and diff all come from that comparison. If nothing would change, C(istioctl tag set)
    is not run.
  - The tag V(default) is the one that injects where a namespace has the label C(istio-injection=enabled). An install
    without a revision brings it back to its own.
requirements:
  - PyYAML for Python on the host, which the role P(meshlab.istio.host#role) brings
  - istioctl 1.19 or newer on the host
extends_documentation_fragment:
  - meshlab.istio.cluster
attributes:
  check_mode:
    support: full
    description:
      - Asks the API server what it would store, by a dry run.
      - A revision that is not installed is a warning there, as an earlier task may be what installs it, and the tag
        counts as new.
  diff_mode:
    support: full
    description: Shows what the API server would store, object by object.
options:
  name:
    description: The tag, such as V(prod-stable).
    type: str
    required: true
  state:
    description:
      - V(present) lets the tag point to O(revision).
      - V(absent) removes it, with what other releases of istioctl leave behind of it.
    type: str
    choices: [present, absent]
    default: present
  revision:
    description: The revision that the tag points to; V(default) is the one without a name. Needed for O(state=present).
    type: str
  overwrite:
    description:
      - Whether a tag that points to another revision may be pointed to O(revision), and whether a tag may have the
        name of a revision. A tag of this revision that somebody has edited is mended in any case.
    type: bool
    default: false
  auto_inject_namespaces:
    description: Inject into every namespace that does not say no, as C(istioctl tag set) has it.
    type: bool
    default: false
  force:
    description: Remove the tag although namespaces ask for it. Their new pods get no sidecar then.
    type: bool
    default: false
  istio_namespace:
    description: The namespace of the control plane.
    type: str
    default: istio-system
  path:
    description: The istioctl binary, as a path or as a name that is looked up in E(PATH).
    type: path
    default: istioctl
seealso:
  - module: meshlab.istio.istioctl_install
  - module: meshlab.istio.sidecars
"""

EXAMPLES = r"""
# An upgrade by revision: the new control plane beside the old one, the tag to it, the workloads after it, and the old
# control plane away.
- name: Install the new revision
  meshlab.istio.istioctl_install:
    path: /opt/istio-1.31.0/bin/istioctl
    profile: demo
    revision: 1-31

- name: Point the tag to it
  meshlab.istio.istioctl_tag:
    path: /opt/istio-1.31.0/bin/istioctl
    name: prod
    revision: 1-31
    overwrite: true

- name: Restart what still has the old sidecar
  meshlab.istio.sidecars:
    namespaces: [tutorial]

- name: Remove the old revision
  meshlab.istio.istioctl_install:
    state: absent
    revision: 1-30

- name: Remove a tag that no namespace asks for
  meshlab.istio.istioctl_tag:
    name: old-stable
    state: absent
"""

RETURN = r"""
name:
  description: The tag.
  returned: success
  type: str
  sample: prod
revision_before:
  description: The revision that the tag pointed to before, null if there was no such tag.
  returned: success
  type: str
  sample: 1-30
revisions:
  description: The revisions that are installed.
  returned: success
  type: list
  elements: str
  sample: [1-30, 1-31]
namespaces:
  description: The namespaces that ask for this tag.
  returned: success
  type: list
  elements: str
  sample: [tutorial]
before:
  description: For each object that changes, the changed fields with their old values; the field "" is the whole object.
  returned: success
  type: dict
  sample: {"MutatingWebhookConfiguration istio-revision-tag-prod": {"metadata.labels[\"istio.io/rev\"]": "1-30"}}
after:
  description: The same with the new values. Objects that go are not in it.
  returned: success
  type: dict
  sample: {"MutatingWebhookConfiguration istio-revision-tag-prod": {"metadata.labels[\"istio.io/rev\"]": "1-31"}}
changed_objects:
  description: Every field that changes, with C(object), C(field), C(old) and C(new).
  returned: success
  type: list
  elements: dict
  sample:
    - object: MutatingWebhookConfiguration istio-revision-tag-prod
      field: metadata.labels["istio.io/rev"]
      old: 1-30
      new: 1-31
diff:
  description: One entry for each object that changes.
  returned: success
  type: list
  elements: dict
removed:
  description: Objects that were removed.
  returned: success
  type: list
  elements: str
  sample: [MutatingWebhookConfiguration istio-revision-tag-prod, Service istio-system/istiod-revision-tag-prod]
istioctl_version:
  description: Version of istioctl.
  returned: with O(state=present), if there is an istioctl
  type: str
  sample: 1.31.0
cluster_exists:
  description: Whether a cluster could be asked. Always true outside check mode.
  returned: success
  type: bool
  sample: true
commands:
  description: What was run.
  returned: success
  type: list
  elements: dict
  sample:
    - cmd: istioctl tag set prod --revision 1-31 --overwrite --skip-confirmation --istioNamespace istio-system
      rc: 0
      seconds: 0.9
seconds:
  description: Seconds that the task took.
  returned: success
  type: float
  sample: 1.9
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils._istio_tag_task import present_or_absent
from ansible_collections.meshlab.istio.plugins.module_utils._runtime import CLUSTER_OPTIONS, run

ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "revision": {"type": "str"},
    "overwrite": {"type": "bool", "default": False},
    "auto_inject_namespaces": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "istio_namespace": {"type": "str", "default": "istio-system"},
    "path": {"type": "path", "default": "istioctl"},
    **CLUSTER_OPTIONS,
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_if=[("state", "present", ["revision"])], supports_check_mode=True
    )
    run(module, present_or_absent)


if __name__ == "__main__":
    main()
