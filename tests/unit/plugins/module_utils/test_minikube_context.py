# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says of other clusters under a profile's name stays: minikube writes over it without a word."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_context import foreign_entries
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_lifecycle import Lifecycle
from tests.unit.plugins.fake_minikube import STOPPED, FitHost, World


def of_minikube(home: str, name: str = "minikube") -> dict[str, Any]:
    """Return a kubeconfig as minikube 1.38.1 writes it."""
    note = {"provider": "minikube.sigs.k8s.io", "version": "v1.38.1"}
    profile = f"{home}/profiles/{name}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {
            "server": "https://192.168.49.2:8443", "certificate-authority": f"{home}/ca.crt",
            "extensions": [{"name": "cluster_info", "extension": note}]}}],
        "users": [{"name": name, "user": {
            "client-certificate": f"{profile}/client.crt", "client-key": f"{profile}/client.key"}}],
        "contexts": [{"name": name, "context": {
            "cluster": name, "user": name, "namespace": "tutorial",
            "extensions": [{"name": "context_info", "extension": note}]}}],
    }  # fmt: skip


def of_somebody(name: str = "minikube") -> dict[str, Any]:
    """Return a kubeconfig of a cluster that is not minikube's."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": "https://prod.example:6443"}}],
        "users": [{"name": name, "user": {"token": "the-only-copy"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


def go(world: World, check: bool = False, **options: Any) -> dict[str, Any]:
    """Run the module's work."""
    given = {"state": "started", "profile": "minikube", "start_timeout": 900.0, "driver": None, **options}
    return Lifecycle(world, given, FitHost(uid=1000), lambda _text: None).run(check)


def written(world: World, content: Any) -> Path:
    path = Path(world.kubeconfig)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("part", ["clusters", "users", "contexts"])
@pytest.mark.parametrize("check", [True, False])
def test_a_context_of_another_cluster_is_not_replaced_by_a_start(tmp_path: Path, part: str, check: bool) -> None:
    world = World(tmp_path)
    content: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", part: of_somebody()[part]}
    if part == "contexts":
        content[part][0]["context"]["cluster"] = "prod"
    written(world, content)
    with pytest.raises(
        InputError, match=rf"has {part[:-1]} minikube, not of .*minikube would replace.*delete-{part[:-1]}"
    ):
        go(world, check)
    assert world.commands() == []
    assert go(world, check, foreign=True)["changed"]


def test_nor_by_the_start_of_a_cluster_of_ours_that_was_stopped_meanwhile(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert go(world)["ours"]
    world.rows = [STOPPED]
    written(world, of_somebody())
    with pytest.raises(InputError, match="has cluster minikube and user minikube, not of"):
        go(world)
    assert world.commands() == ["start"]


def test_nor_does_it_go_with_a_cluster_of_ours(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert go(world)["ours"]
    written(world, of_somebody())
    for check in (True, False):
        with pytest.raises(InputError, match="minikube would remove that"):
            go(world, check, state="absent")
    assert world.commands() == ["start"]


def test_what_minikube_wrote_itself_is_in_nobodys_way(tmp_path: Path) -> None:
    world = World(tmp_path)
    written(
        world, {**of_minikube(world.home), "users": [*of_minikube(world.home)["users"], *of_somebody("b")["users"]]}
    )
    assert go(world)["changed"]
    world.rows = [STOPPED]
    assert go(world)["changed"]
    assert go(world, state="absent")["changed"]


def test_embedded_certificates_are_as_good_as_the_cluster_beside_them(tmp_path: Path) -> None:
    embedded = of_minikube("/nowhere")
    embedded["clusters"][0]["cluster"]["certificate-authority-data"] = "eA=="
    del embedded["clusters"][0]["cluster"]["certificate-authority"]
    embedded["users"][0]["user"] = {"client-certificate-data": "eA==", "client-key-data": "eA=="}
    path = tmp_path / "config"
    path.write_text(json.dumps(embedded))
    assert foreign_entries(str(path), "minikube", str(tmp_path / "home")) == []
    del embedded["clusters"]
    path.write_text(json.dumps(embedded))
    assert foreign_entries(str(path), "minikube", str(tmp_path / "home")) == ["user minikube"]


def test_a_context_of_another_home_of_minikubes_is_not_replaced(tmp_path: Path) -> None:
    other = tmp_path / "other/.minikube"
    (other / "profiles/minikube").mkdir(parents=True)
    path = tmp_path / "config"
    path.write_text(json.dumps(of_minikube(str(other))))
    home = str(tmp_path / "home/.minikube")
    assert foreign_entries(str(path), "minikube", home) == [], "what it leads to is gone"
    (other / "ca.crt").touch()
    (other / "profiles/minikube/client.crt").touch()
    assert foreign_entries(str(path), "minikube", home) == ["cluster minikube", "user minikube"]
    (tmp_path / "home").symlink_to(tmp_path / "other")
    assert foreign_entries(str(path), "minikube", home) == [], "it is the same home by another way"


@pytest.mark.parametrize("content", ["", "{", "- a", "clusters: 1", "clusters: [1, {name: minikube}]\nusers: {a: 1}"])
def test_a_kubeconfig_of_another_form_is_minikubes_to_refuse(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    found = foreign_entries(str(path), "minikube", str(tmp_path))
    assert found == (["cluster minikube"] if "name" in content else [])
    assert foreign_entries(str(tmp_path / "none"), "minikube", str(tmp_path)) == []


def test_others_names_are_nobodys_business(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(json.dumps(copy.deepcopy(of_somebody("prod"))))
    assert foreign_entries(str(path), "minikube", str(tmp_path)) == []
