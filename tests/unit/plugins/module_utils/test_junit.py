# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JUnit XML of a report: structure, counts, and what counts as failed or as not run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._junit import junit
from ansible_collections.meshlab.istio.plugins.module_utils._report import shape

SAMPLE: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures/report/sample.json").read_text(encoding="utf-8"))
# The elements and attributes that readers of JUnit XML share, and what may be inside of each.
INSIDE = {
    "testsuites": {"testsuite"}, "testsuite": {"testcase"}, "testcase": {"failure", "skipped", "system-out"},
    "failure": set(), "skipped": set(), "system-out": set(),
}  # fmt: skip
REQUIRED = {
    "testsuites": {"name", "tests", "failures", "skipped"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"},
    "testcase": {"name", "classname", "time"}, "failure": {"message"}, "skipped": {"message"}, "system-out": set(),
}  # fmt: skip


def parsed(*hosts: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(junit(shape(list(hosts))))  # noqa: S314 our own


def cases(root: ElementTree.Element, kind: str = "verification") -> dict[str, ElementTree.Element]:
    return {
        str(case.get("name")): case
        for suite in root
        if str(suite.get("name")).endswith(f" {kind}")
        for case in suite.iter("testcase")
    }


def test_structure_and_counts() -> None:
    root = parsed(*SAMPLE["hosts"])
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= INSIDE[element.tag]
        assert set(element.attrib) == REQUIRED[element.tag]
        assert len(element) <= 1 or element.tag != "testcase", "a case has one outcome"
    for above in [root, *root]:
        assert int(above.attrib["tests"]) == len(list(above.iter("testcase"))) > 0
        assert int(above.attrib["failures"]) == len(list(above.iter("failure")))
        assert int(above.attrib["skipped"]) == len(list(above.iter("skipped")))
    for suite in root:
        names = [case.get("name") for case in suite]
        assert len(set(names)) == len(names)
        assert float(suite.attrib["time"]) == pytest.approx(sum(float(case.attrib["time"]) for case in suite), abs=0.01)


def test_a_host_on_which_nothing_was_run_has_proven_nothing() -> None:
    found = cases(parsed({"name": "a"}))
    skipped = {name for name, case in found.items() if case.find("skipped") is not None}
    assert skipped == set(found) - {"the run came to its end"}
    assert not any(case.findall("failure") for case in found.values())


@pytest.mark.parametrize(
    ("host", "case", "problem"),
    [
        ({"finished": False}, "the run came to its end", "The run ended on this host before everything was done."),
        ({"finished": False, "failure": {"message": "No image.", "folder": "/f"}}, "the run came to its end",
         "No image."),
        ({"pods": [{"namespace": "a", "name": "b", "ready": "1/2"}]}, "pod a/b is ready", "It is not ready."),
        ({"addons": [{"name": "kiali", "ready": False, "says": "no answer"}]}, "addon kiali works", "no answer"),
        ({"addons": [{"name": "kiali", "ready": False}]}, "addon kiali works", "It is not ready."),
        ({"traffic": {"sent": 3, "status": {"200": 2, "503": 1}}}, "all requests are answered 200",
         '1 of 3 were not: {"status": {"200": 2, "503": 1}}'),
        ({"traffic": {"sent": 1, "status": {"200": 1}, "thresholds": [
            {"metric": "p95", "relation": "<", "bound": 5, "measured": 7, "passed": False}]}},
         "traffic: p95 < 5", "p95 < 5, measured 7"),
        ({"traffic": {"sent": 9, "status": {"200": 9}}, "prometheus": {"requests_before": 1, "requests_after": 9}},
         "Prometheus counted every answered request", "8 counted, 9 answered"),
    ],
)  # fmt: skip
def test_what_is_wrong_fails(host: dict[str, Any], case: str, problem: str) -> None:
    root = parsed({"name": "a", **host})
    failures = {name: each.find("failure") for name, each in cases(root).items() if each.find("failure") is not None}
    assert [(name, str(each.get("message"))) for name, each in failures.items() if each is not None] == [
        (case, problem)
    ]


def test_what_an_earlier_run_measured_is_skipped_even_if_it_was_wrong() -> None:
    host = {
        "name": "a", "url": "http://10.0.0.1/", "pods": [{"namespace": "a", "name": "b", "ready": "1/2"}],
        "addons": [{"name": "kiali", "ready": False}], "traffic": {"sent": 3, "status": {"200": 2}}, "finished": True,
        "earlier": dict.fromkeys(["url", "pods", "addons", "traffic"], "2026-11-25T12:00:00Z"),
    }  # fmt: skip
    found = cases(ElementTree.fromstring(junit({"generated_at": "2026-11-26T12:00:00Z", "hosts": [host]})))  # noqa: S314
    reasons = {name: skipped.get("message") for name, case in found.items() for skipped in case.findall("skipped")}
    assert set(found) - set(reasons) == {"the run came to its end"}
    assert reasons["pod a/b is ready"] == "not looked at by this run; as reported at 2026-11-25T12:00:00Z"


def test_scenarios_say_what_was_expected_and_measured() -> None:
    runs = [
        {"name": "canary", "passed": True, "expected": {"v2": 10}, "measured": {"v2": 11}, "seconds": 2.5},
        {"name": "mtls", "passed": False, "problems": ["Plain text was", "answered."]},
        {"name": "jwt", "passed": False},
    ]
    found = cases(parsed({"name": "a", "scenarios": runs}), "scenarios")
    assert (found["canary"].get("time"), found["canary"].find("failure")) == ("2.500", None)
    assert json.loads(found["canary"].findtext("system-out") or "")["measured"] == {"v2": 11}
    assert [found[name].find("failure").get("message") for name in ("mtls", "jwt")] == [  # type: ignore[union-attr]
        "Plain text was answered.", "It did not give what was expected.",
    ]  # fmt: skip


def test_characters_that_xml_cannot_hold() -> None:
    root = parsed({"name": "a\x00", "finished": False, "failure": {"message": "\x1b[31mred & <b>\ud800"}})
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "�[31mred & <b>�"
