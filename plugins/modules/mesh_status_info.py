#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.mesh_status_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mesh_status_info
short_description: The state of a mesh in seconds, each part proven
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Asks everything at the same time and ends after O(timeout) whatever hangs. A check that fails is a row that says
    why. The module itself only fails when it cannot run.
  - The components that the tutorial's introduction names are shown as what they are today, each with a proof that its
    duty is done. Envoy, all proxies are ready. Pilot, each proxy acknowledged what istiod sent last. Citadel, each
    proxy uses a valid certificate in the name of its service account. Galley, a webhook of istiod's refuses an invalid
    configuration. Mixer, Prometheus has the proxies' counters, and an authorization policy would be taken.
  - What is written for a proof is a dry run at the API server, after which nothing is stored.
extends_documentation_fragment:
  - meshlab.istio.cluster
options:
  namespace:
    description: Namespace of istiod and of the ingress gateway.
    type: str
    default: istio-system
  app_namespace:
    description: A namespace whose pods get a sidecar.
    type: str
    default: tutorial
  addons:
    description: The addons to ask, as for M(meshlab.istio.addons_info).
    type: list
    elements: str
    default: []
  addons_namespace:
    description: The namespace of the addons and of Prometheus.
    type: str
    default: istio-system
  gateway_service:
    description: The Service of the ingress gateway.
    type: str
    default: istio-ingressgateway
  gateway:
    description: A Gateway of the Gateway API instead, as C(NAMESPACE/NAME), or as C(NAME) in O(namespace).
    type: str
  path:
    description: Path that is asked for at the gateway.
    type: str
    default: /productpage
  host:
    description: Host header for the gateway; without it the URL's own host is sent.
    type: str
  body:
    description: Text that the gateway's answer has to contain.
    type: str
  istioctl:
    description: The istioctl binary, as a path or as a name that is looked up in E(PATH).
    type: path
    default: istioctl
  suppress:
    description: Findings of C(istioctl analyze) to leave out, as for M(meshlab.istio.istioctl_analyze_info).
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds after which no answer is waited for any more. The API server gets half of them for its first answer.
      - Raise it for a busy host, or for a mesh with hundreds of proxies.
    type: float
    default: 4.0
attributes:
  check_mode:
    support: full
    description: Nothing is ever changed.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: meshlab.istio.addons_info
  - module: meshlab.istio.gateway_url_info
  - module: meshlab.istio.istioctl_analyze_info
"""

EXAMPLES = r"""
- name: See how the mesh is
  meshlab.istio.mesh_status_info:
    addons: [prometheus, kiali]
    body: "<title>Simple Bookstore App</title>"
  register: status

- name: Show the page
  ansible.builtin.debug:
    var: status.page
"""

RETURN = r"""
ok:
  description: Whether no check failed.
  returned: success
  type: bool
problems:
  description: A sentence for each check that failed.
  returned: success
  type: list
  elements: str
  sample: ["Pilot: 14 of 15 proxies acknowledged all that was sent; sleep-1.tutorial is not connected"]
checks:
  description: All checks in the order of the page.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What was looked at.
      type: str
    today:
      description: For a component of the tutorial's introduction, what does its duty today; else empty.
      type: str
    ok:
      description: Whether what must be true is; null if it was neither proven nor disproved.
      type: bool
    says:
      description: What was seen.
      type: str
    seconds:
      description: How long it took.
      type: float
  sample:
    - name: Pilot
      today: "configuration pushed: in istiod"
      ok: true
      says: 15 of 15 proxies acknowledged all that was sent
      seconds: 0.61
page:
  description: The same as lines of text.
  returned: success
  type: list
  elements: str
  sample: ["The mesh works: 20 of 20 checks are well (2.1 s)."]
seconds:
  description: How long all took.
  returned: success
  type: float
  sample: 2.1
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime, _status


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "namespace": {"type": "str", "default": "istio-system"},
            "app_namespace": {"type": "str", "default": "tutorial"},
            "addons": {"type": "list", "elements": "str", "default": []},
            "addons_namespace": {"type": "str", "default": "istio-system"},
            "gateway_service": {"type": "str", "default": "istio-ingressgateway"},
            "gateway": {"type": "str"},
            "path": {"type": "str", "default": "/productpage"},
            "host": {"type": "str"},
            "body": {"type": "str"},
            "istioctl": {"type": "path", "default": "istioctl"},
            "suppress": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 4.0},
            **_runtime.CLUSTER_OPTIONS,
        },
        supports_check_mode=True,
    )
    _runtime.run(module, _status.work)


if __name__ == "__main__":
    main()
