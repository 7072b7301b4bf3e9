# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan and apply: one comparison for both, the right order, patience where it helps."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _apply, _watch
from ansible_collections.meshlab.istio.plugins.module_utils._apply import apply, delete, plan, plan_absent
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    InputError,
    NotFound,
    Unreachable,
    WaitError,
)
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

Object = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_apply, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(_watch, "RETRY_SECONDS", 0.02)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


def config(name: str = "c", namespace: str = "default", **data: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def deployment(replicas: int = 1, **more: Any) -> Object:
    metadata = {"name": "web", "namespace": "default"}
    container = {"name": "app", "image": "i:1"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}, **more}}  # fmt: skip


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.com"},
    "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Thing"}, "versions": [{"name": "v1"}]},
}
THING = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": "default"}}


def establish(obj: Object) -> None:
    """Play the API server, which serves a definition's kind."""
    if obj["kind"] == "CustomResourceDefinition":
        obj["status"] = {"conditions": [{"type": "Established", "status": "True"}]}


def test_new_then_unchanged_then_changed_then_a_field_less(cluster: FakeCluster) -> None:
    objects = [config(a="1"), deployment(paused=True)]
    assert [change.changed for change in apply(cluster, plan(cluster, objects))] == [True, True]
    cluster.writes.clear()
    again = plan(cluster, objects)
    assert [(change.changed, change.fields) for change in again] == [(False, []), (False, [])]
    apply(cluster, again)
    assert cluster.writes == [], "what would not change is not written"

    wanted = deployment(3)
    planned = plan(cluster, [wanted])[0]
    expected = [
        {"field": "spec.paused", "old": True, "new": None},
        {"field": "spec.replicas", "old": 1, "new": 3},
    ]
    assert planned.fields == expected
    assert cluster.writes == []
    (done,) = apply(cluster, [planned])
    assert done.fields == expected, "the real run reports what the plan said"
    assert cluster.get("apps/v1", "Deployment", "web", "default")["spec"]["replicas"] == 3
    assert planned.diff()["after"] == "spec.replicas: 3\n"


def test_fields_of_others_and_manual_edits(cluster: FakeCluster) -> None:
    apply(cluster, plan(cluster, [config(a="1")]))
    live = cluster.get("v1", "ConfigMap", "c", "default")
    live["data"].update(a="edited", other="stays")
    cluster.put(live)
    assert plan(cluster, [config(a="1")])[0].fields == [{"field": "data.a", "old": "edited", "new": "1"}]
    apply(cluster, plan(cluster, [config(a="1")]))
    assert cluster.get("v1", "ConfigMap", "c", "default")["data"] == {"a": "1", "other": "stays"}


def test_an_object_of_somebody_elses_is_adopted_once(cluster: FakeCluster) -> None:
    cluster.apply(config(a="1"), "kubectl")
    (planned,) = plan(cluster, [config(a="1")])
    assert planned.changed
    assert [change["field"] for change in planned.fields] == ["metadata.managedFields"]
    apply(cluster, [planned])
    assert not plan(cluster, [config(a="1")])[0].changed
    # What the manifest drops goes now.
    apply(cluster, plan(cluster, [config(b="2")]))
    assert cluster.get("v1", "ConfigMap", "c", "default")["data"] == {"a": "1", "b": "2"}, "kubectl still owns a"


def test_order(cluster: FakeCluster) -> None:
    cluster.defaults = establish
    hook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "w"}}  # fmt: skip
    objects = [hook, THING, deployment(), config(), {**config("in-new", "new")}, DEFINITION, NAMESPACE]
    done = apply(cluster, plan(cluster, objects))
    assert [kind for _verb, kind, _namespace, _name in cluster.writes] == [
        "Namespace", "CustomResourceDefinition", "ConfigMap", "ConfigMap", "Deployment", "Thing",
        "ValidatingWebhookConfiguration",
    ]  # fmt: skip
    assert [change.desired["kind"] for change in done] == [kind for _verb, kind, _namespace, _name in cluster.writes]
    assert [change.name for change in plan_absent(cluster, [NAMESPACE])] == ["Namespace new"]


def test_nothing_is_asked_about_a_namespace_that_comes_with_the_set(cluster: FakeCluster) -> None:
    cluster.requests.clear()
    planned = plan(cluster, [config("c", "new"), NAMESPACE])
    assert [change.after for change in planned] == [NAMESPACE, config("c", "new")]
    assert [request[:2] for request in cluster.requests] == [("get", "Namespace"), ("apply", "Namespace")]
    assert cluster.writes == []


def test_a_kind_and_a_namespace_that_do_not_exist_yet_are_planned_as_written(cluster: FakeCluster) -> None:
    planned = plan(cluster, [THING, config("c", "elsewhere")], expected=["elsewhere"])
    assert [(change.before, change.changed) for change in planned] == [(None, True), (None, True)]
    with pytest.raises(NotFound, match=r"Thing default/t: .* Apply the CustomResourceDefinition first"):
        apply(cluster, [change for change in planned if change.desired is THING])


def test_a_definition_that_is_never_established(cluster: FakeCluster) -> None:
    with pytest.raises(WaitError, match=r"things.example.com \(not established yet\)"):
        apply(cluster, plan(cluster, [DEFINITION]), timeout=0.1)


NOT_SERVED = NotFound("The API server answered 404 (Not Found): Not Found", status=404, reason="Not Found")
UNKNOWN = NotFound("The cluster does not know the kind Thing of example.com/v1.", reason="UnknownKind")


@pytest.mark.parametrize("error", [NOT_SERVED, UNKNOWN])
def test_a_kind_of_the_set_may_take_a_moment_to_be_served(cluster: FakeCluster, error: ClusterError) -> None:
    cluster.defaults = establish
    asked: list[str] = []

    def refuse(_verb: str, obj: Object) -> None:
        if obj["kind"] == "Thing":
            asked.append(obj["metadata"]["name"])
            if len(asked) < 4:
                raise error

    cluster.refuse = refuse
    apply(cluster, plan(cluster, [DEFINITION, THING]), timeout=5)
    assert len(asked) == 4
    asked.clear()
    with pytest.raises(NotFound, match="Thing default/t"):
        apply(cluster, plan(cluster, [{**THING, "spec": {}}]), timeout=5)
    assert len(asked) == 2, "once by the plan and once in earnest: nothing of the set brings the kind"


def test_a_namespace_that_is_missing_is_not_waited_for(cluster: FakeCluster) -> None:
    cluster.defaults = establish
    thing = {**THING, "metadata": {"name": "t", "namespace": "missing"}}
    changes = plan(cluster, [DEFINITION, thing], expected=["missing"])
    cluster.requests.clear()
    with pytest.raises(NotFound, match="Thing missing/t"):
        apply(cluster, changes, timeout=5)
    assert [request[:2] for request in cluster.requests].count(("apply", "Thing")) == 1


def test_an_api_that_does_not_answer_is_given_up_long_before_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_apply, "UNREACHABLE_SECONDS", 0.0)
    asked = []

    def request() -> None:
        asked.append(1)
        raise Unreachable("nobody there")

    with pytest.raises(Unreachable, match="nobody there"):
        _apply.patiently(time.monotonic() + 300, request)
    assert len(asked) == 1


@pytest.mark.parametrize("verb", ["get", "apply"])
@pytest.mark.parametrize(
    "error", [ClusterError("busy", status=429), ClusterError("down", status=503), Unreachable("?")]
)
def test_planning_is_patient_too(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, verb: str, error: ClusterError
) -> None:
    real, asked = getattr(cluster, verb), []

    def refusing(*args: Any, **more: Any) -> Any:
        asked.append(args)
        if len(asked) < 4:
            raise error
        return real(*args, **more)

    monkeypatch.setattr(cluster, verb, refusing)
    with pytest.raises(type(error)):
        plan(cluster, [config(a="1")])
    asked.clear()
    assert [change.changed for change in plan(cluster, [config(a="1")], timeout=5)] == [True]
    if verb == "get":
        asked.clear()
        assert [change.before for change in plan_absent(cluster, [config(a="1")], timeout=5)] == [None]


def refuse_times(cluster: FakeCluster, times: int, error: ClusterError, *, dry: bool = False) -> list[str]:
    """Refuse the first requests that write, or all dry runs."""
    asked: list[str] = []
    real = cluster.apply

    def refusing(obj: Object, manager: str, *, dry_run: bool = False, force: bool = True) -> Object:
        if dry_run == dry:
            asked.append(obj["metadata"]["name"])
            if dry or len(asked) <= times:
                raise error
        return real(obj, manager, dry_run=dry_run, force=force)

    cluster.apply = refusing  # type: ignore[method-assign]
    return asked


# Recorded from Kubernetes 1.34.4, but for the port.
WEBHOOK_DOWN = ClusterError(
    'The API server answered 500 (InternalError): Internal error occurred: failed calling webhook "v.istio.io": '
    'failed to call webhook: Post "https://istiod.istio-system.svc:443/validate": connect: connection refused',
    status=500, reason="InternalError",
)  # fmt: skip
DENIED = ClusterError(
    'The API server answered 400 (BadRequest): admission webhook "validation.istio.io" denied the request: bad',
    status=400, reason="BadRequest",
)  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        WEBHOOK_DOWN,
        ClusterError("namespace new is being terminated", status=403),
        ClusterError("storage is (re)initializing", status=429),
        ClusterError("please apply your changes to the latest version", status=409),
        Unreachable("nobody there"),
    ],
)
def test_what_passes_is_tried_again(cluster: FakeCluster, error: ClusterError) -> None:
    planned = plan(cluster, [config(a="1")])
    asked = refuse_times(cluster, 3, error)
    apply(cluster, planned, timeout=5)
    assert len(asked) == 4
    asked = refuse_times(cluster, 10**6, error)
    with pytest.raises(type(error), match="ConfigMap default/c"):
        apply(cluster, planned, timeout=0.05)
    assert len(asked) > 1


@pytest.mark.parametrize("error", [DENIED, ClusterError("no", status=403), ClusterError("broken", status=500)])
def test_what_cannot_pass_is_not(cluster: FakeCluster, error: ClusterError) -> None:
    planned = plan(cluster, [config(a="1")])
    asked = refuse_times(cluster, 10**6, error)
    with pytest.raises(ClusterError, match="ConfigMap default/c") as caught:
        apply(cluster, planned, timeout=5)
    assert len(asked) == 1
    assert caught.value.details["object"] == "ConfigMap default/c"


def test_a_refused_plan_writes_nothing_and_names_the_object(cluster: FakeCluster) -> None:
    refuse_times(cluster, 0, DENIED, dry=True)
    with pytest.raises(ClusterError, match=r"ConfigMap default/c: .*denied the request"):
        plan(cluster, [config(a="1")])
    assert cluster.writes == []
    refuse_times(cluster, 0, Unreachable("nobody there"), dry=True)
    with pytest.raises(Unreachable, match=r"^nobody"):
        plan(cluster, [config(a="1")])


@pytest.mark.parametrize("error", [WEBHOOK_DOWN, ClusterError("webhook w does not support dry run", status=400)])
def test_a_dry_run_that_says_nothing_is_replaced_by_an_overlay(cluster: FakeCluster, error: ClusterError) -> None:
    apply(cluster, plan(cluster, [deployment(1)]))
    wanted = copy.deepcopy(deployment(1))
    containers = wanted["spec"]["template"]["spec"]["containers"]
    containers[0]["image"] = "i:2"
    containers.append({"name": "side"})
    wanted["spec"]["list"] = [1]
    refuse_times(cluster, 0, error, dry=True)
    assert not plan(cluster, [deployment(1)])[0].changed
    fields = {change["field"]: change["new"] for change in plan(cluster, [wanted])[0].fields}
    prefix = "spec.template.spec.containers"
    assert fields == {f"{prefix}[name=app].image": "i:2", f"{prefix}[name=side]": {"name": "side"}, "spec.list": [1]}
    assert plan(cluster, [config()])[0].after == config()


# Recorded from Kubernetes 1.34.4.
IMMUTABLE = [
    'Deployment.apps "web" is invalid: spec.selector: Invalid value: {}: field is immutable',
    'StatefulSet.apps "web" is invalid: spec: Forbidden: updates to statefulset spec for fields other than '
    "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
]


@pytest.mark.parametrize("words", IMMUTABLE)
def test_an_immutable_field(cluster: FakeCluster, words: str) -> None:
    apply(cluster, plan(cluster, [deployment(1)]))
    uid = cluster.get("apps/v1", "Deployment", "web", "default")["metadata"]["uid"]

    def refuse(verb: str, obj: Object) -> None:
        if verb == "apply" and cluster.find("apps/v1", "Deployment", "web", "default"):
            raise ClusterError(f"The API server answered 422 (Invalid): {words}", status=422, reason="Invalid")

    cluster.refuse = refuse
    with pytest.raises(ClusterError, match=r"or set .recreate: true."):
        plan(cluster, [deployment(2)])
    planned = plan(cluster, [deployment(2)], recreate=True)
    assert planned[0].fields == [{"field": "spec.replicas", "old": 1, "new": 2}]
    done = apply(cluster, planned)
    assert done[0].fields == planned[0].fields
    live = cluster.get("apps/v1", "Deployment", "web", "default")
    assert (live["spec"]["replicas"], live["metadata"]["uid"] != uid) == (2, True)
    with pytest.raises(ClusterError, match="answered 422"):
        plan(cluster, [config(), deployment(3)], recreate=False)


def test_what_is_being_deleted_is_waited_for_and_made_anew(cluster: FakeCluster) -> None:
    leaving = cluster.put({**config(a="1"), "metadata": {**config()["metadata"], "deletionTimestamp": "now"}})
    (planned,) = plan(cluster, [config(a="1")])
    assert (planned.before, planned.changed) == (None, True)
    with pytest.raises(WaitError, match="still there"):
        apply(cluster, [planned], timeout=0.1)
    real = cluster.find

    def find(*key: Any) -> Object | None:
        found = real(*key)
        if found:
            cluster.drop("v1", "ConfigMap", "c", "default")
        return found

    cluster.find = find  # type: ignore[method-assign]
    apply(cluster, [planned], timeout=5)
    cluster.find = real  # type: ignore[method-assign]
    assert cluster.get("v1", "ConfigMap", "c", "default")["metadata"]["uid"] != leaving["metadata"]["uid"]


def test_somebody_else_made_it_in_between(cluster: FakeCluster) -> None:
    planned = plan(cluster, [config(a="1")])
    cluster.put(config(b="2"))
    apply(cluster, planned)
    assert cluster.get("v1", "ConfigMap", "c", "default")["data"] == {"a": "1", "b": "2"}


def test_delete_in_reverse_and_only_what_is_there(cluster: FakeCluster) -> None:
    cluster.defaults = establish
    objects = [NAMESPACE, DEFINITION, THING, config(), deployment()]
    apply(cluster, plan(cluster, objects))
    cluster.drop("v1", "ConfigMap", "c", "default")
    cluster.writes.clear()
    planned = plan_absent(cluster, objects)
    assert [change.changed for change in planned] == [True, True, True, False, True]
    said: list[str] = []
    delete(cluster, planned, timeout=1, progress=said.append)
    assert [write[:2] for write in cluster.writes] == [
        ("delete", "Thing"), ("delete", "Deployment"), ("delete", "CustomResourceDefinition"), ("delete", "Namespace"),
    ]  # fmt: skip
    assert said[0] == "deleting Thing default/t"
    assert [change.changed for change in plan_absent(cluster, objects)] == [False] * 5
    delete(cluster, plan_absent(cluster, objects))


def test_a_refused_deletion_names_the_object(cluster: FakeCluster) -> None:
    cluster.put(config())
    for error in (ClusterError("no", status=403), Unreachable("nobody there")):

        def refuse(_verb: str, _obj: Object, error: ClusterError = error) -> None:
            raise error

        cluster.refuse = refuse
        named = "ConfigMap default/c: no" if type(error) is ClusterError else "nobody there"
        with pytest.raises(ClusterError, match=named):
            delete(cluster, plan_absent(cluster, [config()]), timeout=None)


# Recorded from Kubernetes 1.34.4.
ONLY_ANEW = [
    'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set',
    'RoleBinding.rbac.authorization.k8s.io "devs" is invalid: roleRef: Invalid value: {}: cannot change roleRef',
    'Thing.example.com "t" is invalid: spec: Invalid value: "object": a rule that only its author knows',
]


@pytest.mark.parametrize("words", ONLY_ANEW)
def test_any_change_that_a_new_object_could_have_is_made_anew(cluster: FakeCluster, words: str) -> None:
    apply(cluster, plan(cluster, [config(a="1")]))

    def refuse(verb: str, obj: Object) -> None:
        if verb in ("apply", "patch") and cluster.find("v1", "ConfigMap", obj["metadata"]["name"], "default"):
            raise ClusterError(f"The API server answered 422 (Invalid): {words}", status=422, reason="Invalid")

    cluster.refuse = refuse
    with pytest.raises(ClusterError, match=r"Delete the object first, or set .recreate: true."):
        plan(cluster, [config(b="2")])
    (planned,) = plan(cluster, [config(b="2")], recreate=True)
    assert {row["field"]: row["new"] for row in planned.fields} == {"data.a": None, "data.b": "2"}
    (done,) = apply(cluster, [planned])
    assert done.fields == planned.fields
    assert cluster.get("v1", "ConfigMap", "c", "default")["data"] == {"b": "2"}


def test_what_is_wrong_in_itself_is_not_made_anew(cluster: FakeCluster) -> None:
    apply(cluster, plan(cluster, [config(a="1")]))

    def refuse(verb: str, _obj: Object) -> None:
        if verb in ("apply", "patch"):
            raise ClusterError("The API server answered 422 (Invalid): b is no key", status=422)

    cluster.refuse = refuse
    with pytest.raises(ClusterError, match=r"b is no key$"):
        plan(cluster, [config(b="2")], recreate=True)
    assert [verb for verb, *_rest in cluster.writes] == ["apply"]


CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "p", "namespace": "default"}}


@pytest.mark.parametrize(
    ("live", "used", "words"),
    [
        ({**CLAIM, "status": {"phase": "Bound"}}, None, "the data of its volume"),
        ({**CLAIM, "status": {"phase": "Pending"}}, None, None),
        ({**DEFINITION}, THING, "all objects of its kind: Thing default/t"),
        ({**DEFINITION}, None, None),
    ],
)
def test_what_data_or_objects_would_go_with_is_not_recreated(
    cluster: FakeCluster, live: Object, used: Object | None, words: str | None
) -> None:
    establish(live)
    cluster.put(live)
    if used:
        cluster.put(used)

    def refuse(verb: str, obj: Object) -> None:
        if verb == "apply" and obj["metadata"]["name"] == live["metadata"]["name"]:
            raise ClusterError("The API server answered 422 (Invalid): spec: field is immutable", status=422)

    cluster.refuse = refuse
    wanted = {key: value for key, value in live.items() if key != "status"}
    if words is None:
        assert plan(cluster, [wanted], recreate=True)[0].recreated
    else:
        with pytest.raises(InputError, match=words):
            plan(cluster, [wanted], recreate=True)


def test_what_others_wrote_in_the_way_is_replaced(cluster: FakeCluster) -> None:
    fields = {"f:data": {"f:old": {}}}
    entry = {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": fields}
    cluster.put({**config(old="1", mine="2"), "metadata": {**config()["metadata"], "managedFields": [entry]}})

    def refuse(verb: str, _obj: Object) -> None:
        if verb == "apply" and "old" in cluster.get("v1", "ConfigMap", "c", "default")["data"]:
            words = 'ConfigMap "c" is invalid: data[1].name: Duplicate value: "x"'
            raise ClusterError(f"The API server answered 422 (Invalid): {words}", status=422)

    cluster.refuse = refuse
    (planned,) = plan(cluster, [config(new="3")])
    expected = [{"field": "data.new", "old": None, "new": "3"}, {"field": "data.old", "old": "1", "new": None}]
    assert (planned.rewritten, planned.fields) == (True, expected)
    (done,) = apply(cluster, [planned])
    assert done.fields == expected
    live = cluster.get("v1", "ConfigMap", "c", "default")
    assert live["data"] == {"mine": "2", "new": "3"}
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == ["meshlab.istio"]
    assert not plan(cluster, [config(new="3")])[0].changed
