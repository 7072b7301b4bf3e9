# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster tells about a failure: events, what is not ready with its logs, the configuration of proxies.

Everything is read by path, without discovery, so that a sick API server is asked for as little as possible.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._failure_files import Add
from ansible_collections.meshlab.istio.plugins.module_utils._names import in_namespace
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import run_in_pod
from ansible_collections.meshlab.istio.plugins.module_utils._ready import predicate_for
from ansible_collections.meshlab.istio.plugins.module_utils._redact import REDACTED, redact
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import write

LOG_LINES = 1000
READ_SECONDS = 5.0
"""For the log of one container, and for the configuration of one proxy."""

LISTS = (
    ("v1", "Pod", "pods"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("apps/v1", "DaemonSet", "daemonsets"),
)
PROXY = "istio-proxy"
ENV_OF_ISTIO = re.compile(
    r"(?:ISTIO|PILOT|PROXY|ENVOY|ISTIOD|INJECTION|VALIDATION|CLUSTER_ID|CA_ADDR|TRUST_DOMAIN|POD_|INSTANCE_IP|HOST_IP"
    r"|SERVICE_ACCOUNT\Z|REVISION\Z|GOMAXPROCS\Z|GOMEMLIMIT\Z|PLATFORM\Z|KUBECONFIG\Z|LOG_DIR\Z|NAMESPACE\Z)"
)
"""Variables of istiod, of the proxy and of Bookinfo (Istio 1.28, manifests)."""
ENV_HARMLESS = re.compile(r"(?:|true|false|\d{1,5}|\d+(?:ms|s|m|h|Mi|Gi|Ki)|\$\([\w.-]+\))\Z", re.I)
"""Values that no secret has: switches, small numbers, durations, sizes, references."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def events(cluster: Cluster, namespaces: Sequence[str], add: Add) -> None:
    """Add ``events.txt``: one line an event, the newest at the end."""
    found = [event for namespace in namespaces for event in _events(cluster, namespace)]
    add("events.txt", "".join(_line(event) for event in sorted(found, key=_time)))


def unready(cluster: Cluster, namespaces: Sequence[str], add: Add) -> None:
    """Add ``not-ready.txt`` with a line for each object that is not ready, its description, and the logs of pods."""
    found: list[tuple[Object, str]] = [
        (obj, missing)
        for obj in (*_list(cluster, "v1", "Node", "/api/v1/nodes"), *_objects(cluster, namespaces))
        for missing in [_missing(obj)]
        if missing
    ]
    lines = [f"{reference(obj)}: {missing}\n" for obj, missing in found]
    add("not-ready.txt", "".join(lines) or f"Everything in {', '.join(namespaces)} is ready.\n")
    for obj, _missing_words in found:
        add(f"{_folder(obj)}/{obj['kind'].lower()}.{obj['metadata']['name']}.yaml", _description(obj))
    for obj, _missing_words in found:
        if obj["kind"] == "Pod":
            _logs(cluster, obj, add)


def proxies(cluster: Cluster, namespaces: Sequence[str], add: Add) -> None:
    """Add the configuration of each gateway's proxy, and of each proxy whose pod is not ready.

    ``istioctl proxy-config listeners --file`` and its like read these files.
    """
    problems = []
    for pod in _objects(cluster, namespaces, LISTS[:1]):
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        if not (_proxy_runs(pod) and (_is_gateway(pod) or _missing(pod))):
            continue
        command = ["pilot-agent", "request", "GET", "config_dump"]
        try:
            text = run_in_pod(cluster, namespace, name, PROXY, command, seconds=READ_SECONDS)
            # Without spaces it is half as long.
            add(f"{namespace}/{name}.proxy-config.json", json.dumps(redact(json.loads(text)), separators=(",", ":")))
        except (ClusterError, ValueError) as error:
            problems.append(str(error))
    if problems:
        raise ClusterError(" ".join(problems))


SOURCES: dict[str, Callable[[Cluster, Sequence[str], Add], None]] = {
    "events": events,
    "what is not ready": unready,
    "proxy configuration": proxies,
}


def _list(cluster: Cluster, api_version: str, kind: str, path: str) -> Iterator[Object]:
    for item in cluster.json(path).get("items") or []:
        yield {"apiVersion": api_version, "kind": kind, **item}


def _objects(cluster: Cluster, namespaces: Sequence[str], lists: Sequence[Any] = LISTS) -> Iterator[Object]:
    for namespace in namespaces:
        for api_version, kind, plural in lists:
            yield from _list(cluster, api_version, kind, in_namespace(api_version, namespace, plural))


def _events(cluster: Cluster, namespace: str) -> Iterator[Object]:
    return _list(cluster, "v1", "Event", in_namespace("v1", namespace, "events"))


def _time(event: Object) -> str:
    """Return when an event was last seen, in UTC; a newer API fills other fields than an older one."""
    series = event.get("series") or {}
    times = (
        series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"),
        event["metadata"].get("creationTimestamp"),
    )  # fmt: skip
    return str(next(filter(None, times), ""))


def _line(event: Object) -> str:
    about = event.get("involvedObject") or {}
    what = f"{about.get('kind', '')} {about.get('namespace', '')}/{about.get('name', '')}"
    count = f" (x{event['count']})" if (event.get("count") or 1) > 1 else ""
    message = " ".join(str(event.get("message") or "").split())
    return f"{_time(event)} {event.get('type', '')} {event.get('reason', '')} {what}: {message}{count}\n"


def _missing(obj: Object) -> str | None:
    predicate = _node if obj["kind"] == "Node" else predicate_for(obj)
    return predicate(obj) if predicate else None


def _node(obj: Object) -> str | None:
    conditions = obj.get("status", {}).get("conditions") or []
    ready: Object = next((each for each in conditions if each["type"] == "Ready"), {})
    return None if ready.get("status") == "True" else f"not ready: {ready.get('message') or 'it said nothing'}"


def _folder(obj: Object) -> str:
    return str(obj["metadata"].get("namespace") or "cluster")


def _description(obj: Object) -> str:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    if "annotations" in metadata:
        # The same object once more, as JSON inside a text.
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != LAST_APPLIED}
    return write(redact(_without_values({**obj, "metadata": metadata})))


def _without_values(value: Any) -> Any:
    """Return an object without the values of its containers' environment variables, of which any may be a secret.

    Numbers, switches and Istio's own variables stay.
    """
    if isinstance(value, list):
        return [_without_values(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: [_hidden(each) for each in item] if key == "env" and isinstance(item, list) else _without_values(item)
        for key, item in value.items()
    }


def _hidden(variable: Any) -> Any:
    if not isinstance(variable, dict) or not isinstance(variable.get("value"), str):
        return variable
    shown = ENV_OF_ISTIO.match(str(variable.get("name"))) or ENV_HARMLESS.match(variable["value"])
    return variable if shown else {**variable, "value": REDACTED}


def _logs(cluster: Cluster, pod: Object, add: Add) -> None:
    """Add the log of each container that has run, and of its run before."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    status = pod.get("status", {})
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        runs: list[tuple[str, dict[str, str]]] = []
        if "waiting" not in (container.get("state") or {}):
            runs.append(("", {}))
        if container.get("restartCount") or "terminated" in (container.get("lastState") or {}):
            runs.append((".previous", {"previous": "true"}))
        for suffix, query in runs:
            path = in_namespace("v1", namespace, "pods", name, "log")
            wanted = {"container": container["name"], "tailLines": str(LOG_LINES), "timestamps": "true", **query}
            try:
                text = cluster.raw(path, wanted, read_timeout=READ_SECONDS).decode(errors="replace")
            except ClusterError as error:
                # Such as the log of a run that the kubelet has removed; the file says so.
                text = f"({error.message})\n"
            add(f"{namespace}/{name}.{container['name']}{suffix}.log", text)


def _is_gateway(pod: Object) -> bool:
    """Tell whether a pod's proxy is a gateway's, which Istio starts with ``proxy router``."""
    return any(
        container["name"] == PROXY and "router" in (container.get("args") or [])[:2]
        for container in pod["spec"]["containers"]
    )


def _proxy_runs(pod: Object) -> bool:
    status = pod.get("status", {})
    # A native sidecar is among the init containers.
    states = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return any(each["name"] == PROXY and "running" in (each.get("state") or {}) for each in states)
