# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a revision or everything: what goes, what stays, what is refused."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_remove as removals
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, WaitError
from tests.unit.plugins.fake_cluster import FakeCluster
from tests.unit.plugins.fake_istioctl import FakeIstioctl, demo, installed, without_nulls

Object = dict[str, Any]


@pytest.fixture(scope="module")
def demo_installed(tmp_path_factory: pytest.TempPathFactory) -> FakeCluster:
    cluster = FakeCluster()
    cluster.defaults = without_nulls
    tool = FakeIstioctl(tmp_path_factory.mktemp("lab") / "i").tool()
    installed(cluster, plans.make(tool, cluster, operators.build(profile="demo")).objects)  # type: ignore[arg-type]
    return cluster


@pytest.fixture
def cluster(demo_installed: FakeCluster) -> FakeCluster:
    cluster = FakeCluster()
    cluster.objects = copy.deepcopy(demo_installed.objects)
    crd = next(obj for obj in demo() if obj["kind"] == "CustomResourceDefinition")
    cluster.teach("security.istio.io/v1", crd["spec"]["names"]["kind"])
    return cluster


def plan(cluster: FakeCluster, purge: bool = False, revision: str = "default", **more: Any) -> removals.Removal:
    return removals.plan(
        cluster, revision=revision, namespace="istio-system", purge=purge,  # type: ignore[arg-type]
        remove_user_resources=more.get("remove_user_resources", False),
    )  # fmt: skip


def go(cluster: FakeCluster, removal: removals.Removal) -> None:
    removals.carry_out(cluster, removal, 5.0, lambda _text: None)  # type: ignore[arg-type]


def policy() -> Object:
    crd = next(obj for obj in demo() if obj["kind"] == "CustomResourceDefinition")
    return {
        "apiVersion": "security.istio.io/v1", "kind": crd["spec"]["names"]["kind"],
        "metadata": {"name": "mine", "namespace": "default"},
    }  # fmt: skip


@pytest.mark.parametrize("purge", [False, True])
def test_what_helm_installed_is_not_removed(cluster: FakeCluster, purge: bool) -> None:
    for obj in list(cluster.objects.values()):
        if (obj["kind"], obj["metadata"]["name"]) == ("Deployment", "istiod"):
            obj["metadata"]["annotations"] = {"meta.helm.sh/release-name": "my-istiod"}
    with pytest.raises(InputError, match=r"releases my-istiod, .* Deployment istio-system/istiod. .*helm uninstall"):
        plan(cluster, purge=purge, remove_user_resources=True)
    assert cluster.writes == []


def test_a_revision_goes_and_what_revisions_share_stays(cluster: FakeCluster) -> None:
    removal = plan(cluster)
    result = removal.result()
    assert removal.installed == "1.31.0-dev"
    assert "Deployment istio-system/istiod" in result["removed"]
    assert "MutatingWebhookConfiguration istio-revision-tag-default" in result["removed"]
    base = {obj["metadata"]["name"] for obj in demo() if owned.component_of(obj) == "Base"}
    assert not base & {name.split("/")[-1].split(" ")[-1] for name in result["removed"]}
    assert all(any(name in left for left in result["left_behind"]) for name in base)
    assert "Namespace istio-system" in result["left_behind"]
    assert result["after"] == {}
    go(cluster, removal)
    kinds = [write[1] for write in cluster.writes]
    assert kinds.index("Deployment") > max(i for i, kind in enumerate(kinds) if kind.endswith("WebhookConfiguration"))
    again = plan(cluster)
    assert again.doomed == []
    assert again.installed is None


def test_another_revision_is_not_touched(cluster: FakeCluster) -> None:
    assert plan(cluster, revision="canary").doomed == []


def test_purge_takes_all_and_says_what_istiod_left(cluster: FakeCluster) -> None:
    cluster.put({"apiVersion": "v1", "kind": "Secret",
                 "metadata": {"name": "istio-ca-secret", "namespace": "istio-system"}})  # fmt: skip
    for name, namespace in itertools.product(("istio-ca-root-cert", "istio-ca-crl"), ("default", "istio-system")):
        cluster.put({"apiVersion": "v1", "kind": "ConfigMap",
                     "metadata": {"name": name, "namespace": namespace}})  # fmt: skip
    for name, notes in (("istio-ip-autoallocate", {removals.LEADER: "{}"}), ("istio-mine", None), ("other", {})):
        cluster.put({"apiVersion": "v1", "kind": "ConfigMap",
                     "metadata": {"name": name, "namespace": "istio-system", "annotations": notes}})  # fmt: skip
    cluster.teach("gateway.networking.k8s.io/v1", "GatewayClass", namespaced=False)
    for name, controller in (("istio", "istio.io/gateway-controller"), ("other", "example.com/x")):
        cluster.put({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": name},
                     "spec": {"controllerName": controller}})  # fmt: skip
    cluster.put({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                 "metadata": {"name": "istio-revision-tag-prod",
                              "labels": {"istio.io/tag": "prod", "istio.io/rev": "default"}}})  # fmt: skip
    removal = plan(cluster, purge=True)
    go(cluster, removal)
    assert removal.left_behind == [
        "ConfigMap default/istio-ca-crl",
        "ConfigMap default/istio-ca-root-cert",
        "ConfigMap istio-system/istio-ca-crl",
        "ConfigMap istio-system/istio-ca-root-cert",
        "ConfigMap istio-system/istio-ip-autoallocate",
        "GatewayClass istio",
        "MutatingWebhookConfiguration istio-revision-tag-prod",
        "Namespace istio-system",
        "Secret istio-system/istio-ca-secret",
    ]
    assert [write[1] for write in cluster.writes][-1] == "CustomResourceDefinition"
    assert not [obj for obj in cluster.objects.values() if owned.COMPONENT in owned.labels_of(obj)]


def test_purge_spares_what_users_made_unless_told(cluster: FakeCluster) -> None:
    cluster.put(policy())
    with pytest.raises(InputError, match=r"1 resources that users made: .* default/mine") as caught:
        plan(cluster, purge=True)
    assert caught.value.details["user_resources"] == [f"{policy()['kind']} default/mine"]
    removal = plan(cluster, purge=True, remove_user_resources=True)
    assert f"{policy()['kind']} default/mine" in removal.result()["removed"]
    assert plan(cluster).user_made == []


def test_what_istioctl_noted_up_to_1_23_is_not_a_users(cluster: FakeCluster) -> None:
    name = "istiooperators.install.istio.io"
    labels = owned.owner_labels(version="1.19.3", revision="", namespace="istio-system", name="installed-state")
    cluster.put({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "labels": {**labels, owned.COMPONENT: "Base"}},
        "spec": {"group": "install.istio.io", "scope": "Namespaced", "names": {"kind": "IstioOperator"},
                 "versions": [{"name": "v1alpha1", "served": True, "storage": True}]},
        "status": {"conditions": [{"type": "Established", "status": "True"}]},
    })  # fmt: skip
    state: Object = {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": {"profile": "demo"}}
    for each in ("installed-state", "installed-state-canary"):
        cluster.put({**state, "metadata": {"name": each, "namespace": "istio-system"}})
    removal = plan(cluster, purge=True)
    assert "IstioOperator istio-system/installed-state" in removal.result()["removed"]
    cluster.put({**state, "metadata": {"name": "mine", "namespace": "istio-system"}})
    with pytest.raises(InputError, match="1 resources that users made: IstioOperator istio-system/mine"):
        plan(cluster, purge=True)
    cluster.drop("install.istio.io/v1alpha1", "IstioOperator", "mine", "istio-system")
    go(cluster, removal)
    names = [write[3] for write in cluster.writes]
    assert names.index("installed-state") < names.index(name)


def test_purge_speaks_of_any_control_plane(cluster: FakeCluster) -> None:
    for obj in list(cluster.objects.values()):
        if obj["metadata"]["name"] == "istiod" and obj["kind"] == "Deployment":
            obj["metadata"]["labels"][owned.REVISION] = "canary"
            cluster.put(obj)
    assert plan(cluster, purge=True).installed == "1.31.0-dev"
    assert plan(cluster).installed is None
    assert plan(cluster, revision="canary").installed == "1.31.0-dev"


def test_many_user_resources_are_counted(cluster: FakeCluster) -> None:
    for index in range(removals.SHOWN + 2):
        obj = policy()
        obj["metadata"]["name"] = f"p{index}"
        cluster.put(obj)
    with pytest.raises(InputError, match="and 2 more"):
        plan(cluster, purge=True)


@pytest.mark.parametrize(
    ("labels", "warned"),
    [
        ({"istio-injection": "enabled"}, True),
        ({"istio.io/rev": "default"}, True),
        ({"istio.io/rev": "prod"}, True),
        ({"istio.io/rev": "other"}, False),
        ({"istio-injection": "disabled"}, False),
        ({}, False),
    ],
)
def test_namespaces_that_lose_their_injector_are_named(
    cluster: FakeCluster, labels: dict[str, str], warned: bool
) -> None:
    cluster.put({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                 "metadata": {"name": "t", "labels": {"istio.io/tag": "prod", "istio.io/rev": "default"}}})  # fmt: skip
    cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tutorial", "labels": labels}})
    warnings = plan(cluster).warnings
    assert bool(warnings) is warned
    assert not warned or "tutorial" in warnings[0]


def test_what_a_finalizer_holds_is_named(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    removal = plan(cluster)
    monkeypatch.setattr(cluster, "delete", lambda *_args, **_more: True)
    with pytest.raises(WaitError, match="still there"):
        removals.carry_out(cluster, removal, 0.1, lambda _text: None)  # type: ignore[arg-type]


def test_nothing_on_a_cluster_without_istio(tmp_path: Path) -> None:
    assert tmp_path.exists()
    removal = plan(FakeCluster(), purge=True)
    assert (removal.doomed, removal.left_behind, removal.warnings) == ([], [], [])
