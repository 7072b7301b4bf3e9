# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report keeps of the one before it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._report import shape
from ansible_collections.meshlab.istio.plugins.module_utils._report_known import NOTHING, known, looked_at, with_known

THEN = "2026-11-25T12:00:00Z"
BEFORE_THAT = "2026-11-24T12:00:00Z"


def ran(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "passed": True, **more}


def stage(name: str, end: float = 1, **more: Any) -> dict[str, Any]:
    return {"stage": name, "start": 0, "end": end, **more}


WHOLE = {
    "name": "lab1", "finished": True, "url": "http://10.0.0.1/productpage",
    "lab": {"provider": "minikube", "driver": "docker"},
    "versions": {"istio": "1.31.0", "minikube": "v1.38.1", "ansible": "2.19.1"},
    "timings": [stage("host"), stage("report")], "found": ["The cluster was stopped."],
    "scenarios": [ran("canary"), ran("mtls")],
}  # fmt: skip


def merged(
    now: dict[str, Any] | Sequence[dict[str, Any]], before: Sequence[dict[str, Any]], *inventory: str
) -> list[dict[str, Any]]:
    """Return what is known after a run that gave ``now``, on top of a report that was written THEN."""
    hosts = [now] if isinstance(now, dict) else now
    kept = [{key: value for key, value in host.items() if value is not None} for host in hosts]
    return with_known(kept, [looked_at(host) for host in hosts], {"generated_at": THEN, "hosts": before}, inventory)


def test_scenarios_alone_leave_what_they_did_not_measure() -> None:
    now = {
        "name": "lab1", "finished": True, "url": None, "pods": None, "lab": {"provider": "minikube"},
        "versions": {"ansible": "2.19.14"}, "timings": [stage("scenarios"), stage("report", 2)],
        "scenarios": [ran("mtls", passed=False), ran("jwt")],
    }  # fmt: skip
    earlier = {**WHOLE, "pods": [{"namespace": "tutorial", "name": "sleep"}]}
    (host,) = merged(now, [earlier])
    assert host["url"] == WHOLE["url"]
    assert host["pods"] == earlier["pods"]
    assert host["lab"] == WHOLE["lab"]
    assert host["versions"] == {"istio": "1.31.0", "minikube": "v1.38.1", "ansible": "2.19.14"}
    assert host["scenarios"] == [ran("canary", earlier=True), ran("mtls", passed=False), ran("jwt")]
    assert host["timings"] == [stage("host", earlier=True, at=THEN), stage("report", 2), stage("scenarios")]
    assert "found" not in host
    assert host["earlier"] == dict.fromkeys(["url", "pods", "lab.driver", "versions.istio", "versions.minikube"], THEN)


def test_after_a_run_that_failed_another_one_still_knows_all() -> None:
    """As was seen: scenarios of which one failed, then one of them, and Kubernetes' version was gone."""
    failed = {"name": "lab1", "finished": False, "failure": {"message": "It failed."}, "versions": {"ansible": "2"}}
    (once,) = merged(failed, [WHOLE])
    assert (once["finished"], once["failure"]) == (False, {"message": "It failed."})
    again = {"name": "lab1", "finished": True, "versions": {"ansible": "2"}}
    (host,) = with_known([again], [looked_at(again)], {"generated_at": "2026-11-26T12:00:00Z", "hosts": [once]}, [])
    assert host["versions"] == {**WHOLE["versions"], "ansible": "2"}  # type: ignore[dict-item]
    assert host["url"] == WHOLE["url"]
    assert host["timings"] == [stage("host", earlier=True, at=THEN), stage("report", earlier=True, at=THEN)]
    assert set(host["earlier"].values()) == {THEN}
    assert "failure" not in host


def test_a_stage_that_was_there_twice_is_replaced_by_one() -> None:
    before = {**WHOLE, "timings": [stage("host"), stage("report"), stage("report", 3)]}
    (host,) = merged({"name": "lab1", "timings": [stage("report", 2)]}, [before])
    assert host["timings"] == [stage("host", earlier=True, at=THEN), stage("report", 2)]


def test_a_whole_run_replaces_all_that_it_measured() -> None:
    now = {
        **WHOLE, "url": "http://10.0.0.2/productpage", "versions": {"istio": "1.31.1", "minikube": "v2", "ansible": "2"}
    }  # fmt: skip
    del now["scenarios"]
    (host,) = merged(now, [{**WHOLE, "earlier": {"url": BEFORE_THAT, "versions.istio": BEFORE_THAT}}])
    assert host == {**now, "scenarios": [ran("canary", earlier=True), ran("mtls", earlier=True)]}


def test_what_was_looked_at_and_found_empty_is_no_more() -> None:
    before = {**WHOLE, "tunnel": "ssh -L", "listening": [{"address": "::", "port": 1}], "addons": [{"name": "kiali"}]}
    now = {"name": "lab1", "finished": True, "tunnel": "", "listening": [], "addons": None}
    looked = looked_at(now)
    (host,) = with_known(
        [{"name": "lab1", "finished": True, "listening": []}], [looked], {"generated_at": THEN, "hosts": [before]}, []
    )
    assert "tunnel" not in host
    assert host["listening"] == []
    assert host["addons"] == [{"name": "kiali"}]
    assert set(host["earlier"]) & {"tunnel", "listening", "addons"} == {"addons"}


def test_what_a_failed_run_did_not_reach_is_known_as_it_was() -> None:
    now = {"name": "lab1", "finished": False, "failure": {"message": "It failed."}}
    (host,) = merged(now, [{**WHOLE, "earlier": {"url": BEFORE_THAT}}])
    assert set(host) == {*now, "url", "lab", "versions", "timings", "scenarios", "earlier"}
    assert host["earlier"]["url"] == BEFORE_THAT
    assert host["earlier"]["versions.istio"] == THEN
    assert all(item["earlier"] for item in [*host["timings"], *host["scenarios"]])


@pytest.mark.parametrize("lab", [{"provider": "existing"}, {"provider": "minikube", "context": "b"}])
def test_of_another_lab_nothing_is_kept(lab: dict[str, str]) -> None:
    before = {**WHOLE, "lab": {"provider": "minikube", "context": "a"}}
    now = {"name": "lab1", "finished": True, "lab": lab}
    assert merged(now, [before]) == [now]


def test_a_run_without_scenarios_says_so() -> None:
    (host,) = with_known([{"name": "lab1", "url": "http://10.0.0.2/", "scenarios": []}], [{"url"}], NOTHING, [])
    assert host == {"name": "lab1", "url": "http://10.0.0.2/", "scenarios": []}


def test_a_host_that_the_run_was_not_limited_to_stays() -> None:
    other, removed = {"name": "lab2", "url": "http://10.0.0.3/", "scenarios": [ran("jwt")]}, {"name": "lab3"}
    found = merged([{"name": "lab4"}, {"name": "lab1"}], [other, removed, WHOLE], "lab1", "lab2", "lab4")
    assert [host["name"] for host in found] == ["lab2", "lab1", "lab4"]
    assert found[0] == {**other, "scenarios": [ran("jwt", earlier=True)], "earlier": {"url": THEN}}


def test_the_earlier_report_is_read_if_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert known(path)["hosts"] == []
    written = shape([{"name": "lab1", "url": "http://10.0.0.1/"}])
    path.write_text(json.dumps(written), encoding="utf-8")
    assert known(path) == written
    assert written["hosts"] == [{"name": "lab1", "url": "http://10.0.0.1/"}]


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"schema": "urn:other", "hosts": []}', "\xff"])
def test_anything_else_is_no_report(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(text.encode("latin-1"))
    assert known(path)["hosts"] == []
    path.write_text(json.dumps({**shape([]), "hosts": [{"url": 1}]}), encoding="utf-8")
    assert known(path)["hosts"] == []


def test_a_run_that_failed_early_keeps_that_no_scenario_was_ever_run() -> None:
    first = shape([{"name": "lab1", "scenarios": []}])
    failed = shape([{"name": "lab1"}], earlier=first, inventory=["lab1"])
    assert failed["hosts"][0]["scenarios"] == []
