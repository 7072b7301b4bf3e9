# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When is an object ready? One predicate a kind, over the live object alone.

A predicate returns None when the object is ready, else a few words that say what is missing.
"""

from __future__ import annotations

from typing import Any, Callable

Object = dict[str, Any]
Predicate = Callable[[Object], "str | None"]


def deployment(obj: Object) -> str | None:
    """As ``kubectl rollout status``: all replicas of the newest template are available and no old one is left."""
    status = obj.get("status", {})
    wanted = obj["spec"].get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if not _observed(obj):
        return "not seen by its controller yet"
    if obj["spec"].get("paused"):
        return None if available >= wanted else f"paused with {available} of {wanted} replicas available"
    if updated < wanted:
        return f"{updated} of {wanted} replicas created"
    if available < wanted:
        return f"{available} of {wanted} replicas available"
    if status.get("replicas", 0) > updated:
        return f"{status['replicas'] - updated} old replicas still there"
    return None


def stateful_set(obj: Object) -> str | None:
    """All replicas are ready, and of the newest revision unless the strategy leaves that to people."""
    status, spec = obj.get("status", {}), obj["spec"]
    wanted = spec.get("replicas", 1)
    if not _observed(obj):
        return "not seen by its controller yet"
    if status.get("readyReplicas", 0) < wanted:
        return f"{status.get('readyReplicas', 0)} of {wanted} replicas ready"
    strategy = spec.get("updateStrategy", {})
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return None
    newest = wanted - (strategy.get("rollingUpdate") or {}).get("partition", 0)
    if status.get("updateRevision") != status.get("currentRevision") and status.get("updatedReplicas", 0) < newest:
        return f"{status.get('updatedReplicas', 0)} of {newest} replicas updated"
    return None


def daemon_set(obj: Object) -> str | None:
    """Every node that should run the pod has an available one of the newest template."""
    status = obj.get("status", {})
    wanted = status.get("desiredNumberScheduled", 0)
    if not _observed(obj):
        return "not seen by its controller yet"
    on_delete = obj["spec"].get("updateStrategy", {}).get("type") == "OnDelete"
    updated = wanted if on_delete else status.get("updatedNumberScheduled", 0)
    ready = min(updated, status.get("numberAvailable", 0))
    return None if ready >= wanted else f"available on {ready} of {wanted} nodes"


def replica_set(obj: Object) -> str | None:
    """All replicas are available."""
    wanted, available = obj["spec"].get("replicas", 1), obj.get("status", {}).get("availableReplicas", 0)
    if not _observed(obj):
        return "not seen by its controller yet"
    return None if available >= wanted else f"{available} of {wanted} replicas available"


def pod(obj: Object) -> str | None:
    """The pod is ready, or has done its work."""
    phase = obj.get("status", {}).get("phase", "Pending")
    return None if phase == "Succeeded" or _condition(obj, "Ready") else f"phase {phase}, not ready"


def job(obj: Object) -> str | None:
    """The job is complete."""
    done = obj.get("status", {}).get("succeeded", 0)
    return None if _condition(obj, "Complete") else f"{done} of {obj['spec'].get('completions') or 1} completions"


def namespace(obj: Object) -> str | None:
    """The namespace is active."""
    phase = obj.get("status", {}).get("phase", "not active yet")
    return None if phase == "Active" else f"phase {phase}"


def custom_resource_definition(obj: Object) -> str | None:
    """Its kind is served."""
    return None if _condition(obj, "Established") else "not established yet"


def api_service(obj: Object) -> str | None:
    """The API behind it answers."""
    return None if _condition(obj, "Available") else "not available yet"


def claim(obj: Object) -> str | None:
    """The claim has its volume. (The waiter lets a claim be whose class waits for its first consumer.)"""
    phase, volume = obj.get("status", {}).get("phase", "Pending"), obj.get("spec", {}).get("volumeName")
    # Nobody says anything of a volume that is not there.
    named = f", for the volume {volume} that it names" if volume and phase == "Pending" else ""
    return None if phase == "Bound" else f"phase {phase}{named}"


def webhooks(obj: Object) -> str | None:
    """Each webhook that is a service of the cluster has got its certificate authority."""
    lacking = [
        hook["name"]
        for hook in obj.get("webhooks") or []
        if "service" in hook["clientConfig"] and not hook["clientConfig"].get("caBundle")
    ]
    return f"no caBundle yet in {', '.join(lacking)}" if lacking else None


PREDICATES: dict[tuple[str, str], Predicate] = {
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("apps", "DaemonSet"): daemon_set,
    ("apps", "ReplicaSet"): replica_set,
    ("batch", "Job"): job,
    ("", "Pod"): pod,
    ("", "Namespace"): namespace,
    ("", "PersistentVolumeClaim"): claim,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): custom_resource_definition,
    ("apiregistration.k8s.io", "APIService"): api_service,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): webhooks,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): webhooks,
}
"""By API group and kind. An object of any other kind is ready as soon as it exists."""


def predicate_for(obj: Object) -> Predicate | None:
    """Return the predicate of an object's kind, or None for a kind that is ready as soon as it exists."""
    group, _slash, version = obj["apiVersion"].rpartition("/")
    return PREDICATES.get((group, obj["kind"])) if version else None


def _observed(obj: Object) -> bool:
    generation = obj["metadata"].get("generation", 0)
    return bool("status" in obj and obj["status"].get("observedGeneration", 0) >= generation)


def _condition(obj: Object, name: str) -> bool:
    conditions = obj.get("status", {}).get("conditions") or []
    return any(c.get("type") == name and c.get("status") == "True" for c in conditions)
