# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several checks of the status need from the cluster: its pods, what istiod knows of the proxies, the counters.

Sources: the API server; istiod's /debug/syncz, asked inside its pod; Prometheus through the API server's proxy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import is_ready, run_in_pod
from ansible_collections.meshlab.istio.plugins.module_utils._prometheus import query
from ansible_collections.meshlab.istio.plugins.module_utils._proxy_admin import PROXY
from ansible_collections.meshlab.istio.plugins.module_utils._status_check import Once

REQUESTS = "sum by (reporter, connection_security_policy) (istio_requests_total)"
OVER = ("Succeeded", "Failed")

# Istio before 1.24 lists these types by name.
OLD_TYPES = ("cluster", "listener", "route", "endpoint", "extensionconfig")


@dataclass(frozen=True)
class Proxy:
    """What istiod says of a connected proxy.

    :param name: POD.NAMESPACE, as istiod writes it.
    :param version: the version of Istio that it was built for.
    :param late: types of configuration that it has not acknowledged.
    :param refused: why it refused some, "" when it did not.
    """

    name: str
    version: str
    late: tuple[str, ...]
    refused: str


class Mesh:
    """One cluster with the mesh in it, as it is now; everything is asked once, by the first check that needs it.

    :param options: the module's parameters.
    """

    def __init__(self, cluster: Cluster, options: Mapping[str, Any]) -> None:
        self.cluster = cluster
        self.namespace: str = options["namespace"]
        self.apps: str = options["app_namespace"]
        self.addons: str = options["addons_namespace"]
        self.pods = Once(lambda: [pod for pod in cluster.list("v1", "Pod") if _stays(pod)])
        self.connected = Once(self.look)
        self.counted = Once(self._counted)

    def proxies(self) -> list[Object]:
        """Return the pods that have a proxy, sidecars and gateways."""
        return [pod for pod in self.pods() if PROXY in containers(pod)]

    def istiods(self) -> list[Object]:
        """Return the ready istiods. Raises NotFound without one."""
        found = [
            pod
            for pod in self.pods()
            if pod["metadata"]["namespace"] == self.namespace
            and (pod["metadata"].get("labels") or {}).get("app") == "istiod"
            and is_ready(pod)
        ]
        if not found:
            raise NotFound(f"no istiod is ready in {self.namespace}")
        return found

    def look(self) -> list[Proxy]:
        """Ask the istiods now for what they sent to the proxies and what those acknowledged."""
        command = ["pilot-discovery", "request", "GET", "/debug/syncz"]
        answers = [
            run_in_pod(self.cluster, self.namespace, pod["metadata"]["name"], "discovery", command)
            for pod in self.istiods()
        ]
        try:
            return [_proxy(each) for answer in answers for each in json.loads(answer)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ClusterError(f"istiod answered something else than its list of proxies: {answers}"[:200]) from error

    def _counted(self) -> dict[tuple[str, str], float]:
        """Return the requests that Prometheus knows of, by reporter and by how the connection was secured."""
        where = {"namespace": self.addons, "service": "prometheus", "port": 9090, "query": REQUESTS}
        return {
            (sample["labels"].get("reporter", ""), sample["labels"].get("connection_security_policy", "")): (
                sample["value"] or 0.0
            )
            for sample in query(self.cluster, where)
        }


def containers(pod: Object) -> list[str]:
    """Return the names of a pod's containers; a native sidecar is among the init containers."""
    return [each["name"] for part in ("containers", "initContainers") for each in pod["spec"].get(part) or []]


def shown(pod: Object) -> str:
    """Return a pod's name as istiod writes it."""
    return f"{pod['metadata']['name']}.{pod['metadata']['namespace']}"


def some(names: list[str], most: int = 3) -> str:
    """Return the first names of a list, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _stays(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") not in OVER and "deletionTimestamp" not in pod["metadata"]


def _proxy(answer: Mapping[str, Any]) -> Proxy:
    resources: dict[str, Any] = answer.get("resources") or {
        kind: {"sent": answer.get(f"{kind}_sent"), "acked": answer.get(f"{kind}_acked")} for kind in OLD_TYPES
    }
    late = [kind for kind, state in resources.items() if state.get("sent") and state["sent"] != state.get("acked")]
    return Proxy(
        str(answer["proxy"]),
        str(answer.get("istio_version") or ""),
        tuple(sorted(kind.rpartition(".")[2] for kind in late)),
        next((str(state["lastError"]) for state in resources.values() if state.get("lastError")), ""),
    )
