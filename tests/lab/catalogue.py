# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images the lab needs, and what is in each: Kubernetes, Istio, Prometheus, Zipkin, sleep, and the stand-ins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.lab import parts
from tests.lab.images import Image

PASSWD = (
    "root:x:0:0:root:/root:/sbin/nologin\n"
    "istio-proxy:x:1337:1337::/nonexistent:/sbin/nologin\n"
    "nobody:x:65534:65534::/nonexistent:/sbin/nologin\n"
)
TEXTS = {"etc/passwd": PASSWD, "etc/nsswitch.conf": "hosts: files dns\n"}
IPTABLES = ("usr/sbin/xtables-nft-multi", "usr/lib/x86_64-linux-gnu/xtables", "usr/sbin/ip", "usr/bin/bash")
IPTABLES_LINKS = {
    **{
        f"usr/sbin/{family}{flavour}{tool}": "xtables-nft-multi"
        for family in ("iptables", "ip6tables")
        for flavour in ("", "-nft")
        for tool in ("", "-save", "-restore")
    },
    "usr/bin/sh": "bash",
}
GLIBC = tuple(
    f"usr/lib/x86_64-linux-gnu/{name}"
    for name in ("libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libgcc_s.so.1")
)
"""For programs of Python wheels, which are no paths of the Debian root, so that ldd is not asked about them there."""
CERTIFICATES = ("etc/ssl/certs/ca-certificates.crt",)


@dataclass(frozen=True)
class Built:
    """The folders that tests.lab.build made."""

    go: dict[str, Path]
    stand_ins: Path
    envoy: Path
    root: Path
    java: Path
    zipkin: Path


def images(built: Built) -> list[Image]:
    """Return every image of the lab. References of addons and Bookinfo are read from Istio's own samples."""
    return [*_kubernetes(built), *_istio(built), *_samples(built)]


def _program(reference: str, origin: str, program: Path, path: str, **more: object) -> Image:
    """An image of one static program."""
    return Image(reference, origin, files={path: program}, texts=TEXTS, **more)  # type: ignore[arg-type]


def _kubernetes(built: Built) -> list[Image]:
    registry, kubernetes = "registry.k8s.io", built.go["kubernetes"]
    origin = {part.name: part.origin for part in parts.GO_PARTS}
    control_plane = [
        _program(f"{registry}/{name}:{parts.KUBERNETES}", origin["kubernetes"], kubernetes / name,
                 f"usr/local/bin/{name}")
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ]  # fmt: skip
    return [
        *control_plane,
        Image(
            f"{registry}/kube-proxy:{parts.KUBERNETES}", origin["kubernetes"], texts=TEXTS,
            files={"usr/local/bin/kube-proxy": kubernetes / "kube-proxy"},
            debian=(*IPTABLES, "usr/sbin/conntrack"), links=IPTABLES_LINKS,
        ),
        _program(f"{registry}/etcd:{parts.ETCD}-0", origin["etcd"], built.go["etcd"] / "etcd", "usr/local/bin/etcd"),
        _program(f"{registry}/coredns/coredns:{parts.COREDNS_TAG}", origin["coredns"],
                 built.go["coredns"] / "coredns", "coredns", entrypoint=("/coredns",)),
        _program(f"{registry}/pause:{parts.PAUSE_TAG}", "tests/lab/standins/cmd/pause", built.stand_ins / "pause",
                 "pause", entrypoint=("/pause",), user="65535:65535", stand_in="Kubernetes' pause program"),
    ]  # fmt: skip


def _istio(built: Built) -> list[Image]:
    istio, hub, tag = built.go["istio"], parts.ISTIO_HUB, parts.ISTIO
    origin = next(part.origin for part in parts.GO_PARTS if part.name == "istio")
    return [
        Image(
            f"{hub}/pilot:{tag}", origin, entrypoint=("/usr/local/bin/pilot-discovery",), user="1337:1337",
            files={"usr/local/bin/pilot-discovery": istio / "pilot-discovery"}, debian=CERTIFICATES, texts=TEXTS,
        ),
        Image(
            f"{hub}/proxyv2:{tag}", f"{origin}, with Envoy from PyPI {parts.ENVOY}",
            entrypoint=("/usr/local/bin/pilot-agent",),
            files={
                "usr/local/bin/pilot-agent": istio / "pilot-agent",
                "usr/local/bin/envoy": built.envoy,
                "var/lib/istio/envoy/envoy_bootstrap_tmpl.json": istio / "envoy_bootstrap.json",
            },
            debian=(*IPTABLES, *CERTIFICATES, "usr/bin/curl", *GLIBC),
            links=IPTABLES_LINKS, texts=TEXTS,
        ),
    ]  # fmt: skip


def _samples(built: Built) -> list[Image]:
    release = built.go["istio"] / "release" / "samples"
    found = []
    for manifest in (*(release / "addons" / f"{name}.yaml" for name in ("prometheus", "loki", "kiali", "jaeger",
                                                                        "grafana", "extras/zipkin")),
                     release / "bookinfo/platform/kube/bookinfo.yaml", release / "sleep/sleep.yaml"):  # fmt: skip
        found += re.findall(r"^\s*(?:- )?image:\s*\"?([^\s\"]+)", manifest.read_text(), re.MULTILINE)
    return [_sample(reference, built) for reference in dict.fromkeys(found)]


ADDONS = {
    "kiali": ("opt/kiali/kiali", "1000", "Kiali"),
    "grafana": ("run.sh", "472", "Grafana"),
    "loki": ("usr/bin/loki", "10001", "Loki"),
    "jaeger": ("cmd/jaeger/jaeger-linux", "10001", "Jaeger"),
    "k8s-sidecar": ("app/sidecar", "65534", "kiwigrid/k8s-sidecar"),
}
"""Last part of the reference → path of the program in the image, its user, what it stands in for."""


def _sample(reference: str, built: Built) -> Image:
    name = reference.rsplit("/", 1)[1].split(":")[0]
    if name in ("prometheus", "prometheus-config-reloader"):
        origin = next(part.origin for part in parts.GO_PARTS if part.name == name)
        return _program(reference, origin, built.go[name] / name, f"bin/{name}", entrypoint=(f"/bin/{name}",),
                        user="65534")  # fmt: skip
    if name == "curl":
        return Image(
            reference, f"Debian {parts.DEBIAN}: curl and coreutils", stand_in="curlimages/curl, with Debian's curl",
            debian=("usr/bin/curl", "usr/bin/sleep", "usr/bin/bash", "usr/bin/cat", "usr/bin/ls", "usr/bin/env",
                    "usr/bin/date", "usr/bin/seq", "usr/bin/grep", *CERTIFICATES),
            links={"usr/bin/sh": "bash"}, texts=TEXTS,
        )  # fmt: skip
    if name == "zipkin-slim":
        runtime = {
            f"opt/java/{file.relative_to(built.java)}": file for file in sorted(built.java.rglob("*")) if file.is_file()
        }
        return Image(
            reference, f"Maven io.zipkin:zipkin-server:{parts.ZIPKIN}:slim, with Java from PyPI {parts.JAVA}",
            # It starts on two busy cores within the pods' usual time, and keeps to a small host's memory.
            entrypoint=("/opt/java/bin/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx128m", "-jar",
                        "/zipkin.jar"),
            environment={"MEM_MAX_SPANS": "50000"}, user="1000", files={"zipkin.jar": built.zipkin, **runtime},
            debian=(*GLIBC, "usr/lib/x86_64-linux-gnu/libz.so.1"), texts=TEXTS,
        )  # fmt: skip
    bookinfo = re.fullmatch(r"examples-bookinfo-(\w+)-(v\d)", name)
    if bookinfo:
        service, version = bookinfo.groups()
        return _program(
            reference, "tests/lab/standins/cmd/bookinfo", built.stand_ins / "bookinfo", "usr/local/bin/bookinfo",
            entrypoint=("/usr/local/bin/bookinfo",), environment={"SERVICE": service, "VERSION": version},
            user="1000", stand_in=f"Bookinfo's {service} {version}",
        )  # fmt: skip
    path, user, stands_for = ADDONS[name]
    return _program(
        reference, "tests/lab/standins/cmd/addon", built.stand_ins / "addon", path,
        entrypoint=(f"/{path}",), environment={"ROLE": name}, user=user, stand_in=stands_for,
    )  # fmt: skip
