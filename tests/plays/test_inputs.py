# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be had is said in one sentence before anything is touched: site.yml against this bare machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.plugin_utils.test_sources import make_bundle

FACTS = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        facts = {"architecture": "riscv64", "user_id": "root", "user_dir": "/root"}
        return {"ansible_facts": {f"ansible_{name}": value for name, value in facts.items()}}
"""
FILES = ("bin/kubectl", "bin/minikube", "bin/kubeadm", "bin/kubelet", "istio-1.31-dev/bin/istioctl")


def said(folder: Path, *words: str, **variables: Any) -> str:
    """Return what a run of the whole site ends with, after it has touched nothing."""
    home = folder / "home"
    home.mkdir()
    (folder / "bundle").mkdir()
    make_bundle(folder / "bundle", dict.fromkeys(FILES, "a program"))
    tool = Path(sys.executable).with_name("ansible-playbook")
    given = json.dumps({"ansible_python_interpreter": sys.executable, **variables})
    done = subprocess.run(
        [tool, "-i", "localhost,", "-c", "local", "meshlab.istio.site", "-e", given, *words],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={
            **os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PWD": str(folder),
            "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_ACTION_PLUGINS": str(folder / "action_plugins"), "ANSIBLE_REMOTE_TMP": str(folder / "tmp"),
        },
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert "changed=0 " in done.stdout
    assert list(home.iterdir()) == []
    assert not (folder / "meshlab-report").exists()
    last = next(line for line in done.stdout.splitlines() if line.startswith("fatal: "))
    message: str = json.loads(last.partition(" => ")[2])["msg"]
    return message


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("lab_provider", "typo", "There is no lab_provider 'typo'. Choose one of: minikube, existing."),
        # A role, but none that makes a cluster.
        ("lab_provider", "istio", "There is no lab_provider 'istio'. Choose one of: minikube, existing."),
        ("lab_preset", "turtorial", "There is no lab_preset 'turtorial'. Choose one of: fleet, small, tutorial-1.19"),
        ("istio_version", "9.9", "istio_version: the collection has no checksum for 9.9. Choose one of: 1.30.3"),
        ("minikube_version", "v9", "minikube_version: the collection has no checksum for v9. Choose one of: v1.38.1"),
        ("minikube_kubernetes_version", "v9", "minikube_kubernetes_version: there is no Kubernetes v9. Choose"),
        ("host_kubectl_version", "v1.0.0", "host_kubectl_version: the collection has no checksum for v1.0.0. Choose"),
        ("lab_bundle", "/nowhere", "lab_bundle names /nowhere, which is no usable bundle: "),
    ],
)  # fmt: skip
def test_a_word_that_is_not_there_to_choose(tmp_path: Path, variable: str, value: str, sentence: str) -> None:
    assert said(tmp_path, **{variable: value}).startswith(sentence)


def test_all_problems_are_said_at_once_and_in_check_mode_too(tmp_path: Path) -> None:
    message = said(tmp_path, "--check", lab_provider="typo", lab_preset="larg", istio_version="9.9")
    assert [part in message for part in ("no lab_provider 'typo'", "no lab_preset 'larg'", "istio_version: ")] == [
        True
    ] * 3


def test_versions_that_a_bundle_does_not_have(tmp_path: Path) -> None:
    versions = {"minikube_version": "v1.2", "minikube_kubernetes_version": "v1.3", "istio_version": "1.19.3"}
    bundle = tmp_path / "bundle"
    assert said(tmp_path, lab_bundle=str(bundle), minikube_driver="docker", **versions) == (
        f"host_kubectl_version: The bundle {bundle} has bin/kubectl in version v1.2, and v1.3 is asked for. Ask for "
        "the bundle's version, or make a bundle with the other one. "
        f"minikube_kubernetes_version: The bundle {bundle} has bin/kubeadm in version v1.2, and v1.3 is asked for. Ask "
        "for the bundle's version, or make a bundle with the other one. "
        f"istio_version: The bundle {bundle} has no folder istio-1.19.3. Make a bundle that has it, or ask for one of: "
        "istio-1.31-dev. "
        "minikube_driver is docker, and a bundle's images are only loaded with the driver none. Choose "
        "minikube_driver=none, or leave lab_bundle out."
    )


def test_an_architecture_without_releases(tmp_path: Path) -> None:
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins/gather_facts.py").write_text(FACTS)
    assert said(tmp_path) == (
        "The collection has no releases for this host's architecture riscv64, only for amd64 and arm64. Bring its "
        "files in a bundle (lab_bundle)."
    )


def test_what_a_cluster_that_is_there_does_not_need(tmp_path: Path) -> None:
    message = said(tmp_path, lab_provider="existing", minikube_version="v9", istio_version="9.9")
    assert message.startswith("istio_version: ")
