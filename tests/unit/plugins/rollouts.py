# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout in the stand-in for the cluster: workloads, their pods, and what kubelet and scheduler say about them."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]
NS = "n"
REVISION = "deployment.kubernetes.io/revision"


def owned_by(owner: Object) -> list[Object]:
    return [{"kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}]


def deployment(cluster: FakeCluster, name: str = "web", *, available: int = 0, **status: Any) -> Object:
    """Put a Deployment of one replica and its replica set into the cluster; return the Deployment."""
    obj = cluster.put(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": NS, "annotations": {REVISION: "1"}},
            "spec": {"replicas": 1},
            "status": {
                "observedGeneration": 9,
                "replicas": 1,
                "updatedReplicas": 1,
                "availableReplicas": available,
                **status,
            },
        }
    )
    cluster.put(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name}-1",
                "namespace": NS,
                "annotations": {REVISION: "1"},
                "ownerReferences": owned_by(obj),
            },
        }
    )
    return obj


def pod(
    cluster: FakeCluster, owner: Object, name: str = "web-1-a", *, labels: Object | None = None, **status: Any
) -> Object:
    spec = {"containers": [{"name": "c", "resources": {"requests": {"memory": "8Gi"}}}], **status.pop("spec", {})}
    return cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": NS, "ownerReferences": owned_by(owner), "labels": labels or {}},
            "spec": spec,
            "status": {"phase": "Pending", **status},
        }
    )


def replica_set(cluster: FakeCluster, name: str = "web-1") -> Object:
    return cluster.get("apps/v1", "ReplicaSet", name, NS)


def waiting(reason: str, message: str = "", restarts: int = 0, **more: Any) -> list[Object]:
    return [
        {
            "name": "c",
            "ready": False,
            "restartCount": restarts,
            "state": {"waiting": {"reason": reason, "message": message}},
            **more,
        }
    ]


def ended(code: int = 1, reason: str = "Error", message: str = "") -> Object:
    return {"lastState": {"terminated": {"exitCode": code, "reason": reason, "message": message}}}


def event(cluster: FakeCluster, obj: Object, reason: str, message: str, name: str = "e", **involved: Any) -> None:
    metadata = obj["metadata"]
    about = {"kind": obj["kind"], "name": metadata["name"], "uid": metadata["uid"], **involved}
    cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": NS},
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "type": "Warning",
        }
    )


def unschedulable(message: str) -> Object:
    return {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]}


def node(cluster: FakeCluster, memory: str, *taints: str, name: str = "node") -> None:
    cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name},
            "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
            "status": {"allocatable": {"memory": memory}},
        }
    )
