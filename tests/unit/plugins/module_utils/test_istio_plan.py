# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install would change: every way in which a cluster can differ, and every way that does not count."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_plan import NEVER_MATCH, Plan
from tests.unit.plugins.fake_cluster import FakeCluster
from tests.unit.plugins.fake_istioctl import FakeIstioctl, demo, installed, without_nulls

Object = dict[str, Any]


class World:
    """An istioctl and a cluster."""

    def __init__(self, directory: Path, version: str = "1.31.0-dev") -> None:
        self.fake = FakeIstioctl(directory, version)
        self.cluster = FakeCluster()
        self.cluster.defaults = without_nulls

    def plan(self, **options: Any) -> Plan:
        return plans.make(self.fake.tool(), self.cluster, operators.build(**options))  # type: ignore[arg-type]

    def install(self, **options: Any) -> Plan:
        plan = self.plan(**options)
        installed(self.cluster, plan.objects)
        return plan

    def edit(self, kind: str, name: str, change: Callable[[Object], None], namespace: str | None = None) -> None:
        """Change a live object behind istioctl's back."""
        (key,) = [key for key in self.cluster.objects if key[1] == kind and key[3] == name]
        obj = copy.deepcopy(self.cluster.objects[key])
        change(obj)
        self.cluster.put(obj)

    def add(self, kind: str, api: str, name: str, version: str, **labels: str) -> None:
        """Add an object as another istioctl would have left it."""
        owner = owned.owner_labels(version=version, revision="", namespace="istio-system", name=None)
        metadata: Object = {"name": name, "labels": {**owner, owned.COMPONENT: "Pilot", **labels}}
        if kind not in ("ClusterRole", "CustomResourceDefinition"):
            metadata["namespace"] = "istio-system"
        self.cluster.put({"apiVersion": api, "kind": kind, "metadata": metadata})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "i")


@pytest.fixture(scope="module")
def demo_installed(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Object]:
    """The objects of a cluster with the demo profile; installed once, as that takes a moment."""
    world = World(tmp_path_factory.mktemp("lab") / "i")
    world.install(profile="demo")
    return world.cluster.objects


@pytest.fixture
def lab(world: World, demo_installed: dict[Any, Object]) -> World:
    world.cluster.objects = copy.deepcopy(demo_installed)
    return world


def rows(plan: Plan) -> list[tuple[str, str, Any, Any]]:
    return [(each["object"], each["field"], each["old"], each["new"]) for each in plan.result()["changed_objects"]]


def change_manifest(world: World, kind: str, name: str, change: Callable[[Object], None]) -> None:
    objects = demo()
    for obj in objects:
        if obj["kind"] == kind and obj["metadata"]["name"] == name:
            change(obj)
    world.fake.manifests(objects)


def test_everything_is_new_on_an_empty_cluster(world: World) -> None:
    plan = world.plan(profile="demo")
    result = plan.result()
    assert plan.installed is None
    assert plan.needs_install
    assert result["before"] == {}
    assert len(result["after"]) == len(demo()) + 3 + 1
    assert "Namespace istio-system" in result["after"]
    assert "MutatingWebhookConfiguration istio-revision-tag-default" in result["after"]
    assert {each["before"] for each in result["diff"]} == {""}
    validator = result["after"]["ValidatingWebhookConfiguration istio-validator-istio-system"][""]
    assert [hook["failurePolicy"] for hook in validator["webhooks"]] == ["Fail"]
    crd = next(value for key, value in result["after"].items() if key.startswith("CustomResourceDefinition"))
    assert crd[""]["spec"]["versions"][0]["schema"].startswith("sha256:")
    assert world.cluster.writes == []


def test_a_gateway_in_a_namespace_that_is_missing(world: World) -> None:
    def move(obj: Object) -> None:
        obj["metadata"]["namespace"] = "edge"

    change_manifest(world, "Service", "istio-ingressgateway", move)
    with pytest.raises(InputError, match=r"namespace edge does not exist, .* at Service edge/istio-ingressgateway"):
        world.plan(profile="demo")
    assert world.cluster.writes == []
    world.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge"}})
    assert "Service edge/istio-ingressgateway" in world.plan(profile="demo").result()["after"]


def test_a_network_labels_the_new_namespace(world: World) -> None:
    plan = world.plan(spec={"values": {"global": {"network": "n1"}}})
    assert plan.changes[0].after == {
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "istio-system", "labels": {"topology.istio.io/network": "n1"}},
    }  # fmt: skip


def test_nothing_changes_after_an_install(lab: World) -> None:
    plan = lab.plan(profile="demo")
    assert rows(plan) == []
    assert not plan.needs_install
    assert plan.installed == "1.31.0-dev"
    assert plan.revision == "default"
    tagged = [obj for obj in plan.objects if "istio.io/tag" in owned.labels_of(obj)]
    assert len(tagged) == 3


def test_owner_labels_are_those_of_the_release(tmp_path: Path) -> None:
    old = World(tmp_path / "old", "1.19.3").fake.tool()
    new = World(tmp_path / "new").fake.tool()
    document = operators.build(revision="canary")
    assert plans.owner_labels(old, document)[owned.OWNER] == "installed-state-canary"
    assert owned.OWNER not in plans.owner_labels(new, document)
    document["metadata"]["name"] = "mine"
    assert plans.owner_labels(new, document) == {
        owned.MANAGED: "Reconcile", owned.VERSION: "1.31.0-dev", owned.OWNER_NAMESPACE: "istio-system",
        owned.REVISION: "canary", owned.OWNER: "mine",
    }  # fmt: skip


def test_a_changed_value_is_that_field_and_no_other(lab: World) -> None:
    change_manifest(lab, "ConfigMap", "istio", lambda obj: obj["data"].update(
        mesh=obj["data"]["mesh"].replace("accessLogFile: /dev/stdout", "accessLogFile: /dev/null")))  # fmt: skip
    plan = lab.plan()
    assert rows(plan) == [
        ("ConfigMap istio-system/istio", "data.mesh.accessLogFile", "/dev/stdout", "/dev/null")
    ]  # fmt: skip
    assert plan.result()["before"] == {"ConfigMap istio-system/istio": {"data.mesh.accessLogFile": "/dev/stdout"}}
    installed(lab.cluster, plan.objects)
    assert rows(lab.plan()) == []


@pytest.mark.parametrize("text", ["# other words\nx: 1\n", "plain text", "{broken", "- 1\n"])
def test_a_text_that_differs_only_as_text_still_counts(text: str) -> None:
    before = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "x: 1\n"}}
    change = plans.Change(before, {**before, "data": {"k": text}})
    assert [each["new"] for each in change.fields] == [text]


def test_a_long_text_is_shown_as_a_checksum() -> None:
    """The templates of the sidecar injector are texts inside the document of a ConfigMap."""

    def config_map(template: str, hub: str) -> Object:
        document = yaml.safe_dump({"templates": {"sidecar": template}, "hub": hub})
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"config": document}}

    old, new = "line\n" * 400, "line\n" * 401
    fields = plans.Change(config_map(old, "a"), config_map(new, "b" * 3000)).fields
    sums = [f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" for text in (old, new)]
    assert fields == [
        {"field": "data.config.hub", "old": "a", "new": "b" * 3000},
        {"field": "data.config.templates.sidecar", "old": old, "new": sums[1]},
    ]
    assert plans.Change(config_map(new, "a"), config_map("short\n", "a")).fields[0]["new"] == "short\n"
    plain: Object = {**config_map("", ""), "data": {"text": new}}
    assert plans.Change(plain, {**plain, "data": {}}).fields[0] == {
        "field": "data.text", "old": sums[1], "new": None,
    }  # fmt: skip


def test_a_removed_value_goes(lab: World) -> None:
    def with_value(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "FOO", "value": "bar"})

    change_manifest(lab, "Deployment", "istiod", with_value)
    lab.install()
    lab.fake.manifests(demo())
    (row,) = rows(lab.plan())
    assert row[:2] == ("Deployment istio-system/istiod", "spec.template.spec.containers[name=discovery].env[name=FOO]")
    assert row[3] is None


def test_a_manual_edit_of_an_owned_field_is_found_and_others_are_not(lab: World) -> None:
    def edit(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = "evil"
        obj["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = "now"

    lab.edit("Deployment", "istiod", edit)
    lab.edit("Deployment", "istio-ingressgateway", lambda obj: obj["spec"].update(replicas=5))
    assert rows(lab.plan()) == [
        ("Deployment istio-system/istiod", "spec.template.spec.containers[name=discovery].image", "evil",
         "registry.istio.io/testing/pilot:1.31.0-dev")
    ]  # fmt: skip


def test_what_istiod_and_istioctl_rewrite_does_not_count(lab: World) -> None:
    def reopen(obj: Object) -> None:
        for hook in obj["webhooks"]:
            hook["clientConfig"]["caBundle"] = "b3RoZXI="
            hook["failurePolicy"] = "Ignore"

    lab.edit("ValidatingWebhookConfiguration", "istio-validator-istio-system", reopen)
    assert rows(lab.plan()) == []


def test_a_user_who_asks_for_fail_gets_it(lab: World) -> None:
    lab.edit("ValidatingWebhookConfiguration", "istio-validator-istio-system",
             lambda obj: obj["webhooks"][0].update(failurePolicy="Ignore"))  # fmt: skip
    change_manifest(lab, "ValidatingWebhookConfiguration", "istio-validator-istio-system",
                    lambda obj: obj["webhooks"][0].update(failurePolicy="Fail"))  # fmt: skip
    (row,) = rows(lab.plan())
    assert row[1:] == ("webhooks[name=rev.validation.istio.io].failurePolicy", "Ignore", "Fail")


def test_an_injector_that_is_not_silenced_is_a_change(lab: World) -> None:
    def wake(obj: Object) -> None:
        obj["webhooks"][0]["objectSelector"] = {"matchLabels": {"a": "b"}}

    lab.edit("MutatingWebhookConfiguration", "istio-sidecar-injector", wake)
    (change,) = lab.plan().changes
    assert change.after is not None
    assert {json.dumps(hook["objectSelector"]) for hook in change.after["webhooks"]} != {json.dumps(NEVER_MATCH)}
    assert change.after["webhooks"][0]["objectSelector"]["matchLabels"]["istio.io/deactivated"] == "never-match"


def test_a_missing_tag_is_made(lab: World) -> None:
    lab.cluster.drop("v1", "Service", "istiod-revision-tag-default", "istio-system")
    assert [row[:2] for row in rows(lab.plan())] == [("Service istio-system/istiod-revision-tag-default", "")]


def test_no_tag_for_a_canary_or_who_manages_webhooks_alone(lab: World) -> None:
    for options in ({"revision": "canary"}, {"spec": {"values": {"global": {"operatorManageWebhooks": True}}}}):
        calls = len(lab.fake.calls("tag generate"))
        plan = lab.plan(**options)
        assert not [obj for obj in plan.objects if "istio.io/tag" in owned.labels_of(obj)]
        assert len(lab.fake.calls("tag generate")) == calls


def test_no_tag_without_a_control_plane_in_the_manifests(world: World) -> None:
    world.fake.manifests([obj for obj in demo() if obj["kind"] != "MutatingWebhookConfiguration"])
    world.plan()
    assert world.fake.calls("tag generate") == []


def test_a_tag_that_istioctl_refuses_is_left_out_with_a_warning(world: World) -> None:
    world.fake.answer("tag generate default", stderr="Error: cannot modify tag", rc=1)
    plan = world.plan()
    assert "cannot modify tag" in plan.warnings[0]
    (injector,) = [obj for obj in plan.objects if obj["kind"] == "MutatingWebhookConfiguration"]
    assert NEVER_MATCH not in [hook["objectSelector"] for hook in injector["webhooks"]]


def test_the_canary_only_adds_and_the_first_revision_stays_unchanged(lab: World) -> None:
    objects = demo()
    for obj in objects:
        labels = obj["metadata"].get("labels", {})
        if labels.get("istio.io/rev"):
            labels["istio.io/rev"] = "canary"
        if "istiod" in obj["metadata"]["name"] or "injector" in obj["metadata"]["name"]:
            obj["metadata"]["name"] += "-canary"
    lab.fake.manifests(objects)
    lab.install(revision="canary")
    assert rows(lab.plan(revision="canary")) == []
    lab.fake.manifests(demo())
    plan = lab.plan()
    names = {row[0] for row in rows(plan)}
    # Gateways follow the revision installed last, and that is worth a change; CRDs alone are not.
    assert "Deployment istio-system/istio-ingressgateway" in names
    base = [obj for obj in demo() if owned.component_of(obj) == "Base"]
    lab.fake.manifests(base)
    for obj in list(lab.cluster.objects.values()):
        if obj["kind"] not in ("CustomResourceDefinition", "Namespace", "Deployment", "ServiceAccount"):
            lab.cluster.drop(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
    for name in ("istiod", "istio-ingressgateway", "istio-egressgateway"):
        lab.cluster.drop("apps/v1", "Deployment", name, "istio-system")
    for obj in list(lab.cluster.objects.values()):
        if obj["kind"] == "ServiceAccount" and not obj["metadata"]["name"].startswith("istio-reader"):
            lab.cluster.drop("v1", "ServiceAccount", obj["metadata"]["name"], "istio-system")
    assert rows(lab.plan()) == []


def test_prune_takes_what_this_version_owns_and_no_longer_renders(lab: World) -> None:
    kept = [obj for obj in demo() if owned.component_of(obj) != "EgressGateways"]
    lab.fake.manifests(kept)
    lab.add("ConfigMap", "v1", "protected", "1.31.0-dev", **{plans.NOT_PRUNED: "true"})
    lab.add("ConfigMap", "v1", "of-another-component", "1.31.0-dev", **{owned.COMPONENT: "Mine"})
    lab.add("ConfigMap", "v1", "of-another-revision", "1.31.0-dev", **{owned.REVISION: "other"})
    plan = lab.plan()
    gone = {owned.key_of(change.object)[::2] for change in plan.changes if change.after is None}
    assert gone == {owned.key_of(obj)[::2] for obj in demo() if owned.component_of(obj) == "EgressGateways"}
    assert plan.needs_install
    assert plan.leftovers == []
    assert plan.result()["after"] == {}


def test_leftovers_of_another_version_are_ours_to_remove(lab: World) -> None:
    lab.add("PodDisruptionBudget", "policy/v1", "istiod", "1.19.3", **{owned.OWNER: "installed-state"})
    lab.add("PodDisruptionBudget", "policy/v1", "gateway-of-its-own", "1.19.3", **{owned.OWNER: "mine"})
    lab.add("NetworkPolicy", "networking.k8s.io/v1", "istiod", "1.30.0")
    lab.add("NetworkPolicy", "networking.k8s.io/v1", "current", "1.31.0-dev")
    plan = lab.plan()
    assert [owned.key_of(change.object)[::2] for change in plan.leftovers] == [
        ("PodDisruptionBudget", "istiod"), ("NetworkPolicy", "istiod")
    ]  # fmt: skip
    assert not plan.needs_install


def crd_of_operators(world: World) -> None:
    world.add("CustomResourceDefinition", "apiextensions.k8s.io/v1", "istiooperators.install.istio.io", "1.19.3")
    world.edit("CustomResourceDefinition", "istiooperators.install.istio.io", lambda obj: obj.update(
        spec={"group": "install.istio.io", "scope": "Namespaced", "names": {"kind": "IstioOperator"},
              "versions": [{"name": "v1alpha1"}]}))  # fmt: skip
    world.cluster.teach("install.istio.io/v1alpha1", "IstioOperator")


def test_the_old_crd_goes_once_nobody_needs_it(lab: World) -> None:
    crd_of_operators(lab)
    operator: Object = {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator",
                        "metadata": {"name": "installed-state", "namespace": "istio-system"}}  # fmt: skip
    lab.cluster.put(operator)
    assert [change.object["kind"] for change in lab.plan().leftovers] == ["CustomResourceDefinition"]
    lab.cluster.put({**operator, "metadata": {"name": "mine", "namespace": "istio-system"}})
    assert lab.plan().leftovers == []


def test_the_old_crd_stays_while_an_old_control_plane_runs(lab: World) -> None:
    crd_of_operators(lab)
    lab.add("Deployment", "apps/v1", "istiod-old", "1.23.1", **{owned.REVISION: "old", "app": "istiod"})
    assert lab.plan().leftovers == []


def test_a_crd_that_istio_did_not_make_stays(lab: World) -> None:
    crd_of_operators(lab)
    lab.edit("CustomResourceDefinition", "istiooperators.install.istio.io",
             lambda obj: obj["metadata"]["labels"].pop(owned.COMPONENT))  # fmt: skip
    assert lab.plan().leftovers == []


def test_an_old_istioctl_keeps_its_crd_and_prunes_its_own_kinds(tmp_path: Path) -> None:
    world = World(tmp_path / "i", "1.19.3")
    world.cluster.teach("networking.istio.io/v1beta1", "DestinationRule")
    world.install()
    crd_of_operators(world)
    world.add("DestinationRule", "networking.istio.io/v1beta1", "old", "1.19.3", **{owned.OWNER: "installed-state"})
    plan = world.plan()
    assert [change.object["kind"] for change in plan.changes] == ["DestinationRule"]


def test_a_busy_api_server_is_asked_again(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owned, "BUSY_SECONDS", 0.0)
    left = [3]

    def refuse(_verb: str, obj: Object) -> None:
        if obj["kind"] == "ConfigMap" and left[0]:
            left[0] -= 1
            raise ClusterError("storage is (re)initializing", status=429)

    lab.cluster.refuse = refuse
    assert rows(lab.plan()) == []
    assert left == [0]
    left[0] = 100
    with pytest.raises(ClusterError, match="initializing"):
        lab.plan()


def test_other_refusals_are_errors_but_a_namespace_on_its_way_out_is_not(lab: World) -> None:
    words = ["unable to create new content because it is being terminated"]

    def refuse(_verb: str, obj: Object) -> None:
        if obj["kind"] == "ConfigMap":
            raise ClusterError(words[0], status=403)

    lab.cluster.refuse = refuse
    lab.plan()
    words[0] = "denied by policy"
    with pytest.raises(ClusterError, match="denied by policy"):
        lab.plan()


def test_without_a_cluster_everything_is_new(world: World) -> None:
    plan = plans.without_cluster(world.fake.tool(), operators.build(profile="demo"))
    assert len(plan.changes) == len(demo())
    assert plan.result()["before"] == {}
    assert world.fake.calls("manifest generate") == [
        ["manifest", "generate", "--filename", world.fake.calls("manifest generate")[0][3]]
    ]


def test_unlabelled_objects_have_a_component() -> None:
    found = {(obj["kind"], obj["metadata"]["name"]): owned.component_of(obj) for obj in demo()}
    assert found[("ServiceAccount", "istio-reader-service-account")] == "Base"
    assert found[("ClusterRole", "istiod-clusterrole-istio-system")] == "Pilot"
    assert found[("Deployment", "istio-egressgateway")] == "EgressGateways"
    assert {value for (kind, _), value in found.items() if kind == "CustomResourceDefinition"} == {"Base"}
    assert owned.parallel(len, []) == []
