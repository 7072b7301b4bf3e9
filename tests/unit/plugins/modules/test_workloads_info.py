# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""workloads_info: the wait for everything, and the list of pods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.modules import workloads_info
from tests.unit.plugins.fake_cluster import FakeCluster


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, dict[str, Any]]:
    with patch_module_args({"namespaces": ["tutorial"], **options}), pytest.raises(SystemExit) as ended:
        workloads_info.main()
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


def deployment(ready: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "details", "namespace": "tutorial", "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "details"}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready,
                   "availableReplicas": ready,
                   "conditions": [{"type": "Available", "status": "True" if ready else "False"}]},
    }  # fmt: skip


POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "details-1", "namespace": "tutorial"},
    "spec": {"containers": [{"name": "details", "image": "details:1"}]},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}  # fmt: skip


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(cluster: FakeCluster) -> None:
        monkeypatch.setattr(workloads_info, "Cluster", lambda _kubeconfig, _context: cluster)

    return use


def test_a_finished_lab(capsys: pytest.CaptureFixture[str], use: Any) -> None:
    use(FakeCluster(deployment(1), POD))
    code, result = run(capsys)
    assert (code, result["changed"], result["cluster_exists"]) == (0, False, True)
    assert [pod["name"] for pod in result["pods"]] == ["details-1"]
    assert result["seconds"] < 2


def test_a_workload_that_does_not_become_ready(capsys: pytest.CaptureFixture[str], use: Any) -> None:
    use(FakeCluster(deployment(0), POD))
    code, result = run(capsys, wait_timeout=0.5)
    assert code == 1
    assert "details" in json.dumps(result["pending"])


@pytest.mark.parametrize("options", [{"wait": False}, {"_ansible_check_mode": True}])
def test_nothing_is_waited_for(capsys: pytest.CaptureFixture[str], use: Any, options: dict[str, Any]) -> None:
    use(FakeCluster(deployment(0), POD))
    code, result = run(capsys, **options)
    assert (code, len(result["pods"]), result["seconds"]) == (0, 1, 0.0)


def test_no_cluster(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "config")
    code, result = run(capsys, kubeconfig=missing, _ansible_check_mode=True)
    assert (code, result["cluster_exists"], result["pods"]) == (0, False, [])
    code, result = run(capsys, kubeconfig=missing)
    assert code == 1
    assert result["msg"].startswith(f"The kubeconfig {missing} cannot be used")


def test_a_bare_host(no_kubernetes: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(capsys, _ansible_check_mode=True)
    assert (code, result["cluster_exists"]) == (0, False)
    code, result = run(capsys)
    assert code == 1
    assert "PyYAML" in result["msg"]
