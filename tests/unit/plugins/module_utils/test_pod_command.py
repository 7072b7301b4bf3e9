# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in pods: what the library's websocket client gives, made into text, exit codes and sentences."""

from __future__ import annotations

import types
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _pod_command
from ansible_collections.meshlab.istio.plugins.module_utils._errors import Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._pod_command import PodCommandError, ready_pods, run_in_pod
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster


class Running:
    """A stand-in for kubernetes.stream.ws_client.WSClient: one piece a frame, then the end."""

    def __init__(self, frames: list[tuple[int, str]], rc: int = 0, *, endless: bool = False) -> None:
        self.frames, self.returncode, self.endless = frames, rc, endless
        self.channels: dict[int, str] = {}

    def is_open(self) -> bool:
        return self.endless or bool(self.frames)

    def update(self, timeout: float) -> None:
        assert 0 <= timeout <= 1
        if self.frames:
            channel, text = self.frames.pop(0)
            self.channels[channel] = self.channels.get(channel, "") + text

    def read_channel(self, channel: int) -> str:
        return self.channels.pop(channel, "")

    def close(self) -> None:
        self.endless = False


class Client(FakeCluster):
    def new_client(self) -> Any:
        return types.SimpleNamespace(configuration=None)


def run(monkeypatch: pytest.MonkeyPatch, running: Running | Exception, **options: Any) -> str:
    def stream(_method: Any, pod: str, namespace: str, **request: Any) -> Running:
        assert (pod, namespace, request["container"], request["command"]) == ("p", "n", "c", ["tool", "x"])
        if isinstance(running, Exception):
            raise running
        return running

    monkeypatch.setattr("kubernetes.stream.stream", stream)
    return run_in_pod(Client(), "n", "p", "c", ["tool", "x"], **options)  # type: ignore[arg-type]


def test_pieces_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, Running([(1, "a"), (2, "note"), (1, "b"), (1, "c")])) == "abc"


def test_an_exit_code_is_an_error_unless_it_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [(1, "half"), (2, "first\nlast words\n")]
    with pytest.raises(PodCommandError, match=r"tool in n/p \(c\) ended with exit code 7: last words") as caught:
        run(monkeypatch, Running(list(frames), 7))
    assert (caught.value.details["rc"], caught.value.details["stdout"]) == (7, "half")
    assert run(monkeypatch, Running(list(frames), 7), check=False) == "half"


def test_a_command_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PodCommandError, match=r"did not end within 0\.05 s"):
        run(monkeypatch, Running([(1, "a")], endless=True), seconds=0.05)


def test_what_the_api_says_of_a_wrong_container(monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.client.exceptions import ApiException

    reason = 'Handshake status 400 Bad Request -+-+- {} -+-+- b\'{"message":"container c is not valid","code":400}\''
    with pytest.raises(PodCommandError, match=r"could not be started: container c is not valid$"):
        run(monkeypatch, ApiException(status=0, reason=reason))
    with pytest.raises(Unreachable, match="No Kubernetes API answers"):
        run(monkeypatch, ConnectionRefusedError("refused"))


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
