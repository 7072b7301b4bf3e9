# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What proxies say of themselves, from answers recorded on a lab (Envoy 1.40.0)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _proxy_admin
from ansible_collections.meshlab.istio.plugins.module_utils._errors import NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._proxy_admin import certificates, clusters, compared
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

FIXTURES = Path(__file__).parent / "fixtures" / "mesh"


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def pod(name: str, *containers: str, ready: str = "True") -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "tutorial"},
        "spec": {"containers": [{"name": "app"}], "initContainers": [{"name": each} for each in containers]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }  # fmt: skip


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    def run(_cluster: Any, _namespace: str, pod: str, container: str, command: list[str]) -> str:
        assert container == "istio-proxy"
        assert pod in ("a", "b"), "only ready pods with a proxy can be asked"
        return json.dumps(recorded({"clusters?format=json": "clusters", "certs": "certs"}[command[-1]]))

    monkeypatch.setattr(_proxy_admin, "run_in_pod", run)
    return FakeCluster(
        pod("a", "istio-proxy"), pod("b", "istio-proxy"), pod("bare"), pod("starting", "istio-proxy", ready="False")
    )


def test_endpoints_and_requests_are_added_up(cluster: FakeCluster) -> None:
    found = clusters(cluster, "tutorial", "", "outbound|9080||ratings.")  # type: ignore[arg-type]
    assert found == {"proxies": 2, "endpoints": 3, "ejected": 0, "rq_total": 0, "rq_success": 0, "rq_error": 0}


def test_counters_and_ejected_endpoints(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = recorded("clusters")
    host = next(each for each in answer["cluster_statuses"] if "ratings" in each["name"])["host_statuses"][0]
    host["health_status"]["failed_outlier_check"] = True
    host["stats"] = [{"name": "rq_total", "value": "12"}, {"name": "rq_error", "value": "5"}, {"name": "cx_total"}]
    monkeypatch.setattr(_proxy_admin, "run_in_pod", lambda *_a: json.dumps(answer))
    found = clusters(cluster, "tutorial", "", "outbound|9080||ratings.")  # type: ignore[arg-type]
    assert found == {"proxies": 2, "endpoints": 3, "ejected": 1, "rq_total": 24, "rq_success": 0, "rq_error": 10}


def test_certificates_are_compared_by_serial_and_root(cluster: FakeCluster) -> None:
    then = certificates(cluster, "tutorial", "")  # type: ignore[arg-type]
    assert then["a"]["identity"] == "spiffe://cluster.local/ns/tutorial/sa/sleep"
    assert len(then["a"]["serial"]) == len(then["a"]["root"]) == 32
    now = copy.deepcopy(then)
    now["a"]["serial"], now["b"]["root"], now["new"] = "01", "02", dict(then["a"])
    assert compared(now, then) == {
        "proxies": 3, "serials": 2, "identities": {"spiffe://cluster.local/ns/tutorial/sa/sleep": 3},
        "renewed": 1, "kept": 1, "new_roots": 1,
    }  # fmt: skip


def test_without_a_proxy_nothing_is_asked() -> None:
    with pytest.raises(NotFound, match="is ready and has a proxy"):
        clusters(FakeCluster(pod("bare")), "tutorial", "app=x", "")  # type: ignore[arg-type]
