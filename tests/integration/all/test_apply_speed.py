# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh apply of Bookinfo, sleep and the gateway, until all is ready: ours, kubectl, and kubernetes.core.k8s.

Each is one task over the same connection, in turns, in a namespace of its own with injection.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.integration.all.lab import KUBECONFIG, PYTHON, Lab, until

ROUNDS = 5
FILE = "/root/bookinfo-fresh.yaml"
SAMPLES = ("bookinfo/platform/kube/bookinfo.yaml", "sleep/sleep.yaml", "bookinfo/networking/bookinfo-gateway.yaml")
LEFT_OUT = ("v2", "v3")
"""The versions that the tutorial leaves out."""
LABEL = "meshlab.test/speed"


def ours(namespace: str) -> dict[str, Any]:
    """Return the task of our module."""
    return {"meshlab.istio.manifests": {"src": [FILE], "namespace": namespace, "kubeconfig": KUBECONFIG}}


def kubectl(namespace: str) -> dict[str, Any]:
    """Return a task that applies with kubectl and waits with one joint `kubectl wait`."""
    where = f"kubectl --namespace {namespace}"
    wait = f"{where} wait deployments --all --for=condition=Available --timeout=300s"
    return {"ansible.builtin.shell": {"cmd": f"{where} apply --server-side -f {FILE} && {wait}"}}


def kubernetes_core(namespace: str) -> dict[str, Any]:
    """Return the task of kubernetes.core.k8s with its wait."""
    return {
        "kubernetes.core.k8s": {
            "src": FILE, "namespace": namespace, "kubeconfig": KUBECONFIG, "wait": True, "wait_timeout": 300
        },
        "vars": {"ansible_python_interpreter": PYTHON},
    }  # fmt: skip


WAYS: dict[str, Callable[[str], dict[str, Any]]] = {
    "manifests": ours, "kubectl": kubectl, "kubernetes.core.k8s": kubernetes_core
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def manifests(lab: Lab) -> Iterator[None]:
    """Put what is applied on the host as one file, and remove the namespaces at the end."""
    release = lab.istioctl.removesuffix("/bin/istioctl")
    text = lab.ssh(" && echo --- && ".join(f"cat {release}/samples/{name}" for name in SAMPLES))
    objects = [obj for obj in yaml.safe_load_all(text) if obj]
    kept = [obj for obj in objects if obj["metadata"].get("labels", {}).get("version") not in LEFT_OUT]
    assert len(kept) == len(objects) - 2
    lab.write(FILE, yaml.safe_dump_all(kept))
    yield
    forget(lab)


def forget(lab: Lab) -> None:
    """Remove the namespaces of a round, so that the next one finds the host as quiet."""
    lab.kubectl("delete", "namespaces", f"--selector={LABEL}", "--ignore-not-found", "--wait=false")
    until(lambda: not lab.kubectl("get", "namespaces", f"--selector={LABEL}", "--output=name"), 180, "all is gone")


def seconds_of(lab: Lab, way: str, number: int) -> float:
    """Apply once; return the seconds of the task, as who runs the play has to wait for it."""
    namespace = f"speed-{way.split('.')[0]}-{number}"
    metadata = {"name": namespace, "labels": {LABEL: "yes", "istio-injection": "enabled"}}
    lab.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])
    started = time.monotonic()
    (result,) = lab.tasks([WAYS[way](namespace)])
    seconds = time.monotonic() - started
    assert not result.get("failed"), result
    forget(lab)
    return seconds


def test_a_fresh_apply(lab: Lab, measured: dict[str, Any]) -> None:
    rounds = []
    for number in range(ROUNDS):
        order = ["manifests", "kubectl"]
        rounds.append({way: seconds_of(lab, way, number) for way in (order if number % 2 else reversed(order))})
    slow = seconds_of(lab, "kubernetes.core.k8s", 0)
    medians = {way: statistics.median(each[way] for each in rounds) for way in ("manifests", "kubectl")}
    measured.update(
        rounds=[{way: round(value, 2) for way, value in each.items()} for each in rounds],
        seconds={**{way: round(value, 2) for way, value in medians.items()}, "kubernetes.core.k8s": round(slow, 2)},
    )  # fmt: skip
    assert medians["manifests"] <= medians["kubectl"]
    assert medians["manifests"] <= slow / 5
