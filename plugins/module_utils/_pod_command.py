# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container of a pod, through the API server, as kubectl exec does."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster, Object
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable

COMMAND_SECONDS = 60.0


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
    from kubernetes.client import CoreV1Api
    from kubernetes.client.exceptions import ApiException
    from kubernetes.stream import stream

    where = f"{command[0]} in {namespace}/{pod} ({container})"
    try:
        # The library's websockets replace a client's way of sending while they open: each gets one of its own.
        running: Any = stream(
            CoreV1Api(cluster.new_client()).connect_get_namespaced_pod_exec, pod, namespace,
            container=container, command=list(command),
            stdin=False, stdout=True, stderr=True, tty=False, _preload_content=False,
        )  # fmt: skip
    except ApiException as error:
        raise PodCommandError(
            f"{where} could not be started: {_said(str(error.reason))}",
            status=error.status,
            rc=None,
            stdout="",
            stderr="",
        ) from error
    except OSError as error:
        raise Unreachable(f"No Kubernetes API answers at {cluster.host}: {error}. Is the cluster running?") from error
    stdout, stderr = _read(running, time.monotonic() + seconds)
    if running.is_open():
        running.close()
        raise PodCommandError(f"{where} did not end within {seconds:g} s.", rc=None, stdout=stdout, stderr=stderr)
    rc = running.returncode
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


def _said(reason: str) -> str:
    """Return the API's own message, which the library puts among the headers of the answer."""
    found = re.search(r'"message":"((?:[^"\\\\]|\\\\.)*)"', reason)
    return found.group(1) if found else reason[:200]


def _read(running: Any, end: float) -> tuple[str, str]:
    """Read both streams until the command or the time ends."""
    streams: tuple[list[str], list[str]] = ([], [])
    while running.is_open() and time.monotonic() < end:
        running.update(timeout=min(1.0, max(0.0, end - time.monotonic())))
        # Taken out at once: the library would copy all that came before with each further piece.
        for parts, text in zip(streams, (running.read_channel(1), running.read_channel(2))):
            if text:
                parts.append(text)
    for parts, text in zip(streams, (running.read_channel(1), running.read_channel(2))):
        if text:
            parts.append(text)
    return "".join(streams[0]), "".join(streams[1])
