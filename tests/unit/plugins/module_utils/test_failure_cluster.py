# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster tells about a failure, read from a stand-in for the API server."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ansible_collections.meshlab.istio.plugins.module_utils import _failure_cluster as of_cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._redact import REDACTED
from tests.unit.plugins.fake_cluster import FakeCluster

KINDS = ("pods", "persistentvolumeclaims", "deployments", "statefulsets", "daemonsets")


def pod(name: str, ready: bool, *containers: dict[str, Any], arguments: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "a", "managedFields": [{}], "annotations": {
            of_cluster.LAST_APPLIED: "{}", "kept": "yes"}},
        "spec": {"containers": [{"name": "app", "env": [{"name": "DB_PASSWORD", "value": "hunter2"}]},
                                {"name": "istio-proxy", "args": list(arguments)}]},
        "status": {"phase": "Running", "containerStatuses": list(containers),
                   "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }  # fmt: skip


RUNNING = {"name": "app", "state": {"running": {}}, "restartCount": 0}
WAITING = {"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 2}
PROXY = {"name": "istio-proxy", "state": {"running": {}}, "restartCount": 0}


def cluster(*pods: dict[str, Any], **lists: list[dict[str, Any]]) -> FakeCluster:
    fake = FakeCluster()
    given = {"pods": list(pods), **lists}
    for kind in KINDS:
        root = "/api/v1" if kind in KINDS[:2] else "/apis/apps/v1"
        fake.answers[f"{root}/namespaces/a/{kind}"] = {"items": given.get(kind, [])}
    fake.answers["/api/v1/nodes"] = {"items": lists.get("nodes", [])}
    return fake


def files(source: Any, fake: FakeCluster) -> dict[str, str]:
    added: dict[str, str] = {}
    source(fake, ["a"], added.__setitem__)
    return added


def test_events_are_lines_with_the_newest_at_the_end() -> None:
    fake = FakeCluster()
    about = {"kind": "Pod", "namespace": "a", "name": "x"}
    fake.answers["/api/v1/namespaces/a/events"] = {"items": [
        {"metadata": {}, "lastTimestamp": "2026-01-02T00:00:00Z", "type": "Warning", "reason": "BackOff", "count": 7,
         "message": "Back-off\n restarting", "involvedObject": about},
        {"metadata": {}, "eventTime": "2026-01-01T00:00:00.1Z", "series": {"lastObservedTime": "2026-01-03T00:00:00Z"},
         "type": "Normal", "reason": "Newest", "involvedObject": about, "lastTimestamp": None},
        {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "reason": "Oldest", "message": "m"},
    ]}  # fmt: skip
    lines = files(of_cluster.events, fake)["events.txt"].splitlines()
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    assert lines[1] == "2026-01-02T00:00:00Z Warning BackOff Pod a/x: Back-off restarting (x7)"
    assert "Newest" in lines[2]


def test_only_what_is_not_ready_is_described() -> None:
    node = {"metadata": {"name": "n"}, "status": {"conditions": [
        {"type": "Ready", "status": "False", "message": "no network"}]}}  # fmt: skip
    claim = {"metadata": {"name": "c", "namespace": "a"}, "status": {"phase": "Pending"}}
    fake = cluster(pod("good", True, RUNNING), pod("bad", False, RUNNING),
                   persistentvolumeclaims=[claim], nodes=[node])  # fmt: skip
    fake.answers["/api/v1/namespaces/a/pods/bad/log"] = lambda query: f"log of {query['container']}".encode()
    found = files(of_cluster.unready, fake)
    assert found["not-ready.txt"].splitlines() == [
        "Node n: not ready: no network",
        "Pod a/bad: phase Running, not ready",
        "PersistentVolumeClaim a/c: phase Pending",
    ]
    assert sorted(set(found) - {"not-ready.txt"}) == [
        "a/bad.app.log", "a/persistentvolumeclaim.c.yaml", "a/pod.bad.yaml", "cluster/node.n.yaml",
    ]  # fmt: skip
    described = yaml.safe_load(found["a/pod.bad.yaml"])
    assert (described["kind"], described["metadata"]) == (
        "Pod", {"name": "bad", "namespace": "a", "annotations": {"kept": "yes"}},
    )  # fmt: skip
    assert described["spec"]["containers"][0]["env"][0]["value"] == REDACTED


def test_a_lab_in_order_says_so() -> None:
    assert files(of_cluster.unready, cluster(pod("good", True, RUNNING))) == {
        "not-ready.txt": "Everything in a is ready.\n"
    }


def test_logs_of_a_container_that_restarts_are_those_of_its_run_before() -> None:
    fake = cluster(pod("bad", False, WAITING))
    asked: list[dict[str, str]] = []

    def log(query: dict[str, str]) -> bytes:
        asked.append(query)
        return b"why it ended"

    fake.answers["/api/v1/namespaces/a/pods/bad/log"] = log
    found = files(of_cluster.unready, fake)
    assert found["a/bad.app.previous.log"] == "why it ended"
    assert "a/bad.app.log" not in found
    assert [query["previous"] for query in asked] == ["true"]


def test_a_log_that_is_refused_says_so_in_its_place() -> None:
    fake = cluster(pod("bad", False, RUNNING, PROXY))
    fake.answers["/api/v1/namespaces/a/pods/bad/log"] = ClusterError("The kubelet is gone.")
    found = files(of_cluster.unready, fake)
    assert found["a/bad.app.log"] == found["a/bad.istio-proxy.log"] == "(The kubelet is gone.)\n"


def test_proxies_of_gateways_and_of_what_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    dump = {"configs": [{"key": {"private_key": {"inline_string": "x"}}, "password": "hunter2"}]}

    def run(_cluster: Any, _namespace: str, name: str, container: str, command: list[str], **_rest: Any) -> str:
        assert (container, command[:2]) == ("istio-proxy", ["pilot-agent", "request"])
        if name == "mute":
            raise ClusterError("No exec.")
        return json.dumps(dump)

    monkeypatch.setattr(of_cluster, "run_in_pod", run)
    gateway = pod("gateway", True, PROXY, arguments=("proxy", "router"))
    sidecar = pod("sidecar", True, PROXY, arguments=("proxy", "sidecar"))
    fake = cluster(gateway, sidecar, pod("bad", False, PROXY), pod("none", False, RUNNING))
    found = files(of_cluster.proxies, fake)
    assert sorted(found) == ["a/bad.proxy-config.json", "a/gateway.proxy-config.json"]
    assert json.loads(found["a/bad.proxy-config.json"])["configs"][0]["password"] == REDACTED
    added: dict[str, str] = {}
    with pytest.raises(ClusterError, match=r"^No exec\.$"):
        of_cluster.proxies(cluster(pod("mute", False, PROXY), gateway), ["a"], added.__setitem__)
    assert list(added) == ["a/gateway.proxy-config.json"]


def test_no_environment_variable_tells_a_secret_whatever_its_name() -> None:
    named = {
        "AWS_SECRET_ACCESS_KEY": "hunter4",
        "DB_PASS": "hunter5",
        "SPRING_DATASOURCE_URL": "jdbc:mysql://db/x?user=a&password=hunter8",
        "APP_CONFIG": 'password: "hunter9 with blanks"',
        "COLOUR": "hunter10",
    }
    kept = {"ISTIO_META_CLUSTER_ID": "Kubernetes", "REPLICAS": "3", "DEBUG": "true", "WAIT": "30s", "HOST": "$(NODE)"}
    leaky = pod("leaky", False)
    leaky["spec"]["containers"][0] = {
        "name": "app",
        "args": ["--git", "https://token-hunter11@git.example/x.git"],
        "env": [{"name": name, "value": value} for name, value in {**named, **kept}.items()]
        + [{"name": "REFERENCE", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
    }
    text = files(of_cluster.unready, cluster(leaky))["a/pod.leaky.yaml"]
    assert "hunter" not in text
    assert "with blanks" not in text
    shown = {each["name"]: each.get("value") for each in yaml.safe_load(text)["spec"]["containers"][0]["env"]}
    assert shown == {**dict.fromkeys(named, REDACTED), **kept, "REFERENCE": None}
    assert "secretKeyRef" in text
