# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an object isn't ready: what the kubelet, the scheduler and the controllers say about it and its pods."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._quantity import quantity
from ansible_collections.meshlab.istio.plugins.module_utils._reasons import PULL, Reason, judge
from ansible_collections.meshlab.istio.plugins.module_utils._watch import Store

Object = dict[str, Any]
ContainerKey = tuple[str, str]
"""uid of the pod, and the container's name."""

OWNERS = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"}
"""Kinds that make pods."""

STARTING = {"", "ContainerCreating", "PodInitializing"}
"""What the kubelet says of a container that nothing is wrong with yet."""

FAILED = {
    ("", "ReplicaFailure", "True"): "",
    ("", "Failed", "True"): "",
    ("", "Progressing", "False"): "",
    ("Job", "Failed", "True"): "JobFailed",
    ("CustomResourceDefinition", "NamesAccepted", "False"): "",
    ("APIService", "Available", "False"): "",
}
"""Kind ("" for any), type and status of each condition that is a failure → its word where the reason is unknown."""

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
"""A job with it is suspended until Kueue admits it."""

OLD_POD = "It has an older template, and is not replaced while it is broken: delete the pod."

TRANSIENT_TAINTS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/uninitialized")
"""Taints that the node controller and the cloud put on and take off by themselves."""


BACK_OFF = re.compile(r"back-off (\S+) restarting failed container")
CRASHES = {"10s": 1, "20s": 2}
"""The restarts in a row after which the kubelet waits for so long, when those are fewer than make a final reason. It
doubles the time with each (pkg/kubelet/kuberuntime/kuberuntime_manager.go doBackOff), and begins anew with each boot.
"""

_AFTERTHOUGHT = re.compile(r"no new claims to deallocate|not found$")
"""What the scheduler says of its attempt at preemption, behind its reasons."""


@dataclass(frozen=True)
class Trouble:
    """One thing that keeps an object from being ready.

    :param object: the object that is waited for, as ``reference`` calls it.
    :param pod: name of the pod it was said about, or None.
    :param container: name of the container, or None.
    :param reason: the word that was said.
    :param message: the sentence that was said.
    :param row: what the table says about it.
    :param ran: the container has run, so it may have log lines.
    """

    object: str
    namespace: str | None
    pod: str | None
    container: str | None
    reason: str
    message: str
    row: Reason
    ran: bool = False

    @property
    def key(self) -> tuple[str, str | None, Reason]:
        """What stays the same while the same trouble lasts, also when a controller makes a new pod."""
        return self.object, self.container, self.row

    @property
    def where(self) -> str:
        """Pod and container, as far as they are known."""
        return ", ".join(
            f"{label} {name}" for label, name in (("pod", self.pod), ("container", self.container)) if name
        )


def troubles(target: Object, store: Store, before: Mapping[ContainerKey, int]) -> list[Trouble]:
    """Return what keeps a live object from being ready; [] while nothing bad was said.

    :param store: must follow pods, events, and for Deployments replica sets, of the object's namespace.
    :param before: how often each container had been restarted when the wait began.
    """
    namespace = target["metadata"].get("namespace")
    found = [Trouble(reference(target), namespace, None, None, *said) for said in _own(target, store)]
    for pod in pods_of(target, store):
        for trouble in _of_pod(target, pod, store, before):
            old = not _newest(pod, target)
            row = replace(trouble.row, advice=f"{trouble.row.advice} {OLD_POD}") if old else trouble.row
            found.append(replace(trouble, row=row))
    found.extend(_leaving(target, store))
    return found


def containers_of(pod: Object) -> list[tuple[ContainerKey, Object]]:
    """Return the status of each container of a pod, those that initialise it first."""
    status, uid = pod.get("status", {}), pod["metadata"].get("uid", "")
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return [((uid, container["name"]), container) for container in containers]


def pods_of(target: Object, store: Store) -> list[Object]:
    """Return the pods of the newest template of a workload, without those that are on their way out."""
    metadata = target["metadata"]
    namespace = metadata.get("namespace")
    if target["kind"] == "Pod":
        return [target]
    if target["kind"] not in OWNERS or _stale(target):
        return []
    owner = target
    if target["kind"] == "Deployment":
        newest = _newest_replica_set(target, store)
        if newest is None:
            return []
        owner = newest
    return [
        pod
        for pod in store.all("v1", "Pod", namespace)
        if _owned(pod, owner) and "deletionTimestamp" not in pod["metadata"] and _current(pod, target)
    ]


def _newest_replica_set(deployment: Object, store: Store) -> Object | None:
    """Return the replica set of the deployment's present template: nothing said about an older one counts."""
    key = "deployment.kubernetes.io/revision"
    revision = deployment["metadata"].get("annotations", {}).get(key)
    status, generation = deployment.get("status", {}), deployment["metadata"].get("generation", 0)
    if status.get("observedGeneration", 0) < generation:
        return None
    for candidate in store.all("apps/v1", "ReplicaSet", deployment["metadata"].get("namespace")):
        if _owned(candidate, deployment) and candidate["metadata"].get("annotations", {}).get(key) == revision:
            return candidate
    return None


def _stale(obj: Object) -> bool:
    """Tell whether a controller has not seen the object as it is now: what was said is about an earlier one."""
    generation: int = obj["metadata"].get("generation", 0)
    observed: int = obj.get("status", {}).get("observedGeneration", generation)
    return observed < generation


def _current(pod: Object, owner: Object) -> bool:
    """Tell whether a pod counts: it has its owner's template, or its owner does not replace it while it is broken."""
    spec = owner.get("spec", {})
    by_hand = spec.get("updateStrategy", {}).get("type") == "OnDelete"
    # A StatefulSet that goes in order does nothing at all while one of its pods is not ready.
    return by_hand or spec.get("podManagementPolicy") == "OrderedReady" or _newest(pod, owner)


def _newest(pod: Object, owner: Object) -> bool:
    """Tell whether a pod has the template that its StatefulSet or DaemonSet has now."""
    labels, metadata = pod["metadata"].get("labels", {}), owner["metadata"]
    if owner["kind"] == "StatefulSet":
        revision = owner.get("status", {}).get("updateRevision")
        return revision is None or labels.get("controller-revision-hash") == revision
    if owner["kind"] == "DaemonSet":
        template = metadata.get("annotations", {}).get("deprecated.daemonset.template.generation")
        return template is None or labels.get("pod-template-generation") == template
    return True


def _owned(obj: Object, owner: Object) -> bool:
    return any(ref.get("uid") == owner["metadata"].get("uid") for ref in obj["metadata"].get("ownerReferences", []))


Said = tuple[str, str, Reason]


def _own(target: Object, store: Store) -> Iterator[Said]:
    """Yield what was said about the object itself, not about its pods."""
    for word, message in _stopped(target):
        yield from _verdict(word, message)
    if _stale(target):
        return
    for condition in target.get("status", {}).get("conditions") or []:
        of_any, of_kind = ((kind, condition.get("type"), condition.get("status")) for kind in ("", target["kind"]))
        if of_any in FAILED or of_kind in FAILED:
            message = condition.get("message", "")
            yield from _verdict(condition.get("reason", ""), message) or _verdict(FAILED.get(of_kind, ""), message)
    if target["kind"] in ("StatefulSet", "DaemonSet", "Job", "PersistentVolumeClaim"):
        yield from _newest_event(target, store)


def _stopped(target: Object) -> Iterator[tuple[str, str]]:
    """Yield, as a word and a message, what an object's own fields tell: nobody works on it, whatever is waited for."""
    kind, spec, status = target["kind"], target.get("spec", {}), target.get("status", {})
    held = being_deleted(target)
    if held:
        yield "BeingDeleted", held
    if kind == "Job" and spec.get("suspend"):
        queue = target["metadata"].get("labels", {}).get(QUEUE_LABEL) or spec.get("managedBy")
        yield ("JobQueued", f"suspended until {queue} admits it") if queue else ("JobSuspended", "the job is suspended")
    elif kind == "Job" and spec.get("parallelism") == 0:
        yield "NoParallelism", "parallelism is 0"
    # A paused rollout is still scaled: whoever has all its pods waits for them alone.
    if kind == "Deployment" and spec.get("paused") and not _stale(target) \
            and status.get("replicas", 0) < spec.get("replicas", 1):  # fmt: skip
        yield "DeploymentPaused", "its rollout is paused"
    if kind == "PersistentVolumeClaim" and status.get("phase") == "Lost":
        yield "ClaimLost", "phase Lost"


def being_deleted(obj: Object) -> str | None:
    """Return what holds an object that is being deleted; None for an object that is not, or that has done its work."""
    # Controllers remove what is done, such as a job with ttlSecondsAfterFinished.
    return None if "deletionTimestamp" not in obj["metadata"] or done(obj) else held_by(obj)


def held_by(obj: Object) -> str:
    """Return what an object waits for that is to go."""
    finalizers = obj["metadata"].get("finalizers")
    return f"held by the finalizers {', '.join(finalizers)}" if finalizers else "being deleted"


def done(obj: Object) -> bool:
    """Tell whether an object has done its work once for all: a completed job, a pod that has succeeded."""
    status = obj.get("status", {})
    complete = any(each.get("type") == "Complete" and each.get("status") == "True"
                   for each in status.get("conditions") or [])  # fmt: skip
    return (obj["kind"] == "Job" and complete) or (obj["kind"] == "Pod" and status.get("phase") == "Succeeded")


def gone(target: Object) -> list[Trouble]:
    """Return the trouble of an object that was there when the wait began, and is not any more."""
    name, namespace = reference(target), target["metadata"].get("namespace")
    verdict = _verdict("Deleted", "deleted while it was waited for")
    return [Trouble(name, namespace, None, None, *said) for said in verdict]


def _leaving(target: Object, store: Store) -> Iterator[Trouble]:
    """Yield the pods of a StatefulSet that are on their way out: their successors have the same names."""
    if target["kind"] != "StatefulSet" or _stale(target):
        return
    for pod in store.all("v1", "Pod", target["metadata"].get("namespace")):
        held = being_deleted(pod) if _owned(pod, target) else None
        if held:
            place = reference(target), pod["metadata"].get("namespace"), pod["metadata"]["name"]
            yield from (Trouble(*place, None, *said) for said in _verdict("Terminating", held))


def _of_pod(target: Object, pod: Object, store: Store, before: Mapping[ContainerKey, int]) -> Iterator[Trouble]:
    status, metadata = pod.get("status", {}), pod["metadata"]
    place = (reference(target), metadata.get("namespace"), metadata["name"])
    if status.get("phase") == "Failed":
        word = status.get("reason") or ("PodFailed" if target["kind"] == "Pod" else "")
        yield from (Trouble(*place, None, *said) for said in _verdict(word, status.get("message", "")))
        return
    conditions = {condition.get("type"): condition for condition in status.get("conditions", [])}
    scheduled: Object = conditions.get("PodScheduled", {})
    scheduler = pod["spec"].get("schedulerName")
    if not scheduled and scheduler and not pod["spec"].get("nodeName"):
        message = f"{scheduler} has not looked at the pod"
        yield from (Trouble(*place, None, *said) for said in _verdict("NoScheduler", message))
    if scheduled.get("reason") == "SchedulingGated":
        gates = ", ".join(gate.get("name", "") for gate in pod["spec"].get("schedulingGates") or [])
        message = f"{scheduled.get('message', '')}: {gates}"
        yield from (Trouble(*place, None, *said) for said in _verdict("SchedulingGated", message))
        return
    if scheduled.get("status") == "False":
        for said in _scheduling(scheduled.get("reason", ""), scheduled.get("message", ""), pod, store):
            yield Trouble(*place, None, *said)
        for claim in _claims(pod):
            yield from (Trouble(*place, None, *said) for said in _newest_event(claim, store))
        return
    containers = containers_of(pod)
    held = [_waiting(container).get("reason", "") for _key, container in containers if "waiting" in container["state"]]
    if set(held) <= STARTING and (held or not containers):
        # Before the first container runs, the events are all that tells about sandboxes and volumes.
        yield from (Trouble(*place, None, *said) for said in _newest_event(pod, store))
    for key, container in containers:
        ran = bool(container.get("restartCount") or container.get("lastState") or "running" in container["state"])
        for said in _of_container(target, pod, container, store, before.get(key, 0)):
            yield Trouble(*place, container["name"], *said, ran=ran)
    ready = conditions.get("Ready", {})
    if ready.get("status") == "False" and status.get("containerStatuses") and all(
        container.get("ready") for container in status["containerStatuses"]
    ):  # fmt: skip
        word = ready.get("reason", "")
        found = _verdict(word, ready.get("message", "")) or _verdict("PodNotReady", word)
        yield from (Trouble(*place, None, *said) for said in found)


def _of_container(target: Object, pod: Object, container: Object, store: Store, before: int) -> Iterator[Said]:
    if container.get("ready"):
        return
    waiting, restarts = _waiting(container), container.get("restartCount", 0)
    word, message = waiting.get("reason", ""), waiting.get("message", "")
    # A container that runs may have been restarted long ago, with its node; one in back-off ends again and again.
    counted = _in_a_row(message, restarts) if word == "CrashLoopBackOff" else restarts - before
    if word in PULL and ": " not in message:
        # Before Kubernetes 1.29 the back-off did not repeat its cause; the event of the failed pull has it.
        message = f"{message} {_event_message(pod, 'Failed', store)}".strip()
    ended = container["state"].get("terminated") or container.get("lastState", {}).get("terminated") or {}
    if word in ("", "CrashLoopBackOff") and ended and (restarts or ended.get("exitCode")):
        if target["kind"] == "Job":
            # How often a job's container may fail is the job's own setting; its condition says when that is over.
            return
        word = ended.get("reason") or word
        message = f"exit code {ended.get('exitCode')}, restarted {restarts} times. {ended.get('message', '')}".strip()
        if not _verdict(word, message, counted):
            word = "CrashLoopBackOff"
        yield from _verdict(word, message, counted)
    elif word not in STARTING:
        yield from _verdict(word, message, counted)
    elif "running" in container["state"]:
        probe = _event_message(pod, "Unhealthy", store, container["name"])
        if probe:
            yield from _verdict("Unhealthy", probe)


def _in_a_row(message: str, restarts: int) -> int:
    """Return how many of a container's restarts led to the back-off that it is in; all where that is not said."""
    said = BACK_OFF.search(message)
    return min(restarts, CRASHES.get(said[1], restarts) if said else restarts)


def _waiting(container: Object) -> Object:
    waiting: Object = container.get("state", {}).get("waiting") or {}
    return waiting


def _claims(pod: Object) -> Iterator[Object]:
    """Yield stand-ins for the claims that a pod uses: events name them by kind and name."""
    for volume in pod["spec"].get("volumes", []):
        name = volume.get("persistentVolumeClaim", {}).get("claimName")
        if name:
            yield {"kind": "PersistentVolumeClaim", "metadata": {**pod["metadata"], "name": name, "uid": None}}


def _events_about(obj: Object, store: Store) -> list[Object]:
    """Return the events about an object, oldest first."""
    metadata = obj["metadata"]
    found = [
        event
        for event in store.all("v1", "Event", metadata.get("namespace"))
        if event["involvedObject"].get("kind") == obj["kind"]
        and event["involvedObject"].get("name") == metadata["name"]
        and metadata.get("uid") in (None, event["involvedObject"].get("uid"))
    ]
    # An event that happens again is updated, so the versions are in the order of the last occurrences.
    return sorted(found, key=lambda event: int(event["metadata"]["resourceVersion"]))


def last_said(obj: Object, store: Store) -> str:
    """Return the reason of the last event about an object; "" if there is none, or events are not followed yet."""
    events = _events_about(obj, store)
    return str(events[-1].get("reason", "")) if events else ""


def _newest_event(obj: Object, store: Store) -> list[Said]:
    """Judge the last thing that was said about an object: a later good event makes an earlier bad one void."""
    events = _events_about(obj, store)
    return _verdict(events[-1].get("reason", ""), events[-1].get("message", "")) if events else []


def _event_message(obj: Object, reason: str, store: Store, container: str | None = None) -> str:
    for event in reversed(_events_about(obj, store)):
        path = event["involvedObject"].get("fieldPath", "")
        if event.get("reason") == reason and (container is None or f"{{{container}}}" in path):
            return str(event.get("message", ""))
    return ""


def _verdict(word: str, message: str, restarts: int = 0) -> list[Said]:
    """Return the first row that fits without asking for a proof, as the one thing said."""
    return [(word, message, row) for row in judge(word, message, restarts) if not row.proof][:1]


def _scheduling(word: str, message: str, pod: Object, store: Store) -> list[Said]:
    """Judge the scheduler's sentence: final if the pod is too large for all nodes, or if each group is out for good."""
    reasons = re.sub(r"\s*preemption: .*", "", re.sub(r"^\d+/\d+ nodes are available: ", "", message))
    parts = [part for part in re.split(r", (?=\d+ )|\. ", reasons.rstrip(". ")) if not _AFTERTHOUGHT.match(part)]
    with contextlib.suppress(ClusterError):
        # Without the nodes nothing can be proven, so the trouble counts as passing.
        store.load("v1", "Node", None)
    nodes = store.all("v1", "Node", None)
    rows = [
        next(row for row in judge("Unschedulable", part) if not row.proof or PROOFS[row.proof](part, pod, nodes))
        for part in parts or [message]
    ]
    too_large = next((row for row in rows if row.proof == "larger_than_any_node"), None)
    return [(word, message, too_large or next((row for row in rows if not row.final), rows[0]))]


def _larger_than_any_node(part: str, pod: Object, nodes: list[Object]) -> bool:
    """Tell whether the pod asks for more of the named resource than any node has in all."""
    resource = part.rpartition("Insufficient ")[2].strip()
    wanted = sum(
        quantity(container.get("resources", {}).get("requests", {}).get(resource, 0))
        for container in pod["spec"]["containers"]
    )
    largest = max((quantity(node["status"].get("allocatable", {}).get(resource, 0)) for node in nodes), default=None)
    return largest is not None and wanted > largest


def _lasting_taint(_part: str, pod: Object, nodes: list[Object]) -> bool:
    """Tell whether no node is kept from the pod merely by taints that come and go by themselves."""
    for node in nodes:
        taints = [
            taint["key"]
            for taint in node["spec"].get("taints", [])
            if taint["effect"] != "PreferNoSchedule"
            and not any(_tolerates(toleration, taint) for toleration in pod["spec"].get("tolerations", []))
        ]
        if taints and all(key.startswith(TRANSIENT_TAINTS) for key in taints):
            return False
    return bool(nodes)


def _tolerates(toleration: Object, taint: Object) -> bool:
    return (
        toleration.get("key") in (None, "", taint["key"])
        and toleration.get("effect") in (None, "", taint["effect"])
        and (toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", ""))
    )


PROOFS: dict[str, Callable[[str, Object, list[Object]], bool]] = {
    "larger_than_any_node": _larger_than_any_node,
    "lasting_taint": _lasting_taint,
}
