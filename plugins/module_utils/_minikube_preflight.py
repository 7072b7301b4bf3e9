# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this host fit for a minikube cluster? All problems at once, each with its remedy; nothing is changed.

What minikube v1.38.1 itself checks is named by its file; the rest is said to be ours.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._minikube import FORCE, profile_problem
from ansible_collections.meshlab.istio.plugins.module_utils._minikube_settings import ALIASES, CONTAINERS, count, size

# cmd/minikube/cmd/start_flags.go: minUsableMem, minimumCPUS and minimumDiskSize.
MEMORY_MB = 1800
CPUS = 2
DISK_MB = 2000
# defaultDiskSize there: what a virtual machine's disk may grow to.
MACHINE_DISK = "20000mb"
CONTAINERD = (1, 4)
"""The oldest containerd that the none driver takes (pkg/minikube/registry/drvs/none/none.go)."""

ENGINE_SECONDS = 10.0
PATH = os.pathsep.join(("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"))
MACHINES = ("kvm2", "virtualbox", "qemu2")

# kubeadm's own preflight asks for these on the none driver (kubeadm 1.34, app/preflight/checks.go).
PORTS = {10250: "kubelet", 10257: "kube-controller-manager", 10259: "kube-scheduler", 2379: "etcd", 2380: "etcd"}
API_PORT = 8443


@dataclass(frozen=True)
class Problem:
    """Something that keeps a cluster from starting: a short key, what is wrong, and what to do about it."""

    check: str
    problem: str
    remedy: str


class Host:
    """What the checks ask about this machine. Tests hand in one of their own."""

    uid = os.geteuid()
    architecture = platform.machine()

    def cpus(self) -> int:
        """Return the number of logical CPUs."""
        return os.cpu_count() or 1

    def memory_mb(self) -> int | None:
        """Return this machine's memory in MiB, or what its control group allows if that is less; None if unknown."""
        amounts = [int(line.split()[1]) // 1024 for line in self.lines("/proc/meminfo") if line.startswith("MemTotal:")]
        for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
            amounts += [int(line) // 2**20 for line in self.lines(path) if line.strip().isdecimal()]
        return min(amounts, default=None)

    def free_mb(self, path: str) -> int:
        """Return the free space in MiB of the file system that holds ``path``, which need not exist yet."""
        path = os.path.abspath(path)
        while not os.path.exists(path):
            path = os.path.dirname(path)
        return shutil.disk_usage(path).free // 2**20

    def program(self, name: str) -> bool:
        """Tell whether a program is in PATH or where root's programs are."""
        return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), PATH))) is not None

    def exists(self, path: str) -> bool:
        """Tell whether a path exists and, for a directory, has something in it."""
        return bool(os.listdir(path)) if os.path.isdir(path) else os.path.exists(path)

    def directory(self, path: str) -> bool:
        """Tell whether a directory exists. systemd's own test of whether it runs is an empty one (sd_booted(3))."""
        return os.path.isdir(path)

    def usable(self, path: str) -> bool:
        """Tell whether this user may read and write a path."""
        return os.access(path, os.R_OK | os.W_OK)

    def lines(self, path: str) -> list[str]:
        """Return the lines of a text file; [] if it cannot be read."""
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                return stream.read().splitlines()
        except OSError:
            return []

    def taken(self, port: int) -> bool:
        """Tell whether something listens on a TCP port of this host."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except PermissionError:
                return False
            except OSError:
                return True
        return False

    def ask(self, *command: str) -> tuple[bool, str]:
        """Run a command that only looks; return whether it succeeded, and the last line it said."""
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C", "PATH": os.environ.get("PATH", "") + os.pathsep + PATH},
                timeout=ENGINE_SECONDS, text=True, errors="replace", check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False, f"no answer within {ENGINE_SECONDS:g} s"
        except OSError as error:
            return False, str(error)
        said = done.stdout.strip().splitlines() or ["it said nothing"]
        return done.returncode == 0, said[-1]


Wishes = Mapping[str, Any]
Check = Callable[[Host, Wishes], Iterator[Problem]]


def resources(host: Host, wishes: Wishes) -> Iterator[Problem]:
    """Memory and CPUs (validateRequestedMemorySize and validateCPUCount in cmd/minikube/cmd/start.go)."""
    memory, cpus = host.memory_mb(), host.cpus()
    limited = wishes.get("driver") != "none"
    asked = size(wishes["memory"]) if wishes.get("memory") and limited else None
    if memory is not None and memory < MEMORY_MB:
        yield Problem(
            "memory", f"the host has {memory} MiB of memory, Kubernetes needs {MEMORY_MB}", "Give it more memory."
        )
    elif memory is not None and asked is not None and asked > memory:
        yield Problem(
            "memory",
            f"`memory` asks for {asked} MiB, the host has {memory}",
            "Give the host more memory, or ask for less.",
        )
    if asked is not None and asked < MEMORY_MB:
        yield Problem("memory", f"`memory` asks for {asked} MiB, Kubernetes needs {MEMORY_MB}", "Ask for more.")
    asked = count(wishes["cpus"]) if wishes.get("cpus") and limited else None
    if cpus < CPUS:
        yield Problem("cpus", f"the host has {cpus} CPU, Kubernetes needs {CPUS}", "Give it more CPUs.")
    elif asked is not None and asked > cpus:
        yield Problem(
            "cpus", f"`cpus` asks for {asked}, the host has {cpus}", "Give the host more CPUs, or ask for fewer."
        )
    if asked is not None and asked < CPUS:
        yield Problem("cpus", f"`cpus` asks for {asked}, Kubernetes needs {CPUS}", "Ask for more.")


def disk(host: Host, wishes: Wishes) -> Iterator[Problem]:
    """Disk space: minikube's smallest disk; a new virtual machine's disk can grow to all of disk_size (ours)."""
    driver = wishes.get("driver")
    places = {"none": "/var/lib", "docker": "/var/lib/docker", "podman": "/var/lib/containers"}
    place = places.get(str(driver), str(wishes.get("home") or os.path.expanduser("~")))
    needed = DISK_MB
    if driver in MACHINES and wishes["new"]:
        needed = max(needed, size(wishes.get("disk_size") or MACHINE_DISK) or 0)
    free = host.free_mb(place)
    if free < needed:
        yield Problem(
            "disk", f"{place} has {free} MiB free, {needed} are needed", "Free some space, or enlarge the disk."
        )


def user(host: Host, wishes: Wishes) -> Iterator[Problem]:
    """Every driver but none refuses root, unless forced (validateUser in cmd/minikube/cmd/start.go)."""
    if host.uid == 0 and not wishes.get("force"):
        yield Problem(
            "user",
            f"the driver {wishes['driver']} refuses to run as root",
            f"Run the task as an ordinary user (`become: false`), or set {FORCE}.",
        )


def kvm2(host: Host, _wishes: Wishes) -> Iterator[Problem]:
    """pkg/minikube/registry/drvs/kvm2/kvm2.go; /dev/kvm is ours, as libvirt would fall back to emulation."""
    if host.architecture not in ("x86_64", "amd64"):
        yield Problem(
            "architecture", f"the kvm2 driver does not exist for {host.architecture}", "Use the driver docker."
        )
    if not host.exists("/dev/kvm"):
        yield Problem(
            "kvm", "/dev/kvm is not there",
            "Switch on virtualization in the firmware (or nested, for a virtual machine), or use another driver.",
        )  # fmt: skip
    elif not host.usable("/dev/kvm"):
        yield Problem("kvm", "/dev/kvm may not be used by this user", "Add the user to the group kvm and log in again.")
    if not host.program("virsh"):
        yield Problem(
            "libvirt", "virsh is not installed",
            "Install libvirt, such as `apt install qemu-kvm libvirt-daemon-system libvirt-clients`.",
        )  # fmt: skip
        return
    good, said = host.ask("virsh", "--connect", "qemu:///system", "domcapabilities", "--virttype", "kvm")
    if not good:
        yield Problem(
            "libvirt", f"libvirt does not answer: {said}",
            "Start it with `systemctl enable --now libvirtd`; add the user to the group libvirt and log in again.",
        )  # fmt: skip


def engine(host: Host, wishes: Wishes) -> Iterator[Problem]:
    """pkg/minikube/registry/drvs/docker/docker.go and podman/podman.go (which asks podman through sudo)."""
    name = str(wishes["driver"])
    if not host.program(name):
        yield Problem("engine", f"{name} is not installed", f"Install {name}, or use another driver.")
        return
    command = {
        "docker": ("docker", "version", "--format", "{{.Server.Version}}"),
        "podman": ("sudo", "-k", "-n", "podman", "version", "--format", "{{.Version}}"),
    }[name]
    good, said = host.ask(*command)
    if good:
        return
    remedy = {
        "docker": "Start it with `systemctl enable --now docker`.",
        "podman": "Allow this user `sudo podman` without a password.",
    }[name]
    if "permission denied" in said:
        remedy = "Add the user to the group docker (`usermod -aG docker NAME`) and log in again."
    yield Problem("engine", f"{name} does not answer: {said}", remedy)


def virtualbox(host: Host, _wishes: Wishes) -> Iterator[Problem]:
    """pkg/minikube/registry/drvs/virtualbox/virtualbox.go."""
    if not host.program("VBoxManage"):
        yield Problem("virtualbox", "VBoxManage is not installed", "Install VirtualBox, or use another driver.")


# What the none driver runs on this host: validateBareMetal and validateUser in cmd/minikube/cmd/start.go,
# pkg/minikube/registry/drvs/none/none.go.
NONE_PROGRAMS = {
    "iptables": "Install it, such as `apt install iptables`.",
    "conntrack": "Install it, such as `apt install conntrack`.",
    "crictl": "Install cri-tools; Kubernetes needs it from 1.24 on.",
    "sudo": "Install it; minikube calls it even as root.",
}


CURABLE = frozenset({*NONE_PROGRAMS, "runtime", "containerd", "cni", "libvirt", "engine", "virtualbox"})
"""The checks of what an earlier task of a play may bring or start, such as those of the role ``host``."""


UNFORCED = frozenset({"profile", "nodes", "root"})
"""The checks that minikube's --force does not skip (validateBareMetal and validateUser there)."""


def name(host: Host, wishes: Wishes) -> Iterator[Problem]:
    """The profile's name (ProfileNameValid in pkg/minikube/config/profile.go)."""
    del host
    if problem := profile_problem(wishes.get("profile", "minikube")):
        what, remedy, how = problem.rpartition("Give ")
        yield Problem("profile", what.rstrip(". "), remedy + how)


def none(host: Host, wishes: Wishes) -> Iterator[Problem]:
    """The none driver uses the host itself."""
    profile, nodes = wishes.get("profile") or "minikube", wishes.get("nodes")
    if profile != "minikube":
        yield Problem("profile", f"the none driver knows no profile {profile}", "Name the profile minikube.")
    if nodes and count(nodes) != 1:
        yield Problem("nodes", f"the none driver has one node, not {nodes}", "Set `nodes: 1`, or use another driver.")
    for program, remedy in NONE_PROGRAMS.items():
        if not host.program(program):
            yield Problem(program, f"{program} is not installed", remedy)
    if host.uid != 0 and host.program("sudo") and not host.ask("sudo", "-n", "true")[0]:
        yield Problem("root", "sudo asks this user for a password", "Run the task with `become: true`.")
    runtime = str(wishes.get("container_runtime") or "docker")
    binary = {"cri-o": "crio", "docker": "dockerd"}.get(runtime, runtime)
    if not host.program(binary):
        yield Problem(
            "runtime", f"the container runtime {runtime} is not installed",
            f"Install it, or name the one that is there as `container_runtime` ({binary} was looked for).",
        )  # fmt: skip
    elif runtime == "containerd":
        yield from containerd(host)
    if not host.exists("/opt/cni/bin"):
        yield Problem(
            "cni", "/opt/cni/bin has no CNI plugins",
            "Install them; on Debian `apt install containernetworking-plugins` and `ln -s /usr/lib/cni /opt/cni/bin`.",
        )  # fmt: skip
    if not any(line.split()[1:2] == ["00000000"] for line in host.lines("/proc/net/route")):
        yield Problem("route", "there is no default route", "Add one: the node takes its address from it.")
    if not host.directory("/run/systemd/system") and not host.program("rc-service"):
        yield Problem(
            "init", "neither systemd nor OpenRC runs here", "Use another driver on this host, such as docker."
        )


def containerd(host: Host) -> Iterator[Problem]:
    """Whether containerd is new enough, and runs (ours, and only where systemd could tell)."""
    said = host.ask("containerd", "--version")[1]
    found = re.search(r"\sv?(\d{1,6})\.(\d{1,6})", said)
    if found and (int(found[1]), int(found[2])) < CONTAINERD:
        oldest = ".".join(map(str, CONTAINERD))
        yield Problem(
            "containerd", f"containerd is {found[0].strip()}, minikube needs {oldest}", "Install a newer one."
        )
    if not host.directory("/run/systemd/system"):
        return
    good, said = host.ask("systemctl", "is-active", "containerd")
    if not good:
        yield Problem(
            "containerd", f"containerd does not run: it is {said}", "Start it with `systemctl enable --now containerd`."
        )


def ports(host: Host, wishes: Wishes) -> Iterator[Problem]:
    """The ports that a new cluster takes on this host: all with the none driver, the published ones with an engine."""
    needed: dict[int, str] = {}
    if wishes.get("driver") == "none":
        needed = {int(wishes.get("apiserver_port") or API_PORT): "kube-apiserver", **PORTS}
    elif wishes.get("driver") in CONTAINERS:
        published = [str(item).split("/", maxsplit=1)[0].split(":") for item in wishes.get("ports") or []]
        needed = {int(parts[-2]): "`ports`" for parts in published if len(parts) > 1 and parts[-2].isdecimal()}
    for port, owner in needed.items():
        if host.taken(port):
            yield Problem(
                "ports", f"port {port} ({owner}) is taken", f"Stop what listens there: `ss -ltnp 'sport = :{port}'`."
            )


CHECKS: tuple[tuple[Check, Sequence[str]], ...] = (
    (name, ()),
    (resources, ()),
    (disk, ()),
    (user, (*CONTAINERS, *MACHINES, "ssh")),
    (kvm2, ("kvm2",)),
    (engine, CONTAINERS),
    (virtualbox, ("virtualbox",)),
    (none, ("none",)),
)
"""Each check with the drivers it is for; no driver means all."""


def check(host: Host, wishes: Wishes, *, new: bool) -> list[dict[str, str]]:
    """Return every problem as {check, problem, remedy}; [] for a host that is fit.

    :param wishes: the options of the module ``minikube`` that matter (driver, memory, cpus, disk_size, profile, nodes,
        container_runtime, apiserver_port, ports) and ``home``, minikube's directory.
    :param new: there is no cluster yet, so its ports must be free.
    :raises InputError: an amount cannot be read.
    """
    driver = ALIASES.get(str(wishes.get("driver")), wishes.get("driver"))
    wishes = {**wishes, "driver": driver, "new": new}
    problems = [
        problem for test, drivers in CHECKS if not drivers or driver in drivers for problem in test(host, wishes)
    ]
    if new:
        problems += ports(host, wishes)
    return [{"check": item.check, "problem": item.problem, "remedy": item.remedy} for item in problems]


def message(problems: Sequence[Mapping[str, str]]) -> str:
    """Return all problems as one message."""
    if not problems:
        return "This host is fit for the cluster."
    lines = [f"{number}. {item['problem']}. {item['remedy']}" for number, item in enumerate(problems, start=1)]
    return "\n".join(["This host is not fit for the cluster:", *lines])
