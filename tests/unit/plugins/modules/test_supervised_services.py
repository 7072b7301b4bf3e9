# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""supervised_services as Ansible runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.meshlab.istio.plugins.module_utils import _services
from ansible_collections.meshlab.istio.plugins.modules import supervised_services

# `show` for units that systemd 252 doesn't know; everything else succeeds and is written down.
SYSTEMCTL = """#!/bin/sh
echo "$@" >> {folder}/calls
[ "$1" = show ] || exit 0
for unit in "$@"; do
  case $unit in *.service) printf 'NRestarts=0\\nActiveState=inactive\\nUnitFileState=\\n\\n';; esac
done
"""


def run(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, dict[str, Any]]:
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        supervised_services.main()
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    units = tmp_path / "units"
    units.mkdir()
    monkeypatch.setattr(_services, "UNIT_DIRECTORY", str(units))
    return units


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_service_with_every_default(capsys: pytest.CaptureFixture[str], units: Path, check_mode: bool) -> None:
    code, result = run(capsys, services=[{"name": "a", "command": ["/bin/a"]}], _ansible_check_mode=check_mode)
    assert (code, result["changed"]) == (0, True)
    assert result["services"] == {"a": {"unit": "meshlab-a.service", "state": "inactive", "restarts": 0}}
    assert "ExecStart=/bin/a\n" in result["diff"][0]["after"]
    assert [path.name for path in units.iterdir()] == ([] if check_mode else ["meshlab-a.service"])
    assert len(result["commands"]) == (1 if check_mode else 5)


def test_a_service_to_remove_needs_no_command(capsys: pytest.CaptureFixture[str], units: Path) -> None:
    code, result = run(capsys, services=[{"name": "a"}], state="absent")
    assert (code, result["changed"]) == (0, False)


def test_a_service_has_a_state_of_its_own(capsys: pytest.CaptureFixture[str], units: Path) -> None:
    code, result = run(capsys, services=[{"name": "a", "command": ["/bin/a"]}, {"name": "b", "state": "absent"}])
    assert (code, result["changed"]) == (0, True)
    assert [path.name for path in units.iterdir()] == ["meshlab-a.service"]


def test_a_service_to_start_needs_one(capsys: pytest.CaptureFixture[str], units: Path) -> None:
    code, result = run(capsys, services=[{"name": "a"}])
    assert (code, result["msg"]) == (1, "The command of service a must begin with an absolute path.")
