# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for what the proxies acknowledged, with answers recorded on a lab (istiod 1.31-dev) that then change."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _xds
from ansible_collections.meshlab.istio.plugins.module_utils._xds import ControlPlane, NotAcknowledged
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster

FIXTURES = Path(__file__).parent / "fixtures" / "mesh"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"


class Istiod:
    """A stand-in for istiod's debug answers; ``then`` changes them before each look, by the look's number."""

    def __init__(self) -> None:
        self.syncz = json.loads((FIXTURES / "syncz.json").read_text(encoding="utf-8"))
        self.configz = json.loads((FIXTURES / "configz.json").read_text(encoding="utf-8"))
        self.looks = 0
        self.then: Callable[[int], None] = lambda _look: None

    def answer(self, _cluster: Any, namespace: str, pod: str, container: str, command: list[str]) -> str:
        assert (namespace, pod, container) == ("istio-system", "istiod-1", "discovery")
        self.looks += 1
        self.then(self.looks)
        return json.dumps({"/debug/syncz": self.syncz, "/debug/configz": self.configz}[command[-1]])

    def send(self, nonce: str, *, acked: bool) -> None:
        for proxy in self.syncz:
            proxy["resources"][LISTENER]["sent"] = nonce
            if acked:
                proxy["resources"][LISTENER]["acked"] = nonce

    def learn(self, obj: dict[str, Any]) -> None:
        self.configz = [*self.configz, copy.deepcopy(obj)]


POLICY = {
    "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
    "metadata": {"name": "p", "namespace": "tutorial", "resourceVersion": "900"},
}  # fmt: skip


@pytest.fixture
def istiod(monkeypatch: pytest.MonkeyPatch) -> Istiod:
    istiod = Istiod()
    monkeypatch.setattr(_xds, "run_in_pod", istiod.answer)
    monkeypatch.setattr(_xds, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(_xds, "QUIET_SECONDS", 0.05)
    return istiod


@pytest.fixture
def control_plane() -> ControlPlane:
    pod = {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "istiod-1", "namespace": "istio-system", "labels": {"app": "istiod"}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }  # fmt: skip
    return ControlPlane(FakeCluster(pod), "istio-system", "tutorial")  # type: ignore[arg-type]


def waited(control_plane: ControlPlane, before: Any, *, removed: bool = False, timeout: float = 30.0) -> list[str]:
    said: list[str] = []
    objects = ([], [POLICY]) if removed else ([POLICY], [])
    control_plane.wait(before, *objects, timeout, said.append)  # type: ignore[arg-type]
    return said


def test_it_ends_when_istiod_knew_sent_and_all_acknowledged(istiod: Istiod, control_plane: ControlPlane) -> None:
    before = control_plane.nonces()
    assert len({key.split()[0] for key in before}) == 2

    def then(look: int) -> None:
        if look == 6:
            istiod.learn(POLICY)
        if look == 12:
            istiod.send("new", acked=False)
        if look == 18:
            istiod.send("new", acked=True)

    istiod.then = then
    said = list(dict.fromkeys(waited(control_plane, before)))
    assert said[0] == "istiod has not seen security.istio.io AuthorizationPolicy tutorial/p yet"
    assert said[1] == "istiod has not sent anything new yet"
    assert "has not acknowledged what istiod sent" in said[2]
    assert istiod.looks > 18


def test_a_newer_version_of_the_object_is_as_good(istiod: Istiod, control_plane: ControlPlane) -> None:
    """istiod writes the status of some objects itself."""
    before = control_plane.nonces()
    istiod.learn({**POLICY, "metadata": {**POLICY["metadata"], "resourceVersion": "1000"}})  # type: ignore[dict-item]
    istiod.send("new", acked=True)
    waited(control_plane, before)


def test_an_object_that_is_gone_must_be_gone_for_istiod(istiod: Istiod, control_plane: ControlPlane) -> None:
    before = control_plane.nonces()
    istiod.learn(POLICY)
    istiod.send("new", acked=True)
    with pytest.raises(NotAcknowledged, match="istiod has not seen"):
        waited(control_plane, before, removed=True, timeout=0.2)
    istiod.configz.pop()
    waited(control_plane, before, removed=True)


def test_a_proxy_that_never_acknowledges_ends_the_wait(istiod: Istiod, control_plane: ControlPlane) -> None:
    before = control_plane.nonces()
    istiod.learn(POLICY)
    istiod.send("new", acked=False)
    with pytest.raises(NotAcknowledged, match=r"within 0\.2 s: .* has not acknowledged"):
        waited(control_plane, before, timeout=0.2)


def test_a_refusal_has_the_reason_of_the_proxy(istiod: Istiod, control_plane: ControlPlane) -> None:
    before = control_plane.nonces()
    istiod.syncz[0]["resources"][LISTENER]["lastError"] = "Didn't find a registered implementation"
    with pytest.raises(NotAcknowledged, match="refused what istiod sent: Didn't find"):
        waited(control_plane, before)


def test_other_objects_are_not_asked_for(istiod: Istiod, control_plane: ControlPlane) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "x"}}
    control_plane.wait(control_plane.nonces(), [secret], [], 30.0, lambda _text: None)


def test_without_an_istiod_there_is_nothing_to_wait_for(istiod: Istiod) -> None:
    gone = ControlPlane(FakeCluster(), "istio-system")  # type: ignore[arg-type]
    assert gone.nonces() == {}
    with pytest.raises(NotAcknowledged, match="no istiod is ready"):
        waited(gone, {}, timeout=0.1)


def test_the_five_types_of_older_istiods(istiod: Istiod, control_plane: ControlPlane) -> None:
    for proxy in istiod.syncz:
        proxy.pop("resources")
    assert {key.split()[1] for key in control_plane.nonces()} >= {"cluster", "listener"}


def test_proxies_of_other_labs_in_the_mesh_are_not_waited_for(istiod: Istiod, control_plane: ControlPlane) -> None:
    other = copy.deepcopy(istiod.syncz[0])
    other["proxy"] = "sleep-1.elsewhere"
    other["resources"][LISTENER] = {"sent": "new", "acked": "old", "lastError": "refused"}
    before = control_plane.nonces()
    istiod.syncz.append(other)
    assert control_plane.nonces() == before
