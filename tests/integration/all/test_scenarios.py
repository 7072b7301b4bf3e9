# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All scenarios on a lab: they pass, each fails when it is broken on purpose and no other does, nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.all.breakages import BREAKAGES
from tests.integration.all.lab import CHECKOUT, Lab, tool

SCENARIOS = "playbooks/scenarios.yml"
NEIGHBOUR = "neighbour"
KINDS = "virtualservices,destinationrules,deployments"
GENERATIONS = "jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.generation} {end}"
SUBSETS = {
    "apiVersion": "networking.istio.io/v1beta1",
    "kind": "DestinationRule",
    "metadata": {"name": "reviews", "namespace": NEIGHBOUR},
    "spec": {"host": "reviews", "subsets": [{"name": "v1", "labels": {"version": "v1"}}]},
}


@pytest.fixture(scope="module")
def neighbour(lab: Lab) -> Iterator[None]:
    """Somebody else's Bookinfo in the same mesh, with a rule for a host of the same short name."""
    lab.kubectl("create", "namespace", NEIGHBOUR)
    lab.kubectl("label", "namespace", NEIGHBOUR, "istio-injection=enabled")
    release = f"/root/.local/share/meshlab/istio-{lab.variables['istio_version']}"
    lab.kubectl("apply", "-n", NEIGHBOUR, "-f", f"{release}/samples/bookinfo/platform/kube/bookinfo.yaml")
    lab.kubectl("apply", "-f", "-", stdin=json.dumps(SUBSETS))
    lab.kubectl("wait", "-n", NEIGHBOUR, "--for=condition=Available", "deployment", "--all", "--timeout=300s")
    yield
    lab.kubectl("delete", "namespace", NEIGHBOUR)


def everything_of_the_neighbour(lab: Lab) -> dict[str, tuple[str, int, int]]:
    """Return of each object its identity, how often its spec was changed, and how often its containers restarted."""
    kinds = "deployments,services,serviceaccounts,destinationrules,virtualservices,pods"
    items = json.loads(lab.kubectl("get", kinds, "-n", NEIGHBOUR, "--output=json"))["items"]
    return {
        f"{obj['kind']} {obj['metadata']['name']}": (
            obj["metadata"]["uid"],
            obj["metadata"].get("generation", 0),
            sum(each["restartCount"] for each in obj.get("status", {}).get("containerStatuses", [])),
        )
        for obj in items
    }


def play(lab: Lab, folder: Path, *playbooks: str, **variables: Any) -> tuple[int, str, dict[str, Any]]:
    """Run playbooks with a report of their own; return exit code, output, and what the report says of the host."""
    given = json.dumps({"report_path": str(folder), **variables})
    done = subprocess.run(
        [tool("ansible-playbook"), "-i", str(lab.inventory), *playbooks, "-e", given],
        cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert (folder / "report.json").is_file(), output[-4000:]
    (host,) = json.loads((folder / "report.json").read_text(encoding="utf-8"))["hosts"]
    return done.returncode, output, host


def by_name(host: dict[str, Any]) -> dict[str, Any]:
    """Return the scenarios of a report's entry by name."""
    return {entry["name"]: entry for entry in host["scenarios"]}


def noted(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the evidence says of each scenario."""
    keys = ("passed", "expected", "measured", "problems", "seconds")
    return {name: {key: entry[key] for key in keys} for name, entry in found.items()}


@pytest.mark.usefixtures("neighbour")
def test_all_scenarios_pass(lab: Lab, tmp_path: Path, measured: dict[str, Any]) -> None:
    """One command: the lab itself, then every scenario, and one report of both, beside another lab that stays."""
    before = everything_of_the_neighbour(lab)
    code, output, host = play(lab, tmp_path, "playbooks/site.yml", SCENARIOS)
    found = by_name(host)
    measured["scenarios"] = noted(found)
    assert {name: entry["problems"] for name, entry in found.items() if not entry["passed"]} == {}
    assert set(found) == set(BREAKAGES)
    assert code == 0, output[-3000:]
    assert all(entry["manifest"] and entry["picture"]["bars"] for entry in found.values())
    assert host["traffic"]["status"] == {"200": 100}
    assert everything_of_the_neighbour(lab) == before
    measured["neighbour"] = {"objects": len(before), "changed": 0}
    assert {"host", "traffic", "scenarios"} <= {stage["stage"] for stage in host["timings"]}


@pytest.mark.parametrize("half", [0, 1])
def test_exactly_the_broken_ones_fail(lab: Lab, tmp_path: Path, measured: dict[str, Any], half: int) -> None:
    """Every second scenario is broken, so that each of the others stands between two that are."""
    broken = list(BREAKAGES)[half::2]
    code, output, host = play(lab, tmp_path, SCENARIOS, scenarios_patches={name: BREAKAGES[name][1] for name in broken})
    found = by_name(host)
    measured["scenarios"] = noted(found)
    problems = {name: entry["problems"] for name, entry in found.items()}
    assert code != 0
    assert set(found) == set(BREAKAGES)
    assert [name for name in BREAKAGES if not found[name]["passed"]] == broken, problems
    for name in broken:
        step, _patches = BREAKAGES[name]
        assert any(problem.startswith(f"{step}: ") for problem in problems[name]), (name, problems[name])
        assert f"The scenario {name} failed" in output


def test_a_rule_of_the_users_is_named_before_anything_is_touched(
    lab: Lab, tmp_path: Path, measured: dict[str, Any]
) -> None:
    namespace = lab.kubectl("get", "pods", "--all-namespaces", "-l", "app=sleep", "-o",
                            "jsonpath={.items[0].metadata.namespace}")  # fmt: skip
    mine = {
        "apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
        "metadata": {"name": "mine", "namespace": namespace},
        "spec": {"hosts": ["reviews"], "http": [{"route": [{"destination": {"host": "reviews"}}]}]},
    }  # fmt: skip
    lab.apply([mine])
    try:
        before = lab.kubectl("get", KINDS, "-n", namespace, "-o", GENERATIONS)
        code, _output, host = play(lab, tmp_path, SCENARIOS, "--tags", "canary,report")
        after = lab.kubectl("get", KINDS, "-n", namespace, "-o", GENERATIONS)
    finally:
        lab.kubectl("delete", "virtualservice", "mine", "-n", namespace)
    (problem,) = by_name(host)["canary"]["problems"]
    measured["problem"] = problem
    assert code != 0
    assert problem.startswith(f"it was not begun: VirtualService {namespace}/mine is not the scenario's and routes")
    assert before == after


def test_everything_is_as_it_was(lab: Lab) -> None:
    """What was put back is not only equal: it belongs to whom it belonged before, so that nothing is written again."""
    output = lab.playbook("site")
    assert " changed=0 " in output.split("PLAY RECAP", 1)[1]
