#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.manifests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: manifests
short_description: Apply a set of Kubernetes manifests and wait for all of it at once
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Applies many objects by server-side apply in one process, in an order in which each finds what it needs, and then
    waits for all of them together by watching them.
  - What is reported as changed, what check mode predicts and what the diff shows come from one comparison of the live
    objects with what the API server says it would store. An object that would not change is not written.
  - The wait ends early, with the pod, the container, the reason and the last log lines, when the cluster says something
    that no amount of waiting can help, such as an image that does not exist. Trouble that may pass, such as a registry
    that does not answer, is waited out for O(failure_grace).
  - Objects that are refused because a webhook or a namespace is still coming up are tried again until O(wait_timeout).
attributes:
  check_mode:
    support: full
    description:
      - Asks the API server what it would store, by a dry run. Objects whose kind does not exist yet or whose namespace
        is among the manifests or O(expected_namespaces), and all objects if there is no kubeconfig or context yet, are
        reported as they are in the manifest.
      - A namespace that does not exist fails in check mode as in earnest. An unknown kind is told in a warning, as an
        earlier task may bring its definition.
      - A cluster that does not answer, such as a stopped one, is no failure. A warning says that what it holds is not
        known; all objects count as new, and with O(state=absent) no change is claimed.
  diff_mode:
    support: full
    description: Shows the fields that change, with the values of Secrets hidden.
extends_documentation_fragment:
  - meshlab.istio.cluster
  - meshlab.istio.progress
options:
  definition:
    description:
      - Manifests as YAML text, as an object, or as a list of these.
      - Text is read with the types that kubectl gives it, as are the files of O(src). In an object those of Ansible
        count, which reads C(17:45) as 1065 and C(2026-12-24) as a date; put such values in quotes there.
    type: raw
  src:
    description:
      - Where to find more manifests on the host that the task runs on. Each entry is a path, or a mapping of either
        C(path) or C(url) and C(checksum), which is C(sha256:) and 64 hexadecimal digits.
      - Of a directory, its files ending in C(.yaml), C(.yml) and C(.json) are taken, not those of its subdirectories.
      - A URL must have a checksum.
    type: list
    elements: raw
    default: []
  state:
    description:
      - V(present) makes the objects what their manifests say. Fields that no manifest names are left as they are.
      - V(absent) deletes them in the reverse order, and waits until they are gone.
    type: str
    choices: [present, absent]
    default: present
  namespace:
    description: Namespace of each object of a namespaced kind whose manifest names none.
    type: str
  label_selectors:
    description:
      - Only objects whose own labels fulfil all of these are used. They are written as for C(kubectl -l), so that
        C(version!=v2) also holds for an object without the label.
    type: list
    elements: str
    default: []
  patches:
    description: Changes to the manifests before they are applied.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: Kind of the objects to change.
        type: str
        required: true
      name:
        description: Name of the object. Without it every object of the kind is changed.
        type: str
      namespace:
        description: Namespace of the object. Without it any is meant.
        type: str
      inside:
        description:
          - JSON pointer to a text in the object that is a YAML document itself, such as a configuration file in a
            ConfigMap, C(/data/prometheus.yml). The patch is then for that document.
          - It is read and written with the types that kubectl gives it; comments are lost.
        type: str
      patch:
        description: A mapping is a JSON merge patch (RFC 7386), a list is a JSON patch (RFC 6902).
        type: raw
        required: true
      optional:
        description: Whether the patch may fit no object. Without it that is an error.
        type: bool
        default: false
  recreate:
    description:
      - Whether to delete and create an object when its change is refused and a new object would be taken, as with an
        immutable field.
      - A CustomResourceDefinition of which there are objects, and a claim or volume that is bound, are never
        recreated, because others' objects or data would go with them.
    type: bool
    default: false
  adopt:
    description:
      - Whether objects that are there and that O(field_manager) never applied may be changed to what their manifests
        say, as C(kubectl apply) does. V(false) refuses that before anything is written, and names them.
      - What was adopted counts as applied by O(field_manager) from then on, also for O(only_applied).
      - Of a Namespace that is there only the manifest's own fields are changed, in either case.
    type: bool
    default: true
  prune:
    description:
      - A name for this set of objects. Each object gets it as the label C(meshlab.istio/owner), and objects with that
        label that are no longer in the set are deleted. With O(state=absent), all objects with that label are.
      - Looked at are the kinds in the set and the usual kinds of Kubernetes, Istio and the Gateway API. Kinds that this
        user may not list in the whole cluster are looked at in the namespaces of the set, or left out with a warning.
      - An object is of the set only if O(field_manager) gave it that label. What a controller made or somebody copied
        stays, and so does a namespace with something else in it, or a definition of which there are other objects.
    type: str
  keep_used_namespaces:
    description:
      - With O(state=absent), whether a Namespace of the set stays if there is anything else in it, with a warning that
        names it. What Kubernetes and istiod put into every namespace does not count.
    type: bool
    default: false
  only_applied:
    description:
      - With O(state=absent), whether an object stays that O(field_manager) never applied, with a warning that names it,
        because it only has the name of one in the set.
    type: bool
    default: false
  expected_namespaces:
    description: Namespaces that an earlier task makes. In check mode it is no error that they do not exist yet.
    type: list
    elements: str
    default: []
  field_manager:
    description: Name under which the API server remembers which fields are ours.
    type: str
    default: meshlab.istio
  wait:
    description: Whether to wait until all objects are ready, or gone.
    type: bool
    default: true
  wait_timeout:
    description: Seconds for everything together.
    type: float
    default: 300.0
  wait_conditions:
    description: More to wait for than that the objects are ready in the sense of their kinds.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: Kind of the objects.
        type: str
        required: true
      name:
        description: Name of the object. Without it every object of the kind in the set is meant.
        type: str
      namespace:
        description: Namespace of the object. Without it any is meant.
        type: str
      condition:
        description: A JMESPath expression over the live object that must become true.
        type: str
        required: true
  failure_grace:
    description: Seconds that trouble may last which may pass by itself.
    type: float
    default: 120.0
seealso:
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: Install Bookinfo with three replicas of each deployment
  meshlab.istio.manifests:
    src:
      - ~/istio-1.30.3/samples/bookinfo/platform/kube/bookinfo.yaml
    namespace: tutorial
    label_selectors:
      - version!=v2,version!=v3
    patches:
      - kind: Deployment
        patch: {spec: {replicas: 3}}

- name: Make a namespace and something in it
  meshlab.istio.manifests:
    definition: |
      apiVersion: v1
      kind: Namespace
      metadata:
        name: tutorial
        labels:
          istio-injection: enabled
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: greeting
        namespace: tutorial
      data:
        text: hello

- name: Install all addons of a release except Loki, and wait for an address of the gateway too
  meshlab.istio.manifests:
    src:
      - ~/istio-1.30.3/samples/addons
    namespace: istio-system
    label_selectors:
      - app.kubernetes.io/name!=loki
    prune: addons
    wait_timeout: 600

- name: Apply a manifest from the internet, and wait until its service has an address
  meshlab.istio.manifests:
    src:
      - url: https://example.com/gateway.yaml
        checksum: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    wait_conditions:
      - kind: Service
        name: gateway
        condition: status.loadBalancer.ingress[0].ip

- name: Remove Bookinfo
  meshlab.istio.manifests:
    src:
      - ~/istio-1.30.3/samples/bookinfo/platform/kube/bookinfo.yaml
    namespace: tutorial
    state: absent
"""

RETURN = r"""
objects:
  description: Every object of the set, those that were pruned last.
  returned: success
  type: list
  elements: dict
  sample:
    - {object: Namespace tutorial, changed: false}
    - {object: Deployment tutorial/reviews-v1, changed: true}
changed_objects:
  description: The fields that changed or would change, as in the diff.
  returned: success
  type: list
  elements: dict
  sample:
    - {object: Deployment tutorial/reviews-v1, field: spec.replicas, old: 1, new: 3}
    - {object: Service tutorial/sleep, field: "", old: absent, new: present}
waited:
  description: How long it took from the last request until everything was ready or gone.
  returned: success
  type: dict
  sample: {seconds: 11.3}
cluster_exists:
  description: >-
    V(false) in check mode when there is no kubeconfig or context yet, or the cluster does not answer, so that
    everything counts as new.
  returned: success
  type: bool
seconds:
  description: How long the work took, without starting the module.
  returned: success
  type: float
  sample: 11.8
failures:
  description: What kept objects from being ready when the wait ended.
  returned: when the wait failed
  type: list
  elements: dict
  sample:
    - object: Deployment tutorial/reviews-v1
      pod: reviews-v1-7d8c6f9b5-x2x7p
      container: reviews
      reason: ErrImageNeverPull
      message: Container image "reviews:1" is not present with pull policy of Never
      advice: Load the image into the node (minikube image load), or let imagePullPolicy be IfNotPresent.
      final: true
      log: []
pending:
  description: The objects that were not ready when the wait ended, and what each one lacked.
  returned: when the wait failed
  type: list
  elements: dict
  sample:
    - {object: Deployment tutorial/reviews-v1, message: 0 of 1 replicas available}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _manifests, _runtime

TARGET = {"kind": {"type": "str", "required": True}, "name": {"type": "str"}, "namespace": {"type": "str"}}
PATCH = {
    **TARGET,
    "inside": {"type": "str"},
    "patch": {"type": "raw", "required": True},
    "optional": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "definition": {"type": "raw"},
            "src": {"type": "list", "elements": "raw", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "namespace": {"type": "str"},
            "label_selectors": {"type": "list", "elements": "str", "default": []},
            "patches": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": PATCH,
            },
            "recreate": {"type": "bool", "default": False},
            "adopt": {"type": "bool", "default": True},
            "prune": {"type": "str"},
            "keep_used_namespaces": {"type": "bool", "default": False},
            "only_applied": {"type": "bool", "default": False},
            "expected_namespaces": {"type": "list", "elements": "str", "default": []},
            "field_manager": {"type": "str", "default": "meshlab.istio"},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "float", "default": 300.0},
            "wait_conditions": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {**TARGET, "condition": {"type": "str", "required": True}},
            },
            "failure_grace": {"type": "float", "default": 120.0},
            **_runtime.CLUSTER_OPTIONS,
            **_runtime.PROGRESS_OPTIONS,
        },
        required_one_of=[("definition", "src", "prune")],
        supports_check_mode=True,
    )
    _runtime.run(module, _manifests.work)


if __name__ == "__main__":
    main()
