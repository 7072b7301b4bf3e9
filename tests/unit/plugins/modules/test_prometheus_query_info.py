# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""prometheus_query_info as Ansible runs it. The answers have the form that Prometheus 3.10 gives."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _prometheus
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable
from ansible_collections.meshlab.istio.plugins.modules import prometheus_query_info
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]
PATH = "/api/v1/namespaces/istio-system/services/prometheus:9090/proxy/api/v1/query"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    monkeypatch.setattr(_prometheus, "POLL_SECONDS", 0.01)
    stand_in = FakeCluster()
    monkeypatch.setattr(_prometheus, "Cluster", lambda kubeconfig, context: stand_in)
    return stand_in


def run(capsys: pytest.CaptureFixture[str], *, check: bool = False, **options: Any) -> Object:
    arguments = {"query": "sum(up)", "timeout": 0.2, **options, "_ansible_check_mode": check}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        prometheus_query_info.main()
    result: Object = json.loads(capsys.readouterr().out)
    return result


def vector(*values: str, **labels: str) -> Object:
    samples = [
        {"metric": {**labels, "n": str(number)}, "value": [1763920000.0, value]} for number, value in enumerate(values)
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": samples}}


def test_one_value(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Object] = []
    cluster.answers[PATH] = lambda query: (asked.append(dict(query)), vector("134", job="a"))[1]
    result = run(capsys)
    assert result["result"] == [{"labels": {"job": "a", "n": "0"}, "value": 134.0}]
    assert (result["value"], result["changed"], result["cluster_exists"]) == (134.0, False, True)
    assert asked == [{"query": "sum(up)"}]


@pytest.mark.parametrize(
    ("data", "result", "value"),
    [
        ({"resultType": "scalar", "result": [1.0, "2.5"]}, [{"labels": {}, "value": 2.5}], 2.5),
        ({"resultType": "vector", "result": []}, [], None),
        (vector("1", "2")["data"],
         [{"labels": {"n": "0"}, "value": 1.0}, {"labels": {"n": "1"}, "value": 2.0}], None),
        (vector("NaN")["data"], [{"labels": {"n": "0"}, "value": None}], None),
        (vector("+Inf")["data"], [{"labels": {"n": "0"}, "value": None}], None),
        ({"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1.0, "2"], [2.0, "3"]]}]},
         [{"labels": {"a": "b"}, "values": [[1.0, 2.0], [2.0, 3.0]]}], None),
    ],
)  # fmt: skip
def test_other_results(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], data: Object, result: list[Object], value: float | None
) -> None:
    cluster.answers[PATH] = {"status": "success", "data": data}
    found = run(capsys)
    assert (found["result"], found["value"]) == (result, value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"data": {"resultType": "string", "result": [1.0, "hello"]}}, "sum(up) is a text in PromQL"),
        ({"data": {"resultType": "scalar", "result": [1.0]}}, "is no Prometheus"),
        ({"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, "x"]}]}}, "is no Prometheus"),
        ({"version": 1}, "What answers at service istio-system/prometheus:9090 is no Prometheus"),
        ([1], "is no Prometheus"),
    ],
)
def test_what_is_no_number(cluster: FakeCluster, capsys: pytest.CaptureFixture[str], answer: Any, words: str) -> None:
    cluster.answers[PATH] = answer
    result = run(capsys, timeout=60)
    assert result["failed"] is True
    assert words in result["msg"]


@pytest.mark.parametrize("service", ["..", "a/../../secrets", "a:80/proxy", "a?b", ""])
def test_a_service_is_no_path(cluster: FakeCluster, capsys: pytest.CaptureFixture[str], service: str) -> None:
    assert "cannot be the name of a service" in run(capsys, service=service, timeout=60)["msg"]
    assert "cannot be the name of a namespace" in run(capsys, namespace="../kube-system", timeout=60)["msg"]
    assert cluster.requests == []


def test_it_waits_until_the_value_is_there(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    values = iter(["33", "80", "133", "200"])
    cluster.answers[PATH] = lambda _query: vector(next(values))
    result = run(capsys, relation=">=", bound=133, timeout=5)
    assert result["value"] == 133.0
    assert next(values) == "200", "it asked no more than it had to"


def test_a_service_that_is_only_coming_up(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([
        ClusterError("no endpoints available for service", status=503),
        ClusterError("not there", status=404),
        Unreachable("nobody there"),
        vector("1"),
    ])  # fmt: skip
    cluster.answers[PATH] = lambda _query: next(answers)
    assert run(capsys, timeout=5)["value"] == 1.0
    cluster.answers[PATH] = ClusterError("no endpoints available", status=503)
    assert run(capsys)["msg"] == (
        "Prometheus at service istio-system/prometheus:9090 did not answer within 0.2 s: no endpoints available"
    )


def test_the_time_is_up(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.answers[PATH] = vector("99")
    result = run(capsys, relation=">=", bound=100)
    assert result["msg"].startswith("sum(up) was 99.0, not >= 100, after 0.2 s.")
    assert result["value"] == 99.0
    cluster.answers[PATH] = vector()
    assert run(capsys, relation="==", bound=0)["msg"].startswith("sum(up) was no value, not == 0")


def test_what_cannot_be_asked(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.answers[PATH] = ClusterError("parse error: unexpected end of input", status=400)
    assert (
        run(capsys, timeout=60)["msg"] == "Prometheus refuses the query 'sum(up)': parse error: unexpected end of input"
    )
    cluster.answers[PATH] = vector("1", "2")
    assert "cannot be compared with one bound" in run(capsys, relation=">", bound=1, timeout=60)["msg"]
    assert "must be a number" in run(capsys, relation=">", bound="much")["msg"]
    assert "relation" in run(capsys, bound=1)["msg"]


def test_check_mode_asks_but_does_not_wait(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.answers[PATH] = vector("1")
    assert run(capsys, check=True, relation=">", bound=5, timeout=60)["value"] == 1.0

    def no_cluster(_kubeconfig: str | None, _context: str | None) -> FakeCluster:
        raise Unreachable("no kubeconfig")

    monkeypatch.setattr(_prometheus, "Cluster", no_cluster)
    result = run(capsys, check=True)
    assert (result["value"], result["cluster_exists"]) == (None, False)
    assert run(capsys)["msg"] == "no kubeconfig"


def test_service_and_port_are_options(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.answers["/api/v1/namespaces/monitoring/services/prom:http/proxy/api/v1/query"] = vector("7")
    assert run(capsys, namespace="monitoring", service="prom", port="http")["value"] == 7.0
    assert math.isclose(run(capsys, namespace="monitoring", service="prom", port="http")["waited"], 0, abs_tol=0.1)


def test_examples_are_arguments_of_the_module() -> None:
    options = yaml.safe_load(prometheus_query_info.DOCUMENTATION)["options"]
    for example in yaml.safe_load(prometheus_query_info.EXAMPLES):
        assert set(example["meshlab.istio.prometheus_query_info"]) <= set(options)
