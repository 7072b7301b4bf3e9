# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tutorial's own commands, typed on the host after `source` of the file with its variables, and the ssh line."""

from __future__ import annotations

import http.client
import re
import shlex
import socket
import subprocess
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.lab import host as lab_host

ENV_FILE = "~/.local/share/meshlab/tutorial.env"
TITLE = "<title>Simple Bookstore App</title>"
SERVICE = "kubectl -n istio-system get service istio-ingressgateway -o "


@pytest.fixture
def machine(reports: list[dict[str, Any]]) -> lab_host.Host:
    """The lab host of the report; nothing is typed on hosts of a user's own."""
    found = lab_host.hosts().get(reports[0]["name"])
    if found is None:
        pytest.skip("not a lab host of this machine")
    return found


@pytest.fixture
def typed(machine: lab_host.Host) -> Any:
    """Type one line into a shell that has sourced the file."""

    def type_(line: str) -> str:
        quoted = f". {ENV_FILE}; {line}".replace("'", "'\\''")
        return machine.run("bash", "-c", f"'{quoted}'").strip()

    return type_


def test_the_file_is_private(machine: lab_host.Host) -> None:
    assert machine.run("stat", "--format=%a", ENV_FILE).strip() == "600"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("INGRESS_HOST", SERVICE + "jsonpath='{.status.loadBalancer.ingress[0].ip}'"),
        ("INGRESS_PORT", SERVICE + """jsonpath='{.spec.ports[?(@.name=="http2")].port}'"""),
        ("SECURE_INGRESS_PORT", SERVICE + """jsonpath='{.spec.ports[?(@.name=="https")].port}'"""),
        ("GATEWAY_URL", "echo $INGRESS_HOST:$INGRESS_PORT"),
        ("MYHOST", "echo $(kubectl config view -o jsonpath={.contexts..namespace}).bookinfo.com"),
    ],
)
def test_a_variable_is_what_the_tutorials_command_gives(typed: Any, name: str, command: str) -> None:
    found = typed(f"echo ${name}")
    assert found
    assert found == typed(command)


def test_the_namespace_is_the_one_that_has_sidecars(typed: Any) -> None:
    assert "istio-injection=enabled" in typed("kubectl get namespace $NAMESPACE --show-labels")


def test_pods_of_istio_and_of_the_default_namespace(typed: Any) -> None:
    """`kubectl get pods`, with and without -n istio-system, as in the tutorial's pictures."""
    for options, names in (
        ("-n istio-system", ("istiod", "istio-ingressgateway", "istio-egressgateway", "kiali", "prometheus", "loki",
                             "jaeger", "grafana")),
        ("", ("details-v1", "productpage-v1", "ratings-v1", "reviews-v1", "sleep")),
    ):  # fmt: skip
        rows = [line.split() for line in typed(f"kubectl get pods {options} --no-headers").splitlines()]
        for name in names:
            states = {row[2] for row in rows if row[0].startswith(f"{name}-")}
            assert states == {"Running"}, (name, rows)


def test_productpage_from_the_sleep_pod(typed: Any) -> None:
    line = (
        "kubectl exec $(kubectl get pod -l app=sleep -o jsonpath='{.items[0].metadata.name}') -c sleep -- "
        'curl -sS productpage:9080/productpage | grep -o "<title>.*</title>"'
    )
    assert typed(line) == TITLE


def test_productpage_through_the_gateway(typed: Any) -> None:
    assert TITLE in typed("curl -s http://$GATEWAY_URL/productpage")


def test_the_tutorials_hundred_requests(typed: Any) -> None:
    line = 'for i in $(seq 1 100); do curl -s -o /dev/null -w "%{http_code}\\n" "http://$GATEWAY_URL/productpage"; done'
    assert typed(line).split() == ["200"] * 100


def test_the_kiali_dashboard_finds_its_way(typed: Any) -> None:
    """`istioctl dashboard kiali` prints its URL; the usual port is taken by the service that forwards it already."""
    printed = typed(
        "istioctl dashboard kiali --browser=false > /tmp/dashboard & process=$!; "
        "for i in $(seq 200); do grep -q /kiali /tmp/dashboard && break; sleep 0.1; done; "
        "kill $process; cat /tmp/dashboard"
    )
    assert re.search(r"http://localhost:\d+/kiali", printed), printed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    """Tell whether something answers well at the end of a tunnel, be it by sending elsewhere.

    Prometheus sends to /query, a page that the lab's build of its Go module does not have.
    """
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
    try:
        connection.request("GET", where.path)
        return connection.getresponse().status in (200, 302, 307)
    except OSError:
        return False
    finally:
        connection.close()


def test_the_printed_ssh_line_leads_to_each_dashboard(machine: lab_host.Host, reports: list[dict[str, Any]]) -> None:
    """Typed here as it is printed, but for the local ports, which another lab's tunnel may have."""
    words = shlex.split(reports[0]["tunnel"])
    ports: dict[int, int] = {}
    for place, word in enumerate(words):
        if words[place - 1] == "-L":
            local, _, there = word.partition(":")
            ports[int(local)] = _free_port()
            words[place] = f"127.0.0.1:{ports[int(local)]}:{there}"
    links = [urlsplit(addon["url"]) for addon in reports[0]["addons"] if "url" in addon]
    assert {link.port for link in links} == set(ports)
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as tunnel:
        try:
            for link in links:
                url = f"http://127.0.0.1:{ports[link.port or 80]}{link.path}"
                end = time.monotonic() + 30
                while not _answers(url):
                    assert time.monotonic() < end, url
                    time.sleep(0.2)
        finally:
            tunnel.terminate()
