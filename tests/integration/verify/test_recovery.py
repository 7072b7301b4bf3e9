# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dies comes back: the tunnel and the port-forwards when they are killed, the whole lab when its host reboots."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.integration.verify.test_again import run_site
from tests.lab import host as lab_host

TITLE = "<title>Simple Bookstore App</title>"
KILLS = 10
ANSWER_SECONDS = 5.0
REBOOT_SECONDS = 180.0


@pytest.fixture
def machine(reports: list[dict[str, Any]]) -> lab_host.Host:
    """The lab host of the report; hosts of a user's own are not killed or rebooted."""
    found = lab_host.hosts().get(reports[0]["name"])
    if found is None:
        pytest.skip("not a lab host of this machine")
    return found


def _seconds_until(condition: Callable[[], bool], limit: float) -> float:
    started = time.monotonic()
    while time.monotonic() - started < limit:
        if condition():
            return time.monotonic() - started
        time.sleep(0.1)
    pytest.fail(f"not within {limit:g} s")


def _answers_on(machine: lab_host.Host, url: str) -> Callable[[], bool]:
    return lambda: TITLE in machine.run("curl", "--silent", "--max-time", "5", url, "||", "true")


def _status_on(machine: lab_host.Host, url: str) -> int:
    """Return the HTTP status on the host, 0 for no answer."""
    words = ["curl", "--silent", "--max-time", "5", "--output", "/dev/null", "--write-out", "'%{http_code}'", url]
    return int(machine.run(*words, "||", "true"))


def _answers_here(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return TITLE.encode() in answer.read()
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.parametrize(
    ("unit", "url"),
    [("meshlab-tunnel-minikube", ""), ("meshlab-forward-gateway", "http://127.0.0.1:8080/productpage")],
)
def test_a_killed_service_is_back_within_seconds(
    machine: lab_host.Host, reports: list[dict[str, Any]], unit: str, url: str
) -> None:
    """systemd's default limit of starts would give up after the fifth death."""
    url = url or f"http://{reports[0]['gateway_url']}/productpage"
    before = int(machine.run("systemctl", "show", "--property=NRestarts", "--value", unit))
    for _ in range(KILLS):
        process = machine.run("systemctl", "show", "--property=MainPID", "--value", unit).strip()
        machine.run("kill", "-KILL", process)

        def reborn(dead: str = process) -> bool:
            now = machine.run("systemctl", "show", "--property=MainPID", "--value", unit).strip()
            return now not in ("0", dead)

        _seconds_until(lambda: reborn() and _answers_on(machine, url)(), ANSWER_SECONDS)
    assert int(machine.run("systemctl", "show", "--property=NRestarts", "--value", unit)) >= before + KILLS


def test_the_forward_follows_the_gateway_to_a_new_pod(machine: lab_host.Host) -> None:
    """kubectl holds on to the pod that it began with."""
    gateway = ["kubectl", "--namespace", "istio-system"]
    machine.run(*gateway, "delete", "pods", "--selector=app=istio-ingressgateway", "--wait=true")
    machine.run(*gateway, "rollout", "status", "deployment/istio-ingressgateway", "--timeout=60s")
    _seconds_until(_answers_on(machine, "http://127.0.0.1:8080/productpage"), ANSWER_SECONDS)


def _processes(machine: lab_host.Host, units: list[str]) -> list[str]:
    """Return the main process of each unit, 0 for one that does not run."""
    shown = machine.run("systemctl", "show", "--property=MainPID", "--value", *units)
    return shown.split()


def test_killed_dashboards_are_back_within_seconds(machine: lab_host.Host, reports: list[dict[str, Any]]) -> None:
    """All at once, ten times: each URL answers again within five seconds of its death."""
    urls = {addon["name"]: addon["url"] for addon in reports[0]["addons"] if "url" in addon}
    assert set(urls) >= {"kiali", "prometheus", "grafana", "jaeger"}
    units = [f"meshlab-forward-{name}" for name in urls]
    words = ["curl", "--silent", "--max-time", "5", "--write-out", "'%{http_code} '"]
    words += [word for url in urls.values() for word in ("--output", "/dev/null", url)]

    def answering() -> bool:
        codes = machine.run(*words, "||", "true").split()
        return len(codes) == len(urls) and all(code[0] in "23" for code in codes)

    for _ in range(KILLS):
        dead = _processes(machine, units)
        assert "0" not in dead
        machine.run("kill", "-KILL", *dead)

        def reborn(dead: list[str] = dead) -> bool:
            return not {"0", *dead} & set(_processes(machine, units))

        _seconds_until(lambda: reborn() and answering(), ANSWER_SECONDS)


def test_the_lab_is_back_after_a_reboot(machine: lab_host.Host, reports: list[dict[str, Any]]) -> None:
    lab_host.reboot(machine)
    url = f"http://{reports[0]['gateway_url']}/productpage"
    _seconds_until(_answers_on(machine, url), REBOOT_SECONDS)
    _seconds_until(lambda: _answers_here(reports[0]["browser_url"]), REBOOT_SECONDS)
    for addon in reports[0]["addons"]:
        if "url" in addon:
            _seconds_until(lambda url=addon["url"]: _status_on(machine, url) in (200, 302, 307), REBOOT_SECONDS)  # type: ignore[misc]


@pytest.mark.usefixtures("machine")
def test_the_next_run_says_what_it_found(lab_folder: Path) -> None:
    """All came back by itself, so it only takes over the kubeconfig that minikube has written anew."""
    output, _ = run_site()
    changed = [task for task in output.split("TASK [")[1:] if "changed: [" in task]
    assert [task.split("]")[0] for task in changed] == ["meshlab.istio.access : Write the kubeconfig"]
    assert "100/100 requests answered 200" in output
    (host,) = json.loads((lab_folder / "report.json").read_text(encoding="utf-8"))["hosts"]
    assert host["found"] == ["The cluster minikube was running."]
    assert host["found"][0] in output
