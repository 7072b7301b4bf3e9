# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks only wire roles, by full name, and are a page at most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.repository.collection import COLLECTION, PLAYBOOKS, ROLES, load, tasks_in

LINES = 92
HOSTS = "{{ lab_hosts | default('all') }}"
INCLUDE = ("ansible.builtin.include_role", "ansible.builtin.import_role")
# Beside roles: the keywords of a task or block.
KEYWORDS = {
    "always", "any_errors_fatal", "apply", "become", "become_user", "block", "delegate_facts", "delegate_to", "loop",
    "loop_control", "name", "rescue", "run_once", "tags", "vars", "when",
}  # fmt: skip


def test_there_are_playbooks() -> None:
    assert {path.stem for path in PLAYBOOKS} >= {"site", "teardown"}


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_playbook_only_wires_roles(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES
    for play in load(path):
        imported = play.get("ansible.builtin.import_playbook")
        if imported:
            assert imported.startswith(f"{COLLECTION}.")
            continue
        assert play["name"]
        assert play["hosts"] in (HOSTS, "localhost"), "any inventory must fit"
        assert not play.get("become"), "the docker driver refuses root; become belongs on tasks"
        for role in _roles(play):
            assert role.startswith(f"{COLLECTION}."), role
            # A provider's role is named by the variable lab_provider.
            assert "{{" in role or role.removeprefix(f"{COLLECTION}.") in ROLES, role


def _roles(play: dict[str, Any]) -> list[str]:
    """Return the roles that a play runs; a task that is not one fails."""
    names = [entry if isinstance(entry, str) else entry["role"] for entry in play.get("roles", [])]
    for section in ("pre_tasks", "tasks", "post_tasks", "handlers"):
        for task in tasks_in(play.get(section)):
            if "block" in task:
                continue
            used = set(task) - KEYWORDS
            assert len(used) == 1, used
            assert used <= set(INCLUDE), f"{used}: this belongs into a role"
            names.append(task[used.pop()]["name"])
    assert names, "a play without a role"
    return names
