# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing: what is run, what is waited for, who joins whom, and how it ends when it cannot succeed."""

from __future__ import annotations

import copy
import json
import threading
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _istio_operator as operators
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_owned as owned
from ansible_collections.meshlab.istio.plugins.module_utils import _istio_plan as plans
from ansible_collections.meshlab.istio.plugins.module_utils._errors import CommandError, InputError, WaitError
from ansible_collections.meshlab.istio.plugins.module_utils._istio_install import Installer
from ansible_collections.meshlab.istio.plugins.module_utils._istio_run import Run
from tests.unit.plugins.fake_cluster import FakeCluster
from tests.unit.plugins.fake_istioctl import FakeIstioctl, controllers, few, installed, without_nulls

Object = dict[str, Any]
GATEWAYS = ("istio-ingressgateway", "istio-egressgateway")


class World:
    """A cluster, an istioctl, and somebody who does in the cluster what the istioctl would."""

    def __init__(self, directory: Path, version: str = "1.31.0-dev") -> None:
        self.directory = directory
        self.fake = FakeIstioctl(directory / "i", version)
        self.cluster = FakeCluster()
        self.cluster.defaults = without_nulls
        self.fake.manifests(few())
        self.said: list[str] = []
        self.threads: list[threading.Thread] = []

    def installer(self, timeout: float = 20.0, force: bool = False, **options: Any) -> Installer:
        return Installer(
            self.fake.tool(), self.cluster, operators.build(**options),  # type: ignore[arg-type]
            Run("uid", str(self.directory / "runs")),
            timeout=timeout, failure_grace=60.0, force=force, progress=self.said.append,
        )  # fmt: skip

    def play(self, *steps: Callable[[], None]) -> None:
        """Do ``steps`` in a thread once ``istioctl install`` was started."""

        def work() -> None:
            end = time.monotonic() + 10
            while not self.fake.calls("install") and time.monotonic() < end:
                time.sleep(0.01)
            for step in steps:
                step()

        self.threads.append(threading.Thread(target=work))
        self.threads[0].start()

    def go(self) -> None:
        """Let istioctl end."""
        (self.fake.directory / "go").touch()

    def desired(self) -> list[Object]:
        return plans.make(self.fake.tool(), self.cluster, operators.build()).objects  # type: ignore[arg-type]


@pytest.fixture
def world(tmp_path: Path) -> Any:
    world = World(tmp_path)
    world.fake.answer("install", stderr="- Processing resources for Istiod.\n", until="go")
    yield world
    world.go()
    for thread in world.threads:
        thread.join()
    end = time.monotonic() + 5
    while Run("uid", str(tmp_path / "runs")).running() and time.monotonic() < end:
        time.sleep(0.02)


def is_gateway(obj: Object) -> bool:
    return obj["metadata"]["name"] in GATEWAYS and obj["kind"] == "Deployment"


def doom(cluster: FakeCluster) -> None:
    """Let istiod's pod be one that cannot become ready."""
    live = cluster.get("apps/v1", "Deployment", "istiod", "istio-system")
    live["status"] = {"observedGeneration": live["metadata"]["generation"], "replicas": 1, "updatedReplicas": 1}
    cluster.put(live, spec_changed=False)
    owner = [{"kind": "Deployment", "name": "istiod", "uid": live["metadata"]["uid"], "controller": True}]
    labels = live["spec"]["template"]["metadata"]["labels"]
    cluster.put({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "istiod-1", "namespace": "istio-system", "ownerReferences": owner, "labels": labels},
        "spec": {"replicas": 1, "template": live["spec"]["template"]},
    })  # fmt: skip
    replicas = cluster.get("apps/v1", "ReplicaSet", "istiod-1", "istio-system")
    owner = [{"kind": "ReplicaSet", "name": "istiod-1", "uid": replicas["metadata"]["uid"], "controller": True}]
    cluster.put({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "istiod-1-a", "namespace": "istio-system", "ownerReferences": owner, "labels": labels},
        "spec": {"containers": [{"name": "discovery"}]},
        "status": {"phase": "Pending", "containerStatuses": [{
            "name": "discovery", "restartCount": 0, "ready": False,
            "state": {"waiting": {"reason": "ErrImageNeverPull", "message": "image is not present"}}}]},
    })  # fmt: skip


def test_install_then_no_change_and_istioctl_is_not_started_again(world: World) -> None:
    desired = world.desired()
    world.play(lambda: installed(world.cluster, desired), world.go)
    installer = world.installer(force=True, profile="demo")
    plan, running, joined = installer.install("all", allow_downgrade=False)
    assert (running, joined) == (False, False)
    assert len(plan.changes) == len(desired) + 1
    (call,) = world.fake.calls("install")
    assert call[1:4] == ["--skip-confirmation", "--filename", installer.run.operator_file]
    assert call[4:] == ["--readiness-timeout", "20s", "--kubeconfig", "/nowhere/kubeconfig", "--context", "lab",
                        "--force"]  # fmt: skip
    assert json.loads(Path(installer.run.operator_file).read_text())["spec"] == {"profile": "demo"}
    command = installer.command()
    assert command["rc"] == 0
    assert "--readiness-timeout 20s" in command["cmd"]
    again, running, joined = world.installer(profile="demo").install("all", allow_downgrade=False)
    assert (again.changes, running, joined) == ([], False, False)
    assert len(world.fake.calls("install")) == 1


def test_an_istio_of_somebody_else_is_not_upgraded(world: World) -> None:
    """Neither is what Helm installed. What is as asked for is used, and one of ours is changed as before."""
    desired = world.desired()
    installed(world.cluster, desired)
    mine = world.installer()
    mine.adopt = False
    assert mine.plan(allow_downgrade=False).changes == []
    other = world.installer(spec={"meshConfig": {"accessLogFile": "/dev/stdout"}})
    istiod = world.cluster.get("apps/v1", "Deployment", "istiod", "istio-system")
    istiod["spec"]["replicas"] = 7
    world.cluster.put(istiod)
    other.adopt = False
    with pytest.raises(InputError, match=r"never installed it from here.*Nothing was changed.*istio_adopt=true"):
        other.install("all", allow_downgrade=False)
    assert world.fake.calls("install") == []
    Path(other.run.operator_file).write_text("{}")
    assert other.plan(allow_downgrade=False).changes
    istiod["metadata"]["annotations"] = {"meta.helm.sh/release-name": "istiod"}
    world.cluster.put(istiod)
    with pytest.raises(InputError, match="Helm installed Istio in this cluster, by the releases istiod"):
        other.plan(allow_downgrade=False)
    other.adopt = True
    assert other.plan(allow_downgrade=False).changes


def test_control_plane_returns_early_and_all_joins(world: World) -> None:
    desired = world.desired()
    first = [obj for obj in desired if not is_gateway(obj) and "istio.io/tag" not in owned.labels_of(obj)]
    world.play(lambda: installed(world.cluster, first))
    started = world.installer()
    plan, running, joined = started.install("control_plane", allow_downgrade=False)
    assert (running, joined, plan.installed) == (True, False, None)
    assert started.command()["rc"] is None
    again, running, joined = world.installer().install("control_plane", allow_downgrade=False)
    assert (running, joined, again.installed) == (True, True, "1.31.0-dev")
    box: list[Any] = []
    waiter = threading.Thread(target=lambda: box.append(world.installer().install("all", allow_downgrade=False)))
    waiter.start()
    waiter.join(0.5)
    assert waiter.is_alive()
    installed(world.cluster, desired)
    waiter.join(0.5)
    assert waiter.is_alive(), "istioctl has not ended yet"
    world.go()
    waiter.join(10)
    assert box[0][1:] == (False, True)
    assert len(world.fake.calls("install")) == 1


def test_an_old_control_plane_that_is_still_ready_proves_nothing(world: World) -> None:
    installed(world.cluster, world.desired())
    objects = few()
    istiod = next(obj for obj in objects if obj["kind"] == "Deployment" and obj["metadata"]["name"] == "istiod")
    istiod["spec"]["template"]["spec"]["containers"][0]["image"] = "new"
    world.fake.manifests(objects)
    desired = world.desired()
    box: list[Any] = []
    waiter = threading.Thread(
        target=lambda: box.append(world.installer().install("control_plane", allow_downgrade=False))
    )
    waiter.start()
    waiter.join(1)
    assert waiter.is_alive()
    installed(world.cluster, desired)
    waiter.join(10)
    assert box[0][1] is True


def test_none_returns_at_once(world: World) -> None:
    _plan, running, joined = world.installer().install("none", allow_downgrade=False)
    assert (running, joined) == (True, False)


def test_the_webhook_must_be_closed_again(world: World) -> None:
    desired = world.desired()

    def reopen() -> None:
        installed(world.cluster, desired)
        for obj in list(world.cluster.objects.values()):
            if obj["kind"] == "ValidatingWebhookConfiguration":
                obj["webhooks"][0]["failurePolicy"] = "Ignore"
                world.cluster.put(obj)

    def close() -> None:
        time.sleep(0.6)
        controllers(world.cluster, desired)

    world.play(reopen, world.go, close)
    world.installer().install("all", allow_downgrade=False)
    assert any("failurePolicy" in text for text in world.said)


def test_what_cannot_become_ready_ends_at_once_and_istioctl_with_it(world: World) -> None:
    desired = world.desired()

    def fail() -> None:
        installed(world.cluster, [obj for obj in desired if not is_gateway(obj)])
        doom(world.cluster)

    world.play(fail)
    started = time.monotonic()
    with pytest.raises(WaitError, match="ErrImageNeverPull") as caught:
        world.installer().install("all", allow_downgrade=False)
    assert time.monotonic() - started < 10
    assert caught.value.details["failures"][0]["pod"] == "istiod-1-a"
    assert caught.value.details["istioctl_log"] == ["- Processing resources for Istiod."]
    assert not Run("uid", str(world.directory / "runs")).running()


def broken(world: World) -> list[Object]:
    """Leave an install with a wrong image; return what the correction of it ends in."""
    desired = world.desired()
    wrong = copy.deepcopy(desired)
    for obj in wrong:
        if obj["kind"] == "Deployment":
            obj["spec"]["template"]["spec"]["containers"][0]["image"] = "wrong"
    installed(world.cluster, wrong)
    doom(world.cluster)
    return desired


@pytest.mark.parametrize("wait", ["all", "control_plane"])
def test_what_istioctl_is_about_to_correct_fails_nothing(world: World, wait: str) -> None:
    desired = broken(world)

    def correct() -> None:
        # istioctl takes a second until it applies anything.
        time.sleep(1.2)
        world.cluster.drop("v1", "Pod", "istiod-1-a", "istio-system")
        installed(world.cluster, desired)
        world.go()

    world.play(correct)
    plan, running, joined = world.installer().install(wait, allow_downgrade=False)
    assert "Deployment istio-system/istiod" in [row["object"] for row in plan.result()["changed_objects"]]
    assert (running and wait == "all", joined) == (False, False)


def test_what_a_joined_install_is_about_to_correct_fails_nothing(world: World) -> None:
    desired = broken(world)
    world.installer().install("none", allow_downgrade=False)
    box: list[Any] = []
    waiter = threading.Thread(target=lambda: box.append(world.installer().install("all", allow_downgrade=False)))
    waiter.start()
    waiter.join(1.5)
    assert waiter.is_alive(), box
    world.cluster.drop("v1", "Pod", "istiod-1-a", "istio-system")
    installed(world.cluster, desired)
    world.go()
    waiter.join(10)
    assert box[0][1:] == (False, True)


def test_what_cannot_become_ready_although_it_was_corrected_ends_the_wait(world: World) -> None:
    desired = broken(world)
    gateway = next(obj for obj in desired if is_gateway(obj))

    def correct() -> None:
        # Another component that is applied already and not ready yet must not hide the one that follows.
        installed(world.cluster, [gateway])
        world.cluster.status("apps/v1", "Deployment", gateway["metadata"]["name"], "istio-system", availableReplicas=0)
        time.sleep(1.5)
        installed(world.cluster, [obj for obj in desired if obj is not gateway])
        doom(world.cluster)

    world.play(correct)
    with pytest.raises(WaitError, match="ErrImageNeverPull"):
        world.installer(timeout=10).install("all", allow_downgrade=False)
    assert not Run("uid", str(world.directory / "runs")).running()


@pytest.mark.parametrize("wait", ["all", "control_plane"])
def test_an_istioctl_that_fails_is_the_error(world: World, wait: str) -> None:
    world.fake.answer("install", stderr="✘ Istiod encountered an error\nError: failed to install manifests\n", rc=1)
    with pytest.raises(CommandError, match="exit code 1: Error: failed to install manifests") as caught:
        world.installer().install(wait, allow_downgrade=False)
    assert caught.value.details["rc"] == 1


def test_an_istioctl_that_says_nothing_is_an_error_too(world: World) -> None:
    world.fake.answer("install", rc=3)
    with pytest.raises(CommandError, match="exit code 3: it said nothing"):
        world.installer().install("all", allow_downgrade=False)


def test_an_istioctl_that_does_not_begin_ends_with_the_time(world: World) -> None:
    with pytest.raises(WaitError, match="had not applied"):
        world.installer(timeout=1.0).install("control_plane", allow_downgrade=False)
    assert not Run("uid", str(world.directory / "runs")).running()


def test_an_istioctl_that_does_not_end_is_stopped(world: World) -> None:
    desired = world.desired()
    world.play(lambda: installed(world.cluster, desired))
    with pytest.raises(WaitError, match="had not ended"):
        world.installer(timeout=1.5).install("all", allow_downgrade=False)


def test_a_control_plane_that_ends_before_it_was_seen_ready_is_still_waited_for(world: World) -> None:
    desired = world.desired()

    def late() -> None:
        installed(world.cluster, desired, late="istiod")
        world.go()
        while Run("uid", str(world.directory / "runs")).running():
            time.sleep(0.01)
        # Time for the wait to see it too; one that gave up for it would have failed by now.
        time.sleep(0.5)
        controllers(world.cluster, desired)

    world.play(late)
    assert world.installer().install("control_plane", allow_downgrade=False)[1] is False


def test_another_install_is_waited_for_first(world: World) -> None:
    installed(world.cluster, world.desired())
    other = Run("uid", str(world.directory / "runs"))
    assert other.acquire()
    threading.Timer(0.5, other.release).start()
    assert world.installer().install("all", allow_downgrade=False)[2] is False
    assert "waiting for another install on this cluster to end" in world.said


def test_another_install_that_does_not_end_is_an_error(world: World) -> None:
    other = Run("uid", str(world.directory / "runs"))
    assert other.acquire()
    with pytest.raises(CommandError, match="still running after 0"):
        world.installer(timeout=0.3).install("all", allow_downgrade=False)
    other.release()


def test_two_at_once_start_one(world: World) -> None:
    desired = world.desired()
    world.play(lambda: installed(world.cluster, desired), lambda: time.sleep(1), world.go)
    box: list[Any] = []
    threads = [
        threading.Thread(target=lambda: box.append(world.installer().install("all", allow_downgrade=False)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(box) == 3
    assert len(world.fake.calls("install")) == 1
    assert sorted(joined or not plan.changes for plan, _running, joined in box) == [False, True, True]


def test_leftovers_alone_need_no_istioctl(world: World) -> None:
    installed(world.cluster, world.desired())
    labels = owned.owner_labels(version="1.19.3", revision="", namespace="istio-system", name="installed-state")
    world.cluster.put({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "istiod", "namespace": "istio-system", "labels": {**labels, owned.COMPONENT: "Pilot"}},
    })  # fmt: skip
    plan, _running, _joined = world.installer().install("control_plane", allow_downgrade=False)
    assert len(plan.leftovers) == 1
    assert world.cluster.find("policy/v1", "PodDisruptionBudget", "istiod", "istio-system") is None
    assert world.fake.calls("install") == []


def test_a_component_that_broke_later_is_waited_for_without_istioctl(world: World) -> None:
    installed(world.cluster, world.desired())
    world.cluster.status("apps/v1", "Deployment", "istiod", "istio-system", availableReplicas=0)
    with pytest.raises(WaitError, match="istiod") as caught:
        world.installer(timeout=0.5).install("all", allow_downgrade=False)
    assert "istioctl_log" not in caught.value.details


def test_a_downgrade_must_be_asked_for(world: World) -> None:
    installed(world.cluster, world.desired())
    live = world.cluster.get("apps/v1", "Deployment", "istiod", "istio-system")
    live["metadata"]["labels"][owned.VERSION] = "1.31.0"
    world.cluster.put(live)
    with pytest.raises(InputError, match="allow_downgrade"):
        world.installer().install("all", allow_downgrade=False)
    assert world.installer().plan(allow_downgrade=True).installed == "1.31.0"
    live["metadata"]["labels"][owned.VERSION] = "1.31.0-exp"
    world.cluster.put(live)
    assert world.installer().plan(allow_downgrade=False).installed == "1.31.0-exp"
    assert not Run("uid", str(world.directory / "runs")).running()


def test_a_namespace_on_its_way_out_is_waited_for(world: World) -> None:
    space = world.cluster.put({"apiVersion": "v1", "kind": "Namespace",
                               "metadata": {"name": "istio-system", "deletionTimestamp": "now"}})  # fmt: skip
    threading.Timer(0.4, lambda: world.cluster.drop("v1", "Namespace", "istio-system")).start()
    plan, _running, _joined = world.installer().install("none", allow_downgrade=False)
    assert space["metadata"]["name"] == plan.changes[0].object["metadata"]["name"]


@pytest.mark.parametrize(("kubernetes", "words"), [("v1.34.4", None), ("v1.28.0", "1.32 to 1.36"), ("strange", None)])
def test_unsupported_pairs_warn(world: World, kubernetes: str, words: str | None) -> None:
    world.cluster.gitversion = kubernetes
    warnings = world.installer().check_versions()
    assert (words is None) is (warnings == [])
    assert words is None or words in warnings[0]


def test_a_pair_that_cannot_work_is_refused(world: World) -> None:
    world.cluster.gitversion = "v1.20.0"
    with pytest.raises(InputError, match="server-side apply"):
        world.installer().check_versions()
