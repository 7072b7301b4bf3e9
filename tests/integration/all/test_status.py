# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a finished lab: every check is proven, nothing is written, and it takes seconds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from typing import Any

from tests.integration.all.lab import CHECKOUT, Lab, tool

RUNS = 3
PATIENT = ("-e", "status_timeout=60")
"""For labs on machines that have other work; how long it took is measured all the same."""
DUTIES = {"Envoy", "Pilot", "Citadel", "Galley", "Mixer, telemetry", "Mixer, policy"}
WRITTEN = "virtualservices,authorizationpolicies,deployments,services,configmaps"


def status(lab: Lab, *options: str) -> dict[str, Any]:
    """Run the playbook; return what its module found, with its exit code as ``rc``."""
    done = subprocess.run(
        [tool("ansible-playbook"), "-i", str(lab.inventory), "playbooks/status.yml", "-v", *options],
        cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
    found = re.search(r"=> (\{.*\"checks\": .*\})$", done.stdout, re.MULTILINE)
    assert found, done.stdout[-4000:] + done.stderr[-2000:]
    result: dict[str, Any] = json.loads(found.group(1))
    return {**result, "rc": done.returncode, "printed": done.stdout}


def names(lab: Lab) -> str:
    """Return every object that a proof might have left."""
    return lab.kubectl("get", WRITTEN, "--all-namespaces", "--output=name")


def test_a_finished_lab_is_proven_in_seconds_and_left_alone(lab: Lab, measured: dict[str, Any]) -> None:
    before, seconds, inside = names(lab), [], []
    for _run in range(RUNS):
        started = time.monotonic()
        result = status(lab, *PATIENT)
        seconds.append(round(time.monotonic() - started, 2))
        inside.append(result["seconds"])
        assert (result["rc"], result["problems"], result["changed"]) == (0, [], False)
        assert {row["name"] for row in result["checks"] if row["today"] and row["ok"]} == DUTIES
        assert result["page"][0] in result["printed"]
    assert names(lab) == before
    measured.update(
        playbook_seconds=seconds, module_seconds=inside, load=os.getloadavg()[0],
        checks={row["name"]: row["seconds"] for row in result["checks"]},
    )  # fmt: skip


def test_a_cluster_that_is_not_there_is_said_at_once(lab: Lab, measured: dict[str, Any]) -> None:
    lab.ssh("sed 's#server: .*#server: https://127.0.0.1:1#' ~/.kube/config > /tmp/nowhere; chmod 600 /tmp/nowhere")
    try:
        result = status(lab, "-e", "status_kubeconfig=/tmp/nowhere")
        checked = status(lab, "-e", "status_kubeconfig=/tmp/nowhere", "--check")
    finally:
        lab.ssh("rm /tmp/nowhere")
    assert result["rc"] != 0
    assert "No Kubernetes API answers at https://127.0.0.1:1" in result["problems"][0]
    assert {row["name"] for row in result["checks"] if row["ok"] is None} >= DUTIES
    assert (checked["rc"], checked["ok"]) == (0, False)
    measured.update(module_seconds=result["seconds"])
