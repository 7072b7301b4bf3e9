# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that take something away for a controller to make it anew, and the counting of what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _scenario_steps as steps
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError, InputError, NotFound
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_steps import ACTIONS, MEASUREMENTS, Stage
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster


def pod(name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "tutorial", "labels": {"app": "web"}, "ownerReferences": [{"kind": "x"}]}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, **more}, "spec": {}, "status": ready}


def replica_set(name: str, replicas: int) -> dict[str, Any]:
    return {**pod(name), "apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"replicas": replicas}}


def stage(*objects: dict[str, Any]) -> Stage:
    unused: Any = None
    cluster: Any = FakeCluster(*objects)
    return Stage(cluster, unused, unused, "tutorial", "/nowhere", Path("/nowhere"), {}, lambda _text: None)  # type: ignore[arg-type]


def deleted(where: Stage) -> list[str]:
    return [name for verb, _kind, _namespace, name in where.cluster.writes if verb == "delete"]  # type: ignore[attr-defined]


def test_a_number_of_pods_is_deleted_and_never_one_that_nobody_makes_anew() -> None:
    where = stage(pod("a"), pod("b"), pod("lonely", ownerReferences=[]), pod("c", deletionTimestamp="x"))
    ACTIONS["delete"](where, {"kind": "Pod", "select": "app=web", "count": 1, "grace_seconds": 0})
    assert deleted(where) == ["a"]
    ACTIONS["delete"](where, {"kind": "Pod", "select": "app=web"})
    assert deleted(where) == ["a", "b"]
    with pytest.raises(NotFound, match="There is no Pod of a controller with the labels app=web"):
        ACTIONS["delete"](where, {"kind": "Pod", "select": "app=web"})


def test_an_old_replica_set_stays() -> None:
    where = stage(replica_set("now", 3), replica_set("old", 0))
    ACTIONS["delete"](where, {"kind": "ReplicaSet", "select": "app=web"})
    assert deleted(where) == ["now"]


def test_other_kinds_would_not_come_back() -> None:
    with pytest.raises(InputError, match="Deployment cannot be deleted"):
        ACTIONS["delete"](stage(), {"kind": "Deployment", "select": "app=web"})


def test_an_eviction_waits_for_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "EVICT_RETRY_SECONDS", 0.01)
    where = stage(pod("a"))
    asked: list[Any] = []

    def answer(body: Any) -> Any:
        asked.append(body)
        if len(asked) < 3:
            raise ClusterError("Cannot evict pod as it would violate the budget", status=429)
        return {}

    path = "/api/v1/namespaces/tutorial/pods/a/eviction"
    where.cluster.answers[path] = answer  # type: ignore[attr-defined]
    ACTIONS["evict"](where, {"select": "app=web"})
    assert len(asked) == 3
    assert (asked[0]["kind"], asked[0]["metadata"]["name"]) == ("Eviction", "a")
    asked.clear()
    with pytest.raises(ClusterError, match="budget"):
        ACTIONS["evict"](where, {"select": "app=web", "seconds": 0})


def test_pods_are_counted_and_known_again() -> None:
    where = stage(pod("a"), pod("b"))
    first = MEASUREMENTS["pods"](where, {"select": "app=web", "name": "first"})
    assert first == {"pods": 2, "ready": 2, "kept": 0}
    where.cluster.delete("v1", "Pod", "a", "tutorial")
    where.cluster.put(pod("c", deletionTimestamp="x"))  # type: ignore[attr-defined]
    second = MEASUREMENTS["pods"](where, {"select": "app=web", "name": "second", "since": "first"})
    assert second == {"pods": 2, "ready": 1, "kept": 1}


def test_tokens_and_certificates_become_values(tmp_path: Path) -> None:
    where = stage()
    where.folder = tmp_path
    ACTIONS["tokens"](where, {"claims": {"staff": {"iss": "us"}, "visitor": {"iss": "us"}}})
    ACTIONS["certificates"](where, {"server": "a.example"})
    tokens = {name for name in where.values if name.startswith("token_")}
    assert tokens == {"token_staff", "token_visitor", "token_expired", "token_forged"}
    assert where.values["server_crt"].startswith("-----BEGIN CERTIFICATE-----")
    assert Path(f"{where.values['client_path']}.key").is_file()
    assert "server_key" in where.values
    assert "client_key" not in where.values
