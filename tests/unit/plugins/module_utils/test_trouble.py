# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found to keep an object from being ready: one look at what kubelet, scheduler and controllers have said."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._reasons import judge
from ansible_collections.meshlab.istio.plugins.module_utils._trouble import (
    PROOFS,
    Trouble,
    containers_of,
    pods_of,
    troubles,
)
from ansible_collections.meshlab.istio.plugins.module_utils._watch import Store
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

QUOTA = "failed quota: q: must specify limits.cpu for: c"
Said = tuple[str, str, str, bool]
"""Where, the word, the sentence, and whether it is final."""


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})


def loaded(cluster: FakeCluster) -> Store:
    store = Store(cluster)
    for api_version, kind in (("v1", "Pod"), ("v1", "Event"), ("apps/v1", "ReplicaSet")):
        store.load(api_version, kind, NS)
    return store


def found(cluster: FakeCluster, target: Object, before: int = 0) -> list[Trouble]:
    """Return the troubles; ``before``: how often container c of each pod had been restarted when the wait began."""
    store = loaded(cluster)
    return troubles(target, store, {(each["metadata"]["uid"], "c"): before for each in store.all("v1", "Pod", NS)})


def said(cluster: FakeCluster, target: Object, before: int = 0) -> list[Said]:
    return [(each.where, each.reason, each.message, each.row.final) for each in found(cluster, target, before)]


def put(cluster: FakeCluster, kind: str, name: str = "x", **fields: Any) -> Object:
    """Put an object of a kind that has no builder of its own; ``metadata`` is added to its name."""
    api_version = {"Pod": "v1", "PersistentVolumeClaim": "v1", "Job": "batch/v1"}.get(kind, "apps/v1")
    metadata = {"name": name, "namespace": NS, **fields.pop("metadata", {})}
    return cluster.put({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {}, **fields})


# -- the object itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("ReplicaFailure", "True", [("", "FailedCreate", QUOTA, True)]),
        ("Failed", "True", [("", "FailedCreate", QUOTA, True)]),
        ("Progressing", "False", [("", "FailedCreate", QUOTA, True)]),
        ("ReplicaFailure", "False", []),
        ("Failed", "False", []),
        ("Progressing", "True", []),
        ("Available", "False", []),
    ],
)
def test_conditions_that_are_a_failure(cluster: FakeCluster, kind: str, status: str, expected: list[Said]) -> None:
    fine = {"type": "Available", "status": "True"}
    bad = {"type": kind, "status": status, "reason": "FailedCreate", "message": QUOTA}
    assert said(cluster, deployment(cluster, conditions=[fine, bad])) == expected


def test_everything_that_is_known_of_a_trouble(cluster: FakeCluster) -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA}
    target = deployment(cluster, conditions=[condition])
    pod(cluster, replica_set(cluster), containerStatuses=waiting("ErrImageNeverPull", "not present", 1))
    assert found(cluster, target) == [
        Trouble("Deployment n/web", NS, None, None, "FailedCreate", QUOTA, judge("FailedCreate", QUOTA)[0]),
        Trouble(
            "Deployment n/web", NS, "web-1-a", "c", "ErrImageNeverPull", "not present",
            judge("ErrImageNeverPull", "")[0], ran=True,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("condition", [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}])
def test_a_condition_may_have_no_message(cluster: FakeCluster, condition: Object) -> None:
    job = put(cluster, "Job", status={"conditions": [condition]})
    assert said(cluster, job) == [("", "BackoffLimitExceeded", "", True)]


@pytest.mark.parametrize("status", [None, {}, {"conditions": None}, {"conditions": [{}]}])
def test_an_object_of_which_nothing_is_said(cluster: FakeCluster, status: Object | None) -> None:
    assert said(cluster, put(cluster, "StatefulSet", **({} if status is None else {"status": status}))) == []


@pytest.mark.parametrize(("observed", "count"), [(1, 0), (2, 1), (3, 1)])
def test_conditions_count_for_the_generation_that_the_controller_saw(
    cluster: FakeCluster, observed: int, count: int
) -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA}
    status = {"observedGeneration": observed, "conditions": [condition]}
    assert len(said(cluster, put(cluster, "Deployment", metadata={"generation": 2}, status=status))) == count


def test_events_count_as_little_as_conditions_before_the_controller_has_seen_the_object(cluster: FakeCluster) -> None:
    stale = put(cluster, "StatefulSet", metadata={"generation": 2}, status={"observedGeneration": 1})
    event(cluster, stale, "FailedCreate", QUOTA)
    assert said(cluster, stale) == []


@pytest.mark.parametrize(
    ("kind", "counts"),
    [("StatefulSet", True), ("DaemonSet", True), ("Job", True), ("PersistentVolumeClaim", True), ("Deployment", False)],
)
def test_kinds_whose_controllers_tell_by_events_only(cluster: FakeCluster, kind: str, counts: bool) -> None:
    target = put(cluster, kind)
    event(cluster, target, "FailedCreate", QUOTA)
    assert said(cluster, target) == ([("", "FailedCreate", QUOTA, True)] if counts else [])


# -- what somebody has stopped ---------------------------------------------------------------------

GOES = {"deletionTimestamp": "2026-11-29T10:00:00Z"}
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
QUEUED = {"labels": {"kueue.x-k8s.io/queue-name": "main"}}


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("Job", {"spec": {"suspend": True}}, [("", "JobSuspended", "the job is suspended", True)]),
        ("Job", {"spec": {"suspend": False}}, []),
        ("Job", {"spec": {"suspend": True}, "metadata": QUEUED},
         [("", "JobQueued", "suspended until main admits it", False)]),
        ("Job", {"spec": {"suspend": True, "managedBy": "kueue.x-k8s.io/multikueue"}},
         [("", "JobQueued", "suspended until kueue.x-k8s.io/multikueue admits it", False)]),
        ("Job", {"spec": {"suspend": True, "parallelism": 0}}, [("", "JobSuspended", "the job is suspended", True)]),
        ("Job", {"spec": {"parallelism": 0}}, [("", "NoParallelism", "parallelism is 0", True)]),
        ("Job", {"spec": {"parallelism": 1}}, []),
        ("Deployment", {"spec": {"paused": True}}, [("", "DeploymentPaused", "its rollout is paused", True)]),
        ("Deployment", {"spec": {"paused": True, "replicas": 2}, "status": {"replicas": 1}},
         [("", "DeploymentPaused", "its rollout is paused", True)]),
        # All its pods are there: they may become ready.
        ("Deployment", {"spec": {"paused": True, "replicas": 2}, "status": {"replicas": 2}}, []),
        ("Deployment", {"spec": {"paused": True}, "metadata": {"generation": 2}, "status": {"observedGeneration": 1}},
         []),
        ("Deployment", {"spec": {"replicas": 1}}, []),
        ("PersistentVolumeClaim", {"status": {"phase": "Lost"}}, [("", "ClaimLost", "phase Lost", True)]),
        ("PersistentVolumeClaim", {"status": {"phase": "Pending"}}, []),
        ("Namespace", {"metadata": GOES}, [("", "BeingDeleted", "being deleted", True)]),
        ("PersistentVolumeClaim", {"metadata": {**GOES, "finalizers": ["kubernetes.io/pvc-protection"]}},
         [("", "BeingDeleted", "held by the finalizers kubernetes.io/pvc-protection", True)]),
        # What its controller has not seen yet is being deleted all the same.
        ("Deployment", {"metadata": {**GOES, "generation": 2}, "status": {"observedGeneration": 1}},
         [("", "BeingDeleted", "being deleted", True)]),
        # What is done is removed by its controller.
        ("Job", {"metadata": GOES, "status": COMPLETE}, []),
        ("Job", {"metadata": GOES}, [("", "BeingDeleted", "being deleted", True)]),
        ("Pod", {"metadata": GOES, "status": {"phase": "Succeeded"}}, []),
    ],
)  # fmt: skip
def test_what_an_objects_own_fields_tell(cluster: FakeCluster, kind: str, fields: Object, expected: list[Said]) -> None:
    assert said(cluster, put(cluster, kind, **fields)) == expected


@pytest.mark.parametrize(
    ("kind", "condition", "expected"),
    [
        ("Job", {"type": "Failed", "status": "True", "reason": "PodFailurePolicy"}, ("PodFailurePolicy", True)),
        ("Job", {"type": "Failed", "status": "True", "reason": "OfAnotherVersion"}, ("JobFailed", True)),
        ("Job", {"type": "Failed", "status": "True"}, ("JobFailed", True)),
        ("Deployment", {"type": "Failed", "status": "True", "reason": "OfAnotherVersion"}, None),
        ("Deployment", {"type": "Progressing", "status": "False", "reason": "ReplicaSetCreateError"},
         ("ReplicaSetCreateError", False)),
        ("CustomResourceDefinition", {"type": "NamesAccepted", "status": "False", "reason": "KindConflict"},
         ("KindConflict", True)),
        ("CustomResourceDefinition", {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts"}, None),
        ("APIService", {"type": "Available", "status": "False", "reason": "ServiceNotFound"},
         ("ServiceNotFound", False)),
        ("Deployment", {"type": "Available", "status": "False", "reason": "ServiceNotFound"}, None),
    ],
)  # fmt: skip
def test_conditions_that_are_a_failure_of_one_kind(
    cluster: FakeCluster, kind: str, condition: Object, expected: tuple[str, bool] | None
) -> None:
    found_words = said(cluster, put(cluster, kind, status={"conditions": [condition]}))
    assert [(word, final) for _where, word, _message, final in found_words] == ([expected] if expected else [])


# -- events ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [{"kind": "Job"}, {"name": "y"}, {"uid": "of-an-earlier-one"}])
def test_events_about_something_else(cluster: FakeCluster, other: Object) -> None:
    target = put(cluster, "StatefulSet")
    event(cluster, target, "FailedCreate", QUOTA)
    cluster.objects[("v1", "Event", NS, "e")]["involvedObject"].update(other)
    assert said(cluster, target) == []


def test_the_newest_event_is_the_one_with_the_highest_version_as_a_number(cluster: FakeCluster) -> None:
    target = put(cluster, "StatefulSet")
    event(cluster, target, "FailedCreate", QUOTA, "a")
    event(cluster, target, "SuccessfulCreate", "created", "b")
    for name, version in (("a", "9"), ("b", "10")):
        cluster.objects[("v1", "Event", NS, name)]["metadata"]["resourceVersion"] = version
    assert said(cluster, target) == []
    for name, version in (("a", "10"), ("b", "9")):
        cluster.objects[("v1", "Event", NS, name)]["metadata"]["resourceVersion"] = version
    assert said(cluster, target) == [("", "FailedCreate", QUOTA, True)]


def test_an_event_may_lack_its_words(cluster: FakeCluster) -> None:
    target = put(cluster, "StatefulSet")
    event(cluster, target, "FailedCreate", QUOTA)
    del cluster.objects[("v1", "Event", NS, "e")]["message"]
    assert said(cluster, target) == [("", "FailedCreate", "", False)]
    del cluster.objects[("v1", "Event", NS, "e")]["reason"]
    assert said(cluster, target) == []


# -- which pods count ------------------------------------------------------------------------------


def test_the_pods_of_each_kind(cluster: FakeCluster) -> None:
    def names(target: Object) -> list[str]:
        return [each["metadata"]["name"] for each in pods_of(target, loaded(cluster))]

    web, job, other = deployment(cluster), put(cluster, "Job"), deployment(cluster, "other")
    pod(cluster, replica_set(cluster), "web-1-a")
    pod(cluster, replica_set(cluster, "other-1"), "other-1-a")
    pod(cluster, job, "x-a")
    bare = put(cluster, "Pod", "bare")
    assert names(web) == ["web-1-a"]
    assert names(replica_set(cluster)) == ["web-1-a"]
    assert names(other) == ["other-1-a"]
    assert names(job) == ["x-a"]
    assert names(bare) == ["bare"]
    assert names({**job, "kind": "Service"}) == []


def test_a_deployment_whose_replica_set_is_not_there_yet(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster))
    cluster.drop("apps/v1", "ReplicaSet", "web-1", NS)
    assert pods_of(target, loaded(cluster)) == []
    # Another deployment's replica set has the same revision, and one that somebody made by hand has none.
    other = deployment(cluster, "other")
    pod(cluster, replica_set(cluster, "other-1"))
    put(cluster, "ReplicaSet", "by-hand", metadata={"ownerReferences": [{"uid": target["metadata"]["uid"]}]})
    assert pods_of(target, loaded(cluster)) == []
    assert len(pods_of(other, loaded(cluster))) == 1


@pytest.mark.parametrize(("observed", "count"), [(None, 0), (1, 0), (2, 1), (3, 1)])
def test_pods_count_as_soon_as_the_controller_saw_the_template(
    cluster: FakeCluster, observed: int | None, count: int
) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster))
    target["metadata"]["generation"] = 2
    target["status"] = {} if observed is None else {"observedGeneration": observed}
    assert len(pods_of(target, loaded(cluster))) == count


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_all_pods_count_while_the_controller_names_no_revision(cluster: FakeCluster, kind: str) -> None:
    target = put(cluster, kind)
    plain = pod(cluster, target)
    del plain["metadata"]["labels"]
    cluster.put(plain)
    assert len(pods_of(target, loaded(cluster))) == 1


OLD, NEW = {"controller-revision-hash": "a"}, {"controller-revision-hash": "b"}


@pytest.mark.parametrize(
    ("kind", "spec", "counts"),
    [
        ("StatefulSet", {"podManagementPolicy": "OrderedReady"}, True),
        ("StatefulSet", {"podManagementPolicy": "Parallel"}, False),
        ("StatefulSet", {"podManagementPolicy": "Parallel", "updateStrategy": {"type": "OnDelete"}}, True),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, True),
        ("DaemonSet", {"updateStrategy": {"type": "RollingUpdate"}}, False),
    ],
)
def test_an_old_pod_that_is_broken_counts_where_nobody_replaces_it(
    cluster: FakeCluster, kind: str, spec: Object, counts: bool
) -> None:
    """A StatefulSet in order waits for its old pod for ever, and with OnDelete people replace pods."""
    generation = {"deprecated.daemonset.template.generation": "2"}
    target = put(cluster, kind, spec=spec, metadata={"annotations": generation}, status={"updateRevision": "b"})
    labels = {"StatefulSet": (OLD, NEW), "DaemonSet": tuple({"pod-template-generation": each} for each in "12")}[kind]
    for name, each in zip(("old", "new"), labels):
        pod(cluster, target, name, labels=each, containerStatuses=waiting("ErrImageNeverPull"))
    told = {trouble.pod: trouble.row.advice for trouble in found(cluster, target)}
    assert sorted(told) == (["new", "old"] if counts else ["new"])
    assert not told["new"].endswith("delete the pod.")
    assert told.get("old", "delete the pod.").endswith("delete the pod.")


def test_a_pod_whose_end_its_successor_waits_for(cluster: FakeCluster) -> None:
    target = put(cluster, "StatefulSet")
    leaving = pod(cluster, target)
    assert said(cluster, target) == []
    leaving["metadata"].update(GOES, finalizers=["example.com/hold"])
    cluster.put(leaving)
    assert said(cluster, target) == [("pod web-1-a", "Terminating", "held by the finalizers example.com/hold", False)]
    # The pods of a Deployment have other names.
    owner = deployment(cluster)
    pod(cluster, replica_set(cluster), "gone")["metadata"].update(GOES)
    assert said(cluster, owner) == []


def test_a_pod_with_scheduling_gates(cluster: FakeCluster) -> None:
    gates = {"schedulingGates": [{"name": "example.com/a"}, {"name": "example.com/b"}]}
    condition = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "blocked"}
    owner = deployment(cluster)
    pod(cluster, replica_set(cluster), spec=gates, conditions=[condition])
    assert said(cluster, owner) == [("pod web-1-a", "SchedulingGated", "blocked: example.com/a, example.com/b", False)]


@pytest.mark.parametrize(
    ("spec", "conditions", "expected"),
    [
        ({"schedulerName": "mine"}, [], [("pod web-1-a", "NoScheduler", "mine has not looked at the pod", False)]),
        ({"schedulerName": "mine", "nodeName": "node"}, [], []),
        ({"schedulerName": "mine"}, [{"type": "PodScheduled", "status": "True"}], []),
        ({}, [], []),
    ],
)
def test_a_pod_that_no_scheduler_looks_at(
    cluster: FakeCluster, spec: Object, conditions: list[Object], expected: list[Said]
) -> None:
    owner = deployment(cluster)
    pod(cluster, replica_set(cluster), spec=spec, conditions=conditions)
    assert said(cluster, owner) == expected


@pytest.mark.parametrize(
    ("reason", "ready", "expected"),
    [
        ("ReadinessGatesNotReady", True, ("ReadinessGatesNotReady", "gate a")),
        ("OfTheNode", True, ("PodNotReady", "OfTheNode")),
        ("ContainersNotReady", False, None),
    ],
)
def test_a_pod_that_is_not_ready_though_its_containers_are(
    cluster: FakeCluster, reason: str, ready: bool, expected: tuple[str, str] | None
) -> None:
    owner = deployment(cluster)
    condition = {"type": "Ready", "status": "False", "reason": reason, "message": "gate a"}
    container = {"name": "c", "ready": ready, "restartCount": 0, "state": {"running": {}}}
    pod(cluster, replica_set(cluster), conditions=[condition], containerStatuses=[container])
    assert said(cluster, owner) == ([("pod web-1-a", *expected, False)] if expected else [])


# -- pods ------------------------------------------------------------------------------------------


def test_a_pod_that_failed_as_a_whole(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    bad = waiting("ErrImageNeverPull")
    pod(cluster, replica_set(cluster), phase="Failed", reason="Evicted", message="low on memory", containerStatuses=bad)
    assert said(cluster, target) == [("pod web-1-a", "Evicted", "low on memory", False)]
    # Its controller makes another one.
    pod(cluster, replica_set(cluster), phase="Failed", containerStatuses=bad)
    assert said(cluster, target) == []
    bare = put(cluster, "Pod", "bare", status={"phase": "Failed"})
    assert said(cluster, bare) == [("pod bare", "PodFailed", "", True)]


def test_a_pod_of_which_nothing_is_known_yet(cluster: FakeCluster) -> None:
    bare = put(cluster, "Pod", "bare")
    assert said(cluster, bare) == []
    event(cluster, bare, "FailedCreatePodSandBox", "no network")
    assert said(cluster, bare) == [("pod bare", "FailedCreatePodSandBox", "no network", False)]


RUNNING = {"name": "d", "ready": True, "restartCount": 0, "state": {"running": {}}}


@pytest.mark.parametrize(
    ("init", "containers", "counts"),
    [
        ([], waiting("ContainerCreating"), True),
        ([], waiting("PodInitializing"), True),
        ([], waiting(""), True),
        ([], [{"name": "c", "ready": False, "state": {"waiting": None}}], True),
        ([], [*waiting("ContainerCreating"), RUNNING], True),
        (waiting("ContainerCreating"), [], True),
        ([], [RUNNING], False),
        ([], [*waiting("ContainerCreating"), *waiting("CrashLoopBackOff", "back-off")], False),
        (waiting("ErrImageNeverPull"), waiting("PodInitializing"), False),
    ],
)
def test_a_pods_events_count_before_its_containers_can_speak(
    cluster: FakeCluster, init: list[Object], containers: list[Object], counts: bool
) -> None:
    target = deployment(cluster)
    stuck = pod(cluster, replica_set(cluster), initContainerStatuses=init, containerStatuses=containers)
    event(cluster, stuck, "FailedMount", 'configmap "settings" not found')
    mounts = [each for each in said(cluster, target) if each[1] == "FailedMount"]
    assert mounts == ([("pod web-1-a", "FailedMount", 'configmap "settings" not found', True)] if counts else [])


# -- containers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        # It waits with a word.
        ({"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "m"}}}, ("ErrImageNeverPull", "m", True)),
        ({"state": {"waiting": {"reason": "ErrImageNeverPull"}}}, ("ErrImageNeverPull", "", True)),
        ({"state": {"waiting": {"reason": "ErrImageNeverPull"}}, "ready": True}, None),
        ({"state": {"waiting": {"reason": "Unheard-of"}}}, None),
        ({"state": {"waiting": {}}}, None),
        # It ended.
        (
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 3, **ended(2, "Error", "panic: x")},
            ("Error", "exit code 2, restarted 3 times. panic: x", True),
        ),
        (
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 2, **ended(2)},
            ("Error", "exit code 2, restarted 2 times.", False),
        ),
        (
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 1,
             "lastState": {"terminated": {"exitCode": 3}}},
            ("CrashLoopBackOff", "exit code 3, restarted 1 times.", False),
        ),
        (
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 1, **ended(3, "Oddity")},
            ("CrashLoopBackOff", "exit code 3, restarted 1 times.", False),
        ),
        # This end counts, not the one before.
        (
            {"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}, "restartCount": 2, **ended()},
            ("OOMKilled", "exit code 137, restarted 2 times.", True),
        ),
        ({"state": {"terminated": {"exitCode": 1, "reason": "Error"}}}, ("Error", "exit code 1, restarted 0 times.",
                                                                         False)),
        ({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}, None),
        (
            {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}, "restartCount": 1},
            ("Completed", "exit code 0, restarted 1 times.", False),
        ),
        # It runs again after an end, and is not ready yet.
        (
            {"state": {"running": {}}, "restartCount": 1, **ended()},
            ("Error", "exit code 1, restarted 1 times.", False),
        ),
        # Before it can end again it cannot be started at all.
        (
            {"state": {"waiting": {"reason": "CreateContainerError", "message": "m"}}, "restartCount": 5, **ended()},
            ("CreateContainerError", "m", False),
        ),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "b"}}}, ("CrashLoopBackOff", "b", False)),
        ({"state": {"running": {}}}, None),
    ],
)  # fmt: skip
def test_what_a_container_says(cluster: FakeCluster, status: Object, expected: tuple[str, str, bool] | None) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster), containerStatuses=[{"name": "c", "ready": False, **status}])
    assert said(cluster, target) == ([("pod web-1-a, container c", *expected)] if expected else [])


@pytest.mark.parametrize(
    ("state", "before", "final"),
    [
        # Restarts from before the wait may be old.
        ({"running": {}}, 0, True),
        ({"running": {}}, 4, True),
        ({"running": {}}, 5, False),
        ({"terminated": {"exitCode": 1, "reason": "Error"}}, 5, False),
        # In a back-off they are as many as its length says, up to all of them.
        ({"waiting": {"reason": "CrashLoopBackOff"}}, 7, True),
        (
            {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=c"}},
            0,
            False,
        ),
        (
            {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s restarting failed container=c"}},
            0,
            False,
        ),
        ({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container=c"}}, 7, True),
        (
            {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container=c"}},
            7,
            True,
        ),
    ],
)
def test_which_restarts_make_a_container_one_that_crashes(
    cluster: FakeCluster, state: Object, before: int, final: bool
) -> None:
    target = deployment(cluster)
    status = {"name": "c", "ready": False, "restartCount": 7, "state": state, **ended()}
    pod(cluster, replica_set(cluster), containerStatuses=[status])
    assert said(cluster, target, before) == [
        ("pod web-1-a, container c", "Error", "exit code 1, restarted 7 times.", final)
    ]


@pytest.mark.parametrize(("length", "final"), [("10s", False), ("20s", True), ("40s", True)])
def test_running_out_of_memory_twice_in_a_row_is_final(cluster: FakeCluster, length: str, final: bool) -> None:
    target = deployment(cluster)
    message = f"back-off {length} restarting failed container=c"
    pod(
        cluster, replica_set(cluster),
        containerStatuses=waiting("CrashLoopBackOff", message, 9, **ended(137, "OOMKilled")),
    )  # fmt: skip
    assert [each[3] for each in said(cluster, target)] == [final]


def test_init_containers_and_containers_are_told_apart_by_pod_and_name(cluster: FakeCluster) -> None:
    one = pod(cluster, deployment(cluster), initContainerStatuses=[{"name": "i"}], containerStatuses=[{"name": "c"}])
    uid = one["metadata"]["uid"]
    assert containers_of(one) == [((uid, "i"), {"name": "i"}), ((uid, "c"), {"name": "c"})]
    assert containers_of({"metadata": {}, "status": {"containerStatuses": [{"name": "c"}]}}) == [
        (("", "c"), {"name": "c"})
    ]
    assert containers_of({"metadata": {}}) == []


@pytest.mark.parametrize(
    ("status", "ran"),
    [
        ({"restartCount": 0}, False),
        ({"restartCount": 0, "lastState": {}}, False),
        ({}, False),
        ({"restartCount": 1}, True),
        (ended(), True),
    ],
)
def test_a_container_that_has_run_may_have_log_lines(cluster: FakeCluster, status: Object, ran: bool) -> None:
    target = deployment(cluster)
    stuck = {"name": "c", "ready": False, "state": {"waiting": {"reason": "ErrImageNeverPull"}}, **status}
    pod(cluster, replica_set(cluster), containerStatuses=[stuck])
    assert [each.ran for each in found(cluster, target)] == [ran]


def test_the_containers_of_a_job_may_end_but_must_be_able_to_start(cluster: FakeCluster) -> None:
    job = put(cluster, "Job")
    crashed = {**waiting("CrashLoopBackOff", "", 5, **ended())[0], "name": "crashed"}
    pod(cluster, job, containerStatuses=[crashed, *waiting("ErrImageNeverPull", "not present")])
    assert said(cluster, job) == [("pod web-1-a, container c", "ErrImageNeverPull", "not present", True)]


@pytest.mark.parametrize(
    ("word", "message", "reason", "expected"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "x"', "Failed", 'Back-off pulling image "x" x: not found'),
        ("ErrImagePull", "pulling", "Failed", "pulling x: not found"),
        ("ImagePullBackOff", "Back-off: i/o timeout", "Failed", "Back-off: i/o timeout"),
        ("ImagePullBackOff", 'Back-off pulling image "x"', "BackOff", 'Back-off pulling image "x"'),
        ("ImagePullBackOff", "", "Failed", "x: not found"),
        ("CrashLoopBackOff", "back-off", "Failed", "back-off"),
    ],
)
def test_the_cause_of_a_back_off_in_an_event(
    cluster: FakeCluster, word: str, message: str, reason: str, expected: str
) -> None:
    target = deployment(cluster)
    stuck = pod(cluster, replica_set(cluster), containerStatuses=waiting(word, message))
    event(cluster, stuck, reason, "x: not found")
    assert [each[2] for each in said(cluster, target)] == [expected]


def test_a_probe_that_fails_is_told_by_the_newest_event_of_that_container(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    running = {"name": "c", "ready": False, "restartCount": 0, "state": {"running": {}}}
    unready = pod(cluster, replica_set(cluster), containerStatuses=[running])
    event(cluster, unready, "Unhealthy", "of which container?", "a")
    event(cluster, unready, "Unhealthy", "503", "b", fieldPath="spec.containers{d}")
    event(cluster, unready, "Pulled", "pulled", "c", fieldPath="spec.containers{c}")
    assert said(cluster, target) == []
    event(cluster, unready, "Unhealthy", "older", "f", fieldPath="spec.containers{c}")
    event(cluster, unready, "Unhealthy", "newer", "e", fieldPath="spec.containers{c}")
    assert said(cluster, target) == [("pod web-1-a, container c", "Unhealthy", "newer", False)]
    (trouble,) = found(cluster, target)
    assert trouble.ran


# -- scheduling ------------------------------------------------------------------------------------


def test_a_pod_without_a_node_says_nothing_of_its_containers(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    sentence = "0/1 nodes are available: 1 Too many pods."
    pod(
        cluster, replica_set(cluster), containerStatuses=waiting("ErrImageNeverPull"),
        conditions=[{"type": "Ready", "status": "False"}, *unschedulable(sentence)["conditions"]],
    )  # fmt: skip
    assert said(cluster, target) == [("pod web-1-a", "Unschedulable", sentence, False)]


def test_a_scheduled_pod_is_judged_by_its_containers(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    scheduled = [{"type": "PodScheduled", "status": "True"}]
    pod(cluster, replica_set(cluster), conditions=scheduled, containerStatuses=waiting("ErrImageNeverPull"))
    assert [each[1] for each in said(cluster, target)] == ["ErrImageNeverPull"]


@pytest.mark.parametrize(
    ("reasons", "advice", "final"),
    [
        # One resource that no node has is enough, wherever it stands; else one that may pass is.
        ("1 Insufficient cpu, 1 Insufficient memory", "No node is large enough.", True),
        ("1 node(s) didn't match node selector, 1 Insufficient memory", "No node is large enough.", True),
        ("1 node(s) didn't match Pod's node affinity/selector, 1 Too many pods", "The nodes are full.", False),
        ("1 Too many pods, 1 node(s) didn't match Pod's node affinity/selector", "The nodes are full.", False),
        ('1 node(s) didn\'t match Pod\'s node affinity/selector. persistentvolumeclaim "c" not found',
         "Correct nodeSelector", True),
        ('persistentvolumeclaim "c" not found. no new claims to deallocate', "Create the PersistentVolumeClaim", True),
        ("1 node(s) were unschedulable", "No node takes the pod at the moment.", False),
    ],
)  # fmt: skip
def test_which_of_the_schedulers_reasons_counts(cluster: FakeCluster, reasons: str, advice: str, final: bool) -> None:
    target = deployment(cluster)
    node(cluster, "4Gi")
    sentence = f"0/1 nodes are available: {reasons}. preemption: 0/1 nodes are available: 1 Insufficient memory."
    pod(cluster, replica_set(cluster), **unschedulable(sentence))
    (trouble,) = found(cluster, target)
    assert (trouble.reason, trouble.message, trouble.row.final) == ("Unschedulable", sentence, final)
    assert trouble.row.advice.startswith(advice)


def test_a_pod_waits_for_its_claims(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    volumes = [{"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": "data"}}]
    pod(cluster, replica_set(cluster), spec={"volumes": volumes}, **unschedulable("pod has unbound claims"))
    claims = {name: put(cluster, "PersistentVolumeClaim", name) for name in ("data", "other")}
    event(cluster, claims["other"], "ProvisioningFailed", "of another", "a")
    assert [each[1] for each in said(cluster, target)] == ["Unschedulable"]
    event(cluster, claims["data"], "ProvisioningFailed", "out of disks", "b")
    assert said(cluster, target)[1:] == [("pod web-1-a", "ProvisioningFailed", "out of disks", False)]


@pytest.mark.parametrize(
    ("requests", "allocatable", "larger"),
    [
        (["8Gi"], ["4Gi"], True),
        (["8Gi"], ["8Gi"], False),
        (["8Gi"], ["4Gi", "16Gi"], False),
        (["5Gi", "5Gi"], ["8Gi"], True),
        (["8Gi", None], ["8Gi"], False),
        ([None], ["8Gi"], False),
        (["8Gi"], [None], True),
        ([None], [None], False),
        (["8Gi"], [], False),
    ],
)
def test_a_pod_is_too_large_when_all_its_containers_fit_on_no_node(
    requests: list[str | None], allocatable: list[str | None], larger: bool
) -> None:
    containers = [{"resources": {"requests": {"memory": wanted}}} if wanted else {"name": "c"} for wanted in requests]
    nodes = [{"status": {"allocatable": {"memory": room}} if room else {}} for room in allocatable]
    proof = PROOFS["larger_than_any_node"]
    assert proof("1 Insufficient memory ", {"spec": {"containers": containers}}, nodes) is larger
    assert proof("1 Insufficient cpu", {"spec": {"containers": containers}}, nodes) is False


PASSING, LASTING = "node.kubernetes.io/not-ready", "dedicated"


@pytest.mark.parametrize(
    ("taints", "toleration", "lasting"),
    [
        ([{"key": LASTING}], None, True),
        ([{"key": PASSING}], None, False),
        ([{"key": "node.cloudprovider.kubernetes.io/uninitialized"}], None, False),
        ([{"key": PASSING}, {"key": LASTING}], None, True),
        # No taint keeps the pod from this node.
        ([], None, True),
        ([{"key": PASSING, "effect": "PreferNoSchedule"}], None, True),
        ([{"key": LASTING, "effect": "PreferNoSchedule"}, {"key": PASSING}], None, False),
        # A toleration is for a key, an effect and a value, or for all of them.
        ([{"key": LASTING}, {"key": PASSING}], {"operator": "Exists"}, True),
        ([{"key": LASTING}, {"key": PASSING}], {"key": LASTING, "operator": "Exists"}, False),
        ([{"key": LASTING}, {"key": PASSING}], {"key": "", "effect": "", "operator": "Exists"}, True),
        ([{"key": LASTING}, {"key": PASSING}], {"key": "other", "operator": "Exists"}, True),
        ([{"key": LASTING}, {"key": PASSING}], {"key": LASTING, "effect": "NoSchedule", "operator": "Exists"}, False),
        ([{"key": LASTING}, {"key": PASSING}], {"key": LASTING, "effect": "NoExecute", "operator": "Exists"}, True),
        ([{"key": LASTING, "value": "a"}, {"key": PASSING}], {"key": LASTING, "operator": "Exists"}, False),
        ([{"key": PASSING}], {"key": "", "operator": "Exists"}, True),
        ([{"key": PASSING}], {"key": PASSING, "effect": "", "operator": "Exists"}, True),
        ([{"key": LASTING, "value": "a"}, {"key": PASSING}], {"key": LASTING, "value": "a"}, False),
        ([{"key": LASTING, "value": "a"}, {"key": PASSING}], {"key": LASTING, "value": "b"}, True),
        ([{"key": LASTING, "value": "a"}, {"key": PASSING}], {"key": LASTING}, True),
        ([{"key": LASTING}, {"key": PASSING}], {"key": LASTING}, False),
        ([{"key": LASTING, "value": "a"}, {"key": PASSING}], {"key": LASTING, "operator": "Equal"}, True),
    ],
)
def test_a_taint_lasts_unless_it_is_one_that_comes_and_goes(
    taints: list[Object], toleration: Object | None, lasting: bool
) -> None:
    spec: Object = {"tolerations": [{"key": "unrelated", "operator": "Exists"}, toleration]} if toleration else {}
    nodes = [{"spec": {}}, {"spec": {"taints": [{"effect": "NoSchedule", **taint} for taint in taints]}}]
    assert PROOFS["lasting_taint"]("", {"spec": spec}, nodes) is lasting


# -- what is the same trouble ----------------------------------------------------------------------


def test_a_new_pod_of_the_same_workload_has_the_same_trouble(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    for name in ("web-1-a", "web-1-b"):
        pod(cluster, replica_set(cluster), name, containerStatuses=waiting("ErrImageNeverPull"))
    first, second = found(cluster, target)
    assert (first.pod, second.pod) == ("web-1-a", "web-1-b")
    assert first.key == second.key
    other = deployment(cluster, "other")
    pod(cluster, replica_set(cluster, "other-1"), "other-1-a", containerStatuses=waiting("ErrImageNeverPull"))
    assert found(cluster, other)[0].key != first.key


def test_a_revision_annotation_belongs_to_the_deployments_template(cluster: FakeCluster) -> None:
    target = deployment(cluster)
    pod(cluster, replica_set(cluster))
    target["metadata"]["annotations"] = {REVISION: "2"}
    assert pods_of(target, loaded(cluster)) == []
