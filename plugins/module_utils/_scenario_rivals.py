# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the user's own configuration that would win over a scenario's, before the scenario touches anything.

Sources: of two VirtualServices for a host the older one wins whole (``istioctl analyze``, IST0109); DestinationRules
of the client's namespace beat all others, and the oldest traffic policy for a host wins; authorization policies add
up, those of the root namespace too; of two policies of the same reach the oldest wins (istio.io, Traffic Management
and Security, Istio 1.19 to 1.31).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_form import all_steps
from ansible_collections.meshlab.istio.plugins.module_utils._xds import concerns

OURS = "meshlab.istio"
"""The field managers of this collection begin with this name."""

FORBIDDEN = 403

CONFIGURATION = (
    ("networking.istio.io/v1beta1", ("VirtualService", "DestinationRule", "ServiceEntry", "Sidecar")),
    ("networking.istio.io/v1alpha3", ("EnvoyFilter",)),
    ("security.istio.io/v1beta1", ("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication")),
)
"""What can change how requests between the workloads of a namespace go."""


def rivals(
    cluster: Cluster, steps: Sequence[Mapping[str, Any]], namespace: str, values: Mapping[str, Any]
) -> list[str]:
    """Return a sentence (without a full stop) for each object of the user's that a scenario would lose against.

    :param steps: the scenario's steps, their form checked.
    :param namespace: where objects without a namespace go.
    :param values: what ``${NAME}`` stands for before the first step.
    """
    found: dict[str, str] = {}
    for ours in _configuration(steps, namespace, values):
        for theirs in _others(cluster, ours, namespace, str(values["control_plane_namespace"])):
            why = _same_name(ours, theirs) or RULES[ours["kind"]](cluster, ours, theirs)
            if why:
                found.setdefault(reference(theirs), f"{reference(theirs)} is not the scenario's and {why}")
    return list(found.values())


def bystanders(cluster: Cluster, namespace: str) -> list[str]:
    """Name the configuration in a namespace that this collection did not make; a failure may come from it."""
    return [
        reference(obj)
        for version, kinds in CONFIGURATION
        for kind in kinds
        for obj in _listed(cluster, version, kind, namespace)
        if not made_by_us(obj)
    ]


def made_by_us(obj: Object) -> bool:
    """Tell whether this collection wrote an object."""
    return any(str(entry.get("manager", "")).startswith(OURS) for entry in obj["metadata"].get("managedFields") or [])


def _configuration(steps: Sequence[Mapping[str, Any]], namespace: str, values: Mapping[str, Any]) -> Iterator[Object]:
    """Yield each Istio object that the steps apply, of an object only the first form."""
    seen = set()
    for step in all_steps([dict(step) for step in steps]):
        for obj in (step.get("apply") or {}).get("objects", []):
            metadata = {"namespace": namespace, **obj["metadata"]}
            for name, value in values.items():
                metadata["namespace"] = metadata["namespace"].replace(f"${{{name}}}", str(value))
            placed = {**obj, "metadata": metadata}
            if concerns(placed) and obj["kind"] in RULES and reference(placed) not in seen:
                seen.add(reference(placed))
                yield placed


def _others(cluster: Cluster, ours: Object, namespace: str, root: str) -> list[Object]:
    """List the objects of the same kind that this collection did not make and that can reach the namespace."""
    kind = ours["kind"]
    found = _listed(cluster, ours["apiVersion"], kind, None if kind in FROM_ANYWHERE else namespace)
    if kind in FROM_THE_ROOT and root != namespace:
        found += _listed(cluster, ours["apiVersion"], kind, root)
    return [obj for obj in found if not made_by_us(obj) and _visible(obj, namespace)]


def _listed(cluster: Cluster, version: str, kind: str, namespace: str | None) -> list[Object]:
    try:
        return cluster.list(version, kind, namespace)
    except ClusterError as error:
        if error.details.get("status") != FORBIDDEN:
            raise
        return []


def _visible(obj: Object, namespace: str) -> bool:
    home, exported = obj["metadata"]["namespace"], obj.get("spec", {}).get("exportTo")
    return home == namespace or not exported or bool({"*", namespace} & set(exported))


def _same_name(ours: Object, theirs: Object) -> str:
    return "has the name of an object that the scenario applies" if reference(ours) == reference(theirs) else ""


def _host(obj: Object, host: str) -> str:
    """Return a host as Istio understands it: a name without a dot is a service of the object's namespace."""
    return host if "." in host or host == "*" else f"{host}.{obj['metadata']['namespace']}.svc.cluster.local"


def _hosts(obj: Object) -> set[str]:
    spec = obj.get("spec", {})
    return {_host(obj, host) for host in spec.get("hosts") or [spec[key] for key in ("host",) if key in spec]}


def _gateways(obj: Object) -> set[str]:
    named = obj.get("spec", {}).get("gateways") or ["mesh"]
    home = obj["metadata"]["namespace"]
    return {name if "/" in name or name == "mesh" else f"{home}/{name}" for name in named}


def _virtual_service(_cluster: Cluster, ours: Object, theirs: Object) -> str:
    shared = _hosts(ours) & _hosts(theirs)
    if not shared or not _gateways(ours) & _gateways(theirs):
        return ""
    return f"routes {min(shared)} already: of two VirtualServices for a host the older one wins whole (IST0109)"


def _same_host(_cluster: Cluster, ours: Object, theirs: Object) -> str:
    shared = _hosts(ours) & _hosts(theirs)
    return f"already decides about {min(shared)}, and the older object wins" if shared else ""


def _same_server(_cluster: Cluster, ours: Object, theirs: Object) -> str:
    shared = _servers(ours) & _servers(theirs)
    if not shared or not _agree(_selector(ours), _selector(theirs)):
        return ""
    port, host = min(shared)
    return f"already serves {host} at port {port} of the same gateway"


def _servers(obj: Object) -> set[tuple[int, str]]:
    return {
        (server.get("port", {}).get("number", 0), host.rpartition("/")[2])
        for server in obj.get("spec", {}).get("servers") or []
        for host in server.get("hosts") or []
    }


def _same_workload(cluster: Cluster, ours: Object, theirs: Object) -> str:
    spec = theirs.get("spec", {})
    if spec.get("targetRef") or spec.get("targetRefs"):
        return ""
    if theirs["kind"] == "Sidecar" and not _selector(theirs):
        # The Sidecar of one workload wins over the Sidecar of a namespace.
        return ""
    wanted = {**_selector(ours), **_selector(theirs)}
    if not _agree(_selector(ours), _selector(theirs)):
        return ""
    labels = ",".join(f"{key}={value}" for key, value in wanted.items())
    pods = cluster.list("v1", "Pod", ours["metadata"]["namespace"], label_selector=labels or None)
    return f"applies to {pods[0]['metadata']['name']} too" if pods else ""


def _selector(obj: Object) -> dict[str, str]:
    spec = obj.get("spec", {})
    found = spec.get("selector") or spec.get("workloadSelector") or {}
    return dict(found.get("matchLabels") or found.get("labels") or (found if obj["kind"] == "Gateway" else {}))


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(other.get(key, value) == value for key, value in one.items())


RULES: dict[str, Callable[[Cluster, Object, Object], str]] = {
    "VirtualService": _virtual_service, "DestinationRule": _same_host, "ServiceEntry": _same_host,
    "Gateway": _same_server, "Sidecar": _same_workload, "AuthorizationPolicy": _same_workload,
    "PeerAuthentication": _same_workload, "RequestAuthentication": _same_workload,
    # EnvoyFilters add up.
    "EnvoyFilter": lambda *_objects: "",
}  # fmt: skip
"""Kind → why an object of the user's would win over the scenario's; "" if it would not."""

FROM_ANYWHERE = frozenset({"VirtualService", "ServiceEntry", "Gateway"})
"""Kinds of which an object in any namespace can win."""

FROM_THE_ROOT = frozenset({"AuthorizationPolicy", "RequestAuthentication"})
"""Kinds of which the objects in the control plane's namespace apply in every namespace too."""
