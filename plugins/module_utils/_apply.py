# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan and carry out the change from what a cluster has to what it should have, by server-side apply.

One request after the other: against an API server on the same host one takes 1 to 3 ms, most of it this
process's own work, so that threads gained nothing that could be measured on 50 objects.
"""

from __future__ import annotations

import copy
import re
import secrets
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Callable, TypeVar

from ansible_collections.meshlab.istio.plugins.module_utils._chosen import without_choices
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._diff import (
    changed_fields,
    diff_entry,
    normalise,
    reference,
)
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    InputError,
    NotFound,
    Unreachable,
)
from ansible_collections.meshlab.istio.plugins.module_utils._identity import address, applied_fields
from ansible_collections.meshlab.istio.plugins.module_utils._namespaces import instances, shortened
from ansible_collections.meshlab.istio.plugins.module_utils._patches import difference
from ansible_collections.meshlab.istio.plugins.module_utils._sendable import problems, sendable
from ansible_collections.meshlab.istio.plugins.module_utils._takeover import KUBECTL_APPLY, duplicates, taken_over
from ansible_collections.meshlab.istio.plugins.module_utils._wait import SILENT, wait_for, wait_gone

Object = dict[str, Any]
Answer = TypeVar("Answer")

FIELD_MANAGER = "meshlab.istio"

ORDER = (
    {"Namespace"},
    {"CustomResourceDefinition", "PriorityClass", "StorageClass", "IngressClass", "RuntimeClass"},
    {"ServiceAccount", "Secret", "ConfigMap", "ResourceQuota", "LimitRange", "PersistentVolume"},
    {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "PersistentVolumeClaim", "Service", "NetworkPolicy"},
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob"},
)
"""Kinds in the order in which they are applied; then come all others, last what intercepts requests."""

INTERCEPTORS = {"APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}

UNREACHABLE_SECONDS = 20.0
"""How long an API server may be away, which is more than one takes to start again."""

RETRY_SECONDS = 0.5

PASSING_STATUS = {409, 429, 502, 503, 504}
PASSING_WORDS = re.compile(r"failed (calling|to call) webhook|being terminated|etcdserver: ", re.I)
"""What the API server says while a webhook, a namespace or it itself is coming up or going down."""

IMMUTABLE = re.compile(
    r"immutable|updates to statefulset spec for fields other than|may not change once set|cannot change roleRef"
    r"|may not change fields other than|updates to \w+ are forbidden|may not be changed in an update",
    re.I,
)
"""How the API server refuses a change that only a new object can have (Kubernetes 1.34.4, pkg/apis/*/validation).

Where it says something else, such as a rule of a definition's own, the same object under another name tells.
"""

INVALID = 422

PROBE_LETTERS = 40
"""Of an object's name, how many letters its stand-in for a dry run keeps: a Service's name has at most 63."""

UNPREDICTABLE = re.compile(r"failed (calling|to call) webhook|does not support dry run|being terminated", re.I)
"""Refusals of a dry run that say nothing about the object."""


@dataclass(frozen=True)
class Change:
    """What happens, or would happen, to one object.

    :param desired: the manifest.
    :param before: the live object, None when it isn't there.
    :param after: the object as the API server stored it or would store it; the manifest for a new object, because
        what the server adds to it differs each time, such as addresses; None when the object goes.
    :param adopted: the field manager did not own just these fields before, so it must write although no value changes.
    :param recreated: the object must be deleted first, because the change is to an immutable field.
    :param rewritten: for server-side apply to go through, what others wrote must be replaced first (``_takeover``).
    :param unserved: the cluster does not know the object's kind yet.
    """

    desired: Object
    before: Object | None
    after: Object | None
    adopted: bool = False
    recreated: bool = False
    rewritten: bool = False
    unserved: bool = False

    @property
    def name(self) -> str:
        """The object as ``reference`` calls it."""
        return reference(self.desired)

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The fields that differ, as ``changed_fields`` gives them."""
        fields = changed_fields(self.before, self.after)
        if self.adopted and not fields:
            fields = [{"field": "metadata.managedFields", "old": None, "new": "owned by the field manager"}]
        return fields

    @property
    def changed(self) -> bool:
        """Whether anything is or would be written."""
        return self.adopted or self.recreated or normalise(self.before) != normalise(self.after)

    def diff(self) -> dict[str, Any]:
        """Return the entry for Ansible's ``diff`` list."""
        return diff_entry(self.name, self.fields)


def plan(
    cluster: Cluster,
    objects: Iterable[Object],
    field_manager: str = FIELD_MANAGER,
    *,
    recreate: bool = False,
    timeout: float = 0.0,
    expected: Collection[str] = (),
) -> list[Change]:
    """Ask the API server what applying ``objects`` would change; nothing is written.

    :param recreate: plan to delete and create an object when only a new object can be as its manifest says.
    :param timeout: seconds in which the API server is asked again where it does not answer or is busy.
    :param expected: namespaces that something else will have made by the time of ``apply``.
    :returns: a change for each object, in the order in which ``apply`` would write them.
    :raises InputError: a manifest cannot be applied again and again, or its namespace does not exist and is not among
        ``objects``.
    :raises ClusterError: the API server refuses an object; the message names it.
    """
    end = time.monotonic() + timeout
    changes: list[Change] = []
    missing = {name for name in expected if not _there(cluster, name, end)}
    lost: dict[str, list[str]] = {}
    for obj in sorted(map(sendable, objects), key=rank):
        namespace = obj["metadata"].get("namespace")
        if namespace in missing:
            # The API server lets each request to a namespace that does not exist wait 50 ms, in case it is just coming.
            changes.append(Change(obj, None, obj))
            continue
        try:
            changes.append(_planned(cluster, obj, field_manager, recreate, end))
        except _NoNamespace:
            lost.setdefault(namespace, []).append(reference(obj))
            continue
        if obj["kind"] == "Namespace" and changes[-1].before is None:
            missing.add(obj["metadata"]["name"])
    if lost:
        named = "; ".join(f"{namespace} (for {shortened(names)})" for namespace, names in sorted(lost.items()))
        raise InputError(
            f"These namespaces do not exist: {named}. Nothing was written. Make them first, or put them among the "
            "manifests."
        )
    return changes


def plan_absent(cluster: Cluster, objects: Iterable[Object], *, timeout: float = 0.0) -> list[Change]:
    """Return what deleting ``objects`` would change; ``timeout`` as for ``plan``."""
    end = time.monotonic() + timeout
    return [Change(obj, _live(cluster, obj, end), None) for obj in objects]


def apply(
    cluster: Cluster,
    changes: Sequence[Change],
    field_manager: str = FIELD_MANAGER,
    *,
    timeout: float = 60.0,
    progress: Callable[[str], None] = SILENT,
) -> list[Change]:
    """Write what ``changes`` plan, in an order in which each object finds what it needs.

    :param timeout: seconds for namespaces and webhooks to come up and for definitions to be established and served.
    :returns: the changes in the order of their ``rank``, with what the API server stored as ``after``.
    :raises ClusterError: the API server refuses an object, or goes on refusing it until the time is up.
    :raises WaitError: a definition was not established, or an old object did not go, in time.
    """
    end = time.monotonic() + timeout
    done: list[Change] = []
    fresh: set[tuple[str, str]] = set()
    for _rank, batch in groupby(sorted(changes, key=lambda change: rank(change.desired)), lambda c: rank(c.desired)):
        definitions = []
        for change in batch:
            if change.changed:
                progress(f"applying {change.name}")
                change = _carried_out(cluster, change, field_manager, end, fresh)  # noqa: PLW2901
                if change.desired["kind"] == "CustomResourceDefinition":
                    definitions.append(change.desired)
            done.append(change)
        if definitions:
            wait_for(cluster, definitions, end - time.monotonic(), progress=progress)
            fresh |= {kind for definition in definitions for kind in _served(definition)}
    return done


def delete(
    cluster: Cluster,
    changes: Sequence[Change],
    *,
    timeout: float | None = 300.0,
    progress: Callable[[str], None] = SILENT,
) -> None:
    """Delete what is there of ``changes`` in the reverse order of ``apply``, and wait until it has gone.

    :param timeout: seconds to wait; None does not wait.
    :raises ClusterError: the API server refuses to delete an object.
    :raises WaitError: something is still there when the time is up.
    """
    there = [change for change in changes if change.before is not None]
    for change in sorted(there, key=lambda change: -rank(change.desired)):
        progress(f"deleting {change.name}")
        _named(change.desired, lambda obj: cluster.delete(*address(obj)))
    if timeout is not None and there:
        wait_gone(cluster, [change.before for change in there if change.before], timeout, progress=progress)


def patiently(
    end: float, request: Callable[[], Answer], passing: Callable[[ClusterError], bool] | None = None
) -> Answer:
    """Return what ``request`` returns; until ``end`` it is tried again while it fails with what may pass.

    :param end: in seconds of time.monotonic().
    :param passing: tells what may pass; without it, what the API server says while it cannot answer. An API that does
        not answer at all is given up after UNREACHABLE_SECONDS, however late ``end`` is.
    """
    silent = time.monotonic() + UNREACHABLE_SECONDS
    while True:
        try:
            return request()
        except ClusterError as error:
            if not isinstance(error, Unreachable):
                silent = time.monotonic() + UNREACHABLE_SECONDS
            if not (passing or _passing)(error) or time.monotonic() >= min(end, silent):
                raise
        time.sleep(RETRY_SECONDS)


def rank(obj: Mapping[str, Any]) -> int:
    """Return in which of the rounds an object is applied."""
    if obj["kind"] in INTERCEPTORS:
        return len(ORDER) + 1
    return next((number for number, kinds in enumerate(ORDER) if obj["kind"] in kinds), len(ORDER))


# -- inside --------------------------------------------------------------------------------------


class _NoNamespace(Exception):
    """The namespace of a manifest does not exist."""


def _planned(cluster: Cluster, obj: Object, field_manager: str, recreate: bool, end: float) -> Change:
    def passing(error: ClusterError) -> bool:
        return _passing(error) and not UNPREDICTABLE.search(error.message)

    before = _live(cluster, obj, end)
    if before is not None and "deletionTimestamp" in before["metadata"]:
        # On its way out: it will be made anew.
        before = None
    rewritten = False
    try:
        try:
            after = patiently(end, lambda: cluster.apply(obj, field_manager, dry_run=True), passing)
        except ClusterError as error:
            if before is None or not _in_the_way(error):
                raise
            try:
                after, rewritten = _rewritten(cluster, obj, error, field_manager, dry_run=True), True
            except ClusterError:
                raise error from None
    except NotFound as error:
        namespace = obj["metadata"].get("namespace")
        if namespace and not _there(cluster, namespace, end):
            raise _NoNamespace from error
        # Its kind does not exist yet.
        return Change(obj, None, obj, unserved=True)
    except Unreachable:
        raise
    except ClusterError as error:
        if UNPREDICTABLE.search(error.message):
            return Change(obj, before, _overlaid(before, obj) if before else obj)
        if before is None or error.details.get("status") != INVALID:
            raise _refused(obj, error) from error
        anew = _as_new(cluster, obj, field_manager)
        if anew is None and not IMMUTABLE.search(error.message):
            raise _refused(obj, error) from error
        if not recreate:
            raise _refused(obj, error, only_anew=True) from error
        _need_nothing_lost(cluster, before, error)
        return Change(obj, before, anew or _overlaid(before, obj), recreated=True)
    if before is None:
        return Change(obj, None, obj)
    after = without_choices(after, before, obj)
    adopted = not rewritten and applied_fields(before, field_manager) != applied_fields(after, field_manager)
    return Change(obj, before, after, adopted=adopted, rewritten=rewritten)


def _there(cluster: Cluster, namespace: str, end: float) -> bool:
    """Tell whether a namespace exists; True where this user may not look."""
    try:
        return patiently(end, lambda: cluster.find("v1", "Namespace", namespace)) is not None
    except Unreachable:
        raise
    except ClusterError:
        return True


def _in_the_way(error: ClusterError) -> bool:
    """Tell whether what others wrote may be why an API server refuses a manifest."""
    return error.details.get("status") == INVALID and not IMMUTABLE.search(error.message)


def _rewritten(cluster: Cluster, obj: Object, refusal: ClusterError, manager: str, *, dry_run: bool) -> Object:
    """Write an object with what others wrote replaced, or return what that would store.

    :param refusal: how the API server refused to join the manifest with what is there.
    """
    live = cluster.get(*address(obj))
    wanted = taken_over(live, obj, duplicates(refusal.message))
    body = difference(normalise(live), normalise(wanted))
    # Whoever writes in between is not overwritten: then this is tried again.
    body = {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": live["metadata"]["resourceVersion"]}}
    return cluster.patch(*address(obj), body, field_manager=manager, dry_run=dry_run)


def _as_new(cluster: Cluster, obj: Object, field_manager: str) -> Object | None:
    """Return what the API server would store if the object were not there yet; None if it would refuse that too."""
    name = f"{obj['metadata']['name'][:PROBE_LETTERS].rstrip('-.')}-{secrets.token_hex(4)}"
    stand_in = {**obj, "metadata": {**obj["metadata"], "name": name}}
    try:
        stored = cluster.apply(stand_in, field_manager, dry_run=True)
    except ClusterError:
        return None
    stored = without_choices(stored, {}, obj)
    return {**stored, "metadata": {**stored["metadata"], "name": obj["metadata"]["name"]}}


def _need_nothing_lost(cluster: Cluster, live: Object, refusal: ClusterError) -> None:
    """Refuse to recreate what others' objects or data would go with."""
    lost = ""
    if live["kind"] == "CustomResourceDefinition":
        others = instances(cluster, live, [])
        lost = f"with it would go all objects of its kind: {shortened(others)}" if others else ""
    elif live["kind"] in ("PersistentVolumeClaim", "PersistentVolume") and _status(live).get("phase") == "Bound":
        lost = "with it would go the data of its volume"
    if lost:
        raise InputError(
            f"{reference(live)} cannot be changed, only made anew, and {lost}. Nothing was written. Save what is "
            f"needed, and delete it by hand. {refusal.message}"
        )


def _status(obj: Object) -> Mapping[str, Any]:
    return obj.get("status") or {}


def _carried_out(
    cluster: Cluster, change: Change, field_manager: str, end: float, fresh: Collection[tuple[str, str]]
) -> Change:
    obj = change.desired

    def passing(error: ClusterError) -> bool:
        # The reason of a missing namespace is NotFound.
        unserved = isinstance(error, NotFound) and error.details.get("reason") != "NotFound"
        return _passing(error) or (unserved and (obj["apiVersion"], obj["kind"]) in fresh)

    def request() -> Object:
        try:
            return cluster.apply(obj, field_manager)
        except ClusterError as error:
            if not change.rewritten or not _in_the_way(error):
                raise
            _rewritten(cluster, obj, error, field_manager, dry_run=False)
        stored = cluster.apply(obj, field_manager)
        # What others still own of it would stay when a later manifest drops it, and what was rewritten was no apply.
        former = {(name, "Update", "") for name in (field_manager, KUBECTL_APPLY)}
        kept = [
            entry
            for entry in stored["metadata"].get("managedFields") or []
            if (entry["manager"], entry["operation"], entry.get("subresource") or "") not in former
        ]
        version = stored["metadata"]["resourceVersion"]
        return cluster.patch(*address(obj), {"metadata": {"managedFields": kept, "resourceVersion": version}})

    leaving = _live(cluster, obj, end) if change.before is None else None
    if change.recreated and change.before is not None:
        cluster.delete(*address(obj))
        leaving = change.before
    elif leaving is not None and "deletionTimestamp" not in leaving["metadata"]:
        leaving = None
    if leaving is not None:
        wait_gone(cluster, [leaving], end - time.monotonic())
    try:
        stored = patiently(end, request, passing)
    except ClusterError as error:
        raise _refused(obj, error) from error
    if change.before is None or change.recreated:
        return change
    return replace(change, after=without_choices(stored, change.before, obj))


def _served(definition: Object) -> list[tuple[str, str]]:
    """Return apiVersion and kind of what a definition brings."""
    spec = definition["spec"]
    served = [version["name"] for version in spec["versions"] if version.get("served", True)]
    return [(f"{spec['group']}/{version}", spec["names"]["kind"]) for version in served]


def _passing(error: ClusterError) -> bool:
    return (
        isinstance(error, Unreachable)
        or error.details.get("status") in PASSING_STATUS
        or bool(PASSING_WORDS.search(error.message))
    )


def _named(obj: Object, request: Callable[[Object], Any]) -> Any:
    try:
        return request(obj)
    except Unreachable:
        raise
    except ClusterError as error:
        raise _refused(obj, error) from error


def _refused(obj: Object, error: ClusterError, *, only_anew: bool = False) -> ClusterError:
    """Return an error that names the object, and what to do where that is known.

    :param only_anew: a new object may be as the manifest says, and this one may not become so.
    """
    said, advice = error.message, ""
    wrong = problems(error.message, obj)
    if wrong:
        said, advice = f"{'; '.join(wrong)}.", " Correct the manifest. Nothing of it was stored."
    elif only_anew or IMMUTABLE.search(error.message):
        advice = " Delete the object first, or set `recreate: true`."
    elif error.details.get("reason") == "UnknownKind":
        advice = " Apply the CustomResourceDefinition first, or correct apiVersion and kind."
    return type(error)(f"{reference(obj)}: {said}{advice}", **error.details, object=reference(obj))


def _live(cluster: Cluster, obj: Object, end: float) -> Object | None:
    return patiently(end, lambda: cluster.find(*address(obj)))


def _overlaid(live: Object, wanted: Object) -> Object:
    """Lay a manifest over a live object where the API server cannot be asked: named items of lists by their name."""
    result = copy.deepcopy(live)
    _overlay(result, wanted)
    return result


def _overlay(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        old = target.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            _overlay(old, value)
        elif isinstance(value, list) and isinstance(old, list) and _have_names(value) and _have_names(old):
            by_name = {item["name"]: item for item in old}
            for item in value:
                if item["name"] in by_name:
                    _overlay(by_name[item["name"]], item)
                else:
                    old.append(copy.deepcopy(item))
        else:
            target[key] = copy.deepcopy(value)


def _have_names(items: list[Any]) -> bool:
    return all(isinstance(item, dict) and "name" in item for item in items)
