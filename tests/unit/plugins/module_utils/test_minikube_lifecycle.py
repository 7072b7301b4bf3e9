# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster on its way: what runs, what changes, and that check mode says the same beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_lifecycle import Lifecycle
from tests.unit.plugins.fake_minikube import HELP, PAUSED, RUNNING, STOPPED, FitHost, World, event, node

SICK = node("Running", "Stopped", "Stopped", "Configured")
STATES: dict[str, list[dict[str, Any]]] = {
    "incomplete": [],
    "stopped": [STOPPED],
    "paused": [PAUSED],
    "degraded": [SICK],
    "started": [RUNNING],
}


def make(tmp_path: Path, found: str, **stored: Any) -> World:
    """Return a world with a cluster of ours in the state ``found``."""
    world = World(tmp_path)
    if found != "absent":
        world.store(**stored)
        world.rows = STATES.get(found, [RUNNING])
        world.own()
    if found == "damaged":
        Path(world.profile_file("minikube")).write_text("{broken")
    return world


def go(world: World, check: bool = False, host: FitHost | None = None, **options: Any) -> dict[str, Any]:
    """Run the module's work."""
    given = {"state": "started", "profile": "minikube", "start_timeout": 900.0, "driver": None, **options}
    return Lifecycle(world, given, host or FitHost(uid=1000), lambda _text: None).run(check)


EVERYTHING: dict[str, Any] = {
    "driver": "kvm2",
    "memory": "4g",
    "cpus": "2",
    "disk_size": "20g",
    "nodes": 2,
    "kubernetes_version": "1.34.4",
    "container_runtime": "containerd",
    "cni": "calico",
    "addons": ["ingress"],
    "extra_config": ["kubelet.max-pods=150", "etcd.a=b=c"],
    "feature_gates": "B=true,A=false",
    "insecure_registry": ["r.local:5000"],
    "apiserver_names": ["a"],
    "apiserver_port": 9443,
    "mount_string": "/a:/b",
    "embed_certs": True,
    "wait": ["all"],
    "config": {"driver": "kvm2", "WantUpdateNotification": False},
}


def test_a_new_cluster(tmp_path: Path) -> None:
    world = make(tmp_path, "absent")
    foretold = go(world, check=True, **EVERYTHING)
    assert foretold["cluster_exists"] is False
    assert world.commands() == []
    result = go(world, **EVERYTHING)
    assert world.commands() == ["config", "config", "start"]
    assert result["changed"] is foretold["changed"] is True
    assert result["diff"] == foretold["diff"]
    assert result["before"] == {"state": "absent", "config": {}}
    assert result["after"]["memory"] == 4096
    assert result["after"]["config"] == {"driver": "kvm2", "WantUpdateNotification": "false"}
    assert result["found"] == "There was no cluster minikube."
    assert result["cluster_exists"] is True
    assert result["kubernetes_version"] == "v1.34.4"
    assert result["steps"][0]["message"] == "start it"
    assert "warnings" in result
    assert result["warnings"] == []
    again = go(world, **EVERYTHING)
    assert again["changed"] is False
    assert again["diff"]["before"] == again["diff"]["after"] == result["after"]
    assert world.commands() == ["config", "config", "start"]


def test_the_flags_of_a_start(tmp_path: Path) -> None:
    world = make(tmp_path, "absent")
    go(world, driver="kvm2", memory="12384", cpus="4", preload=False, kubernetes_version="v1.34.4")
    start = next(asked for asked in world.asked if asked[0] == "start")
    assert start == [
        "start", "--profile", "minikube", "--interactive=false", "--driver=kvm2", "--memory=12384", "--cpus=4",
        "--kubernetes-version=v1.34.4", "--preload=false", "--output", "json",
    ]  # fmt: skip


# found → started, paused, stopped, absent
WAYS = {
    "absent": ("start", "start pause", "", ""),
    "damaged": (None, None, "", "delete"),
    "incomplete": ("start", "start pause", "", "delete"),
    "stopped": ("start", "start pause", "", "delete"),
    "paused": ("unpause", "", "unpause stop", "unpause delete"),
    "degraded": ("start", "start pause", "stop", "delete"),
    "started": ("", "pause", "stop", "delete"),
}


@pytest.mark.parametrize(
    ("found", "target", "way"),
    [
        (found, target, way)
        for found, ways in WAYS.items()
        for target, way in zip(("started", "paused", "stopped", "absent"), ways)
        if way is not None
    ],
)
def test_from_every_state_to_every_state(tmp_path: Path, found: str, target: str, way: str) -> None:
    world = make(tmp_path, found)
    foretold = go(world, check=True, state=target)
    assert world.commands() == []
    result = go(world, state=target)
    assert world.commands() == way.split()
    assert result["diff"] == foretold["diff"]
    assert result["changed"] is foretold["changed"] is bool(world.commands())
    assert result["before"]["state"] == found
    # What is not there, or not finished, does not run either.
    still = target == "stopped" and found in ("absent", "incomplete", "damaged")
    assert result["after"]["state"] == (found if still else target)
    assert (found in result["found"]) == (found not in ("absent", "started"))
    assert go(world, state=target)["changed"] is False


@pytest.mark.parametrize(("target", "way"), [("started", ["start"]), ("paused", ["start", "pause"])])
def test_a_damaged_profile_is_replaced_only_if_told(tmp_path: Path, target: str, way: list[str]) -> None:
    world = make(tmp_path, "damaged")
    with pytest.raises(InputError, match=r"cannot be read .*`recreate: true`"):
        go(world, state=target)
    assert world.commands() == []
    result = go(world, state=target, recreate=True)
    assert world.commands() == ["delete", *way]
    assert result["after"] == {"state": target}
    assert "its damaged profile" in result["lost"][0]


FIXED = {"memory": "12g", "driver": "docker", "nodes": 3, "cni": "calico", "kubernetes_version": "v1.33.0"}


@pytest.mark.parametrize("option", FIXED)
def test_a_setting_that_cannot_change(tmp_path: Path, option: str) -> None:
    world = make(tmp_path, "started")
    for check in (True, False):
        with pytest.raises(InputError, match=f"settings that cannot be changed: {option} is") as caught:
            go(world, check=check, **{option: FIXED[option]})
        assert "`recreate: true`" in caught.value.message
        assert caught.value.details["drift"][0]["option"] == option
    assert world.commands() == []


def test_recreate_replaces_only_what_differs(tmp_path: Path) -> None:
    world = make(tmp_path, "started")
    assert go(world, memory="4g", recreate=True)["changed"] is False
    foretold = go(world, check=True, memory="12g", recreate=True)
    result = go(world, memory="12g", recreate=True)
    assert world.commands() == ["delete", "start"]
    assert result["diff"] == foretold["diff"] == {
        "before": {"state": "started", "memory": 4096},
        "after": {"state": "started", "memory": 12288},
    }  # fmt: skip
    assert result["lost"] == foretold["lost"] == [
        "With the cluster minikube of 1 node everything that was deployed and stored in it goes: "
        "its virtual machine with the disk."
    ]  # fmt: skip
    assert result["lost"][0] in result["warnings"]


def test_recreate_of_a_paused_cluster_with_the_none_driver(tmp_path: Path) -> None:
    world = make(tmp_path, "paused", Driver="none")
    result = go(world, apiserver_port=9443, recreate=True, host=FitHost())
    assert world.commands() == ["unpause", "delete", "start"]
    assert "/var/lib/kubelet" in result["lost"][0]


@pytest.mark.parametrize(
    ("found", "target", "commands"),
    [
        ("started", "started", ["start"]),
        ("stopped", "started", ["start"]),
        ("paused", "started", ["unpause", "start"]),
        ("started", "paused", ["start", "pause"]),
        ("paused", "paused", ["unpause", "start", "pause"]),
    ],
)
def test_a_setting_that_a_start_applies(tmp_path: Path, found: str, target: str, commands: list[str]) -> None:
    world = make(tmp_path, found)
    foretold = go(world, check=True, state=target, addons=["ingress"], kubernetes_version="v1.35.1")
    result = go(world, state=target, addons=["ingress"], kubernetes_version="v1.35.1")
    assert world.commands() == commands
    assert result["diff"] == foretold["diff"]
    assert result["before"] == {"state": found, "kubernetes_version": "v1.34.4", "addons": []}
    assert result["after"] == {"state": target, "kubernetes_version": "v1.35.1", "addons": ["ingress"]}


def test_only_the_users_defaults_change(tmp_path: Path) -> None:
    world = make(tmp_path, "started")
    result = go(world, config={"driver": "kvm2"})
    assert world.commands() == ["config"]
    assert result["changed"] is True
    assert result["diff"]["before"] == {"state": "started", "config": {}}
    assert result["diff"]["after"] == {"state": "started", "config": {"driver": "kvm2"}}
    assert go(world, config={"driver": "kvm2"})["changed"] is False
    # A cluster that is put to sleep does not need them.
    assert go(world, state="stopped", config={"driver": "none"})["after"] == {"state": "stopped"}
    assert world.defaults() == {"driver": "kvm2"}


def test_stop_keeps_the_context_if_asked(tmp_path: Path) -> None:
    world = make(tmp_path, "started")
    go(world, state="stopped", keep_context=True)
    assert world.asked[1] == ["stop", "--profile", "minikube", "--keep-context-active", "--output", "json"]


def test_an_unfit_host_is_told_before_anything_is_touched(tmp_path: Path) -> None:
    world, host = make(tmp_path, "absent"), FitHost(lacks=("conntrack", "crictl"))
    with pytest.raises(InputError, match=r"1\. conntrack is not installed.*\n2\. crictl") as caught:
        go(world, driver="none", config={"driver": "none"}, host=host)
    assert [item["check"] for item in caught.value.details["problems"]] == ["conntrack", "crictl"]
    assert world.commands() == []
    result = go(world, driver="none", force=True, host=host)
    assert result["after"]["driver"] == "none"
    assert any("conntrack is not installed" in warning for warning in result["warnings"])


def test_check_mode_refuses_what_the_real_run_refuses(tmp_path: Path) -> None:
    world = make(tmp_path, "absent")
    for check in (True, False):
        with pytest.raises(InputError, match="2000 are needed"):
            go(world, check=check, driver="none", host=FitHost(free=100))
        with pytest.raises(InputError, match=r"1\. the host has 1 CPU.*\n2\. conntrack is not installed"):
            go(world, check=check, driver="none", host=FitHost(cpus=1, lacks=("conntrack",)))
        with pytest.raises(InputError, match="port 10250"):
            go(world, check=check, driver="none", host=FitHost(taken=(10250,)))
    world.fails["version"] = {"stdout": '{"minikubeVersion": "v1.28.0"}'}
    world._version = None
    for check in (True, False):
        with pytest.raises(InputError, match=r"static_ip needs minikube 1\.29 or newer"):
            go(world, check=check, driver="docker", static_ip="10.1.1.1")
    assert world.commands() == []
    # Nothing is started, so nothing of it matters.
    started = make(tmp_path / "started", "started", Driver="none")
    assert go(started, check=True, host=FitHost(cpus=1))["warnings"] == []


def test_check_mode_warns_of_what_an_earlier_task_may_bring(tmp_path: Path) -> None:
    world = make(tmp_path, "absent")
    host = FitHost(lacks=("conntrack", "containerd", "/opt/cni/bin"))
    (warning,) = go(world, check=True, driver="none", container_runtime="containerd", host=host)["warnings"]
    assert "1. conntrack is not installed" in warning
    assert "an earlier task may bring that" in warning
    (warning,) = go(world, check=True, driver="none", force=True, host=FitHost(cpus=1))["warnings"]
    assert "1. the host has 1 CPU" in warning
    assert "earlier task" not in warning


def test_ports_matter_only_to_a_new_cluster(tmp_path: Path) -> None:
    host = FitHost(taken=(10250,))
    go(make(tmp_path, "stopped", Driver="none"), host=host)
    with pytest.raises(InputError, match="port 10250"):
        go(make(tmp_path / "new", "absent"), driver="none", host=host)


def test_a_failed_start_says_what_was_found_and_what_is_left_to_do(tmp_path: Path) -> None:
    world = make(tmp_path, "degraded")
    world.fails["start"] = "start-half-made"
    with pytest.raises(CommandError) as caught:
        go(world)
    assert caught.value.message.startswith("The cluster minikube was degraded: minikube: Kubelet is Stopped;")
    assert "GUEST_PROVISION" in caught.value.message
    assert caught.value.message.endswith("(with the collection's playbooks `-e minikube_recreate=true`) replaces it.")
    assert caught.value.details["steps"][-1]["name"] == "Starting Node"
    world = make(tmp_path / "new", "absent")
    world.fails["start"] = "start-half-made"
    with pytest.raises(CommandError) as caught:
        go(world)
    assert "recreate" not in caught.value.message


def test_a_start_that_only_claims_to_have_worked(tmp_path: Path) -> None:
    world = make(tmp_path, "stopped")
    world.fails["start"] = {}
    with pytest.raises(CommandError, match="start ended without an error, but the cluster minikube is stopped"):
        go(world)
    world.rows = [SICK]
    with pytest.raises(CommandError, match="is degraded: minikube: Kubelet is Stopped; minikube: APIServer is Stopped"):
        go(world)


def test_warnings_of_minikube_are_passed_on(tmp_path: Path) -> None:
    world = make(tmp_path, "started")
    respond = world.answer

    def warn(arguments: list[str]) -> Any:
        answer = respond(arguments)
        if arguments[0] == "stop":
            answer["stdout"] += event("warning", message="odd") + event("warning", message="checks skipped by --force")
        return answer

    world.answer = warn
    assert go(world, state="stopped")["warnings"] == ["odd"]


def test_a_value_that_minikube_did_not_store_is_told(tmp_path: Path) -> None:
    world = make(tmp_path, "absent")

    def forget(_arguments: list[str]) -> None:
        world.store()
        world.rows = [RUNNING]

    world.do_start = forget  # type: ignore[method-assign]
    result = go(world, memory="12g")
    assert result["after"]["memory"] == 4096
    assert result["warnings"] == ["minikube kept memory at 4096, although 12288 was asked for."]


def test_the_driver_is_the_clusters_or_the_users(tmp_path: Path) -> None:
    world = make(tmp_path, "started", Driver="none")
    result = go(world, memory="12g")
    assert (result["driver"], result["changed"]) == ("none", False)
    assert result["warnings"] == ["The driver none does nothing with memory; the option was left out."]
    world = make(tmp_path / "new", "absent")
    assert go(world, check=True)["driver"] is None
    assert go(world, check=True, config={"driver": "kvm"})["driver"] == "kvm2"


def test_addons_without_installing_them_is_a_contradiction(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave one of them out"):
        go(make(tmp_path, "absent"), addons=["ingress"], install_addons=False)


def test_check_mode_on_a_bare_host_without_minikube(tmp_path: Path) -> None:
    world = make(tmp_path, "absent")

    def missing(arguments: list[str]) -> Any:
        raise CommandError("minikube was not found", cmd=arguments, rc=None, stdout="", stderr="")

    world.answer = missing
    result = go(world, check=True, kubernetes_version="stable", memory="4g")
    assert result["after"] == {"state": "started", "kubernetes_version": "stable", "memory": 4096}
    assert result["warnings"] == ["minikube was not found Without check mode an earlier task may bring that first."]
    world.answer = lambda _arguments: {"rc": 1, "stderr": "broken"}
    with pytest.raises(CommandError, match="broken"):
        go(world, check=True, memory="4g")
    world.answer = missing
    with pytest.raises(CommandError, match="was not found"):
        go(world, kubernetes_version="stable")
    with pytest.raises(CommandError, match="was not found"):
        go(world, memory="4g")


def test_a_word_for_a_version_is_compared_as_a_full_one(tmp_path: Path) -> None:
    world = make(tmp_path, "started")
    world.fails["start"] = {"stdout": HELP}
    foretold = go(world, check=True, kubernetes_version="latest")
    assert foretold["after"]["kubernetes_version"] == "v1.35.1"
    world.fails["config"] = "defaults"
    assert go(world, kubernetes_version="1.34")["changed"] is False
