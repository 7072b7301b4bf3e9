# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised services: unit files, and what is asked of systemd for them."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _services
from ansible_collections.meshlab.istio.plugins.module_utils._command import Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._services import Service, Systemctl, ensure


class Systemd(Systemctl):
    """systemd by its words: answers `show` as systemd 252 does, and keeps its units' states."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.active: dict[str, str] = {}
        self.enabled: set[str] = set()
        self.calls: list[str] = []

    def run(self, arguments: Sequence[str], **_options: Any) -> Completed:
        verb, *rest = arguments
        units = [word for word in rest if word.endswith(".service")]
        if verb != "show":
            self.calls.append(" ".join(arguments))
        if verb in ("start", "restart"):
            self.active.update(dict.fromkeys(units, "active"))
        elif verb == "stop":
            self.active.update(dict.fromkeys(units, "inactive"))
        elif verb == "enable":
            self.enabled |= set(units)
        elif verb == "disable":
            gone = [unit for unit in units if not (self.folder / unit).exists()]
            if gone:
                raise CommandError(f"Failed to disable unit: Unit file {gone[0]} does not exist.", cmd=[], rc=1)
            self.enabled -= set(units)
        return Completed((verb,), 0, "\n\n".join(map(self._shown, units)) + "\n", "", 0.0)

    def _shown(self, unit: str) -> str:
        file = "enabled" if unit in self.enabled else "disabled" if (self.folder / unit).exists() else ""
        return f"NRestarts=3\nActiveState={self.active.get(unit, 'inactive')}\nUnitFileState={file}"


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    monkeypatch.setattr(_services, "UNIT_DIRECTORY", str(tmp_path))
    return Systemd(tmp_path)


FORWARD = Service("forward", "The gateway", ["/usr/bin/kubectl", "port-forward", "8080:80"])
OTHER = Service("other", "Another", ["/bin/other"])
BOOT = Service("boot", "At each boot", ["/usr/bin/minikube", "start"], at_boot=True)


def test_the_unit_file() -> None:
    service = Service(
        "forward", "The gateway", ["/bin/a b", "100%", "$HOME", 'say "x"', "", "back\\slash", "two\nlines"],
        user="lab", environment={"B": "$1 %h", "A": "plain"}, after=["minikube.service"], kill_signal="SIGINT",
        restart_seconds=0.5, timeout_seconds=30,
    )  # fmt: skip
    lines = service.text().splitlines()
    assert service.unit == "meshlab-forward.service"
    assert r'ExecStart="/bin/a b" 100%% $$HOME "say \"x\"" "" "back\\slash" "two\nlines"' in lines
    # In Environment= a dollar stands for itself.
    assert [line for line in lines if line.startswith("Environment=")] == [
        "Environment=A=plain",
        'Environment="B=$1 %%h"',
    ]
    for line in ("Type=exec", "User=lab", "After=network-online.target minikube.service", "KillSignal=SIGINT",
                 "Restart=always", "RestartSec=0.5", "TimeoutStartSec=30", "StartLimitIntervalSec=0"):  # fmt: skip
        assert line in lines


def test_the_unit_file_of_work_at_boot() -> None:
    lines = BOOT.text().splitlines()
    assert {"Type=oneshot", "RemainAfterExit=yes", "Restart=on-failure"} < set(lines)
    assert not [line for line in lines if line.startswith(("User=", "Environment="))]


def test_new_services_are_started_together_and_then_unchanged(systemd: Systemd) -> None:
    services = [FORWARD, OTHER]
    foreseen = ensure(services, "started", True, systemd)
    assert systemd.calls == []
    assert list(systemd.folder.iterdir()) == []
    result = ensure(services, "started", False, systemd)
    assert (result["changed"], result["diff"]) == (True, foreseen["diff"])
    both = "meshlab-forward.service meshlab-other.service"
    assert systemd.calls == ["daemon-reload", f"enable -- {both}", f"start --no-block -- {both}"]
    assert result["services"]["forward"] == {"unit": FORWARD.unit, "state": "active", "restarts": 3}
    assert foreseen["services"]["forward"]["state"] == "inactive"
    assert (systemd.folder / FORWARD.unit).read_text() == FORWARD.text()
    assert stat.S_IMODE((systemd.folder / FORWARD.unit).stat().st_mode) == 0o644
    assert sorted(path.name for path in systemd.folder.iterdir()) == both.split()
    systemd.calls.clear()
    again = ensure(services, "started", False, systemd)
    assert (again["changed"], again["diff"], systemd.calls) == (False, [], [])


def test_a_changed_service_is_restarted_and_the_other_left_alone(systemd: Systemd) -> None:
    ensure([FORWARD, OTHER], "started", False, systemd)
    systemd.calls.clear()
    changed = Service("forward", "The gateway", ["/usr/bin/kubectl", "port-forward", "9090:80"])
    result = ensure([changed, OTHER], "started", False, systemd)
    assert [diff["before_header"] for diff in result["diff"]] == [FORWARD.unit]
    assert "8080:80" in result["diff"][0]["before"]
    assert "9090:80" in result["diff"][0]["after"]
    assert systemd.calls == [
        "daemon-reload", f"enable -- {FORWARD.unit}", f"restart --no-block -- {FORWARD.unit}",
        f"start --no-block -- {FORWARD.unit}",
    ]  # fmt: skip


def test_a_service_that_only_died_is_started_again(systemd: Systemd) -> None:
    ensure([FORWARD], "started", False, systemd)
    systemd.active[FORWARD.unit] = "failed"
    systemd.calls.clear()
    assert ensure([FORWARD], "started", False, systemd)["changed"]
    assert systemd.calls == [f"enable -- {FORWARD.unit}", f"start --no-block -- {FORWARD.unit}"]


def test_a_service_between_two_starts_counts_as_running(systemd: Systemd) -> None:
    ensure([FORWARD], "started", False, systemd)
    systemd.active[FORWARD.unit] = "activating"
    assert not ensure([FORWARD], "started", False, systemd)["changed"]


def test_work_at_boot_is_enabled_and_not_run_now(systemd: Systemd) -> None:
    assert ensure([BOOT], "started", False, systemd)["changed"]
    assert systemd.calls == ["daemon-reload", f"enable -- {BOOT.unit}"]
    assert not ensure([BOOT], "started", False, systemd)["changed"]


def test_stopped_keeps_the_file_and_absent_leaves_nothing(systemd: Systemd) -> None:
    ensure([FORWARD], "started", False, systemd)
    systemd.calls.clear()
    assert ensure([FORWARD], "stopped", False, systemd)["services"]["forward"]["state"] == "inactive"
    assert systemd.calls == [f"stop -- {FORWARD.unit}", f"disable -- {FORWARD.unit}"]
    assert (systemd.folder / FORWARD.unit).exists()
    assert not ensure([FORWARD], "stopped", False, systemd)["changed"]
    systemd.calls.clear()
    assert ensure([FORWARD], "absent", False, systemd)["changed"]
    assert systemd.calls == [f"disable -- {FORWARD.unit}", "daemon-reload"]
    assert list(systemd.folder.iterdir()) == []
    assert not ensure([Service("forward", "", [])], "absent", False, systemd)["changed"]


def test_a_running_service_whose_file_is_gone_can_be_removed(systemd: Systemd) -> None:
    ensure([FORWARD], "started", False, systemd)
    (systemd.folder / FORWARD.unit).unlink()
    systemd.enabled.clear()
    systemd.calls.clear()
    assert ensure([FORWARD], "absent", False, systemd)["changed"]
    assert systemd.calls == [f"stop -- {FORWARD.unit}", "daemon-reload"]
    assert not ensure([FORWARD], "absent", False, systemd)["changed"]


def test_one_call_starts_some_and_removes_others_first(systemd: Systemd) -> None:
    ensure([FORWARD], "started", False, systemd)
    systemd.calls.clear()
    services = [OTHER, Service("forward", "", [], state="absent")]
    foreseen = ensure(services, "started", True, systemd)
    result = ensure(services, "started", False, systemd)
    assert (result["changed"], result["diff"]) == (True, foreseen["diff"])
    assert systemd.calls == [
        f"stop -- {FORWARD.unit}", f"disable -- {FORWARD.unit}", "daemon-reload",
        "daemon-reload", f"enable -- {OTHER.unit}", f"start --no-block -- {OTHER.unit}",
    ]  # fmt: skip
    assert [path.name for path in systemd.folder.iterdir()] == [OTHER.unit]
    assert not ensure(services, "started", False, systemd)["changed"]


@pytest.mark.parametrize("command", [[], ["kubectl", "port-forward"]])
def test_a_command_without_an_absolute_path_is_refused_first(systemd: Systemd, command: list[str]) -> None:
    with pytest.raises(InputError, match="The command of service bad must begin with an absolute path"):
        ensure([FORWARD, Service("bad", "", command)], "started", False, systemd)
    assert systemd.calls == []


def test_no_systemd_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match=re.escape("The lab's services need systemd as the host's init.")):
        ensure([FORWARD], "started", True)


def test_a_host_without_systemd_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "systemctl"
    for said, told in (
        (
            "Failed to connect to bus: Host is down",
            "systemd does not answer on this host: Failed to connect to bus: Host",
        ),
        (
            "Access denied",
            "systemctl show --property=ActiveState,UnitFileState,NRestarts failed with exit code 1: Access",
        ),
    ):
        tool.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
        tool.chmod(0o755)
        with pytest.raises(CommandError) as caught:
            ensure([Service("a", "", [])], "stopped", True, Systemctl(str(tool)))
        assert caught.value.message.startswith(told)
