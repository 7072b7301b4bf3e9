# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API client over loopback HTTP: what it sends, and what each answer becomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _cluster
from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster
from ansible_collections.meshlab.istio.plugins.module_utils._errors import (
    ClusterError,
    InputError,
    NotFound,
    Unreachable,
)
from tests.unit.plugins.api_server import DISCOVERY, Api, kubeconfig, resource, status
from tests.unit.plugins.loopback import free_port


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    # What discovery found is kept below the home, by host and port.
    monkeypatch.setenv("HOME", str(tmp_path))
    with Api() as api:
        yield api


@pytest.fixture
def cluster(api: Api, tmp_path: Path) -> Cluster:
    return Cluster(kubeconfig(tmp_path, api.url), "lab")


PODS = "/api/v1/namespaces/tutorial/pods"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "tutorial"}}


def test_get_and_find(api: Api, cluster: Cluster) -> None:
    api.give("GET", f"{PODS}/a", POD)
    assert cluster.get("v1", "Pod", "a", "tutorial") == POD
    assert api.seen[0][3]["authorization"] == "Bearer bearer"
    assert cluster.find("v1", "Pod", "a", "tutorial") == POD
    assert cluster.find("v1", "Pod", "b", "tutorial") is None
    assert cluster.find("example.org/v1", "Gone", "b", "tutorial") is None


def test_an_object_that_is_not_there(api: Api, cluster: Cluster) -> None:
    api.answers[("GET", f"{PODS}/b")] = status(404, "NotFound", 'pods "b" not found')
    with pytest.raises(NotFound, match=r'^The API server answered 404 \(NotFound\): pods "b" not found$') as raised:
        cluster.get("v1", "Pod", "b", "tutorial")
    assert raised.value.details == {"status": 404, "reason": "NotFound"}


def test_a_kind_that_is_not_known(cluster: Cluster) -> None:
    with pytest.raises(NotFound, match=r"does not know the kind Gateway of example\.org/v1") as raised:
        cluster.is_namespaced("example.org/v1", "Gateway")
    assert raised.value.details["reason"] == "UnknownKind"
    assert cluster.list("example.org/v1", "Gateway") == []


def test_kinds_and_their_namespaces(cluster: Cluster) -> None:
    assert cluster.is_namespaced("apps/v1", "Deployment")
    assert not cluster.is_namespaced("v1", "Namespace")
    # Neither what is in no namespace, nor what can only be made.
    assert cluster.kinds_in_namespaces() == [("v1", "Pod"), ("v1", "Twin"), ("apps/v1", "Deployment")]


def test_a_kind_that_two_resources_share(api: Api, cluster: Cluster) -> None:
    api.give("GET", "/api/v1/namespaces/tutorial/twinreviews/a", POD)
    assert cluster.get("v1", "Twin", "a", "tutorial") == POD


def test_lists_say_what_their_items_are(api: Api, cluster: Cluster) -> None:
    bare = {"metadata": {"name": "a"}}
    api.give("GET", PODS, {"kind": "PodList", "metadata": {"resourceVersion": "42"}, "items": [bare]})
    page = cluster.list_page("v1", "Pod", "tutorial", "app=a", "status.phase=Running")
    assert page == ([{**bare, "apiVersion": "v1", "kind": "Pod"}], "42")
    assert api.seen[0][2] == {"labelSelector": "app=a", "fieldSelector": "status.phase=Running"}
    api.give("GET", "/api/v1/pods", {"kind": "PodList", "metadata": {}, "items": None})
    assert cluster.list("v1", "Pod") == []


@pytest.mark.parametrize(("dry_run", "sent"), [(True, {"dryRun": "All"}), (False, {})])
def test_apply(api: Api, cluster: Cluster, dry_run: bool, sent: dict[str, str]) -> None:
    wanted = {**POD, "metadata": {"name": "a", "namespace": "tutorial", "annotations": {"face": "😀"}}}
    api.give("PATCH", f"{PODS}/a", {**wanted, "stored": True})
    assert cluster.apply(wanted, "meshlab", dry_run=dry_run) == {**wanted, "stored": True}
    _verb, _path, query, headers, body = api.seen[0]
    assert query == {"fieldManager": "meshlab", "force": "true", **sent}
    assert headers["content-type"] == "application/apply-patch+yaml; charset=utf-8"
    # As it is: pairs of escapes would be JSON, but not YAML.
    assert "😀".encode() in body
    assert json.loads(body) == wanted


def test_patch(api: Api, cluster: Cluster) -> None:
    api.give("PATCH", f"{PODS}/a", POD)
    assert cluster.patch("v1", "Pod", "a", "tutorial", {"spec": {"x": None}}) == POD
    assert api.seen[0][3]["content-type"] == "application/merge-patch+json"
    assert json.loads(api.seen[0][4]) == {"spec": {"x": None}}


def test_delete_says_whether_it_was_there(api: Api, cluster: Cluster) -> None:
    api.give("DELETE", f"{PODS}/a", {"kind": "Status", "status": "Success"})
    assert cluster.delete("v1", "Pod", "a", "tutorial")
    assert api.seen[0][2]["propagationPolicy"] == "Foreground"
    assert "dryRun" not in api.seen[0][2]
    assert cluster.delete("v1", "Pod", "a", "tutorial", dry_run=True)
    assert api.seen[1][2]["dryRun"] == "All"
    assert not cluster.delete("v1", "Pod", "b", "tutorial")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (status(403, "Forbidden", "no access"), r"answered 403 \(Forbidden\): no access"),
        (status(422, "Invalid", "spec: wrong"), r"answered 422 \(Invalid\): spec: wrong"),
        # Prometheus behind the service proxy has an error of its own.
        ((400, b'{"status":"error","error":"parse error"}'), r"answered 400 \(Bad Request\): parse error"),
        ((502, b"<html>"), r"answered 502 \(Bad Gateway\): Bad Gateway"),
        ((500, b"[]"), r"answered 500 \(Internal Server Error\): Internal Server Error"),
    ],
)
def test_refusals(api: Api, cluster: Cluster, answer: tuple[int, bytes], sentence: str) -> None:
    api.answers[("GET", f"{PODS}/a")] = answer
    for call in (lambda: cluster.get("v1", "Pod", "a", "tutorial"), lambda: cluster.raw(f"{PODS}/a")):
        with pytest.raises(ClusterError, match=sentence) as raised:
            call()
        assert type(raised.value) is ClusterError
        assert raised.value.details["status"] == answer[0]


def test_watch_joins_lines_and_ends_quietly(api: Api, cluster: Cluster) -> None:
    event = json.dumps({"type": "ADDED", "object": POD}).encode() + b"\n"
    api.give("GET", PODS, {})
    api.pieces = [event[:20], event[20:] + event, b"\n", event[:7]]
    assert list(cluster.watch("v1", "Pod", "tutorial", "42", 9)) == [("ADDED", POD)] * 2
    assert api.seen[0][2] == {
        "watch": "true", "resourceVersion": "42", "timeoutSeconds": "9", "allowWatchBookmarks": "true",
    }  # fmt: skip


def test_any_path(api: Api, cluster: Cluster) -> None:
    api.answers[("GET", f"{PODS}/a/log")] = (200, "wörter".encode())
    assert cluster.raw(f"{PODS}/a/log", {"tailLines": "5"}) == "wörter".encode()
    assert api.seen[0][2] == {"tailLines": "5"}
    assert cluster.version() == "v1.34.4"
    with pytest.raises(ClusterError, match=rf"{api.url}{PODS}/a/log answered something that is not JSON: b'w"):
        cluster.json(f"{PODS}/a/log")


def test_a_body_that_is_cut_off(api: Api, cluster: Cluster) -> None:
    api.answers[("GET", f"{PODS}/a/log")] = (200, b"half")
    api.promised = 100
    with pytest.raises(Unreachable, match=f"^No Kubernetes API answers at {api.url}: "):
        cluster.raw(f"{PODS}/a/log")


TENANTS = "/apis/lab.example/v1"


def tenants(*, namespaced: bool) -> dict[str, Any]:
    return {"kind": "APIResourceList", "resources": [
        resource("tenants", "Tenant", namespaced), resource("tenants/status", "Tenant", namespaced),
    ]}  # fmt: skip


def test_a_kind_that_was_made_anew_with_another_scope(
    api: Api, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DISCOVERY, TENANTS, tenants(namespaced=True))
    acme = {"metadata": {"name": "acme"}}
    api.give("GET", f"{TENANTS}/namespaces/n/tenants/acme", acme)
    assert cluster.get("lab.example/v1", "Tenant", "acme", "n") == acme
    # The definition is made anew; what was served in the namespace is no path any more (kube-apiserver 1.34.4).
    monkeypatch.setitem(DISCOVERY, TENANTS, tenants(namespaced=False))
    api.answers[("GET", f"{TENANTS}/namespaces/n/tenants/acme")] = (404, b"404 page not found\n")
    api.give("GET", f"{TENANTS}/tenants/acme", acme)
    assert cluster.get("lab.example/v1", "Tenant", "acme", "n") == acme
    assert not cluster.is_namespaced("lab.example/v1", "Tenant")
    # An object that is not there is no reason to read anything again.
    with pytest.raises(NotFound):
        cluster.get("lab.example/v1", "Tenant", "other")
    api.answers[("GET", f"{TENANTS}/tenants/acme")] = (404, b"404 page not found\n")
    with pytest.raises(NotFound, match="Not Found"):
        cluster.get("lab.example/v1", "Tenant", "acme")


def test_two_threads_that_find_a_kind_gone_at_once(api: Api, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The removal of Istio asks with several threads while CRDs go: the second one had ended with a KeyError."""
    monkeypatch.setitem(DISCOVERY, TENANTS, tenants(namespaced=False))
    assert not cluster.is_namespaced("lab.example/v1", "Tenant")
    monkeypatch.delitem(DISCOVERY, TENANTS)
    ask = cluster._ask

    def other_thread_first(method: str, path: str, *arguments: Any, **options: Any) -> bytes:
        if path.endswith("/acme"):
            cluster._served.pop("lab.example/v1", None)
        return ask(method, path, *arguments, **options)

    monkeypatch.setattr(cluster, "_ask", other_thread_first)
    api.answers[("GET", f"{TENANTS}/tenants/acme")] = (404, b"404 page not found\n")
    with pytest.raises(NotFound):
        cluster.get("lab.example/v1", "Tenant", "acme")


def test_another_process_knows_nothing_of_what_was_served(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kubeconfig(tmp_path, api.url)
    monkeypatch.setitem(DISCOVERY, TENANTS, tenants(namespaced=True))
    assert Cluster(path).is_namespaced("lab.example/v1", "Tenant")
    monkeypatch.setitem(DISCOVERY, TENANTS, tenants(namespaced=False))
    assert not Cluster(path).is_namespaced("lab.example/v1", "Tenant")


def test_a_home_that_cannot_be_written(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Below a file nobody can make a folder, not even root.
    monkeypatch.setenv("HOME", kubeconfig(tmp_path, api.url))
    assert Cluster(kubeconfig(tmp_path, api.url)).is_namespaced("v1", "Pod")
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


SICK = (
    b"[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\n[-]etcd-readiness failed: reason withheld\nreadyz check"
)


def test_an_api_without_its_etcd_says_so(api: Api, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    api.answers[("GET", f"{PODS}/a")] = status(500, "InternalError", "context deadline exceeded")
    api.answers[("GET", "/readyz")] = (500, SICK)
    with pytest.raises(ClusterError, match=r"context deadline exceeded: etcd, etcd-readiness failed\. See") as raised:
        cluster.get("v1", "Pod", "a", "tutorial")
    assert str(raised.value) == raised.value.message
    monkeypatch.setattr(_cluster, "FIRST_SECONDS", 0.2)
    api.delay = 1.0
    with pytest.raises(
        Unreachable, match=rf"^The Kubernetes API at {api.url} is not well: etcd, etcd-readiness failed\."
    ):
        cluster.get("v1", "Pod", "a", "tutorial")
    # One that is only slow has its time.
    api.give("GET", f"{PODS}/a", POD)
    del api.answers[("GET", "/readyz")]
    assert cluster.get("v1", "Pod", "a", "tutorial") == POD
    api.delay = 0.0
    api.answers[("GET", f"{PODS}/a")] = status(403, "Forbidden", "no access")
    with pytest.raises(ClusterError, match=r"no access$"):
        cluster.get("v1", "Pod", "a", "tutorial")


@pytest.mark.parametrize("name", [".", "..", "../../secrets/x", "a/b", "", "%2e"])
def test_a_name_that_means_something_else_is_never_asked_for(api: Api, cluster: Cluster, name: str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: cluster.get("v1", "Pod", name, "tutorial"),
        lambda: cluster.delete("v1", "Pod", name, "tutorial"),
        lambda: cluster.patch("v1", "Pod", name, "tutorial", {}),
        lambda: cluster.apply({**POD, "metadata": {"name": name, "namespace": "tutorial"}}, "meshlab"),
        lambda: cluster.raw(f"/api/v1/namespaces/tutorial/pods/{name}/../x"),
    ]
    for call in calls:
        with pytest.raises(InputError):
            call()
    for namespace in ("../kube-system", "..", "a/b", "A"):
        with pytest.raises(InputError, match="cannot be the name of a namespace"):
            cluster.list("v1", "Pod", namespace)
    with pytest.raises(InputError, match="names no namespace"):
        cluster.delete("v1", "Pod", "a")
    assert api.seen == []


def test_what_a_name_may_hold_is_encoded(api: Api, cluster: Cluster) -> None:
    api.give("GET", "/api/v1/namespaces/a%3Fb", {"metadata": {"name": "a?b"}})
    assert cluster.get("v1", "Namespace", "a?b")


def test_something_else_at_the_address(api: Api, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DISCOVERY, "/version", ["nothing"])
    with pytest.raises(ClusterError, match="is no Kubernetes API: /version answered"):
        cluster.version()
    monkeypatch.setitem(DISCOVERY, "/api/v1", ["nothing"])
    assert cluster.list("v1", "Pod") == []


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    cluster = Cluster(kubeconfig(tmp_path, f"http://127.0.0.1:{free_port()}"))
    calls: list[Callable[[], Any]] = [
        lambda: cluster.get("v1", "Pod", "a"), lambda: cluster.find("v1", "Pod", "a"), cluster.version,
        lambda: next(cluster.watch("v1", "Pod", None, "1", 1)),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(Unreachable, match=r"Is the cluster running\?"):
            call()


def test_no_usable_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = str(tmp_path / "none")
    with pytest.raises(Unreachable, match=f"The kubeconfig {missing} cannot be used: .*Start the cluster first"):
        Cluster(missing)
    with pytest.raises(Unreachable, match="other"):
        Cluster(kubeconfig(tmp_path, "http://127.0.0.1:1"), "other")
    monkeypatch.setenv("KUBECONFIG", missing)
    with pytest.raises(Unreachable, match=f"The kubeconfig {missing} cannot be used"):
        Cluster()


def test_an_error_of_our_own_passes_through(api: Api, cluster: Cluster) -> None:
    event = json.dumps({"type": "ADDED", "object": POD}).encode() + b"\n"
    api.give("GET", PODS, {})
    api.pieces = [event]
    events = cluster.watch("v1", "Pod", "tutorial", "42", 9)
    assert next(events) == ("ADDED", POD)
    with pytest.raises(ZeroDivisionError):
        events.throw(ZeroDivisionError())  # type: ignore[attr-defined]
