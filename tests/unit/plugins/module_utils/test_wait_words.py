# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wait says while it lasts and when it fails, and what it asks the cluster for that; none of it takes time."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _wait
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, WaitError
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_for, wait_gone
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from ansible_collections.meshlab.istio.tests.unit.plugins.rollouts import (
    NS,
    Object,
    deployment,
    ended,
    event,
    pod,
    replica_set,
    waiting,
)

LOG = f"/api/v1/namespaces/{NS}/pods/web-1-a/log"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wait, "COALESCE_SECONDS", 0.0)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})


def failed(cluster: FakeCluster, *objects: Object, timeout: float = 0, **options: Any) -> WaitError:
    with pytest.raises(WaitError) as caught:
        wait_for(cluster, objects, timeout, **options)
    return caught.value


# -- the message -----------------------------------------------------------------------------------


def test_a_final_reason_with_all_its_words(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("ErrImageNeverPull", "Image is not present.", 1))
    cluster.answers[LOG] = b"one\ntwo\nthree\nfour\n"
    assert failed(cluster, target).message == (
        "Deployment n/web cannot become ready. pod web-1-a, container c: ErrImageNeverPull: Image is not present. "
        "Load the image into the node (minikube image load), or let imagePullPolicy be IfNotPresent. "
        "Its last log lines: two | three | four"
    )


def test_a_reason_without_pod_and_sentence(cluster: FakeCluster) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": NS}, "spec": {}}
    condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
    target = cluster.put({**job, "status": {"conditions": [condition]}})
    assert failed(cluster, target).message == "Job n/j cannot become ready. BackoffLimitExceeded. Read the log lines."


def test_a_passing_reason_that_lasted_too_long(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("ErrImagePull", "dial tcp: i/o timeout"))
    assert failed(cluster, target, failure_grace=0).message == (
        "Deployment n/web has been in the same trouble for 0 s. pod web-1-a, container c: ErrImagePull: dial tcp: "
        "i/o timeout. The registry could not be asked. Check the host's network, DNS, proxy and the registry's limits."
    )


def test_the_time_is_up_for_some_of_many(cluster: FakeCluster) -> None:
    objects = [deployment(cluster, name) for name in "abcdefg"]
    cluster.status("apps/v1", "Deployment", "b", NS, availableReplicas=1)
    error = failed(cluster, *objects)
    listed = ", ".join(f"Deployment n/{name} (0 of 1 replicas available)" for name in "acdef")
    assert error.message == f"6 of 7 objects were not ready after 0 s: {listed}."
    assert [each["object"] for each in error.details["pending"]] == [f"Deployment n/{name}" for name in "acdefg"]


def test_three_troubles_are_told_and_all_are_in_the_details(cluster: FakeCluster) -> None:
    objects = [deployment(cluster, name) for name in "abcd"]
    for name in "abcd":
        # Two pods of the same workload with the same trouble are one.
        for number in "12":
            pod(cluster, replica_set(cluster, f"{name}-1"), f"{name}-1-{number}",
                containerStatuses=waiting("ErrImagePull", "i/o timeout"))  # fmt: skip
    error = failed(cluster, *objects)
    assert [each["object"] for each in error.details["failures"]] == [f"Deployment n/{name}" for name in "abcd"]
    assert error.message.count("i/o timeout. The registry could not be asked.") == 3
    assert "pod d-1-" not in error.message


# -- progress --------------------------------------------------------------------------------------


def progress(cluster: FakeCluster, *objects: Object) -> str:
    """Return the last sentence of a wait that is long enough for a look at what tells why."""
    said: list[str] = []
    failed(cluster, *objects, timeout=0.1, progress=said.append)
    return said[-1]


def test_progress_names_three_and_counts_the_others(cluster: FakeCluster) -> None:
    objects = [deployment(cluster, name, available=int(name == "a")) for name in "abcde"]
    waits = ", ".join(f"Deployment n/{name} (0 of 1 replicas available)" for name in "bcd")
    assert progress(cluster, *objects) == f"1 of 5 ready, waiting for {waits} and 1 more"
    assert progress(cluster, *objects[:4]) == f"1 of 4 ready, waiting for {waits}"


def test_progress_tells_the_first_trouble_instead_of_what_is_missing(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), initContainerStatuses=waiting("ErrImagePull", "i/o timeout"),
        containerStatuses=waiting("CreateContainerError", "deadline exceeded"))  # fmt: skip
    assert progress(cluster, target, deployment(cluster, "other")) == (
        "0 of 2 ready, waiting for Deployment n/web (pod web-1-a, container c: ErrImagePull), "
        "Deployment n/other (0 of 1 replicas available)"
    )
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "m"}
    slow = deployment(cluster, "slow", conditions=[condition])
    assert progress(cluster, slow) == "0 of 1 ready, waiting for Deployment n/slow (ProgressDeadlineExceeded)"


# -- what is asked ---------------------------------------------------------------------------------


def claim_of(cluster: FakeCluster) -> Object:
    return cluster.put(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "c", "namespace": NS},
            "spec": {},
            "status": {"phase": "Pending"},
        }
    )


def pod_of(cluster: FakeCluster) -> Object:
    return pod(cluster, {"kind": "None", "metadata": {"name": "none", "uid": "none"}}, "p")


def daemon_set(cluster: FakeCluster) -> Object:
    return cluster.put(
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d", "namespace": NS}, "spec": {}}
    )


def service(cluster: FakeCluster) -> Object:
    return cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": NS}, "spec": {}})


@pytest.mark.parametrize(
    ("make", "kinds"),
    [
        (deployment, ["Deployment", "ReplicaSet", "Pod", "Event"]),
        (daemon_set, ["DaemonSet", "Pod", "Event"]),
        (pod_of, ["Pod", "Event"]),
        (claim_of, ["PersistentVolumeClaim", "StorageClass", "Event"]),
        (service, ["Service"]),
    ],
)
def test_only_what_can_tell_why_is_listed(cluster: FakeCluster, make: Any, kinds: list[str]) -> None:
    target = make(cluster)
    cluster.requests.clear()
    failed(cluster, target, conditions=[{"kind": "Service", "condition": "never"}] if make is service else [])
    listed = [(kind, namespace) for verb, kind, namespace, _name in cluster.requests if verb == "list"]
    assert listed == [(kind, "" if kind == "StorageClass" else NS) for kind in kinds]


def test_the_log_of_a_container_that_never_ran_is_not_asked_for(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("ErrImageNeverPull"))
    cluster.answers[LOG] = b"of another\n"
    assert failed(cluster, target).details["failures"][0]["log"] == []
    assert ("raw", LOG, "", "") not in cluster.requests


def test_the_log_of_a_container_whose_probe_fails_is_that_of_this_run(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    running = {"name": "c", "ready": False, "restartCount": 0, "state": {"running": {}}}
    unready = pod(cluster, replica_set(cluster), containerStatuses=[running])
    event(cluster, unready, "Unhealthy", "Readiness probe failed: 503", fieldPath="spec.containers{c}")
    asked: list[Any] = []

    def log(query: Any) -> bytes:
        asked.append(dict(query))
        return b"caf\xff\npassword=hunter2\n"

    cluster.answers[LOG] = log
    assert failed(cluster, target).details["failures"][0]["log"] == [
        "caf\N{REPLACEMENT CHARACTER}",
        "password=(redacted)",
    ]
    assert asked == [{"container": "c", "tailLines": "10"}]


def test_a_log_that_may_not_be_read_is_left_out(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("CrashLoopBackOff", "", 3, **ended()))
    cluster.answers[LOG] = ClusterError("forbidden", status=403)
    error = failed(cluster, target, failure_grace=0)
    assert error.details["failures"][0]["log"] == []
    assert "Its last log lines" not in error.message
    assert cluster.requests.count(("raw", LOG, "", "")) == 2


# -- gone ------------------------------------------------------------------------------------------


def test_what_is_left_with_all_its_words(cluster: FakeCluster) -> None:
    said: list[str] = []
    objects = [deployment(cluster, name) for name in "dcba"]
    held = objects[-1]
    held["metadata"]["finalizers"] = ["example.com/one", "example.com/two"]
    cluster.put(held)
    with pytest.raises(WaitError) as caught:
        wait_gone(cluster, objects, 0, progress=said.append)
    assert said == ["4 objects are still being deleted: Deployment n/a, Deployment n/b, Deployment n/c"]
    # What holds it was read from the cluster just now.
    assert caught.value.message == (
        "4 objects were still there after 0 s, such as Deployment n/a: held by the finalizers example.com/one, "
        "example.com/two. See what its controller says, or give more wait_timeout."
    )
    assert caught.value.details["failures"] == []
    assert [each["object"] for each in caught.value.details["pending"]] == [f"Deployment n/{name}" for name in "abcd"]
    assert caught.value.details["pending"][1]["message"] == "being deleted"


def test_an_object_of_the_same_name_is_another_one(cluster: FakeCluster) -> None:
    old = deployment(cluster)
    new = {**old, "metadata": {**old["metadata"], "uid": "new"}}
    cluster.put(new)
    assert wait_gone(cluster, [old], 0)["seconds"] < 0.5
    with pytest.raises(WaitError):
        wait_gone(cluster, [new], 0)
