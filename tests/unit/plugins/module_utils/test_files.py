# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host lacks, and putting what arrived in its place."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import stat
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils import _files
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._files import arrival, lacking, place


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host's home directory."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def item(data: bytes, dest: str, **more: Any) -> dict[str, Any]:
    return {"kind": "file", "name": "bin/tool", "sha256": hashlib.sha256(data).hexdigest(), "size": len(data),
            "dest": dest, "mode": "0755", **more}  # fmt: skip


def arrive(wanted: dict[str, Any], data: bytes) -> Path:
    """Play the action plugin."""
    path = Path(arrival(wanted))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_file_is_lacking_then_placed_then_there(home: Path) -> None:
    wanted = item(b"program", "~/bin/tool")
    assert lacking([wanted]) == [{"index": 0, "path": arrival(wanted), "arrived": 0}]
    arrived = arrive(wanted, b"program")
    place([wanted])
    placed = home / "bin/tool"
    assert placed.read_bytes() == b"program"
    assert stat.S_IMODE(placed.stat().st_mode) == 0o755
    assert not arrived.exists()
    assert lacking([wanted]) == []


@pytest.mark.parametrize("change", [
    lambda path: path.unlink(),
    lambda path: path.chmod(0o644),
    lambda path: path.write_bytes(b"progra"),
    lambda path: (path.write_bytes(b"PROGRAM"), os.utime(path, (1, 1))),
])  # fmt: skip
def test_a_change_of_a_placed_file_is_seen(home: Path, change: Any) -> None:
    wanted = item(b"program", "~/bin/tool")
    arrive(wanted, b"program")
    place([wanted])
    change(home / "bin/tool")
    assert [entry["index"] for entry in lacking([wanted])] == [0]


def test_a_half_sent_file_goes_on_where_it_stopped() -> None:
    wanted = [item(b"one", "~/one"), item(b"program", "~/bin/tool")]
    arrive(wanted[1], b"prog")
    assert [(entry["index"], entry["arrived"]) for entry in lacking(wanted)] == [(0, 0), (1, 4)]


@pytest.mark.parametrize(
    ("free", "sentence"),
    [
        (3_000_000 + 5_000_000 - 2_000_000 - 1,
         "This host needs 6 MB of free space in {home}/.local/share/meshlab/arrivals for what it lacks, and has 5 MB"),
        (5_000, r"and has 0 MB\. Nothing was sent\. Make room there and run the playbook again"),
        (3_000_000 + 5_000_000 - 2_000_000, None),
    ],
)  # fmt: skip
def test_there_is_room_for_what_is_lacking_and_did_not_arrive_yet(
    home: Path, monkeypatch: pytest.MonkeyPatch, free: int, sentence: str | None
) -> None:
    monkeypatch.setattr(_files.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free))
    wanted = [item(b"a" * 3_000_000, "~/one"), item(b"b" * 5_000_000, "~/deep/bin/two"), item(b"there", "~/three")]
    arrive(wanted[1], b"b" * 2_000_000)
    arrive(wanted[2], b"there")
    place(wanted[2:])
    if sentence is None:
        assert [entry["index"] for entry in lacking(wanted)] == [0, 1]
        return
    with pytest.raises(InputError, match=sentence.format(home=home)):
        lacking(wanted)


def test_room_on_two_file_systems(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are copied to another one, and a folder that is unpacked while its archive is still there."""
    other = home / "other"
    other.mkdir()
    real = os.stat
    monkeypatch.setattr(_files.os, "stat", lambda path: real("/proc") if Path(path) == other else real(path))
    free = {str(home): 9, str(other): 2}
    monkeypatch.setattr(_files.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free[str(folder)]))
    file, tree = item(b"one", "~/other/one"), item(b"tar", "~/tree", kind="tree")
    with pytest.raises(InputError, match=f"of free space in {other} "):
        lacking([file, tree])
    free[str(other)] = 3
    assert len(lacking([file, tree])) == 2
    free[str(home)] = 8
    with pytest.raises(InputError, match=f"of free space in {home} "):
        lacking([file, tree])


def test_the_same_bytes_can_be_wanted_at_two_places(home: Path) -> None:
    wanted = [item(b"program", "~/bin/one"), item(b"program", "~/bin/two")]
    paths = [entry["path"] for entry in lacking(wanted)]
    assert len(set(paths)) == 2
    for one in wanted:
        arrive(one, b"program")
    place(wanted)
    assert lacking(wanted) == []
    assert (home / "bin/two").read_bytes() == b"program"


def test_damaged_bytes_are_removed_and_named(home: Path) -> None:
    wanted = item(b"program", "~/bin/tool")
    arrived = arrive(wanted, b"PROGRAM")
    with pytest.raises(InputError, match="bin/tool arrived damaged on this host"):
        place([wanted])
    assert not arrived.exists()
    assert not (home / "bin/tool").exists()


def test_bytes_that_never_arrived_are_named() -> None:
    with pytest.raises(InputError, match=r"Nothing of bin/tool arrived on this host at /.*Run the playbook again"):
        place([item(b"program", "~/bin/tool")])


def test_a_checksum_is_computed_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = item(b"program", "~/bin/tool")
    (home / "bin").mkdir()
    (home / "bin/tool").write_bytes(b"program")
    (home / "bin/tool").chmod(0o755)
    read: list[str] = []
    real = _files.sha256_of
    monkeypatch.setattr(_files, "sha256_of", lambda path: read.append(path) or real(path))
    assert lacking([wanted]) == []
    assert lacking([wanted]) == []
    assert read == [str(home / "bin/tool")]


def test_a_damaged_cache_of_checksums_is_made_again(home: Path) -> None:
    cache = home / ".local/share/meshlab/checksums.json"
    cache.parent.mkdir(parents=True)
    cache.write_text('{"half')
    wanted = item(b"program", "~/tool")
    arrive(wanted, b"program")
    place([wanted])
    assert list(json.loads(cache.read_text())) == [str(home / "tool")]


def test_another_file_system_is_copied_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.replace

    def replace(source: str, target: str) -> None:
        if "arrivals" in str(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(_files.os, "replace", replace)
    wanted = item(b"program", "~/bin/tool")
    arrived = arrive(wanted, b"program")
    place([wanted])
    assert os.listdir(home / "bin") == ["tool"]
    assert stat.S_IMODE((home / "bin/tool").stat().st_mode) == 0o755
    assert not arrived.exists()


def archive(**files: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()


@pytest.mark.parametrize("old_python", [False, True])
def test_a_tree_replaces_the_one_before(home: Path, monkeypatch: pytest.MonkeyPatch, old_python: bool) -> None:
    if old_python:
        # Python 3.9 without the security release that brought filters.
        monkeypatch.delattr(tarfile, "data_filter")
        monkeypatch.setattr(tarfile.TarFile, "extraction_filter", staticmethod(tarfile.fully_trusted_filter), False)
    for release in ("1", "2"):
        data = archive(**{f"istio-{release}__bin__istioctl": release, f"istio-{release}__only-{release}": ""})
        wanted = item(data, "~/istio", kind="tree")
        assert len(lacking([wanted])) == 1
        arrived = arrive(wanted, data)
        place([wanted])
        assert lacking([wanted]) == []
        assert not arrived.exists()
    assert (home / "istio/bin/istioctl").read_text() == "2"
    assert sorted(os.listdir(home / "istio")) == [".meshlab-sha256", "bin", "only-2"]
    assert sorted(os.listdir(home)) == [".local", "istio"]


@pytest.mark.parametrize("files", [{"one": "1", "two": "2"}, {"one": "1"}])
def test_a_tree_without_a_top_folder(home: Path, files: dict[str, str]) -> None:
    data = archive(**files)
    wanted = item(data, "~/deep/tree", kind="tree")
    arrive(wanted, data)
    place([wanted])
    assert {name: (home / "deep/tree" / name).read_text() for name in files} == files
    assert os.listdir(home / "deep") == ["tree"]
    assert lacking([wanted]) == []


def test_a_tree_whose_unpacking_was_interrupted_is_lacking(home: Path) -> None:
    data = archive(top__file="new")
    wanted = item(data, "~/tree", kind="tree")
    (home / "tree").mkdir()
    (home / "tree.partial").mkdir()
    (home / "tree.partial/rest").touch()
    assert len(lacking([wanted])) == 1
    arrive(wanted, data)
    place([wanted])
    assert sorted(os.listdir(home / "tree")) == [".meshlab-sha256", "file"]


# What `ctr --namespace k8s.io images list --quiet` (containerd 1.6.20) prints, shortened to two images.
CTR = """\
registry.k8s.io/pause:3.10.1
sha256:d7b100cd9a77ba782c5e428c8dd5a1df4a1e79d4cb6294acd7d01290ab3babbd
"""


def test_images(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "listed").write_text(CTR)
    tool = home / "ctr"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {home}/calls\ncase "$*" in *l*s*) cat {home}/listed;; esac\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}")
    common = {"kind": "image", "loader": "containerd", "size": 3}
    there = {**common, "name": "pause", "reference": "registry.k8s.io/pause:3.10.1", "sha256": "0" * 64}
    missing = {**common, "name": "etcd", "reference": "registry.k8s.io/etcd:3.6.5-0",
               "sha256": hashlib.sha256(b"tar").hexdigest()}  # fmt: skip
    assert [entry["index"] for entry in lacking([there, missing])] == [1]
    arrived = arrive(missing, b"tar")
    place([missing])
    assert (home / "calls").read_text().splitlines()[-1] == f"--namespace k8s.io images import {arrived}"
    assert not arrived.exists()


def test_no_images_ask_no_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert lacking([]) == []
