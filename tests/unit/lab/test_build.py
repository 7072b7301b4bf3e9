# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is downloaded as a file is checked, and images of upstream's own programs are no stand-ins."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.lab import build, cache, catalogue, parts
from tests.lab.cache import LabError


@pytest.fixture
def jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in place of Zipkin, downloaded from this machine."""
    file = tmp_path / "there.jar"
    file.write_bytes(b"a program")
    monkeypatch.setattr(cache, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(parts, "ZIPKIN_URL", file.as_uri())
    return file


def test_the_right_file_is_kept(jar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ZIPKIN_SHA256", hashlib.sha256(b"a program").hexdigest())
    assert build.zipkin().read_bytes() == b"a program"
    jar.unlink()
    assert build.zipkin().read_bytes() == b"a program", "downloaded once"


def test_another_file_is_refused_and_not_kept(jar: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"has the SHA-256 .* Do not use it"):
        build.zipkin()
    assert not list((tmp_path / "cache").rglob("zipkin.jar"))


def test_no_answer_says_what_to_do(jar: Path) -> None:
    jar.unlink()
    with pytest.raises(LabError, match=r"cannot be downloaded: .* run the same command again"):
        build.zipkin()


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
