# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces really arrive: the lab with Zipkin, the sample's own, in place of Jaeger's stand-in."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._errors import NotFound
from tests.integration.all.lab import CHECKOUT, Lab, tool, until

ZIPKIN = json.dumps({"addons_names": ["prometheus", "loki", "kiali", "grafana", "zipkin"]})
TRACES = "/api/v1/namespaces/istio-system/services/tracing:80/proxy/api/v2/trace/"


@pytest.fixture(scope="module")
def printed(lab: Lab) -> Iterator[str]:
    """Run the playbook with Zipkin; put the usual addons back afterwards."""
    yield lab.playbook("site", "-e", ZIPKIN)
    lab.playbook("site")
    lab.kubectl("delete", "--ignore-not-found", "--namespace=istio-system", "deployment/zipkin")


def trace_of(lab: Lab, trace: str) -> list[dict[str, Any]]:
    """Return the spans that Zipkin has of a trace."""
    try:
        found: list[dict[str, Any]] = lab.cluster.json(TRACES + trace)
    except NotFound:
        return []
    return found


def test_the_playbook_finds_the_trace_of_a_request_that_it_sent(
    lab: Lab, printed: str, measured: dict[str, Any]
) -> None:
    trace = lab.report["trace"]
    assert {span["traceId"] for span in trace_of(lab, trace["id"])} == {trace["id"]}
    assert trace["spans"] >= 2
    assert {"productpage.tutorial", "details.tutorial"} <= set(trace["services"])
    assert trace["id"] in printed
    assert "zipkin" not in {each["name"] for each in lab.report["stand_ins"]}
    measured.update(trace=trace)


def test_a_request_of_our_own_leaves_its_spans(lab: Lab, printed: str, measured: dict[str, Any]) -> None:
    """Nothing of the collection takes part: curl sends, the API server's proxy asks."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    assert trace_of(lab, trace) == []
    headers = f"-H 'x-b3-traceid: {trace}' -H 'x-b3-spanid: {span}' -H 'x-b3-sampled: 1'"
    code = lab.ssh(f"curl -s -o /dev/null -w '%{{http_code}}' {headers} {lab.report['url']}")
    assert code == "200"

    def of_gateway() -> bool:
        return any(span in (each["id"], each.get("parentId")) for each in trace_of(lab, trace))

    seconds = until(of_gateway, 60, "the gateway's own span")
    spans = trace_of(lab, trace)
    assert {each["traceId"] for each in spans} == {trace}
    measured.update(seconds_until_found=round(seconds, 1), spans=len(spans))


def test_two_addons_for_traces_are_refused(lab: Lab) -> None:
    done = subprocess.run(
        [tool("ansible-playbook"), "-i", str(lab.inventory), "playbooks/site.yml", "--tags", "addons",
         "-e", json.dumps({"addons_names": ["zipkin", "jaeger"]})],
        cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "jaeger and zipkin each bring a service named tracing" in " ".join(done.stdout.split())
