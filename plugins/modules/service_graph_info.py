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
  - Pods that are gone do not count, even those that went while Prometheus was down.
  - Without O(since) the edges hold all that the pods have counted since they began. With it they hold only what came
    since an earlier call, so that errors of long ago are none of this traffic's.
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
  since:
    description:
      - RV(counted) of an earlier call. RV(edges) are then the difference, with a rate.
      - Counted pod by pod, so that a counter that began again takes nothing away from the others.
    type: dict
    suboptions:
      at:
        description: Prometheus' time of that call.
        type: float
        required: true
      counts:
        description: What each pod had counted then.
        type: list
        elements: dict
        required: true
  kiali_namespace:
    description:
      - Also ask Kiali, in O(namespace), for the size of its own graph of this namespace in the last minute.
      - Without it Kiali is not asked. That it does not answer is a warning.
    type: str
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

- name: See what came since
  meshlab.istio.service_graph_info:
    query: sum(istio_requests_total{reporter="source"})
    since: "{{ graph.counted }}"
"""

RETURN = r"""
value:
  description: The value of O(query); 0 without any sample.
  type: float
  returned: success
edges:
  description:
    - Each pair that was ever used, with C(source), C(destination), C(requests), C(error_share), C(mtls_share) and
      C(mtls), which is whether all of them were mutually authenticated.
    - With O(since) also C(rate), in requests a second; a pair without a request since then has no shares.
  type: list
  elements: dict
  returned: success
counted:
  description: What O(since) takes, C(at) and C(counts).
  type: dict
  returned: success
seconds:
  description: Seconds of Prometheus' clock since O(since); null without it.
  type: float
  returned: success
kiali:
  description: C(nodes) and C(edges) of Kiali's own graph; null if it was not asked or did not answer.
  type: dict
  returned: success
waited:
  description: Seconds until the answer came.
  type: float
  returned: success
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.meshlab.istio.plugins.module_utils import _runtime
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._graph import (
    GRAPH,
    KIALI,
    NOW,
    QUERY,
    counts_of,
    edges_of,
    size_of_kialis,
)
from ansible_collections.meshlab.istio.plugins.module_utils._names import through_service
from ansible_collections.meshlab.istio.plugins.module_utils._prometheus import ask, lookback, scraped

SINCE: dict[str, Any] = {
    "at": {"type": "float", "required": True},
    "counts": {"type": "list", "elements": "dict", "required": True},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result."""
    _runtime.need_libraries(module, "yaml")
    options = dict(module.params)
    cluster = Cluster(options["kubeconfig"], options["context"])
    options["lookback"] = lookback(cluster, options)
    wanted = None
    waited = 0.0
    if options["bound"] is not None and not module.check_mode:
        wanted = {"metric": "value", "relation": ">=", "bound": options["bound"]}
        waited = scraped(cluster, options, ask(cluster, {**options, "query": NOW}, None)["value"])
    answer = ask(cluster, options, wanted)
    counts = counts_of(ask(cluster, {**options, "query": QUERY}, None)["result"])
    at = ask(cluster, {**options, "query": NOW}, None)["value"]
    since = options["since"]
    seconds = max(0.0, round(at - since["at"], 3)) if since else None
    result = {
        "changed": False,
        "value": answer["value"] or 0.0,
        "waited": round(waited + answer["waited"], 2),
        "edges": edges_of(counts, since["counts"] if since else None, seconds),
        "counted": {"at": at, "counts": counts},
        "seconds": seconds,
        "kiali": None,
    }
    return {**result, **_kiali(cluster, options)} if options["kiali_namespace"] else result


def _kiali(cluster: Cluster, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size of Kiali's graph as ``kiali``, or why there is none as a warning."""
    asked = {"namespaces": options["kiali_namespace"], "graphType": "versionedApp", "duration": "60s"}
    try:
        answer = cluster.json(through_service(options["namespace"], *KIALI) + GRAPH, asked)
        return {"kiali": size_of_kialis(answer)}
    except ClusterError as error:
        why = error.message
    except (KeyError, TypeError, ValueError, AttributeError):
        why = "its answer is not one of Kiali's API."
    return {"warnings": [f"The report has no size of Kiali's own graph: {why}"]}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **_runtime.CLUSTER_OPTIONS,
            "query": {"type": "str", "required": True},
            "bound": {"type": "float"},
            "since": {"type": "dict", "options": SINCE},
            "kiali_namespace": {"type": "str"},
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
