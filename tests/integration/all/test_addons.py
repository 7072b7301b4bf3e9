# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addons of an older release, and Loki without a volume."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.all.lab import CHECKOUT, Lab, Object, tool

NAMESPACE = "istio-system"


@pytest.fixture(scope="module", autouse=True)
def addons_again(lab: Lab) -> Iterator[None]:
    """Leave the lab with its addons as they were."""
    yield
    lab.playbook("site")


@pytest.fixture(scope="module", autouse=True)
def volumes(lab: Lab, addons_again: None) -> Iterator[None]:
    """Have a volume for each new claim of Loki's: the test bed's own volume, once used, takes no other claim."""
    volume = lab.cluster.get("v1", "PersistentVolume", "lab-loki")
    spec = {key: volume["spec"][key] for key in ("capacity", "accessModes", "persistentVolumeReclaimPolicy")}
    names = [f"test-loki-{number}" for number in range(5)]
    lab.apply([
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
         "spec": {**spec, "hostPath": {"path": f"/var/lib/{name}", "type": "DirectoryOrCreate"}}}
        for name in names
    ])  # fmt: skip
    yield
    lab.kubectl("delete", f"--namespace={NAMESPACE}", "statefulset/loki", "--cascade=foreground")
    lab.kubectl("delete", f"--namespace={NAMESPACE}", "--all", "persistentvolumeclaim")
    lab.kubectl("delete", "--ignore-not-found", "persistentvolume", "lab-loki", *names)


def ready(lab: Lab, kind: str, name: str) -> Any:
    """Return the number of ready replicas of a workload."""
    return (lab.cluster.get("apps/v1", kind, name, NAMESPACE).get("status") or {}).get("readyReplicas")


def replaced(lab: Lab, kind: str, name: str, labels: dict[str, str]) -> Object:
    """Make a workload anew with another selector, as an older release's manifest has; return it."""
    live = lab.cluster.get("apps/v1", kind, name, NAMESPACE)
    spec = live["spec"]
    spec["selector"]["matchLabels"] = labels
    spec["template"]["metadata"]["labels"] = labels
    lab.kubectl("delete", f"--namespace={NAMESPACE}", f"{kind}/{name}", "--cascade=foreground")
    lab.apply([{**{key: live[key] for key in ("apiVersion", "kind", "spec")},
                "metadata": {"name": name, "namespace": NAMESPACE}}])  # fmt: skip
    return lab.cluster.get("apps/v1", kind, name, NAMESPACE)


@pytest.mark.parametrize(
    ("kind", "name"), [("Deployment", "prometheus"), ("StatefulSet", "loki")], ids=["prometheus", "loki"]
)
def test_selectors_of_an_older_release_are_replaced(lab: Lab, kind: str, name: str, measured: dict[str, Any]) -> None:
    old = replaced(lab, kind, name, {"app": f"old-{name}"})
    started = time.monotonic()
    # The old one is kubectl's, which only counts as the lab's own if told so.
    lab.playbook("site", "--tags", "addons", "-e", "addons_wait=true", "-e", "addons_adopt=true")
    new = lab.cluster.get("apps/v1", kind, name, NAMESPACE)
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert new["spec"]["selector"] != old["spec"]["selector"]
    assert ready(lab, kind, name) == 1
    measured.update(seconds=round(time.monotonic() - started, 1))


def test_a_claim_without_a_storage_class_is_said_at_once(lab: Lab, measured: dict[str, Any]) -> None:
    """The lab has no StorageClass; here it has no volume for Loki's claim either."""
    assert lab.cluster.list("storage.k8s.io/v1", "StorageClass") == []
    lab.kubectl("delete", f"--namespace={NAMESPACE}", "statefulset/loki", "--cascade=foreground")
    lab.kubectl("delete", f"--namespace={NAMESPACE}", "--all", "persistentvolumeclaim")
    lab.kubectl("delete", "--all", "persistentvolume")
    started = time.monotonic()
    done = subprocess.run(
        [tool("ansible-playbook"), "-i", str(lab.inventory), "playbooks/site.yml", "--tags", "addons",
         "-e", json.dumps({"addons_wait": True, "addons_manifests": [], "addons_names": ["loki"],
                           "addons_patches": []})],
        cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - started
    said = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "Make a StorageClass the default" in said
    assert "pod loki-0: FailedBinding: no persistent volumes available for this claim" in said
    # Its time-out is 300 s. The rest of a play is a few seconds, on a busy machine a hundred.
    assert seconds < 250
    measured.update(seconds=round(seconds, 1))
