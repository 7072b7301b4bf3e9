# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stop, start, teardown and preflight on a lab: what they say, what they leave, and that twice changes nothing more."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.all.lab import Lab, Object, until

UNITS = "systemctl list-units --plain --no-legend --all 'meshlab-*' | awk '{print $1, $3}'"
STARTED_SECONDS = 180.0


def opens(url: str) -> bool:
    """Tell whether a URL of the lab answers on this machine."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def timed(work: Callable[[], str]) -> tuple[float, str]:
    """Return the seconds that a playbook took, and what it printed."""
    started = time.monotonic()
    output = work()
    return round(time.monotonic() - started, 1), output


def unchanged(output: str) -> bool:
    """Tell whether a playbook says that it changed nothing."""
    return " changed=0 " in output.split("PLAY RECAP", 1)[1]


def test_stop_puts_the_lab_to_sleep_and_start_wakes_it(lab: Lab, measured: dict[str, Any]) -> None:
    url, before = lab.report["browser_url"], lab.kubectl("get", "pods", "--all-namespaces", "--output=name")
    assert opens(url)
    measured["stop_seconds"], output = timed(lambda: lab.playbook("stop"))
    assert not unchanged(output)
    assert not opens(url)
    assert " active" not in lab.ssh(UNITS)
    assert "8443" not in lab.ssh("ss -tln")
    assert unchanged(lab.playbook("stop"))
    measured["start_seconds"], output = timed(lambda: lab.playbook("start"))
    assert not unchanged(output)
    assert opens(url)
    assert set(lab.kubectl("get", "pods", "--all-namespaces", "--output=name").split()) == set(before.split())
    for name in ("kiali", "prometheus", "grafana", "jaeger"):
        until(lambda name=name: lab.ssh(  # type: ignore[misc]
            f"curl -s -o /dev/null -w '%{{http_code}}' {addon_url(lab, name)}", check=False
        ) in ("200", "302", "307"), 30, name)  # fmt: skip
    measured["start_again_seconds"], output = timed(lambda: lab.playbook("start"))
    assert unchanged(output)
    assert measured["start_seconds"] <= STARTED_SECONDS


def addon_url(lab: Lab, name: str) -> str:
    """Return a dashboard's URL, the same on the host and at the end of its `ssh -L`."""
    return str(next(addon["url"] for addon in lab.report["addons"] if addon["name"] == name))


def test_preflight_calls_the_finished_lab_fit(lab: Lab, measured: dict[str, Any]) -> None:
    measured["seconds"], output = timed(lambda: lab.playbook("preflight"))
    assert unchanged(output)


EXISTING = ("-e", "lab_provider=existing", "-e", "lab_kubeconfig=/root/.kube/config", "-e", "lab_context=minikube")
MINE: Object = {
    "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
    "metadata": {"name": "mine", "namespace": "default"},
    "spec": {"hosts": ["mine"], "http": [{"route": [{"destination": {"host": "mine"}}]}]},
}  # fmt: skip


@pytest.mark.usefixtures("whole_lab_afterwards")
def test_teardown_of_an_existing_cluster_takes_what_users_made_only_if_told(lab: Lab, measured: dict[str, Any]) -> None:
    url, pods = lab.report["browser_url"], ("get", "pods", "--all-namespaces", "--output=name")
    lab.apply([MINE])
    before = lab.kubectl(*pods)
    measured["refused_seconds"], output = timed(lambda: lab.playbook("teardown", *EXISTING, fails=True))
    assert "would go what users made: VirtualService default/mine. Nothing was removed." in output
    assert "-e istio_remove_user_resources=true" in output
    assert lab.kubectl(*pods) == before, "nothing was removed"
    assert opens(url)
    told = (*EXISTING, "-e", "istio_remove_user_resources=true")
    measured["seconds"], output = timed(lambda: lab.playbook("teardown", *told))
    assert not unchanged(output)
    assert "istio.io" not in lab.kubectl("get", "customresourcedefinitions", "--output=name")
    assert lab.kubectl("get", "nodes", "--output=name").startswith("node/")
    assert lab.kubectl("get", "namespace", "tutorial", "--ignore-not-found") == ""
    assert unchanged(lab.playbook("teardown", *told))


@pytest.mark.usefixtures("whole_lab_afterwards")
def test_teardown_leaves_nothing_that_runs(lab: Lab, measured: dict[str, Any]) -> None:
    measured["seconds"], output = timed(lambda: lab.playbook("teardown"))
    assert not unchanged(output)
    assert lab.ssh(UNITS).strip() == ""
    assert lab.ssh("ls /etc/systemd/system | grep meshlab || true").strip() == ""
    assert "minikube" not in lab.ssh(
        "minikube profile list --output json --light 2>/dev/null | grep '\"Name\"' || true"
    )
    assert "kubelet" not in lab.ssh("ps -e -o comm=")
    assert unchanged(lab.playbook("teardown"))
