# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of settings: flags, normal forms, and what differs from a stored profile."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_settings as settings
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from tests.unit.plugins.fake_minikube import PROFILE

NOW = (1, 38, 1)

# What the recorded profile was started with, as options of the module.
GIVEN: dict[str, Any] = {
    "driver": "ssh",
    "memory": "4g",
    "cpus": "2",
    "disk_size": "20g",
    "nodes": 1,
    "kubernetes_version": "v1.34.4",
    "container_runtime": "containerd",
    "extra_config": ["kubelet.max-pods=150"],
    "feature_gates": "A=true",
    "insecure_registry": ["r.local:5000"],
    "registry_mirror": ["http://m.local"],
    "image_repository": "https://r.local/k8s/",
    "apiserver_names": ["b", "a"],
    "apiserver_ips": ["10.1.1.1"],
    "apiserver_port": 8443,
    "embed_certs": True,
    "cni": "auto",
    "service_cluster_ip_range": "10.96.0.0/12",
    "mount_string": "",
    "wait": ["all"],
    "force": True,
}


def difference(**changed: Any) -> list[dict[str, Any]]:
    """Return how options differ from the recorded profile."""
    driver = changed.pop("on", "kvm2")
    chosen = settings.wanted(changed, driver)
    return settings.drift(settings.current({**PROFILE, "Driver": driver}, chosen), chosen, driver)


def test_what_the_profile_was_started_with_does_not_differ() -> None:
    chosen = settings.wanted(GIVEN, "ssh")
    assert settings.current(PROFILE, chosen) == chosen
    assert settings.drift(settings.current(PROFILE, chosen), chosen, "ssh") == []
    assert chosen["memory"] == 4096
    assert chosen["image_repository"] == "r.local/k8s"
    assert "wait" not in chosen


@pytest.mark.parametrize(
    ("changed", "old", "new", "effect"),
    [
        ({"memory": "5g"}, 4096, 5120, settings.KEPT),
        ({"cpus": "3"}, 2, 3, settings.KEPT),
        ({"disk_size": "30g"}, 20480, 30720, settings.KEPT),
        ({"nodes": 2}, 1, 2, settings.KEPT),
        ({"static_ip": "192.168.200.200", "on": "docker"}, "", "192.168.200.200", settings.KEPT),
        ({"driver": "docker"}, "kvm2", "docker", settings.REFUSED),
        ({"kubernetes_version": "v1.33.9"}, "v1.34.4", "v1.33.9", settings.REFUSED),
        ({"kubernetes_version": "v1.34.10"}, "v1.34.4", "v1.34.10", settings.START),
        ({"container_runtime": "cri-o"}, "containerd", "crio", settings.UNSAFE),
        ({"cni": "calico"}, "auto", "calico", settings.UNSAFE),
        ({"service_cluster_ip_range": "10.0.0.0/16"}, "10.96.0.0/12", "10.0.0.0/16", settings.UNSAFE),
        ({"apiserver_port": 9443}, 8443, 9443, settings.UNSAFE),
        ({"ports": ["80:80"], "on": "podman"}, [], ["80:80"], settings.UNSAFE),
        ({"insecure_registry": ["z:1"]}, ["r.local:5000"], ["z:1"], settings.IGNORED),
        ({"registry_mirror": []}, ["http://m.local"], [], settings.IGNORED),
        ({"image_repository": "q.local"}, "r.local/k8s", "q.local", settings.IGNORED),
        ({"listen_address": "0.0.0.0", "on": "docker"}, "", "0.0.0.0", settings.IGNORED),  # noqa: S104
        ({"mount_string": "/a:/b"}, "", "/a:/b", settings.START),
        ({"mount_string": "/a:/b", "on": "docker"}, "", "/a:/b", settings.REFUSED),
        ({"addons": ["metrics-server"]}, [], ["metrics-server"], settings.START),
        ({"extra_config": ["apiserver.v=3"]}, ["kubelet.max-pods=150"], ["apiserver.v=3"], settings.START),
        ({"extra_config": []}, ["kubelet.max-pods=150"], [], settings.LAST),
        ({"feature_gates": "B=true,A=true"}, ["A=true"], ["A=true", "B=true"], settings.START),
        ({"embed_certs": False}, True, False, settings.START),
        ({"apiserver_names": ["a"]}, ["a", "b"], ["a"], settings.START),
        ({"apiserver_ips": []}, ["10.1.1.1"], [], settings.START),
    ],
)
def test_each_difference_and_what_minikube_does_about_it(
    changed: dict[str, Any], old: Any, new: Any, effect: str
) -> None:
    option = next(iter(changed))
    assert difference(**changed) == [{"option": option, "old": old, "new": new, "effect": effect}]


def test_every_setting_that_is_stored_is_among_the_differences_above() -> None:
    tested = {next(iter(mark[0])) for mark in _marks()}
    assert tested == {setting.option for setting in settings.SETTINGS if setting.field}


def _marks() -> list[Any]:
    return list(test_each_difference_and_what_minikube_does_about_it.pytestmark[0].args[1])  # type: ignore[attr-defined]


@pytest.mark.parametrize("changed", [{"memory": "max"}, {"cpus": "no-limit"}, {"container_runtime": ""},
                                     {"image_repository": "AUTO"}, {"driver": "kvm"}, {"memory": "4096"},
                                     {"memory": "4096mb"}, {"memory": "4GiB"}, {"memory": 4096}])  # fmt: skip
def test_what_is_the_same_or_cannot_be_compared(changed: dict[str, Any]) -> None:
    assert difference(**changed) == []


def test_what_minikube_adds_by_itself_does_not_differ() -> None:
    config: dict[str, Any] = {**PROFILE, "Addons": {"storage-provisioner": True, "dashboard": False, "ingress": True}}
    config["KubernetesConfig"] = {
        **PROFILE["KubernetesConfig"],
        "FeatureGates": "A=true,KubeletInUserNamespace=true",
        "ExtraOptions": [
            {"Component": "kubelet", "Key": "max-pods", "Value": "150"},
            {"Component": "kubelet", "Key": "resolv-conf", "Value": "/run/systemd/resolve/resolv.conf"},
        ],
    }
    chosen = settings.wanted(
        {"addons": ["ingress"], "feature_gates": "A=true", "extra_config": ["kubelet.max-pods=150"]}, "none"
    )
    assert settings.current(config, chosen) == chosen
    # Asked for otherwise, it does.
    chosen = settings.wanted({"extra_config": ["kubelet.max-pods=150", "kubelet.resolv-conf=/etc/resolv.conf"]}, "none")
    assert settings.current(config, chosen) != chosen
    assert settings.stored(config)["addons"] == ["ingress", "storage-provisioner"]


def test_an_old_profile_without_a_field() -> None:
    config = {"KubernetesConfig": {}}
    chosen = settings.wanted({"static_ip": "10.0.0.2", "addons": ["ingress"]}, "docker")
    assert settings.current(config, chosen) == {"static_ip": None, "addons": []}


def test_flags_are_named_as_the_options() -> None:
    options = {
        "driver": "kvm2", "memory": "12384", "cpus": "4", "preload": False, "force": True, "nodes": 2,
        "addons": ["ingress", "dashboard"], "extra_config": ["kubelet.a=1,2", "etcd.b=3"], "wait": ["all"],
        "profile": "minikube", "cni": None,
    }  # fmt: skip
    assert settings.arguments(options, "kvm2", NOW) == [
        "--driver=kvm2", "--memory=12384", "--cpus=4", "--nodes=2", "--addons=ingress,dashboard",
        "--extra-config=kubelet.a=1,2", "--extra-config=etcd.b=3", "--wait=all", "--preload=false", "--force=true",
    ]  # fmt: skip


def test_the_flags_of_a_release() -> None:
    options = {"mount": True, "mount_string": "/a:/b"}
    assert settings.arguments(options, "kvm2", (1, 36, 0)) == ["--mount=true", "--mount-string=/a:/b"]
    assert settings.arguments(options, "kvm2", (1, 37, 0)) == ["--mount-string=/a:/b"]
    assert settings.arguments({"static_ip": "10.0.0.2"}, "docker", (1, 29)) == ["--static-ip=10.0.0.2"]
    with pytest.raises(InputError, match=r"static_ip needs minikube 1\.29 or newer; this is 1\.28\.0"):
        settings.arguments({"static_ip": "10.0.0.2"}, "docker", (1, 28, 0))


def test_what_a_driver_does_not_heed_is_left_out_and_said() -> None:
    options = {"driver": "none", "memory": "12g", "cpus": "4", "static_ip": "10.0.0.2"}
    assert settings.wanted(options, "none") == {"driver": "none"}
    assert settings.arguments(options, "none", NOW) == ["--driver=none"]
    assert settings.unheeded(options, "none") == [
        "The driver none does nothing with memory, cpus, static_ip; the option was left out."
    ]
    assert settings.unheeded({"memory": "12g", "static_ip": "10.0.0.2"}, None) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory": "lots"}, "'lots' is not an amount"),
        ({"memory": "-1"}, "'-1' is not an amount"),
        ({"disk_size": "20 gb of disk"}, "is not an amount"),
        ({"cpus": "two"}, "'two' is not a number"),
        ({"extra_config": ["max-pods=150"]}, "'max-pods=150' is not component.key=value"),
        ({"extra_config": ["kubelet.max-pods"]}, "is not component.key=value"),
    ],
)
def test_values_that_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        settings.wanted(options, "kvm2")


@pytest.mark.parametrize(("text", "mib"), [("12384", 12384), ("12g", 12288), ("1.5g", 1536), ("2048MB", 2048),
                                           ("1 TiB", 2**20), ("1048576k", 1024), ("1073741824b", 1024)])  # fmt: skip
def test_amounts_as_minikube_reads_them(text: str, mib: int) -> None:
    assert settings.size(text) == mib


@given(st.text())
def test_no_amount_breaks_it(text: str) -> None:
    try:
        value = settings.size(text)
    except InputError:
        return
    assert value is None or value >= 0
