# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service graph as the mesh's own metrics tell it: who called whom, how often, with what share of errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Counts = list[dict[str, Any]]

QUERY = (
    "sum by (instance, source_app, destination_service_name, destination_principal, response_code) "
    '(istio_requests_total{reporter="source"})'
)

NOW = "time()"
"""Prometheus' own clock: this host's may differ."""

KIALI = ("kiali", 20001)
GRAPH = "/kiali/api/namespaces/graph"
"""Kiali's service and port in Istio's samples, and where it answers with its graph (Kiali 2, routing/router.go)."""


def counts_of(samples: Iterable[Mapping[str, Any]]) -> Counts:
    """Turn the answer to QUERY into what each pod has counted since it began.

    :param samples: mappings of ``labels`` and ``value``.
    :returns: for each pod and pair: instance, source, destination, requests, errors (codes from 500 on, and requests
        without an answer, code 0), mtls (requests whose server showed a SPIFFE identity).
    """
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for sample in samples:
        labels, count = sample["labels"], float(sample["value"])
        names = ("instance", "source_app", "destination_service_name")
        instance, source, destination = (labels.get(name, "unknown") for name in names)
        entry = found.setdefault(
            (instance, source, destination),
            {"instance": instance, "source": source, "destination": destination,
             "requests": 0.0, "errors": 0.0, "mtls": 0.0},
        )  # fmt: skip
        entry["requests"] += count
        code = labels.get("response_code", "")
        if not code.isdigit() or int(code) == 0 or int(code) >= 500:
            entry["errors"] += count
        if labels.get("destination_principal", "").startswith("spiffe://"):
            entry["mtls"] += count
    return list(found.values())


def edges_of(counts: Counts, before: Counts | None = None, seconds: float | None = None) -> list[dict[str, Any]]:
    """Sum what the pods have counted into edges.

    :param counts: as ``counts_of`` returns them.
    :param before: counts of an earlier time; then the edges hold only what came since. A pod that has counted less
        than before began again at 0, and a pod that was not there has begun at 0.
    :param seconds: the time between the two.
    :returns: for each pair that was ever used: source, destination, requests and, with ``seconds``, rate (requests a
        second); unless it was idle since ``before`` also error_share, mtls_share and mtls (all requests were).
        Sorted by source, destination.
    """
    earlier = {(old["instance"], old["source"], old["destination"]): old for old in before or []}
    found: dict[tuple[str, str], dict[str, float]] = {}
    for now in counts:
        old = earlier.get((now["instance"], now["source"], now["destination"]))
        if old is not None and old["requests"] > now["requests"]:
            old = None
        edge = found.setdefault((now["source"], now["destination"]), {"ever": 0.0})
        edge["ever"] += now["requests"]
        for kind in ("requests", "errors", "mtls"):
            edge[kind] = edge.get(kind, 0.0) + max(0.0, now[kind] - (old[kind] if old else 0.0))
    edges = []
    for (source, destination), edge in sorted(found.items()):
        if not edge["ever"]:
            continue
        requests = edge["requests"]
        told: dict[str, Any] = {"source": source, "destination": destination, "requests": requests}
        if seconds:
            told["rate"] = round(requests / seconds, 4)
        if requests:
            told["error_share"] = edge["errors"] / requests
            told["mtls_share"] = edge["mtls"] / requests
            told["mtls"] = edge["mtls"] == requests
        edges.append(told)
    return edges


def size_of_kialis(answer: Mapping[str, Any]) -> dict[str, int]:
    """Return how many nodes and edges Kiali's graph has; the boxes that it draws around nodes are none.

    :raises KeyError, TypeError: it is no answer of Kiali's API (Kiali 2, graph/config/common/common.go).
    """
    nodes, edges = answer["elements"]["nodes"], answer["elements"]["edges"]
    return {"nodes": sum(node["data"].get("nodeType") != "box" for node in nodes or []), "edges": len(edges or [])}
