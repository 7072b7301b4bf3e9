# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a host fit: each problem alone, all at once, and the questions to a real host."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _minikube_preflight as preflight
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_preflight import Host, check, message
from tests.unit.plugins.fake_minikube import FitHost

NONE = {"driver": "none", "profile": "minikube", "container_runtime": "containerd"}
USER = {"uid": 1000}


def problems(host: FitHost, new: bool = True, **wishes: Any) -> list[str]:
    """Return the problems with their keys."""
    return [f"{item['check']}: {item['problem']}" for item in check(host, {"home": "/home/ada", **wishes}, new=new)]


@pytest.mark.parametrize("driver", [None, "kvm2", "kvm", "docker", "podman", "virtualbox", "qemu2", "ssh"])
def test_a_fit_host(driver: str | None) -> None:
    assert problems(FitHost(**USER), driver=driver, memory="12384", cpus="4", disk_size="20g", ports=["80:80"]) == []
    assert problems(FitHost(), **NONE) == []
    assert problems(FitHost(), **{**NONE, "driver": "native"}) == []


@pytest.mark.parametrize(
    ("host", "wishes", "problem"),
    [
        ({"memory": 1700}, {}, "memory: the host has 1700 MiB of memory, Kubernetes needs 1800"),
        ({"memory": 8000}, {"memory": "12g"}, "memory: `memory` asks for 12288 MiB, the host has 8000"),
        ({}, {"memory": "1g"}, "memory: `memory` asks for 1024 MiB, Kubernetes needs 1800"),
        ({"cpus": 1}, {}, "cpus: the host has 1 CPU, Kubernetes needs 2"),
        ({"cpus": 2}, {"cpus": "4"}, "cpus: `cpus` asks for 4, the host has 2"),
        ({}, {"cpus": "1"}, "cpus: `cpus` asks for 1, Kubernetes needs 2"),
        ({"free": 1000}, {}, "disk: /home/ada has 1000 MiB free, 2000 are needed"),
        ({"free": 1000}, NONE, "disk: /var/lib has 1000 MiB free, 2000 are needed"),
        (
            {"free": 9000, **USER},
            {"driver": "kvm2", "disk_size": "20g"},
            "disk: /home/ada has 9000 MiB free, 20480 are",
        ),
        ({"free": 19000, **USER}, {"driver": "kvm2"}, "disk: /home/ada has 19000 MiB free, 20000 are needed"),
        ({"free": 1000, **USER}, {"driver": "docker", "disk_size": "20g"}, "disk: /var/lib/docker has 1000 MiB free"),
        ({}, {"driver": "docker"}, "user: the driver docker refuses to run as root"),
        ({"lacks": ("/dev/kvm",), **USER}, {"driver": "kvm2"}, "kvm: /dev/kvm is not there"),
        ({"lacks": ("use /dev/kvm",), **USER}, {"driver": "kvm2"}, "kvm: /dev/kvm may not be used"),
        ({"lacks": ("virsh",), **USER}, {"driver": "kvm2"}, "libvirt: virsh is not installed"),
        (
            {"answers": False, "said": "no socket", **USER},
            {"driver": "kvm2"},
            "libvirt: libvirt does not answer: no socket",
        ),
        (
            {"architecture": "aarch64", **USER},
            {"driver": "kvm2"},
            "architecture: the kvm2 driver does not exist for aar",
        ),
        ({"lacks": ("docker",), **USER}, {"driver": "docker"}, "engine: docker is not installed"),
        ({"answers": False, "said": "down", **USER}, {"driver": "docker"}, "engine: docker does not answer: down"),
        ({"answers": False, "said": "password", **USER}, {"driver": "podman"}, "engine: podman does not answer: passw"),
        ({"lacks": ("VBoxManage",), **USER}, {"driver": "virtualbox"}, "virtualbox: VBoxManage is not installed"),
        ({}, {**NONE, "profile": "lab"}, "profile: the none driver knows no profile lab"),
        ({}, {**NONE, "nodes": 2}, "nodes: the none driver has one node, not 2"),
        *[({"lacks": (name,)}, NONE, f"{name}: {name} is not installed") for name in preflight.NONE_PROGRAMS],
        ({"answers": False, **USER}, NONE, "root: sudo asks this user for a password"),
        ({"lacks": ("containerd",)}, NONE, "runtime: the container runtime containerd is not installed"),
        (
            {"lacks": ("crio",)},
            {**NONE, "container_runtime": "cri-o"},
            "runtime: the container runtime cri-o is not inst",
        ),
        (
            {"containerd": "containerd github.com/containerd/containerd 1.3.9 ea7"},
            NONE,
            "containerd: containerd is 1.3",
        ),
        ({"active": "inactive"}, NONE, "containerd: containerd does not run: it is inactive"),
        ({"lacks": ("/opt/cni/bin",)}, NONE, "cni: /opt/cni/bin has no CNI plugins"),
        ({"lacks": ("route",)}, NONE, "route: there is no default route"),
        ({"lacks": ("/run/systemd/system", "rc-service")}, NONE, "init: neither systemd nor OpenRC runs here"),
        ({"taken": (8443,)}, NONE, "ports: port 8443 (kube-apiserver) is taken"),
        ({"taken": (9443,)}, {**NONE, "apiserver_port": 9443}, "ports: port 9443 (kube-apiserver) is taken"),
        ({"taken": (2379,)}, NONE, "ports: port 2379 (etcd) is taken"),
        (
            {"taken": (8080,), **USER},
            {"driver": "docker", "ports": ["127.0.0.1:8080:80/tcp", "90"]},
            "ports: port 8080 (",
        ),
    ],
)
def test_each_problem_alone(host: dict[str, Any], wishes: dict[str, Any], problem: str) -> None:
    found = problems(FitHost(**host), **wishes)
    assert len(found) == 1, found
    assert found[0].startswith(problem)


def test_what_is_no_problem() -> None:
    # The none driver has no limits of its own, an existing cluster holds its own ports, force lets root in.
    assert problems(FitHost(memory=4000), **NONE, memory="12g", cpus="64") == []
    assert problems(FitHost(taken=(8443, 10250)), new=False, **NONE) == []
    assert problems(FitHost(), driver="docker", force=True) == []
    assert problems(FitHost(memory=None), memory="12g") == []
    # The disk of a machine that is there has taken its space already.
    assert problems(FitHost(free=9000, **USER), new=False, driver="kvm2", disk_size="20g") == []
    # What cannot be told is none; another runtime is not containerd.
    assert problems(FitHost(containerd="containerd github.com/containerd/containerd/v2 v2.0.0 20"), **NONE) == []
    assert problems(FitHost(containerd="no answer within 10 s"), **NONE) == []
    assert problems(FitHost(active="inactive", lacks=("/run/systemd/system",)), **NONE) == []
    assert problems(FitHost(active="inactive"), **{**NONE, "container_runtime": "docker"}) == []
    assert problems(FitHost(lacks=("rc-service",)), **NONE) == []
    assert problems(FitHost(), memory="max", cpus="max") == []


def test_the_remedy_of_an_engine_fits_what_it_said() -> None:
    for said, remedy in (
        ("permission denied while trying to connect to the Docker daemon socket", "group docker"),
        ("Cannot connect to the Docker daemon", "systemctl enable --now docker"),
    ):
        found = check(FitHost(answers=False, said=said, uid=1000), {"driver": "docker", "home": "/"}, new=True)
        assert remedy in found[0]["remedy"]


def test_all_problems_are_one_message() -> None:
    found = check(FitHost(lacks=("iptables", "crictl", "route"), memory=1000), {**NONE, "home": "/"}, new=True)
    text = message(found)
    assert [line[:2] for line in text.splitlines()] == ["Th", "1.", "2.", "3.", "4."]
    assert all(item["remedy"] in text for item in found)
    assert message([]) == "This host is fit for the cluster."


def test_every_problem_has_a_remedy() -> None:
    worst = FitHost(lacks=("route", "/opt/cni/bin", "/run/systemd/system", "rc-service", *preflight.NONE_PROGRAMS),
                    memory=1, cpus=1, free=1, taken=tuple(range(65536)),
                    containerd="containerd github.com/containerd/containerd 1.3.0 x", active="failed")  # fmt: skip
    found = check(worst, {**NONE, "home": "/", "profile": "lab", "nodes": 3}, new=True)
    assert len(found) == 19
    assert all(item["remedy"].endswith(".") and len(item["remedy"]) > 12 for item in found)


# -- a real host ------------------------------------------------------------------------------------


def test_a_real_hosts_amounts(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    assert host.cpus() == os.cpu_count()
    files = {
        "/proc/meminfo": ["MemTotal:       24683940 kB", "MemFree: 1 kB"],
        "/sys/fs/cgroup/memory.max": ["max"],
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": ["9223372036854771712"],
    }
    monkeypatch.setattr(host, "lines", lambda path: files.get(path, []))
    assert host.memory_mb() == 24105
    files["/sys/fs/cgroup/memory.max"] = ["4294967296"]
    assert host.memory_mb() == 4096
    files.clear()
    assert host.memory_mb() is None


def test_a_real_hosts_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    assert host.free_mb(str(tmp_path / "not" / "yet" / "there")) == host.free_mb(str(tmp_path)) > 0
    monkeypatch.chdir(tmp_path)
    assert host.free_mb("not/yet/there") == host.free_mb("") == host.free_mb(str(tmp_path))
    assert host.lines(str(tmp_path / "none")) == []
    (tmp_path / "file").write_text("a\nb\n")
    assert host.lines(str(tmp_path / "file")) == ["a", "b"]
    (tmp_path / "empty").mkdir()
    assert not host.exists(str(tmp_path / "empty"))
    assert host.exists(str(tmp_path))
    assert host.exists(str(tmp_path / "file"))
    assert not host.exists(str(tmp_path / "none"))
    assert host.usable(str(tmp_path / "file"))
    assert not host.usable(str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host.program("sh")
    (tmp_path / "meshlab-tool").touch(0o644)
    assert not host.program("meshlab-tool")
    (tmp_path / "meshlab-tool").chmod(0o755)
    assert host.program("meshlab-tool")


def test_a_real_hosts_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert Host().taken(port)
    assert not Host().taken(port)

    def forbidden(_self: socket.socket, _address: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", type("Forbidden", (socket.socket,), {"bind": forbidden}))
    assert not Host().taken(80)


def test_a_real_host_is_asked_with_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    assert host.ask(sys.executable, "-c", "print('one'); print('two')") == (True, "two")
    assert host.ask(sys.executable, "-c", "raise SystemExit(3)") == (False, "it said nothing")
    good, said = host.ask("/nowhere/tool")
    assert (good, "No such file" in said) == (False, True)
    monkeypatch.setattr(preflight, "ENGINE_SECONDS", 0.2)
    assert host.ask(sys.executable, "-c", "import time; time.sleep(5)") == (False, "no answer within 0.2 s")
