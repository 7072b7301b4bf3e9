# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module manifests against a real API server: what is applied, refused, recreated and left alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import yaml

from ansible_collections.meshlab.istio.plugins.module_utils import _manifests
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, InputError, NotFound
from tests.apiserver.control_plane import GUEST

Object = dict[str, Any]

NUMBERS = count(1)
KUBECTL = "kubectl-client-side-apply"


class Run:
    """Runs the module's work on the API server.

    :ivar admin: a client that may do everything.
    :ivar space: the namespace of this test.
    """

    def __init__(self, kubeconfig: str, space: str) -> None:
        self.kubeconfig = kubeconfig
        self.space = space
        self.admin = Cluster(kubeconfig)

    def __call__(self, definition: Any, *, check: bool = False, context: str | None = None, **options: Any) -> Object:
        defaults: Object = {
            "definition": definition, "src": [], "state": "present", "namespace": self.space, "label_selectors": [],
            "patches": [], "recreate": False, "prune": None, "keep_used_namespaces": False,
            "only_applied": False, "adopt": True, "expected_namespaces": [],
            "field_manager": "meshlab.istio", "wait": False, "wait_timeout": 30.0, "wait_conditions": [],
            "failure_grace": 5.0, "kubeconfig": self.kubeconfig, "context": context,
        }  # fmt: skip
        return _manifests.ensure({**defaults, **options}, check=check, progress=lambda _text: None)

    def twice(self, definition: Any, **options: Any) -> Object:
        """Predict, apply, and apply again; the prediction holds, and the second run changes nothing."""
        predicted = self(definition, check=True, **options)
        done = self(definition, **options)
        for name in ("changed", "objects", "changed_objects"):
            assert predicted[name] == done[name], name
        again = self(definition, **options)
        assert again["changed_objects"] == []
        assert again["changed"] is False
        return done

    def as_kubectl(self, text: str, manager: str = KUBECTL) -> None:
        """Write objects as ``kubectl apply`` or ``kubectl edit`` does: by an update, not by server-side apply."""
        for obj in yaml.safe_load_all(text):
            place = obj["apiVersion"], obj["kind"], obj["metadata"]["name"], self.space
            if self.admin.find(*place) is None:
                body = {**obj, "metadata": {**obj["metadata"], "namespace": self.space}}
                self.admin._call(
                    "POST", obj["apiVersion"], obj["kind"], namespace=self.space, form="application/json",
                    body=json.dumps(body), query={"fieldManager": manager},
                )  # fmt: skip
            else:
                self.admin.patch(*place, obj, field_manager=manager)

    def live(self, kind: str, name: str, api_version: str = "v1") -> Object:
        return self.admin.get(api_version, kind, name, self.space)


@pytest.fixture
def run(kubeconfig: str) -> Run:
    """A namespace of its own for each test, in an API server that all share and that goes with them."""
    result = Run(kubeconfig, f"lab-{next(NUMBERS)}")
    result({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": result.space}})
    return result


def obj(kind: str, name: str, api_version: str = "v1", **more: Any) -> Object:
    metadata = {"name": name, **more.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


RBAC = "rbac.authorization.k8s.io/v1"


# -- what must not go ----------------------------------------------------------------------------


def widgets(kind: str = "Widget") -> Object:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": f"{kind.lower()}s"}
    return obj(
        "CustomResourceDefinition", f"{names['plural']}.lab.example", "apiextensions.k8s.io/v1",
        spec={"group": "lab.example", "scope": "Namespaced", "names": names, "versions": [version]},
    )  # fmt: skip


@pytest.fixture
def defined(run: Run) -> Iterator[Run]:
    run(widgets(), wait=True)
    yield run
    run(widgets(), state="absent", wait=True)


def test_a_namespace_counts_for_nothing_where_there_is_none(run: Run) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    role = obj("ClusterRole", "lab-reader", RBAC, metadata={"namespace": run.space}, rules=rules)
    done = run.twice([role, obj("ConfigMap", "beside", data={"a": "1"})], prune="two")
    assert {row["object"] for row in done["objects"]} == {"ClusterRole lab-reader", f"ConfigMap {run.space}/beside"}
    assert run.admin.find(RBAC, "ClusterRole", "lab-reader") is not None
    other = obj("ClusterRole", "lab-reader", RBAC, metadata={"namespace": "elsewhere"}, rules=[])
    with pytest.raises(InputError, match="ClusterRole lab-reader is defined twice"):
        run([role, other])
    assert run(None, state="absent", prune="two", wait=True)["changed"] is True


def test_what_a_controller_made_is_not_pruned(run: Run) -> None:
    subsets = [{"addresses": [{"ip": "192.0.2.10"}], "ports": [{"port": 3306}]}]
    database = [
        obj("Service", "mysqldb", spec={"ports": [{"port": 3306}]}),
        obj("Endpoints", "mysqldb", subsets=subsets),
    ]
    ratings = obj("Service", "ratings", spec={"selector": {"app": "ratings"}, "ports": [{"port": 9080}]})
    run([*database, ratings], prune="database")
    end = time.monotonic() + 30
    while run.admin.find("v1", "Endpoints", "ratings", run.space) is None:
        assert time.monotonic() < end, "the controller makes no Endpoints"
        time.sleep(0.2)
    made = run.live("Endpoints", "ratings")
    assert made["metadata"]["labels"][_manifests.OWNER_LABEL] == "database", "the controller copies the label"
    again = run([*database, ratings], prune="database", wait=True)
    assert (again["changed"], again["warnings"]) == (False, [])
    assert run.live("Endpoints", "ratings")["metadata"]["uid"] == made["metadata"]["uid"]
    # Ours goes, and only ours.
    other = obj("Endpoints", "other", subsets=subsets)
    run([*database, ratings, other], prune="database")
    gone = run([database[0], ratings, other], prune="database", wait=True)
    assert [row["object"] for row in gone["changed_objects"]] == [f"Endpoints {run.space}/mysqldb"]


def test_a_copy_that_somebody_made_is_not_pruned(run: Run) -> None:
    run(obj("ConfigMap", "ours", data={"a": "1"}), prune="lab")
    copied = run.live("ConfigMap", "ours")
    copy = {**copied, "metadata": {"name": "copy", "namespace": run.space, "labels": copied["metadata"]["labels"]}}
    run.admin.apply(copy, "kubectl")
    done = run(obj("ConfigMap", "other"), prune="lab", wait=True)
    assert {row["object"] for row in done["changed_objects"]} == {
        f"ConfigMap {run.space}/ours",
        f"ConfigMap {run.space}/other",
    }
    assert f"ConfigMap {run.space}/copy (applied by kubectl)" in done["warnings"][0]
    assert run.live("ConfigMap", "copy")["data"] == {"a": "1"}


def test_a_definition_with_objects_and_a_used_namespace_are_not_pruned(defined: Run) -> None:
    room = obj("Namespace", "lab-room")
    defined([widgets(), room], prune="kinds", wait=True)
    defined([obj("Widget", "mine", "lab.example/v1"), obj("ConfigMap", "mine", metadata={"namespace": "lab-room"})])
    done = defined(widgets("Gadget"), prune="kinds", wait=True)
    assert [row["object"] for row in done["changed_objects"]] == ["CustomResourceDefinition gadgets.lab.example"]
    assert len(done["warnings"]) == 2
    assert f"of its kind: Widget {defined.space}/mine" in " ".join(done["warnings"])
    defined(obj("ConfigMap", "mine"), state="absent", namespace="lab-room", wait=True)
    defined(obj("Widget", "mine", "lab.example/v1"), state="absent", wait=True)
    gone = defined(widgets("Gadget"), prune="kinds", state="absent", wait=True)
    assert {row["object"] for row in gone["changed_objects"]} == {
        "CustomResourceDefinition widgets.lab.example", "CustomResourceDefinition gadgets.lab.example",
        "Namespace lab-room",
    }  # fmt: skip


def test_what_only_has_the_name_stays(run: Run) -> None:
    run.as_kubectl("{apiVersion: v1, kind: ConfigMap, metadata: {name: sleep}, data: {a: '1'}}")
    run([obj("ConfigMap", "ours", data={"a": "1"}), obj("ServiceAccount", "ours")])
    both = [obj("ConfigMap", "sleep", data={"a": "1"}), obj("ConfigMap", "ours", data={"a": "1"})]
    # Of an account with nothing but a name the API server does not note who applied it.
    done = run([*both, obj("ServiceAccount", "ours")], state="absent", only_applied=True, wait=True)
    assert {row["object"] for row in done["changed_objects"]} == {
        f"ConfigMap {run.space}/ours", f"ServiceAccount {run.space}/ours",
    }  # fmt: skip
    assert f"ConfigMap {run.space}/sleep" in done["warnings"][0]
    assert run(both, state="absent", wait=True)["changed"] is True


# -- what can be applied -------------------------------------------------------------------------


def binding(role: str) -> Object:
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return obj("RoleBinding", "devs", RBAC, roleRef=ref, subjects=[{**ref, "kind": "Group", "name": "devs"}])


def service(**spec: Any) -> Object:
    return obj("Service", "web", spec={"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}], **spec})


def pod(image: str, command: str) -> Object:
    return obj("Pod", "p", spec={"containers": [{"name": "c", "image": image, "command": [command]}]})


REFUSED = {
    "roleRef": (binding("view"), binding("edit")),
    "headless": (service(), service(clusterIP="None")),
    "secret type": (obj("Secret", "s", type="Opaque"), obj("Secret", "s", type="example.org/other")),
    "immutable data": (obj("ConfigMap", "c", immutable=True), obj("ConfigMap", "c", data={"a": "1"}, immutable=True)),
    "pod": (pod("a:1", "x"), pod("a:1", "y")),
    "storage class": tuple(
        obj("StorageClass", "lab-slow", "storage.k8s.io/v1", provisioner="lab.example/x", parameters={"a": each})
        for each in "12"
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_change_that_only_a_new_object_can_have(run: Run, case: str) -> None:
    old, new = REFUSED[case]
    run(old)
    with pytest.raises(ClusterError, match="Delete the object first, or set `recreate: true`"):
        run(new)
    predicted = run(new, check=True, recreate=True)
    done = run(new, recreate=True)
    assert predicted["changed_objects"] == done["changed_objects"]
    assert done["changed_objects"]
    assert run(new, recreate=True)["changed"] is False
    run(new, state="absent", wait=True)


def test_what_is_wrong_in_itself_is_not_recreated(run: Run) -> None:
    run(service())
    uid = run.live("Service", "web")["metadata"]["uid"]
    with pytest.raises(ClusterError, match="422") as refused:
        run(service(type="Wrong"), recreate=True)
    assert "recreate" not in refused.value.message
    assert run.live("Service", "web")["metadata"]["uid"] == uid


def test_a_definition_with_objects_is_not_recreated(defined: Run) -> None:
    defined(obj("Widget", "mine", "lab.example/v1"))
    other = widgets()
    other["spec"]["scope"] = "Cluster"
    with pytest.raises(InputError, match=rf"all objects of its kind: Widget {defined.space}/mine"):
        defined(other, recreate=True)
    assert defined.admin.find("lab.example/v1", "Widget", "mine", defined.space) is not None


OLD = """
apiVersion: v1
kind: Service
metadata: {name: tracing, labels: {app: jaeger, mine: "yes"}}
spec:
  ports: [{name: http-query, port: 80, protocol: TCP, targetPort: 16686}]
  selector: {app: jaeger}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: jaeger, labels: {app: jaeger}}
spec:
  replicas: 0
  selector: {matchLabels: {app: jaeger}}
  template:
    metadata: {labels: {app: jaeger}}
    spec:
      containers:
      - name: jaeger
        image: registry.example/all-in-one:1.35
        env: [{name: OLD_SWITCH, value: "true"}, {name: KEPT, value: "1"}]
        ports: [{name: http, containerPort: 80}]
        volumeMounts: [{name: data, mountPath: /badger}]
      volumes: [{name: data, emptyDir: {}}]
"""
NEW = """
apiVersion: v1
kind: Service
metadata: {name: tracing, labels: {app: jaeger}}
spec:
  ports: [{name: http-query, port: 16686, protocol: TCP, targetPort: 16686}]
  selector: {app: jaeger}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: jaeger, labels: {app: jaeger}}
spec:
  replicas: 0
  selector: {matchLabels: {app: jaeger}}
  template:
    metadata: {labels: {app: jaeger}}
    spec:
      containers:
      - name: jaeger
        image: registry.example/jaeger:2.1
        env: [{name: KEPT, value: "1"}]
        ports: [{name: http, containerPort: 16686}]
        volumeMounts: [{name: store, mountPath: /badger}]
      volumes: [{name: store, emptyDir: {}}]
"""


def test_a_newer_release_over_what_kubectl_applied(run: Run) -> None:
    run.as_kubectl(OLD)
    run.twice(NEW)
    live = run.live("Service", "tracing")
    assert [(port["name"], port["port"]) for port in live["spec"]["ports"]] == [("http-query", 16686)]
    assert live["metadata"]["labels"] == {"app": "jaeger", "mine": "yes"}
    template = run.live("Deployment", "jaeger", "apps/v1")["spec"]["template"]["spec"]
    (container,) = template["containers"]
    assert [each["name"] for each in container["env"]] == ["KEPT"]
    assert [each["containerPort"] for each in container["ports"]] == [16686]
    assert [each["name"] for each in template["volumes"]] == ["store"]
    # What the next manifest drops goes, as ever.
    run.twice(re.sub(r" +(volumeMounts|volumes): .*\n", "", NEW))
    template = run.live("Deployment", "jaeger", "apps/v1")["spec"]["template"]["spec"]
    assert "volumes" not in template
    assert "volumeMounts" not in template["containers"][0]


def test_a_port_that_somebody_edited(run: Run) -> None:
    run(NEW)
    ports = [{"name": "http-query", "port": 8080}, {"name": "more", "port": 9}]
    edit = obj("Service", "tracing", spec={"ports": ports})
    run.as_kubectl(json.dumps(edit), "kubectl-edit")
    done = run.twice(NEW)
    assert [row["object"] for row in done["changed_objects"]] == [f"Service {run.space}/tracing"] * len(
        done["changed_objects"]
    )
    found = [(port["name"], port["port"]) for port in run.live("Service", "tracing")["spec"]["ports"]]
    assert sorted(found) == [("http-query", 16686), ("more", 9)], "what is in nobody's way stays"


def test_a_key_that_is_taken_out_of_string_data_goes(run: Run) -> None:
    run.twice(obj("Secret", "app", stringData={"user": "u", "token": "first"}))
    done = run.twice(obj("Secret", "app", stringData={"user": "u"}))
    assert [row["field"] for row in done["changed_objects"]] == ["data.token"]
    assert run.live("Secret", "app")["data"] == {"user": "dQ=="}


# -- what is refused, and in which words ---------------------------------------------------------


def test_a_manifest_of_one_moment_is_refused_at_once(run: Run) -> None:
    run(obj("ConfigMap", "exported", data={"a": "1"}))
    exported = run.live("ConfigMap", "exported")
    exported["metadata"].pop("managedFields")
    run(obj("ConfigMap", "exported", data={"a": "2"}))
    started = time.monotonic()
    with pytest.raises(InputError, match=r"Take metadata.resourceVersion and metadata.uid out of the manifest"):
        run(exported)
    assert time.monotonic() - started < 5
    for name in ("resourceVersion", "uid"):
        exported["metadata"].pop(name)
    run(exported)


def deployment(**container: Any) -> Object:
    spec = {"containers": [{"name": "c", "image": "registry.example/x:1", **container}]}
    template = {"metadata": {"labels": {"app": "d"}}, "spec": spec}
    selector = {"matchLabels": {"app": "d"}}
    return obj("Deployment", "d", "apps/v1", spec={"replicas": 0, "selector": selector, "template": template})


CONTAINER = "spec.template.spec.containers[name=c]"
WRONG = [
    (
        {"env": [{"name": "JAVA_OPTS", "value": "a"}, {"name": "JAVA_OPTS", "value": "b"}]},
        rf"{CONTAINER}.env has the item with name=JAVA_OPTS twice.",
    ),
    ({"imagge": "x"}, rf"{CONTAINER}.imagge is not a field of Deployment (apps/v1)."),
    ({"ports": {"containerPort": 1}}, rf"{CONTAINER}.ports must be of the type list."),
]


@pytest.mark.parametrize(("container", "words"), WRONG)
@pytest.mark.parametrize("there", [False, True])
def test_a_wrong_form_is_named_with_its_place(run: Run, container: Object, words: str, there: bool) -> None:
    if there:
        run(deployment())
    for check in (True, False):
        with pytest.raises(ClusterError, match=re.escape(words)) as refused:
            run(deployment(**container), check=check)
        assert "500" not in refused.value.message


def test_a_misspelt_field_of_a_defined_kind(run: Run) -> None:
    definition = widgets()
    spec = {"type": "object", "properties": {"http": {"type": "array", "items": {"type": "object"}}}}
    spec["properties"]["http"]["items"]["properties"] = {"timeout": {"type": "string"}}  # type: ignore[index]
    definition["metadata"]["name"] = "routes.lab.example"
    definition["spec"]["names"] = {"kind": "Route", "plural": "routes"}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    definition["spec"]["versions"][0]["schema"] = schema
    run(definition, wait=True)
    try:
        with pytest.raises(ClusterError, match=r"spec.http\[0\].timout is not a field of Route .lab.example/v1"):
            run(obj("Route", "r", "lab.example/v1", spec={"http": [{"timout": "3s"}]}))
    finally:
        run(definition, state="absent", wait=True)


@pytest.mark.parametrize("check", [True, False])
def test_a_missing_namespace_is_named_before_anything_is_written(run: Run, check: bool) -> None:
    objects = [obj("ConfigMap", "here"), obj("ConfigMap", "there", metadata={"namespace": "nowhere"})]
    with pytest.raises(InputError, match=r"do not exist: nowhere \(for ConfigMap nowhere/there\)"):
        run(objects, check=check)
    assert run.admin.find("v1", "ConfigMap", "here", run.space) is None
    expected = {"expected_namespaces": ["nowhere"]}
    if check:
        assert run(objects, check=True, **expected)["changed"] is True
    else:
        with pytest.raises(InputError, match="nowhere"):
            run(objects, **expected)


def test_an_unknown_kind_is_named_before_anything_is_written(run: Run) -> None:
    objects = [obj("ConfigMap", "here"), obj("Gizmo", "g", "lab.example/v1")]
    assert f"Gizmo {run.space}/g (lab.example/v1)" in run(objects, check=True)["warnings"][0]
    with pytest.raises(NotFound, match="Apply the CustomResourceDefinition first"):
        run(objects)
    assert run.admin.find("v1", "ConfigMap", "here", run.space) is None


# -- a user of one namespace ---------------------------------------------------------------------


def test_a_user_of_one_namespace_waits_for_a_claim_and_prunes(run: Run) -> None:
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": GUEST}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "all"}
    fast = obj("StorageClass", "lab-fast", "storage.k8s.io/v1", provisioner="lab.example/x",
               volumeBindingMode="WaitForFirstConsumer")  # fmt: skip
    run([obj("Role", "all", RBAC, rules=everything), obj("RoleBinding", "all", RBAC, roleRef=ref, subjects=[subject])])
    run(fast)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "lab-fast"}  # fmt: skip
    claim = obj("PersistentVolumeClaim", "scratch", spec=spec)
    options: Object = {"context": GUEST, "prune": "mine", "wait": True, "wait_timeout": 10.0}
    run([claim, obj("ConfigMap", "old")], **{**options, "wait": False})
    # As the volume controller says it.
    run.admin.apply(
        obj(
            "Event", "scratch.1", metadata={"namespace": run.space}, reason="WaitForFirstConsumer",
            message="waiting for first consumer to be created before binding",
            involvedObject={
                "kind": "PersistentVolumeClaim", "name": "scratch", "namespace": run.space,
                "uid": run.live("PersistentVolumeClaim", "scratch")["metadata"]["uid"],
            },
        ),
        "persistentvolume-controller",
    )  # fmt: skip
    done = run(claim, **options)
    assert [row["object"] for row in done["changed_objects"]] == [f"ConfigMap {run.space}/old"]
    warnings = " ".join(done["warnings"])
    assert "ClusterRole" in warnings
    assert f"was looked for only in {run.space}" in warnings
    used = run(obj("Namespace", run.space), context=GUEST, state="absent", keep_used_namespaces=True)
    assert "stays" in used["warnings"][0]


# -- what others put there ----------------------------------------------------------------------------


def workload(name: str, namespace: str, labels: dict[str, str]) -> Object:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}}  # fmt: skip


def test_what_others_put_there_is_neither_changed_nor_made_anew_for_a_lab(run: Run) -> None:
    """Of the same names: a Secret with the only copy of a key, and a Deployment that only could be recreated."""
    meta = {"namespace": run.space}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", **meta}, "data": {"key": "b25l"}}
    mine = workload("grafana", run.space, {"app": "mine"})
    for obj in (secret, mine):
        run.admin.apply(obj, "kubectl")
    before = run.admin.get("apps/v1", "Deployment", "grafana", run.space)["metadata"]["uid"]
    wanted = [{**secret, "data": {"key": "b3RoZXI="}}, workload("grafana", run.space, {"app": "labs"})]
    for check in (True, False):
        with pytest.raises(InputError, match=r"may be yours: .*Deployment .*/grafana.*Nothing was written"):
            run(wanted, check=check, adopt=False, recreate=True)
    assert run.admin.get("apps/v1", "Deployment", "grafana", run.space)["metadata"]["uid"] == before
    assert run.admin.get("v1", "Secret", "key", run.space)["data"] == {"key": "b25l"}
    run(wanted, recreate=True)
    assert not run(wanted, adopt=False, recreate=True)["changed"]


def test_a_lab_s_own_objects_stay_its_own_whoever_else_writes_to_them(run: Run) -> None:
    made = workload("ours", run.space, {"app": "ours"})
    run(made, adopt=False)
    run.admin.apply({**made, "spec": {**made["spec"], "replicas": 2}}, "kubectl")
    done = run(made, adopt=False)
    assert [field["field"] for field in done["changed_objects"]] == ["spec.replicas"]
    run.admin.apply({**made, "metadata": {**made["metadata"], "labels": {"a": "b"}}}, "meshlab.istio.scenario")
    assert not run(made, adopt=False)["changed"]
