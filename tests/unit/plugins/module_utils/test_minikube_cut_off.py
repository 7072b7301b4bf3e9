# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose first start was killed while kubeadm was at work: minikube calls it finished, and it is not.

Seen with minikube 1.38.1 and the driver none; what is asked and answered here is what that API server said.
"""

from __future__ import annotations

import json
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube as minikube
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_api import (
    BUILT_IN,
    MADE_LAST,
    cluster_uid,
    cut_off,
)
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_health import find
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_lifecycle import Lifecycle
from tests.unit.plugins.fake_minikube import PROFILE, RUNNING, STOPPED, FitHost, World
from tests.unit.plugins.loopback import Authority, Reply, Seen, Server


class Cut(World):
    """A cluster that was cut off until it is deleted, with an API server."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.there: dict[str, Any] = {}
        self.spaces = set(BUILT_IN)
        self.pods: set[str] = set()
        authority = Authority(directory)
        context = authority.server_context("127.0.0.1", clients=True)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.server = Server(self.say, context=context)
        self.client = authority.issue("minikube-user")
        Path(self.home).mkdir(parents=True, exist_ok=True)
        shutil.copy(authority.path, Path(self.home, "ca.crt"))

    def say(self, seen: Seen) -> Reply:
        """Answer as an API server does."""
        lists = {"/api/v1/namespaces": self.spaces, "/api/v1/namespaces/default/pods": self.pods}
        if seen.path in lists:
            return Reply(
                body=json.dumps({"items": [{"metadata": {"name": each}} for each in lists[seen.path]]}).encode()
            )
        value = self.there.get(seen.path)
        if isinstance(value, Reply):
            return value
        return Reply(body=b"{}") if value else Reply(404, b'{"kind": "Status"}')

    def store(self, **changes: Any) -> dict[str, Any]:
        """Write the profile, with this API server's address and a client's certificate."""
        node = {**PROFILE["Nodes"][0], "IP": "127.0.0.1", "Port": self.server.port}
        config = super().store(**{"Nodes": [node], **changes})
        for name in ("client.crt", "client.key"):
            shutil.copy(self.client, Path(self.profile_file("minikube")).parent / name)
        return config

    def do_delete(self, arguments: list[str]) -> None:
        """Delete. What is made after that is whole."""
        super().do_delete(arguments)
        self.there = dict.fromkeys(MADE_LAST, True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Cut]:
    world = Cut(tmp_path)
    world.store()
    world.rows = [RUNNING]
    world.own()
    with world.server:
        yield world


def go(world: World, check: bool = False, **options: Any) -> dict[str, Any]:
    """Run the module's work."""
    given = {"state": "started", "profile": "minikube", "start_timeout": 900.0, "driver": None, **options}
    return Lifecycle(world, given, FitHost(uid=1000), lambda _text: None).run(check)


def look(world: Cut) -> tuple[bool, list[str]]:
    """Ask the API server."""
    return cut_off("127.0.0.1", world.server.port, world.home, "minikube")


@pytest.mark.parametrize("there", [{MADE_LAST[0]}, {MADE_LAST[1]}, set(MADE_LAST)])
def test_a_cluster_that_lacks_only_one_of_the_two_was_changed_by_its_user(world: Cut, there: set[str]) -> None:
    world.there = dict.fromkeys(there, True)
    assert look(world) == (False, [])
    assert find(world, "minikube").state == "started"


def test_what_is_in_use_is_named(world: Cut) -> None:
    assert look(world) == (True, [])
    world.spaces |= {"shop", "bank"}
    world.pods = {"a"}
    assert look(world) == (True, ["bank", "shop", "default/a"])


@pytest.mark.parametrize(
    "odd", [Reply(403, b"{}"), Reply(200, b"<html>"), Reply(200, b"[]"), Reply(raw=b"HTTP/1.1 2"), Reply(500)]
)
def test_an_answer_of_another_kind_tells_nothing(world: Cut, odd: Reply) -> None:
    world.there = {MADE_LAST[1]: odd}
    assert look(world) == (False, [])
    world.there = {MADE_LAST[0]: odd}
    assert look(world) == (False, [])


def test_a_list_of_another_form_tells_nothing(world: Cut) -> None:
    world.spaces = {None}  # type: ignore[arg-type]
    assert look(world)[0]
    world.server.script = lambda seen: Reply(body=b'{"items": 5}') if "/v1/namespaces" in seen.path else Reply(404)
    assert look(world) == (False, [])


def test_the_uid_of_the_cluster_is_that_of_kube_system(world: Cut) -> None:
    where = ("127.0.0.1", world.server.port, world.home, "minikube")
    assert cluster_uid(*where) == ""
    for body, uid in ((b'{"metadata": {"uid": "one"}}', "one"), (b"{}", ""), (b'{"metadata": 5}', ""), (b"[]", "")):
        world.there = {"/api/v1/namespaces/kube-system": Reply(200, body)}
        assert cluster_uid(*where) == uid
    assert cluster_uid("127.0.0.1", 700000, world.home, "minikube") == ""
    assert cut_off("127.0.0.1", 700000, world.home, "minikube") == (False, [])


def test_no_certificate_of_a_client_tells_nothing(world: Cut) -> None:
    (Path(world.profile_file("minikube")).parent / "client.key").unlink()
    assert look(world) == (False, [])


def test_it_is_found_although_minikube_calls_it_running(world: Cut) -> None:
    found = find(world, "minikube")
    assert (found.state, found.exists, found.cut_off, found.used) == ("incomplete", False, True, [])
    assert "cut off while kubeadm made the control plane" in found.sentence("minikube")


@pytest.mark.parametrize(
    ("target", "way"),
    [("started", "delete start"), ("paused", "delete start pause"), ("absent", "delete"), ("stopped", "stop")],
)
def test_nobody_uses_it_so_it_is_made_anew(world: Cut, target: str, way: str) -> None:
    foretold = go(world, check=True, state=target)
    assert world.commands() == []
    result = go(world, state=target)
    assert world.commands() == way.split()
    assert result["diff"] == foretold["diff"]
    assert (result["changed"], result["before"]["state"], result["after"]["state"]) == (True, "incomplete", target)
    assert bool(result["lost"]) == (target != "stopped")
    if target == "started":
        assert go(world)["changed"] is False


def test_somebody_uses_it_so_that_is_asked_for(world: Cut) -> None:
    world.spaces |= {"shop"}
    for check in (True, False):
        with pytest.raises(InputError, match=r"kube-proxy\. .* in use already: shop\. Set `recreate: true`"):
            go(world, check=check)
    assert world.commands() == []
    assert go(world, recreate=True)["after"] == {"state": "started"}
    assert world.commands() == ["delete", "start"]


def test_a_start_that_ends_in_one_is_done_again(world: Cut) -> None:
    """Before it, the API server did not run, so nothing could be seen."""
    world.rows = [STOPPED]
    result = go(world)
    assert world.commands() == ["start", "delete", "start"]
    assert result["after"] == {"state": "started"}
    assert "cut off" in result["warnings"][0]
    assert result["warnings"][0].endswith("It was deleted and started anew.")


def test_one_that_is_cut_off_again_is_an_error(world: Cut) -> None:
    world.rows = [STOPPED]
    delete = world.do_delete

    def worse(arguments: list[str]) -> None:
        delete(arguments)
        world.there = {}

    world.do_delete = worse  # type: ignore[method-assign]
    with pytest.raises(CommandError, match="but the cluster minikube is incomplete: its first start was cut off"):
        go(world)
    assert world.commands() == ["start", "delete", "start"]


# -- a damaged profile is mended for its deletion ---------------------------------------------------

MACHINE = {"DriverName": "none", "Driver": {"ContainerRuntime": "containerd"}}
"""As the driver none writes it (machines/minikube/config.json), without what is not read."""


def machine(world: World, name: str, content: Any) -> None:
    """Write the file of a machine."""
    path = Path(world.home, "machines", name, "config.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_a_damaged_profile_is_mended_before_it_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """minikube would leave the cluster of one that it cannot read."""
    world = World(tmp_path)
    world.store()
    world.rows = [RUNNING]
    world.own()
    Path(world.profile_file("minikube")).write_text("{broken")
    monkeypatch.setattr(minikube, "KUBERNETES_BINARIES", str(tmp_path / "binaries"))
    for version in ("v1.9.3", "v1.34.4"):
        (tmp_path / "binaries" / version).mkdir(parents=True)
    machine(world, "minikube", MACHINE)
    machine(world, "minikube-m02", MACHINE)
    machine(world, "minikube-other", MACHINE)
    seen: list[Any] = []
    delete = world.do_delete
    world.do_delete = lambda arguments: (seen.append(world.read_profile("minikube")), delete(arguments))  # type: ignore
    go(world, state="absent")
    assert seen == [
        {
            "Name": "minikube", "Driver": "none",
            "KubernetesConfig": {
                "ClusterName": "minikube", "ContainerRuntime": "containerd", "KubernetesVersion": "v1.34.4",
            },
            "Nodes": [
                {"Name": "", "ControlPlane": True, "Worker": True},
                {"Name": "m02", "ControlPlane": False, "Worker": True},
            ],
        }
    ]  # fmt: skip


@pytest.mark.parametrize("content", [None, "{broken", "[]", "{}", '{"DriverName": "kvm2", "Driver": 5}'])
def test_without_its_machine_it_stays_as_it_is(tmp_path: Path, content: str | None) -> None:
    world = World(tmp_path)
    world.store()
    path = Path(world.profile_file("minikube"))
    path.write_text("{broken")
    if content is not None:
        machine(world, "minikube", content)
    world.mend_profile("minikube")
    assert path.read_text() == "{broken"
