# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images are docker-archives, the same bytes each time, and say exactly what they hold."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.lab import images
from tests.lab.cache import LabError
from tests.lab.images import Image, write_archive


@pytest.fixture
def image(tmp_path: Path) -> Image:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return Image(
        "registry.k8s.io/pause:3.10.1", "us", entrypoint=("/pause",), user="65535", environment={"ROLE": "x"},
        files={"usr/bin/pause": program}, links={"pause": "usr/bin/pause"}, texts={"etc/passwd": "root:x:0:0"},
    )  # fmt: skip


def opened(path: Path) -> tuple[dict[str, Any], dict[str, Any], tarfile.TarFile]:
    """Read an archive as `ctr images import` does: manifest.json, the configuration it names, and the layer."""
    with tarfile.open(path) as archive:
        [manifest] = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = archive.extractfile(manifest["Config"]).read()  # type: ignore[union-attr]
        [layer] = manifest["Layers"]
        data = archive.extractfile(layer).read()  # type: ignore[union-attr]
    parsed = json.loads(config)
    assert manifest["Config"] == hashlib.sha256(config).hexdigest() + ".json"
    assert parsed["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(data).hexdigest()}"]
    return manifest, parsed, tarfile.open(fileobj=io.BytesIO(data))


def test_the_archive_is_readable(tmp_path: Path, image: Image) -> None:
    write_archive(image, tmp_path, tmp_path / image.file_name)
    assert image.file_name == "registry.k8s.io_pause_3.10.1.tar"
    manifest, config, layer = opened(tmp_path / image.file_name)
    assert manifest["RepoTags"] == ["registry.k8s.io/pause:3.10.1"]
    assert config["config"]["Entrypoint"] == ["/pause"]
    assert config["config"]["User"] == "65535"
    assert config["config"]["Env"][1:] == ["ROLE=x"]
    assert {entry.name: (entry.type, entry.mode, entry.mtime, entry.uid) for entry in layer} == {
        "pause": (tarfile.SYMTYPE, 0o644, 0, 0),
        "tmp": (tarfile.DIRTYPE, 0o1777, 0, 0),
        "etc/passwd": (tarfile.REGTYPE, 0o644, 0, 0),
        "usr/bin/pause": (tarfile.REGTYPE, 0o755, 0, 0),
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program", image.file_name]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, image: Image) -> None:
    write_archive(image, tmp_path, tmp_path / "one.tar")
    os.utime(tmp_path / "program", (1, 1))
    write_archive(image, tmp_path, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    (tmp_path / "program").write_text("changed")
    write_archive(image, tmp_path, tmp_path / "three.tar")
    assert (tmp_path / "one.tar").read_bytes() != (tmp_path / "three.tar").read_bytes()


# Of `ldd /usr/bin/curl` in Debian 12, shortened.
LDD = """\
\tlinux-vdso.so.1 (0x00007ffc0)
\tlibcurl.so.4 => /lib/x86_64-linux-gnu/libcurl.so.4 (0x00007f1)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f2)
"""


def test_programs_of_the_debian_root_bring_their_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    for name in ("usr/bin/curl", "usr/lib/x86_64-linux-gnu/libcurl.so.4.8", "usr/lib64/ld-linux-x86-64.so.2",
                 "etc/ssl/certs/ca.crt"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "usr/bin/curl").chmod(0o755)
    (root / "usr/lib/x86_64-linux-gnu/libcurl.so.4").symlink_to("libcurl.so.4.8")
    asked: list[list[str]] = []

    def ldd(words: list[str], **_options: Any) -> Any:
        asked.append(words)
        return type("Done", (), {"stdout": LDD, "returncode": 0})()

    monkeypatch.setattr(images.subprocess, "run", ldd)
    write_archive(Image("a/b:c", "", debian=("usr/bin/curl", "etc/ssl")), root, tmp_path / "x.tar")
    assert asked == [["chroot", str(root), "ldd", "/usr/bin/curl"]]
    _manifest, config, layer = opened(tmp_path / "x.tar")
    assert config["config"]["Entrypoint"] is None
    # /lib and the like are links into /usr, as in Debian, so the loader is found under both names.
    assert layer.getmember("lib64").linkname == "usr/lib64"
    found = {entry.name for entry in layer if entry.isfile()}
    assert found == {"usr/bin/curl", "etc/ssl/certs/ca.crt", "usr/lib/x86_64-linux-gnu/libcurl.so.4",
                     "usr/lib64/ld-linux-x86-64.so.2"}  # fmt: skip
    library = layer.extractfile("usr/lib/x86_64-linux-gnu/libcurl.so.4")
    assert library is not None
    assert library.read() == b"usr/lib/x86_64-linux-gnu/libcurl.so.4.8"


@pytest.fixture
def curl(tmp_path: Path) -> Path:
    """A Debian root that holds nothing but curl; return its path."""
    path = tmp_path / "root/usr/bin/curl"
    path.parent.mkdir(parents=True)
    path.write_text("curl")
    path.chmod(0o755)
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("debian", "stdout", "code", "sentence"),
    [
        (("usr/bin/no-such",), "", 0, r"Debian has no usr/bin/no-such\. Name the package that has it in HOST_PACKAGES"),
        (("usr/bin",), "libcurl.so.4 => not found", 1, "not all in .*: .'libcurl.so.4 => not found'"),
        (("usr/bin",), "", 125, "not all in .*: cannot change root"),
    ],
)
def test_what_the_debian_root_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, curl: Path, debian: tuple[str, ...], stdout: str, code: int,
    sentence: str,
) -> None:  # fmt: skip
    done = type("Done", (), {"stdout": stdout, "stderr": "cannot change root", "returncode": code})()
    monkeypatch.setattr(images.subprocess, "run", lambda *_arguments, **_options: done)
    with pytest.raises(LabError, match=sentence):
        write_archive(Image("a/b:c", "", debian=debian), curl, tmp_path / "x.tar")


def test_absolute_links_stay_in_the_debian_root(tmp_path: Path, curl: Path) -> None:
    """Debian's /sbin/ip is one; followed from here it would bring this machine's program, or nothing."""
    (curl / "etc").mkdir()
    (curl / "etc/name").symlink_to("/etc/there")
    (curl / "etc/there").write_text("the root's")
    assert {path: file.read_text() for path, file in images._from_debian(curl, ("etc/name",)).items()} == {
        "etc/name": "the root's"
    }
