# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished lab as these tests use it: its tasks through Ansible, its host through SSH, its API through a client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._cluster import Cluster

CHECKOUT = Path(__file__).resolve().parents[3]
KUBECONFIG = "/root/.kube/config"
PYTHON = "/root/.local/share/meshlab/python/bin/python"
"""The interpreter with the Kubernetes client on the host, for modules that do not find it by themselves."""

Object = dict[str, Any]
Result = dict[str, Any]


def tool(name: str) -> str:
    """Return the path of a program of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


@dataclass(frozen=True)
class Lab:
    """One host of an inventory.

    :param inventory: the path of the inventory.
    :param host: the host's name in it.
    :param variables: its variables.
    """

    inventory: Path
    host: str
    variables: Mapping[str, Any]

    @classmethod
    def of_inventory(cls, path: Path) -> Lab:
        """Return the only host of an inventory."""
        listed = subprocess.run(
            [tool("ansible-inventory"), "-i", str(path), "--list"], check=True, capture_output=True, text=True
        )
        hosts = json.loads(listed.stdout)["_meta"]["hostvars"]
        ((host, variables),) = hosts.items()
        return cls(path, host, variables)

    @cached_property
    def cluster(self) -> Cluster:
        """The lab's API, through the kubeconfig that the run left on this machine."""
        return Cluster(self.variables["access_fetch_kubeconfig"])

    @property
    def istioctl(self) -> str:
        """The path of istioctl on the host."""
        return f"/root/.local/share/meshlab/istio-{self.variables['istio_version']}/bin/istioctl"

    @property
    def report(self) -> Result:
        """What the last run of the playbook reported about this host."""
        path = Path(self.variables["report_path"]) / "report.json"
        found: Result = next(
            each for each in json.loads(path.read_text(encoding="utf-8"))["hosts"] if each["name"] == self.host
        )
        return found

    def tasks(self, tasks: Sequence[Mapping[str, Any]], *options: str) -> list[Result]:
        """Run tasks in a play of their own; return the result of each, up to the first that fails.

        :param tasks: as in a playbook.
        :param options: more arguments of ansible-playbook, such as ``--check``.
        """
        play = [{"hosts": self.host, "gather_facts": False, "tasks": list(tasks)}]
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(play, file)
            file.flush()
            done = subprocess.run(
                [tool("ansible-playbook"), "-i", str(self.inventory), file.name, *options],
                cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_NOCOLOR": "1"},
            )  # fmt: skip
        start = done.stdout.find("{\n")
        assert start >= 0, done.stdout[-2000:] + done.stderr[-2000:]
        played = json.loads(done.stdout[start:])["plays"][0]["tasks"]
        return [task["hosts"][self.host] for task in played]

    def module(self, name: str, arguments: Mapping[str, Any], *options: str, fails: bool = False) -> Result:
        """Run one module; return its result.

        :param fails: the task is expected to fail.
        """
        (result,) = self.tasks([{"name": name, name: dict(arguments)}], *options)
        assert bool(result.get("failed")) == fails, json.dumps(result, indent=1)[:6000]
        return result

    def ours(self, name: str, arguments: Mapping[str, Any], *options: str, fails: bool = False) -> Result:
        """Run one module of this collection that talks to the cluster."""
        return self.module(f"meshlab.istio.{name}", {"kubeconfig": KUBECONFIG, **arguments}, *options, fails=fails)

    def playbook(self, name: str, *options: str, fails: bool = False) -> str:
        """Run a playbook of the collection; return what it printed.

        :param fails: the run is expected to fail.
        """
        done = subprocess.run(
            [tool("ansible-playbook"), "-i", str(self.inventory), f"playbooks/{name}.yml", *options],
            cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert (done.returncode != 0) == fails, done.stdout[-4000:] + done.stderr[-2000:]
        return done.stdout

    def ssh(self, script: str, *, stdin: str | None = None, check: bool = True) -> str:
        """Run a shell script on the host as its user; return what it wrote to standard output."""
        done = subprocess.run(self._ssh_command(script), input=stdin, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{script}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def write(self, path: str, text: str) -> None:
        """Write a file on the host."""
        self.ssh(f"umask 077; cat > {path}", stdin=text)

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl on the host; return what it wrote."""
        quoted = " ".join(f"'{word}'" for word in words)
        return self.ssh(f"kubectl {quoted}", stdin=stdin)

    def apply(self, objects: Sequence[Object]) -> None:
        """Write objects with kubectl."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)

    def _ssh_command(self, script: str) -> list[str]:
        options = f"{self.variables['ansible_ssh_common_args']} {self.variables['ansible_ssh_extra_args']}".split()
        key, address = self.variables["ansible_ssh_private_key_file"], self.variables["ansible_host"]
        return ["ssh", "-i", key, *options, "-o", "BatchMode=yes", f"{self.variables['ansible_user']}@{address}",
                script]  # fmt: skip


def until(condition: Callable[[], Any], limit: float, what: str) -> float:
    """Wait until ``condition`` is true; return the seconds that it took, or fail after ``limit`` seconds."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < limit, f"{what}: not within {limit:g} s"
        time.sleep(0.5)
    return time.monotonic() - started
