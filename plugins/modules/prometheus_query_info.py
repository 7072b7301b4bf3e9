#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module meshlab.istio.prometheus_query_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_query_info
short_description: Ask the Prometheus of a cluster, and wait for an answer
version_added: 0.1.0
author:
  - meshlab contributors (@meshlab)
description:
  - Sends one instant query to a Prometheus that runs in the cluster, through the API server's service proxy.
  - With O(relation) and O(bound) it asks once a second until the value is what was expected, for as long as O(timeout).
attributes:
  check_mode:
    support: full
    description: Asks as usual, but does not wait for O(bound).
  diff_mode:
    support: none
    description: Changes nothing.
extends_documentation_fragment:
  - meshlab.istio.cluster
options:
  query:
    description: A PromQL expression.
    type: str
    required: true
  relation:
    description: How the value must compare with O(bound).
    type: str
    choices: ["<", "<=", "==", "!=", ">=", ">", between]
  bound:
    description: A number, or for V(between) a list of two.
    type: raw
  timeout:
    description: Seconds to go on asking until Prometheus answers and the value is as expected.
    type: float
    default: 60.0
  namespace:
    description: Namespace of the service.
    type: str
    default: istio-system
  service:
    description: Name of the service.
    type: str
    default: prometheus
  port:
    description: Port of the service, as a number or by its name.
    type: str
    default: "9090"
"""

EXAMPLES = r"""
- name: Count the requests that the gateway has sent to productpage
  meshlab.istio.prometheus_query_info:
    query: >-
      sum(istio_requests_total{reporter="source", source_workload="istio-ingressgateway",
      destination_service_name="productpage", response_code="200"})
  register: before

- name: Wait until a hundred more have arrived
  meshlab.istio.prometheus_query_info:
    query: >-
      sum(istio_requests_total{reporter="source", source_workload="istio-ingressgateway",
      destination_service_name="productpage", response_code="200"})
    relation: ">="
    bound: "{{ before.value | default(0, true) + 100 }}"
    timeout: 90
"""

RETURN = r"""
result:
  description: The samples. A range vector has C(values), pairs of Unix time and value, in place of C(value).
  returned: success
  type: list
  elements: dict
  sample:
    - labels: {destination_version: v1}
      value: 34.0
value:
  description: The value, if there is just one sample. It is none for NaN and for infinity.
  returned: success
  type: float
  sample: 134.0
waited:
  description: Seconds until the answer came.
  returned: success
  type: float
  sample: 4.1
cluster_exists:
  description: Whether a cluster could be asked. Always true outside check mode.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _prometheus, _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._statistics import RELATIONS


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "query": {"type": "str", "required": True},
            # binomial compares two measurements, and a query has one value.
            "relation": {"type": "str", "choices": [name for name in RELATIONS if name != "binomial"]},
            "bound": {"type": "raw"},
            "timeout": {"type": "float", "default": 60.0},
            "namespace": {"type": "str", "default": "istio-system"},
            "service": {"type": "str", "default": "prometheus"},
            "port": {"type": "str", "default": "9090"},
            **_runtime.CLUSTER_OPTIONS,
        },
        required_together=[("relation", "bound")],
        supports_check_mode=True,
    )
    _runtime.run(module, _prometheus.work)


if __name__ == "__main__":
    main()
