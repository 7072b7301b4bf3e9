# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""manifests as Ansible runs it, on a stand-in for the cluster."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _apply, _manifests, _wait
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable
from ansible_collections.meshlab.istio.plugins.modules import manifests
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]

BOOKINFO = """
apiVersion: v1
kind: Service
metadata: {name: reviews, labels: {app: reviews}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: reviews-v1, labels: {version: v1}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: reviews-v2, labels: {version: v2}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
"""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    monkeypatch.setattr(_wait, "COALESCE_SECONDS", 0.0)
    stand_in = FakeCluster()
    monkeypatch.setattr(_manifests, "Cluster", lambda kubeconfig, context: stand_in)
    return stand_in


def run(capsys: pytest.CaptureFixture[str], *, check: bool = False, **options: Any) -> Object:
    arguments = {"namespace": "default", **options, "_ansible_check_mode": check, "_ansible_diff": True}
    with patch_module_args(arguments), pytest.raises(SystemExit) as ended:
        manifests.main()
    result: Object = json.loads(capsys.readouterr().out)
    assert bool(ended.value.code) == bool(result.get("failed"))
    return result


def test_apply_predict_repeat(cluster: FakeCluster, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "bookinfo.yaml").write_text(BOOKINFO)
    options = {"src": [str(tmp_path)], "label_selectors": ["version!=v2,version!=v3"]}
    predicted = run(capsys, check=True, **options)
    assert cluster.writes == []
    done = run(capsys, **options, progress_file=str(tmp_path / "progress"))
    assert [item["object"] for item in done["objects"]] == [
        "ConfigMap default/reviews-v1", "Service default/reviews", "ClusterRole reader",
    ]  # fmt: skip
    for key in ("changed", "objects", "changed_objects", "diff", "cluster_exists"):
        assert predicted[key] == done[key], key
    assert done["changed"] is True
    assert done["changed_objects"][0] == {
        "object": "ConfigMap default/reviews-v1", "field": "", "old": "absent", "new": "present",
    }  # fmt: skip
    assert "applying Service default/reviews" in (tmp_path / "progress").read_text()

    cluster.writes.clear()
    again = run(capsys, **options)
    assert (again["changed"], again["diff"], again["changed_objects"]) == (False, [], [])
    assert cluster.writes == []


def test_patches_and_what_check_mode_says_of_them(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, definition=BOOKINFO)
    options = {"definition": BOOKINFO, "patches": [
        {"kind": "ConfigMap", "name": "reviews-v1", "patch": {"data": {"a": "1"}}},
        {"kind": "Service", "patch": [{"op": "add", "path": "/spec", "value": {"type": "NodePort"}}]},
    ]}  # fmt: skip
    predicted = run(capsys, check=True, **options)
    done = run(capsys, **options)
    assert predicted["changed_objects"] == done["changed_objects"] == [
        {"object": "ConfigMap default/reviews-v1", "field": "data", "old": None, "new": {"a": "1"}},
        {"object": "Service default/reviews", "field": "spec", "old": None, "new": {"type": "NodePort"}},
    ]  # fmt: skip
    assert sum(item["changed"] for item in done["objects"]) == 2


def test_absent(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, definition=BOOKINFO)
    predicted = run(capsys, check=True, definition=BOOKINFO, state="absent")
    done = run(capsys, definition=BOOKINFO, state="absent")
    assert predicted["diff"] == done["diff"]
    assert (done["changed"], len(done["changed_objects"])) == (True, 4)
    assert done["changed_objects"][0]["new"] == "absent"
    assert run(capsys, definition=BOOKINFO, state="absent", wait=False)["changed"] is False


SPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: tutorial}
---
apiVersion: v1
kind: Service
metadata: {name: reviews}
"""


def in_space(kind: str, name: str, api_version: str = "v1", owner: str = "") -> Object:
    owners = {"ownerReferences": [{"kind": "Service", "name": "x", "uid": owner}]} if owner else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "tutorial", **owners}}


@pytest.mark.parametrize("check", [True, False])
def test_a_namespace_with_nothing_of_others_goes(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], check: bool
) -> None:
    options: dict[str, Any] = {"definition": SPACE, "namespace": "tutorial"}
    run(capsys, wait=False, **options)
    service = cluster.get("v1", "Service", "reviews", "tutorial")["metadata"]["uid"]
    for obj in (
        in_space("ServiceAccount", "default"), in_space("ConfigMap", "kube-root-ca.crt"),
        in_space("ConfigMap", "istio-ca-root-cert"), in_space("ConfigMap", "istio-ca-crl"),
        in_space("Event", "reviews.1"), in_space("Endpoints", "reviews"),
        in_space("EndpointSlice", "reviews-1", "discovery.k8s.io/v1", owner=service),
    ):  # fmt: skip
        cluster.put(obj)
    done = run(capsys, check=check, state="absent", keep_used_namespaces=True, **options)
    assert [(item["object"], item["changed"]) for item in done["objects"]] == [
        ("Namespace tutorial", True), ("Service tutorial/reviews", True),
    ]  # fmt: skip
    assert (cluster.find("v1", "Namespace", "tutorial") is None) is not check


def test_a_namespace_with_something_of_others_stays(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(manifests.AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    options: dict[str, Any] = {"definition": SPACE, "namespace": "tutorial"}
    run(capsys, wait=False, **options)
    cluster.teach("example.org/v1", "Service")
    # Another group's kind of the same name, one that belongs to something outside, and more than are named.
    cluster.put(in_space("Service", "reviews", "example.org/v1"))
    cluster.put(in_space("ConfigMap", "elsewhere", owner="uid-of-a-node"))
    for number in range(5):
        cluster.put(in_space("Secret", f"mine-{number}"))
    done = run(capsys, state="absent", keep_used_namespaces=True, **options)
    assert [item["object"] for item in done["objects"]] == ["Service tutorial/reviews"]
    assert warnings == [
        "Namespace tutorial stays, because these are in it: ConfigMap tutorial/elsewhere, Secret tutorial/mine-0, "
        "Secret tutorial/mine-1, Secret tutorial/mine-2, Secret tutorial/mine-3 and 2 more."
    ]
    assert cluster.find("v1", "Namespace", "tutorial") is not None
    assert cluster.find("v1", "Service", "reviews", "tutorial") is None
    # Without the option all in it goes, as kubectl does it.
    assert run(capsys, state="absent", **options)["objects"][0] == {"object": "Namespace tutorial", "changed": True}


def test_prune(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, definition=BOOKINFO, prune="lab")
    dependent = cluster.get("v1", "ConfigMap", "reviews-v2", "default")
    dependent["metadata"].update(name="child", uid="c", ownerReferences=[{"uid": "x"}])
    cluster.put(dependent)
    options = {"definition": BOOKINFO, "label_selectors": ["version!=v2"], "prune": "lab"}
    predicted = run(capsys, check=True, **options)
    done = run(capsys, **options)
    assert predicted["changed_objects"] == done["changed_objects"] == [
        {"object": "ConfigMap default/reviews-v2", "field": "", "old": "present", "new": "absent"}
    ]  # fmt: skip
    assert cluster.find("v1", "ConfigMap", "child", "default"), "what a controller made is the controller's"
    assert run(capsys, **options)["changed"] is False

    gone = run(capsys, state="absent", prune="lab")
    assert {item["object"] for item in gone["objects"]} == {
        "ClusterRole reader", "Service default/reviews", "ConfigMap default/reviews-v1",
    }  # fmt: skip
    assert run(capsys, state="absent", prune="lab")["changed"] is False


def test_prune_counts_an_object_of_two_versions_once(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    route = {"kind": "HTTPRoute", "metadata": {
        "name": "r", "namespace": "default", "uid": "u", "labels": {_manifests.OWNER_LABEL: "lab"}}}  # fmt: skip
    label = {"f:metadata": {"f:labels": {f"f:{_manifests.OWNER_LABEL}": {}}}}
    route["metadata"]["managedFields"] = [  # type: ignore[index]
        {"manager": "meshlab.istio", "operation": "Apply", "fieldsV1": label}
    ]
    stays = {"kind": "HTTPRoute", "metadata": {**route["metadata"], "name": "s"}}  # type: ignore[dict-item]
    for version in ("v1", "v1beta1"):
        api_version = f"gateway.networking.k8s.io/{version}"
        cluster.teach(api_version, "HTTPRoute")
        cluster.put({**route, "apiVersion": api_version})
        cluster.put({**stays, "apiVersion": api_version})
    kept = {**stays, "apiVersion": "gateway.networking.k8s.io/v1beta1", "metadata": {"name": "s"}}
    pruned = run(capsys, check=True, definition=kept, prune="lab")
    assert [row["object"] for row in pruned["objects"]] == ["HTTPRoute default/s", "HTTPRoute default/r"]
    assert len(run(capsys, check=True, state="absent", definition=kept, prune="lab")["objects"]) == 2


def test_planning_waits_for_an_api_that_is_busy(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_apply, "RETRY_SECONDS", 0.01)
    run(capsys, definition=BOOKINFO, prune="lab")
    for verb in ("is_namespaced", "get", "list"):
        real, asked = getattr(cluster, verb), []

        def refusing(*args: Any, real: Any = real, asked: list[Any] = asked, **more: Any) -> Any:
            asked.append(args)
            if len(asked) < 3:
                raise ClusterError("busy", status=429)
            return real(*args, **more)

        with monkeypatch.context() as patched:
            patched.setattr(cluster, verb, refusing)
            assert run(capsys, check=True, definition=BOOKINFO, prune="lab", wait_timeout=5)["changed"] is False
            asked.clear()
            gone = run(capsys, check=True, definition=BOOKINFO, prune="lab", state="absent", wait_timeout=5)
            assert len(gone["changed_objects"]) == 4
            asked.clear()
            assert run(capsys, check=True, definition=BOOKINFO, prune="lab", wait_timeout=0)["msg"].endswith("busy")


def test_the_wait_is_part_of_it(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {}"
    failed = run(capsys, definition=claim, wait_timeout=0.2)
    assert failed["msg"].startswith("1 of 1 objects were not ready after 0 s: PersistentVolumeClaim default/c")
    assert failed["pending"] == [{"object": "PersistentVolumeClaim default/c", "message": "phase Pending"}]
    assert run(capsys, definition=claim, wait=False)["waited"] == {"seconds": 0.0}
    cluster.status("v1", "PersistentVolumeClaim", "c", "default", phase="Bound")
    condition = {"kind": "PersistentVolumeClaim", "condition": "status.phase == 'Bound'"}
    assert run(capsys, definition=claim, wait_conditions=[condition])["changed"] is False


def test_namespaces_are_given_to_namespaced_kinds_only(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    definition = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: worlds.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: World}, versions: [{name: v1}]}
---
apiVersion: example.com/v1
kind: World
metadata: {name: w}
---
apiVersion: example.org/v1
kind: Unknown
metadata: {name: u}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: kube-system}
"""
    predicted = run(capsys, check=True, definition=definition)
    assert [item["object"] for item in predicted["objects"]] == [
        "CustomResourceDefinition worlds.example.com", "ConfigMap kube-system/c", "World w", "Unknown default/u",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"definition": BOOKINFO, "namespace": None}, "Service reviews names no namespace. Give .namespace."),
        ({"definition": ""}, "There is no object in"),
        ({"definition": BOOKINFO, "label_selectors": ["app=none"]}, "None of the 4 objects fulfils"),
        ({"definition": BOOKINFO, "label_selectors": ["app=none"], "prune": "lab"}, "None of the 4 objects fulfils"),
        ({"definition": BOOKINFO, "label_selectors": ["a b"]}, "cannot be read"),
        ({"definition": BOOKINFO, "patches": [{"kind": "Pod", "patch": {}}]}, "fits none of the 4"),
        (
            {"definition": BOOKINFO, "patches": [{"kind": "Service", "patch": {"metadata": None}}]},
            "an object after its patches has no metadata.name",
        ),
        ({"definition": BOOKINFO, "wait_conditions": [{"kind": "Pod", "condition": "a"}]}, "names none"),
    ],
)
def test_what_cannot_be_used(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], options: Object, message: str
) -> None:
    result = run(capsys, **options)
    assert result["failed"]
    assert re.search(message, result["msg"]), result["msg"]


def test_a_cluster_that_does_not_exist_yet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def no_cluster(_kubeconfig: str | None, _context: str | None) -> FakeCluster:
        raise Unreachable("The kubeconfig cannot be used.")

    monkeypatch.setattr(_manifests, "Cluster", no_cluster)
    result = run(capsys, check=True, definition=BOOKINFO)
    assert (result["changed"], result["cluster_exists"], len(result["diff"])) == (True, False, 4)
    assert result["objects"][3]["object"] == "ClusterRole reader"
    assert run(capsys, check=True, definition=BOOKINFO, state="absent")["changed"] is False
    assert run(capsys, definition=BOOKINFO)["msg"] == "The kubeconfig cannot be used."


def test_a_bare_host_in_check_mode(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    sources: list[Any] = [
        "/not/there",
        {"path": "/nor/there"},
        {"url": "https://example.com/x", "checksum": "sha256:0"},
    ]
    predicted = run(capsys, check=True, src=sources)
    assert (predicted["changed"], predicted["cluster_exists"]) == (True, False)
    assert predicted["diff"][0]["after"].startswith("all objects of /not/there\n")
    assert run(capsys, check=True, src=sources, state="absent")["changed"] is False
    assert "cannot be read on this host" in run(capsys, src=sources)["msg"]


def test_check_mode_on_a_host_without_libraries(no_kubernetes: None, capsys: pytest.CaptureFixture[str]) -> None:
    predicted = run(capsys, check=True, definition=BOOKINFO)
    assert (predicted["changed"], predicted["cluster_exists"]) == (True, False)
    assert run(capsys, definition=BOOKINFO)["missing"] == ["yaml"]


def test_something_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    with patch.object(_manifests, "need_libraries"):
        assert "There is no object" in run(capsys)["msg"]


def test_jmespath_is_needed_for_conditions_only(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    needed: list[tuple[str, ...]] = []
    with patch.object(_manifests, "need_libraries", lambda _module, *names: needed.append(names)):
        run(capsys, definition=BOOKINFO)
        run(capsys, definition=BOOKINFO, wait_conditions=[{"kind": "Service", "condition": "kind"}])
    assert needed == [("yaml",), ("yaml", "jmespath")]


def test_examples_are_arguments_of_the_module() -> None:
    options = yaml.safe_load(manifests.DOCUMENTATION)["options"]
    for example in yaml.safe_load(manifests.EXAMPLES):
        arguments = example["meshlab.istio.manifests"]
        assert set(arguments) <= set(options)
        for name in ("patches", "wait_conditions"):
            for entry in arguments.get(name, []):
                assert set(entry) <= set(options[name]["suboptions"])


# -- identity, and whose an object is ---------------------------------------------------------------


def of(kind: str, name: str, api_version: str = "v1", **more: Any) -> Object:
    metadata = {"name": name, **more.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


ROLE = of("ClusterRole", "reader", "rbac.authorization.k8s.io/v1", metadata={"namespace": "edge"}, rules=[])


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(manifests.AnsibleModule, "warn", lambda _module, text: said.append(text))
    return said


def test_a_namespace_on_a_cluster_scoped_object_counts_for_nothing(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"definition": [ROLE, of("ConfigMap", "beside", data={"a": "1"})], "prune": "two"}
    assert {row["object"] for row in run(capsys, **options)["objects"]} == {
        "ClusterRole reader", "ConfigMap default/beside",
    }  # fmt: skip
    assert run(capsys, **options)["changed"] is False
    assert cluster.find("rbac.authorization.k8s.io/v1", "ClusterRole", "reader") is not None
    other = {**ROLE, "metadata": {"name": "reader"}, "rules": [{"verbs": ["*"]}]}
    assert "ClusterRole reader is defined twice" in run(capsys, definition=[ROLE, other])["msg"]


def test_objects_that_become_one_are_one(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    named = of("ConfigMap", "c", metadata={"namespace": "default"})
    assert len(run(capsys, definition=[of("ConfigMap", "c"), named])["objects"]) == 1
    rename = {"kind": "ConfigMap", "name": "d", "patch": {"metadata": {"name": "c"}, "data": {"a": "1"}}}
    assert "ConfigMap default/c is defined twice" in run(
        capsys, definition=[named, of("ConfigMap", "d")], patches=[rename]
    )["msg"]  # fmt: skip


def test_only_what_the_field_manager_labelled_is_pruned(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], warned: list[str]
) -> None:
    run(capsys, definition=of("Service", "db"), prune="lab", wait=False)
    label = {"labels": {_manifests.OWNER_LABEL: "lab"}, "namespace": "default"}
    cluster.put(of("ConfigMap", "of-a-controller", metadata=label))
    cluster.apply(of("ConfigMap", "copied", metadata=label), "kubectl")
    done = run(capsys, definition=of("Service", "other"), prune="lab", wait=False)
    assert [row["object"] for row in done["changed_objects"]] == ["Service default/other", "Service default/db"]
    assert warned == [
        "These carry the label meshlab.istio/owner=lab, which meshlab.istio did not give them, so they stay: ConfigMap "
        "default/copied (applied by kubectl)."
    ]


DEFINITION = of(
    "CustomResourceDefinition", "things.example.com", "apiextensions.k8s.io/v1",
    spec={"group": "example.com", "scope": "Namespaced", "names": {"kind": "Thing"}, "versions": [{"name": "v1"}]},
    status={"conditions": [{"type": "Established", "status": "True"}]},
)  # fmt: skip


@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_others_use_is_not_pruned(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], warned: list[str], state: str
) -> None:
    other = {**DEFINITION, "metadata": {"name": "others.example.com"}}
    run(capsys, definition=[DEFINITION, of("Namespace", "room")], prune="lab", wait=False)
    cluster.put(of("Thing", "mine", "example.com/v1", metadata={"namespace": "default"}))
    cluster.put(of("ConfigMap", "mine", metadata={"namespace": "room"}))
    done = run(capsys, definition=other, prune="lab", wait=False, state=state)
    assert {row["object"] for row in done["objects"]} == {"CustomResourceDefinition others.example.com"}
    assert warned == [
        "CustomResourceDefinition things.example.com stays, because these are of its kind: Thing default/mine.",
        "Namespace room stays, because these are in it: ConfigMap room/mine.",
    ]


def test_what_only_has_the_name_of_one_of_the_set_stays(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], warned: list[str]
) -> None:
    cluster.apply(of("ConfigMap", "theirs", metadata={"namespace": "default"}, data={"a": "1"}), "kubectl")
    cluster.put(of("ServiceAccount", "bare", metadata={"namespace": "default"}))
    both = [of("ConfigMap", name, data={"a": "1"}) for name in ("ours", "theirs")]
    run(capsys, definition=both[0])
    done = run(capsys, definition=[*both, of("ServiceAccount", "bare")], state="absent", only_applied=True)
    assert {row["object"] for row in done["objects"]} == {"ConfigMap default/ours", "ServiceAccount default/bare"}
    assert cluster.find("v1", "ConfigMap", "theirs", "default") is not None
    assert warned[0].startswith("These stay, because meshlab.istio never applied them: ConfigMap default/theirs.")


def test_what_others_put_there_is_not_changed(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.apply(of("Secret", "theirs", metadata={"namespace": "default"}, data={"tls.key": "b25l"}), "kubectl")
    cluster.put(of("ServiceAccount", "bare", metadata={"namespace": "default"}))
    cluster.put(of("Namespace", "default"))
    wanted = [
        of("Secret", "theirs", data={"tls.key": "b3RoZXI="}), of("ConfigMap", "new", data={"a": "1"}),
        of("ServiceAccount", "bare"), of("Namespace", "default", metadata={"labels": {"a": "b"}}),
    ]  # fmt: skip
    cluster.writes.clear()
    for check in (True, False):
        refused = run(capsys, check=check, definition=wanted, adopt=False)
        assert "so they may be yours: Secret default/theirs. Nothing was written." in refused["msg"]
        assert "bookinfo_adopt=true" in refused["msg"]
    assert cluster.writes == []
    assert run(capsys, definition=wanted[1:], adopt=False, wait=False)["changed"]
    assert run(capsys, definition=wanted, wait=False)["changed"], "without the option as kubectl does"
    assert not run(capsys, definition=wanted, adopt=False, wait=False)["changed"], "what was adopted is ours"


def test_a_name_in_a_removal_is_no_proof_of_data(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], warned: list[str]
) -> None:
    """A manifest with nothing but a name is enough to remove something, and says nothing of who made what is there."""
    cluster.put(of("Secret", "theirs", metadata={"namespace": "default"}, data={"tls.key": "b25l"}))
    run(capsys, definition=of("Secret", "theirs"), state="absent", only_applied=True)
    assert cluster.find("v1", "Secret", "theirs", "default") is not None
    assert warned[0].startswith("These stay, because meshlab.istio never applied them: Secret default/theirs.")


FORBIDDEN = ClusterError("The API server answered 403 (Forbidden): no", status=403, reason="Forbidden")


def test_a_user_of_one_namespace_prunes_it(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, warned: list[str]
) -> None:
    run(capsys, definition=[of("ConfigMap", "old", data={}), of("ConfigMap", "new")], prune="lab")
    real = cluster.list

    def listed(api_version: str, kind: str, namespace: str | None = None, **more: Any) -> list[Object]:
        if (namespace is None or kind == "Secret") and (api_version, kind) in cluster.kinds:
            raise FORBIDDEN
        return real(api_version, kind, namespace, **more)

    monkeypatch.setattr(cluster, "list", listed)
    done = run(capsys, definition=of("ConfigMap", "new"), prune="lab")
    assert [row["object"] for row in done["changed_objects"]] == ["ConfigMap default/old"]
    partly, hidden = warned
    assert "ConfigMap" in partly
    assert "was looked for only in default" in partly
    assert "ClusterRole" in hidden
    assert "Secret" in hidden
    room = of("Namespace", "default")
    run(capsys, definition=room, state="absent", keep_used_namespaces=True)
    assert "what this user may not list (Secret)" in warned[-1]
    monkeypatch.setattr(cluster, "list", lambda *_all, **_more: (_ for _ in ()).throw(ClusterError("?", status=500)))
    assert run(capsys, definition=room, prune="lab")["msg"] == "?"
    assert run(capsys, definition=room, state="absent", keep_used_namespaces=True)["msg"] == "?"


def test_a_user_of_one_namespace_waits_for_a_claim(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, warned: list[str]
) -> None:
    real = cluster.list_page

    def listed(api_version: str, kind: str, namespace: str | None = None, *more: Any) -> Any:
        if kind in ("StorageClass", "Event"):
            raise FORBIDDEN
        return real(api_version, kind, namespace, *more)

    monkeypatch.setattr(cluster, "list_page", listed)
    claim = of("PersistentVolumeClaim", "scratch", spec={"storageClassName": "lab-fast"})
    assert run(capsys, definition=claim, wait_timeout=30)["changed"] is True
    assert "The wait did without Event, StorageClass" in warned[-1]


@pytest.mark.parametrize("check", [True, False])
def test_a_missing_namespace_fails_before_anything_is_written(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], check: bool
) -> None:
    options = {"definition": [of("ConfigMap", "here"), of("ConfigMap", "there", metadata={"namespace": "nowhere"})]}
    failed = run(capsys, check=check, **options)
    assert "do not exist: nowhere (for ConfigMap nowhere/there)" in failed["msg"]
    assert cluster.writes == []
    assert run(capsys, check=check, **options, expected_namespaces=["nowhere"]).get("failed", False) is not check


def test_an_unknown_kind_fails_before_anything_is_written(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], warned: list[str]
) -> None:
    options = {"definition": [of("ConfigMap", "here"), of("Thing", "t", "example.com/v1")]}
    assert run(capsys, check=True, **options)["changed"] is True
    assert "Thing default/t (example.com/v1)" in warned[0]
    assert "Apply the CustomResourceDefinition first" in run(capsys, **options)["msg"]
    assert cluster.writes == []


def test_a_patch_that_may_fit_nothing(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    patches = [{"kind": "Deployment", "name": "sleep", "optional": True, "patch": {"spec": {"replicas": 1}}}]
    assert run(capsys, definition=of("ConfigMap", "c"), patches=patches)["changed"] is True
