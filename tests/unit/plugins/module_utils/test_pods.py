# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods and workloads as a person would want them listed."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._pods import pods_of, workloads_of
from tests.unit.plugins.fake_cluster import FakeCluster


def obj(api_version: str, kind: str, name: str, namespace: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **more}


def test_a_pod_with_a_native_sidecar() -> None:
    # The parts that count of a pod of Bookinfo, injected by Istio 1.31 on Kubernetes 1.34.
    spec = {
        "initContainers": [
            {"name": "istio-init", "image": "proxyv2:1"},
            {"name": "istio-proxy", "image": "proxyv2:1", "restartPolicy": "Always"},
        ],
        "containers": [{"name": "details", "image": "details:1"}],
    }
    status = {
        "phase": "Running",
        "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
        "initContainerStatuses": [
            {"name": "istio-init", "restartCount": 1},
            {"name": "istio-proxy", "restartCount": 2},
        ],
        "containerStatuses": [{"name": "details", "restartCount": 4}],
    }
    cluster = FakeCluster(obj("v1", "Pod", "details-1", "tutorial", spec=spec, status=status))
    assert pods_of(cluster, ["tutorial"]) == [{  # type: ignore[arg-type]
        "namespace": "tutorial", "name": "details-1", "ready": True, "phase": "Running", "restarts": 7,
        "containers": ["istio-proxy", "details"], "images": ["proxyv2:1", "details:1"],
    }]  # fmt: skip


def test_a_pod_that_has_only_just_been_made() -> None:
    pod = obj("v1", "Pod", "new", "tutorial", spec={"containers": [{"name": "a", "image": "b"}]})
    found = pods_of(FakeCluster(pod), ["other", "tutorial"])  # type: ignore[arg-type]
    assert [(one["name"], one["ready"], one["phase"], one["restarts"]) for one in found] == [
        ("new", False, "Unknown", 0)
    ]


def test_a_pod_that_is_not_ready() -> None:
    pod = obj("v1", "Pod", "new", "tutorial", spec={"containers": []},
              status={"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]})  # fmt: skip
    assert pods_of(FakeCluster(pod), ["tutorial"])[0]["ready"] is False  # type: ignore[arg-type]


def test_workloads_of_the_namespaces_asked_for() -> None:
    cluster = FakeCluster(
        obj("apps/v1", "Deployment", "a", "one"), obj("apps/v1", "StatefulSet", "b", "two"),
        obj("apps/v1", "DaemonSet", "c", "one"), obj("apps/v1", "Deployment", "d", "three"),
        obj("apps/v1", "ReplicaSet", "e", "one"),
    )  # fmt: skip
    found = workloads_of(cluster, ["one", "two"])  # type: ignore[arg-type]
    assert [(one["kind"], one["metadata"]["name"]) for one in found] == [
        ("Deployment", "a"), ("DaemonSet", "c"), ("StatefulSet", "b"),
    ]  # fmt: skip


def test_a_pod_on_its_way_out_is_not_listed() -> None:
    going = obj("v1", "Pod", "old", "tutorial", spec={"containers": []})
    going["metadata"]["deletionTimestamp"] = "2026-11-25T12:00:00Z"
    assert pods_of(FakeCluster(going), ["tutorial"]) == []  # type: ignore[arg-type]
