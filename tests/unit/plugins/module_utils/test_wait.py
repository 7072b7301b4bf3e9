# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The joint wait on a stand-in for the cluster; a test plays the controllers, scheduler and kubelet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _reasons, _trouble, _wait, _watch
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    InputError,
    Unreachable,
    WaitError,
)
from ansible_collections.meshlab.istio.plugins.module_utils._wait import wait_for, wait_gone
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from ansible_collections.meshlab.istio.tests.unit.plugins.rollouts import (
    NS,
    REVISION,
    Object,
    deployment,
    ended,
    event,
    node,
    pod,
    replica_set,
    unschedulable,
    waiting,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wait, "COALESCE_SECONDS", 0.0)
    monkeypatch.setattr(_watch, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(_watch, "WATCH_SECONDS", 1)


@pytest.fixture
def unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe final reasons at once."""
    rows = tuple(_reasons.Reason(**{**row.__dict__, "settle": 0.0}) for row in _reasons.REASONS)
    monkeypatch.setattr(_reasons, "REASONS", rows)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})


@pytest.fixture
def later() -> Iterator[Callable[[float, Callable[[], Any]], None]]:
    """Do something in a moment, as another program would."""
    timers: list[threading.Timer] = []

    def start(seconds: float, work: Callable[[], Any]) -> None:
        timers.append(threading.Timer(seconds, work))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.join()


def failed(cluster: FakeCluster, *objects: Object, timeout: float = 3.0, **options: Any) -> WaitError:
    with pytest.raises(WaitError) as caught:
        wait_for(cluster, objects, timeout, **options)
    return caught.value


# -- success ---------------------------------------------------------------------------------------


def test_what_is_ready_costs_one_list_a_kind_and_no_watch(cluster: FakeCluster) -> None:
    objects = [deployment(cluster, name, available=1) for name in ("a", "b")]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": NS}}
    cluster.requests.clear()
    assert wait_for(cluster, [*objects, service], 5)["seconds"] < 0.5
    assert cluster.requests == [("list", "Deployment", NS, "")]


def test_it_waits_for_all_of_them(cluster: FakeCluster, later: Callable[..., None]) -> None:
    objects = [deployment(cluster, name) for name in ("a", "b")]
    for number, name in enumerate(("a", "b")):
        later(
            0.1 + number / 5, lambda name=name: cluster.status("apps/v1", "Deployment", name, NS, availableReplicas=1)
        )
    said: list[str] = []
    assert 0.25 < wait_for(cluster, objects, 5, progress=said.append)["seconds"] < 2
    assert said[0].startswith("0 of 2 ready, waiting for Deployment n/a (0 of 1 replicas available), Deployment n/b")
    assert any(line.startswith("1 of 2 ready, waiting for Deployment n/b") for line in said)


def test_an_object_may_appear_only_now(cluster: FakeCluster, later: Callable[..., None]) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": NS}}
    later(0.1, lambda: deployment(cluster, available=1))
    wait_for(cluster, [target], 5)
    assert failed(FakeCluster(), target, timeout=0).details["pending"][0]["message"] == "does not exist"


def test_an_expired_watch_lists_again(cluster: FakeCluster, later: Callable[..., None]) -> None:
    target = deployment(cluster)

    def make_ready_unseen() -> None:
        with cluster._changed:
            cluster.status("apps/v1", "Deployment", "web", NS, availableReplicas=1)
            cluster.events.clear()
            cluster.expire()

    later(0.15, make_ready_unseen)
    wait_for(cluster, [target], 5)


def test_a_dropped_watch_and_an_api_that_is_down_for_a_moment(cluster: FakeCluster, later: Callable[..., None]) -> None:
    target = deployment(cluster)
    down = threading.Event()
    real_watch, real_list = cluster.watch, cluster.list_page

    def watch(*args: Any) -> Iterator[tuple[str, Object]]:
        for item in real_watch(*args):
            if down.is_set():
                raise ValueError("cut in the middle of a line")
            yield item

    def list_page(*args: Any, **more: Any) -> Any:
        if down.is_set():
            raise Unreachable("nobody there")
        return real_list(*args, **more)

    def fall() -> None:
        down.set()
        cluster.status("apps/v1", "Deployment", "web", NS, availableReplicas=0)

    cluster.watch, cluster.list_page = watch, list_page
    later(0.1, fall)
    later(0.2, lambda: cluster.status("apps/v1", "Deployment", "web", NS, availableReplicas=1))
    later(0.4, down.clear)
    assert wait_for(cluster, [target], 5)["seconds"] > 0.35


def test_the_first_lists_must_be_answered(cluster: FakeCluster) -> None:
    def list_page(*_args: Any) -> Any:
        raise ClusterError("forbidden", status=403)

    cluster.list_page = list_page
    with pytest.raises(ClusterError, match="forbidden"):
        wait_for(cluster, [deployment(cluster)], 5)


def test_claims_that_wait_for_their_first_consumer_are_let_be(cluster: FakeCluster) -> None:
    for mode, name in (("WaitForFirstConsumer", "local"), ("Immediate", "cloud")):
        cluster.put(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": name},
                "volumeBindingMode": mode,
            }
        )
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c", "namespace": NS},
        "status": {"phase": "Pending"},
    }
    wait_for(cluster, [cluster.put({**claim, "spec": {"storageClassName": "local"}})], 1)
    failed(cluster, cluster.put({**claim, "spec": {"storageClassName": "cloud"}}), timeout=0)
    failed(cluster, cluster.put({**claim, "spec": {}}), timeout=0)


def test_a_claim_whose_class_nobody_may_look_at(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of one namespace hears from the claim's events that it waits for its first pod."""
    list_page = cluster.list_page

    def refused(api_version: str, kind: str, namespace: str | None = None) -> Any:
        if kind == "StorageClass":
            raise ClusterError("storageclasses is forbidden", status=403)
        return list_page(api_version, kind, namespace)

    monkeypatch.setattr(cluster, "list_page", refused)
    claim = cluster.put(
        {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": NS},
            "spec": {"storageClassName": "local"}, "status": {"phase": "Pending"},
        }
    )  # fmt: skip
    assert failed(cluster, claim, timeout=0.2).details["pending"][0]["message"] == "phase Pending"
    event(cluster, claim, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    wait_for(cluster, [claim], 3)
    claim["metadata"]["deletionTimestamp"] = "2026-11-29T10:00:00Z"
    assert failed(cluster, cluster.put(claim), timeout=0).details["pending"][0]["message"] == "being deleted"


def test_a_user_who_may_look_at_little_waits_with_what_there_is(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, later: Callable[..., None]
) -> None:
    list_page = cluster.list_page
    asked: list[str] = []

    def refused(api_version: str, kind: str, namespace: str | None = None) -> Any:
        asked.append(kind)
        if kind in ("StorageClass", "Event", "ReplicaSet"):
            raise ClusterError(f"{kind} is forbidden: User cannot list it", status=403)
        return list_page(api_version, kind, namespace)

    monkeypatch.setattr(cluster, "list_page", refused)
    claim = cluster.put({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": NS},
        "spec": {"storageClassName": "local"}, "status": {"phase": "Pending"},
    })  # fmt: skip
    deployed = deployment(cluster)
    later(0.3, lambda: deployment(cluster, available=1))
    (warning,) = wait_for(cluster, [claim, deployed], 5)["warnings"]
    assert "did without Event, ReplicaSet, StorageClass" in warning
    assert "User cannot list it" in warning
    # Asked once, not at each look.
    assert (asked.count("StorageClass"), asked.count("Event")) == (1, 1)
    assert wait_for(cluster, [claim], 60)["seconds"] < 5
    monkeypatch.setattr(cluster, "list_page", _forbidden)
    with pytest.raises(ClusterError, match="Pod is forbidden"):
        wait_for(cluster, [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NS}}], 5)


def _forbidden(_api_version: str, kind: str, _namespace: str | None = None) -> Any:
    raise ClusterError(f"{kind} is forbidden", status=403)


# -- what somebody has stopped or takes away -------------------------------------------------------


def test_a_suspended_job_is_named_at_once(cluster: FakeCluster) -> None:
    """It was waited out: no pod, no condition of failure, and no word but "0 of 1 completions"."""
    metadata = {"name": "queued", "namespace": NS}
    job = cluster.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"suspend": True}})
    started = time.monotonic()
    error = failed(cluster, job, timeout=60)
    assert time.monotonic() - started < 2
    assert error.message == (
        "Job n/queued cannot become ready. JobSuspended: the job is suspended. "
        "Resume it: set `suspend: false` in its spec."
    )


@pytest.mark.usefixtures("unsettled")
def test_what_is_ready_and_on_its_way_out_is_not_ready(cluster: FakeCluster) -> None:
    target = deployment(cluster, available=1)
    wait_for(cluster, [target], 1)
    target["metadata"].update(deletionTimestamp="2026-11-29T10:00:00Z", finalizers=["foregroundDeletion"])
    error = failed(cluster, cluster.put(target), timeout=60)
    assert "BeingDeleted: held by the finalizers foregroundDeletion. It is being deleted. Wait for its" in error.message


@pytest.mark.usefixtures("unsettled")
def test_what_is_deleted_meanwhile_is_not_waited_for(cluster: FakeCluster, later: Callable[..., None]) -> None:
    target = deployment(cluster)
    later(0.1, lambda: cluster.delete("apps/v1", "Deployment", "web", NS))
    error = failed(cluster, target, timeout=60)
    assert error.message.startswith("Deployment n/web cannot become ready. Deleted: deleted while it was waited for.")
    assert error.details["pending"] == [{"object": "Deployment n/web", "message": "was deleted"}]


def test_a_job_that_is_done_may_go_while_others_are_waited_for(
    cluster: FakeCluster, later: Callable[..., None]
) -> None:
    """With ttlSecondsAfterFinished the controller removes it; the joint wait had then waited for it to its end."""
    status = {"conditions": [{"type": "Complete", "status": "True"}]}
    metadata = {"name": "once", "namespace": NS}
    job = cluster.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}, "status": status})
    other = cluster.put(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {**metadata, "name": "other"}, "spec": {}}
    )
    later(0.1, lambda: cluster.delete("batch/v1", "Job", "once", NS))
    later(0.4, lambda: cluster.put({**other, "status": status}))
    wait_for(cluster, [job, other], 5)


@pytest.mark.parametrize("expression", ["no_such(status)", "length(status, status)"])
def test_a_condition_that_no_object_can_fulfil(cluster: FakeCluster, expression: str) -> None:
    condition = {"kind": "Deployment", "condition": expression}
    with pytest.raises(InputError, match=r"is not a JMESPath expression: .*\(\)"):
        wait_for(cluster, [deployment(cluster, available=1)], 60, conditions=[condition])


# -- conditions ------------------------------------------------------------------------------------


def test_conditions_are_asked_too(cluster: FakeCluster, later: Callable[..., None]) -> None:
    service = cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": NS}})
    condition = {"kind": "Service", "condition": "status.loadBalancer.ingress[0].ip"}
    error = failed(cluster, service, timeout=0, conditions=[condition])
    assert error.details["pending"] == [
        {"object": "Service n/s", "message": "status.loadBalancer.ingress[0].ip does not hold"}
    ]
    address = {"ingress": [{"ip": "10.0.0.1"}]}
    later(0.1, lambda: cluster.status("v1", "Service", "s", NS, loadBalancer=address))
    wait_for(cluster, [service], 5, conditions=[{**condition, "name": "s", "namespace": NS}])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"kind": "Service", "condition": "a["}, "not a JMESPath"),
        ({"kind": "Service", "name": "other", "condition": "a"}, "names none"),
        ({"kind": "Service", "namespace": "other", "condition": "a"}, "names none"),
        ({"kind": "Pod", "condition": "a"}, "names none"),
    ],
)
def test_a_condition_that_cannot_be_used(cluster: FakeCluster, condition: Object, message: str) -> None:
    service = cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": NS}})
    with pytest.raises(InputError, match=message):
        wait_for(cluster, [service], 1, conditions=[condition])


def test_a_condition_that_cannot_be_evaluated_is_pending(cluster: FakeCluster) -> None:
    service = cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": NS}})
    error = failed(cluster, service, timeout=0, conditions=[{"kind": "Service", "condition": "abs(kind)"}])
    assert "cannot be evaluated" in error.details["pending"][0]["message"]


# -- final reasons ---------------------------------------------------------------------------------


def test_a_final_reason_ends_the_wait_and_says_everything(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("ErrImageNeverPull", "Container image is not present"))
    error = failed(cluster, target, deployment(cluster, "other"), timeout=20)
    assert error.details["failures"] == [
        {
            "object": "Deployment n/web",
            "pod": "web-1-a",
            "container": "c",
            "reason": "ErrImageNeverPull",
            "message": "Container image is not present",
            "final": True,
            "log": [],
            "advice": "Load the image into the node (minikube image load), or let imagePullPolicy be IfNotPresent.",
        }
    ]
    assert [item["object"] for item in error.details["pending"]] == ["Deployment n/web", "Deployment n/other"]
    assert error.message.startswith(
        "Deployment n/web cannot become ready. pod web-1-a, container c: ErrImageNeverPull: Container image"
    )


def test_what_was_said_is_shown_without_secrets(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    said = "couldn't parse image name https://root:hunter2@registry/a:b"
    pod(cluster, replica_set(cluster), containerStatuses=waiting("InvalidImageName", said))
    error = failed(cluster, target)
    assert "hunter2" not in error.message
    assert error.details["failures"][0]["message"] == "couldn't parse image name https://(redacted)@registry/a:b"


def test_a_final_reason_that_appears_later_ends_the_wait_soon(cluster: FakeCluster, later: Callable[..., None]) -> None:
    target = deployment(cluster)
    bad = waiting("InvalidImageName", "couldn't parse image name")
    later(0.2, lambda: pod(cluster, replica_set(cluster), containerStatuses=bad))
    started = time.monotonic()
    failed(cluster, target, timeout=20)
    assert time.monotonic() - started < 1.5


def test_a_final_reason_must_settle_where_somebody_may_be_creating_what_is_missing(
    cluster: FakeCluster, later: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tuple(_reasons.Reason(**{**row.__dict__, "settle": 0.3 if row.settle else 0.0}) for row in _reasons.REASONS)
    monkeypatch.setattr(_reasons, "REASONS", rows)
    target = deployment(cluster)
    missing = waiting("CreateContainerConfigError", 'configmap "settings" not found')
    pod(cluster, replica_set(cluster), containerStatuses=missing)
    later(0.1, lambda: pod(cluster, replica_set(cluster), containerStatuses=waiting("ContainerCreating")))
    later(0.6, lambda: cluster.status("apps/v1", "Deployment", "web", NS, availableReplicas=1))
    wait_for(cluster, [target], 5)

    cluster.status("apps/v1", "Deployment", "web", NS, availableReplicas=0)
    pod(cluster, replica_set(cluster), containerStatuses=missing)
    started = time.monotonic()
    assert failed(cluster, target, timeout=20).details["failures"][0]["final"]
    assert 0.3 <= time.monotonic() - started < 1.5


def test_a_pod_of_an_old_replica_set_is_not_the_new_ones_failure(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    old = replica_set(cluster)
    pod(cluster, old, containerStatuses=waiting("ErrImageNeverPull"))
    target["metadata"]["annotations"][REVISION] = "2"
    cluster.put(target)
    error = failed(cluster, target, timeout=0)
    assert error.details["failures"] == []
    newer = cluster.put(
        {**old, "metadata": {**old["metadata"], "name": "web-2", "uid": "new", "annotations": {REVISION: "2"}}}
    )
    pod(cluster, newer, "web-2-a", containerStatuses=waiting("ErrImageNeverPull"))
    assert failed(cluster, target).details["failures"][0]["pod"] == "web-2-a"


def test_what_was_said_before_the_controller_saw_the_change_does_not_count(cluster: FakeCluster) -> None:
    target = deployment(
        cluster,
        conditions=[{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "failed quota"}],
    )
    pod(cluster, replica_set(cluster), containerStatuses=waiting("ErrImageNeverPull"))
    target["status"]["observedGeneration"] = 0
    cluster.put(target)
    assert failed(cluster, target, timeout=0).details["failures"] == []


def test_a_pod_on_its_way_out_does_not_count(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    going = pod(cluster, replica_set(cluster), containerStatuses=waiting("ErrImageNeverPull"))
    going["metadata"]["deletionTimestamp"] = "2026-11-23T19:00:00Z"
    cluster.put(going)
    assert failed(cluster, target, timeout=0).details["failures"] == []


@pytest.mark.parametrize(
    ("kind", "status", "annotations", "current", "old"),
    [
        (
            "StatefulSet",
            {"updateRevision": "b"},
            {},
            {"controller-revision-hash": "b"},
            {"controller-revision-hash": "a"},
        ),
        (
            "DaemonSet",
            {"desiredNumberScheduled": 1},
            {"deprecated.daemonset.template.generation": "2"},
            {"pod-template-generation": "2"},
            {"pod-template-generation": "1"},
        ),
    ],
)
def test_old_pods_of_other_controllers(
    cluster: FakeCluster, kind: str, status: Object, annotations: Object, current: Object, old: Object
) -> None:
    target = cluster.put(
        {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": "s", "namespace": NS, "annotations": annotations},
            "spec": {"replicas": 1},
            "status": {"observedGeneration": 1, **status},
        }
    )
    pod(cluster, target, "s-0", labels=old, containerStatuses=waiting("ErrImageNeverPull"))
    assert failed(cluster, target, timeout=0).details["failures"] == []
    pod(cluster, target, "s-1", labels=current, containerStatuses=waiting("ErrImageNeverPull"))
    assert failed(cluster, target).details["failures"][0]["pod"] == "s-1"


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_what_was_said_before_other_controllers_saw_the_change_does_not_count(cluster: FakeCluster, kind: str) -> None:
    target = cluster.put(
        {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": "s", "namespace": NS, "generation": 2},
            "spec": {"replicas": 1},
            "status": {"observedGeneration": 1, "updateRevision": "a", "desiredNumberScheduled": 1},
        }
    )
    labels = {"controller-revision-hash": "a"}
    pod(cluster, target, "s-0", labels=labels, containerStatuses=waiting("ErrImageNeverPull"))
    event(cluster, target, "FailedCreate", 'create Pod s-0 failed: admission webhook "w" denied the request: no')
    assert failed(cluster, target, timeout=0).details["failures"] == []
    cluster.status("apps/v1", kind, "s", NS, observedGeneration=2)
    assert {failure["reason"] for failure in failed(cluster, target).details["failures"]} == {
        "ErrImageNeverPull", "FailedCreate",
    }  # fmt: skip


def test_controllers_that_may_not_create_pods(cluster: FakeCluster, unsettled: None) -> None:
    target = deployment(
        cluster,
        conditions=[
            {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": 'pods "x" is forbidden: exceeded quota: q',
            }
        ],
    )
    assert "ResourceQuota" in failed(cluster, target).message
    stateful = cluster.put(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "s", "namespace": NS},
            "spec": {},
            "status": {},
        }
    )
    event(cluster, stateful, "FailedCreate", 'create Pod s-0 failed: admission webhook "w" denied the request: no')
    assert "denied the request" in failed(cluster, stateful).message
    event(cluster, stateful, "SuccessfulCreate", "create Pod s-0 successful", "f")
    assert failed(cluster, stateful, timeout=0).details["failures"] == []


def test_a_deployment_that_progresses_is_in_no_trouble(cluster: FakeCluster) -> None:
    target = deployment(cluster, conditions=[{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}])
    assert failed(cluster, target, timeout=0).details["failures"] == []


def test_a_claim_without_a_storage_class(cluster: FakeCluster, unsettled: None) -> None:
    claim = cluster.put(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "c", "namespace": NS},
            "spec": {},
            "status": {"phase": "Pending"},
        }
    )
    event(cluster, claim, "FailedBinding", "no persistent volumes available for this claim and no storage class is set")
    assert "no storage class is set" in failed(cluster, claim).message

    target = deployment(cluster)
    pod(
        cluster,
        replica_set(cluster),
        spec={"volumes": [{"persistentVolumeClaim": {"claimName": "c"}}, {}]},
        conditions=[
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
            }
        ],
    )
    error = failed(cluster, target)
    assert (error.details["failures"][0]["reason"], error.details["failures"][0]["pod"]) == ("FailedBinding", "web-1-a")


# The scheduler's sentences were recorded from Kubernetes 1.34.4.
NO_ROOM = (
    "0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are available: "
    "1 Preemption is not helpful for scheduling."
)
TAINTED = (
    "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1 nodes "
    "are available: 1 Preemption is not helpful for scheduling."
)
BOTH = NO_ROOM.replace("1 Insufficient memory", "1 Insufficient cpu, 1 Insufficient memory")
GPU = NO_ROOM.replace("memory", "nvidia.com/gpu")
PORTS = (
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to "
    "deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
)
MIXED = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s). preemption: 0/2 nodes ..."


@pytest.mark.parametrize(
    ("message", "nodes", "tolerations", "final"),
    [
        (NO_ROOM, [("4194304Ki",)], [], True),
        (NO_ROOM, [("16Gi",)], [], False),
        (NO_ROOM, [("4Gi",), ("16Gi",)], [], False),
        (TAINTED, [("16Gi", "dedicated")], [], True),
        (TAINTED, [("16Gi", "node.kubernetes.io/not-ready")], [], False),
        (TAINTED, [("16Gi", "dedicated", "node.kubernetes.io/not-ready")], [], True),
        (
            TAINTED,
            [("16Gi", "dedicated", "node.kubernetes.io/not-ready")],
            [{"key": "dedicated", "operator": "Exists"}],
            False,
        ),
        # What the API server gives each pod does not keep it on a node that is not ready for scheduling.
        (
            TAINTED,
            [("16Gi", "node.kubernetes.io/not-ready")],
            [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
            False,
        ),
        (MIXED, [("4Gi",), ("4Gi", "dedicated")], [], True),
        (MIXED, [("4Gi",), ("16Gi", "node.kubernetes.io/unreachable")], [], False),
        (MIXED, [("4Gi",), ("16Gi", "dedicated")], [], False),
        (BOTH, [("4Gi",)], [], True),
        (BOTH, [("16Gi",)], [], False),
        (GPU, [("16Gi",)], [], False),
        (PORTS, [("16Gi",)], [], False),
        ("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found", [("4Gi",)], [], False),
        ("", [("4Gi",)], [], False),
        ("0/1 nodes are available: not found", [("4Gi",)], [], False),
        ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", [("4Gi",)], [], True),
        ('0/1 nodes are available: persistentvolumeclaim "c" not found. not found', [("4Gi",)], [], True),
        ("no nodes available to schedule pods", [], [], False),
        (TAINTED, [], [], False),
    ],
)
def test_scheduling(
    cluster: FakeCluster,
    unsettled: None,
    message: str,
    nodes: list[tuple[str, ...]],
    tolerations: list[Object],
    final: bool,
) -> None:
    for number, arguments in enumerate(nodes):
        node(cluster, *arguments, name=f"node-{number}")
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), spec={"tolerations": tolerations}, **unschedulable(message))
    error = failed(cluster, target, timeout=0)
    assert [failure["final"] for failure in error.details["failures"]] == [final]


def test_nodes_that_may_not_be_listed_prove_nothing(cluster: FakeCluster, unsettled: None) -> None:
    real = cluster.list_page

    def list_page(api_version: str, kind: str, *args: Any, **more: Any) -> Any:
        if kind == "Node":
            raise ClusterError("forbidden", status=403)
        return real(api_version, kind, *args, **more)

    cluster.list_page = list_page
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), **unschedulable(NO_ROOM))
    assert not failed(cluster, target, timeout=0).details["failures"][0]["final"]


# -- crashes, readiness, mounts --------------------------------------------------------------------


def test_the_third_restart_is_final_and_shows_the_log(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("CrashLoopBackOff", "back-off", 3, **ended()))
    asked: list[Any] = []

    def log(query: Any) -> bytes:
        asked.append(dict(query))
        return b"starting\npanic: no database at postgres://user:secret@db\n"

    cluster.answers[f"/api/v1/namespaces/{NS}/pods/web-1-a/log"] = log
    error = failed(cluster, target)
    assert error.details["failures"][0]["message"] == "exit code 1, restarted 3 times."
    assert error.details["failures"][0]["log"] == ["starting", "panic: no database at postgres://(redacted)@db"]
    assert "panic: no database" in error.message
    assert asked == [{"container": "c", "tailLines": "10", "previous": "true"}]


@pytest.mark.parametrize("said", [None, b"unable to retrieve container logs for containerd://e82440ce"])
def test_the_log_of_this_run_where_the_last_one_is_gone(cluster: FakeCluster, said: bytes | None) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("CrashLoopBackOff", "", 3, **ended()))

    def log(query: Any) -> bytes:
        if "previous" not in query:
            return b"now\n"
        if said is None:
            raise ClusterError("previous terminated container not found", status=400)
        return said

    cluster.answers[f"/api/v1/namespaces/{NS}/pods/web-1-a/log"] = log
    assert failed(cluster, target).details["failures"][0]["log"] == ["now"]
    cluster.answers.clear()
    assert failed(cluster, target).details["failures"][0]["log"] == []


@pytest.mark.parametrize(
    ("restarts", "last", "reason", "final"),
    [
        (1, ended(), "Error", False),
        (2, ended(), "Error", False),
        (3, ended(), "Error", True),
        (1, ended(137, "OOMKilled"), "OOMKilled", False),
        (2, ended(137, "OOMKilled"), "OOMKilled", True),
        (1, ended(128, "StartError", 'exec: "x": executable file not found in $PATH'), "StartError", True),
        (3, ended(3, "Oddity"), "CrashLoopBackOff", True),
        (0, {}, "CrashLoopBackOff", False),
    ],
)
def test_how_a_container_ended(cluster: FakeCluster, restarts: int, last: Object, reason: str, final: bool) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("CrashLoopBackOff", "back-off", restarts, **last))
    (failure,) = failed(cluster, target, timeout=0).details["failures"]
    assert (failure["reason"], failure["final"]) == (reason, final)


def test_a_container_between_two_crashes_is_still_in_trouble(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    status = {"name": "c", "ready": False, "restartCount": 1, "state": {"running": {}}, **ended()}
    pod(cluster, replica_set(cluster), containerStatuses=[status])
    assert failed(cluster, target, timeout=0).details["failures"][0]["reason"] == "Error"


@pytest.mark.parametrize("state", ["running", "terminated"])
@pytest.mark.parametrize(("code", "reason"), [(255, "Unknown"), (1, "Error"), (137, "OOMKilled")])
@pytest.mark.parametrize("kind", ["containerStatuses", "initContainerStatuses"])
def test_restarts_from_before_the_wait_do_not_count(
    cluster: FakeCluster, kind: str, code: int, reason: str, state: str
) -> None:
    """A container that was started anew with each boot of its node, and is not ready yet."""
    target = deployment(cluster)
    last = ended(code, reason)
    now = {"running": {}} if state == "running" else last["lastState"]
    status = {"name": "c", "ready": False, "restartCount": 4, "state": now, **last}
    pod(cluster, replica_set(cluster), **{kind: [status]})
    (failure,) = failed(cluster, target, timeout=0.3).details["failures"]
    assert not failure["final"]


def test_restarts_since_the_wait_began_count(cluster: FakeCluster, later: Callable[..., None]) -> None:
    target = deployment(cluster)

    def crash(restarts: int) -> None:
        status = {"name": "c", "ready": False, "restartCount": restarts, "state": {"running": {}}, **ended()}
        pod(cluster, replica_set(cluster), containerStatuses=[status])

    crash(4)
    for times in (1, 2, 3):
        later(0.4 * times, lambda times=times: crash(4 + times))
    started = time.monotonic()
    (failure,) = failed(cluster, target, timeout=20).details["failures"]
    assert failure["message"] == "exit code 1, restarted 7 times."
    assert time.monotonic() - started > 1.1


@pytest.mark.parametrize(
    ("said", "reason", "final"),
    [
        ("back-off 10s restarting failed container=c pod=web-1-a_n(1)", "Error", False),
        ("back-off 20s restarting failed container=c pod=web-1-a_n(1)", "Error", False),
        ("back-off 40s restarting failed container=c pod=web-1-a_n(1)", "Error", True),
        ("back-off 5m0s restarting failed container=c pod=web-1-a_n(1)", "Error", True),
        ("back-off 10s restarting failed container=c pod=web-1-a_n(1)", "OOMKilled", False),
        ("back-off 20s restarting failed container=c pod=web-1-a_n(1)", "OOMKilled", True),
    ],
)
def test_only_the_crashes_of_this_back_off_count(cluster: FakeCluster, said: str, reason: str, final: bool) -> None:
    """Two crashes and then fine is no failure, however often the node was booted before."""
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=waiting("CrashLoopBackOff", said, 7, **ended(1, reason)))
    (failure,) = failed(cluster, target, timeout=0).details["failures"]
    assert (failure["reason"], failure["final"]) == (reason, final)


def test_a_container_that_did_its_work_is_in_no_trouble(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    done = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    init = {"name": "init", "ready": False, "restartCount": 0, "state": done}
    pod(cluster, replica_set(cluster), initContainerStatuses=[init], containerStatuses=waiting("PodInitializing"))
    assert failed(cluster, target, timeout=0).details["failures"] == []


def test_a_restart_that_was_seen_must_prove_steady(
    cluster: FakeCluster, later: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_wait, "STEADY_SECONDS", 1.0)
    target = deployment(cluster)
    running = {"name": "c", "ready": True, "state": {"running": {}}}
    pod(cluster, replica_set(cluster), containerStatuses=waiting("ContainerCreating"))

    def restarted() -> None:
        pod(cluster, replica_set(cluster), containerStatuses=[{**running, "restartCount": 1, **ended()}])
        # Two watches bring the two changes: the pod's has to be the first to arrive.
        time.sleep(0.4)
        cluster.status("apps/v1", "Deployment", "web", NS, availableReplicas=1)

    later(0.2, restarted)
    assert wait_for(cluster, [target], 20)["seconds"] > 1.15
    # Restarts from before this wait are no reason to linger.
    assert wait_for(cluster, [target], 5)["seconds"] < 0.3


def test_a_job_decides_itself_how_often_its_pods_may_fail(cluster: FakeCluster) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": NS}, "spec": {}}
    target = cluster.put({**job, "status": {}})
    pod(cluster, target, "j-a", phase="Failed")
    pod(cluster, target, "j-b", containerStatuses=waiting("CrashLoopBackOff", "", 5, **ended()))
    assert failed(cluster, target, timeout=0).details["failures"] == []
    cluster.put(
        {
            **job,
            "status": {
                "conditions": [
                    {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
                ]
            },
        }
    )
    assert failed(cluster, target).details["failures"][0]["reason"] == "BackoffLimitExceeded"


def test_a_pod_of_its_own(cluster: FakeCluster) -> None:
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NS}, "spec": {"containers": []}}
    assert failed(cluster, cluster.put({**bare, "status": {"phase": "Failed"}})).details["failures"][0]["final"]
    evicted = cluster.put({**bare, "status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}})
    assert not failed(cluster, evicted, timeout=0).details["failures"][0]["final"]


def test_a_failing_probe_is_passing_trouble_until_its_grace_is_over(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    status = [
        {"name": name, "ready": name == "ok", "restartCount": 0, "state": {"running": {}}} for name in ("c", "ok")
    ]
    unready = pod(cluster, replica_set(cluster), containerStatuses=status)
    event(cluster, unready, "Unhealthy", "Readiness probe failed: 503", fieldPath="spec.containers{c}")
    cluster.answers[f"/api/v1/namespaces/{NS}/pods/web-1-a/log"] = b"not yet\n"
    started = time.monotonic()
    error = failed(cluster, target, timeout=20, failure_grace=0.3)
    assert 0.3 <= time.monotonic() - started < 2
    assert error.message.startswith("Deployment n/web has been in the same trouble for 0.3 s. pod web-1-a, container c")
    assert error.details["failures"][0]["log"] == ["not yet"]


def test_a_trouble_that_pauses_gets_its_grace_anew(cluster: FakeCluster, later: Callable[..., None]) -> None:
    target = deployment(cluster)

    def state(reason: str) -> None:
        pod(cluster, replica_set(cluster), containerStatuses=waiting(reason, "dial tcp: i/o timeout"))

    state("ErrImagePull")
    later(0.2, lambda: state("ImagePullBackOff"))
    later(0.3, lambda: state("ContainerCreating"))
    later(0.35, lambda: state("ErrImagePull"))
    started = time.monotonic()
    failed(cluster, target, timeout=20, failure_grace=0.5)
    assert time.monotonic() - started >= 0.85


def test_mounts_are_judged_by_the_newest_event(cluster: FakeCluster, unsettled: None) -> None:
    target = deployment(cluster)
    stuck = pod(cluster, replica_set(cluster), containerStatuses=waiting("ContainerCreating"))
    event(cluster, stuck, "FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "settings" not found')
    assert failed(cluster, target).details["failures"][0]["reason"] == "FailedMount"
    event(cluster, stuck, "Pulling", "Pulling image", "f")
    assert failed(cluster, target, timeout=0).details["failures"] == []


def test_an_older_kubelet_tells_the_cause_in_an_event_only(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    stuck = pod(
        cluster, replica_set(cluster), containerStatuses=waiting("ImagePullBackOff", 'Back-off pulling image "x"')
    )
    event(cluster, stuck, "Failed", 'Failed to pull image "x": rpc error: code = NotFound desc = x: not found')
    assert failed(cluster, target).details["failures"][0]["final"]


def test_events_of_an_earlier_pod_of_the_same_name_do_not_count(cluster: FakeCluster, unsettled: None) -> None:
    target = deployment(cluster)
    stuck = pod(cluster, replica_set(cluster), containerStatuses=waiting("ContainerCreating"))
    event(cluster, stuck, "FailedMount", 'configmap "settings" not found', uid="of-another")
    assert failed(cluster, target, timeout=0).details["failures"] == []


def test_init_containers_count(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(
        cluster,
        replica_set(cluster),
        initContainerStatuses=waiting("ErrImageNeverPull", "not present"),
        containerStatuses=waiting("PodInitializing"),
    )
    assert failed(cluster, target).details["failures"][0]["container"] == "c"


def test_time_is_up(cluster: FakeCluster) -> None:
    objects = [deployment(cluster, name) for name in "abcd"]
    said: list[str] = []
    error = failed(cluster, *objects, timeout=0.2, progress=said.append)
    assert error.message.startswith(
        "4 of 4 objects were not ready after 0 s: Deployment n/a (0 of 1 replicas available)"
    )
    assert said[-1].endswith("and 1 more")


# -- gone ------------------------------------------------------------------------------------------


def test_wait_gone(cluster: FakeCluster, later: Callable[..., None]) -> None:
    objects = [deployment(cluster, name) for name in "ab"]
    later(0.1, lambda: cluster.drop("apps/v1", "Deployment", "a", NS))

    def replace() -> None:
        cluster.drop("apps/v1", "Deployment", "b", NS)
        deployment(cluster, "b")

    later(0.2, replace)
    assert 0.15 < wait_gone(cluster, objects, 5)["seconds"] < 2
    assert wait_gone(cluster, [], 5)["seconds"] < 0.1


def test_what_is_not_gone_in_time(cluster: FakeCluster) -> None:
    held = deployment(cluster)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    free = deployment(cluster, "zzz")
    with pytest.raises(
        WaitError, match=r"2 objects .* Deployment n/web: held by the finalizers example.com/hold"
    ) as caught:
        wait_gone(cluster, [cluster.put(held), free], 0.2)
    assert [item["message"] for item in caught.value.details["pending"]] == [
        "held by the finalizers example.com/hold",
        "being deleted",
    ]


def test_proofs_need_nodes() -> None:
    for proof in _trouble.PROOFS.values():
        assert not proof("1 Insufficient memory", {"spec": {"containers": []}}, [])
