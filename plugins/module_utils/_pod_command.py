# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container of a pod, through the API server, as kubectl exec does."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable, words_of
from ansible_collections.meshlab.istio.plugins.module_utils._names import in_namespace

COMMAND_SECONDS = 60.0
OPEN_SECONDS = 15.0
"""Until the command runs: the kubelet is asked first."""

PROTOCOLS = ["v4.channel.k8s.io"]
STDOUT, STDERR, STATUS = 1, 2, 3
"""The first byte of each frame (k8s.io/kubelet 0.34.4, pkg/cri/streaming/remotecommand/websocket.go)."""


class PodCommandError(ClusterError):
    """A command in a pod failed; details hold ``rc`` (int, None when it did not end), ``stdout`` and ``stderr``."""


def run_in_pod(
    cluster: Cluster,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    seconds: float = COMMAND_SECONDS,
    check: bool = True,
) -> str:
    """Run a command without input and return what it wrote to standard output.

    :param command: program and arguments; no shell reads them.
    :param seconds: how long it may take.
    :param check: fail on an exit code that is not 0.
    :raises PodCommandError: the pod or the container is not there, the command failed, or did not end in time.
    """
    import websocket

    where = f"{command[0]} in {namespace}/{pod} ({container})"
    asked = [("container", container), ("stdout", "true"), ("stderr", "true"), *(("command", each) for each in command)]
    end = time.monotonic() + seconds
    url, sock, headers = cluster.transport.upgrade(in_namespace("v1", namespace, "pods", pod, "exec"), asked)
    try:
        try:
            running = websocket.create_connection(
                url, socket=sock, header=headers, subprotocols=PROTOCOLS, timeout=min(seconds, OPEN_SECONDS),
                suppress_origin=True,
            )  # fmt: skip
        except websocket.WebSocketBadStatusException as error:
            raise PodCommandError(
                f"{where} could not be started: {_said(error)}",
                status=error.status_code, rc=None, stdout="", stderr="",
            ) from error  # fmt: skip
        streams = _read(running, end)
    except (OSError, websocket.WebSocketException) as error:
        raise Unreachable(
            f"No Kubernetes API answers at {cluster.host}: {words_of(error)}. Is the cluster running?"
        ) from error
    finally:
        sock.close()
    stdout, stderr = (streams[channel].decode(errors="replace") for channel in (STDOUT, STDERR))
    if not streams[STATUS]:
        late = time.monotonic() >= end
        why = f"did not end within {seconds:g} s" if late else "was cut off: the API server closed the connection"
        raise PodCommandError(f"{where} {why}.", rc=None, stdout=stdout, stderr=stderr)
    rc, failed = _outcome(streams[STATUS])
    if rc is None:
        raise PodCommandError(f"{where} could not be run: {failed}", rc=None, stdout=stdout, stderr=stderr)
    if check and rc != 0:
        said = (stderr.strip() or stdout.strip() or "it said nothing").splitlines()[-1]
        raise PodCommandError(f"{where} ended with exit code {rc}: {said}", rc=rc, stdout=stdout, stderr=stderr)
    return stdout


def ready_pods(cluster: Cluster, namespace: str, selector: str) -> list[Object]:
    """Return the pods that are ready and are to stay, by their names."""
    found = cluster.list("v1", "Pod", namespace, label_selector=selector)
    return sorted((pod for pod in found if is_ready(pod)), key=lambda pod: str(pod["metadata"]["name"]))


def is_ready(pod: Object) -> bool:
    """Tell whether a pod gets traffic: ready, and not on its way out."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _said(error: Any) -> str:
    """Return the API's own message, which is in the body of its refusal."""
    try:
        return str(json.loads(error.resp_body)["message"])
    except (AttributeError, ValueError, KeyError, TypeError):
        return f"the API server answered {error.status_code}"


def _read(running: Any, end: float) -> dict[int, bytearray]:
    """Read all streams until the command or the time ends: channel → what came."""
    import websocket

    streams: dict[int, bytearray] = {channel: bytearray() for channel in (STDOUT, STDERR, STATUS)}
    while time.monotonic() < end:
        running.settimeout(max(0.01, end - time.monotonic()))
        try:
            frame = running.recv()
        except (websocket.WebSocketTimeoutException, websocket.WebSocketConnectionClosedException):
            break
        data = frame.encode() if isinstance(frame, str) else frame
        if not data:
            break
        streams.get(data[0], bytearray()).extend(data[1:])
        if data[0] == STATUS:
            break
    return streams


def _outcome(status: bytes | bytearray) -> tuple[int | None, str]:
    """Return the exit code, or None and why the command was not run (kubelet 1.34, a Status on its own channel)."""
    try:
        said = json.loads(status)
        if said["status"] == "Success":
            return 0, ""
        causes = (said.get("details") or {}).get("causes") or []
        code = next((int(each["message"]) for each in causes if each.get("reason") == "ExitCode"), None)
        return code, str(said.get("message") or "it was not said why")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, repr(bytes(status[:80]))
