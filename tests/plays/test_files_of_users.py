# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that roles write with Ansible's own modules: the user's are left alone, ours are kept fresh."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.plays.rehearsal import Rehearsal

MARK = "# Written by the role meshlab.istio.access."
KUBECONFIG = "apiVersion: v1\nkind: Config\n"


def role(rehearsal: Rehearsal, name: str, tasks_from: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Play one entry point of a role."""
    playbook = rehearsal.directory / "play.yml"
    include = {"ansible.builtin.import_role": {"name": f"meshlab.istio.{name}", "tasks_from": tasks_from}}
    playbook.write_text(json.dumps([{"hosts": "all", "tasks": [include]}]))
    return rehearsal.play(str(playbook), **variables)


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    rehearsal = Rehearsal(tmp_path)
    (rehearsal.home / ".kube").mkdir(parents=True)
    (rehearsal.home / ".kube/config").write_text(KUBECONFIG)
    (rehearsal.home / ".local/share/meshlab").mkdir(parents=True)
    return rehearsal


@pytest.mark.parametrize(("variable", "place"), [
    ("access_env_file", ".bashrc"), ("access_fetch_kubeconfig", "own-kubeconfig"),
])  # fmt: skip
def test_a_file_of_the_users_is_neither_replaced_nor_removed(rehearsal: Rehearsal, variable: str, place: str) -> None:
    file = rehearsal.home / place
    file.write_text("mine\n")
    done = role(rehearsal, "access", "main", **{variable: str(file)})
    assert done.returncode == 2, done.stdout
    assert f"choose another file with {variable}." in " ".join(done.stdout.split())
    if variable == "access_env_file":
        assert role(rehearsal, "access", "uninstall", access_env_file=str(file)).returncode == 0
    assert file.read_text() == "mine\n"


def test_our_own_files_are_written_again_and_the_second_run_changes_nothing(rehearsal: Rehearsal) -> None:
    environment, fetched = rehearsal.home / "lab.env", rehearsal.home / "fetched"
    # As an earlier release left them: without a mark in the kubeconfig.
    environment.write_text(f"{MARK} After `source` of this file the tutorial's commands work by hand.\nold\n")
    fetched.write_text(KUBECONFIG)
    given = {"access_env_file": str(environment), "access_fetch_kubeconfig": str(fetched)}
    done = role(rehearsal, "access", "main", **given)
    assert done.returncode == 0, done.stdout
    assert "export GATEWAY_URL=10.0.0.9:80" in environment.read_text()
    assert fetched.read_text() == f"{MARK}\n{KUBECONFIG}"
    (rehearsal.home / ".kube/config").write_text(KUBECONFIG + "current-context: lab\n")
    assert " changed=1 " in role(rehearsal, "access", "main", **given).stdout
    assert fetched.read_text().endswith("current-context: lab\n")
    assert " changed=0 " in role(rehearsal, "access", "main", **given).stdout
    assert role(rehearsal, "access", "uninstall", access_env_file=str(environment)).returncode == 0
    assert not environment.exists()


@pytest.mark.parametrize(("days", "anew"), [(1, True), (30, False), (None, True)])
def test_a_certificate_that_has_expired_is_made_anew(rehearsal: Rehearsal, days: int | None, anew: bool) -> None:
    """One of a single day is over within the next."""
    base = rehearsal.home / ".local/share/meshlab/tutorial.bookinfo.com"
    certificate = base.with_suffix(".com.crt")
    before = ""
    if days:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", "/CN=old",
             "-keyout", f"{base}.key", "-out", str(certificate)], check=True, capture_output=True,
        )  # fmt: skip
        before = certificate.read_text()
    done = role(rehearsal, "bookinfo", "tls")
    assert done.returncode == 0, done.stdout
    assert (f" changed={int(anew)} " in done.stdout, certificate.read_text() != before) == (True, anew)
    assert " changed=0 " in role(rehearsal, "bookinfo", "tls").stdout
