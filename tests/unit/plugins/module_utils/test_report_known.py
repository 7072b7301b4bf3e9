# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report keeps of the one before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._report import shape
from ansible_collections.meshlab.istio.plugins.module_utils._report_known import known, with_known


def ran(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "passed": True, **more}


WHOLE = {
    "name": "lab1", "finished": True, "url": "http://10.0.0.1/productpage", "versions": {"istio": "1.31.0"},
    "timings": [{"stage": "host", "start": 0, "end": 1}], "found": ["The cluster was stopped."],
    "scenarios": [ran("canary"), ran("mtls")],
}  # fmt: skip


def test_scenarios_alone_leave_what_they_did_not_measure() -> None:
    now = {"name": "lab1", "finished": True, "pods": [], "scenarios": [ran("mtls", passed=False), ran("jwt")]}
    earlier = {**WHOLE, "pods": [{"namespace": "tutorial", "name": "sleep"}]}
    (host,) = with_known([now], [earlier], ["lab1"])
    assert host["url"] == WHOLE["url"]
    assert host["pods"] == earlier["pods"]
    assert host["versions"] == WHOLE["versions"]
    assert host["scenarios"] == [ran("canary", earlier=True), ran("mtls", passed=False), ran("jwt")]
    assert "timings" not in host
    assert "found" not in host


def test_a_whole_run_replaces_all_but_scenarios() -> None:
    now = {"name": "lab1", "finished": True, "url": "http://10.0.0.2/productpage"}
    (host,) = with_known([now], [WHOLE], ["lab1"])
    assert host == {**now, "scenarios": [ran("canary", earlier=True), ran("mtls", earlier=True)]}


def test_what_a_failed_run_did_not_reach_is_not_known() -> None:
    now = {"name": "lab1", "finished": False, "failure": {"message": "It failed."}}
    (host,) = with_known([now], [WHOLE], ["lab1"])
    assert set(host) == {"name", "finished", "failure", "scenarios"}


def test_a_run_without_scenarios_says_so() -> None:
    (host,) = with_known([{"name": "lab1", "url": "http://10.0.0.2/", "scenarios": []}], [], ["lab1"])
    assert host["scenarios"] == []


def test_a_host_that_the_run_was_not_limited_to_stays() -> None:
    other, removed = {"name": "lab2", "url": "http://10.0.0.3/", "scenarios": [ran("jwt")]}, {"name": "lab3"}
    found = with_known([{"name": "lab4"}, {"name": "lab1"}], [other, removed, WHOLE], ["lab1", "lab2", "lab4"])
    assert [host["name"] for host in found] == ["lab2", "lab1", "lab4"]
    assert found[0] == {**other, "scenarios": [ran("jwt", earlier=True)]}


def test_the_earlier_report_is_read_if_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert known(path) == []
    path.write_text(json.dumps(shape([{"name": "lab1", "url": "http://10.0.0.1/"}])), encoding="utf-8")
    assert known(path) == [{"name": "lab1", "url": "http://10.0.0.1/"}]


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"schema": "urn:other", "hosts": []}', "\xff"])
def test_anything_else_is_no_report(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(text.encode("latin-1"))
    assert known(path) == []
    path.write_text(json.dumps({**shape([]), "hosts": [{"url": 1}]}), encoding="utf-8")
    assert known(path) == []
