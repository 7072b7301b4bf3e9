#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.scenario."""

from __future__ import annotations

DOCUMENTATION = r"""
module: scenario
short_description: Try one promise of the mesh on a running lab, measure it, and put everything back
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Runs a scenario that is data. It applies configuration, waits until the proxies have acknowledged it, sends traffic,
    measures, judges every expectation, and puts the cluster back as it was, whatever happens meanwhile.
  - The task fails if anything expected is not there; the whole measurement is returned even then.
  - How to put things back is noted in the ConfigMap C(meshlab-scenario) before each change. What an interrupted run
    left is put back by the next one. Two runs on one cluster at the same time would undo each other's changes.
  - A step C(serve_outside) opens a port on this host, on the address from which it reaches the cluster's node, for as
    long as the scenario runs.
attributes:
  check_mode:
    support: full
    description: Says what would be done; nothing is applied and nothing is sent.
  diff_mode:
    support: none
    description: Everything is put back, so there is never a difference to show.
extends_documentation_fragment:
  - meshlab.istio.cluster
  - meshlab.istio.progress
options:
  definition:
    description:
      - The scenario, with C(name), C(title), C(introduces), C(lesson), C(steps) and optionally C(picture), as in the
        files of the role P(meshlab.istio.scenarios#role).
      - In its texts, C(${NAME}) stands for a value. C(namespace), C(url), C(gateway), C(secure_port) and
        C(control_plane_namespace) are there from the start; steps add more.
    type: dict
    required: true
  patches:
    description: Changes to the scenario before it is run, as the operations of a JSON patch (RFC 6902).
    type: list
    elements: dict
    default: []
  url:
    description: The URL of the product page, as the gateway answers it on this host.
    type: str
    required: true
  host:
    description: The Host header of requests to O(url), where a step does not say another; by default that of the URL.
    type: str
  secure_port:
    description: The gateway's port for TLS at the same address.
    type: int
    default: 443
  namespace:
    description: The namespace of Bookinfo and of the sleep pod.
    type: str
    default: tutorial
  control_plane_namespace:
    description: The namespace of istiod and of the ingress gateway.
    type: str
    default: istio-system
  release_dir:
    description: Istio's release on this host, in whose C(samples) the manifests are that a scenario names.
    type: path
    required: true
requirements:
  - openssl, for scenarios with steps C(tokens) or C(certificates)
seealso:
  - module: meshlab.istio.mesh_traffic
  - module: meshlab.istio.manifests
"""

EXAMPLES = r"""
- name: See that half of the requests fail when the mesh is told so
  meshlab.istio.scenario:
    definition:
      name: half
      title: Half of the requests fail
      introduces: fault injection
      lesson: A proxy can fail requests in place of the service. Clients can be tested against it.
      steps:
        - apply:
            objects:
              - apiVersion: networking.istio.io/v1
                kind: VirtualService
                metadata: {name: ratings}
                spec:
                  hosts: [ratings]
                  http:
                    - fault: {abort: {httpStatus: 500, percentage: {value: 50}}}
                      route: [{destination: {host: ratings}}]
        - name: ratings
          call: {url: "http://ratings:9080/ratings/0", requests: 200}
          expect:
            - {metric: status.500, relation: binomial, bound: {share: 0.5, of: sent}}
    url: http://10.96.0.20/productpage
    release_dir: ~/.local/share/meshlab/istio-1.30.3
"""

RETURN = r"""
scenario:
  description:
    - The scenario's entry in the report, with what was expected, what was measured, every verdict, the manifest that
      was applied, and the problems if it failed.
  returned: always, except in check mode
  type: dict
  sample:
    name: half
    title: Half of the requests fail
    passed: true
    expected: ["ratings: status.500 is a share of 0.5 of sent (exact binomial test, p ≥ 0.001)"]
    measured: {"ratings": {"sent": 200, "status": {"200": 103, "500": 97}}}
    seconds: 4.2
would:
  description: The steps that would be taken.
  returned: in check mode
  type: list
  elements: str
  sample: [apply, "call: ratings"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime, _scenario


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "definition": {"type": "dict", "required": True},
            "patches": {"type": "list", "elements": "dict", "default": []},
            "url": {"type": "str", "required": True},
            "host": {"type": "str"},
            "secure_port": {"type": "int", "default": 443},
            "namespace": {"type": "str", "default": "tutorial"},
            "control_plane_namespace": {"type": "str", "default": "istio-system"},
            "release_dir": {"type": "path", "required": True},
            **_runtime.CLUSTER_OPTIONS,
            **_runtime.PROGRESS_OPTIONS,
        },
        supports_check_mode=True,
    )
    _runtime.run(module, _scenario.work)


if __name__ == "__main__":
    main()
