# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of a finished lab look at: its inventory (which MESHLAB_INVENTORY names) and its report."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def inventory() -> dict[str, Any]:
    """The variables of every host, by name, as Ansible sees them."""
    path = os.environ.get("MESHLAB_INVENTORY")
    if not path:
        pytest.fail("Set MESHLAB_INVENTORY to the inventory of a finished lab, such as .lab/inventory.yml")
    tool = Path(sys.executable).with_name("ansible-inventory")
    listed = subprocess.run([str(tool), "-i", path, "--list"], check=True, capture_output=True, text=True)
    hosts: dict[str, Any] = json.loads(listed.stdout)["_meta"]["hostvars"]
    assert hosts, f"{path} names no host"
    return hosts


@pytest.fixture(scope="session")
def lab_folder(inventory: dict[str, Any]) -> Path:
    """The folder on this machine that the run wrote its report and kubeconfig to."""
    (folder,) = {variables["report_path"] for variables in inventory.values()}
    return Path(folder)


@pytest.fixture(scope="session")
def report(lab_folder: Path) -> dict[str, Any]:
    """report.json as a whole."""
    parsed: dict[str, Any] = json.loads((lab_folder / "report.json").read_text(encoding="utf-8"))
    return parsed


@pytest.fixture(scope="session")
def reports(report: dict[str, Any], inventory: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry of the report for each host of the inventory."""
    assert {host["name"] for host in report["hosts"]} == set(inventory)
    return list(report["hosts"])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write what was seen to the folder that MESHLAB_EVIDENCE names, for docs/evidence."""
    folder = os.environ.get("MESHLAB_EVIDENCE")
    if not folder:
        return
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    passed = terminal.stats.get("passed", []) if terminal else []
    inventory = Path(os.environ["MESHLAB_INVENTORY"])
    host = json.loads((inventory.parent / "report.json").read_text(encoding="utf-8"))["hosts"][0]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    evidence = {
        "name": "lab-run",
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit,
        "versions": host["versions"],
        "passed": exitstatus == 0,
        "measured": {
            "seconds": {test.nodeid.rsplit("::", 1)[1]: round(test.duration, 1) for test in passed},
            "traffic": {key: host["traffic"][key] for key in ("sent", "status", "latency_ms")},
            "prometheus": {key: host["prometheus"][key] for key in ("requests_before", "requests_after")},
        },
    }
    (Path(folder) / "lab-run.json").write_text(json.dumps(evidence, indent=1) + "\n", encoding="utf-8")
