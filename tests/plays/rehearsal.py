# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real run of the collection's playbooks in which each module only notes what it was asked for.

Inventory, presets, roles, their defaults and their templates are the real ones, resolved by Ansible. In front of the
modules stand actions that write down their arguments and answer as those of a lab in which all goes well, or as a test
says for one host.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

ACTION = """
import json, os
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        name = self._task.action.removeprefix("meshlab.istio.")
        with open(os.environ["REHEARSAL"] + "/calls", "a") as stream:
            print(json.dumps({"action": name, "args": self._task.args}), file=stream)
        with open(os.environ["REHEARSAL"] + "/answers") as stream:
            answers = json.load(stream)
        answer = answers.get(f"{name} {task_vars['inventory_hostname']}", answers.get(name, {}))
        if "unreachable" in answer:
            raise AnsibleConnectionFailure(answer["unreachable"])
        return answer
"""

GATEWAY = "http://10.0.0.9/productpage"
ANSWERS: dict[str, Any] = {
    "istioctl_install": {"running": True},
    "workloads_info": {"pods": []},
    "kubernetes.core.k8s_info": {"resources": [{"metadata": {"name": "sleep-1"}}]},
    "kubernetes.core.k8s_exec": {"stdout": "<title>Simple Bookstore App</title>"},
    "gateway_url_info": {
        "url": GATEWAY, "gateway_url": "10.0.0.9:80", "ingress_host": "10.0.0.9", "ingress_port": 80,
        "secure_ingress_port": 443, "cluster_exists": True,
    },
    "url_info": {"url": GATEWAY, "tried": []},
    "service_graph_info": {"value": 0, "counted": {}},
    "mesh_traffic": {"sent": 100, "status": {"200": 100}},
    "report": {"summary": {"lab": ""}},
}  # fmt: skip
"""What the modules say in a lab in which all goes well, as far as a role reads it."""


@dataclass(frozen=True)
class Call:
    """What a module was asked for: the host's home is ``~`` in it."""

    action: str
    args: dict[str, Any]


class Rehearsal:
    """Runs on hosts that are this machine with another home and user."""

    def __init__(self, directory: Path, real: Collection[str] = ()) -> None:
        """Make the folders.

        :param real: modules that do their own work.
        """
        self.directory = directory
        self.home = directory / "home"
        self.answers = dict(ANSWERS)
        self._collections(real)
        (directory / "action_plugins").mkdir()
        (directory / "action_plugins" / "gather_facts.py").write_text(ACTION)

    def run(self, release: str, **variables: Any) -> list[Call]:
        """Play the whole site with ``variables`` as ``-e`` and return the modules' calls in their order.

        :param release: the version of Istio that the roles will find on the host.
        """
        self.has(release)
        done = self.play("site", **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        text = (self.directory / "calls").read_text().replace(str(self.home), "~")
        return [Call(**json.loads(line)) for line in text.splitlines()]

    def has(self, release: str) -> None:
        """Put Istio's release on the host: what is left to Ansible's own modules is done for real."""
        (self.home / ".local" / "bin").mkdir(parents=True)
        programs = self.home / ".local" / "share" / "meshlab" / f"istio-{release}" / "bin"
        programs.mkdir(parents=True)
        (programs / "istioctl").touch()

    def play(
        self, *playbooks: str, hosts: str = "lab,", words: Sequence[str] = (), **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Play the collection's ``playbooks`` with ``variables`` as ``-e``, to their end.

        :param hosts: what follows ``-i``.
        :param words: more of the command line.
        """
        facts = {
            "user_dir": str(self.home), "user_id": "vagrant", "architecture": "x86_64", "env": {"PATH": "/usr/bin"},
            "python": {"version": {"major": 3, "minor": 11}},
        }  # fmt: skip
        gathered = {"ansible_facts": {f"ansible_{name}": value for name, value in facts.items()}}
        (self.directory / "answers").write_text(json.dumps({"gather_facts": gathered, **self.answers}))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        interpreter = {"ansible_python_interpreter": sys.executable}
        return subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"), "-i", hosts, "-c", "local",
                "-e", json.dumps({**interpreter, **variables}), *words,
                *(name if "/" in name else f"meshlab.istio.{name}" for name in playbooks),
            ],
            cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env={
                **inherited, "REHEARSAL": str(self.directory), "HOME": str(self.home), "PWD": str(self.directory),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_ACTION_PLUGINS": str(self.directory / "action_plugins"),
                "ANSIBLE_COLLECTIONS_PATH": str(self.directory), "ANSIBLE_HOME": str(self.directory / "ansible"),
            },
        )  # fmt: skip

    def _collections(self, real: Collection[str]) -> None:
        """Make the two collections that the playbook uses: ours with other actions, and one of nothing but actions."""
        ours = self.directory / "ansible_collections" / "meshlab" / "istio"
        (ours / "plugins" / "action").mkdir(parents=True)
        for name in ("galaxy.yml", "meta", "playbooks", "presets", "roles"):
            (ours / name).symlink_to(ROOT / name)
        for path in (ROOT / "plugins").iterdir():
            if path.is_dir() and path.name not in ("action", "__pycache__"):
                (ours / "plugins" / path.name).symlink_to(path)
        for path in (ROOT / "plugins" / "modules").glob("*.py"):
            own = ROOT / "plugins" / "action" / path.name
            if path.stem not in real:
                (ours / "plugins" / "action" / path.name).write_text(ACTION)
            elif own.exists():
                (ours / "plugins" / "action" / path.name).symlink_to(own)
        theirs = self.directory / "ansible_collections" / "kubernetes" / "core" / "plugins" / "action"
        theirs.mkdir(parents=True)
        for module in ("k8s_info", "k8s_exec"):
            (theirs / f"{module}.py").write_text(ACTION)
