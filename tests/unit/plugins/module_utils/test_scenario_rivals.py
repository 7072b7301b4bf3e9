# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the user's wins over a scenario's configuration, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_rivals import rivals
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

NETWORKING = "networking.istio.io/v1beta1"
SECURITY = "security.istio.io/v1beta1"
VALUES = {"namespace": "lab", "control_plane_namespace": "istio-system"}


def made(kind: str, name: str, namespace: str | None = "lab", **spec: Any) -> dict[str, Any]:
    version = SECURITY if "Policy" in kind or "Authentication" in kind else NETWORKING
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}})
    for kind in ("VirtualService", "DestinationRule", "ServiceEntry", "Sidecar", "Gateway"):
        cluster.teach(NETWORKING, kind)
    for kind in ("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"):
        cluster.teach(SECURITY, kind)
    labels = {"app": "ratings", "version": "v1"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ratings-1", "namespace": "lab", "labels": labels}}
    cluster.put(pod)
    return cluster


def found(cluster: FakeCluster, *objects: dict[str, Any]) -> list[str]:
    return rivals(cluster, [{"apply": {"objects": list(objects)}}], "lab", VALUES)  # type: ignore[arg-type]


SHOP = {"port": {"number": 443}, "hosts": ["shop.example"]}
RATINGS = {"matchLabels": {"app": "ratings"}}
OURS: dict[str, dict[str, Any]] = {
    "VirtualService": made("VirtualService", "reviews", None, hosts=["reviews"]),
    "DestinationRule": made("DestinationRule", "reviews", None, host="reviews"),
    "ServiceEntry": made("ServiceEntry", "shop", None, hosts=["shop.example"]),
    "Gateway": made("Gateway", "tls", None, selector={"istio": "ingressgateway"}, servers=[SHOP]),
    "Sidecar": made("Sidecar", "ratings", None, workloadSelector={"labels": {"app": "ratings"}}),
    "AuthorizationPolicy": made("AuthorizationPolicy", "ratings", None, selector=RATINGS),
    "PeerAuthentication": made("PeerAuthentication", "default", None, mtls={"mode": "STRICT"}),
    "RequestAuthentication": made("RequestAuthentication", "ratings", None, selector=RATINGS),
}

WIN = [
    (made("VirtualService", "mine", hosts=["reviews"]), "routes reviews.lab.svc.cluster.local already"),
    (made("VirtualService", "mine", "other", hosts=["reviews.lab.svc.cluster.local"]), "routes reviews.lab.svc"),
    (made("VirtualService", "reviews", hosts=["details"]), "has the name of an object that the scenario applies"),
    (made("DestinationRule", "mine", host="reviews.lab.svc.cluster.local"), "already decides about reviews.lab.svc"),
    (made("ServiceEntry", "mine", "other", hosts=["shop.example"]), "already decides about shop.example"),
    (
        made("Gateway", "mine", "other", selector={"istio": "ingressgateway"}, servers=[SHOP]),
        "already serves shop.example at port 443 of the same gateway",
    ),
    (made("Sidecar", "mine", workloadSelector={"labels": {"version": "v1"}}), "applies to ratings-1 too"),
    (made("AuthorizationPolicy", "mine"), "applies to ratings-1 too"),
    (made("AuthorizationPolicy", "mine", "istio-system"), "applies to ratings-1 too"),
    (made("PeerAuthentication", "mine", selector=RATINGS), "applies to ratings-1 too"),
    (made("RequestAuthentication", "mine", "istio-system", selector=RATINGS), "applies to ratings-1 too"),
]

LOSE = [
    made("VirtualService", "mine", "other", hosts=["reviews"]),
    made("VirtualService", "mine", hosts=["ratings"]),
    made("VirtualService", "mine", hosts=["reviews"], gateways=["lab/bookinfo-gateway"]),
    made("VirtualService", "mine", "other", hosts=["reviews.lab.svc.cluster.local"], exportTo=["."]),
    made("DestinationRule", "mine", "other", host="reviews.lab.svc.cluster.local"),
    made("ServiceEntry", "mine", hosts=["elsewhere.example"]),
    made("Gateway", "mine", "other", selector={"istio": "egressgateway"}, servers=[SHOP]),
    made("Gateway", "mine", selector={"istio": "ingressgateway"}, servers=[{**SHOP, "port": {"number": 80}}]),
    made("Sidecar", "mine"),
    made("AuthorizationPolicy", "mine", selector={"matchLabels": {"app": "details"}}),
    made("AuthorizationPolicy", "mine", "other"),
    made("AuthorizationPolicy", "mine", targetRefs=[{"kind": "Gateway", "name": "bookinfo"}]),
    made("PeerAuthentication", "mine", "istio-system"),
    made("PeerAuthentication", "mine", selector={"matchLabels": {"app": "mine"}}),
]


def named(objects: list[Any]) -> list[str]:
    rows = [obj if isinstance(obj, dict) else obj[0] for obj in objects]
    return [f"{number} {obj['kind']} {obj['metadata']['namespace']}" for number, obj in enumerate(rows)]


@pytest.mark.parametrize(("theirs", "why"), WIN, ids=named(WIN))
def test_what_wins_is_named_with_its_reason(cluster: FakeCluster, theirs: dict[str, Any], why: str) -> None:
    cluster.put(theirs)
    (sentence,) = found(cluster, OURS[theirs["kind"]])
    metadata = theirs["metadata"]
    assert sentence.startswith(
        f"{theirs['kind']} {metadata['namespace']}/{metadata['name']} is not the scenario's and "
    )
    assert why in sentence


@pytest.mark.parametrize("theirs", LOSE, ids=named(LOSE))
def test_what_does_not_win_is_no_hindrance(cluster: FakeCluster, theirs: dict[str, Any]) -> None:
    cluster.put(theirs)
    assert found(cluster, OURS[theirs["kind"]]) == []


@pytest.mark.parametrize("manager", ["meshlab.istio", "meshlab.istio.scenario"])
def test_what_this_collection_made_is_no_hindrance(cluster: FakeCluster, manager: str) -> None:
    cluster.apply(made("VirtualService", "reviews", hosts=["reviews"]), manager)
    assert found(cluster, OURS["VirtualService"]) == []


def test_an_object_that_two_steps_apply_is_looked_for_once(cluster: FakeCluster) -> None:
    cluster.put(made("VirtualService", "mine", hosts=["reviews"]))
    ours = OURS["VirtualService"]
    steps = [{"apply": {"objects": [ours]}}, {"traffic": None, "during": [{"apply": {"objects": [ours]}}]}]
    assert len(rivals(cluster, steps, "lab", VALUES)) == 1  # type: ignore[arg-type]


def test_objects_that_may_not_be_listed_are_left_out(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_arguments: Any) -> None:
        raise ClusterError("forbidden", status=403)

    monkeypatch.setattr(cluster, "list", forbidden)
    assert found(cluster, OURS["VirtualService"]) == []
