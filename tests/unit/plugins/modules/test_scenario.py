# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario as Ansible runs it, on a stand-in for the cluster and a gateway on loopback."""

from __future__ import annotations

import copy
import json
import os
import signal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _scenario, _watch
from ansible_collections.meshlab.istio.plugins.module_utils._errors import ClusterError
from ansible_collections.meshlab.istio.plugins.module_utils._scenario_undo import NOTES
from ansible_collections.meshlab.istio.plugins.modules import scenario
from ansible_collections.meshlab.istio.tests.unit.plugins.fake_cluster import FakeCluster
from ansible_collections.meshlab.istio.tests.unit.plugins.loopback import Reply, Server


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


SCENARIO: dict[str, Any] = {
    "name": "half", "title": "Half", "introduces": "faults", "lesson": "One. Two.",
    "steps": [
        {"apply": {"objects": [config("made", where="${gateway}"), config("there", a="9")]}},
        {"name": "page", "traffic": {"requests": 40, "concurrency": 2, "version_pattern": "(v1|v2)"}, "expect": [
            {"metric": "succeeded", "relation": "==", "bound": 40},
            {"metric": "by_version.v2", "relation": "binomial", "bound": {"share": 0.5, "of": "succeeded"}},
        ]},
    ],
    "picture": {"title": "Share", "unit": "%", "bars": [
        {"label": "v2", "metric": "page.by_version.v2", "of": "page.succeeded"},
        {"label": "not measured", "metric": "gone.lost"},
    ]},
}  # fmt: skip


class NoControlPlane:
    """A stand-in for the wait for istiod: there is none; notes what it was asked to wait for."""

    def __init__(self, _cluster: Any, namespace: str, proxies: str) -> None:
        assert (namespace, proxies) == ("istio-system", "default")
        self.waits: list[tuple[int, int]] = []

    def pods(self) -> list[str]:
        return ["istiod-1"]

    def nonces(self) -> dict[str, Any]:
        return {}

    def wait(self, _before: Any, stored: list[Any], removed: list[Any], *_more: Any) -> None:
        self.waits.append((len(stored), len(removed)))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    cluster = FakeCluster()
    there = config("there", a="1")
    there["metadata"]["namespace"] = "default"
    cluster.apply(there, "meshlab.istio")
    monkeypatch.setattr(_scenario, "Cluster", lambda *_a: cluster)
    monkeypatch.setattr(_scenario, "ControlPlane", NoControlPlane)
    monkeypatch.setattr(_scenario, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(_watch, "RETRY_SECONDS", 0.02)
    return cluster


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, dict[str, Any]]:
    """Return exit code and result of the module, with ``warned``."""
    warned: list[str] = []
    arguments = {"definition": SCENARIO, "namespace": "default", "release_dir": "/nowhere", **options}
    with (
        patch_module_args(arguments),
        patch.object(AnsibleModule, "warn", lambda _module, text: warned.append(text)),
        pytest.raises(SystemExit) as ended,
    ):
        scenario.main()
    return int(ended.value.code or 0), {**json.loads(capsys.readouterr().out), "warned": warned}


def alternating(seen: Any) -> Reply:
    return Reply(body=b"v%d" % (1 + seen.number % 2))


def assert_as_before(cluster: FakeCluster) -> None:
    assert cluster.get("v1", "ConfigMap", "there", "default")["data"] == {"a": "1"}
    assert {key[3] for key in cluster.objects if key[1] == "ConfigMap"} == {"there"}


def test_a_scenario_that_passes(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    with Server(alternating) as server:
        code, result = run(capsys, url=server.url("/productpage"))
    assert (code, result["changed"], result["warned"]) == (0, False, [])
    entry = result["scenario"]
    assert (entry["name"], entry["passed"], entry["learned"], entry["problems"]) == ("half", True, "One. Two.", [])
    assert entry["expected"] == [
        "page: succeeded == 40",
        "page: by_version.v2 is a share of 0.5 of succeeded (exact binomial test, p ≥ 0.001)",
    ]
    assert entry["measured"]["page"]["by_version"] == {"v1": 20, "v2": 20}
    assert entry["verdicts"][1]["p"] == pytest.approx(1)
    assert "where: 127.0.0.1" in entry["manifest"]
    (bar,) = entry["picture"]["bars"]
    assert (bar["label"], bar["value"]) == ("v2", 50.0)
    assert bar["low"] < 50 < bar["high"]
    assert len(server.seen) == 40
    assert_as_before(cluster)


def test_a_missed_expectation_fails_with_everything_measured(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    with Server(lambda seen: Reply(body=b"v1")) as server:
        code, result = run(capsys, url=server.url("/productpage"))
    assert code == 1
    assert "The scenario half failed: page: by_version.v2 binomial 0.5 of succeeded (measured 0 of 40" in result["msg"]
    assert result["scenario"]["passed"] is False
    assert [verdict["passed"] for verdict in result["scenario"]["verdicts"]] == [True, False]
    assert_as_before(cluster)


def test_a_step_that_cannot_be_done_fails_and_is_put_back(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(verb: str, obj: dict[str, Any]) -> None:
        if verb == "apply" and obj["metadata"]["name"] == "there":
            raise ClusterError("quota", status=403)

    cluster.refuse = refuse
    code, result = run(capsys, url="http://127.0.0.1:1/")
    assert code == 1
    assert result["msg"] == "The scenario half failed: ConfigMap default/there: quota."
    assert result["scenario"]["measured"] == {}
    cluster.refuse = lambda _verb, _obj: None
    assert_as_before(cluster)


def test_patches_change_the_data(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    patches = [{"op": "replace", "path": "/steps/1/expect/1/bound/share", "value": 1}]
    with Server(alternating) as server:
        code, result = run(capsys, url=server.url("/"), patches=patches)
    assert code == 1
    assert result["scenario"]["verdicts"][1]["bound"] == {"share": 1, "of": "succeeded"}


def test_a_measurement_is_repeated_until_it_is_as_expected(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    definition = {**SCENARIO, "steps": [
        {"name": "soon", "traffic": {"requests": 1}, "within": 30,
         "expect": [{"metric": "status.200", "relation": "==", "bound": 1}]},
    ]}  # fmt: skip
    with Server(lambda seen: Reply(status=200 if seen.number >= 3 else 503)) as server:
        code, result = run(capsys, url=server.url("/"), definition=definition)
    assert (code, len(server.seen)) == (0, 4)
    assert len(result["scenario"]["verdicts"]) == 1


def test_traffic_lasts_as_long_as_what_runs_beside_it(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}}
    cluster.put(pod)
    definition = {**SCENARIO, "steps": [
        {"name": "load", "traffic": {"rate": 100, "duration": 0.3}, "during": [
            {"name": "pods", "pods": {"select": ""}, "within": 0.5,
             "expect": [{"metric": "ready", "relation": "==", "bound": 1}]},
        ], "expect": [{"metric": "lost", "relation": "==", "bound": 0}]},
    ]}  # fmt: skip
    with Server(lambda seen: Reply()) as server:
        code, result = run(capsys, url=server.url("/"), definition=definition)
    assert code == 1, "the pod never becomes ready"
    verdicts = {verdict["step"]: verdict["passed"] for verdict in result["scenario"]["verdicts"]}
    assert verdicts == {"pods": False, "load": True}
    assert result["scenario"]["measured"]["load"]["sent"] == len(server.seen) > 5
    assert sum(verb == "list" and kind == "Pod" for verb, kind, _n, _o in cluster.requests) > 2


def test_an_interrupted_run_is_put_back_by_its_end_or_by_the_next_one(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    signals: list[int] = []

    def interrupted(_seen: Any) -> Reply:
        if not signals:
            signals.append(signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
        return Reply(body=b"v1")

    arguments = {"definition": SCENARIO, "namespace": "default", "release_dir": "/nowhere"}
    with Server(interrupted) as server, patch_module_args({**arguments, "url": server.url("/")}):
        with pytest.raises(SystemExit) as ended:
            scenario.main()
        assert ended.value.code == 128 + signal.SIGTERM
    assert_as_before(cluster)
    capsys.readouterr()

    # As kill -9 leaves it: nothing was put back.
    with monkeypatch.context() as killed, Server(alternating) as server:
        killed.setattr(_scenario, "_put_back", lambda *_a: None)
        run(capsys, url=server.url("/"))
    assert cluster.find("v1", "ConfigMap", NOTES, "default")
    assert cluster.get("v1", "ConfigMap", "there", "default")["data"] == {"a": "9"}
    with Server(alternating) as server:
        code, result = run(capsys, url=server.url("/"))
    assert code == 0
    assert result["warned"] == ["An earlier scenario had been interrupted; what it left was put back first."]
    assert_as_before(cluster)


def test_check_mode_says_what_it_would_do(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(capsys, url="http://127.0.0.1:1/", _ansible_check_mode=True)
    assert (code, result["changed"], result["would"]) == (0, False, ["apply", "traffic: page"])
    assert not [write for write in cluster.writes if write[3] != "there"]


def test_data_of_the_wrong_form_touches_nothing(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    definition = copy.deepcopy(SCENARIO)
    definition["steps"].append({"pause": 3})
    code, result = run(capsys, url="http://127.0.0.1:1/", definition=definition)
    assert code == 1
    assert "is not one of apply" in result["msg"]
    assert_as_before(cluster)


def test_only_what_the_scenario_made_is_removed(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    definition = copy.deepcopy(SCENARIO)
    definition["steps"].insert(1, {"remove": {"objects": [config("there")]}})
    code, result = run(capsys, url="http://127.0.0.1:1/", definition=definition)
    assert code == 1
    assert "ConfigMap default/there was not made by this scenario" in result["msg"]
    assert_as_before(cluster)


def test_samples_come_from_the_release(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "samples").mkdir()
    text = json.dumps(config("sample", a="1"))
    (tmp_path / "samples" / "x.yaml").write_text(text, encoding="utf-8")
    definition = copy.deepcopy(SCENARIO)
    definition["steps"][0] = {"apply": {
        "samples": ["x.yaml"], "patches": [{"kind": "ConfigMap", "patch": {"data": {"b": "2"}}}],
    }}  # fmt: skip
    with Server(alternating) as server:
        code, result = run(capsys, url=server.url("/"), definition=definition, release_dir=str(tmp_path))
    assert code == 0
    assert "b: '2'" in result["scenario"]["manifest"]
    assert_as_before(cluster)


def virtual_service(name: str, *hosts: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
        "metadata": {"name": name, **metadata}, "spec": {"hosts": list(hosts)},
    }  # fmt: skip


def test_a_scenario_that_would_lose_against_the_users_own_is_not_begun(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.teach("networking.istio.io/v1beta1", "VirtualService")
    cluster.put(virtual_service("mine", "reviews", namespace="default"))
    definition = copy.deepcopy(SCENARIO)
    definition["steps"][0]["apply"]["objects"].append(virtual_service("reviews", "reviews"))
    before = len(cluster.writes)
    with Server(alternating) as server:
        code, result = run(capsys, url=server.url("/"), definition=definition)
        assert (code, server.seen) == (1, [])
    assert "it was not begun: VirtualService default/mine is not the scenario's and routes" in result["msg"]
    assert "reviews.default.svc.cluster.local already: of two VirtualServices" in result["msg"]
    assert not [write for write in cluster.writes[before:] if write[1] != "ConfigMap" or write[3] != NOTES]
    assert_as_before(cluster)


def test_a_failure_names_configuration_that_the_lab_did_not_make(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.teach("networking.istio.io/v1beta1", "VirtualService")
    cluster.put(virtual_service("strange", "details", namespace="default"))
    ours = virtual_service("ours", "ratings", namespace="default")
    cluster.apply(ours, "meshlab.istio")
    with Server(lambda seen: Reply(body=b"v1")) as server:
        code, result = run(capsys, url=server.url("/"))
    assert code == 1
    assert "that may be the cause: VirtualService default/strange." in result["msg"]
