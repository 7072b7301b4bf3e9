# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the built parts together as a bundle: the directory that ``lab_bundle`` names (docs/architecture.md)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

from tests.lab import build, catalogue, images, parts
from tests.lab.cache import (
    CACHE,
    HERE,
    LabError,
    digest_of,
    execute,
    locked,
    made_once,
    need_space,
    remove_tree,
    say,
    size_of,
)

UNUSED_DAYS = 7
"""Several checkouts of different versions share one cache: what none of them has asked for is removed."""

BUILD_GB = 25
"""With Go's caches, while a Go part is built."""
KEPT_GB = 6
"""The parts and the bundle, which stay."""

KUBERNETES_BINARIES = ("kubeadm", "kubelet", "kubectl")


def make_bundle() -> Path:
    """Build or reuse everything; return the bundle's directory."""
    with locked("bundle"):
        need_space(CACHE, space_needed(), "Building the sealed lab")
        key = _key()
        final = CACHE / "build" / key
        if not final.exists():
            built = _build_parts()
            made_once(key, "bundle", lambda folder: _assemble(folder, built))
            build.drop_go_cache()
        _forget_unused({key, *build.keys().values()})
        check_bundle(final)
        return final


def _key() -> str:
    inputs = [HERE / name for name in ("parts.py", "catalogue.py", "images.py", "bundle.py", "go")]
    return f"bundle-{digest_of(*inputs, build.STAND_INS, build.REQUIREMENTS, build.PROGRAMS)}"


def space_needed() -> float:
    """Return how many GB are still to be written: none for a bundle that is there, less after an interrupted build."""
    if (CACHE / "build" / _key()).exists():
        return 0
    if all((CACHE / "build" / build.go_key(part)).exists() for part in parts.GO_PARTS):
        return KEPT_GB
    return max(KEPT_GB, BUILD_GB - size_of(CACHE / "go"))


def make_crictl() -> Path:
    """Build or reuse the stand-in for crictl, the one program that the official releases lack."""
    with locked("bundle"):
        folder = build.stand_ins()
        build.drop_go_cache()
        return folder / "crictl"


def check_bundle(folder: Path) -> None:
    """Compare the size of every file with bundle.json; raise LabError naming the first that is missing or damaged.

    A gigabyte is not read for that: the checksum of whatever is sent is compared where it arrives.
    """
    try:
        listed = json.loads((folder / "bundle.json").read_text())["files"]
    except (OSError, ValueError, KeyError) as error:
        raise LabError(f"{folder} is no usable bundle: {error}. Remove the folder and run `make lab` again.") from error
    damaged = [
        entry["path"] for entry in listed
        if not (folder / entry["path"]).is_file() or (folder / entry["path"]).stat().st_size != entry["size"]
    ]  # fmt: skip
    if damaged:
        raise LabError(
            f"{len(damaged)} of the {len(listed)} files of the bundle {folder} are missing or damaged, the first: "
            f"{damaged[0]}. "
            "Remove the folder and run `make lab` again; what was built is kept, so this takes about a minute."
        )


def _build_parts() -> catalogue.Built:
    minutes = sum(part.minutes for part in parts.GO_PARTS)
    say(f"Building the sealed lab's parts; on two cores at most {minutes + 10} minutes, once per version.")
    root = build.host_root()
    envoy = build.envoy()
    go = {}
    for number, part in enumerate(parts.GO_PARTS, 1):
        say(f"[{number}/{len(parts.GO_PARTS)}] {part.name} {part.version}")
        go[part.name] = build.go_part(part)
    return catalogue.Built(
        go=go, stand_ins=build.stand_ins(), envoy=envoy, root=root, java=build.java(), zipkin=build.zipkin()
    )


def _assemble(folder: Path, built: catalogue.Built) -> None:
    entries: list[dict[str, object]] = []

    def add(path: str, version: str, origin: str, **more: object) -> None:
        file = folder / path
        entries.append({"path": path, "version": version, "architecture": parts.ARCHITECTURE,
                        "sha256": _sha256(file), "size": file.stat().st_size, "origin": origin, **more})  # fmt: skip

    origins = {part.name: part.origin for part in parts.GO_PARTS}
    for name, part, version in (
        *((binary, "kubernetes", parts.KUBERNETES) for binary in KUBERNETES_BINARIES),
        ("minikube", "minikube", parts.MINIKUBE),
        ("istioctl", "istio", parts.ISTIO),
    ):
        _place(built.go[part] / name, folder / "bin" / name)
        add(f"bin/{name}", version, origins[part])
    _place(built.stand_ins / "crictl", folder / "bin/crictl")
    add("bin/crictl", parts.KUBERNETES, "tests/lab/standins/cmd/crictl", stand_in=True, stands_for="crictl")

    release = folder / f"istio-{parts.ISTIO}"
    shutil.copytree(built.go["istio"] / "release", release)
    _place(built.go["istio"] / "istioctl", release / "bin/istioctl")
    for file in sorted(path for path in release.rglob("*") if path.is_file()):
        add(str(file.relative_to(folder)), parts.ISTIO, origins["istio"])

    for image in catalogue.images(built):
        (folder / "images").mkdir(exist_ok=True)
        images.write_archive(image, built.root, folder / "images" / image.file_name)
        stand_in = {"stand_in": True, "stands_for": image.stand_in} if image.stand_in else {}
        add(f"images/{image.file_name}", image.reference.rsplit(":", 1)[1], image.origin,
            reference=image.reference, **stand_in)  # fmt: skip

    for wheel in sorted(build.wheels().iterdir()):
        _place(wheel, folder / "wheels" / wheel.name)
        add(f"wheels/{wheel.name}", wheel.name.split("-")[1], "PyPI")

    versions = {"minikube": parts.MINIKUBE, "kubernetes": parts.KUBERNETES, "istio": parts.ISTIO}
    text = json.dumps({"schema": "meshlab.istio/bundle/1", "versions": versions, "files": entries}, indent=1)
    (folder / "bundle.json").write_text(text + "\n")


def _place(source: Path, destination: Path) -> None:
    """Copy a kept part: a hard link would take the damage of a bundle to the part that it is to be mended from."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    execute(["cp", "--reflink=auto", "--preserve=mode,timestamps", source, destination],
            what=f"Copying {source}", remedy="Make room and run the same command again.")  # fmt: skip


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _forget_unused(named: set[str]) -> None:
    """Remove the bundles and parts that no checkout has named for a while: together each set is several gigabytes."""
    for folder in (CACHE / "build").iterdir():
        if folder.name in named:
            os.utime(folder)
        elif time.time() - folder.stat().st_mtime > UNUSED_DAYS * 86400:
            remove_tree(folder)
