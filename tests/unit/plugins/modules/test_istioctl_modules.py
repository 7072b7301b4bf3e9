# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules istioctl_install and istioctl_analyze_info: options, documentation, results, check mode."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_task as task
from ansible_collections.meshlab.istio.plugins.module_utils._errors import Unreachable
from ansible_collections.meshlab.istio.plugins.modules import istioctl_analyze_info, istioctl_install
from tests.unit.plugins.fake_cluster import FakeCluster
from tests.unit.plugins.fake_istioctl import FIXTURES, FakeIstioctl, few, installed, without_nulls


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeIstioctl:
    monkeypatch.setenv("HOME", str(tmp_path))
    fake = FakeIstioctl(tmp_path / "i")
    fake.manifests(few())
    return fake


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    cluster = FakeCluster()
    cluster.defaults = without_nulls
    monkeypatch.setattr(task, "Cluster", lambda _kubeconfig, _context: cluster)
    return cluster


@pytest.fixture
def lab(fake: FakeIstioctl, cluster: FakeCluster) -> FakeCluster:
    installed(cluster, plans.make(fake.tool(), cluster, operators.build()).objects)  # type: ignore[arg-type]
    cluster.writes.clear()
    return cluster


def call(module: ModuleType, capsys: pytest.CaptureFixture[str], check: bool = False, **options: Any) -> dict[str, Any]:
    """Run a module in this process; return its result."""
    arguments = {**options, "_ansible_check_mode": check, "_ansible_remote_tmp": "/tmp"}  # noqa: S108
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


def install(capsys: pytest.CaptureFixture[str], fake: FakeIstioctl, check: bool = False, **more: Any) -> dict[str, Any]:
    return call(istioctl_install, capsys, check, path=fake.path, **more)


def test_no_change(lab: FakeCluster, fake: FakeIstioctl, capsys: pytest.CaptureFixture[str]) -> None:
    result = install(capsys, fake, profile="demo")
    assert (result["changed"], result["installed"], result["cluster_exists"]) == (False, True, True)
    assert (result["before"], result["after"], result["changed_objects"], result["diff"]) == ({}, {}, [], [])
    assert (result["version"], result["istioctl_version"], result["revision"]) == ("1.31.0-dev",) * 2 + ("default",)
    assert (result["running"], result["joined"], result["leftovers"]) == (False, False, [])
    assert [row["rc"] for row in result["commands"]] == [0, 0, 0]
    assert fake.calls("install") == []
    assert lab.writes == []


def test_check_mode_predicts_and_writes_nothing(
    cluster: FakeCluster, fake: FakeIstioctl, capsys: pytest.CaptureFixture[str]
) -> None:
    predicted = install(capsys, fake, check=True)
    assert (predicted["changed"], predicted["installed"]) == (True, False)
    assert cluster.writes == []
    assert fake.calls("install") == []
    real = install(capsys, fake, wait_for="none")
    for key in ("before", "after", "changed_objects", "diff", "changed"):
        assert predicted[key] == real[key], key
    assert real["installed"] is True
    assert [row["cmd"].split()[1] for row in real["commands"]] == ["version", "manifest", "tag", "install"]


def test_a_run_that_was_joined_changed_nothing_itself(
    lab: FakeCluster, fake: FakeIstioctl, capsys: pytest.CaptureFixture[str]
) -> None:
    live = lab.get("apps/v1", "Deployment", "istiod", "istio-system")
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "edited"
    lab.put(live)
    fake.answer("install", until="go")
    first = install(capsys, fake, wait_for="none")
    second = install(capsys, fake, wait_for="none")
    (fake.directory / "go").touch()
    assert (first["changed"], first["running"], first["joined"]) == (True, True, False)
    assert (second["changed"], second["running"], second["joined"]) == (False, True, True)
    assert second["changed_objects"] == []


@pytest.mark.usefixtures("cluster")
def test_a_failure_says_what_and_why(fake: FakeIstioctl, capsys: pytest.CaptureFixture[str]) -> None:
    fake.answer("manifest generate", stderr="Error: spec is wrong\n", rc=1)
    result = install(capsys, fake)
    assert result["failed"] is True
    assert "spec is wrong" in result["msg"]
    assert result["rc"] == 1


def no_cluster(_kubeconfig: str, _context: str) -> None:
    raise Unreachable("The kubeconfig cannot be used.")


def test_without_a_cluster_check_mode_shows_all_of_it(
    fake: FakeIstioctl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(task, "Cluster", no_cluster)
    result = install(capsys, fake, check=True, profile="demo")
    assert (result["changed"], result["cluster_exists"], result["installed"]) == (True, False, False)
    assert len(result["after"]) == len(few())
    assert result["istioctl_version"] == "1.31.0-dev"
    assert result["seconds"] >= 0
    assert install(capsys, fake)["failed"] is True
    removed = install(capsys, fake, check=True, state="absent")
    assert (removed["changed"], removed["cluster_exists"]) == (False, False)
    assert install(capsys, fake, state="absent")["failed"] is True


@pytest.mark.parametrize("lacks", ["istioctl", "libraries"])
def test_a_bare_host_passes_check_mode(
    lacks: str,
    fake: FakeIstioctl,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(task, "Cluster", no_cluster)
    path = fake.path
    if lacks == "istioctl":
        path = "/nowhere/istioctl"
    else:
        request.getfixturevalue("no_kubernetes")
    result = call(istioctl_install, capsys, True, path=path, profile="demo", set=["a.b=1"])
    assert (result["changed"], result["cluster_exists"]) == (True, False)
    assert result["after"]["IstioOperator default"][""]["spec"] == {"profile": "demo", "set": ["a.b=1"]}
    if lacks == "istioctl":
        assert "failed" in call(istioctl_install, capsys, False, path=path)
    else:
        absent = call(istioctl_install, capsys, True, path=path, state="absent")
        assert (absent["changed"], absent["changed_objects"]) == (False, [])


def test_absent_predicts_removes_and_is_done(
    lab: FakeCluster, fake: FakeIstioctl, capsys: pytest.CaptureFixture[str]
) -> None:
    predicted = install(capsys, fake, check=True, state="absent")
    assert predicted["installed"] is True
    assert lab.writes == []
    real = install(capsys, fake, state="absent")
    assert predicted["removed"] == real["removed"] != []
    assert (real["changed"], real["installed"], real["version"]) == (True, False, "1.31.0-dev")
    again = install(capsys, fake, state="absent")
    assert (again["changed"], again["removed"], again["left_behind"]) == (False, [], ["Namespace istio-system"])


def test_analyze(fake: FakeIstioctl, capsys: pytest.CaptureFixture[str]) -> None:
    fake.answer("analyze", (FIXTURES / "analyze.json").read_text())
    result = call(istioctl_analyze_info, capsys, True, path=fake.path, namespace="tut")
    assert (result["changed"], len(result["findings"])) == (False, 3)
    result = call(istioctl_analyze_info, capsys, path=fake.path, failure_threshold="Error")
    assert result["failed"] is True
    assert len(result["findings"]) == 3
    assert call(istioctl_analyze_info, capsys, path=fake.path, use_kube=False)["failed"] is True
    assert call(istioctl_analyze_info, capsys, path=fake.path, namespace="a", all_namespaces=True)["failed"] is True


SHARED = {"kubeconfig", "context", "progress_file"}


@pytest.mark.parametrize("module", [istioctl_install, istioctl_analyze_info])
def test_documentation_and_argument_spec_agree(module: ModuleType) -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    spec = {name: option for name, option in module.ARGUMENTS.items() if name not in SHARED}
    assert set(documented) == set(spec)
    for name, option in spec.items():
        for key in ("type", "default", "choices", "elements"):
            assert documented[name].get(key) == option.get(key), (name, key)
    for example in yaml.safe_load(module.EXAMPLES):
        (action,) = [key for key in example if key.startswith("meshlab.istio.")]
        assert set(example[action]) <= set(module.ARGUMENTS)


def test_every_returned_value_is_documented(
    lab: FakeCluster, fake: FakeIstioctl, capsys: pytest.CaptureFixture[str]
) -> None:
    documented = set(yaml.safe_load(istioctl_install.RETURN)) | {"changed", "invocation", "warnings"}
    assert lab.objects
    for state in ("present", "absent"):
        assert set(install(capsys, fake, state=state)) <= documented


def test_an_istio_of_somebody_else_is_not_removed(
    fake: FakeIstioctl, lab: FakeCluster, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Such as that of another cluster than the lab's, whose context teardown was not given."""
    kube_system = lab.find("v1", "Namespace", "kube-system")
    if kube_system is None:
        lab.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    purge = {"state": "absent", "purge": True, "remove_user_resources": True}
    for check in (True, False):
        refused = install(capsys, fake, check, adopt=False, **purge)
        assert refused["foreign"] is True
        assert "This user never installed Istio into this cluster from here" in refused["msg"]
        assert "istio_adopt=true" in refused["msg"]
    assert lab.find("apps/v1", "Deployment", "istiod", "istio-system") is not None
    uid = lab.get("v1", "Namespace", "kube-system")["metadata"]["uid"]
    (tmp_path / ".local/share/meshlab/istioctl" / uid / "operator.yaml").write_text("{}")
    assert install(capsys, fake, True, adopt=False, **purge)["changed"]
    (tmp_path / ".local/share/meshlab/istioctl" / uid / "operator.yaml").unlink()
    assert install(capsys, fake, True, **purge)["changed"], "the module alone does as it is told"
    assert not install(capsys, fake, adopt=False, state="absent", revision="none")["changed"]
