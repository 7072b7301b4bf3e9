# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What teardown takes out of a cluster that stays: a dry run on this machine, which has no cluster."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SAMPLES = {
    "bookinfo/platform/kube/bookinfo.yaml": "Service reviews",
    "sleep/sleep.yaml": "Service sleep",
    "bookinfo/networking/bookinfo-gateway.yaml": "ConfigMap way-in",
    "addons/kiali.yaml": "Service kiali",
}
MORE = ["ConfigMap more", "Namespace of-others", "CustomResourceDefinition of.others"]
MORE_YAML = """\
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hours, annotations: {reviewed: 2026-03-01}}
data: {closes: 17:45, 9000: a}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: routes.of.others}
spec: {versions: [{schema: {openAPIV3Schema: {properties: {match: {enum: [!!str "!=", =, =~]}}}}}]}
"""
"""What Ansible's own reader of YAML refuses, or reads as something else."""


def manifest(*objects: str) -> str:
    return "\n---\n".join(
        json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})
        for kind, name in (obj.split() for obj in objects)
    )


def teardown(home: Path, given: dict[str, Any], *more: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook on this machine, in check mode."""
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "--check", "-v",
         "meshlab.istio.teardown", *more, "-e", json.dumps({"ansible_python_interpreter": sys.executable, **given})],
        cwd=home, env={**os.environ, "HOME": str(home), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(("made", "told"), [(False, False), (False, True), (True, False)])
def test_a_cluster_that_somebody_else_made_is_left_alone(tmp_path: Path, made: bool, told: bool) -> None:
    """It has a profile and a status, and no note of ours."""
    note = tmp_path / "made"
    if made:
        note.mkdir()
    profile = tmp_path / ".minikube/profiles/of-others/config.json"
    profile.parent.mkdir(parents=True)
    profile.write_text(json.dumps({"Name": "of-others", "Driver": "kvm2", "KubernetesConfig": {"ClusterName": "x"}}))
    program = tmp_path / "minikube"
    # The form of `minikube status --output json` 1.38.1 for a cluster that was stopped.
    status = {"Name": "of-others", "Host": "Stopped", "Kubelet": "Stopped", "APIServer": "Stopped",
              "Kubeconfig": "Stopped", "Worker": False}  # fmt: skip
    program.write_text(f"#!/bin/sh\necho '{json.dumps(status)}'\nexit 7\n")
    program.chmod(0o755)
    given = {"minikube_bin_dir": str(tmp_path), "minikube_profile": "of-others", "minikube_delete_foreign": told,
             "__minikube_made": str(note)}  # fmt: skip
    done = teardown(tmp_path, given, "--tags", "cluster")
    deleted = made or told
    assert ("taken for one of yours and was not touched" in done.stdout) != deleted, done.stdout
    assert ("-e minikube_delete_foreign=true" in done.stdout) != deleted
    # What comes next asks systemd, which this machine may lack.
    assert ("Stop the tunnel, and forget the start at boot" in done.stdout) == deleted, done.stdout


@pytest.mark.parametrize("role", ["bookinfo", "addons"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, role: str) -> None:
    (tmp_path / "more.yml").write_text("kind: ConfigMap\ndata: {\n")
    given = {"lab_provider": "existing", "istio_release_dir": str(tmp_path), "addons_names": [],
             f"{role}_manifests": [str(tmp_path / "more.yml")]}  # fmt: skip
    done = teardown(tmp_path, given, "--tags", role)
    assert f"{tmp_path}/more.yml is not YAML that kubectl reads: line 3, column 1: " in done.stdout, done.stdout


def test_what_was_applied_is_removed_before_istio(tmp_path: Path) -> None:
    for name, obj in SAMPLES.items():
        path = tmp_path / "release/samples" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(manifest(obj))
    (tmp_path / "more.yml").write_text(manifest(*MORE) + "\n" + MORE_YAML)
    given = {
        "lab_provider": "existing", "istio_release_dir": str(tmp_path / "release"), "addons_names": ["kiali"],
        "bookinfo_tls": True, "bookinfo_manifests": [str(tmp_path / "more.yml")],
        "addons_manifests": [str(tmp_path / "more.yml")],
    }  # fmt: skip
    done = teardown(tmp_path, given, "--tags", "bookinfo,addons,istio")
    tasks = re.findall(r"TASK \[meshlab\.istio\.(\w+) : Remove .*\n\w+: \[localhost\][^{]*=> (.*)", done.stdout)
    assert list(dict.fromkeys(role for role, _result in tasks)) == ["bookinfo", "addons", "istio"], done.stdout
    removed = [[item["object"] for item in json.loads(result)["objects"]] for _role, result in tasks[:2]]
    assert removed == [
        [
            "Namespace tutorial", "Secret istio-system/bookinfo-credential", "ConfigMap tutorial/more",
            "ConfigMap tutorial/hours",
            "Service tutorial/reviews", "Service tutorial/sleep", "ConfigMap tutorial/way-in",
        ],
        ["ConfigMap istio-system/more", "ConfigMap istio-system/hours", "Service istio-system/kiali"],
    ]  # fmt: skip
