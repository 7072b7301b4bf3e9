# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role minikube reads MINIKUBE_HOME as its module does: tunnel, start at boot and bundle find the cluster."""

from __future__ import annotations

import posixpath
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.unit.plugins.module_utils.test_minikube import HOMES
from tests.unit.repository.collection import ROOT

ROLE = ROOT / "roles" / "minikube"


def role(name: str, options: dict[str, Any], **environment: str) -> Any:
    """Return a variable of the role, for a user ada with this environment on a 64-bit host."""
    facts = {"user_dir": "/home/ada", "user_id": "ada", "architecture": "x86_64", "env": environment}
    loader = DataLoader()
    files = (str(ROLE / part / "main.yml") for part in ("defaults", "vars"))
    defaults, private = (loader.load_from_file(file, trusted_as_template=True) for file in files)
    given = {"ansible_facts": facts, "minikube_options": options, "minikube_kubernetes_version": "v1.34.4",
             "minikube_kubeconfig": "/home/ada/.kube/config"}  # fmt: skip
    templar = Templar(loader, variables={**defaults, **private, **given})
    return templar.template(trust_as_template(f"{{{{ {name} }}}}"))


@pytest.mark.parametrize("given", HOMES)
def test_it_is_the_modules(given: str) -> None:
    for home in (
        role("__minikube_home", {"minikube_home": given}, MINIKUBE_HOME="/another"),
        role("__minikube_home", {}, MINIKUBE_HOME=given),
    ):
        assert posixpath.normpath("/" + home.lstrip("/")) == HOMES[given]
        assert posixpath.basename(home) == ".minikube", "so that minikube takes it as it is"


@pytest.mark.parametrize(
    ("given", "home"), [(None, "/home/ada"), ("", "/home/ada"), ("~", "/home/ada"), ("~/lab/", "/home/ada/lab")]
)
def test_what_the_hosts_user_fills_in(given: str | None, home: str) -> None:
    assert role("__minikube_home", {"minikube_home": given}) == f"{home}/.minikube"
    assert role("__minikube_cache", {"minikube_home": given}) == f"{home}/.minikube/cache/linux/amd64/v1.34.4"
    assert role("__minikube_environment", {"minikube_home": given})["MINIKUBE_HOME"] == f"{home}/.minikube"


def test_without_options_it_is_the_users_home() -> None:
    assert role("__minikube_home", {}) == "/home/ada/.minikube"
