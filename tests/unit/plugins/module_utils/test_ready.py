# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind is ready when its own controller says so, and about its newest generation."""

from __future__ import annotations

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._ready import predicate_for


def ready(api_version: str, kind: str, spec: dict | None = None, status: dict | None = None, **more: object) -> object:
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "generation": 2}, "spec": spec or {}}
    obj.update(more)
    if status is not None:
        obj["status"] = status
    predicate = predicate_for(obj)
    assert predicate is not None
    return predicate(obj)


SEEN = {"observedGeneration": 2}
FULL = {**SEEN, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "readyReplicas": 3}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "missing"),
    [
        ("Deployment", {"replicas": 3}, FULL, None),
        ("Deployment", {"replicas": 3}, None, "not seen by its controller yet"),
        ("Deployment", {"replicas": 3}, {**FULL, "observedGeneration": 1}, "not seen by its controller yet"),
        ("Deployment", {"replicas": 3}, {**FULL, "updatedReplicas": 1}, "1 of 3 replicas created"),
        ("Deployment", {"replicas": 3}, {**FULL, "availableReplicas": 2}, "2 of 3 replicas available"),
        ("Deployment", {"replicas": 3}, {**FULL, "replicas": 4}, "1 old replicas still there"),
        ("Deployment", {"replicas": 0}, SEEN, None),
        ("Deployment", {}, {**SEEN, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, None),
        ("Deployment", {"replicas": 3, "paused": True}, {**FULL, "updatedReplicas": 0}, None),
        ("Deployment", {"replicas": 3, "paused": True}, SEEN, "paused with 0 of 3 replicas available"),
        ("StatefulSet", {"replicas": 3}, FULL, None),
        ("StatefulSet", {"replicas": 3}, None, "not seen by its controller yet"),
        ("StatefulSet", {}, {**SEEN, "readyReplicas": 1}, None),
        ("StatefulSet", {}, SEEN, "0 of 1 replicas ready"),
        ("StatefulSet", {"replicas": 3}, {**FULL, "readyReplicas": 2}, "2 of 3 replicas ready"),
        ("StatefulSet", {"replicas": 3}, {**FULL, "observedGeneration": 1}, "not seen by its controller yet"),
        (
            "StatefulSet",
            {"replicas": 3},
            {**FULL, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
            "1 of 3 replicas updated",
        ),
        # The controller counts only what has the newest revision: with one revision there is nothing to update.
        (
            "StatefulSet",
            {"replicas": 3},
            {**FULL, "updatedReplicas": 0, "updateRevision": "a", "currentRevision": "a"},
            None,
        ),
        (
            "StatefulSet",
            {"replicas": 1},
            {**SEEN, "readyReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
            "0 of 1 replicas updated",
        ),
        (
            "StatefulSet",
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {**FULL, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
            None,
        ),
        (
            "StatefulSet",
            {"replicas": 3, "updateStrategy": {"type": "OnDelete"}},
            {**FULL, "updatedReplicas": 0, "updateRevision": "b", "currentRevision": "a"},
            None,
        ),
        (
            "DaemonSet",
            {},
            {**SEEN, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
            None,
        ),
        (
            "DaemonSet",
            {},
            {**SEEN, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2},
            "available on 1 of 2 nodes",
        ),
        (
            "DaemonSet",
            {},
            {**SEEN, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2},
            "available on 0 of 2 nodes",
        ),
        (
            "DaemonSet",
            {"updateStrategy": {"type": "OnDelete"}},
            {**SEEN, "desiredNumberScheduled": 1, "numberAvailable": 1},
            None,
        ),
        ("DaemonSet", {}, None, "not seen by its controller yet"),
        ("DaemonSet", {}, SEEN, None),
        (
            "DaemonSet",
            {},
            {**SEEN, "desiredNumberScheduled": 1, "numberAvailable": 1},
            "available on 0 of 1 nodes",
        ),
        ("ReplicaSet", {"replicas": 1}, {**SEEN, "availableReplicas": 1}, None),
        ("ReplicaSet", {}, {**SEEN, "availableReplicas": 1}, None),
        ("ReplicaSet", {"replicas": 2}, {**SEEN, "availableReplicas": 1}, "1 of 2 replicas available"),
        ("ReplicaSet", {}, SEEN, "0 of 1 replicas available"),
        ("ReplicaSet", {"replicas": 1}, None, "not seen by its controller yet"),
    ],
)
def test_workloads(kind: str, spec: dict, status: dict | None, missing: str | None) -> None:
    assert ready("apps/v1", kind, spec, status) == missing


def condition(name: str, value: str = "True") -> dict:
    return {"conditions": [{"type": name, "status": value}]}


@pytest.mark.parametrize(
    ("api_version", "kind", "status", "missing"),
    [
        ("v1", "Pod", {"phase": "Running", **condition("Ready")}, None),
        ("v1", "Pod", {"phase": "Running", **condition("Ready", "False")}, "phase Running, not ready"),
        ("v1", "Pod", {"phase": "Succeeded"}, None),
        ("v1", "Pod", None, "phase Pending, not ready"),
        ("batch/v1", "Job", condition("Complete"), None),
        ("batch/v1", "Job", {"succeeded": 0}, "0 of 1 completions"),
        ("batch/v1", "Job", None, "0 of 1 completions"),
        ("v1", "Namespace", {"phase": "Active"}, None),
        ("v1", "Namespace", None, "phase not active yet"),
        ("v1", "Namespace", {"phase": "Terminating"}, "phase Terminating"),
        ("v1", "PersistentVolumeClaim", {"phase": "Bound"}, None),
        ("v1", "PersistentVolumeClaim", None, "phase Pending"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", condition("Established"), None),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", {"conditions": None}, "not established yet"),
        ("apiregistration.k8s.io/v1", "APIService", condition("Available"), None),
        ("apiregistration.k8s.io/v1", "APIService", condition("Available", "False"), "not available yet"),
    ],
)
def test_other_kinds(api_version: str, kind: str, status: dict | None, missing: str | None) -> None:
    assert ready(api_version, kind, None, status) == missing


def test_a_claim_names_the_volume_that_it_waits_for() -> None:
    kind = ("v1", "PersistentVolumeClaim", {"volumeName": "disk"})
    assert ready(*kind, {"phase": "Pending"}) == "phase Pending, for the volume disk that it names"
    assert ready(*kind, {"phase": "Lost"}) == "phase Lost"
    assert ready(*kind, {"phase": "Bound"}) is None


def test_a_job_says_how_far_it_is() -> None:
    assert ready("batch/v1", "Job", {"completions": 5}, {"succeeded": 3}) == "3 of 5 completions"


def test_webhooks_need_their_authority() -> None:
    def hooks(*client_configs: dict) -> list[dict]:
        return [{"name": f"h{number}", "clientConfig": config} for number, config in enumerate(client_configs)]

    kind = ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration")
    assert ready(*kind, webhooks=hooks({"service": {}, "caBundle": "x"}, {"url": "https://x"})) is None
    assert ready(*kind, webhooks=hooks({"service": {}, "caBundle": "x"}, {"service": {}})) == "no caBundle yet in h1"
    assert ready(*kind, webhooks=hooks({"service": {}}, {"service": {}})) == "no caBundle yet in h0, h1"
    assert ready(*kind) is None


def test_kinds_without_a_predicate_are_ready_when_they_exist() -> None:
    assert predicate_for({"apiVersion": "v1", "kind": "Service"}) is None
    assert predicate_for({"apiVersion": "example.com/v1", "kind": "Deployment"}) is None
