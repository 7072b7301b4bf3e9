# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs in some namespaces: the workloads, and their pods as a person would want them listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


def workloads_of(cluster: Cluster, namespaces: Iterable[str]) -> list[Object]:
    """Return every live workload of the namespaces."""
    return [
        obj for namespace in namespaces for kind in WORKLOADS for obj in cluster.list("apps/v1", kind, namespace)
    ]  # fmt: skip


def pods_of(cluster: Cluster, namespaces: Iterable[str]) -> list[dict[str, Any]]:
    """Return the pods of the namespaces that are not on their way out: namespace, name, ready, phase, restarts,
    containers, images.

    Sidecars may be among the init containers: Istio injects native ones from 1.27 on.
    """
    return [
        _summary(pod)
        for namespace in namespaces
        for pod in cluster.list("v1", "Pod", namespace)
        if "deletionTimestamp" not in pod["metadata"]
    ]


def _summary(pod: Object) -> dict[str, Any]:
    status, spec = pod.get("status", {}), pod["spec"]
    containers = [
        *(container for container in spec.get("initContainers", []) if container.get("restartPolicy") == "Always"),
        *spec["containers"],
    ]
    states = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return {
        "namespace": pod["metadata"]["namespace"],
        "name": pod["metadata"]["name"],
        "ready": any(
            condition.get("type") == "Ready" and condition.get("status") == "True"
            for condition in status.get("conditions", [])
        ),
        "phase": status.get("phase", "Unknown"),
        "restarts": sum(state.get("restartCount", 0) for state in states),
        "containers": [container["name"] for container in containers],
        "images": [container["image"] for container in containers],
    }
