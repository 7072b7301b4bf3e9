# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module report."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.modules import report

HOSTS = [{"name": "a", "traffic": {"sent": 2, "status": {"200": 2}}}, {"name": "b"}]


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        report.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_files_are_written_and_nothing_counts_as_changed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    steps = [{"title": "Remove it", "command": "ansible-playbook meshlab.istio.teardown"}]
    result = run(capsys, hosts=HOSTS, dest=str(tmp_path / "out"), next_steps=steps)
    assert result["changed"] is False
    assert sorted(os.listdir(tmp_path / "out")) == ["commands", "report.html", "report.json", "report.xml"]
    written = json.loads(Path(result["paths"]["json"]).read_text(encoding="utf-8"))
    assert written["hosts"] == HOSTS
    assert written["next"] == steps
    page = Path(result["paths"]["html"]).read_text(encoding="utf-8")
    assert "2/2" in page
    assert steps[0]["command"] in page
    assert result["summary"]["a"][0] == "The Istio lab on a works."
    assert result["summary"]["b"][-1].endswith(result["paths"]["html"])


def test_check_mode_writes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = run(capsys, hosts=HOSTS, dest=str(tmp_path / "out"), _ansible_check_mode=True)
    assert result["changed"] is False
    assert not (tmp_path / "out").exists()
    assert result["summary"]["a"][-1].endswith("not written (check mode)")


def test_wrong_data_fails_and_leaves_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = run(capsys, hosts=[{"name": "a", "traffic": 3}], dest=str(tmp_path / "out"))
    assert result["failed"] is True
    assert "report.hosts[0].traffic must be a dictionary, not 3." in result["msg"]
    assert not (tmp_path / "out").exists()
