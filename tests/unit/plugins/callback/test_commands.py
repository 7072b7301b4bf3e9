# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that notes commands keeps no secret, as any task may show the variable that it fills."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.meshlab.istio.plugins.callback.commands import FACT, CallbackModule


def test_a_command_is_noted_without_secrets() -> None:
    kept: dict[str, Any] = {}
    variables = SimpleNamespace(set_nonpersistent_facts=lambda _host, facts: kept.update(facts))
    callback = CallbackModule()
    callback.v2_playbook_on_play_start(SimpleNamespace(get_variable_manager=lambda: variables))
    callback.v2_runner_on_ok(
        SimpleNamespace(
            task=SimpleNamespace(get_name=lambda: "Log in"),
            host=SimpleNamespace(get_name=lambda: "lab"),
            result={"cmd": ["helm", "registry", "login", "--password", "hunter2"], "rc": 0, "delta": "0:00:01.5"},
        )
    )
    assert [entry["cmd"] for entry in kept[FACT]] == ["helm registry login --password (redacted)"]
