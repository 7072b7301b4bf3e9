# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary at the end of a run: a few lines of plain text that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.meshlab.istio.plugins.module_utils import _report_facts as facts
from ansible_collections.meshlab.istio.plugins.module_utils._report_facts import Host

_HEADLINES = {
    facts.OK: "The Istio lab on {name} works.",
    facts.PROBLEM: "The Istio lab on {name} has problems:",
    facts.UNKNOWN: "The Istio lab on {name}: no traffic was measured, so nothing is proven yet.",
}


def summary(host: Host, page: str | None) -> list[str]:
    """Return the lines for one host.

    :param host: its part of the report.
    :param page: path of the page that was written, None if none was.
    """
    lines = [_HEADLINES[facts.verdict(host)].format(name=host["name"])]
    lines += [f"  ! {problem}" for problem in facts.problems(host)]
    lines += [f"  {label:<17}{text}" for label, text in _rows(host)]
    lines.append(f"  {'Report':<17}{page or 'not written (check mode)'}")
    return lines


def _rows(host: Host) -> Iterator[tuple[str, str]]:
    for sentence in host.get("found", []):
        yield "Found", sentence
    browser = host.get("browser_url")
    if browser:
        yield ("Open" if facts.is_link(browser) else "On your computer"), browser
    if host.get("tunnel", browser) != browser:
        yield "On your computer", host["tunnel"]
    links = [f"{addon['name']} {addon['url']}" for addon in host.get("addons", []) if addon.get("url")]
    if links:
        yield "Dashboards", ", ".join(links)
    if "url" in host:
        method = host.get("gateway_method")
        yield "On the host", f"curl {host['url']}" + (f"   (by {method})" if method else "")
    for step in host.get("next", []):
        yield "Then", f"{step['command']}   ({step['title']})"
    named = facts.versions(host)
    if named:
        yield "Versions", ", ".join(f"{program} {version}" for program, version in named)
    pods = facts.pods_ready(host)
    if pods:
        yield "Pods", f"{pods[0]} of {pods[1]} ready"
    yield "Traffic", _traffic(host)
    grown = facts.increase(host)
    if grown is not None:
        counted = host["prometheus"]
        yield (
            "Prometheus",
            (
                f"{facts.number(grown)} more requests counted"
                f" ({facts.number(counted['requests_before'])} before, {facts.number(counted['requests_after'])} after)"
            ),
        )
    trace = host.get("trace")
    if trace:
        yield "Trace", f"{trace['id']}: {trace['spans']} spans of {', '.join(trace['services'])}"
    runs = host.get("scenarios")
    passed = sum(run["passed"] for run in runs or [])
    yield "Scenarios", f"{passed} of {len(runs)} passed" if runs else "not run"
    instead = facts.stand_ins(host)
    if instead:
        yield "Stand-ins", ", ".join(name for name, _what in instead) + " (not the real programs)"
    before = facts.as_reported(host, *(mark.partition(".")[0] for mark in host.get("earlier", {})))
    if before:
        yield "Not looked at", before
    took = facts.total_seconds(host)
    if took is not None:
        yield "Time", facts.seconds(took)


def _traffic(host: Host) -> str:
    good = facts.answered(host)
    if good is None:
        return "not run"
    latency = host["traffic"].get("latency_ms", {})
    spread = "".join(f", {key} {facts.milliseconds(latency[key])}" for key in ("p50", "p95") if key in latency)
    return f"{good[0]}/{good[1]} requests answered 200{spread}"
