#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.gateway_url_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_url_info
short_description: Find the address at which the mesh answers
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Tries one kind of address of an ingress gateway after another and returns the first that answers as expected, with
    the reason why each earlier one was passed over.
  - The requests are sent from the host that the task runs on, so the address is known to work there.
  - Waits for addresses and answers that are still to come, reading the cluster anew each time. Does not wait for what
    will not come by waiting, such as a missing Service, namespace or port.
extends_documentation_fragment:
  - meshlab.istio.cluster
  - meshlab.istio.http_request
  - meshlab.istio.progress
options:
  namespace:
    description: Namespace of the gateway.
    type: str
    default: istio-system
  service:
    description:
      - Name of the gateway's Service.
      - Without it, C(istio-ingressgateway), or with O(gateway) the Service that its controller made for it, that its
        C(spec.addresses) name, or that has its name.
    type: str
  gateway:
    description: A Gateway of the Gateway API, as C(NAMESPACE/NAME), or as C(NAME) in O(namespace).
    type: str
  port_name:
    description:
      - Name of the Service's port for HTTP. The only port of a Service needs no name.
      - With O(gateway), ports are found by the listeners' protocols, and each of them is tried, those first whose
        listener takes O(host). A listener with the protocol TLS passes HTTPS on.
    type: str
    default: http2
  secure_port_name:
    description: Name of the Service's port for HTTPS.
    type: str
    default: https
  scheme:
    description: Which of the two ports has to answer.
    type: str
    choices: [http, https]
    default: http
  path:
    description: Path, and if needed query, that is asked for.
    type: str
    default: /productpage
  status:
    description: Status codes of a good answer. Redirects are not followed.
    type: list
    elements: int
    default: [200]
  body:
    description: Text that a good answer contains.
    type: str
  methods:
    description:
      - Kinds of addresses to try, in this order. Without it, all in the order listed here.
      - V(load_balancer_ip) and V(load_balancer_hostname) are in the Service's status, V(gateway_api) is in the status
        of O(gateway), V(external_ip) are the Service's C(externalIPs), V(node_port) is the Service's port on the nodes'
        addresses, V(host_network) are ports of the nodes that the gateway's pods use themselves.
      - V(port_forward) is what O(port_forward_url) names. Without that option, and only if it is listed here, a
        C(kubectl port-forward) is started on 127.0.0.1, which ends with the task (see RV(temporary)).
      - To get a load balancer's address even if a node port answers earlier, list only the first two.
    type: list
    elements: str
    choices: [load_balancer_ip, load_balancer_hostname, gateway_api, external_ip, node_port, host_network, port_forward]
  port_forward_url:
    description: URLs of port-forwards that may be running already, such as C(http://127.0.0.1:8080).
    type: list
    elements: str
    default: []
  kubectl:
    description: The kubectl binary, as a path or as a name that is looked up in E(PATH).
    type: path
    default: kubectl
  timeout:
    description: Seconds to wait for an address that answers. V(0) tries each address once.
    type: float
    default: 60.0
attributes:
  check_mode:
    support: full
    description:
      - In check mode each address is tried once, without waiting. If the cluster, the gateway or an answer is missing,
        the task does not fail and RV(gateway_url) is empty.
  diff_mode:
    support: none
    description: Nothing is changed.
seealso:
  - module: meshlab.istio.url_info
  - module: meshlab.istio.mesh_traffic
"""

EXAMPLES = r"""
- name: Find the gateway of the tutorial and prove it
  meshlab.istio.gateway_url_info:
    body: "<title>Simple Bookstore App</title>"
  register: gateway

- name: Use it
  meshlab.istio.mesh_traffic:
    url: "http://{{ gateway.gateway_url }}/productpage"
    requests: 100

- name: Insist on the load balancer, with TLS for one host name
  meshlab.istio.gateway_url_info:
    methods: [load_balancer_ip, load_balancer_hostname]
    scheme: https
    host: tutorial.bookinfo.com
    ca_path: ~/bookinfo-ca.pem

- name: Find a gateway of the Gateway API
  meshlab.istio.gateway_url_info:
    gateway: tutorial/bookinfo-gateway
"""

RETURN = r"""
gateway_url:
  description: >-
    HOST:PORT that answered, what the tutorial calls GATEWAY_URL. IPv6 addresses are in brackets. Empty in check mode if
    nothing answered.
  returned: success
  type: str
  sample: "10.96.184.12:80"
url:
  description: The whole URL that answered.
  returned: success
  type: str
  sample: http://10.96.184.12:80/productpage
ingress_host:
  description: Address or name that answered.
  returned: success
  type: str
  sample: 10.96.184.12
ingress_port:
  description: Port for HTTP at that address, or null if there is none.
  returned: success
  type: int
  sample: 80
secure_ingress_port:
  description: Port for HTTPS at that address, or null if there is none.
  returned: success
  type: int
  sample: 443
method:
  description: Kind of the address that answered, one of O(methods).
  returned: success
  type: str
  sample: load_balancer_ip
temporary:
  description: Whether the address was a port-forward that ended with this task.
  returned: success
  type: bool
passed_over:
  description: What was tried before, with C(method), C(address) (empty if there was none) and C(reason).
  returned: when the cluster could be asked
  type: list
  elements: dict
  sample:
    - method: load_balancer_ip
      address: ""
      reason: the Service has no load balancer address yet; on minikube, `minikube tunnel` gives it one
node_ports:
  description: The Service's node ports, which are open on every node whatever the method, by the name of the port.
  returned: when the cluster could be asked
  type: dict
  sample: {"http2": 31380, "https": 31390}
cluster_exists:
  description: Whether a cluster could be asked. Always true outside check mode.
  returned: success
  type: bool
commands:
  description: Each command that ran, with C(cmd), C(rc) and C(seconds).
  returned: success
  type: list
  elements: dict
seconds:
  description: Seconds that the search took.
  returned: success
  type: float
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _gateway_url, _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._gateway import METHODS
from ansible_collections.meshlab.istio.plugins.module_utils._http import HTTP_OPTIONS


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "namespace": {"type": "str", "default": "istio-system"},
            "service": {"type": "str"},
            "gateway": {"type": "str"},
            "port_name": {"type": "str", "default": "http2"},
            "secure_port_name": {"type": "str", "default": "https"},
            "scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
            "path": {"type": "str", "default": "/productpage"},
            "status": {"type": "list", "elements": "int", "default": [200]},
            "body": {"type": "str"},
            "methods": {"type": "list", "elements": "str", "choices": list(METHODS)},
            "port_forward_url": {"type": "list", "elements": "str", "default": []},
            "kubectl": {"type": "path", "default": "kubectl"},
            "timeout": {"type": "float", "default": 60.0},
            **HTTP_OPTIONS,
            **_runtime.CLUSTER_OPTIONS,
            **_runtime.PROGRESS_OPTIONS,
        },
        required_by={"client_key": "client_cert"},
        supports_check_mode=True,
    )
    _runtime.run(module, _gateway_url.work)


if __name__ == "__main__":
    main()
