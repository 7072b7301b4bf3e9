# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""molecule's shared configuration, on a play that changes something each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plays.rehearsal import ROOT

EMPTY = [{"hosts": "lab", "gather_facts": False, "tasks": []}]
CHANGES = [
    {
        "hosts": "lab", "gather_facts": False,
        "tasks": [{"name": "Change", "ansible.builtin.command": {"argv": ["true"]}, "changed_when": True}],
    }
]  # fmt: skip


@pytest.mark.parametrize("setting", ["minimal", ""])
def test_a_second_run_that_changes_something_is_not_idempotent(tmp_path: Path, setting: str) -> None:
    """Whatever callback a user has chosen: molecule looks for `changed=` in the recap of one of them."""
    folder = tmp_path / "extensions/molecule"
    for name in ("create", "destroy", "verify", "converge"):
        (folder / "shared").mkdir(parents=True, exist_ok=True)
        (folder / "shared" / f"{name}.yml").write_text(json.dumps(CHANGES if name == "converge" else EMPTY))
    (folder / "default").mkdir()
    (folder / "config.yml").write_text((ROOT / "extensions/molecule/config.yml").read_text())
    (folder / "default/molecule.yml").write_text("scenario:\n  test_sequence: [converge, idempotence]\n")
    (tmp_path / "galaxy.yml").write_text((ROOT / "galaxy.yml").read_text())
    inventory = tmp_path / "inventory.yml"
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(json.dumps({"all": {"hosts": {"lab": host}}}))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    chosen = {"ANSIBLE_STDOUT_CALLBACK": setting} if setting else {}
    done = subprocess.run(
        [sys.executable, "-m", "molecule", "test", "--destroy", "never"],
        cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={
            **inherited, **chosen, "HOME": str(tmp_path), "MESHLAB_INVENTORY": str(inventory),
            "PATH": f"{Path(sys.executable).parent}:{inherited['PATH']}",
        },
    )  # fmt: skip
    assert "Idempotence test failed because of the following tasks" in done.stdout + done.stderr
    assert done.returncode != 0
