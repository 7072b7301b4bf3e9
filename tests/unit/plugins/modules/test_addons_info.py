# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""addons_info as Ansible runs it, on a stand-in of the cluster; the answers have the form of each addon's own API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _addon_health, _tracing
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, NotFound, Unreachable
from ansible_collections.meshlab.istio.plugins.module_utils._http import Answer, HttpError, Target
from ansible_collections.meshlab.istio.plugins.modules import addons_info
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]
SERVICES = "/api/v1/namespaces/istio-system/services/"
UP = f"{SERVICES}prometheus:9090/proxy/api/v1/targets"
LOKI = f"{SERVICES}loki:3100/proxy"
KIALI = f"{SERVICES}kiali:20001/proxy/kiali/api/status"
JAEGER = f"{SERVICES}tracing:80/proxy/jaeger/api"
ZIPKIN = f"{SERVICES}tracing:80/proxy/api/v2"
GRAFANA = f"{SERVICES}grafana:3000/proxy/api"


def up(*targets: tuple[str, str, str]) -> Object:
    """Prometheus' answer for pods, each with its namespace and whether it is up."""
    found = [
        {"labels": {"pod": pod, "namespace": namespace, "instance": "10.0.0.1:1"},
         "health": {"1": "up", "0": "down"}[value]}
        for pod, namespace, value in targets
    ]  # fmt: skip
    return {"status": "success", "data": {"activeTargets": found}}


HEALTHY: Object = {
    UP: up(("istiod-1", "istio-system", "1"), ("mine-1", "tutorial", "0")),
    f"{LOKI}/ready": b"ready\n",
    f"{LOKI}/loki/api/v1/status/buildinfo": {"version": "3.6.5", "revision": "x"},
    KIALI: {"status": {"Kiali state": "running", "Kiali version": "v2.26.0"}, "externalServices": []},
    f"{JAEGER}/services": {"data": ["productpage.tutorial", "jaeger"], "total": 2, "errors": None},
    f"{GRAFANA}/health": {"database": "ok", "version": "12.0.1"},
    f"{GRAFANA}/datasources": [{"name": "Prometheus", "type": "prometheus"}, {"name": "Loki", "type": "loki"}],
    f"{ZIPKIN}/services": ["productpage.tutorial"],
}
FIVE = ["prometheus", "loki", "kiali", "jaeger", "grafana"]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    monkeypatch.setattr(_addon_health, "POLL_SECONDS", 0.01)
    stand_in = FakeCluster()
    stand_in.answers.update(HEALTHY)
    monkeypatch.setattr(_addon_health, "Cluster", lambda kubeconfig, context: stand_in)
    return stand_in


@pytest.fixture
def mesh(monkeypatch: pytest.MonkeyPatch) -> list[Target]:
    """The requests that were sent into the mesh, each answered 200."""
    sent: list[Target] = []

    def fetch(asked: Target) -> Answer:
        sent.append(asked)
        return Answer(200, {}, b"", 0.01)  # type: ignore[arg-type]

    monkeypatch.setattr(_tracing, "fetch", fetch)
    monkeypatch.setattr(_tracing, "AGAIN_SECONDS", 0.02)
    return sent


def run(capsys: pytest.CaptureFixture[str], names: list[str], *, check: bool = False, **options: Any) -> Object:
    arguments = {"names": names, "timeout": 0.2, **options, "_ansible_check_mode": check}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        addons_info.main()
    result: Object = json.loads(capsys.readouterr().out)
    return result


def test_all_five_are_well(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, FIVE)
    assert {each["name"]: each["says"] for each in result["addons"]} == {
        "prometheus": "1 of 2 targets up",
        "loki": "ready, version 3.6.5",
        "kiali": "running, version v2.26.0",
        "jaeger": "traces of 2 services",
        "grafana": "data sources Loki, Prometheus",
    }
    assert [each["name"] for each in result["addons"]] == FIVE
    assert all(each["ready"] and not each["stand_in"] for each in result["addons"])
    assert (result["changed"], result["trace"], result["cluster_exists"]) == (False, None, True)


@pytest.mark.parametrize(
    ("name", "path", "answer", "says"),
    [
        ("prometheus", UP, up(("istiod-1", "istio-system", "0"), ("b", "tutorial", "1")),
         "1 of its 2 targets are down: istiod-1"),
        ("prometheus", UP, up(), "it has scraped no target yet"),
        ("loki", f"{LOKI}/ready", b"Ingester not ready: waiting for 15s", "it says 'Ingester not ready"),
        ("kiali", KIALI, {"status": {"Kiali state": "starting"}}, "its state is starting"),
        ("kiali", KIALI, b"<html>a proxy's page</html>", "its answer is not one of kiali's API"),
        ("jaeger", f"{JAEGER}/services", ClusterError("no endpoints available", status=503), "no endpoints available"),
        ("zipkin", f"{ZIPKIN}/services", NotFound('services "tracing" not found'), 'services "tracing" not'),
        ("grafana", f"{GRAFANA}/datasources", [], "it has no data source"),
        ("grafana", f"{GRAFANA}/health", {"database": "failing"}, "its database is failing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], name: str, path: str, answer: Any, says: str
) -> None:
    cluster.answers[path] = answer
    result = run(capsys, [name])
    assert result["failed"]
    assert result["msg"].startswith(f"Not all addons worked after 0.2 s: {name}: {says}")
    assert [each["object"] for each in result["pending"]] == [name]
    (addon,) = run(capsys, [name], check=True)["addons"]
    assert (addon["ready"], addon["stand_in"]) == (False, False)
    assert addon["says"].startswith(says)


def test_only_what_is_not_well_is_asked_again(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"loki": 0, "kiali": 0}

    def loki(_query: Any) -> Any:
        asked["loki"] += 1
        return b"ready" if asked["loki"] > 2 else b"not yet"

    def kiali(_query: Any) -> Any:
        asked["kiali"] += 1
        return HEALTHY[KIALI]

    cluster.answers[f"{LOKI}/ready"], cluster.answers[KIALI] = loki, kiali
    assert all(each["ready"] for each in run(capsys, ["loki", "kiali"], timeout=5)["addons"])
    assert asked == {"loki": 3, "kiali": 1}


def test_a_stand_in_is_recognised(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.answers[KIALI] = {**HEALTHY[KIALI], "stand_in": True}
    cluster.answers[f"{GRAFANA}/datasources"] = [{"name": "Loki", "stand_in": True}]
    found = {each["name"]: each["stand_in"] for each in run(capsys, FIVE)["addons"]}
    assert found == {"prometheus": False, "loki": False, "kiali": True, "jaeger": False, "grafana": True}


def test_an_addon_without_a_check_is_said_and_does_not_fail(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    (addon,) = run(capsys, ["prometheus-operator"])["addons"]
    assert addon == {
        "name": "prometheus-operator", "ready": None, "says": "no check of it is known here", "stand_in": False,
    }  # fmt: skip


def test_an_addon_with_a_url_is_asked_there(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    status = 200

    def fetch(target: Target) -> Answer:
        asked.append(target.url)
        return Answer(status, {}, json.dumps(HEALTHY[UP]).encode(), 0.01)  # type: ignore[arg-type]

    monkeypatch.setattr(_addon_health._http, "fetch", fetch)
    cluster.answers.clear()
    urls = {"prometheus": "http://127.0.0.1:9090/graph", "other": "http://127.0.0.1:1"}
    assert run(capsys, ["prometheus"], urls=urls)["addons"][0]["ready"]
    assert asked == ["http://127.0.0.1:9090/api/v1/targets?state=active"]
    status = 502
    assert "prometheus: it answered 502" in run(capsys, ["prometheus"], urls=urls)["msg"].replace(
        "GET http://127.0.0.1:9090/api/v1/targets?state=active: ", ""
    )


def stored(name: str, mesh: list[Target], after: int) -> Callable[[Any], Any]:
    """Return a backend's answer for a trace, which arrives when so many requests were sent."""

    def answer(_query: Any) -> Any:
        if len(mesh) < after:
            raise NotFound("no such trace", status=404)
        if name == "jaeger":
            processes = {"p1": {"serviceName": "productpage.tutorial"}, "p2": {"serviceName": "gateway"}}
            return {"data": [{"spans": [{}, {}, {}], "processes": processes}]}
        return [{"localEndpoint": {"serviceName": "productpage.tutorial"}}, {"localEndpoint": None}]

    return answer


class Traces(dict[str, Any]):
    """Answers for the paths of traces whose ids only the module knows."""

    def __init__(self, prefix: str, answer: Callable[[Any], Any]) -> None:
        super().__init__(HEALTHY)
        self.prefix = prefix
        self.answer = answer

    def __contains__(self, path: object) -> bool:
        return str(path).startswith(self.prefix) or super().__contains__(path)

    def __missing__(self, path: str) -> Any:
        if path.startswith(self.prefix):
            return self.answer
        raise KeyError(path)


@pytest.mark.parametrize(
    ("backend", "prefix", "spans", "services"),
    [
        ("jaeger", f"{JAEGER}/traces/", 3, ["gateway", "productpage.tutorial"]),
        ("zipkin", f"{ZIPKIN}/trace/", 2, ["productpage.tutorial", "unknown"]),
    ],
)
def test_the_trace_of_a_request_is_found_by_its_id(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], mesh: list[Target], backend: str, prefix: str, spans: int,
    services: list[str],
) -> None:  # fmt: skip
    cluster.answers = Traces(prefix, stored(backend, mesh, after=2))
    result = run(capsys, [backend], trace_url="http://10.0.0.9/productpage", trace_host="shop.example", timeout=5)
    assert (result["trace"]["spans"], result["trace"]["services"]) == (spans, services)
    # The first request came too early and left no trace, so that a second one was sent.
    assert len(mesh) == 2
    headers = mesh[-1].headers
    assert headers["x-b3-traceid"] == result["trace"]["id"] != mesh[0].headers["x-b3-traceid"]
    assert headers["traceparent"] == f"00-{result['trace']['id']}-{headers['x-b3-spanid']}-01"
    assert headers["host"] == "shop.example"


def test_a_trace_counts_when_no_more_spans_arrive(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], mesh: list[Target]
) -> None:
    spans = iter([1, 4, 4, 9, 9, 9, 9])
    cluster.answers = Traces(f"{ZIPKIN}/trace/", lambda _query: [{}] * next(spans))
    assert run(capsys, ["zipkin"], trace_url="http://10.0.0.9/", timeout=5)["trace"]["spans"] == 9
    assert len(list(spans)) == 1


def test_a_trace_that_never_arrives(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], mesh: list[Target]
) -> None:
    cluster.answers = Traces(f"{ZIPKIN}/trace/", stored("zipkin", mesh, after=10**9))
    result = run(capsys, ["zipkin"], trace_url="http://10.0.0.9/productpage")
    assert f"tracing: zipkin has no trace of {len(mesh)} requests" in result["msg"]


def test_a_request_that_the_mesh_does_not_answer_is_the_reason(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(asked: Target) -> Answer:
        raise HttpError(asked, "refused", "nothing listens there")

    monkeypatch.setattr(_tracing, "fetch", refused)
    cluster.answers = Traces(f"{ZIPKIN}/trace/", stored("zipkin", [], after=1))
    assert (
        "tracing: GET http://10.0.0.9/: nothing listens there"
        in (run(capsys, ["zipkin"], trace_url="http://10.0.0.9/")["msg"])
    )


@pytest.mark.parametrize(("check", "stand_in"), [(True, False), (False, True)])
def test_no_request_is_sent_in_check_mode_or_for_a_stand_in(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], mesh: list[Target], check: bool, stand_in: bool
) -> None:
    cluster.answers[f"{JAEGER}/services"] = {"data": [], "stand_in": stand_in}
    result = run(capsys, ["jaeger"], check=check, trace_url="http://10.0.0.9/productpage")
    assert (result["trace"], mesh) == (None, [])
    assert result["addons"][0]["ready"]


def test_check_mode_without_a_cluster(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def none(kubeconfig: str | None, context: str | None) -> FakeCluster:
        raise Unreachable("no kubeconfig")

    monkeypatch.setattr(_addon_health, "Cluster", none)
    assert run(capsys, FIVE, check=True)["cluster_exists"] is False
    assert run(capsys, FIVE)["msg"] == "no kubeconfig"
