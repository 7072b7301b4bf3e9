# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's playbooks on a host that has nothing of a lab: what they say, and whom they ask.

Nothing here can change this machine: what is not preflight runs in check mode, and systemd's tool is a stand-in.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.unit.repository.collection import PLAYBOOKS

NAMES = sorted(path.stem for path in PLAYBOOKS)
SYSTEMCTL = """#!/bin/sh
# Of no unit anything is known.
[ "$1" = show ] || { echo "systemctl $*" >> {calls}; exit 1; }
for word; do case "$word" in *.service) printf 'NRestarts=0\\nActiveState=inactive\\nUnitFileState=\\n\\n';; esac; done
"""
ANSIBLES_OWN = re.compile(
    r"Traceback|is undefined|MODULE FAILURE|Module result deserialization|Unexpected (failure|Exc)"
)
BUNDLED = {
    "bin/minikube": "v1.38.1", "bin/kubeadm": "v1.34.4", "bin/kubelet": "v1.34.4", "bin/kubectl": "v1.34.4",
    "bin/crictl": "v1.34.0",
}  # fmt: skip


class Bare:
    """Runs playbooks against hosts that are this machine, with a home of their own that is empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        (folder / "bin").mkdir()
        (folder / "bin" / "systemctl").write_text(SYSTEMCTL.replace("{calls}", str(self.calls)))
        (folder / "bin" / "systemctl").chmod(0o755)
        files = []
        for path, version in BUNDLED.items():
            file = folder / "bundle" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path)
            checksum = hashlib.sha256(path.encode()).hexdigest()
            files.append({"path": path, "version": version, "sha256": checksum, "size": len(path)})
        bundle = {"schema": "meshlab.istio/bundle/1", "files": files}
        (folder / "bundle" / "bundle.json").write_text(json.dumps(bundle))
        self.variables: dict[str, Any] = {
            # Other tests on this machine are none of its business.
            "__host_run_lock": f"meshlab-test-{uuid4().hex}",
            "ansible_python_interpreter": sys.executable, "lab_kubeconfig": str(folder / "kubeconfig"),
            "lab_bundle": str(folder / "bundle"), "report_path": str(folder / "report"),
            "minikube_bin_dir": str(folder / "none"), "host_bin_dir": str(folder / "none"),
            "istio_bin_dir": str(folder / "none"), "access_bin_dir": str(folder / "none"),
        }  # fmt: skip

    def run(self, playbook: str, *words: str, hosts: str = "lab", **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run one of the collection's playbooks to its end."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment = {
            **inherited, "HOME": str(self.folder), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "no",
            "PATH": f"{self.folder}/bin:{inherited['PATH']}",
        }  # fmt: skip
        tool = Path(sys.executable).with_name("ansible-playbook")
        given = json.dumps({**self.variables, **variables})
        return subprocess.run(
            [str(tool), "-i", f"{hosts},", "-c", "local", "-e", given, f"meshlab.istio.{playbook}", *words],
            cwd=self.folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path)


def last_word(done: subprocess.CompletedProcess[str]) -> str:
    """Return what the last failed task said."""
    _before, _fatal, after = done.stdout.rpartition("\nfatal: [lab]: FAILED! => ")
    result, _end = json.JSONDecoder().raw_decode(after)
    return str(result["msg"])


# -- preflight ----------------------------------------------------------------------------------------


def test_preflight_names_a_taken_port_and_its_holder(bare: Bare) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = bare.run("preflight", access_port=port, minikube_memory="1000t")
    assert done.returncode == 2, done.stdout + done.stderr
    lines = last_word(done).splitlines()
    assert lines[0] == "This host is not fit for the lab:"
    assert [line[:2] for line in lines[1:]] == [f"{number}." for number in range(1, len(lines))]
    name = Path("/proc/self/comm").read_text().strip()
    assert f"port {port} (gateway) is taken by {name} (process {os.getpid()}" in last_word(done)
    # Of the cluster's and of the rest in one message.
    assert "`memory` asks for" in last_word(done)


def preflight_of_a_host_that_is_not_fit(bare: Bare, **variables: Any) -> str:
    """Return what it says: that a port is taken, and what else there is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return last_word(bare.run("preflight", access_port=server.getsockname()[1], **variables))


@pytest.mark.parametrize("bundle", ["", "/bundle"])
def test_preflight_misses_nothing_that_a_bundle_brings(bare: Bare, bundle: str) -> None:
    said = preflight_of_a_host_that_is_not_fit(bare, minikube_driver="none", lab_bundle=bundle)
    assert ("crictl is not installed" in said) == (not bundle and not shutil.which("crictl"))


def test_preflight_warns_with_force_of_what_site_would_warn_of(bare: Bare) -> None:
    """The module minikube goes on then, and so does minikube; what minikube checks in any case is still a problem."""
    force = {"force": True}
    said = bare.run("preflight", minikube_memory="1000t", minikube_options=force)
    assert "`memory` asks for" in said.stderr
    assert "`memory` asks for" not in (last_word(said) if said.returncode else "")
    refused = bare.run("preflight", minikube_driver="none", minikube_profile="lab", minikube_options=force)
    assert "the none driver knows no profile lab" in last_word(refused)


@pytest.mark.skipif(os.getuid() != 0, reason="only root is refused")
@pytest.mark.parametrize("force", [False, True])
def test_preflight_asks_for_what_site_would(bare: Bare, force: bool) -> None:
    said = preflight_of_a_host_that_is_not_fit(bare, minikube_driver="docker", minikube_options={"force": force})
    assert ("set `force: true` (with the collection's playbooks in `minikube_options`)" in said) != force


def test_preflight_of_a_cluster_that_is_there_asks_nothing_of_minikube(bare: Bare) -> None:
    done = bare.run("preflight", lab_provider="existing", lab_context="kind-kind")
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"the kubeconfig {bare.folder}/kubeconfig cannot be read: No such file or directory" in last_word(done)
    assert not re.search("docker|CPU|memory|minikube", last_word(done))


def test_site_ends_with_a_taken_port_before_anything_is_touched(bare: Bare) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = bare.run("site", "--check", access_ports={"kiali": port}, lab_bundle="")
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"port {port} (kiali) is taken by" in last_word(done)
    assert "Bring " not in done.stdout


# -- any playbook -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if name != "site"])
def test_check_on_a_bare_host_ends_in_a_sentence(bare: Bare, name: str) -> None:
    done = bare.run(name, "--check")
    assert not ANSIBLES_OWN.search(done.stdout + done.stderr), done.stdout + done.stderr
    assert done.returncode in (0, 2)
    if done.returncode:
        assert re.search(r"^(?:[a-z_]+: )?[A-Z].* .*\.$", last_word(done), re.DOTALL)
    assert not bare.calls.exists()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "provider": ({"lab_provider": "typo"}, "There is no lab_provider 'typo'. Choose one of: minikube, existing."),
    "preset": ({"lab_preset": "turtorial"}, "There is no lab_preset 'turtorial'. Choose one of: "),
    "profile": ({"minikube_profile": "my_lab"}, "minikube takes no profile (minikube_profile) of the name 'my_lab'. "),
    "home": ({"minikube_options": {"minikube_home": "lab"}}, "minikube_home is 'lab', and minikube would look for it"),
}


@pytest.mark.parametrize(
    ("name", "word"),
    [(name, "provider") for name in NAMES] + [("teardown", word) for word in WRONG if word != "provider"],
)
def test_a_wrong_word_is_said_before_anything_else(bare: Bare, name: str, word: str) -> None:
    given, sentence = WRONG[word]
    done = bare.run(name, "--skip-tags", "cluster", **{"lab_bundle": "", **given})
    assert done.returncode == 2, done.stdout + done.stderr
    assert last_word(done).startswith(sentence)
    assert re.findall(r"^TASK \[(.*?)\]", done.stdout, re.MULTILINE) == [
        "Gathering Facts", "meshlab.istio.host : See that all that is asked for can be had",
    ]  # fmt: skip
    assert not bare.calls.exists()


def test_limit_leaves_the_other_host_alone(bare: Bare) -> None:
    done = bare.run("status", "--check", "--limit", "lab", hosts="lab,other")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^(\w+) +: ok=", done.stdout, re.MULTILINE) == ["lab"]
    assert "[other]" not in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_tasks_and_tags_can_be_listed_and_chosen(bare: Bare, name: str) -> None:
    listed = bare.run(name, "--list-tasks", "--list-tags", "--list-hosts", "--limit", "lab", hosts="lab,other")
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert re.search(r"hosts \(1\):\n +lab\n", listed.stdout)
    every = tasks(listed.stdout)
    assert every
    (tags,) = re.findall(r"TASK TAGS: \[(.*)\]", listed.stdout)
    for tag in filter(None, tags.split(", ")):
        chosen = bare.run(name, "--list-tasks", "--tags", tag)
        assert chosen.returncode == 0, chosen.stdout + chosen.stderr
        assert tasks(chosen.stdout) <= every
        assert tasks(chosen.stdout), tag


def tasks(listed: str) -> set[str]:
    return set(re.findall(r"^      (\S.*?)\tTAGS:", listed, re.MULTILINE))
