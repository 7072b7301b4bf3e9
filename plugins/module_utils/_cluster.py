# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Kubernetes API client for many objects: plain dicts in and out, one error hierarchy.

A thin layer over ``kubernetes.dynamic``: discovery, authentication and transport are the library's.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, NotFound, NotYet, Unreachable

Object = dict[str, Any]
"""A Kubernetes object as the API's JSON: apiVersion, kind, metadata, …"""

Objects = list[Object]
"""For annotations inside Cluster, where ``list`` is a method."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0


class Cluster:
    """A connection to one cluster.

    :param kubeconfig: path of the kubeconfig; None means ``$KUBECONFIG``, then ``~/.kube/config``.
    :param context: name of the context; None means the file's current one.
    :raises NotYet: the file or the context does not exist. The API itself is asked only on first use.
    """

    def __init__(self, kubeconfig: str | None = None, context: str | None = None) -> None:
        # Imported here: it takes half a second, and only modules that talk to a cluster should pay it.
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException

        self.kubeconfig = os.path.expanduser(kubeconfig) if kubeconfig else None
        self.context = context
        configuration = client.Configuration()
        configuration.retries = False
        try:
            config.load_kube_config(
                config_file=self.kubeconfig, context=context, client_configuration=configuration, persist_config=False
            )
        except (ConfigException, OSError) as error:
            where = self.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
            raise NotYet(
                f"The kubeconfig {where} cannot be used: {error}. "
                "Start the cluster first, or give `kubeconfig` and `context`.",
            ) from error
        self.host: str = configuration.host
        self._configuration = configuration
        self._api = client.ApiClient(configuration)
        self._dynamic: Any = None

    # -- objects ---------------------------------------------------------------------------------

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """Return one live object. Raises NotFound when it, its namespace or its kind is not there."""
        return self._call("get", api_version, kind, name=name, namespace=namespace)

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
                "get", api_version, kind,
                namespace=namespace, label_selector=label_selector, field_selector=field_selector,
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
            "patch", obj["apiVersion"], obj["kind"],
            # The library would write characters such as emoji as pairs of escapes, which are JSON but not YAML; with
            # a charset in the content type it takes the text as it is.
            body=json.dumps(obj, ensure_ascii=False).encode(),
            content_type="application/apply-patch+yaml; charset=utf-8",
            name=metadata["name"], namespace=metadata.get("namespace"),
            field_manager=field_manager, force_conflicts=force, dry_run="All" if dry_run else None,
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
                "delete", api_version, kind,
                name=name, namespace=namespace, propagation_policy=propagation, dry_run="All" if dry_run else None,
                grace_period_seconds=grace_seconds,
            )  # fmt: skip
        except NotFound:
            return False
        return True

    def patch(self, api_version: str, kind: str, name: str, namespace: str | None, body: Mapping[str, Any]) -> Object:
        """Merge-patch one object (RFC 7386) and return it."""
        return self._call(
            "patch", api_version, kind,
            name=name, namespace=namespace, body=dict(body), content_type="application/merge-patch+json",
        )  # fmt: skip

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Tell whether objects of a kind live in a namespace. Raises NotFound for an unknown kind."""
        return bool(self._resource(api_version, kind).namespaced)

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
        response = self._raw(
            "GET", self._resource(api_version, kind).path(namespace=namespace),
            query={"watch": "true", "resourceVersion": resource_version, "timeoutSeconds": str(seconds),
                   "allowWatchBookmarks": "true"},
            read_timeout=seconds + 5.0,
        )  # fmt: skip
        buffer = b""
        try:
            # A connection that drops in the middle is an Unreachable like any other.
            with _translated(self.host):
                for chunk in response.stream(amt=None, decode_content=False):
                    buffer += chunk
                    *lines, buffer = buffer.split(b"\n")
                    yield from (_event(line, self.host) for line in filter(None, lines))
        finally:
            response.close()

    # -- anything else ---------------------------------------------------------------------------

    def raw(self, path: str, query: Mapping[str, str] | None = None, *, read_timeout: float = READ_SECONDS) -> bytes:
        """GET any path of the API server, such as a service's proxy subresource or a pod's log; return the body."""
        answer = self._raw("GET", path, query=query or {}, read_timeout=read_timeout)
        # Only now the body is read, and the connection may drop in the middle of it.
        with _translated(self.host):
            data: bytes = answer.data
        return data

    def json(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """GET any path of the API server and parse the answer as JSON."""
        body = self.raw(path, query)
        try:
            return json.loads(body)
        except ValueError as error:
            raise ClusterError(f"{self.host}{path} answered something that is not JSON: {body[:80]!r}") from error

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """POST ``body`` as JSON to any path of the API server, such as a pod's eviction subresource."""
        self._raw("POST", path, query={}, read_timeout=READ_SECONDS, body=dict(body)).close()

    def new_client(self) -> Any:
        """Return another client of the same API, for what takes one over, such as the library's websockets."""
        from kubernetes import client

        return client.ApiClient(self._configuration)

    def version(self) -> str:
        """Return the API server's gitVersion, such as v1.34.4."""
        return str(self.json("/version")["gitVersion"])

    # -- inside ----------------------------------------------------------------------------------

    def _resource(self, api_version: str, kind: str) -> Any:
        from kubernetes.dynamic import DynamicClient
        from kubernetes.dynamic.exceptions import ResourceNotFoundError, ResourceNotUniqueError

        with _translated(self.host):
            if self._dynamic is None:
                self._dynamic = DynamicClient(self._api, cache_file=_discovery_file(self.host))
            try:
                return self._dynamic.resources.get(api_version=api_version, kind=kind)
            except ResourceNotFoundError as error:
                raise NotFound(
                    f"The cluster at {self.host} does not know the kind {kind} of {api_version}.", reason="UnknownKind"
                ) from error
            except ResourceNotUniqueError:
                # A kind and its subresource list can share a name; the one that can be read is meant.
                found = self._dynamic.resources.search(api_version=api_version, kind=kind)
                return next(resource for resource in found if "get" in (resource.verbs or []))

    def _call(self, verb: str, api_version: str, kind: str, **arguments: Any) -> Object:
        resource = self._resource(api_version, kind)
        with _translated(self.host):
            answer = getattr(self._dynamic, verb)(
                resource, _request_timeout=(CONNECT_SECONDS, READ_SECONDS), serialize=False, **arguments
            )
            document: Object = json.loads(answer.data)
            return document

    def _raw(self, method: str, path: str, *, query: Mapping[str, str], read_timeout: float, body: Any = None) -> Any:
        headers = {"Accept": "application/json, */*", **({"Content-Type": "application/json"} if body else {})}
        with _translated(self.host):
            return self._api.call_api(
                path, method, query_params=list(query.items()), header_params=headers, body=body,
                auth_settings=["BearerToken"], _preload_content=False, _return_http_data_only=True,
                _request_timeout=(CONNECT_SECONDS, read_timeout),
            )  # fmt: skip


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


def _discovery_file(host: str) -> str:
    """Return where the library keeps what it discovered: its default is a name in /tmp that others could guess."""
    folder = os.path.expanduser("~/.local/share/meshlab/discovery")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, hashlib.sha256(host.encode()).hexdigest()[:16] + ".json")


class _translated:
    """Turn the library's exceptions into ours."""

    def __init__(self, host: str) -> None:
        self.host = host

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, ClusterError):
            return
        from kubernetes.client.exceptions import ApiException
        from kubernetes.dynamic.exceptions import DynamicApiError
        from urllib3.exceptions import HTTPError

        if isinstance(error, (ApiException, DynamicApiError)) and error.status:
            message, reason = _status_message(error.body, str(error.reason))
            cause = NotFound if error.status == 404 else ClusterError
            raise cause(
                f"The API server answered {error.status} ({reason}): {message}", status=error.status, reason=reason
            ) from error
        if isinstance(error, (ApiException, DynamicApiError, HTTPError, OSError)):
            raise Unreachable(f"No Kubernetes API answers at {self.host}: {error}. Is the cluster running?") from error


def _status_message(body: Any, default: str) -> tuple[str, str]:
    """Read message and reason from the API's Status object, or the ``error`` of a service behind its proxy."""
    try:
        status = json.loads(body)
        return str(status.get("message") or status.get("error") or default), str(status.get("reason") or default)
    except (TypeError, ValueError, AttributeError):
        return default, default
