# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Kubernetes API client for many objects: plain dicts in and out, one error hierarchy.

Which way leads to the API is ``_transport``'s affair. What the API serves is asked once a process and never kept on
disk: a kind may change its scope while its name stays.
"""

from __future__ import annotations

import http
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, InputError, NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._kubeconfig import access
from ansible_collections.meshlab.istio.plugins.module_utils._names import api_root, segment
from ansible_collections.meshlab.istio.plugins.module_utils._names import namespace as checked
from ansible_collections.meshlab.istio.plugins.module_utils._transport import READ_SECONDS, Answer, Transport

Object = dict[str, Any]
"""A Kubernetes object as the API's JSON: apiVersion, kind, metadata, …"""

Objects = list[Object]
"""For annotations inside Cluster, where ``list`` is a method."""

ILL_STATUS = {500, 504}
"""What an API server answers that cannot reach its etcd; 503 is mostly said of a service behind it."""
ILL_ADVICE = "See what the logs of kube-apiserver and etcd say, and whether the disk is full."
FIRST_SECONDS = 6.0
HEALTH_SECONDS = 8.0
"""A kube-apiserver 1.34.4 whose etcd was killed answered HEALTH after 4 s."""
HEALTH = "/readyz"
FAILING = re.compile(r"^\[-\](\S+)", re.M)
"""A part that is not well, in the answer to HEALTH with ``verbose`` (k8s.io/apiserver 0.34.4, pkg/server/healthz)."""


class Cluster:
    """A connection to one cluster.

    :param kubeconfig: path of the kubeconfig; None means ``$KUBECONFIG``, then ``~/.kube/config``.
    :param context: name of the context; None means the file's current one.
    :raises NotYet: the file or the context does not exist. The API itself is asked only on first use.
    :raises InputError: the file is there and cannot be used.
    """

    def __init__(self, kubeconfig: str | None = None, context: str | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.context = context
        self.transport = Transport(access(kubeconfig, context))
        self.host: str = self.transport.access.server
        self._served: dict[str, Objects] = {}

    # -- objects ---------------------------------------------------------------------------------

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """Return one live object. Raises NotFound when it, its namespace or its kind is not there."""
        return self._call("GET", api_version, kind, name, namespace)

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """Return one live object, or None when it, its namespace or its kind is not there."""
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
    ) -> Objects:
        """Return all matching objects (every namespace without ``namespace``); [] for an unknown kind."""
        return self.list_page(api_version, kind, namespace, label_selector, field_selector)[0]

    def list_page(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> tuple[Objects, str]:
        """Like ``list``, with the resourceVersion from which a watch can go on."""
        try:
            page = self._call(
                "GET", api_version, kind, namespace=namespace,
                query={"labelSelector": label_selector, "fieldSelector": field_selector},
            )  # fmt: skip
        except NotFound:
            return [], ""
        items = page.get("items") or []
        for item in items:
            # The API leaves these out of the items of a list.
            item.setdefault("apiVersion", api_version)
            item.setdefault("kind", kind)
        return items, page.get("metadata", {}).get("resourceVersion", "")

    def apply(self, obj: Object, field_manager: str, *, dry_run: bool = False, force: bool = True) -> Object:
        """Server-side apply ``obj``; return what the API server stored, or would store in a dry run."""
        metadata = obj["metadata"]
        return self._call(
            "PATCH", obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"),
            # Characters such as emoji as they are: pairs of escapes would be JSON, but not YAML.
            body=json.dumps(obj, ensure_ascii=False), form="application/apply-patch+yaml; charset=utf-8",
            query={"fieldManager": field_manager, "force": str(force).lower(), "dryRun": _dry(dry_run)},
        )  # fmt: skip

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
        """Delete one object with its dependents; return whether it was there.

        :param propagation: ``Foreground`` keeps the object until its dependents have gone, ``Background`` does not.
        :param grace_seconds: how long a pod may take to end; None leaves it to the pod, 0 kills it.
        """
        try:
            self._call(
                "DELETE", api_version, kind, name, namespace,
                query={"propagationPolicy": propagation, "dryRun": _dry(dry_run), "gracePeriodSeconds": grace_seconds},
            )  # fmt: skip
        except NotFound:
            return False
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
        """Merge-patch one object (RFC 7386) and return it; in a dry run, return what would be stored."""
        return self._call(
            "PATCH", api_version, kind, name, namespace,
            body=json.dumps(dict(body)), form="application/merge-patch+json",
            query={"fieldManager": field_manager, "dryRun": _dry(dry_run)},
        )  # fmt: skip

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Tell whether objects of a kind live in a namespace. Raises NotFound for an unknown kind."""
        return bool(self._resource(api_version, kind)["namespaced"])

    def kinds_in_namespaces(self) -> Sequence[tuple[str, str]]:
        """Return apiVersion and kind of everything that can be listed and deleted in a namespace."""
        preferred = [group["preferredVersion"]["groupVersion"] for group in self.json("/apis")["groups"]]
        return [
            (version, resource["kind"])
            for version in ["v1", *preferred]
            for resource in self.json(f"/apis/{version}" if "/" in version else f"/api/{version}")["resources"]
            if resource["namespaced"] and {"list", "delete"} <= set(resource["verbs"])
        ]

    def watch(
        self, api_version: str, kind: str, namespace: str | None, resource_version: str, seconds: int
    ) -> Iterator[tuple[str, Object]]:
        """Yield (ADDED|MODIFIED|DELETED|BOOKMARK|ERROR, object) for at most ``seconds``, then end quietly.

        An expired ``resource_version`` comes as ERROR with code 410: list again and go on from there.
        """
        path = self._path(self._resource(api_version, kind), api_version, None, namespace)
        query = {"watch": "true", "resourceVersion": resource_version, "timeoutSeconds": str(seconds),
                 "allowWatchBookmarks": "true"}  # fmt: skip
        buffer = b""
        with self.transport.stream(path, query, seconds + 5.0) as (status, reason, pieces):
            if status != http.HTTPStatus.OK:
                _content(Answer(status, reason, b"".join(pieces)))
            for piece in pieces:
                buffer += piece
                *lines, buffer = buffer.split(b"\n")
                yield from (_event(line, self.host) for line in filter(None, lines))

    # -- anything else ---------------------------------------------------------------------------

    def raw(self, path: str, query: Mapping[str, str] | None = None, *, read_timeout: float = READ_SECONDS) -> bytes:
        """GET any path of the API server, such as a service's proxy subresource or a pod's log; return the body."""
        return self._ask("GET", path, query, seconds=read_timeout)

    def json(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """GET any path of the API server and parse the answer as JSON."""
        return self._parsed(self.raw(path, query), path)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """POST ``body`` as JSON to any path of the API server, such as a pod's eviction subresource."""
        headers = {"Content-Type": "application/json"}
        self._ask("POST", path, headers=headers, body=json.dumps(dict(body)).encode())

    def version(self) -> str:
        """Return the API server's gitVersion, such as v1.34.4."""
        answer = self.json("/version")
        try:
            return str(answer["gitVersion"])
        except (KeyError, TypeError) as error:
            raise ClusterError(f"{self.host} is no Kubernetes API: /version answered {str(answer)[:80]!r}.") from error

    @property
    def startable(self) -> bool:
        """Whether an earlier task may start the cluster, if it is stopped now: it is minikube's."""
        return self.transport.access.of_minikube

    # -- inside ----------------------------------------------------------------------------------

    def _resource(self, api_version: str, kind: str) -> Object:
        """Return what discovery says of a kind; it is asked again for a kind that was not there before."""
        known = [each for each in self._served.get(api_version, []) if each["kind"] == kind]
        if not known:
            root = api_root(api_version)
            try:
                found = self.json(root)
            except NotFound:
                found = {}
            resources = found.get("resources") if isinstance(found, dict) else None
            # Behind a slash are subresources.
            self._served[api_version] = [each for each in resources or [] if "/" not in each["name"]]
            known = [each for each in self._served[api_version] if each["kind"] == kind]
        # A kind and its subresource list can share a name; the one that can be read is meant.
        readable = [each for each in known if "get" in (each.get("verbs") or [])]
        if not known:
            raise NotFound(
                f"The cluster at {self.host} does not know the kind {kind} of {api_version}.", reason="UnknownKind"
            )
        return (readable or known)[0]

    def _path(self, resource: Object, api_version: str, name: str | None, namespace: str | None) -> str:
        path = api_root(api_version)
        if namespace and resource["namespaced"]:
            path += f"/namespaces/{checked(namespace, 'metadata.namespace')}"
        path += f"/{segment(resource['name'])}"
        if name is None:
            return path
        if resource["namespaced"] and not namespace:
            # The path without one would mean another thing: all objects of the kind.
            raise InputError(f"{resource['kind']} {name} names no namespace. Give `namespace`.")
        return f"{path}/{segment(name)}"

    def _call(
        self,
        method: str,
        api_version: str,
        kind: str,
        name: str | None = None,
        namespace: str | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        body: str | None = None,
        form: str = "",
    ) -> Object:
        known = api_version in self._served
        resource = self._resource(api_version, kind)
        sent = body.encode() if body is not None else None

        def ask() -> Object:
            path = self._path(resource, api_version, name, namespace)
            headers = {"Content-Type": form} if form else {}
            document: Object = self._parsed(self._ask(method, path, query, headers=headers, body=sent), path)
            return document

        try:
            return ask()
        except NotFound as error:
            # Of an object that is not there the API says NotFound; of a path that it does not serve, another word.
            if not known or error.details.get("reason") == "NotFound":
                raise
            # Another thread may have done so already.
            self._served.pop(api_version, None)
            before, resource = resource, self._resource(api_version, kind)
            if resource == before:
                raise
            return ask()

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        seconds: float = READ_SECONDS,
        **more: Any,
    ) -> bytes:
        """Send a request and return the body of a good answer.

        An API server without its etcd lets most requests wait for a minute. So what only reads is asked twice: the
        second time with all of its time, unless the API server says meanwhile that it is not well.
        """
        times = [FIRST_SECONDS, seconds] if method == "GET" and seconds > FIRST_SECONDS else [seconds]
        for last, allowed in zip([*times[1:], None], times):
            try:
                return _content(self.transport.ask(method, path, query, seconds=allowed, **more))
            except ClusterError as error:
                slow = error.kind == "timeout"
                parts = self._ailing() if slow or error.details.get("status") in ILL_STATUS else []
                if parts:
                    said = f"The Kubernetes API at {self.host} is not well" if slow else error.message.rstrip(".")
                    error.message = f"{said}: {', '.join(parts)} failed. {ILL_ADVICE}"
                    error.args = (error.message,)
                if parts or not slow or last is None:
                    raise
        raise AssertionError("the last try returns or raises")

    def _ailing(self) -> Sequence[str]:
        try:
            return ailing(self.transport)
        except ClusterError:
            return []

    def _parsed(self, body: bytes, path: str) -> Any:
        try:
            return json.loads(body)
        except ValueError as error:
            raise ClusterError(f"{self.host}{path} answered something that is not JSON: {body[:80]!r}") from error


def _content(answer: Answer) -> bytes:
    """Return the body of a good answer. Raises NotFound, ClusterError for another."""
    if answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
        return answer.body
    message, reason = _status_message(answer.body, answer.reason)
    cause = NotFound if answer.status == http.HTTPStatus.NOT_FOUND else ClusterError
    said = f"The API server answered {answer.status} ({reason}): {message}"
    if answer.status == http.HTTPStatus.UNAUTHORIZED:
        said += ". Renew the credentials of the context, or give another `context`."
    raise cause(said, status=answer.status, reason=reason)


def ailing(transport: Transport, seconds: float = HEALTH_SECONDS) -> list[str]:
    """Return which parts of an API server that answers are not well, such as etcd; [] if it does not tell.

    :raises Unreachable: it does not answer this either.
    """
    answer = transport.ask("GET", HEALTH, {"verbose": "true"}, seconds=seconds)
    if answer.status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return []
    return FAILING.findall(answer.body.decode(errors="replace"))


def _dry(dry_run: bool) -> str | None:
    return "All" if dry_run else None


def _event(line: bytes, host: str) -> tuple[str, Object]:
    """Return type and object of one line of a watch."""
    try:
        event = json.loads(line)
        verb, obj = str(event["type"]), event["object"]
    except (ValueError, KeyError, TypeError):
        obj = None
    if not isinstance(obj, dict):
        raise ClusterError(f"A watch at {host} was sent something that is no event: {line[:80]!r}")
    return verb, obj


def _status_message(body: Any, default: str) -> tuple[str, str]:
    """Read message and reason from the API's Status object, or the ``error`` of a service behind its proxy."""
    try:
        status = json.loads(body)
        return str(status.get("message") or status.get("error") or default), str(status.get("reason") or default)
    except (TypeError, ValueError, AttributeError):
        return default, default
