# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All scenarios on a lab: they pass, twice, leave nothing behind, and each fails alone when it is broken on purpose."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.all.breakages import BREAKAGES
from tests.integration.all.lab import CHECKOUT, Lab, tool

# Two quick ones, so that there is always one that must not be touched by another's breakage.
BYSTANDERS = ("retries", "rate-limit")


def play(lab: Lab, folder: Path, *options: str, **variables: Any) -> tuple[int, str, dict[str, Any]]:
    """Run the scenarios with a report of their own; return exit code, output, and the report's entries by name."""
    given = json.dumps({"report_path": str(folder), **variables})
    done = subprocess.run(
        [tool("ansible-playbook"), "-i", str(lab.inventory), "playbooks/scenarios.yml", "-e", given, *options],
        cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert (folder / "report.json").is_file(), output[-4000:]
    (host,) = json.loads((folder / "report.json").read_text(encoding="utf-8"))["hosts"]
    return done.returncode, output, {entry["name"]: entry for entry in host["scenarios"]}


@pytest.mark.parametrize("number", [1, 2])
def test_all_scenarios_pass(lab: Lab, tmp_path: Path, measured: dict[str, Any], number: int) -> None:
    code, output, found = play(lab, tmp_path)
    measured["scenarios"] = {
        name: {key: entry[key] for key in ("passed", "expected", "measured", "problems", "seconds")}
        for name, entry in found.items()
    }
    assert {name: entry["problems"] for name, entry in found.items() if not entry["passed"]} == {}
    assert set(found) == set(BREAKAGES)
    assert code == 0, output[-3000:]
    assert all(entry["manifest"] and entry["picture"]["bars"] for entry in found.values())


def test_everything_is_as_it_was(lab: Lab) -> None:
    """What was put back is not only equal: it belongs to whom it belonged before, so that nothing is written again."""
    output = lab.playbook("site")
    assert " changed=0 " in output.split("PLAY RECAP", 1)[1]


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_scenario_is_the_only_one_that_fails(
    lab: Lab, tmp_path: Path, measured: dict[str, Any], name: str
) -> None:
    step, patches = BREAKAGES[name]
    bystander = next(each for each in BYSTANDERS if each != name)
    code, output, found = play(lab, tmp_path, "--tags", f"{name},{bystander}", scenarios_patches={name: patches})
    problems = {each: entry["problems"] for each, entry in found.items()}
    measured["problems"] = problems
    assert {each: entry["passed"] for each, entry in found.items()} == {name: False, bystander: True}, problems
    assert any(problem.startswith(f"{step}: ") for problem in problems[name]), problems
    assert code != 0
    assert f"The scenario {name} failed" in output
