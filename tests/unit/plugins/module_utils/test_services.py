# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised services: unit files, and what is asked of systemd for them."""

from __future__ import annotations

import dataclasses
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _services
from ansible_collections.meshlab.istio.plugins.module_utils._command import Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._services import (
    Service,
    Systemctl,
    ensure,
    foreign,
    owner_in,
)


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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"description": "one\nExecStartPre=/bin/true"}, "description of service a must be one line"),
        ({"description": "one\rtwo"}, "description of service a must be one line"),
        ({"user": "lab\nExecStartPre=/bin/true"}, "user of service 'a' must be the name or number of a user"),
        ({"user": ""}, "user of service 'a' must be"),
        ({"user": "two words"}, "user of service 'a' must be"),
        ({"after": ["a.service", "b.service\nWants=c.service"]}, "must hold units such as a.service"),
        ({"after": ["no unit"]}, "must hold units such as a.service"),
        ({"kill_signal": "SIGTERM\nUser=root"}, "kill_signal of service 'a' must be a signal such as SIGINT"),
        ({"name": "../../tmp/x"}, "name of service '../../tmp/x' must be letters"),
        ({"name": ""}, "name of service '' must be letters"),
        ({"name": "a b"}, "name of service 'a b' must be letters"),
        ({"environment": {"A\nUser": "root"}}, "cannot be a variable"),
        ({"environment": {"A": "one\rtwo"}}, "variable A of service a holds a control character"),
        ({"command": ["/bin/a", "one\x00two"]}, "command of service a holds a control character"),
        ({"restart_seconds": float("nan")}, "restart_seconds of service a must be from 0 to 86400"),
        ({"restart_seconds": -1.0}, "restart_seconds of service a must be from 0 to 86400"),
        ({"timeout_seconds": -1}, "timeout_seconds of service a must be 0 or more"),
    ],
)
def test_a_value_that_would_be_another_line_of_the_unit_is_refused(
    systemd: Systemd, change: dict[str, Any], sentence: str
) -> None:
    service = Service(**{"name": "a", "description": "", "command": ["/bin/a"], **change})
    for check_mode in (True, False):
        with pytest.raises(InputError, match=re.escape(sentence)):
            ensure([service], "started", check_mode, systemd)
    assert (systemd.calls, list(systemd.folder.iterdir())) == ([], [])


def test_a_description_takes_in_no_next_line_and_no_specifier() -> None:
    lines = Service("a", "100% of %h \\", ["/bin/a"]).text().splitlines()
    assert lines[2:4] == ["Description=100%% of %%h ", "After=network-online.target"]


@pytest.mark.parametrize("user", ["root", "a", "0", "lab-1", "alice@corp.example", "CORP\\alice", "host$"])
def test_users_that_there_are(user: str) -> None:
    Service("a", "", ["/bin/a"], user=user).refuse()


def test_a_name_that_is_there_twice(systemd: Systemd) -> None:
    with pytest.raises(InputError, match="service forward is asked for twice"):
        ensure([FORWARD, FORWARD], "started", False, systemd)


# -- whose a unit is ---------------------------------------------------------------------------------


def forward(user: str, context: str = "minikube", kubeconfig: str = "", port: str = "8080") -> Service:
    words = ["--kubeconfig", kubeconfig or f"/home/{user}/.kube/config", "--context", context]
    return Service("forward-gateway", "gateway", ["/bin/kubectl", "port-forward", *words, f"{port}:80"], user=user)


def owner(user: str, context: str = "minikube") -> dict[str, str]:
    return {"user": user, "kubeconfig": f"/home/{user}/.kube/config", "context": context}


def test_whose_a_unit_is_stands_in_it() -> None:
    assert owner_in(forward("alice", "two words", "/srv/100% $x/config").text()) == {
        "user": "alice", "context": "two words", "kubeconfig": "/srv/100% $x/config",
    }  # fmt: skip
    tunnel = Service(
        "tunnel-lab", "", ["/bin/minikube", "tunnel", "--profile=lab"],
        environment={"HOME": "/root", "KUBECONFIG": "/root/.kube/config", "MINIKUBE_HOME": "/data 1"},
    )  # fmt: skip
    assert owner_in(tunnel.text()) == {
        "user": "root", "context": "lab", "kubeconfig": "/root/.kube/config", "minikube_home": "/data 1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (forward("alice"), "belongs to the user alice, for the context minikube of /home/alice/.kube/config"),
        (forward("bob", "other"), "belongs to the user bob, for the context other of /home/bob/.kube/config"),
        (forward("bob", kubeconfig="/srv/other"), "belongs to the user bob, for the context minikube of /srv/other"),
    ],
)
def test_a_service_of_another_owner_is_neither_replaced_nor_removed(
    systemd: Systemd, others: Service, sentence: str
) -> None:
    ensure([others], "started", False, systemd)
    systemd.calls.clear()
    for check_mode in (True, False):
        with pytest.raises(InputError, match=sentence) as caught:
            ensure([OTHER, forward("bob")], "started", check_mode, systemd, owner=owner("bob"),
                   variable="access_instance")  # fmt: skip
        assert "Nothing was touched" in caught.value.message
        assert "other names with access_instance." in caught.value.message
    for state in ("stopped", "absent"):
        result = ensure([Service("forward-gateway", "", [])], state, False, systemd, owner=owner("bob"))
        assert not result["changed"]
        assert result["warnings"] == [f"meshlab-forward-gateway.service was left alone: it {sentence}."]
    assert systemd.calls == []
    assert (systemd.folder / others.unit).read_text() == others.text()
    assert not (systemd.folder / OTHER.unit).exists()
    # Its owner may do all that.
    ensure([others], "absent", False, systemd, owner=owner_in(others.text()))
    assert not (systemd.folder / others.unit).exists()


def test_without_an_owner_a_service_is_its_users(systemd: Systemd) -> None:
    ensure([forward("alice")], "started", False, systemd)
    with pytest.raises(InputError, match="belongs to the user alice"):
        ensure([forward("bob")], "started", False, systemd)
    assert ensure([forward("alice", port="9090")], "started", False, systemd)["changed"]


def test_a_unit_that_we_did_not_write_is_left_alone(systemd: Systemd) -> None:
    unit = systemd.folder / FORWARD.unit
    for make in (lambda: unit.write_text("[Service]\nExecStart=/bin/mine\n"), lambda: unit.symlink_to("/dev/null")):
        make()
        with pytest.raises(InputError, match=r"This host has meshlab-forward\.service, which was not written by this"):
            ensure([FORWARD], "started", False, systemd)
        assert not ensure([FORWARD], "absent", False, systemd)["changed"]
        assert os.path.lexists(unit)
        unit.unlink()


def test_a_unit_of_an_earlier_release_is_taken_over_and_a_second_run_changes_nothing(systemd: Systemd) -> None:
    """It names the same owner, though nobody had asked for that then."""
    ensure([forward("bob", port="7070")], "started", False, systemd)
    assert ensure([forward("bob")], "started", False, systemd, owner=owner("bob"))["changed"]
    assert not ensure([forward("bob")], "started", False, systemd, owner=owner("bob"))["changed"]


def test_renamed_services_of_the_same_owner_go_and_those_of_others_stay(systemd: Systemd) -> None:
    others = [
        dataclasses.replace(forward("alice"), name="forward-kiali"),
        dataclasses.replace(forward("bob", "other"), name="forward-jaeger"),
    ]
    ensure([forward("bob"), OTHER, *others], "started", False, systemd)
    renamed = dataclasses.replace(forward("bob"), name="forward-two-gateway")
    options: dict[str, Any] = {"owner": owner("bob"), "prune": "forward-"}
    foreseen = ensure([renamed], "started", True, systemd, **options)
    result = ensure([renamed], "started", False, systemd, **options)
    assert [diff["before_header"] for diff in result["diff"]] == [renamed.unit, "meshlab-forward-gateway.service"]
    assert foreseen["diff"] == result["diff"]
    stay = {"meshlab-forward-kiali.service", "meshlab-forward-jaeger.service", OTHER.unit}
    assert {path.name for path in systemd.folder.iterdir()} == {renamed.unit, *stay}
    assert not ensure([renamed], "started", False, systemd, **options)["changed"]
    assert ensure([], "stopped", False, systemd, **options)["changed"]
    assert systemd.active[renamed.unit] == "inactive"
    assert ensure([], "absent", False, systemd, **options)["changed"]
    assert {path.name for path in systemd.folder.iterdir()} == stay
    assert not ensure([], "absent", False, systemd, **options)["changed"]


@pytest.mark.parametrize(("found", "same"), [
    ("/data", True), ("/data/", True), ("/data/.minikube", True), ("/other", False), ("", True),
])  # fmt: skip
def test_another_home_of_minikubes_is_another_owner(systemd: Systemd, found: str, same: bool) -> None:
    environment = {"MINIKUBE_HOME": found} if found else {}
    ensure([dataclasses.replace(OTHER, environment=environment)], "started", False, systemd)
    assert bool(foreign(OTHER.unit, {"user": "root", "minikube_home": "/data"})) is not same
