# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long-running helpers of the lab as systemd services: written, enabled and started together.

A unit's owner is the user that it runs as and the lab that its command names; both are read from the unit file, so
units of every release have one. A unit of another owner, or one that we did not write, is never touched.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool, Completed
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError

UNIT_DIRECTORY = "/etc/systemd/system"
PREFIX = "meshlab-"
SECONDS = 120.0
NO_SYSTEMD = "Failed to connect to bus"
PROPERTIES = ("ActiveState", "UnitFileState", "NRestarts")
HEADER = "# Written by meshlab.istio.supervised_services; changes are overwritten."
FLAGS = {"--kubeconfig": "kubeconfig", "--context": "context", "--profile": "context"}
"""Of a unit's command, and what of its owner each tells; minikube names a context as its profile."""
VARIABLES = {"KUBECONFIG": "kubeconfig", "MINIKUBE_HOME": "minikube_home"}
"""Of a unit's environment, likewise."""
DAY_SECONDS = 86400
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
FORMS = {
    "name": (re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.-]{0,200}"), "letters, digits and any of : _ . -"),
    "user": (re.compile(r"\w([\w.@+\\-]*[\w.+$-])?"), "the name or number of a user"),
    "kill_signal": (re.compile(r"(SIG)?[A-Z]+\d*([+-]\d+)?|\d+"), "a signal such as SIGINT"),
}
"""What an option may be (systemd.unit(5), user names as systemd takes them), and how that is called."""
UNIT_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]+\.[a-z]+")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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

    def refuse(self) -> None:
        """Raise InputError for a value that the unit file could not hold, or that would add lines to it."""
        for option, (form, called) in FORMS.items():
            value = getattr(self, option)
            if value is not None and not form.fullmatch(value):
                raise InputError(f"{option} of service {self.name!r} must be {called}, not {value!r}.")
        if CONTROL.search(self.description):
            raise InputError(f"The description of service {self.name} must be one line, not {self.description!r}.")
        for unit in self.after:
            if not UNIT_NAME.fullmatch(unit):
                raise InputError(f"after of service {self.name} must hold units such as a.service, not {unit!r}.")
        for name, value in self.environment.items():
            if not VARIABLE.fullmatch(str(name)):
                raise InputError(f"{name!r} cannot be a variable in the environment of service {self.name}.")
            if CONTROL.search(str(value).replace("\n", "").replace("\t", "")):
                raise InputError(f"The variable {name} of service {self.name} holds a control character.")
        if any(CONTROL.search(word.replace("\n", "").replace("\t", "")) for word in self.command):
            raise InputError(f"The command of service {self.name} holds a control character.")
        if not 0 <= self.restart_seconds <= DAY_SECONDS:
            raise InputError(
                f"restart_seconds of service {self.name} must be from 0 to {DAY_SECONDS}, not {self.restart_seconds}."
            )
        if self.timeout_seconds < 0:
            raise InputError(f"timeout_seconds of service {self.name} must be 0 or more, not {self.timeout_seconds}.")

    def text(self) -> str:
        """Return the unit file.

        ``StartLimitIntervalSec=0``: else systemd gives up after five deaths within ten seconds (systemd.unit(5)).
        """
        lines = [
            HEADER,
            "[Unit]",
            # A backslash at the end would take in the next line.
            f"Description={self.description.replace('%', '%%').rstrip(chr(92))}",
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


def ensure(
    services: list[Service],
    state: str,
    check_mode: bool,
    systemctl: Systemctl | None = None,
    *,
    owner: Mapping[str, str] | None = None,
    prune: str = "",
    variable: str = "",
) -> dict[str, Any]:
    """Bring services to ``state`` (started, stopped or absent), or each to one of its own.

    :param owner: whose they are: user, and where they name a lab, kubeconfig, context and minikube_home. A unit of
        another owner is not started in place of ours, and not stopped or removed.
    :param prune: with the owner's services whose names begin so and that are not in ``services``, the same is done; if
        ``state`` is started, they are removed, as they have been renamed.
    :param variable: what gives the services other names; a refusal names it.
    :returns: changed, diff (list of before/after per unit that differs), services (per name: unit, state, restarts),
        and warnings that name units which were left alone.
    :raises InputError: a command's program is not an absolute path, a value cannot be in a unit file, or the unit that
        is to be started is somebody else's.
    :raises CommandError: systemd refused.
    """  # fmt: skip
    systemctl = systemctl or Systemctl()
    owner = {key: str(value) for key, value in (owner or {}).items() if value}
    for service in services:
        service.refuse()
    twice = [service.name for service in services if [other.name for other in services].count(service.name) > 1]
    if twice:
        raise InputError(f"The service {twice[0]} is asked for twice. Give each a name of its own.")
    named = {service.unit for service in services}
    rest = "absent" if state == "started" else state
    services = [*services, *(one for one in _of_owner(owner, prune, rest) if one.unit not in named)]
    wanted = {service.unit: service.state or state for service in services}
    for service in services:
        if wanted[service.unit] == "started" and not "".join(service.command[:1]).startswith("/"):
            raise InputError(f"The command of service {service.name} must begin with an absolute path.")
    strangers = {service.unit: foreign(service.unit, owner or _asked(service)) for service in services}
    strangers = {unit: why for unit, why in strangers.items() if why}
    taken = [f"{unit}, which {why}" for unit, why in strangers.items() if wanted[unit] == "started"]
    if taken:
        other = f"give this lab's services other names with {variable}" if variable else "choose another name"
        raise InputError(
            f"This host has {'; '.join(taken)}. Nothing was touched. Let its owner remove it, such as with the "
            f"playbook teardown and the variables of that lab, or {other}."
        )
    if not services:
        return {"changed": False, "diff": [], "services": {}, "commands": []}
    found = _states(systemctl, services)
    before = {service.unit: _before(service, found[service.unit]) for service in services}
    after = {
        service.unit: before[service.unit] if service.unit in strangers
        else _after(service, wanted[service.unit], before[service.unit])
        for service in services
    }  # fmt: skip
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
        "warnings": [f"{unit} was left alone: it {why}." for unit, why in strangers.items()],
    }  # fmt: skip


def owner_in(text: str) -> dict[str, str]:
    """Return whose a unit file is: user, and of kubeconfig, context and minikube_home what it names."""
    owner = {"user": "root"}
    for line in text.splitlines():
        key, _equals, value = line.partition("=")
        if key == "User":
            owner["user"] = value.strip()
        elif key == "Environment":
            for word in _words(value):
                name, _equals, given = word.partition("=")
                if name in VARIABLES:
                    owner[VARIABLES[name]] = given
        elif key == "ExecStart":
            words = [part for word in _words(value.replace("$$", "$")) for part in _flag(word)]
            owner.update({FLAGS[flag]: given for flag, given in zip(words, words[1:]) if flag in FLAGS})
    return owner


def foreign(unit: str, owner: Mapping[str, str]) -> str:
    """Return why a unit of this host is not the owner's, to follow the word "which"; "" if it is, or there is none."""
    path = os.path.join(UNIT_DIRECTORY, unit)
    if not os.path.lexists(path):
        return ""
    text = _unit_file(path)
    if os.path.islink(path) or not text.startswith(HEADER):
        return "was not written by this collection"
    found = owner_in(text)
    if all(_same(key, found.get(key), value) for key, value in owner.items()):
        return ""
    return f"belongs to {described(found)}"


def described(owner: Mapping[str, str]) -> str:
    """Return a unit's owner in words."""
    lab = f", for the context {owner['context']}" if owner.get("context") else ""
    return f"the user {owner['user']}{lab}{' of ' + owner['kubeconfig'] if owner.get('kubeconfig') else ''}"


def _same(key: str, found: str | None, wanted: str) -> bool:
    if found is None or found == wanted:
        # What the unit does not name cannot tell it from ours.
        return True
    if key == "minikube_home":
        return re.sub(r"/(\.minikube/?)?$", "", found) == re.sub(r"/(\.minikube/?)?$", "", wanted)
    return key == "kubeconfig" and os.path.realpath(found) == os.path.realpath(os.path.expanduser(wanted))


def _asked(service: Service) -> dict[str, str]:
    """Return whose a service is that nobody named an owner of: its user alone; of one without a command, nothing."""
    return {"user": service.user or "root"} if service.command else {}


def _of_owner(owner: Mapping[str, str], prefix: str, state: str) -> list[Service]:
    """Return the services of this host whose names begin so, and which are this owner's beyond doubt."""
    if not prefix or not owner:
        return []
    services = []
    for name in sorted(os.listdir(UNIT_DIRECTORY)):
        if name.startswith(PREFIX + prefix) and name.endswith(".service") and not foreign(name, owner):
            found = owner_in(_unit_file(os.path.join(UNIT_DIRECTORY, name)))
            if all(key in found for key in owner):
                services.append(Service(name[len(PREFIX) : -len(".service")], "", [], state=state))
    return services


def _words(text: str) -> list[str]:
    """Return the words of a line that _quoted() wrote."""
    try:
        return [word.replace("%%", "%") for word in shlex.split(text)]
    except ValueError:
        return []


def _flag(word: str) -> list[str]:
    """Return a word; one such as --context=lab as two."""
    flag, equals, value = word.partition("=")
    return [flag, value] if equals and flag in FLAGS else [word]


def _unit_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def _before(service: Service, found: dict[str, str]) -> dict[str, Any]:
    return {
        "unit_file": _unit_file(os.path.join(UNIT_DIRECTORY, service.unit)),
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
    """Ask systemd for all units at once; a unit that it doesn't know has LoadState not-found.

    :raises CommandError: the answer is not one of systemd's.
    """
    units = [service.unit for service in services]
    if not units:
        return {}
    done = systemctl.run(["show", f"--property={','.join(PROPERTIES)}", "--", *units], timeout=SECONDS)
    blocks = done.stdout.strip().split("\n\n")
    parsed = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    if len(parsed) != len(units) or not all(set(PROPERTIES) <= set(state) for state in parsed):
        raise CommandError(
            f"{done.cmd[0]} did not tell the state of {', '.join(units)} as systemd does.",
            cmd=list(done.cmd), rc=done.rc, stdout=done.stdout, stderr=done.stderr,
        )  # fmt: skip
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
