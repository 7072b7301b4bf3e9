# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode ends well where no cluster can be asked, and does not take a stopped one for an empty one."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import (
    _addon_health,
    _gateway_url,
    _istio_tag_task,
    _istio_task,
    _manifests,
    _prometheus,
    _sidecars_task,
)
from ansible_collections.meshlab.istio.plugins.module_utils._errors import NotYet, Unreachable
from ansible_collections.meshlab.istio.plugins.modules import (
    addons_info,
    gateway_url_info,
    istioctl_install,
    istioctl_tag,
    manifests,
    prometheus_query_info,
    sidecars,
    workloads_info,
)
from tests.unit.plugins.fake_istioctl import FakeIstioctl, few

SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}
ASKING: list[tuple[ModuleType, ModuleType, dict[str, Any]]] = [
    (manifests, _manifests, {"definition": SETTINGS, "wait_timeout": 0}),
    (manifests, _manifests, {"definition": SETTINGS, "state": "absent", "prune": "lab", "wait_timeout": 0}),
    (manifests, _manifests, {"prune": "lab", "state": "absent", "wait_timeout": 0}),
    (istioctl_install, _istio_task, {}),
    (istioctl_install, _istio_task, {"state": "absent", "purge": True}),
    (workloads_info, workloads_info, {"namespaces": ["default"]}),
    (addons_info, _addon_health, {"names": ["kiali"], "timeout": 0}),
    (prometheus_query_info, _prometheus, {"query": "up", "timeout": 0}),
    (gateway_url_info, _gateway_url, {"timeout": 0}),
]
ALSO_ASKING: list[tuple[ModuleType, ModuleType, dict[str, Any]]] = [
    (sidecars, _sidecars_task, {"namespaces": ["default"]}),
    (istioctl_tag, _istio_tag_task, {"name": "prod", "state": "absent"}),
]
DOWN = "No Kubernetes API answers at https://stand-in:6443: Connection refused."


class Stopped:
    """A cluster of which the kubeconfig is there; ``startable`` is minikube's."""

    def __init__(self, *, startable: bool = True) -> None:
        self.startable = startable

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(*_arguments: Any, **_more: Any) -> Any:
            raise Unreachable(DOWN)

        return refuse


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """Run a module; return its result with its warnings."""
    monkeypatch.setenv("HOME", str(tmp_path))
    fake = FakeIstioctl(tmp_path / "i")
    fake.manifests(few())
    warned: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: warned.append(text))

    def run(module: ModuleType, options: dict[str, Any], *, check: bool) -> dict[str, Any]:
        warned.clear()
        path = {"path": fake.path} if module is istioctl_install else {}
        with patch_module_args({**options, **path, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        return {**json.loads(capsys.readouterr().out.splitlines()[-1]), "warned": " ".join(warned)}

    return run


@pytest.mark.parametrize(("module", "place", "options"), ASKING)
def test_a_stopped_cluster_is_not_known(
    call: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    place: ModuleType,
    options: dict[str, Any],
) -> None:
    monkeypatch.setattr(place, "Cluster", lambda _kubeconfig, _context: Stopped())
    result = call(module, options, check=True)
    assert "failed" not in result, result["msg"]
    assert result["cluster_exists"] is False
    assert result["changed"] is (module in (manifests, istioctl_install) and "state" not in options)
    assert "is not known" in result["warned"]
    assert DOWN in result["warned"]
    assert "There is nothing" not in result["warned"]
    assert call(module, options, check=False)["failed"] is True


@pytest.mark.parametrize(("module", "place", "options"), [*ASKING, *ALSO_ASKING])
def test_a_stopped_cluster_that_no_task_would_start_fails_in_check_mode_too(
    call: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    place: ModuleType,
    options: dict[str, Any],
) -> None:
    monkeypatch.setattr(place, "Cluster", lambda _kubeconfig, _context: Stopped(startable=False))
    predicted = call(module, options, check=True)
    assert (predicted.get("failed"), predicted.get("changed", False)) == (True, False)
    assert DOWN in predicted["msg"]
    assert call(module, options, check=False)["failed"] is True


@pytest.mark.parametrize(("module", "place", "options"), ASKING)
def test_a_cluster_that_is_still_to_come_is_empty(
    call: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    place: ModuleType,
    options: dict[str, Any],
) -> None:
    def none(_kubeconfig: str, _context: str) -> None:
        raise NotYet("The kubeconfig cannot be used.")

    monkeypatch.setattr(place, "Cluster", none)
    result = call(module, options, check=True)
    assert "failed" not in result, result["msg"]
    assert result["cluster_exists"] is False
    assert result["changed"] is (module in (manifests, istioctl_install) and "state" not in options)
    assert "is not known" not in result["warned"]
    assert call(module, options, check=False)["failed"] is True


@pytest.mark.usefixtures("no_kubernetes")
@pytest.mark.parametrize(("module", "options"), [(module, options) for module, _place, options in ASKING])
def test_a_host_without_libraries_passes(
    call: Callable[..., dict[str, Any]], module: ModuleType, options: dict[str, Any]
) -> None:
    result = call(module, options, check=True)
    assert "failed" not in result, result["msg"]
    assert result["cluster_exists"] is False
    assert "is not known" not in result["warned"]
