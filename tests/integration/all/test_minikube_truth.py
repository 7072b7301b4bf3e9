# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module minikube on a lab with the driver none: settings that change, settings that cannot, clusters in disorder.

Comes last: the cluster is made anew in the course of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._minikube_settings import SETTINGS
from tests.integration.all.lab import KUBECONFIG, Lab, Result, until

PROFILE = "/root/.minikube/profiles/minikube/config.json"
FIELDS = {setting.option: setting.field for setting in SETTINGS}
REWRITTEN = {"KubeadmVersionFetched"}


@pytest.fixture(scope="module", autouse=True)
def no_services(lab: Lab) -> Iterator[None]:
    """Keep what starts the cluster by itself quiet; leave the lab as the playbook makes it."""
    lab.ssh("systemctl stop meshlab-tunnel-minikube; systemctl disable --quiet meshlab-cluster-minikube")
    # An earlier run of this file may have left it, and then there is nothing to change.
    lab.ssh("minikube config unset WantUpdateNotification")
    yield
    lab.ssh("systemctl enable --quiet meshlab-cluster-minikube")
    lab.playbook("site")


def options(lab: Lab, **more: Any) -> dict[str, Any]:
    """Return the module's options for the lab's cluster, with ``more`` laid over."""
    return {
        "driver": "none", "container_runtime": "containerd", "kubernetes_version": "v1.34.4", "path": "minikube",
        "kubeconfig": KUBECONFIG, **lab.variables["minikube_options"], **more,
    }  # fmt: skip


def minikube(lab: Lab, *flags: str, fails: bool = False, **more: Any) -> Result:
    """Run the module."""
    return lab.module("meshlab.istio.minikube", options(lab, **more), *flags, fails=fails)


def stored(lab: Lab) -> dict[str, Any]:
    """Return what the profile holds, each value under its dotted path."""
    flat: dict[str, Any] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict) and (not path or path not in FIELDS.values()):
            for key, inner in value.items():
                walk(inner, f"{path}.{key}" if path else key)
        else:
            flat[path] = value

    walk(json.loads(lab.ssh(f"cat {PROFILE}")), "")
    return flat


def differing(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Return the paths under which two readings differ."""
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}


def ran(result: Result, command: str) -> bool:
    """Tell whether a task has run a command of minikube."""
    return any(f"minikube {command}" in each["cmd"] for each in result["commands"])


# -- settings --------------------------------------------------------------------------------------

CHANGES: dict[str, dict[str, Any]] = {
    "extra_config": {"extra_config": ["kubelet.max-pods=120"]},
    "extra_config again": {"extra_config": ["kubelet.max-pods=130", "apiserver.v=1"]},
    "feature_gates": {"feature_gates": "NodeLogQuery=true"},
    "feature_gates removed": {"feature_gates": ""},
    "apiserver_names": {"apiserver_names": ["lab.meshlab.test"]},
    "apiserver_ips": {"apiserver_ips": ["127.0.0.9"]},
    "embed_certs": {"embed_certs": False},
    "embed_certs back": {"embed_certs": True},
    "addons": {"install_addons": True, "addons": ["default-storageclass"]},
    "config": {"config": {"WantUpdateNotification": False}},
    # Without install_addons, minikube forgets those of the case before.
    "several": {
        "apiserver_names": ["lab.meshlab.test", "two.meshlab.test"],
        "extra_config": ["scheduler.v=1"],
        "install_addons": True,
    },
}


def test_nothing_to_change(lab: Lab, measured: dict[str, Any]) -> None:
    """As the playbook made it."""
    before = stored(lab)
    again = minikube(lab)
    assert (again["changed"], ran(again, "start"), again["before"]["state"]) == (False, False, "started")
    assert differing(before, stored(lab)) == set()
    measured["seconds_of_the_task"] = again["seconds"]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_predicted_is_what_changes(change: str, lab: Lab, measured: dict[str, Any]) -> None:
    asked = CHANGES[change]
    before = stored(lab)
    predicted = minikube(lab, "--check", "--diff", **asked)
    assert differing(before, stored(lab)) == set(), "check mode changes nothing"
    done = minikube(lab, "--diff", **asked)
    assert (predicted["changed"], done["changed"]) == (True, True)
    assert predicted["before"] == done["before"]
    assert predicted["after"] == done["after"]
    changed = {option for option in done["after"] if done["before"].get(option) != done["after"][option]}
    wanted = {FIELDS[option] for option in changed if option != "config"}
    assert differing(before, stored(lab)) - REWRITTEN == wanted
    assert changed == set(asked) - {"install_addons"}
    again = minikube(lab, **asked)
    assert (again["changed"], ran(again, "start")) == (False, False)
    measured.update(
        before={name: done["before"].get(name) for name in changed}, seconds_of_the_task=done["seconds"],
        after={name: done["after"][name] for name in changed},
    )  # fmt: skip


FIXED: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "extra_config": ({"extra_config": []}, ["scheduler.v=1"], []),
    "driver": ({"driver": "docker"}, "none", "docker"),
    "nodes": ({"nodes": 2}, 1, 2),
    "container_runtime": ({"container_runtime": "docker"}, "containerd", "docker"),
    "cni": ({"cni": "flannel"}, "auto", "flannel"),
    "service_cluster_ip_range": ({"service_cluster_ip_range": "10.112.0.0/16"}, "10.96.0.0/12", "10.112.0.0/16"),
    "insecure_registry": ({"insecure_registry": ["r.test"]}, [], ["r.test"]),
    "registry_mirror": ({"registry_mirror": ["https://m.test"]}, [], ["https://m.test"]),
    "image_repository": ({"image_repository": "r.test/k8s"}, "", "r.test/k8s"),
    "apiserver_port": ({"apiserver_port": 9443}, 8443, 9443),
    "kubernetes_version": ({"kubernetes_version": "v1.33.0"}, "v1.34.4", "v1.33.0"),
}


@pytest.mark.parametrize("option", FIXED)
def test_what_cannot_change_is_refused_with_old_and_new(option: str, lab: Lab, measured: dict[str, Any]) -> None:
    asked, old, new = FIXED[option]
    before = stored(lab)
    for flags in (("--check",), ()):
        refused = minikube(lab, *flags, fails=True, **asked)
        (drift,) = refused["drift"]
        assert (drift["option"], drift["old"], drift["new"]) == (option, old, new)
        assert f"{option} is {old!r}, asked for {new!r}" in refused["msg"]
        assert "recreate: true" in refused["msg"]
    assert differing(before, stored(lab)) == set()
    measured.update(effect=drift["effect"], message=refused["msg"])


def test_what_the_driver_does_not_heed_is_said(lab: Lab, measured: dict[str, Any]) -> None:
    told = minikube(lab, memory="4g", cpus="3", disk_size="30g")
    assert not told["changed"]
    assert any("does nothing with memory, cpus, disk_size" in text for text in told["warnings"])
    measured["warnings"] = told["warnings"]


# -- clusters in disorder --------------------------------------------------------------------------


def answers(lab: Lab) -> bool:
    """Tell whether the API server is ready."""
    return lab.ssh("kubectl get --raw=/readyz 2>/dev/null", check=False) == "ok"


def made(lab: Lab) -> tuple[str, str]:
    """Return when the cluster was made, and the names of what kubeadm makes last."""
    born = lab.ssh("kubectl get namespace kube-system --output=jsonpath={.metadata.creationTimestamp}")
    last = lab.ssh("kubectl --namespace=kube-system get daemonset/kube-proxy deployment/coredns --output=name")
    return born, last


@pytest.mark.parametrize("state", ["paused", "stopped"])
def test_a_cluster_that_rests_is_brought_back(state: str, lab: Lab, measured: dict[str, Any]) -> None:
    rested = minikube(lab, state=state)
    assert (rested["changed"], rested["after"]["state"]) == (True, state)
    assert not minikube(lab, state=state)["changed"]
    assert not answers(lab)
    back = minikube(lab)
    assert (back["changed"], back["before"]["state"], back["after"]["state"]) == (True, state, "started")
    until(lambda: answers(lab), 30, "the API server is ready")
    measured.update(found=back["found"], rest_seconds=rested["seconds"], back_seconds=back["seconds"])


def test_a_cluster_without_its_kubelet_is_brought_back(lab: Lab, measured: dict[str, Any]) -> None:
    lab.ssh("systemctl stop kubelet")
    found = minikube(lab, "--check")
    assert (found["before"]["state"], found["changed"]) == ("degraded", True)
    back = minikube(lab)
    assert (back["changed"], back["after"]["state"]) == (True, "started")
    assert lab.ssh("systemctl is-active kubelet").strip() == "active"
    measured.update(found=back["found"], back_seconds=back["seconds"])


def test_a_lock_that_nobody_holds_is_not_in_the_way(lab: Lab, measured: dict[str, Any]) -> None:
    lab.ssh("systemctl stop kubelet; ls /tmp/minikube-locks-*/*.lock")
    back = minikube(lab)
    assert back["after"]["state"] == "started"
    measured["back_seconds"] = back["seconds"]


def test_a_lock_that_somebody_holds_is_named(lab: Lab, measured: dict[str, Any]) -> None:
    """minikube waits for it as long as it is let; the failure says whose it is."""
    lab.ssh("systemctl stop kubelet")
    lab.ssh("systemd-run --unit=meshlab-test-lock --collect sh -c "
            "'for file in /tmp/minikube-locks-*/*.lock; do flock $file sleep 600 & done; wait'")  # fmt: skip
    try:
        refused = minikube(lab, start_timeout=30, fails=True)
        measured["message"] = refused["msg"]
        assert "lock" in refused["msg"]
    finally:
        lab.ssh("systemctl stop meshlab-test-lock")
    assert minikube(lab)["after"]["state"] == "started"


def test_a_cluster_half_made_is_finished(lab: Lab, measured: dict[str, Any]) -> None:
    """The first start is killed while it makes the control plane. It was made by hand, so that has to be allowed."""
    gone = minikube(lab, state="absent")
    assert (gone["changed"], gone["cluster_exists"]) == (True, False)
    assert gone["lost"]
    assert not minikube(lab, state="absent")["changed"]
    flags = ("--driver=none --container-runtime=containerd --kubernetes-version=v1.34.4 --preload=false "
             "--cache-images=false --auto-update-drivers=false --interactive=false --embed-certs --force "
             "--install-addons=false")  # fmt: skip
    lab.ssh(f"systemd-run --unit=meshlab-test-start --collect --setenv=HOME=/root minikube start {flags}")
    until(lambda: lab.ssh("test -s /etc/kubernetes/admin.conf && echo yes", check=False), 120, "kubeadm has begun")
    lab.ssh("systemctl kill --signal=KILL meshlab-test-start")
    time.sleep(1)
    found = minikube(lab, "--check")
    assert (found["changed"], found["before"]["state"] != "started", found["ours"]) == (True, True, False)
    back = minikube(lab, foreign=True)
    assert (back["changed"], back["after"]["state"], back["ours"]) == (True, "started", True)
    assert not minikube(lab)["changed"]
    until(lambda: answers(lab), 30, "the API server is ready")
    assert made(lab)[1].split() == ["daemonset.apps/kube-proxy", "deployment.apps/coredns"]
    measured.update(found=back["found"], lost=gone["lost"], back_seconds=back["seconds"], warnings=back["warnings"])


def test_a_profile_that_was_cut_off_is_replaced_only_if_asked(lab: Lab, measured: dict[str, Any]) -> None:
    before = made(lab)
    lab.ssh(f"truncate --size=200 {PROFILE}")
    refused = minikube(lab, fails=True)
    assert "recreate" in refused["msg"]
    anew = minikube(lab, recreate=True)
    assert (anew["before"]["state"], anew["after"]["state"]) == ("damaged", "started")
    assert anew["lost"]
    after = made(lab)
    assert (before[0] != after[0], before[1]) == (True, after[1])
    measured.update(message=refused["msg"], lost=anew["lost"], recreate_seconds=anew["seconds"])
