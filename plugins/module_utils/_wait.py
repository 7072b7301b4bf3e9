# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One joint wait for many objects: by watches, with an early end when one of them cannot become ready."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._conditions import Test, tests_for
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, WaitError
from ansible_collections.meshlab.istio.plugins.module_utils._names import in_namespace
from ansible_collections.meshlab.istio.plugins.module_utils._progress import Progress
from ansible_collections.meshlab.istio.plugins.module_utils._redact import redact
from ansible_collections.meshlab.istio.plugins.module_utils._trouble import (
    OWNERS,
    ContainerKey,
    Trouble,
    being_deleted,
    containers_of,
    done,
    gone,
    held_by,
    last_said,
    pods_of,
    troubles,
)
from ansible_collections.meshlab.istio.plugins.module_utils._watch import Store

Object = dict[str, Any]

FAILURE_GRACE = 120.0
"""Seconds that a passing trouble may last, when the caller says nothing else."""

STEADY_SECONDS = 10.0
"""How long a container must run after a restart that was seen here before its pod counts as ready."""

COALESCE_SECONDS = 0.1
"""Looks at the store are at least this far apart: a rollout makes bursts of events."""

LOG_LINES = 10

CLASSES = ("storage.k8s.io/v1", "StorageClass", None)
FORBIDDEN = 403

NO_LOG = "unable to retrieve container logs for "
"""What the kubelet answers, with status 200, when the container has been removed (seen with Kubernetes 1.34.4)."""

FIRST_CONSUMER = "WaitForFirstConsumer"
"""A storage class's mode, and the reason of the event about each claim that has it."""

SILENT = Progress()


def wait_for(
    cluster: Cluster,
    objects: Iterable[Object],
    timeout: float,
    *,
    failure_grace: float = FAILURE_GRACE,
    conditions: Sequence[Mapping[str, Any]] = (),
    progress: Callable[[str], None] = SILENT,
) -> dict[str, Any]:
    """Wait until every object is ready, all at once.

    :param objects: manifests or live objects; only apiVersion, kind, name and namespace are read.
    :param timeout: seconds for all of them together.
    :param failure_grace: seconds that a passing trouble (see ``_reasons``) may last.
    :param conditions: mappings of ``kind``, ``condition`` (a JMESPath expression over the live object that must
        become true) and optionally ``name`` and ``namespace``, for what a kind's own predicate does not ask.
    :param progress: called with a sentence whenever the picture changes.
    :returns: ``seconds`` (float), and ``warnings`` about what the user may not look at.
    :raises WaitError: a final reason was said, a passing one lasted too long, or the time is up.
    :raises InputError: a condition is not JMESPath, or names none of the objects.
    :raises ClusterError: the first lists were refused.
    """
    wait = _Wait(cluster, tests_for(objects, conditions), failure_grace, progress)
    return wait.run(timeout)


def wait_gone(
    cluster: Cluster, objects: Iterable[Object], timeout: float, *, progress: Callable[[str], None] = SILENT
) -> dict[str, Any]:
    """Wait until none of the live ``objects`` is there any more; a new one under the old name counts as gone.

    :param objects: live objects, of which the uid is read as well.
    :param timeout: seconds for all of them together.
    :returns: ``seconds`` (float).
    :raises WaitError: the time is up; names what is left and the finalizers that hold it.
    """
    started = time.monotonic()
    left = {reference(obj): obj for obj in objects}
    with Store(cluster) as store:
        count = 0
        while True:
            for name, obj in list(left.items()):
                place = _place(obj)
                store.follow(*place)
                live = store.find(*place, obj["metadata"]["name"])
                if live is None or live["metadata"].get("uid") != obj["metadata"].get("uid"):
                    del left[name]
                else:
                    left[name] = live
            seconds = time.monotonic() - started
            if not left:
                return {"seconds": round(seconds, 2)}
            progress(f"{len(left)} objects are still being deleted: {', '.join(sorted(left)[:3])}")
            if seconds >= timeout:
                pending = [{"object": name, "message": held_by(obj)} for name, obj in sorted(left.items())]
                first = pending[0]
                raise WaitError(
                    f"{len(left)} objects were still there after {timeout:g} s, such as {first['object']}: "
                    f"{first['message']}. See what its controller says, or give more wait_timeout.",
                    failures=[], pending=pending,
                )  # fmt: skip
            count = store.wait(count, timeout - seconds)


class _Wait:
    """The state of one joint wait."""

    def __init__(
        self,
        cluster: Cluster,
        targets: list[tuple[Object, list[Test]]],
        failure_grace: float,
        progress: Callable[[str], None],
    ) -> None:
        self.cluster = cluster
        self.targets = targets
        self.failure_grace = failure_grace
        self.progress = progress
        self.since: dict[Any, float] = {}
        self.before: dict[ContainerKey, int] = {}
        self.restarts: dict[ContainerKey, tuple[int, float]] = {}
        self.unseen: dict[tuple[str, str, str | None], str] = {}
        self.seen: dict[str, Object] = {}

    def run(self, timeout: float) -> dict[str, Any]:
        started = time.monotonic()
        end = started + timeout
        with Store(self.cluster) as store:
            for target, _tests in self.targets:
                store.load(*_place(target))
            count = store.wait(-1, 0)
            # However short the time is: an object that is not ready is given up only after a look at what tells why.
            explained = False
            while True:
                pending, found = self.look(store)
                now = time.monotonic()
                if not pending:
                    return {"seconds": round(now - started, 2), "warnings": self.warnings()}
                doomed, next_look = self.doomed(found, now)
                if doomed:
                    raise self.failure(doomed, pending)
                if now >= end and explained:
                    raise self.failure([], pending, now - started, found)
                self.progress(self.sentence(pending, found))
                self.follow(store, [target for target, _message in pending])
                explained = True
                count = store.wait(count, min(end, next_look) - now)
                time.sleep(min(COALESCE_SECONDS, max(0.0, end - time.monotonic())))

    def look(self, store: Store) -> tuple[list[tuple[Object, str]], list[Trouble]]:
        """Return what isn't ready, with what is missing, and all that was said about it."""
        pending: list[tuple[Object, str]] = []
        found: list[Trouble] = []
        for target, tests in self.targets:
            live = store.find(*_place(target), target["metadata"]["name"])
            if live is None:
                last = self.seen.get(reference(target))
                if last is None:
                    pending.append((target, "does not exist"))
                elif not done(last):
                    pending.append((target, "was deleted"))
                    found.extend(gone(target))
                continue
            self.seen[reference(target)] = live
            missing = next(filter(None, (test(live) for test in tests)), None)
            missing = being_deleted(live) or self.unless_unbound_on_purpose(live, missing, store)
            missing = self.unsteady(live, missing, store)
            if missing:
                pending.append((target, missing))
                found.extend(troubles(live, store, self.before))
        return pending, found

    def unsteady(self, live: Object, missing: str | None, store: Store) -> str | None:
        """Note restarts; a container that was restarted a moment ago may be about to end again."""
        now = time.monotonic()
        for pod in pods_of(live, store):
            for key, container in containers_of(pod):
                self.before.setdefault(key, container.get("restartCount", 0))
            for container in pod.get("status", {}).get("containerStatuses", []):
                key, restarts = (pod["metadata"].get("uid", ""), container["name"]), container.get("restartCount", 0)
                before, _at = self.restarts.setdefault(key, (restarts, now - STEADY_SECONDS))
                if restarts > before:
                    self.restarts[key] = (restarts, now)
                if missing is None and now - self.restarts[key][1] < STEADY_SECONDS:
                    missing = f"container {container['name']} of {pod['metadata']['name']} was restarted just now"
        return missing

    def unless_unbound_on_purpose(self, live: Object, missing: str | None, store: Store) -> str | None:
        """Let a claim be that has no volume because its storage class waits for the first pod that uses it."""
        if missing is None or live["kind"] != "PersistentVolumeClaim":
            return missing
        name = live["spec"].get("storageClassName")
        self.if_allowed(store.load, *CLASSES)
        storage_class = store.find(*CLASSES, name) if name else None
        events = ("v1", "Event", live["metadata"].get("namespace"))
        if CLASSES in self.unseen:
            # Who may not look at classes hears it from the claim's events.
            self.if_allowed(store.follow, *events)
        on_purpose = (storage_class or {}).get("volumeBindingMode") == FIRST_CONSUMER or last_said(
            live, store
        ) == FIRST_CONSUMER
        # Where neither can be seen, nobody knows whether it would ever have a volume before its first pod.
        return None if on_purpose or {CLASSES, events} <= set(self.unseen) else missing

    def if_allowed(self, look: Callable[[str, str, str | None], None], *place: Any) -> None:
        """Load or follow what only tells why something is not ready; who may not look at it waits without it."""
        if place in self.unseen:
            return
        try:
            look(*place)
        except ClusterError as error:
            if error.details.get("status") != FORBIDDEN:
                raise
            self.unseen[place] = error.message

    def warnings(self) -> list[str]:
        """Return a sentence about what could not be looked at, if there is such."""
        if not self.unseen:
            return []
        kinds = ", ".join(sorted({kind for _api_version, kind, _namespace in self.unseen}))
        return [f"The wait did without {kinds}, which this user may not look at: {next(iter(self.unseen.values()))}"]

    def doomed(self, found: list[Trouble], now: float) -> tuple[list[Trouble], float]:
        """Return the troubles that end the wait now, and when to look again for the others."""
        self.since = {trouble.key: self.since.get(trouble.key, now) for trouble in found}
        due = [
            (self.since[trouble.key] + (trouble.row.settle if trouble.row.final else self.failure_grace), trouble)
            for trouble in found
        ]
        soon = [at for at, _trouble in due] + [at + STEADY_SECONDS for _n, at in self.restarts.values()]
        return [trouble for at, trouble in due if at <= now], min((at for at in soon if at > now), default=now + 3600)

    def follow(self, store: Store, pending: list[Object]) -> None:
        """Watch what is pending, and what tells why."""
        for target in pending:
            store.follow(*_place(target))
            namespace = target["metadata"].get("namespace")
            if target["kind"] == "Deployment":
                self.if_allowed(store.follow, "apps/v1", "ReplicaSet", namespace)
            if target["kind"] in OWNERS or target["kind"] == "Pod":
                self.if_allowed(store.follow, "v1", "Pod", namespace)
            if target["kind"] in OWNERS or target["kind"] in ("Pod", "PersistentVolumeClaim"):
                self.if_allowed(store.follow, "v1", "Event", namespace)

    def sentence(self, pending: list[tuple[Object, str]], found: list[Trouble]) -> str:
        said = {trouble.object: f"{trouble.where}: {trouble.reason}" for trouble in reversed(found)}
        names = [
            f"{reference(target)} ({said.get(reference(target), message).lstrip(': ')})" for target, message in pending
        ]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        ready = len(self.targets) - len(pending)
        return f"{ready} of {len(self.targets)} ready, waiting for {', '.join(names[:3])}{more}"

    def failure(
        self,
        doomed: list[Trouble],
        pending: list[tuple[Object, str]],
        seconds: float = 0.0,
        found: Sequence[Trouble] = (),
    ) -> WaitError:
        """Make the error of the troubles that ended the wait, or of the time that is up."""
        once = {trouble.key: trouble for trouble in doomed or found}
        failures = [self.described(trouble) for trouble in once.values()]
        left = [{"object": reference(target), "message": message} for target, message in pending]
        if doomed and doomed[0].row.final:
            head = f"{doomed[0].object} cannot become ready"
        elif doomed:
            head = f"{doomed[0].object} has been in the same trouble for {self.failure_grace:g} s"
        else:
            head = f"{len(left)} of {len(self.targets)} objects were not ready after {seconds:.0f} s: " + ", ".join(
                f"{item['object']} ({item['message']})" for item in left[:5]
            )
        return WaitError(" ".join([f"{head}.", *map(_told, failures[:3])]), failures=failures, pending=left)

    def described(self, trouble: Trouble) -> dict[str, Any]:
        return {
            "object": trouble.object,
            "pod": trouble.pod,
            "container": trouble.container,
            "reason": trouble.reason,
            "message": redact(trouble.message),
            "advice": trouble.row.advice,
            "final": trouble.row.final,
            "log": self.log(trouble),
        }

    def log(self, trouble: Trouble) -> list[str]:
        """Return the last lines of a container that has run: of its last run if it ended, else of this one."""
        if not (trouble.ran and trouble.pod and trouble.container):
            return []
        path = in_namespace("v1", trouble.namespace, "pods", trouble.pod, "log")
        query = {"container": trouble.container, "tailLines": str(LOG_LINES)}
        for extra in ({"previous": "true"}, {}) if trouble.reason != "Unhealthy" else ({},):
            try:
                text = self.cluster.raw(path, {**query, **extra}, read_timeout=5.0).decode(errors="replace")
            except ClusterError:
                continue
            if not text.startswith(NO_LOG):
                return list(redact(text).splitlines())
        return []


def _told(failure: Mapping[str, Any]) -> str:
    place = ", ".join(f"{label} {failure[label]}" for label in ("pod", "container") if failure[label])
    log = f" Its last log lines: {' | '.join(failure['log'][-3:])}" if failure["log"] else ""
    said = ": ".join(filter(None, [place, failure["reason"], failure["message"].rstrip(".")]))
    return f"{said}. {failure['advice']}{log}"


def _place(obj: Object) -> tuple[str, str, str | None]:
    return obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace")
