# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests by curl, counted: the real curl of this machine against a server on loopback."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _mesh_call
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._mesh_call import call
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Reply, Server, free_port

CURL = shutil.which("curl")
needs_curl = pytest.mark.skipif(CURL is None, reason="curl is not installed")

SLEEP = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sleep-1", "namespace": "default",
                                                    "labels": {"app": "sleep"}},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}  # fmt: skip


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """A cluster with one pod, whose commands run here."""

    def run(_cluster: Any, namespace: str, pod: str, container: str, command: Sequence[str], **_how: Any) -> str:
        assert (namespace, pod, container) == ("default", "sleep-1", "sleep")
        return subprocess.run(command, capture_output=True, text=True).stdout

    monkeypatch.setattr(_mesh_call, "run_in_pod", run)
    return FakeCluster(SLEEP)


def sent(cluster: FakeCluster, url: str, **options: Any) -> dict[str, Any]:
    return call(cluster, "default", {"url": url, **options})  # type: ignore[arg-type]


@needs_curl
def test_answers_are_counted_by_status_version_and_header(cluster: FakeCluster) -> None:
    def reply(seen: Any) -> Reply:
        if seen.number % 5 == 4:
            return Reply(status=503, body=b"no\n", headers={"x-envoy-overloaded": "true"})
        return Reply(body=b'{"podname": "reviews-v%d-x"}' % (1 + seen.number % 2))

    with Server(reply) as server:
        measured = sent(
            cluster, server.url("/reviews/0"), requests=20, headers={"end-user": "jason"}, header="x-envoy-overloaded",
            version_pattern=r"reviews-(v\d)", slow_ms=60000,
        )  # fmt: skip
    assert (measured["sent"], measured["succeeded"], measured["success_share"]) == (20, 16, 0.8)
    assert measured["status"] == {"200": 16, "503": 4}
    assert measured["errors"] == {}
    assert measured["by_version"] == {"v1": 8, "v2": 8}
    assert (measured["versions"], measured["most"], measured["least"]) == (2, 8, 8)
    assert (measured["with_header"], measured["slow"]) == (4, 0)
    assert {(seen.path, seen.headers["end-user"]) for seen in server.seen} == {("/reviews/0", "jason")}
    assert len({seen.connection for seen in server.seen}) == 1


@needs_curl
def test_many_at_once_with_a_method_and_a_name_that_no_server_knows(cluster: FakeCluster) -> None:
    with Server(lambda seen: Reply(delay=0.1)) as server:
        port = server.url("/").split(":")[2].rstrip("/")
        measured = sent(
            cluster, f"http://shop.example:{port}/", requests=8, parallel=8, method="POST", data="x",
            resolve=f"shop.example:{port}:127.0.0.1", slow_ms=50,
        )  # fmt: skip
    assert (measured["sent"], measured["slow"]) == (8, 8)
    assert {(seen.method, seen.headers["host"]) for seen in server.seen} == {("POST", f"shop.example:{port}")}


@needs_curl
def test_failures_have_the_names_of_the_load_generator(cluster: FakeCluster) -> None:
    assert sent(cluster, f"http://127.0.0.1:{free_port()}/", requests=3)["errors"] == {"refused": 3}
    with Server(lambda seen: Reply(reset=True, raw=b"")) as server:
        errors = sent(cluster, server.url("/"), requests=2)["errors"]
    assert sum(errors.values()) == 2
    assert set(errors) <= {"reset", "closed"}


def test_a_curl_that_says_less_is_an_error(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mesh_call, "run_in_pod", lambda *_a, **_k: "curl: unknown option\n")
    with pytest.raises(ClusterError, match="curl reported 0 of 2 requests"):
        sent(cluster, "http://x/", requests=2)


def test_without_a_pod_nothing_is_sent(cluster: FakeCluster) -> None:
    with pytest.raises(NotFound, match="No pod of default with the labels app=gone is ready"):
        sent(cluster, "http://x/", pods="app=gone")
