# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""service_graph_info as Ansible runs it, on a stand-in of a Prometheus that scrapes one pod after the other."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _prometheus
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, InputError, WaitError
from ansible_collections.meshlab.istio.plugins.module_utils._graph import NOW, QUERY
from ansible_collections.meshlab.istio.plugins.modules import service_graph_info
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]
PATH = "/api/v1/namespaces/istio-system/services/prometheus:9090/proxy/api/v1/query"
TARGETS = "/api/v1/namespaces/istio-system/services/prometheus:9090/proxy/api/v1/targets"
KIALI = "/api/v1/namespaces/istio-system/services/kiali:20001/proxy/kiali/api/namespaces/graph"
COUNT = "sum(requests)"
EDGES = (("gateway", "productpage"), ("productpage", "reviews"))


class Scrapes:
    """A Prometheus whose clock ticks each time it is asked; it scrapes productpage three ticks after the gateway."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.asked: list[str] = []
        self.lookbacks: set[str | None] = set()
        self.last = {"gateway": 990.0, "productpage": 991.0}
        self.counted = {"gateway": 10, "productpage": 10}
        self.next = {"gateway": 1004.0, "productpage": 1007.0}

    def tick(self) -> None:
        """Let a second go by."""
        self.clock += 1
        for pod, tick in self.next.items():
            if self.clock >= tick:
                self.last[pod], self.counted[pod] = tick, 110

    def targets(self, query: Object) -> Object:
        """List the targets as Prometheus 3.10 does, one that is no pod and never was scraped among them."""
        assert query == {"state": "active"}
        self.tick()
        times = {pod: time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(at)) for pod, at in self.last.items()}
        pods = [
            {
                "labels": {"pod": pod},
                "lastScrape": at,
                "lastError": "",
                "scrapeUrl": f"http://{pod}/metrics",
                "scrapeInterval": "1m15s",
            }
            for pod, at in times.items()
        ]
        return {"data": {"activeTargets": [*pods, {"labels": {}, "lastScrape": "0001-01-01T00:00:00Z"}]}}

    def answer(self, query: Object) -> Object:
        self.tick()
        self.asked.append(query["query"])
        self.lookbacks.add(query.get("lookback_delta"))
        return {"data": {"resultType": "vector", "result": self._result(query["query"])}}

    def _result(self, query: str) -> list[Object]:
        if query == QUERY:
            return [
                {"metric": {"instance": f"{source}:15020", "source_app": source, "destination_service_name": to,
                            "response_code": "200"},
                 "value": [0, str(self.counted[source])]}
                for source, to in EDGES
            ]  # fmt: skip
        value = {NOW: self.clock, COUNT: self.counted["gateway"]}[query]
        return [{"metric": {}, "value": [0, str(value)]}]


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def scrapes(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster) -> Scrapes:
    stand_in, found = cluster, Scrapes()
    stand_in.answers[PATH], stand_in.answers[TARGETS] = found.answer, found.targets
    monkeypatch.setattr(_prometheus, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(service_graph_info, "Cluster", lambda kubeconfig, context: stand_in)
    return found


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> Object:
    with patch_module_args({"query": COUNT, **options}), pytest.raises(SystemExit):
        service_graph_info.main()
    result: Object = json.loads(capsys.readouterr().out)
    return result


def requests(result: Object) -> dict[str, float]:
    return {edge["source"]: edge["requests"] for edge in result["edges"]}


def test_without_a_bound_the_graph_is_the_one_of_now(scrapes: Scrapes, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys)
    assert (result["value"], result["changed"], requests(result)) == (10.0, False, {"gateway": 10, "productpage": 10})
    assert scrapes.asked == [COUNT, QUERY, NOW]
    assert scrapes.lookbacks == {"225s"}
    assert (result["seconds"], result["kiali"]) == (None, None)


def test_the_graph_after_traffic_has_what_every_pod_counted(
    scrapes: Scrapes, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gateway's count is there three ticks before productpage's."""
    result = run(capsys, bound=110, timeout=30)
    assert (result["value"], requests(result)) == (110.0, {"gateway": 110, "productpage": 110})


def test_in_check_mode_nothing_is_waited_for(scrapes: Scrapes, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, bound=110, _ansible_check_mode=True)["value"] == 10.0


def test_a_pod_that_is_not_scraped_in_time_is_said(scrapes: Scrapes, capsys: pytest.CaptureFixture[str]) -> None:
    scrapes.next["productpage"] = 10.0**9
    result = run(capsys, bound=110, timeout=0.1)
    assert result["failed"]
    assert (
        "not scraped 1 of its pods within 0.1 s, among them productpage (http://productpage/metrics)" in result["msg"]
    )
    assert "value" not in result


@pytest.mark.parametrize(
    "targets", [[], [{"labels": {"pod": "a"}}], [{"labels": {"job": "a"}, "scrapeInterval": "9s"}]]
)
def test_where_no_pod_tells_its_interval_prometheus_looks_back_as_ever(
    scrapes: Scrapes, cluster: FakeCluster, capsys: pytest.CaptureFixture[str], targets: list[Object]
) -> None:
    cluster.answers[TARGETS] = {"data": {"activeTargets": targets}}
    run(capsys)
    assert scrapes.lookbacks == {None}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-25T21:57:22.89307573Z", 1795643842.893),
        ("2026-11-25T22:57:22+01:00", 1795643842.0),
        ("0001-01-01T00:00:00Z", 0.0),
    ],
)
def test_a_time_as_go_writes_it(cluster: FakeCluster, scrapes: Scrapes, text: str, seconds: float) -> None:
    target = {"labels": {"pod": "a"}, "lastScrape": text, "lastError": "context deadline exceeded"}
    cluster.answers[TARGETS] = {"data": {"activeTargets": [target]}}
    options = {"namespace": "istio-system", "service": "prometheus", "port": 9090, "timeout": 0.0}
    assert _prometheus.scraped(cluster, options, seconds - 0.1) >= 0  # type: ignore[arg-type]
    with pytest.raises(WaitError, match=r"a \(context deadline exceeded\)"):
        _prometheus.scraped(cluster, options, seconds + 0.1)  # type: ignore[arg-type]


def test_a_time_that_is_none_is_an_error(cluster: FakeCluster, scrapes: Scrapes) -> None:
    cluster.answers[TARGETS] = {"data": {"activeTargets": [{"labels": {"pod": "a"}, "lastScrape": "soon"}]}}
    options = {"namespace": "istio-system", "service": "prometheus", "port": 9090, "timeout": 0.0}
    with pytest.raises(InputError, match="gave 'soon' as a time"):
        _prometheus.scraped(cluster, options, 0.0)  # type: ignore[arg-type]


def test_since_an_earlier_call_only_what_came_in_between(scrapes: Scrapes, capsys: pytest.CaptureFixture[str]) -> None:
    scrapes.next = {"gateway": 1011.0, "productpage": 1014.0}
    before = run(capsys)
    after = run(capsys, bound=110, timeout=30, since=before["counted"])
    assert requests(after) == {"gateway": 100, "productpage": 100}
    assert after["seconds"] == after["counted"]["at"] - before["counted"]["at"] > 0
    assert {edge["rate"] for edge in after["edges"]} == {round(100 / after["seconds"], 4)}
    idle = run(capsys, since=after["counted"])
    assert [sorted(edge) for edge in idle["edges"]] == [["destination", "rate", "requests", "source"]] * 2


def test_kiali_is_asked_for_the_last_minute_of_a_namespace(
    scrapes: Scrapes, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Object] = []

    def answer(query: Object) -> Object:
        asked.append(query)
        return {"elements": {"nodes": [{"data": {"nodeType": "app"}}], "edges": []}}

    cluster.answers[KIALI] = answer
    assert run(capsys, kiali_namespace="tutorial")["kiali"] == {"nodes": 1, "edges": 0}
    assert asked == [{"namespaces": "tutorial", "graphType": "versionedApp", "duration": "60s"}]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ClusterError("The API server answered 403 (Forbidden)", status=403), "answered 403"),
        ({"error": "At least one namespace"}, "not one of Kiali's API"),
        (b"<html>a login page</html>", "not one of Kiali's API"),
        ([], "not one of Kiali's API"),
    ],
)
def test_that_kiali_does_not_answer_is_no_failure(
    scrapes: Scrapes, cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    answer: Any, why: str,
) -> None:  # fmt: skip
    said: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text, **_more: said.append(text))
    cluster.answers[KIALI] = answer
    result = run(capsys, kiali_namespace="tutorial")
    assert (result["kiali"], requests(result)) == (None, {"gateway": 10, "productpage": 10})
    assert len(said) == 1
    assert why in said[0]
