# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A minikube without processes: outputs recorded from the real one, and a cluster that follows its rules."""

from __future__ import annotations

import copy
import json
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_settings as settings
from ansible_collections.meshlab.istio.plugins.module_utils._command import Completed
from ansible_collections.meshlab.istio.plugins.module_utils._minikube import Minikube
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_owner import Note
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_preflight import Host

FIXTURES = Path(__file__).parent / "module_utils" / "fixtures" / "minikube"

# Recorded from the binary of minikube 1.38.1 on Debian 12, in the order of the names:
# `config defaults kubernetes-version`, `delete`, `start`, `status`, `stop`, `version`, each with -o json.
RECORDED: dict[str, dict[str, Any]] = json.loads((FIXTURES / "recorded.json").read_text())
# The stored configuration after start-half-made, which a start with the ssh driver and no host leaves behind.
PROFILE: dict[str, Any] = json.loads((FIXTURES / "profile.json").read_text())
# The line of `minikube start --help` of 1.38.1 that names the versions.
HELP = "  The Kubernetes version (ex: v1.2.3, 'stable' for v1.35.1, 'latest' for v1.35.1). Defaults to 'stable'.\n"


def node(
    host: str, kubelet: str, api: str, kubeconfig: str, name: str = "minikube", worker: bool = False
) -> dict[str, Any]:
    """Return a row of `minikube status`, by the fields of cluster.Status (pkg/minikube/cluster/status.go, 1.38.1)."""
    return {
        "Name": name, "Host": host, "Kubelet": kubelet, "APIServer": api, "Kubeconfig": kubeconfig, "Worker": worker
    }  # fmt: skip


RUNNING = node("Running", "Running", "Running", "Configured")
STOPPED = node("Stopped", "Stopped", "Stopped", "Stopped")
PAUSED = node("Running", "Stopped", "Paused", "Configured")


def event(kind: str, **data: str) -> str:
    """Return a line as minikube prints it."""
    return json.dumps({"specversion": "1.0", "type": f"io.k8s.sigs.minikube.{kind}", "data": data}) + "\n"


class Replay(Minikube):
    """Answers each command with what ``answer`` returns: a recorded name, or rc, stdout and stderr."""

    def __init__(self, home: Path, answer: Callable[[list[str]], Any]) -> None:
        super().__init__("minikube", str(home), str(home / "kubeconfig"))
        self.answer = answer
        self.asked: list[list[str]] = []

    def run(
        self,
        arguments: Sequence[str],
        *,
        timeout: float,
        check: bool = True,
        input_text: str | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Pretend to run a command."""
        assert timeout > 0
        assert input_text is None
        self.asked.append(list(arguments))
        answer = self.answer(list(arguments))
        said = RECORDED[answer] if isinstance(answer, str) else {"rc": 0, "stdout": "", "stderr": "", **answer}
        done = Completed(("minikube", *arguments), said["rc"], said["stdout"], said["stderr"], 0.1)
        self.log.append({"cmd": "minikube " + " ".join(arguments), "rc": done.rc, "seconds": 0.1})
        for line in (done.stdout + done.stderr).splitlines():
            if on_line is not None:
                on_line(line)
        if check and done.rc != 0:
            raise self.failure(done)
        return done


class World(Replay):
    """One cluster that changes as minikube's start_flags.go says, so that a wrong prediction shows."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, self.respond)
        self.rows: list[dict[str, Any]] = []
        self.fails: dict[str, Any] = {}

    def store(self, **changes: Any) -> dict[str, Any]:
        """Write the profile as it was recorded, with changes to its top level, and what a new cluster has."""
        config = copy.deepcopy(PROFILE)
        config["Driver"] = "kvm2"
        config.update(changes)
        self.write(config)
        # One CA for all profiles, made once; a client's certificate for each profile (bootstrapper/certs.go), and an
        # SSH key for each machine that is not this host.
        if not Path(self.home, "ca.crt").exists():
            Path(self.home, "ca.crt").write_text(secrets.token_hex())
        Path(self.profile_file("minikube")).with_name("client.crt").write_text(secrets.token_hex())
        if config["Driver"] != "none":
            key = Path(self.home, "machines", "minikube", "id_rsa.pub")
            key.parent.mkdir(parents=True, exist_ok=True)
            key.write_text(secrets.token_hex())
        return config

    def own(self) -> World:
        """Note that the cluster is the collection's own, as it does after a start."""
        note = Note(self, "minikube")
        if self.rows:
            note.finished("kvm2", {}, started=True)
        else:
            note.begun("kvm2")
        return self

    def write(self, config: dict[str, Any]) -> None:
        """Write the profile's file."""
        path = Path(self.profile_file("minikube"))
        path.parent.mkdir(parents=True, exist_ok=True)
        # minikube writes it anew with each start (SaveProfile), be it with the same content.
        path.with_suffix(".new").write_text(json.dumps(config))
        path.with_suffix(".new").replace(path)

    def commands(self) -> list[str]:
        """Return the commands that changed something."""
        return [asked[0] for asked in self.asked if asked[0] not in ("status", "version")]

    def respond(self, arguments: list[str]) -> Any:
        """Answer a command, and do what it does."""
        command = arguments[0]
        if command in self.fails:
            return self.fails[command]
        if command == "version":
            return "version"
        if command == "status":
            return {"rc": 0 if self.rows == [RUNNING] else 7, "stdout": json.dumps(self.rows or None)}
        if command == "config":
            path = Path(self.home, "config", "config.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({**self.defaults(), arguments[2]: arguments[3]}))
            return {}
        getattr(self, "do_" + command)(arguments)
        return {"stdout": event("step", currentstep="1", totalsteps="19", name=command, message=f"{command} it")}

    def do_start(self, arguments: list[str]) -> None:
        """Store what a start stores: everything for a new cluster, else only what minikube lets change."""
        existing = self.read_profile("minikube")
        config = existing or self.store(Driver="kvm2", Addons=None)
        for setting in settings.SETTINGS:
            flag = "--" + setting.option.replace("_", "-") + "="
            values = [item[len(flag) :] for item in arguments if item.startswith(flag)]
            if values and setting.field and (existing is None or setting.effect == settings.START):
                self.put(config, setting, values)
        self.write(config)
        self.rows = [RUNNING]

    @staticmethod
    def put(config: dict[str, Any], setting: settings.Setting, values: list[str]) -> None:
        """Store one value in the form that minikube stores it in."""
        *path, last = setting.field.split(".")
        for key in path:
            config = config[key]
        value: Any = values[0]
        if setting.normal is settings.extra:
            pairs = [item.split(".", 1) for item in values]
            value = [dict(zip(("Component", "Key", "Value"), (a, *b.split("=", 1)))) for a, b in pairs]
        elif setting.option == "addons":
            value = {**(config[last] or {}), **dict.fromkeys(value.split(","), True), "dashboard": False}
        elif setting.option == "nodes":
            value = config[last] * int(value)
        elif setting.normal is settings.listing:
            value = value.split(",")
        elif setting.normal in (settings.size, settings.count):
            value = setting.normal(value)
        elif setting.normal is settings.switch:
            value = value == "true"
        config[last] = value

    def do_stop(self, _arguments: list[str]) -> None:
        """Stop."""
        self.rows = [STOPPED]

    def do_pause(self, _arguments: list[str]) -> None:
        """Pause."""
        self.rows = [PAUSED]

    def do_unpause(self, _arguments: list[str]) -> None:
        """Unpause."""
        self.rows = [RUNNING]

    def do_delete(self, _arguments: list[str]) -> None:
        """Delete."""
        shutil.rmtree(os.path.dirname(self.profile_file("minikube")), ignore_errors=True)
        shutil.rmtree(os.path.join(self.home, "machines", "minikube"), ignore_errors=True)
        self.rows = []


class FitHost(Host):
    """A host that has everything; ``lacks`` names programs and paths that it has not."""

    uid = 0
    architecture = "x86_64"

    def __init__(self, lacks: tuple[str, ...] = (), **values: Any) -> None:
        self.lacks = lacks
        self.values = {
            "cpus": 8, "memory": 32000, "free": 100000, "taken": (), "answers": True, "said": "ok",
            "containerd": "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u1",
            "active": "active", **values,
        }  # fmt: skip
        self.uid = self.values.get("uid", 0)
        self.architecture = self.values.get("architecture", "x86_64")

    def cpus(self) -> int:
        """Return the number of CPUs."""
        return int(self.values["cpus"])

    def memory_mb(self) -> int | None:
        """Return the memory."""
        memory: int | None = self.values["memory"]
        return memory

    def free_mb(self, path: str) -> int:
        """Return the free space."""
        assert os.path.isabs(path)
        return int(self.values["free"])

    def program(self, name: str) -> bool:
        """Tell whether a program is there."""
        return name not in self.lacks

    def exists(self, path: str) -> bool:
        """Tell whether a path is there."""
        return path not in self.lacks

    def directory(self, path: str) -> bool:
        """Tell whether a directory is there."""
        return path not in self.lacks

    def usable(self, path: str) -> bool:
        """Tell whether a path may be used."""
        return f"use {path}" not in self.lacks

    def lines(self, path: str) -> list[str]:
        """Return /proc/net/route with or without a default route."""
        assert path == "/proc/net/route"
        head = "Iface\tDestination\tGateway"
        return [head] if "route" in self.lacks else [head, "eth0\t00000000\t0100A8C0"]

    def taken(self, port: int) -> bool:
        """Tell whether a port is taken."""
        return port in self.values["taken"]

    def ask(self, *command: str) -> tuple[bool, str]:
        """Answer what containerd and systemd are asked, and every other command the same."""
        if command == ("containerd", "--version"):
            return True, str(self.values["containerd"])
        if command == ("systemctl", "is-active", "containerd"):
            return self.values["active"] == "active", str(self.values["active"])
        return bool(self.values["answers"]), str(self.values["said"])
