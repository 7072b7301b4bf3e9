# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as JUnit XML, which CI systems show as tests: a suite a host for the proofs of a run, and for its scenarios.

The format has no standard; only the elements and attributes are used that all its readers share.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from ansible_collections.meshlab.istio.plugins.module_utils import _report_facts as facts

NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold at all, such as those of a terminal's colours."""

NOT_RUN = "not run"


@dataclass(frozen=True)
class Case:
    """One thing that was to be proven: passed, unless there is a problem or a reason why it was not tried."""

    name: str
    problem: str = ""
    skipped: str = ""
    seconds: float = 0.0
    details: str = ""


def junit(report: dict[str, Any]) -> str:
    """Return the XML document for a report in the shape of ``_report_schema.SCHEMA``."""
    root = ElementTree.Element("testsuites", name="meshlab.istio")
    for host in report["hosts"]:
        _add_suite(root, report, host, "verification", list(verification(host)))
        if host.get("scenarios"):
            _add_suite(root, report, host, "scenarios", list(scenarios(host)))
    for count in ("tests", "failures", "skipped"):
        root.set(count, str(sum(int(suite.attrib[count]) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def verification(host: dict[str, Any]) -> Iterator[Case]:
    """Yield what a run proves of a lab; what was not run is there as skipped."""
    for case, part in _verification(host):
        at = facts.earlier(host, part)
        yield Case(case.name, skipped=f"not looked at by this run; as reported at {at}") if at else case


def _verification(host: dict[str, Any]) -> Iterator[tuple[Case, str]]:
    """Yield each case with the part of the host that it is about."""
    failure = host.get("failure", {})
    ended = host.get("finished") is False
    end = Case(
        "the run came to its end",
        problem=(failure.get("message") or "The run ended on this host before everything was done.") if ended else "",
        details="\n".join(f"{key}: {failure[key]}" for key in ("task", "folder") if failure.get(key)),
        seconds=facts.total_seconds(host) or 0.0,
    )
    yield end, "finished"
    url = Case("the gateway's URL answers", skipped="" if host.get("url") else NOT_RUN, details=host.get("url", ""))
    yield url, "url"
    for pod in host.get("pods", []):
        ready = facts.pod_ready(pod)
        case = Case(
            f"pod {pod['namespace']}/{pod['name']} is ready",
            problem="It is not ready." if ready is False else "",
            skipped="its readiness is not known" if ready is None else "",
        )
        yield case, "pods"
    for addon in host.get("addons", []):
        ready = addon.get("ready")
        case = Case(
            f"addon {addon['name']} works",
            problem=addon.get("says") or "It is not ready." if ready is False else "",
            skipped="no check is known for it" if ready is None else "",
        )
        yield case, "addons"
    for case in _traffic(host):
        yield case, "traffic"


def scenarios(host: dict[str, Any]) -> Iterator[Case]:
    """Yield each scenario with what was expected and what was measured; one of an earlier run as skipped."""
    for run in host.get("scenarios", []):
        said = {key: run[key] for key in ("expected", "measured") if key in run}
        if run.get("earlier"):
            yield Case(run["name"], skipped=f"run earlier, at {run.get('at', 'some time')}")
            continue
        yield Case(
            run["name"],
            problem="" if run["passed"] else " ".join(run.get("problems") or ["It did not give what was expected."]),
            seconds=run.get("seconds", 0.0),
            details=json.dumps(said, indent=2, ensure_ascii=False),
        )


def _traffic(host: dict[str, Any]) -> Iterator[Case]:
    good = facts.answered(host)
    name = "all requests are answered 200"
    if good is None:
        yield Case(name, skipped=NOT_RUN)
    else:
        traffic = host["traffic"]
        answers = json.dumps({key: traffic[key] for key in ("status", "errors") if traffic.get(key)})
        problem = f"{good[1] - good[0]} of {good[1]} were not: {answers}" if good[0] < good[1] else ""
        yield Case(name, problem=problem, seconds=traffic.get("seconds", 0.0), details=f"{good[0]} of {good[1]}")
    for bound in host.get("traffic", {}).get("thresholds", []):
        text = facts.threshold(bound)
        yield Case(f"traffic: {text.partition(',')[0]}", problem="" if bound["passed"] else text, details=text)
    grown = facts.increase(host)
    counted = "Prometheus counted every answered request"
    if grown is None or good is None:
        yield Case(counted, skipped=NOT_RUN)
    else:
        text = f"{facts.number(grown)} counted, {good[0]} answered"
        yield Case(counted, problem=text if grown < good[0] else "", details=text)


def _add_suite(
    root: ElementTree.Element, report: dict[str, Any], host: dict[str, Any], kind: str, cases: Sequence[Case]
) -> None:
    name = f"{host['name']} {kind}"
    suite = ElementTree.SubElement(
        root, "testsuite", name=_text(name), timestamp=report["generated_at"].rstrip("Z"), hostname=_text(host["name"]),
        tests=str(len(cases)), errors="0",
        failures=str(sum(bool(case.problem) for case in cases)),
        skipped=str(sum(bool(case.skipped) for case in cases)),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )  # fmt: skip
    for case in cases:
        entry = ElementTree.SubElement(
            suite, "testcase", classname=_text(name), name=_text(case.name), time=f"{case.seconds:.3f}"
        )
        if case.problem:
            failure = ElementTree.SubElement(entry, "failure", message=_text(case.problem))
            failure.text = _text(case.details)
        elif case.skipped:
            ElementTree.SubElement(entry, "skipped", message=case.skipped)
        elif case.details:
            ElementTree.SubElement(entry, "system-out").text = _text(case.details)


def _text(text: str) -> str:
    return NOT_IN_XML.sub("�", text)
