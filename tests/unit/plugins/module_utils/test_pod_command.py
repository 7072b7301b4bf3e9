# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in pods: the frames of a websocket, made into text, exit codes and sentences."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from ansible_collections.meshlab.istio.plugins.module_utils import _pod_command
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import PodCommandError, ready_pods, run_in_pod
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
SUCCESS = b'{"metadata":{},"status":"Success"}'


def ended(code: int) -> bytes:
    """What kubelet 1.34.4 sends of a command that did not end with 0."""
    causes = [{"reason": "ExitCode", "message": str(code)}]
    said = f"command terminated with non-zero exit code: exit status {code}"
    return json.dumps({
        "status": "Failure", "reason": "NonZeroExitCode", "message": said, "details": {"causes": causes},
    }).encode()  # fmt: skip


class Kubelet:
    """An API server that answers one exec: with ``refusal``, or with ``frames``, after which it waits or closes."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self.refusal = b""
        self.waits = False
        self.asked: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self.listener.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                self.asked = head.decode().rstrip().split("\r\n")
                if self.refusal:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%s"
                                       % (len(self.refusal), self.refusal))  # fmt: skip
                    continue
                key = next(line.split(": ")[1] for line in self.asked if line.lower().startswith("sec-websocket-key"))
                accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()  # noqa: S324 - RFC 6455
                connection.sendall((
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
                ).encode())  # fmt: skip
                for channel, data in self.frames:
                    connection.sendall(
                        bytes([0x82, 126]) + (len(data) + 1).to_bytes(2, "big") + bytes([channel]) + data
                    )
                if self.waits:
                    time.sleep(1.0)


@pytest.fixture
def kubelet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubelet]:
    monkeypatch.setenv("NO_PROXY", "*")
    kubelet = Kubelet()
    yield kubelet
    kubelet.listener.close()


@pytest.fixture
def cluster(kubelet: Kubelet, tmp_path: Path) -> Cluster:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump({
        "current-context": "lab", "clusters": [{"name": "lab", "cluster": {"server": kubelet.url + "/behind"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "users": [{"name": "lab", "user": {"token": "bearer"}}],
    }))  # fmt: skip
    return Cluster(str(path))


def run(cluster: Cluster, **options: Any) -> str:
    return run_in_pod(cluster, "n", "p", "c", ["tool", "x y"], **options)


def test_pieces_are_put_together(kubelet: Kubelet, cluster: Cluster) -> None:
    # The last letter is cut in two.
    kubelet.frames = [(1, b"a"), (2, b"note"), (1, b"b\xc3"), (1, b"\xa4"), (3, SUCCESS)]
    assert run(cluster) == "abä"
    verb, target, _version = kubelet.asked[0].split(" ")
    parts = urlsplit(target)
    assert (verb, parts.path) == ("GET", "/behind/api/v1/namespaces/n/pods/p/exec")
    assert parse_qsl(parts.query) == [
        ("container", "c"), ("stdout", "true"), ("stderr", "true"), ("command", "tool"), ("command", "x y"),
    ]  # fmt: skip
    assert {"Authorization: Bearer bearer", "Sec-WebSocket-Protocol: v4.channel.k8s.io"} <= set(kubelet.asked)


def test_an_exit_code_is_an_error_unless_it_is_not_asked_for(kubelet: Kubelet, cluster: Cluster) -> None:
    kubelet.frames = [(1, b"half"), (2, b"first\nlast words\n"), (3, ended(7))]
    with pytest.raises(PodCommandError, match=r"tool in n/p \(c\) ended with exit code 7: last words") as caught:
        run(cluster)
    assert (caught.value.details["rc"], caught.value.details["stdout"]) == (7, "half")
    assert run(cluster, check=False) == "half"


def test_a_command_that_does_not_end(kubelet: Kubelet, cluster: Cluster) -> None:
    kubelet.frames, kubelet.waits = [(1, b"a")], True
    with pytest.raises(PodCommandError, match=r"did not end within 0\.3 s") as caught:
        run(cluster, seconds=0.3)
    assert caught.value.details["stdout"] == "a"


def test_a_connection_that_is_closed_before_the_end(kubelet: Kubelet, cluster: Cluster) -> None:
    kubelet.frames = [(1, b"a")]
    with pytest.raises((PodCommandError, Unreachable), match=r"cut off|No Kubernetes API answers"):
        run(cluster, seconds=5)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (b'{"status":"Failure","message":"exec: \\"tool\\": executable file not found"}', 'exec: "tool": executable'),
        (b"none", "could not be run: b'none'"),
    ],
)
def test_a_command_that_never_ran(kubelet: Kubelet, cluster: Cluster, status: bytes, words: str) -> None:
    kubelet.frames = [(3, status)]
    with pytest.raises(PodCommandError, match=words):
        run(cluster)


def test_what_the_api_says_of_a_wrong_container(kubelet: Kubelet, cluster: Cluster) -> None:
    kubelet.refusal = b'{"message":"container c is not valid","code":400}'
    with pytest.raises(PodCommandError, match=r"could not be started: container c is not valid$") as caught:
        run(cluster)
    assert caught.value.details["status"] == 400
    kubelet.listener.shutdown(socket.SHUT_RDWR)
    kubelet.listener.close()
    with pytest.raises(Unreachable, match="No Kubernetes API answers"):
        run(cluster)


def test_a_pod_is_no_path(cluster: Cluster) -> None:
    with pytest.raises(InputError, match="cannot be a name in Kubernetes"):
        run_in_pod(cluster, "n", "../../secrets", "c", ["tool"])


def test_ready_pods_are_those_that_stay() -> None:
    def pod(name: str, status: str, **more: Any) -> dict[str, Any]:
        return {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n", **more},
            "status": {"conditions": [{"type": "Ready", "status": status}]},
        }  # fmt: skip

    cluster = FakeCluster(
        pod("b", "True"), pod("a", "True"), pod("c", "False"), pod("d", "True", deletionTimestamp="x")
    )
    assert [found["metadata"]["name"] for found in ready_pods(cluster, "n", "")] == ["a", "b"]  # type: ignore[arg-type]
    assert _pod_command.is_ready({"metadata": {}}) is False
