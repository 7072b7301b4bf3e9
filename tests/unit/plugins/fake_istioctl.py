# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the istioctl binary: a program that answers with recorded output and notes how it was called.

Outputs recorded from istioctl 1.31.0-dev, see the fixtures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.meshlab.istio.plugins.module_utils._istioctl import Istioctl
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read
from tests.unit.plugins.fake_cluster import FakeCluster

FIXTURES = Path(__file__).parent / "module_utils" / "fixtures" / "istioctl"

PROGRAM = """#!{python} -IS
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
arguments = sys.argv[1:]
words = []
for argument in arguments:
    if argument.startswith("-"):
        break
    words.append(argument)
name = " ".join(words)
if os.path.exists(here + "/programs/" + name):
    os.execv(here + "/programs/" + name, [name, *arguments])
with open(here + "/calls", "a") as stream:
    stream.write(json.dumps(arguments) + "\\n")
with open(here + "/answers/" + name.replace(" ", "-") + ".json") as stream:
    answer = json.load(stream)
sys.stdout.write(answer["stdout"])
sys.stderr.write(answer["stderr"])
sys.stdout.flush()
sys.stderr.flush()
end = time.time() + 20
while answer["until"] and not os.path.exists(here + "/" + answer["until"]) and time.time() < end:
    time.sleep(0.01)
sys.exit(answer["rc"])
"""


class FakeIstioctl:
    """The program in a directory of its own, and its answers.

    :ivar path: the binary.
    """

    def __init__(self, directory: Path, version: str = "1.31.0-dev") -> None:
        self.directory = directory
        (directory / "answers").mkdir(parents=True)
        self.path = str(directory / "istioctl")
        Path(self.path).write_text(PROGRAM.format(python=sys.executable))
        Path(self.path).chmod(0o755)
        self.answer("version", json.dumps({"clientVersion": {"version": version}}))
        self.answer("manifest generate", (FIXTURES / "demo.yaml").read_text())
        self.answer("tag generate default", (FIXTURES / "tag.yaml").read_text())
        self.answer("install")

    def answer(self, name: str, stdout: str = "", stderr: str = "", rc: int = 0, until: str = "") -> None:
        """Set what the subcommand ``name`` does; it ends when a file ``until`` appears in the directory."""
        answer = {"stdout": stdout, "stderr": stderr, "rc": rc, "until": until}
        (self.directory / "answers" / (name.replace(" ", "-") + ".json")).write_text(json.dumps(answer))

    def program(self, name: str, text: str) -> None:
        """Let a program of its own do what the subcommand ``name`` does."""
        path = self.directory / "programs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("{python}", sys.executable).replace("__file__", repr(str(self.directory / "x"))))
        path.chmod(0o755)

    def manifests(self, objects: list[dict[str, Any]]) -> None:
        """Let ``manifest generate`` write these objects."""
        self.answer("manifest generate", yaml.dump_all(objects, Dumper=yaml.CSafeDumper))

    def calls(self, name: str) -> list[list[str]]:
        """Return the argument lists of all calls of a subcommand."""
        path = self.directory / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        words = name.split()
        return [call for call in map(json.loads, lines) if call[: len(words)] == words]

    def tool(self) -> Istioctl:
        """Return our wrapper of the program."""
        return Istioctl(self.path, "/nowhere/kubeconfig", "lab")


def demo() -> list[dict[str, Any]]:
    """Return the objects of the recorded manifests."""
    return read((FIXTURES / "demo.yaml").read_text(), "demo.yaml")


def controllers(cluster: FakeCluster, objects: list[dict[str, Any]]) -> None:
    """Play the Deployment controller and istiod for ``objects``: ready at once, certificates in, webhooks closed."""
    for obj in objects:
        live = cluster.find(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
        if live is None:
            continue
        if live["kind"] == "Deployment":
            replicas = live["spec"].get("replicas", 1)
            numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
            live["status"] = {"observedGeneration": live["metadata"]["generation"], **numbers}
        for hook in live.get("webhooks", []):
            hook["clientConfig"]["caBundle"] = "Q0E="
            if live["kind"] == "ValidatingWebhookConfiguration":
                hook["failurePolicy"] = "Fail"
        cluster.put(live, spec_changed=False)


def installed(cluster: FakeCluster, objects: list[dict[str, Any]], *, late: str = "") -> None:
    """Apply what a plan ends in, as istioctl does, and let the controllers do the rest.

    :param late: a Deployment that is not ready before ``controllers`` is called again.
    """
    if cluster.find("v1", "Namespace", "istio-system") is None:
        cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"},
                     "status": {"phase": "Active"}})  # fmt: skip
    for obj in objects:
        clean = json.loads(json.dumps(obj))
        for key in ("managedFields", "resourceVersion", "uid", "generation"):
            clean["metadata"].pop(key, None)
        clean.pop("status", None)
        cluster.apply(clean, "istio-operator")
    controllers(cluster, [obj for obj in objects if (obj["kind"], obj["metadata"]["name"]) != ("Deployment", late)])


def without_nulls(value: Any) -> None:
    """Drop fields that are null, as the API server does; for ``FakeCluster.defaults``."""
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if item is None]:
            del value[key]
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        without_nulls(item)


def few() -> list[dict[str, Any]]:
    """Return those of the recorded objects that a wait looks at; it is quicker with them alone."""
    kinds = ("Deployment", "Service", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    return [obj for obj in demo() if obj["kind"] in kinds and "egress" not in obj["metadata"]["name"]]
