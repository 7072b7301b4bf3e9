# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a cluster is: what the module made it may take, what somebody else made it leaves as it is, in every state."""

from __future__ import annotations

import json
import shutil
import stat
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_owner as owner
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_lifecycle import Lifecycle
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_owner import Note
from tests.unit.plugins.fake_minikube import PAUSED, RUNNING, STOPPED, FitHost, World, event, node

ENGINES = owner.ENGINES
YOURS = "so it is taken for one of yours and was not touched"
SICK = node("Running", "Stopped", "Stopped", "Configured")
FAILED = {"rc": 80, "stdout": event("error", exitcode="80", name="GUEST_PROVISION", message="no disk"), "stderr": ""}


def go(world: World, check: bool = False, **options: Any) -> dict[str, Any]:
    """Run the module's work."""
    given = {"state": "started", "profile": "minikube", "start_timeout": 900.0, "driver": None, **options}
    return Lifecycle(world, given, FitHost(uid=1000), lambda _text: None).run(check)


def config(world: World) -> Path:
    return Path(world.profile_file("minikube"))


def by_hand(world: World, **stored: Any) -> World:
    """Make a cluster as its user does with minikube itself."""
    world.store(**stored)
    world.rows = [RUNNING]
    return world


STATES: dict[str, Callable[[World], Any]] = {
    "running": lambda world: None,
    "stopped": lambda world: setattr(world, "rows", [STOPPED]),
    "paused": lambda world: setattr(world, "rows", [PAUSED]),
    "degraded": lambda world: setattr(world, "rows", [SICK]),
    "without a host": lambda world: setattr(world, "rows", []),
    "cut off in its middle": lambda world: config(world).write_text(config(world).read_text()[:200]),
    "with half a CPU": lambda world: world.write({**json.loads(config(world).read_text()), "CPUs": "4.5"}),
    "of nothing": lambda world: config(world).write_text("{}"),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_cluster_of_somebody_else_is_not_deleted_in_any_state(tmp_path: Path, state: str) -> None:
    world = by_hand(World(tmp_path))
    STATES[state](world)
    for check in (True, False):
        with pytest.raises(InputError, match=YOURS) as caught:
            go(world, check, state="absent")
        assert "`-e minikube_delete_foreign=true`" in caught.value.message
    assert world.commands() == []
    assert config(world).exists()
    assert go(world, state="absent", foreign=True)["changed"]
    assert "delete" in world.commands()


@pytest.mark.parametrize("state", STATES)
def test_a_cluster_of_ours_is_deleted_in_any_state(tmp_path: Path, state: str) -> None:
    world = World(tmp_path)
    assert go(world)["ours"]
    STATES[state](world)
    assert go(world, state="absent")["changed"]
    assert world.commands()[-1] == "delete"
    assert not Path(config(world).parent).exists()


@pytest.mark.parametrize(("state", "target"), [("running", "stopped"), ("degraded", "stopped"), ("running", "paused")])
def test_a_cluster_of_somebody_else_is_not_put_to_sleep(tmp_path: Path, state: str, target: str) -> None:
    world = by_hand(World(tmp_path))
    STATES[state](world)
    for check in (True, False):
        with pytest.raises(InputError, match=f"{YOURS}. To .* it, call `minikube (stop|pause) --profile minikube`"):
            go(world, check, state=target)
    assert world.commands() == []


@pytest.mark.parametrize(
    "options",
    [
        {"kubernetes_version": "v1.34.4"},
        {"kubernetes_version": "v1.34.4", "recreate": True},
        {"addons": ["ingress"]},
        {"extra_config": ["kubelet.max-pods=200"]},
        {"memory": "12g"},
        {"memory": "12g", "recreate": True},
    ],
)
@pytest.mark.parametrize("state", ["running", "stopped", "paused"])
def test_a_cluster_of_somebody_else_is_neither_changed_nor_replaced(
    tmp_path: Path, options: dict[str, Any], state: str
) -> None:
    world = by_hand(World(tmp_path))
    stored = json.loads(config(world).read_text())
    stored["KubernetesConfig"]["KubernetesVersion"] = "v1.31.14"
    world.write(stored)
    STATES[state](world)
    for check in (True, False):
        with pytest.raises(InputError, match=YOURS) as caught:
            go(world, check, **options)
        (drift,) = caught.value.details["drift"]
        assert f"{drift['option']} is {drift['old']!r}, asked for {drift['new']!r}" in caught.value.message
        assert "give the settings that it has" in caught.value.message
    assert world.commands() == []
    # As it is, it is used, and it stays its user's.
    used = go(world, kubernetes_version="v1.31.14", memory="4g")
    assert (used["after"]["state"], used["ours"]) == ("started", False)
    with pytest.raises(InputError, match=YOURS):
        go(world, state="absent")


def test_an_upgrade_of_a_foreign_cluster_that_is_asked_for(tmp_path: Path) -> None:
    world = by_hand(World(tmp_path))
    assert go(world, kubernetes_version="v1.35.1", foreign=True)["changed"]
    assert world.commands() == ["start"]
    with pytest.raises(InputError, match=YOURS):
        go(world, state="absent")


@pytest.mark.parametrize("state", ["cut off in its middle", "with half a CPU", "of nothing"])
def test_a_damaged_profile_of_somebody_else_is_not_replaced(tmp_path: Path, state: str) -> None:
    world = by_hand(World(tmp_path))
    STATES[state](world)
    with pytest.raises(InputError, match=YOURS):
        go(world, recreate=True)
    assert world.commands() == []
    # What replaces it is ours.
    assert go(world, recreate=True, foreign=True)["ours"]
    assert world.commands() == ["delete", "start"]
    assert go(world, state="absent")["changed"]


def test_the_note_is_the_owners_alone_and_a_second_run_leaves_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    go(world, check=True)
    note = Path(Note(world, "minikube").path)
    assert not note.exists()
    go(world)
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert sorted(path.name for path in note.parent.iterdir()) == ["client.crt", "config.json", "meshlab.json"]
    before = note.stat()
    assert not go(world)["changed"]
    assert note.stat() == before


def test_a_cluster_made_again_by_hand_under_the_name_is_its_users(tmp_path: Path) -> None:
    world = World(tmp_path)
    go(world)
    world.do_delete([])
    by_hand(world)
    with pytest.raises(InputError, match="carries no note"):
        go(world, state="absent")


# -- a first start that fails -----------------------------------------------------------------------


def half_made(world: World) -> World:
    """Let our first start fail once the profile is stored, as one that cannot get an image does."""
    start = world.do_start

    def fails(arguments: list[str]) -> None:
        start(arguments)
        world.rows = []
        raise CommandError("minikube start failed.", cmd=[], rc=80, stdout="", stderr="", steps=[])

    world.do_start = fails  # type: ignore[method-assign]
    with pytest.raises(CommandError):
        go(world)
    world.do_start = start  # type: ignore[method-assign]
    return world


def test_after_a_first_start_that_stored_nothing_a_cluster_made_by_hand_stays(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.fails["start"] = FAILED
    with pytest.raises(CommandError):
        go(world)
    assert not config(world).parent.exists()
    by_hand(world)
    with pytest.raises(InputError, match=YOURS):
        go(world, state="absent")
    assert "delete" not in world.commands()


@pytest.mark.parametrize("state", ["without a host", "degraded", "stopped", "running"])
def test_a_half_made_cluster_of_ours_may_be_deleted_or_finished(tmp_path: Path, state: str) -> None:
    world = half_made(World(tmp_path))
    STATES[state](world)
    assert go(world, check=True, state="absent")["changed"]
    assert go(world)["ours"]
    # It is finished: changes of its user's to the profile are no start of somebody else's any more.
    world.write(json.loads(config(world).read_text()))
    assert go(world, state="absent")["changed"]
    again = half_made(World(tmp_path))
    assert go(again, state="absent")["changed"]
    assert not config(again).exists()


def test_a_half_made_cluster_that_its_user_went_on_with_stays(tmp_path: Path) -> None:
    world = half_made(World(tmp_path))
    time.sleep(0.01)
    world.do_start([])
    for target in ("absent", "stopped"):
        with pytest.raises(InputError, match=f"began the minikube cluster .* somebody changed it since, {YOURS}"):
            go(world, state=target)
    assert not go(world)["ours"]
    assert world.commands() == ["start"]


def test_a_start_that_is_interrupted_leaves_the_note_of_what_it_began(tmp_path: Path) -> None:
    world = World(tmp_path)
    start = world.do_start

    def interrupted(arguments: list[str]) -> None:
        start(arguments)
        raise SystemExit(130)

    world.do_start = interrupted  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        go(world)
    assert go(world, state="absent")["changed"]


def test_the_note_is_there_before_the_start_ends_as_a_module_may_be_killed(tmp_path: Path) -> None:
    world = World(tmp_path)
    start, note = world.do_start, Path(Note(world, "minikube").path)

    def slow(arguments: list[str]) -> None:
        start(arguments)
        end = time.monotonic() + 20
        while not note.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert json.loads(note.read_text())["finished"] is False
        assert stat.S_IMODE(note.stat().st_mode) == 0o600

    world.do_start = slow  # type: ignore[method-assign]
    assert go(world)["ours"]
    assert json.loads(note.read_text())["finished"] is True


def test_a_start_of_ours_that_makes_the_machine_anew_and_fails_keeps_it_ours(tmp_path: Path) -> None:
    world = World(tmp_path)
    go(world)
    world.rows = [SICK]

    def fails(_arguments: list[str]) -> None:
        Path(world.home, "machines/minikube/id_rsa.pub").write_text("another")
        raise CommandError("minikube start failed.", cmd=[], rc=80, stdout="", stderr="", steps=[])

    world.do_start = fails  # type: ignore[method-assign]
    with pytest.raises(CommandError):
        go(world)
    assert go(world, state="absent")["changed"]


# -- a note that is of another cluster --------------------------------------------------------------


def no_note(world: World) -> None:
    Path(Note(world, "minikube").path).unlink()


OTHERS: dict[str, tuple[Callable[[World], Any], str]] = {
    "a note that was cut off": (lambda w: Path(Note(w, "minikube").path).write_text('{"schema": '), "cannot be read"),
    "a note of another form": (lambda w: Path(Note(w, "minikube").path).write_text("[]"), "cannot be read"),
    "a note without proof": (
        lambda w: Path(Note(w, "minikube").path).write_text(
            json.dumps({"schema": owner.SCHEMA, "profile": "minikube", "finished": True, "driver": "", "identity": {}})
        ),
        "cannot be read",
    ),
    "another client": (lambda w: (config(w).parent / "client.crt").write_text("x"), "the client certificate"),
    "no client": (lambda w: (config(w).parent / "client.crt").unlink(), "the client certificate"),
    "another CA": (lambda w: Path(w.home, "ca.crt").write_text("x"), "the CA"),
    "another machine": (lambda w: Path(w.home, "machines/minikube/id_rsa.pub").write_text("x"), "the machine's key"),
    "no note": (no_note, "carries no note"),
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
def test_a_note_that_does_not_fit_proves_nothing(tmp_path: Path, other: str) -> None:
    world = World(tmp_path)
    go(world)
    change, why = OTHERS[other]
    change(world)
    with pytest.raises(InputError, match=f"{why}.*{YOURS}"):
        go(world, state="absent")
    assert not go(world)["ours"]


def test_a_machine_that_is_gone_is_nobody_elses(tmp_path: Path) -> None:
    """`minikube delete` removes it first, so that one that was interrupted can be done again."""
    world = World(tmp_path)
    go(world)
    shutil.rmtree(Path(world.home, "machines"))
    assert go(world, state="absent")["changed"]


def test_the_note_of_a_profile_that_was_copied_is_of_the_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    go(world)
    shutil.copytree(config(world).parent, Path(world.home, "profiles", "mine"))
    assert "carries the note of another cluster" in Note(world, "mine").doubt({})
    assert Note(world, "minikube").doubt({}) == ""


def test_a_new_cluster_in_an_old_machine_has_another_uid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reset by hand leaves the same are files; Kubernetes itself is new."""
    uids = ["one", "one", "", "two"]
    monkeypatch.setattr(owner, "cluster_uid", lambda *_where: uids.pop(0))
    world = World(tmp_path)
    world.store()
    note, where = Note(world, "minikube"), {"IP": "192.0.2.1", "Port": 8443}
    note.finished("kvm2", where, started=True)
    assert note.doubt({}) == "", "it may be asked while it is stopped"
    assert note.doubt(where) == ""
    assert note.doubt(where) == "", "or where it cannot be seen"
    assert "(the UID differs)" in note.doubt(where)


def test_with_the_driver_none_the_cluster_on_this_host_may_be_of_another_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """minikube delete would take whatever Kubernetes is on the host."""
    on_host = tmp_path / "host-ca.crt"
    monkeypatch.setattr(owner, "HOST_CA", str(on_host))
    world = World(tmp_path)
    world.store(Driver="none")
    world.rows = [RUNNING]
    Note(world, "minikube").finished("none", {}, started=True)
    shutil.copy(Path(world.home, "ca.crt"), on_host)
    assert go(world, check=True, state="absent")["changed"]
    on_host.write_text("of another home")
    with pytest.raises(InputError, match=r"the note of another cluster \(the CA on this host differs\)"):
        go(world, state="absent")
    assert world.commands() == []


def engine(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Put a docker into PATH that has a container of any name while a file holds its ID; return that file."""
    (folder / "bin").mkdir()
    program, container = folder / "bin" / "docker", folder / "container"
    program.write_text(f'#!/bin/sh\n[ "$1 $2" = "container inspect" ] && cat {container}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"), prepend=":")
    monkeypatch.setattr(owner, "ENGINES", ENGINES)
    return container


def test_a_container_of_another_home_is_not_replaced_by_a_new_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """minikube would delete it as abandoned (Create of pkg/drivers/kic/kic.go, 1.38.1)."""
    container = engine(monkeypatch, tmp_path)
    container.write_text("of-another-home")
    world = World(tmp_path)
    for driver in ("docker", None):
        for check in (True, False):
            with pytest.raises(InputError, match="left of a cluster: minikube of docker"):
                go(world, check, driver=driver)
    assert world.commands() == []


@pytest.mark.parametrize("finished", [True, False])
def test_a_container_that_another_home_made_meanwhile_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    container = engine(monkeypatch, tmp_path)
    world = World(tmp_path)
    world.store(Driver="docker")
    world.rows = [RUNNING]
    container.write_text("ours")
    note = Note(world, "minikube")
    if finished:
        note.finished("docker", {}, started=True)
    else:
        note.begun("docker")
    assert go(world, check=True, state="absent")["changed"]
    container.write_text("of-another-home")
    with pytest.raises(InputError, match=YOURS):
        go(world, state="absent")
    assert world.commands() == []
    container.unlink()
    assert go(world, state="absent")["changed"], "with none there is nothing to take"


def test_a_name_that_an_earlier_version_noted_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".local/share/meshlab/clusters/minikube").mkdir(parents=True)
    world = by_hand(World(tmp_path))
    with pytest.raises(
        InputError, match=r"An earlier version noted a cluster of this name.*minikube_delete_foreign=true"
    ):
        go(world, state="absent")
    assert world.commands() == []


# -- what is left of a cluster without a profile ------------------------------------------------------


@pytest.mark.parametrize("left", ["machines/minikube/config.json", "profiles/minikube/client.crt"])
def test_what_is_left_of_a_cluster_is_not_taken_for_nothing(tmp_path: Path, left: str) -> None:
    world = World(tmp_path)
    path = Path(world.home, left)
    path.parent.mkdir(parents=True)
    path.touch()
    for check in (True, False):
        with pytest.raises(InputError, match=r"this is left of a cluster: .*minikube_profile"):
            go(world, check)
    assert world.commands() == []
    assert not go(world, foreign=True)["ours"]
    with pytest.raises(InputError, match=YOURS):
        go(world, state="absent")


def test_the_host_of_the_driver_none_may_have_a_cluster_that_no_profile_tells_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_host = tmp_path / "host-ca.crt"
    on_host.touch()
    monkeypatch.setattr(owner, "HOST_CA", str(on_host))
    world = World(tmp_path)
    with pytest.raises(InputError, match=r"host-ca\.crt"):
        go(world, driver="none")
    assert go(world, driver="kvm2")["ours"]


@pytest.mark.parametrize("left", ["admin.conf", "kubelet.conf", "pki/ca.crt", "manifests/of-somebody.yaml"])
def test_a_cluster_that_kubeadm_made_on_this_host_is_not_replaced_by_one_of_the_driver_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    """It may be stopped, so that its ports are free. A start would remove its kubeconfigs and write over its pods."""
    kubernetes = tmp_path / "etc-kubernetes"
    monkeypatch.setattr(owner, "HOST_KUBERNETES", str(kubernetes))
    world = World(tmp_path)
    (kubernetes / left).parent.mkdir(parents=True)
    (kubernetes / left).touch()
    for check in (True, False):
        with pytest.raises(InputError, match=rf"left of a cluster: .*{left}.*kubeadm reset"):
            go(world, check, driver="none")
    assert world.commands() == []
    assert go(world, driver="kvm2")["ours"], "a machine of its own is in nobody's way"


def test_the_empty_folder_of_a_kubelet_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "HOST_KUBERNETES", str(tmp_path / "etc-kubernetes"))
    (tmp_path / "etc-kubernetes/manifests").mkdir(parents=True)
    assert Note(World(tmp_path), "minikube").leftovers("none") == []


def test_what_a_start_that_stored_nothing_leaves_is_in_nobodys_way(tmp_path: Path) -> None:
    world = World(tmp_path)
    config(world).parent.mkdir(parents=True)
    (config(world).parent / "events.json").touch()
    Path(Note(world, "minikube").path).write_text("of a start that was killed")
    assert go(world)["ours"]


# -- names ------------------------------------------------------------------------------------------

REFUSED = ["", "a", "my_lab", "-lab", "lab-", "lab.", "../lab", "a/b", "lab lab", "lab\n", "läb", ".", "lab..x"]
TAKEN = ["lab", "LAB", "a1", "lab.example", "11", "a-b.c-d", "start"]


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("state", ["started", "stopped", "absent"])
def test_a_name_that_minikube_refuses_is_refused_in_check_mode_too(tmp_path: Path, name: str, state: str) -> None:
    world = World(tmp_path)
    for check in (True, False):
        with pytest.raises(InputError, match="minikube takes no profile"):
            go(world, check, profile=name, state=state, force=True)
    assert world.asked == []


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_minikube_takes(tmp_path: Path, name: str) -> None:
    assert go(World(tmp_path), check=True, profile=name, driver="kvm2")["changed"]


def test_a_new_profile_may_not_have_the_name_of_a_machine(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.store(Name="minikube", Nodes=[{"Name": "", "ControlPlane": True}, {"Name": "m02", "Worker": True}])
    with pytest.raises(InputError, match="a machine of the profile minikube has it"):
        go(world, check=True, profile="minikube-m02")
    assert go(world, check=True, profile="minikube-m03", driver="kvm2")["changed"]


def test_the_driver_none_has_one_profile_also_with_force(tmp_path: Path) -> None:
    """minikube's --force does not skip that (validateBareMetal)."""
    for check in (True, False):
        with pytest.raises(InputError, match="the none driver knows no profile lab"):
            go(World(tmp_path), check, profile="lab", driver="none", force=True)
