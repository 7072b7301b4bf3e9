# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for ``_cluster.Cluster``: the same methods over objects in memory.

It knows what our code relies on: names and namespaces, unknown kinds, resource versions, server-side
apply with field owners (a field that its manager no longer sends goes away), dry runs, watches with
expiry. It does not default, validate or run controllers: a test plays those with ``put``, ``defaults``
and ``refuse``.

    from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._errors import NotFound

Object = dict[str, Any]
Key = tuple[str, str, str, str]

CLUSTER_SCOPED = {
    "Namespace", "Node", "PersistentVolume", "StorageClass", "PriorityClass", "CustomResourceDefinition",
    "ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
    "GatewayClass", "IngressClass", "APIService",
}  # fmt: skip
KINDS = {
    "v1": "Namespace Node PersistentVolume PersistentVolumeClaim Pod Service ServiceAccount ConfigMap Secret Event "
    "Endpoints ResourceQuota LimitRange",
    "apps/v1": "Deployment StatefulSet DaemonSet ReplicaSet",
    "batch/v1": "Job CronJob",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding ClusterRole ClusterRoleBinding",
    "policy/v1": "PodDisruptionBudget",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "storage.k8s.io/v1": "StorageClass",
    "discovery.k8s.io/v1": "EndpointSlice",
    "networking.k8s.io/v1": "NetworkPolicy Ingress IngressClass",
    "admissionregistration.k8s.io/v1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService",
}


class FakeCluster:
    """See the module's text.

    :ivar writes: every change that was asked for, in order: (verb, kind, namespace, name); dry runs are not in it.
    :ivar requests: every request, dry runs too: (verb, kind, namespace, name).
    :ivar answers: what ``raw`` and ``json`` return, by path: bytes, JSON, an exception, or a function of the query.
    :ivar defaults: called with each object before it is stored or returned by a dry run; changes it in place.
    :ivar refuse: called with (verb, object) before every request on one object; raises to refuse it.
    """

    def __init__(self, *objects: Object, host: str = "https://stand-in:6443", gitversion: str = "v1.34.4") -> None:
        self.host = host
        self.kubeconfig: str | None = None
        self.context: str | None = None
        self.gitversion = gitversion
        self.kinds: dict[tuple[str, str], bool] = {
            (api, kind): kind not in CLUSTER_SCOPED for api, kinds in KINDS.items() for kind in kinds.split()
        }
        self.objects: dict[Key, Object] = {}
        self.events: list[tuple[int, str, Object]] = []
        self.writes: list[tuple[str, str, str, str]] = []
        self.requests: list[tuple[str, str, str, str]] = []
        self.answers: dict[str, Any] = {}
        self.defaults: Callable[[Object], None] = lambda _obj: None
        self.refuse: Callable[[str, Object], None] = lambda _verb, _obj: None
        self.expired_before = 0
        self._version = 100
        self._changed = threading.Condition(threading.RLock())
        for name in ("default", "kube-system"):
            namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self.put({**namespace, "status": {"phase": "Active"}})
        for obj in objects:
            self.put(obj)

    # -- what tests use --------------------------------------------------------------------------

    def put(self, obj: Object, *, spec_changed: bool = True) -> Object:
        """Store an object as it is, as a controller or another user would, and tell the watchers.

        :param spec_changed: raise metadata.generation when the object was there.
        """
        with self._changed:
            obj = copy.deepcopy(obj)
            key = self._key(obj)
            old = self.objects.get(key)
            metadata = obj["metadata"]
            self._version += 1
            metadata["resourceVersion"] = str(self._version)
            metadata.setdefault("uid", old["metadata"]["uid"] if old else f"uid-{self._version}")
            if "generation" not in metadata:
                generation = old["metadata"].get("generation", 1) if old else 1
                metadata["generation"] = generation + 1 if old and spec_changed else generation
            if old and "managedFields" in old["metadata"]:
                metadata.setdefault("managedFields", copy.deepcopy(old["metadata"]["managedFields"]))
            self.objects[key] = obj
            if obj["kind"] == "CustomResourceDefinition":
                self._learn(obj)
            self._tell("MODIFIED" if old else "ADDED", obj)
            return copy.deepcopy(obj)

    def status(self, api_version: str, kind: str, name: str, namespace: str | None = None, **status: Any) -> Object:
        """Replace fields of an object's status, as its controller would."""
        with self._changed:
            obj = self.get(api_version, kind, name, namespace)
            obj.setdefault("status", {}).update(status)
            return self.put(obj, spec_changed=False)

    def drop(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Remove an object behind the caller's back."""
        with self._changed:
            obj = self.objects.pop((api_version, kind, namespace or "", name))
            self._version += 1
            self._tell("DELETED", obj)

    def expire(self) -> None:
        """Make every resource version known so far too old for a watch (410 Gone)."""
        with self._changed:
            self._version += 1
            self.expired_before = self._version
            self._changed.notify_all()

    def teach(self, api_version: str, kind: str, *, namespaced: bool = True) -> None:
        """Add a kind, as an established CustomResourceDefinition does."""
        self.kinds[(api_version, kind)] = namespaced

    # -- the interface of Cluster ----------------------------------------------------------------

    def kinds_in_namespaces(self) -> Sequence[tuple[str, str]]:
        return [kind for kind, namespaced in self.kinds.items() if namespaced]

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        with self._changed:
            self._request("get", kind, namespace, name)
            if not self.is_namespaced(api_version, kind):
                namespace = None
            try:
                return copy.deepcopy(self.objects[(api_version, kind, namespace or "", name)])
            except KeyError:
                raise _not_found(kind, name) from None

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        try:
            return self.get(api_version, kind, name, namespace)
        except NotFound:
            return None

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> list[Object]:
        return self.list_page(api_version, kind, namespace, label_selector, field_selector)[0]

    def list_page(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> tuple[list[Object], str]:
        with self._changed:
            self._request("list", kind, namespace, "")
            if (api_version, kind) not in self.kinds:
                return [], ""
            found = [
                copy.deepcopy(obj)
                for key, obj in sorted(self.objects.items())
                if key[:2] == (api_version, kind)
                and namespace in (None, key[2])
                and _selected(obj["metadata"].get("labels") or {}, label_selector)
                and _selected(_fields(obj), field_selector)
            ]
            return found, str(self._version)

    def apply(self, obj: Object, field_manager: str, *, dry_run: bool = False, force: bool = True) -> Object:
        assert force, "the stand-in knows no conflicts between managers"
        with self._changed:
            metadata = obj["metadata"]
            namespace = metadata.get("namespace")
            self._request("apply", obj["kind"], namespace, metadata["name"], write=not dry_run)
            if self.is_namespaced(obj["apiVersion"], obj["kind"]):
                self.get_namespace(namespace)
            else:
                obj = {**obj, "metadata": {key: value for key, value in metadata.items() if key != "namespace"}}
            self.refuse("apply", obj)
            live = self.objects.get(self._key(obj))
            result = _apply(live, obj, field_manager)
            self.defaults(result)
            if dry_run or (live is not None and _same(live, result)):
                return result
            result["metadata"].pop("generation", None)
            return self.put(result, spec_changed=live is not None and live.get("spec") != result.get("spec"))

    def get_namespace(self, namespace: str | None) -> None:
        if ("v1", "Namespace", "", namespace or "") not in self.objects:
            raise _not_found("namespaces", namespace or "")

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        dry_run: bool = False,
        propagation: str = "Foreground",
        grace_seconds: int | None = None,
    ) -> bool:
        assert propagation in ("Foreground", "Background")
        with self._changed:
            self._request("delete", kind, namespace, name, write=not dry_run)
            if not self.kinds.get((api_version, kind), True):
                namespace = None
            if (api_version, kind, namespace or "", name) not in self.objects:
                return False
            self.refuse("delete", self.objects[(api_version, kind, namespace or "", name)])
            if not dry_run:
                self.drop(api_version, kind, name, namespace)
            return True

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None,
        body: Mapping[str, Any],
        *,
        field_manager: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        with self._changed:
            self._request("patch", kind, namespace, name, write=not dry_run)
            live = self.get(api_version, kind, name, namespace)
            self.refuse("patch", live)
            _merge_patch(live, body)
            live["metadata"].pop("generation", None)
            if dry_run:
                return live
            return self.put(live, spec_changed="spec" in body)

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        try:
            return self.kinds[(api_version, kind)]
        except KeyError:
            raise NotFound(f"The cluster at {self.host} does not know the kind {kind} of {api_version}.",
                           reason="UnknownKind") from None  # fmt: skip

    def watch(
        self, api_version: str, kind: str, namespace: str | None, resource_version: str, seconds: int
    ) -> Iterator[tuple[str, Object]]:
        self.is_namespaced(api_version, kind)
        self._request("watch", kind, namespace, "")
        seen = int(resource_version or 0)
        end = time.monotonic() + seconds
        while True:
            with self._changed:
                if seen < self.expired_before:
                    yield "ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
                    return
                fresh = [event for event in self.events if event[0] > seen]
                left = end - time.monotonic()
                if not fresh and left > 0:
                    self._changed.wait(left)
                    continue
            if not fresh:
                return
            for version, verb, obj in fresh:
                seen = version
                if (obj["apiVersion"], obj["kind"]) == (api_version, kind) and namespace in (
                    None, obj["metadata"].get("namespace", ""),
                ):  # fmt: skip
                    yield verb, copy.deepcopy(obj)

    def raw(self, path: str, query: Mapping[str, str] | None = None, *, read_timeout: float = 30.0) -> bytes:
        assert read_timeout > 0
        answer = self._answer(path, query or {})
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def json(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return json.loads(self.raw(path, query))

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Answer as ``raw`` does; a function in ``answers`` gets the body."""
        self._answer(path, body)

    def version(self) -> str:
        return self.gitversion

    # -- inside ----------------------------------------------------------------------------------

    def _answer(self, path: str, query: Mapping[str, str]) -> Any:
        self._request("raw", path, None, "")
        if path not in self.answers:
            raise NotFound(f"The API server answered 404 (NotFound): {path}", status=404, reason="NotFound")
        answer = self.answers[path]
        if callable(answer):
            answer = answer(query)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _request(self, verb: str, kind: str, namespace: str | None, name: str, *, write: bool = False) -> None:
        self.requests.append((verb, kind, namespace or "", name))
        if write:
            self.writes.append((verb, kind, namespace or "", name))

    def _key(self, obj: Object) -> Key:
        return obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace") or "", obj["metadata"]["name"]

    def _learn(self, crd: Object) -> None:
        conditions = crd.get("status", {}).get("conditions", [])
        if any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions):
            spec = crd["spec"]
            for version in spec["versions"]:
                self.teach(f"{spec['group']}/{version['name']}", spec["names"]["kind"],
                           namespaced=spec["scope"] == "Namespaced")  # fmt: skip

    def _tell(self, verb: str, obj: Object) -> None:
        self.events.append((self._version, verb, copy.deepcopy(obj)))
        self._changed.notify_all()


def _not_found(kind: str, name: str) -> NotFound:
    return NotFound(f'The API server answered 404 (NotFound): {kind} "{name}" not found', status=404, reason="NotFound")


def _selected(values: Mapping[str, Any], selector: str | None) -> bool:
    """Equality selectors only (``a=b,c!=d,e``)."""
    for term in filter(None, (selector or "").split(",")):
        if "!=" in term:
            key, value = term.split("!=", 1)
            if str(values.get(key)) == value:
                return False
        elif "=" in term:
            key, value = term.replace("==", "=").split("=", 1)
            if str(values.get(key, "")) != value:
                return False
        elif term not in values:
            return False
    return True


def _fields(obj: Object) -> dict[str, Any]:
    """What field selectors can name here."""
    involved = obj.get("involvedObject") or {}
    return {
        "metadata.name": obj["metadata"]["name"],
        "metadata.namespace": obj["metadata"].get("namespace", ""),
        "spec.nodeName": (obj.get("spec") or {}).get("nodeName", ""),
        "status.phase": (obj.get("status") or {}).get("phase", ""),
        "reason": obj.get("reason", ""),
        **{f"involvedObject.{key}": value for key, value in involved.items()},
    }


def _apply(live: Object | None, wanted: Object, manager: str) -> Object:
    """Merge as server-side apply does, lists of named items by name, other lists as a whole."""
    result = copy.deepcopy(live) if live else {"metadata": {}}
    metadata = result["metadata"]
    entries = metadata.pop("managedFields", [])
    before: list[list[str]] = next((_paths(entry["fieldsV1"]) for entry in entries if entry["manager"] == manager), [])
    body = copy.deepcopy(wanted)
    for server_owned in ("managedFields", "resourceVersion", "uid", "creationTimestamp"):
        body["metadata"].pop(server_owned, None)
    now = [list(path) for path in _leaves(body)]
    others = [path for entry in entries if entry["manager"] != manager for path in _paths(entry["fieldsV1"])]
    for path in before:
        if path not in now and path not in others and not any(other[: len(path)] == path for other in now):
            _remove(result, path)
    _overlay(result, body)
    owned = {"manager": manager, "operation": "Apply", "apiVersion": wanted["apiVersion"], "fieldsV1": _fields_v1(now)}
    if not any(entry["manager"] == manager for entry in entries):
        entries.append(owned)
    metadata["managedFields"] = [owned if entry["manager"] == manager else entry for entry in entries]
    return result


def _fields_v1(paths: list[list[str]]) -> Object:
    """Return paths in the form of ``managedFields``: ``f:`` before a field, ``k:`` before an item's keys."""
    result: Object = {}
    for path in paths:
        tree = result
        for part in path:
            item = json.dumps({"name": part[len("name=") :]}, separators=(",", ":"))
            tree = tree.setdefault(f"k:{item}" if part.startswith("name=") else f"f:{part}", {})
    return result


def _paths(fields: Mapping[str, Any]) -> list[list[str]]:
    """Return the paths of the leaves that ``_fields_v1`` was given."""
    found = []
    for key, inner in fields.items():
        part = key[2:] if key.startswith("f:") else f"name={json.loads(key[2:])['name']}"
        found += [[part, *rest] for rest in _paths(inner)] or [[part]]
    return found


def _same(live: Object, result: Object) -> bool:
    return json.dumps(live, sort_keys=True) == json.dumps(result, sort_keys=True)


def _named(items: Any) -> bool:
    return isinstance(items, list) and bool(items) and all(isinstance(i, dict) and "name" in i for i in items)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif _named(value):
        for item in value:
            yield from _leaves(item, (*path, f"name={item['name']}"))
    elif path not in (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")):
        yield path


def _remove(value: Any, path: list[str]) -> None:
    """Remove a leaf and what it leaves empty."""
    head, *rest = path
    if isinstance(value, list):
        item = next((i for i in value if isinstance(i, dict) and f"name={i.get('name')}" == head), None)
        if item is None:
            return
        if rest == ["name"] or not rest:
            value.remove(item)
            return
        _remove(item, rest)
    elif isinstance(value, dict) and head in value:
        if not rest:
            del value[head]
            return
        _remove(value[head], rest)
        if value[head] in ({}, []):
            del value[head]


def _overlay(target: Object, body: Mapping[str, Any]) -> None:
    for key, value in body.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _overlay(target[key], value)
        elif _named(value) and _named(target.get(key)):
            for item in value:
                twin = next((old for old in target[key] if old["name"] == item["name"]), None)
                if twin is None:
                    target[key].append(copy.deepcopy(item))
                else:
                    _overlay(twin, item)
        else:
            target[key] = copy.deepcopy(value)


def _merge_patch(target: Object, body: Mapping[str, Any]) -> None:
    """RFC 7386."""
    for key, value in body.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge_patch(target[key], value)
        else:
            target[key] = copy.deepcopy(value)
