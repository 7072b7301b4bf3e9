# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module sidecars: which workloads it restarts, how namespaces are moved, and what it leaves alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned, _sidecars, _sidecars_task
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, Unreachable
from ansible_collections.meshlab.istio.plugins.modules import sidecars, workloads_info
from tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]
NS = "tutorial"
HUB = "registry.istio.io/release/proxyv2"
RESTARTED = "kubectl.kubernetes.io/restartedAt"


class Mesh(FakeCluster):
    """A cluster with injectors, and with controllers that roll out a changed template at once.

    :ivar versions: the proxy's version of each revision.
    :ivar late: for how many requests the API server does not know a namespace's new label yet.
    """

    def __init__(self, **versions: str) -> None:
        self.versions = versions
        self.late = 0
        self.moved_from: dict[str, Object] = {}
        super().__init__()
        for revision in versions:
            self.hook(f"istio-sidecar-injector-{revision}", {"istio.io/rev": revision})
        self.defaults = self.inject

    def hook(self, name: str, labels: Mapping[str, str]) -> None:
        self.put({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name, "labels": dict(labels)}, "webhooks": [],
        })  # fmt: skip

    def tag(self, name: str, revision: str) -> None:
        self.hook(f"istio-revision-tag-{name}", {"istio.io/rev": revision, "istio.io/tag": name})

    def namespace(self, name: str = NS, **labels: str) -> None:
        named = {"istio.io/rev" if key == "rev" else "istio-injection": value for key, value in labels.items()}
        self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": named}})

    def inject(self, pod: Object) -> None:
        """Play the injector, in the parts that count of a pod that Istio 1.31 injected on Kubernetes 1.34."""
        if pod["kind"] != "Pod":
            return
        metadata = pod["metadata"]
        labels = self.get("v1", "Namespace", metadata["namespace"])["metadata"].get("labels") or {}
        if self.late and self.moved_from:
            self.late -= 1
            labels = self.moved_from
        asked = "default" if labels.get("istio-injection") == "enabled" else labels.get("istio.io/rev")
        hooks = [obj for key, obj in self.objects.items() if key[1] == "MutatingWebhookConfiguration"]
        found = {
            each.get("istio.io/tag", each["istio.io/rev"]): each["istio.io/rev"]
            for each in (hook["metadata"]["labels"] for hook in hooks)
        }
        refused = (metadata.get("labels") or {}).get("sidecar.istio.io/inject") == "false"
        if asked not in found or refused or pod["spec"].get("hostNetwork"):
            return
        revision = found[asked]
        status = {"initContainers": ["istio-init", "istio-proxy"], "containers": None, "revision": revision}
        metadata.setdefault("annotations", {})["sidecar.istio.io/status"] = json.dumps(status)
        proxy = {"name": "istio-proxy", "image": f"{HUB}:{self.versions[revision]}", "restartPolicy": "Always"}
        pod["spec"]["initContainers"] = [{"name": "istio-init", "image": proxy["image"]}, proxy]

    def workload(self, name: str, kind: str = "Deployment", *, pods: int = 2, **more: Any) -> None:
        """Make a workload with pods that are injected now."""
        template = {"metadata": {"labels": more.pop("labels", {"app": name})}, "spec": {
            "containers": [{"name": "app", "image": "app:1"}], **more.pop("pod", {}),
        }}  # fmt: skip
        obj = {
            "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": NS},
            "spec": {"replicas": pods, "template": template, **more},
        }  # fmt: skip
        self.roll_out(self.put(obj))

    def roll_out(self, workload: Object) -> None:
        """Play the controllers and the kubelet."""
        kind, metadata = workload["kind"], workload["metadata"]
        number, replicas = str(metadata["generation"]), workload["spec"]["replicas"]
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "desiredNumberScheduled",
                  "updatedNumberScheduled", "numberAvailable")  # fmt: skip
        workload["status"] = {
            "observedGeneration": metadata["generation"], "updateRevision": number, "currentRevision": number,
            **dict.fromkeys(counts, replicas),
        }  # fmt: skip
        key = "deprecated.daemonset.template.generation" if kind == "DaemonSet" else "deployment.kubernetes.io/revision"
        metadata.setdefault("annotations", {})[key] = number
        owner = workload = self.put(workload, spec_changed=False)
        if kind == "Deployment":
            owner = self.put({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {"name": f"{metadata['name']}-{number}", "namespace": NS, "annotations": {key: number},
                             "ownerReferences": [{"kind": kind, "uid": workload["metadata"]["uid"]}]},
            })  # fmt: skip
        for pod in self.list("v1", "Pod", NS):
            if pod["metadata"]["name"].startswith(f"{metadata['name']}-"):
                self.drop("v1", "Pod", pod["metadata"]["name"], NS)
        template = workload["spec"]["template"]
        for count in range(replicas):
            pod = {
                "apiVersion": "v1", "kind": "Pod", "spec": copy.deepcopy(template["spec"]),
                "metadata": {
                    **copy.deepcopy(template["metadata"]), "name": f"{metadata['name']}-{number}-{count}",
                    "namespace": NS, "ownerReferences": [{"kind": owner["kind"], "uid": owner["metadata"]["uid"]}],
                },
                "status": {"phase": "Running"},
            }  # fmt: skip
            pod["metadata"]["labels"] |= {"controller-revision-hash": number, "pod-template-generation": number}
            self.inject(pod)
            self.put(pod)

    def patch(self, api_version: str, kind: str, name: str, namespace: str | None, body: Mapping[str, Any]) -> Object:
        if kind == "Namespace":
            self.moved_from = self.get(api_version, kind, name)["metadata"].get("labels") or {}
        obj = super().patch(api_version, kind, name, namespace, body)
        if api_version == "apps/v1":
            self.roll_out(obj)
        return obj

    def restarted(self) -> list[str]:
        return [name for verb, kind, _ns, name in self.writes if verb == "patch" and kind != "Namespace"]


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: said.append(text))
    return said


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], warned: list[str]) -> Any:
    """Run the module on a cluster; return its result."""
    monkeypatch.setattr(_sidecars_task, "LOOK_SECONDS", 0.0)

    def run(mesh: FakeCluster | None, check: bool = False, **options: Any) -> dict[str, Any]:
        warned.clear()
        if mesh is not None:
            monkeypatch.setattr(_sidecars_task, "Cluster", lambda _kubeconfig, _context: mesh)
        arguments = {"namespaces": [NS], "wait_timeout": 5, **options, "_ansible_check_mode": check}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            sidecars.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return result

    return run


@pytest.fixture
def mesh() -> Mesh:
    """A namespace of the default revision, with one workload of each kind."""
    mesh = Mesh(default="1.30.3")
    mesh.namespace(injection="enabled")
    mesh.workload("details")
    mesh.workload("database", "StatefulSet", volumeClaimTemplates=[{"metadata": {"name": "data"}}])
    mesh.workload("agent", "DaemonSet", pods=1)
    mesh.workload("host", pod={"hostNetwork": True})
    mesh.workload("idle", pods=0)
    return mesh


SAME = ("changed", "before", "after", "changed_objects", "diff", "moved", "restarted")


def test_nothing_is_out_of_date(mesh: Mesh, call: Any, warned: list[str]) -> None:
    result = call(mesh)
    assert (result["changed"], result["restarted"], result["moved"], result["diff"]) == (False, [], [], [])
    assert mesh.writes == []
    assert warned == []


def test_after_an_upgrade_in_place(mesh: Mesh, call: Any) -> None:
    mesh.versions["default"] = "1.31.0"
    predicted = call(mesh, check=True)
    assert mesh.writes == []
    done = call(mesh)
    assert [predicted[key] for key in SAME] == [done[key] for key in SAME]
    assert mesh.restarted() == ["details", "database", "agent"]
    assert done["restarted"][0] == {
        "object": "Deployment tutorial/details", "pods": 2,
        "before": [{"revision": "default", "image": f"{HUB}:1.30.3"}],
        "after": {"revision": "default", "image": f"{HUB}:1.31.0"},
    }  # fmt: skip
    assert done["changed_objects"][0] == {
        "object": "Deployment tutorial/details", "field": "sidecar.image", "old": f"{HUB}:1.30.3",
        "new": f"{HUB}:1.31.0",
    }  # fmt: skip
    template = mesh.get("apps/v1", "Deployment", "details", NS)["spec"]["template"]["metadata"]
    assert template["annotations"][RESTARTED].endswith("Z")
    assert template["labels"] == {"app": "details"}
    again = call(mesh)
    assert not again["changed"]
    assert len(mesh.restarted()) == 3


def test_pods_without_a_sidecar_get_one(call: Any) -> None:
    mesh = Mesh(default="1.31.0")
    mesh.namespace()
    mesh.workload("details")
    assert not call(mesh)["changed"]
    mesh.namespace(injection="enabled")
    result = call(mesh)
    assert result["restarted"][0]["before"] == [None]
    assert result["before"]["Deployment tutorial/details"] == {"sidecar.revision": None, "sidecar.image": None}
    assert not call(mesh)["changed"]


def test_pods_that_differ_among_themselves(mesh: Mesh, call: Any) -> None:
    pod = mesh.get("v1", "Pod", "details-1-0", NS)
    del pod["spec"]["initContainers"], pod["metadata"]["annotations"]
    mesh.put(pod)
    result = call(mesh)
    assert mesh.restarted() == ["details"]
    assert (result["restarted"][0]["pods"], result["restarted"][0]["before"]) == (1, [None])


def test_a_sidecar_is_taken_away_where_none_is_wanted(mesh: Mesh, call: Any) -> None:
    mesh.namespace()
    result = call(mesh)
    assert result["restarted"][0]["after"] is None
    assert result["after"]["Deployment tutorial/details"] == {"sidecar.revision": None, "sidecar.image": None}
    assert not call(mesh)["changed"]


def test_a_canary(mesh: Mesh, call: Any) -> None:
    """The namespace is moved, its workloads follow, and a second run changes nothing."""
    mesh.versions["canary"] = "1.31.0"
    mesh.hook("istio-sidecar-injector-canary", {"istio.io/rev": "canary"})
    mesh.tag("prod", "canary")
    predicted = call(mesh, check=True, revision="prod")
    assert mesh.writes == []
    mesh.late = 2
    done = call(mesh, revision="prod")
    assert [predicted[key] for key in SAME] == [done[key] for key in SAME]
    assert (done["moved"], mesh.restarted()) == ([NS], ["details", "database", "agent"])
    assert done["before"][f"Namespace {NS}"] == {
        "metadata.labels.istio-injection": "enabled", 'metadata.labels["istio.io/rev"]': None,
    }  # fmt: skip
    assert done["after"]["Deployment tutorial/details"] == {"sidecar.revision": "canary"}
    assert mesh.get("v1", "Namespace", NS)["metadata"]["labels"] == {"istio.io/rev": "prod"}
    assert _sidecars.of_pod(mesh.list("v1", "Pod", NS)[0]) == ("canary", f"{HUB}:1.31.0")
    assert not call(mesh, revision="prod")["changed"]
    # The tag's own revision is the same injector under another name: nothing needs a restart.
    renamed = call(mesh, revision="canary")
    assert (renamed["changed"], renamed["moved"], renamed["restarted"]) == (True, [NS], [])


def test_a_tag_that_was_moved(mesh: Mesh, call: Any) -> None:
    mesh.versions["canary"] = "1.30.3"
    mesh.hook("istio-sidecar-injector-canary", {"istio.io/rev": "canary"})
    mesh.tag("default", "canary")
    result = call(mesh)
    assert result["after"]["Deployment tutorial/details"] == {"sidecar.revision": "canary"}
    # It asks for the default tag already, only in the other way.
    assert not call(mesh, revision="default")["changed"]


def test_a_revision_that_is_not_there(mesh: Mesh, call: Any, warned: list[str]) -> None:
    refused = call(mesh, revision="1-31")
    assert refused["msg"] == (
        "The namespace tutorial would get its sidecars from 1-31, which is neither a revision nor a tag here, so its "
        "pods would get none. Installed are default."
    )
    assert mesh.writes == []
    predicted = call(mesh, check=True, revision="1-31")
    assert warned == [refused["msg"]]
    assert predicted["after"]["Deployment tutorial/details"] == {"sidecar.revision": "1-31"}
    mesh.namespace(rev="typo")
    assert "would get its sidecars from typo" in call(mesh)["msg"]


def test_a_namespace_that_is_not_there(mesh: Mesh, call: Any) -> None:
    assert call(mesh, namespaces=["none"])["msg"] == "There is no namespace none."
    assert not call(mesh, check=True, namespaces=["none"])["changed"]


def test_the_api_server_that_does_not_follow(mesh: Mesh, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sidecars_task, "MOVE_SECONDS", 0.1)
    mesh.versions["canary"] = "1.31.0"
    mesh.hook("istio-sidecar-injector-canary", {"istio.io/rev": "canary"})
    mesh.late = 10**9
    assert "would still get a sidecar of default. Nothing was restarted" in call(mesh, revision="canary")["msg"]
    assert mesh.restarted() == []


def test_a_rollout_under_way_is_waited_for_and_not_begun_again(mesh: Mesh, call: Any) -> None:
    """An interrupted run has restarted it: the old pod is of an earlier template."""
    mesh.versions["default"] = "1.31.0"
    call(mesh)
    mesh.writes.clear()
    old = mesh.get("v1", "Pod", "details-2-0", NS)
    first = mesh.put({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "details-1", "namespace": NS, "annotations": {"deployment.kubernetes.io/revision": "1"},
                     "ownerReferences": [{"uid": mesh.get("apps/v1", "Deployment", "details", NS)["metadata"]["uid"]}]},
    })  # fmt: skip
    old["metadata"].update(name="details-1-0", ownerReferences=[{"uid": first["metadata"]["uid"]}])
    del old["metadata"]["annotations"], old["spec"]["initContainers"], old["metadata"]["uid"]
    mesh.put(old)
    mesh.status("apps/v1", "Deployment", "details", NS, replicas=3)
    result = call(mesh, wait_timeout=0.3)
    assert "old replicas still there" in result["msg"]
    assert mesh.restarted() == []
    mesh.status("apps/v1", "Deployment", "details", NS, replicas=2)
    assert not call(mesh)["changed"]


def test_pods_on_their_way_out_do_not_count(mesh: Mesh, call: Any) -> None:
    for name, change in (("details-1-0", {"deletionTimestamp": "2026-11-25T12:00:00Z"}), ("details-1-1", {})):
        pod = mesh.get("v1", "Pod", name, NS)
        del pod["spec"]["initContainers"]
        pod["metadata"].update(change)
        pod["status"]["phase"] = "Running" if change else "Failed"
        mesh.put(pod)
    assert not call(mesh)["changed"]


@pytest.mark.parametrize(
    ("kind", "spec", "why"),
    [
        ("Deployment", {"paused": True}, "its rollout is paused"),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, "only replaced when somebody deletes them"),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, "only replaced when somebody deletes them"),
    ],
)
def test_what_a_restart_would_not_help(call: Any, warned: list[str], kind: str, spec: dict[str, Any], why: str) -> None:
    mesh = Mesh(default="1.30.3")
    mesh.namespace(injection="enabled")
    mesh.workload("mine", kind, **spec)
    mesh.versions["default"] = "1.31.0"
    assert not call(mesh)["changed"]
    assert mesh.writes == []
    assert why in warned[0]


def test_a_pod_that_the_api_server_would_not_take(mesh: Mesh, call: Any, warned: list[str]) -> None:
    def refuse(verb: str, obj: Object) -> None:
        if verb == "apply" and obj["metadata"]["name"].startswith("details-"):
            raise ClusterError("exceeded quota: pods", status=403, reason="Forbidden")

    mesh.refuse = refuse
    mesh.versions["default"] = "1.31.0"
    result = call(mesh)
    assert [row["object"] for row in result["restarted"]] == [
        "StatefulSet tutorial/database",
        "DaemonSet tutorial/agent",
    ]
    assert warned == ["Which sidecar the pods of Deployment tutorial/details would get is not known: "
                      "exceeded quota: pods"]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "fails"),
    [
        (ClusterError("too many requests", status=429, reason="TooManyRequests"), False),
        (Unreachable("No Kubernetes API answers."), True),
    ],
    ids=["busy", "gone"],
)
def test_an_api_server_in_trouble_is_no_answer(
    mesh: Mesh, call: Any, monkeypatch: pytest.MonkeyPatch, error: ClusterError, fails: bool
) -> None:
    monkeypatch.setattr(_istio_owned, "BUSY_SECONDS", 0.0)
    mesh.versions["default"] = "1.31.0"
    errors = [error]

    def refuse(verb: str, _obj: Object) -> None:
        if verb == "apply" and errors:
            raise errors.pop()

    mesh.refuse = refuse
    result = call(mesh)
    assert result.get("failed", False) is fails
    assert mesh.restarted() == ([] if fails else ["details", "database", "agent"])


def test_the_injector_sees_the_pod_of_the_template(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Object] = []
    real = mesh.apply
    monkeypatch.setattr(mesh, "apply", lambda pod, *rest, **more: seen.append(pod) or real(pod, *rest, **more))
    database = mesh.get("apps/v1", "StatefulSet", "database", NS)
    database["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}, {"name": "x", "emptyDir": {}}]
    assert _sidecars.injected(mesh, database) == ("default", f"{HUB}:1.30.3")  # type: ignore[arg-type]
    assert seen[0]["spec"]["volumes"] == [
        {"name": "x", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
    ]  # fmt: skip
    assert mesh.writes == []


@pytest.mark.parametrize(
    ("status", "revision"),
    [('{"revision": "canary"}', "canary"), ('{"revision": ""}', "default"), ("{}", "default"), ("{", ""), ("[]", "")],
)
def test_what_the_injector_noted(status: str, revision: str) -> None:
    pod = {
        "metadata": {"annotations": {"sidecar.istio.io/status": status}},
        "spec": {"containers": [{"name": "istio-proxy", "image": "p:1"}]},
    }
    assert _sidecars.of_pod(pod) == (revision, "p:1")


def test_a_proxy_of_the_template_is_no_sidecar() -> None:
    pod = {"metadata": {}, "spec": {"containers": [{"name": "istio-proxy", "image": "p:1"}]}}
    assert _sidecars.of_pod(pod) is None


def test_a_change_that_its_controller_has_not_seen(mesh: Mesh, monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    """Somebody scaled it a moment ago: its pods are judged once the controller knows."""
    mesh.versions["default"] = "1.31.0"
    mesh.status("apps/v1", "Deployment", "details", NS, observedGeneration=0)

    def observed(_seconds: float) -> None:
        mesh.status("apps/v1", "Deployment", "details", NS, observedGeneration=1)

    monkeypatch.setattr(_sidecars.time, "sleep", observed)
    assert "Deployment tutorial/details" in call(mesh, check=True)["after"]


# -- where nothing can be asked, and workloads_info ---------------------------------------------------


def test_no_cluster(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warned: list[str]) -> None:
    nowhere = {"kubeconfig": str(tmp_path / "none")}
    result = call(None, check=True, **nowhere)
    assert (result["changed"], result["cluster_exists"], warned) == (False, False, [])
    assert call(None, **nowhere)["failed"]

    def stopped(_kubeconfig: str, _context: str) -> None:
        raise Unreachable("No Kubernetes API answers.")

    monkeypatch.setattr(_sidecars_task, "Cluster", stopped)
    assert not call(None, check=True)["cluster_exists"]
    assert "is not known" in warned[0]


@pytest.mark.usefixtures("no_kubernetes")
def test_a_bare_host(call: Any) -> None:
    result = call(None, check=True)
    assert (result["changed"], result["cluster_exists"]) == (False, False)


def test_workloads_info_tells_of_them(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workloads_info, "Cluster", lambda _kubeconfig, _context: mesh)

    def outdated(**options: Any) -> list[Object]:
        with patch_module_args({"namespaces": [NS], **options}), pytest.raises(SystemExit):
            workloads_info.main()
        rows: list[Object] = json.loads(capsys.readouterr().out.splitlines()[-1])["outdated"]
        return rows

    mesh.requests.clear()
    mesh.versions["default"] = "1.31.0"
    assert outdated() == []
    assert not any(verb == "apply" for verb, *_rest in mesh.requests), "it is asked for"
    rows = outdated(sidecars=[NS])
    assert [row["object"].split("/")[1] for row in rows] == ["details", "database", "agent"]
    assert rows[0]["after"] == {"revision": "default", "image": f"{HUB}:1.31.0"}
    assert mesh.writes == []
