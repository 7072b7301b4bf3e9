# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long-running helpers of the lab as systemd services: written, enabled and started together."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool, Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError

UNIT_DIRECTORY = "/etc/systemd/system"
PREFIX = "meshlab-"
SECONDS = 120.0
NO_SYSTEMD = "Failed to connect to bus"
PROPERTIES = ("ActiveState", "UnitFileState", "NRestarts")


class Systemctl(CommandLineTool):
    """systemd's command-line tool."""

    name = "systemctl"
    install_hint = "The lab's services need systemd as the host's init."

    def failure(self, done: Completed) -> CommandError:
        """Say what it means that systemctl finds nobody to talk to."""
        error = super().failure(done)
        if NO_SYSTEMD in done.stderr:
            error.message = f"systemd does not answer on this host: {done.stderr.splitlines()[-1]}. {self.install_hint}"
        return error


@dataclass(frozen=True)
class Service:
    """One supervised program. Fields as the module's options of the same name."""

    name: str
    description: str
    command: list[str]
    user: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    after: list[str] = field(default_factory=list)
    kill_signal: str = "SIGTERM"
    at_boot: bool = False
    restart_seconds: float = 1.0
    timeout_seconds: int = 90
    state: str | None = None

    @property
    def unit(self) -> str:
        """The unit's name."""
        return f"{PREFIX}{self.name}.service"

    def text(self) -> str:
        """Return the unit file.

        ``StartLimitIntervalSec=0``: else systemd gives up after five deaths within ten seconds (systemd.unit(5)).
        """
        lines = [
            "# Written by meshlab.istio.supervised_services; changes are overwritten.",
            "[Unit]",
            f"Description={self.description}",
            f"After={' '.join(['network-online.target', *self.after])}",
            "Wants=network-online.target",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            *(["Type=oneshot", "RemainAfterExit=yes"] if self.at_boot else ["Type=exec"]),
            *([f"User={self.user}"] if self.user else []),
            *(f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(self.environment.items())),
            # Only here a $ is special; in Environment= it stands for itself (systemd.exec(5)).
            f"ExecStart={' '.join(_quoted(word.replace('$', '$$')) for word in self.command)}",
            f"Restart={'on-failure' if self.at_boot else 'always'}",
            f"RestartSec={self.restart_seconds:g}",
            f"TimeoutStartSec={self.timeout_seconds}",
            f"KillSignal={self.kill_signal}",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
        ]
        return "\n".join(lines) + "\n"


def ensure(services: list[Service], state: str, check_mode: bool, systemctl: Systemctl | None = None) -> dict[str, Any]:
    """Bring services to ``state`` (started, stopped or absent), or each to one of its own.

    :returns: changed, diff (list of before/after per unit that differs), services (per name: unit, state, restarts).
    :raises InputError: a command's program is not an absolute path.
    :raises CommandError: systemd refused.
    """
    systemctl = systemctl or Systemctl()
    wanted = {service.unit: service.state or state for service in services}
    for service in services:
        if wanted[service.unit] == "started" and not "".join(service.command[:1]).startswith("/"):
            raise InputError(f"The command of service {service.name} must begin with an absolute path.")
    found = _states(systemctl, services)
    before = {service.unit: _before(service, found[service.unit]) for service in services}
    after = {service.unit: _after(service, wanted[service.unit], before[service.unit]) for service in services}
    differing = [service for service in services if before[service.unit] != after[service.unit]]
    if differing and not check_mode:
        # What goes first makes room: a service to start may listen where another did.
        for each in ("absent", "stopped", "started"):
            chosen = [service for service in differing if wanted[service.unit] == each]
            if chosen:
                _carry_out(systemctl, chosen, before, each)
        found = _states(systemctl, services)
    return {
        "changed": bool(differing),
        "diff": [
            {"before_header": service.unit, "after_header": service.unit,
             "before": _shown(before[service.unit]), "after": _shown(after[service.unit])}
            for service in differing
        ],
        "services": {
            service.name: {
                "unit": service.unit,
                "state": found[service.unit]["ActiveState"],
                "restarts": int(found[service.unit].get("NRestarts") or 0),
            }
            for service in services
        },
        "commands": systemctl.log,
    }  # fmt: skip


def _before(service: Service, found: dict[str, str]) -> dict[str, Any]:
    path = os.path.join(UNIT_DIRECTORY, service.unit)
    text = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    return {
        "unit_file": text,
        "enabled": found["UnitFileState"] == "enabled",
        # A supervised program that systemd is about to start again counts as running.
        "running": found["ActiveState"] in ("active", "activating", "reloading"),
    }


def _after(service: Service, state: str, before: dict[str, Any]) -> dict[str, Any]:
    return {
        "unit_file": service.text() if state == "started" else "" if state == "absent" else before["unit_file"],
        "enabled": state == "started",
        # What belongs to the boot is left as it is now.
        "running": before["running"] if service.at_boot and state == "started" else state == "started",
    }


def _carry_out(systemctl: Systemctl, services: list[Service], before: dict[str, dict[str, Any]], state: str) -> None:
    running = [service.unit for service in services if before[service.unit]["running"]]
    known = [service.unit for service in services if before[service.unit]["unit_file"]]
    if state != "started":
        # A unit whose file somebody else removed still runs, and cannot be disabled.
        if running:
            systemctl.run(["stop", "--", *running], timeout=SECONDS)
        if known:
            systemctl.run(["disable", "--", *known], timeout=SECONDS)
        if state == "absent":
            for unit in known:
                os.unlink(os.path.join(UNIT_DIRECTORY, unit))
            systemctl.run(["daemon-reload"], timeout=SECONDS)
        return
    written = [service.unit for service in services if before[service.unit]["unit_file"] != service.text()]
    for service in services:
        if service.unit in written:
            _write(os.path.join(UNIT_DIRECTORY, service.unit), service.text())
    if written:
        systemctl.run(["daemon-reload"], timeout=SECONDS)
    systemctl.run(["enable", "--", *(service.unit for service in services)], timeout=SECONDS)
    now = [service.unit for service in services if not service.at_boot]
    stale = [unit for unit in now if unit in written and unit in running]
    if stale:
        systemctl.run(["restart", "--no-block", "--", *stale], timeout=SECONDS)
    if now:
        systemctl.run(["start", "--no-block", "--", *now], timeout=SECONDS)


def _states(systemctl: Systemctl, services: list[Service]) -> dict[str, dict[str, str]]:
    """Ask systemd for all units at once; a unit that it doesn't know has LoadState not-found."""
    units = [service.unit for service in services]
    words = ["show", f"--property={','.join(PROPERTIES)}", "--", *units]
    blocks = systemctl.run(words, timeout=SECONDS).stdout.strip().split("\n\n")
    parsed = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
    return dict(zip(units, parsed))


def _shown(state: dict[str, Any]) -> str:
    return f"{state['unit_file']}enabled: {state['enabled']}\nrunning: {state['running']}\n"


def _quoted(word: str) -> str:
    """Quote a word for a unit file, where % is special (systemd.unit(5), "Specifiers")."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{word}"' if not word or any(character in word for character in " \t'\";\\") else word


def _write(path: str, text: str) -> None:
    """Write a unit file at once: beside, then renamed."""
    handle, partial = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".meshlab-")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(partial, 0o644)
    os.replace(partial, path)
