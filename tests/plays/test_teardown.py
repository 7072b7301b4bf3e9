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

from ansible_collections.meshlab.istio.plugins.module_utils._minikube import Minikube
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_owner import Note

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
IN_A_LIST = ["ConfigMap listed", "Namespace of-others-too", "CustomResourceDefinition also.of.others"]


def manifest(*objects: str) -> str:
    return "\n---\n".join(
        json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})
        for kind, name in (obj.split() for obj in objects)
    )


def teardown(
    home: Path, given: dict[str, Any], *more: str, playbook: str = "teardown"
) -> subprocess.CompletedProcess[str]:
    """Run the playbook on this machine, in check mode."""
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "--check", "-v",
         f"meshlab.istio.{playbook}", *more, "-e", json.dumps({"ansible_python_interpreter": sys.executable, **given})],
        cwd=home, env={**os.environ, "HOME": str(home), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


STATES: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "stopped": ({}, {"Host": "Stopped"}),
    "with half a CPU": ({"CPUs": "4.5"}, {"Host": "Stopped"}),
    "without a host": ({}, None),
}
"""What a profile holds beside the usual, and what `minikube status` says of it."""


def cluster(home: Path, state: str, *, noted: bool) -> dict[str, Any]:
    """Write a profile, a note of ours if it is to be ours, and a minikube; return the variables that name them."""
    config, status = STATES[state]
    profile = home / ".minikube/profiles/of-others/config.json"
    profile.parent.mkdir(parents=True)
    profile.write_text(
        json.dumps({"Name": "of-others", "Driver": "kvm2", "KubernetesConfig": {"ClusterName": "x"}, **config})
    )
    (home / ".minikube/ca.crt").touch()
    (profile.parent / "client.crt").touch()
    # An earlier version noted the name alone, before the start.
    (home / ".local/share/meshlab/clusters/of-others").mkdir(parents=True)
    if noted:
        Note(Minikube(home=str(home)), "of-others").finished("kvm2", {}, started=True)
    program = home / "minikube"
    # The form of `minikube status --output json` 1.38.1 for a cluster that was stopped.
    rows = {"Name": "of-others", "Kubelet": "Stopped", "APIServer": "Stopped", "Kubeconfig": "Stopped",
            "Worker": False, **status} if status else None  # fmt: skip
    program.write_text(f"#!/bin/sh\necho '{json.dumps(rows)}'\nexit 7\n")
    program.chmod(0o755)
    return {"minikube_bin_dir": str(home), "minikube_profile": "of-others"}


@pytest.mark.parametrize(("noted", "told"), [(False, False), (False, True), (True, False)])
@pytest.mark.parametrize("state", STATES)
def test_a_cluster_that_somebody_else_made_is_left_alone(tmp_path: Path, state: str, noted: bool, told: bool) -> None:
    given = cluster(tmp_path, state, noted=noted)
    done = teardown(tmp_path, {**given, "minikube_delete_foreign": told}, "--tags", "cluster,access")
    deleted = noted or told
    assert ("taken for one of yours and was not touched" in done.stdout) != deleted, done.stdout
    assert ("-e minikube_delete_foreign=true" in done.stdout) != deleted
    # What comes next asks systemd, which this machine may lack.
    assert ("meshlab.istio.access : " in done.stdout) == deleted, done.stdout


@pytest.mark.parametrize("noted", [False, True])
def test_stop_asks_whose_it_is_before_it_stops_anything(tmp_path: Path, noted: bool) -> None:
    given = cluster(tmp_path, "stopped", noted=noted)
    (tmp_path / "minikube").write_text(
        (tmp_path / "minikube").read_text().replace('"Host": "Stopped"', '"Host": "Running"')
    )
    done = teardown(tmp_path, given, playbook="stop")
    assert ("call `minikube stop --profile of-others`" in done.stdout) != noted, done.stdout
    assert ("meshlab.istio.access : " in done.stdout) == noted, done.stdout


def test_no_profile_is_no_cluster(tmp_path: Path) -> None:
    """minikube would take it for its default, and the folder of all notes was taken for the note."""
    for playbook in ("teardown", "stop"):
        done = teardown(tmp_path, {"minikube_profile": ""}, playbook=playbook)
        assert done.returncode == 2
        assert "minikube takes no profile (minikube_profile) of the name ''" in done.stdout
        assert len(re.findall(r"^TASK \[meshlab", done.stdout, re.MULTILINE)) == 1, done.stdout


def test_teardown_without_the_cluster_asks_what_goes_with_istio(tmp_path: Path) -> None:
    done = teardown(tmp_path, {"lab_provider": "existing"}, "--skip-tags", "cluster", "--list-tasks")
    tasks = re.findall(r"^      (\S.*?)\tTAGS:", done.stdout, re.MULTILINE)
    asked = tasks.index("meshlab.istio.istio : See that none of them would go with Istio")
    removing = [index for index, task in enumerate(tasks) if re.search(r": (Stop|Remove|Uninstall) ", task)]
    assert asked < min(removing)


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
    items = [json.loads(manifest(obj)) for obj in IN_A_LIST]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    (tmp_path / "more.yml").write_text(f"{manifest(*MORE)}\n{MORE_YAML}---\n{listed}\n")
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
            "ConfigMap tutorial/hours", "ConfigMap tutorial/listed",
            "Service tutorial/reviews", "Service tutorial/sleep", "ConfigMap tutorial/way-in",
        ],
        [
            "ConfigMap istio-system/more", "ConfigMap istio-system/hours", "ConfigMap istio-system/listed",
            "Service istio-system/kiali",
        ],
    ]  # fmt: skip
