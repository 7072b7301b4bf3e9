#!/usr/bin/python
# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: service_graph_info
short_description: The service graph that Prometheus has measured
version_added: 0.1.0
description:
  - Asks the Prometheus of the cluster which workload called which service, through the API server's proxy.
  - Can wait until a count has arrived and every pod has been scraped since, so that the graph is the one after the
    traffic, with all of its edges.
author: meshlab contributors (@meshlab)
extends_documentation_fragment:
  - meshlab.istio.cluster
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode).
    support: none
options:
  query:
    description: A PromQL expression with one value, returned as C(value).
    type: str
    required: true
  bound:
    description:
      - Wait until Prometheus has scraped every pod since the task began, and the value of O(query) is at least this.
      - One pod is scraped after the other, so that without that the graph could hold what the gateway has sent and not
        yet what reviews received.
    type: float
  timeout:
    description: Seconds to wait for Prometheus, and for O(bound).
    type: float
    default: 60
  namespace:
    description: Namespace of Prometheus.
    type: str
    default: istio-system
  service:
    description: Service of Prometheus.
    type: str
    default: prometheus
  port:
    description: Port of that service.
    type: int
    default: 9090
"""

EXAMPLES = r"""
- name: See who has called whom
  meshlab.istio.service_graph_info:
    query: sum(istio_requests_total{reporter="source"})
  register: graph
"""

RETURN = r"""
value:
  description: The value of O(query); 0 without any sample.
  type: float
  returned: success
edges:
  description: Each pair with C(source), C(destination), C(requests), C(error_share) and C(mtls).
  type: list
  elements: dict
  returned: success
waited:
  description: Seconds until the answer came.
  type: float
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._graph import NOW, QUERY, SCRAPED, edges_of
from ansible_collections.meshlab.istio.plugins.module_utils._prometheus import ask


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result."""
    _runtime.need_libraries(module, "kubernetes")
    options = module.params
    cluster = Cluster(options["kubeconfig"], options["context"])
    wanted = None
    waited = 0.0
    if options["bound"] is not None and not module.check_mode:
        wanted = {"metric": "value", "relation": ">=", "bound": options["bound"]}
        now = ask(cluster, {**options, "query": NOW}, None)["value"]
        since = {"metric": "value", "relation": ">=", "bound": now}
        waited = ask(cluster, {**options, "query": SCRAPED}, since)["waited"]
    answer = ask(cluster, options, wanted)
    graph = ask(cluster, {**options, "query": QUERY}, None)
    return {
        "changed": False,
        "value": answer["value"] or 0.0,
        "waited": round(waited + answer["waited"], 2),
        "edges": edges_of(graph["result"]),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **_runtime.CLUSTER_OPTIONS,
            "query": {"type": "str", "required": True},
            "bound": {"type": "float"},
            "timeout": {"type": "float", "default": 60},
            "namespace": {"type": "str", "default": "istio-system"},
            "service": {"type": "str", "default": "prometheus"},
            "port": {"type": "int", "default": 9090},
        },
        supports_check_mode=True,
    )
    _runtime.run(module, work)


if __name__ == "__main__":
    main()
