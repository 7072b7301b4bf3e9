# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job as its user sees it: a report that is complete, a URL that answers, traffic that arrived."""

from __future__ import annotations

import stat
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster

FIELDS = {
    "name", "gateway_url", "browser_url", "ingress_host", "ingress_port", "secure_ingress_port", "versions", "pods",
    "traffic", "prometheus", "scenarios", "timings", "stand_ins",
}  # fmt: skip


@pytest.fixture(scope="session")
def cluster(lab_folder: Path) -> Cluster:
    """The lab's API, through the kubeconfig that the run left on this machine."""
    return Cluster(str(lab_folder / "kubeconfig"))


def test_report_is_complete(report: dict[str, Any], reports: list[dict[str, Any]]) -> None:
    assert report["schema"]
    for host in reports:
        assert set(host) >= FIELDS
        assert all(host[field] for field in ("gateway_url", "browser_url", "ingress_host", "ingress_port", "versions"))


def test_private_files_are_private(lab_folder: Path) -> None:
    for name in ("kubeconfig", "report.json", "report.html"):
        assert stat.S_IMODE((lab_folder / name).stat().st_mode) == 0o600, name


def test_every_request_was_answered_and_counted(reports: list[dict[str, Any]]) -> None:
    for host in reports:
        sent = host["traffic"]["sent"]
        assert sent >= 100
        assert host["traffic"]["status"] == {"200": sent}
        assert host["prometheus"]["requests_after"] - host["prometheus"]["requests_before"] >= sent


def test_browser_url_shows_the_bookstore_from_outside(reports: list[dict[str, Any]]) -> None:
    for host in reports:
        assert host["browser_url"].startswith("http"), f"not a URL: {host['browser_url']}"
        with urllib.request.urlopen(host["browser_url"], timeout=10) as answer:
            assert answer.status == 200
            assert b"<title>Simple Bookstore App</title>" in answer.read()


def test_bookinfo_runs_three_replicas_of_each_deployment(cluster: Cluster) -> None:
    deployments = {
        item["metadata"]["name"]: item["status"] for item in cluster.list("apps/v1", "Deployment", "tutorial")
    }
    ready = {name: status.get("readyReplicas", 0) for name, status in deployments.items()}
    assert ready == {"productpage-v1": 3, "details-v1": 3, "ratings-v1": 3, "reviews-v1": 3, "sleep": 1}


def test_every_pod_of_the_tutorial_has_its_sidecar(cluster: Cluster) -> None:
    pods = cluster.list("v1", "Pod", "tutorial")
    assert pods
    for pod in pods:
        containers = pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
        assert "istio-proxy" in {container["name"] for container in containers}, pod["metadata"]["name"]


def test_istiod_rejected_no_configuration(cluster: Cluster) -> None:
    for pod in cluster.list("v1", "Pod", "istio-system", label_selector="app=istiod"):
        path = f"/api/v1/namespaces/istio-system/pods/{pod['metadata']['name']}:15014/proxy/metrics"
        metrics = cluster.raw(path).decode()
        assert "pilot_xds_pushes" in metrics
        assert "pilot_total_xds_rejects" not in metrics
