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
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, NotFound, Unreachable
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

IMMUTABLE = re.compile(r"immutable|updates to statefulset spec for fields other than", re.I)
"""How the API server refuses a change that only a new object can have (Kubernetes 1.34.4, pkg/apis/*/validation)."""

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
    """

    desired: Object
    before: Object | None
    after: Object | None
    adopted: bool = False
    recreated: bool = False

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
) -> list[Change]:
    """Ask the API server what applying ``objects`` would change; nothing is written.

    :param recreate: plan to delete and create an object whose change is to an immutable field.
    :param timeout: seconds in which the API server is asked again where it does not answer or is busy.
    :returns: a change for each object, in the order in which ``apply`` would write them.
    :raises ClusterError: the API server refuses an object; the message names it.
    """
    end = time.monotonic() + timeout
    changes: list[Change] = []
    missing: set[str] = set()
    for obj in sorted(objects, key=rank):
        if obj["metadata"].get("namespace") in missing:
            # The API server lets each request to a namespace that does not exist wait 50 ms, in case it is just coming.
            changes.append(Change(obj, None, obj))
            continue
        changes.append(_planned(cluster, obj, field_manager, recreate, end))
        if obj["kind"] == "Namespace" and changes[-1].before is None:
            missing.add(obj["metadata"]["name"])
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
        _named(change.desired, lambda obj: cluster.delete(*_key(obj)))
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


def _planned(cluster: Cluster, obj: Object, field_manager: str, recreate: bool, end: float) -> Change:
    def passing(error: ClusterError) -> bool:
        return _passing(error) and not UNPREDICTABLE.search(error.message)

    before = _live(cluster, obj, end)
    if before is not None and "deletionTimestamp" in before["metadata"]:
        # On its way out: it will be made anew.
        before = None
    try:
        after = patiently(end, lambda: cluster.apply(obj, field_manager, dry_run=True), passing)
    except NotFound:
        # Its namespace or its kind does not exist yet.
        return Change(obj, None, obj)
    except Unreachable:
        raise
    except ClusterError as error:
        if UNPREDICTABLE.search(error.message):
            return Change(obj, before, _overlaid(before, obj) if before else obj)
        if recreate and before and error.details.get("status") == 422 and IMMUTABLE.search(error.message):
            return Change(obj, before, _overlaid(before, obj), recreated=True)
        raise _refused(obj, error) from error
    if before is None:
        return Change(obj, None, obj)
    after = without_choices(after, before, obj)
    return Change(obj, before, after, adopted=_owned(before, field_manager) != _owned(after, field_manager))


def _carried_out(
    cluster: Cluster, change: Change, field_manager: str, end: float, fresh: Collection[tuple[str, str]]
) -> Change:
    obj = change.desired

    def passing(error: ClusterError) -> bool:
        # The reason of a missing namespace is NotFound.
        unserved = isinstance(error, NotFound) and error.details.get("reason") != "NotFound"
        return _passing(error) or (unserved and (obj["apiVersion"], obj["kind"]) in fresh)

    leaving = _live(cluster, obj, end) if change.before is None else None
    if change.recreated and change.before is not None:
        cluster.delete(*_key(obj))
        leaving = change.before
    elif leaving is not None and "deletionTimestamp" not in leaving["metadata"]:
        leaving = None
    if leaving is not None:
        wait_gone(cluster, [leaving], end - time.monotonic())
    try:
        stored = patiently(end, lambda: cluster.apply(obj, field_manager), passing)
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


def _refused(obj: Object, error: ClusterError) -> ClusterError:
    advice = ""
    if IMMUTABLE.search(error.message):
        advice = " Delete the object first, or set `recreate: true`."
    elif error.details.get("reason") == "UnknownKind":
        advice = " Apply the CustomResourceDefinition first, or correct apiVersion and kind."
    return type(error)(f"{reference(obj)}: {error.message}{advice}", **error.details, object=reference(obj))


def _live(cluster: Cluster, obj: Object, end: float) -> Object | None:
    return patiently(end, lambda: cluster.find(*_key(obj)))


def _key(obj: Object) -> tuple[str, str, str, str | None]:
    return obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace")


def _owned(obj: Object, field_manager: str) -> Any:
    """Return which fields a manager owns by apply: a field it never owned would not go when the manifest drops it."""
    return next(
        (
            entry.get("fieldsV1")
            for entry in obj["metadata"].get("managedFields", [])
            if entry["manager"] == field_manager and entry["operation"] == "Apply" and not entry.get("subresource")
        ),
        None,
    )


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
