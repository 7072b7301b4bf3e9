# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Envoys say of themselves: endpoints and requests of a cluster, and the certificates they use.

Source: Envoy's admin interface (/clusters, /certs), asked inside each pod (``pilot-agent request``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._errors import NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import ready_pods, run_in_pod

PROXY = "istio-proxy"
"""The container's name, also in a gateway's pod."""

COUNTERS = ("rq_total", "rq_success", "rq_error")

Certificates = dict[str, dict[str, str]]
"""Pod → serial, root (serials in hexadecimal) and identity (SPIFFE) of its workload certificate."""


def clusters(cluster: Cluster, namespace: str, selector: str, prefix: str) -> dict[str, Any]:
    """Add up what the proxies of some pods count for the clusters (in Envoy's sense) whose names start with a text.

    :returns: ``proxies``; ``endpoints`` and ``ejected`` ones, as many as any one of the proxies sees;
        ``rq_total``, ``rq_success`` and ``rq_error`` since the endpoints are known, over all proxies.
    """
    counted = dict.fromkeys(COUNTERS, 0)
    endpoints, ejected = [0], [0]
    answers = _ask(cluster, namespace, selector, "clusters?format=json")
    for answer in answers.values():
        found = [each for each in answer.get("cluster_statuses", []) if each["name"].startswith(prefix)]
        hosts = [host for each in found for host in each.get("host_statuses", [])]
        endpoints.append(len(hosts))
        ejected.append(sum(bool(host.get("health_status", {}).get("failed_outlier_check")) for host in hosts))
        for host in hosts:
            for stat in host.get("stats", []):
                if stat.get("name") in counted:
                    counted[stat["name"]] += int(stat.get("value", 0))
    return {"proxies": len(answers), "endpoints": max(endpoints), "ejected": max(ejected), **counted}


def certificates(cluster: Cluster, namespace: str, selector: str) -> Certificates:
    """Return the workload certificate that each proxy uses now."""
    return {pod: _certificate(answer) for pod, answer in _ask(cluster, namespace, selector, "certs").items()}


def compared(now: Certificates, then: Certificates) -> dict[str, Any]:
    """Say in numbers what certificates are there, and what became of earlier ones.

    :returns: ``proxies``, ``serials`` (different ones), ``identities`` (SPIFFE → proxies); of the proxies that were
        there ``then``: ``renewed`` and ``kept`` by serial, ``new_roots`` by the serial of their root.
    """
    both = [(now[pod], then[pod]) for pod in now if pod in then]
    renewed = sum(new["serial"] != old["serial"] for new, old in both)
    return {
        "proxies": len(now),
        "serials": len({each["serial"] for each in now.values()}),
        "identities": dict(sorted(Counter(each["identity"] for each in now.values()).items())),
        "renewed": renewed,
        "kept": len(both) - renewed,
        "new_roots": sum(new["root"] != old["root"] for new, old in both),
    }


def _certificate(answer: Mapping[str, Any]) -> dict[str, str]:
    found = {"serial": "", "root": "", "identity": ""}
    for entry in answer.get("certificates", []):
        for chain in entry.get("cert_chain", [])[:1]:
            found["serial"] = chain.get("serial_number", "")
            names = chain.get("subject_alt_names", [])
            found["identity"] = next((name["uri"] for name in names if "uri" in name), "")
        for root in entry.get("ca_cert", [])[:1]:
            found["root"] = root.get("serial_number", "")
    return found


def _ask(cluster: Cluster, namespace: str, selector: str, path: str) -> dict[str, Any]:
    pods = [pod["metadata"]["name"] for pod in ready_pods(cluster, namespace, selector) if _has_proxy(pod)]
    if not pods:
        raise NotFound(f"No pod of {namespace} with the labels {selector!r} is ready and has a proxy to be asked.")
    command = ["pilot-agent", "request", "GET", path]
    return {pod: json.loads(run_in_pod(cluster, namespace, pod, PROXY, command)) for pod in pods}


def _has_proxy(pod: Object) -> bool:
    # A native sidecar is among the init containers.
    containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
    return any(container["name"] == PROXY for container in containers)
