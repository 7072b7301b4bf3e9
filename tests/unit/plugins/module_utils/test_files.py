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
import time
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
    lambda path: (path.chmod(0o644), os.utime(path, (1, 1))),
])  # fmt: skip
def test_a_change_of_a_placed_file_is_seen(home: Path, change: Any) -> None:
    wanted = item(b"program", "~/bin/tool")
    arrive(wanted, b"program")
    place([wanted])
    change(home / "bin/tool")
    assert [entry["index"] for entry in lacking([wanted])] == [0]


def identity(path: Path) -> tuple[int, int, int]:
    status = os.lstat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


OWN_PROGRAM = b"#!/bin/sh\necho mine\n"


@pytest.mark.parametrize("change", [
    lambda path: path.write_bytes(OWN_PROGRAM),
    lambda path: (path.write_bytes(b"PROGRAM"), os.utime(path, (1, 1))),
    lambda path: (path.unlink(), path.symlink_to("/usr/bin/true")),
    lambda path: (path.unlink(), path.mkdir()),
])  # fmt: skip
@pytest.mark.parametrize("placed", [True, False])
def test_a_file_that_is_not_as_we_placed_it_is_the_users(home: Path, change: Any, placed: bool) -> None:
    wanted = item(b"program", "~/bin/tool", variable="host_bin_dir")
    program = home / "bin/tool"
    program.parent.mkdir()
    if placed:
        arrive(wanted, b"program")
        place([wanted])
    else:
        program.touch()
    change(program)
    before = identity(program)
    arrived = arrive(wanted, b"program")
    for step in (lacking, place):
        with pytest.raises(InputError, match=r"may be yours\. It was not touched.*another place with host_bin_dir\.$"):
            step([wanted])
    assert identity(program) == before
    assert arrived.exists()


def test_a_file_of_ours_is_replaced_by_the_next_release(home: Path) -> None:
    for release in (b"one", b"two"):
        wanted = item(release, "~/bin/tool")
        assert len(lacking([wanted])) == 1
        arrive(wanted, release)
        place([wanted])
    assert (home / "bin/tool").read_bytes() == b"two"


def test_the_users_own_file_of_the_wanted_release_is_used_and_never_replaced(home: Path) -> None:
    program = home / "bin/tool"
    program.parent.mkdir()
    program.write_bytes(b"one")
    program.chmod(0o755)
    assert lacking([item(b"one", "~/bin/tool")]) == []
    with pytest.raises(InputError, match="that file was not put there by this collection"):
        lacking([item(b"two!", "~/bin/tool")])
    assert program.read_bytes() == b"one"


def test_a_file_that_an_earlier_release_placed_is_ours(home: Path) -> None:
    program, notes = home / "bin/tool", home / ".local/share/meshlab/checksums.json"
    program.parent.mkdir()
    program.write_bytes(b"one")
    notes.parent.mkdir(parents=True)
    seen = program.stat()
    checksum = hashlib.sha256(b"one").hexdigest()
    notes.write_text(json.dumps({str(program): [seen.st_size, seen.st_mtime_ns, seen.st_ino, checksum]}))
    wanted = item(b"two!", "~/bin/tool")
    assert len(lacking([wanted])) == 1
    arrive(wanted, b"two!")
    place([wanted])
    assert program.read_bytes() == b"two!"


def test_whatever_lies_in_the_labs_own_folder_is_ours(home: Path) -> None:
    wheel = home / ".local/share/meshlab/wheels/a.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"damaged")
    wanted = item(b"wheel", "~/.local/share/meshlab/wheels/a.whl")
    assert len(lacking([wanted])) == 1
    arrive(wanted, b"wheel")
    place([wanted])
    assert wheel.read_bytes() == b"wheel"


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


def younger(path: Path) -> None:
    """Let the clock of the file system tick, so that what follows is later than what was unpacked."""
    time.sleep(0.02)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")


def release_of(home: Path, text: str) -> dict[str, Any]:
    """Return a release folder as an item whose archive has arrived."""
    data = archive(top__bin__istioctl=text)
    wanted = item(data, "~/release", kind="tree", variable="istio_release_dir")
    arrive(wanted, data)
    return wanted


@pytest.mark.parametrize(
    ("users", "why"),
    [
        (lambda folder: younger(folder / "notes.txt"), "not unpacked by this collection, as it has no .meshlab-sha256"),
        (lambda folder: folder.touch(), "what is there is no folder"),
        (lambda folder: folder.symlink_to("/etc"), "not unpacked by this collection"),
    ],
)
def test_a_folder_of_the_users_is_no_place_for_a_tree(home: Path, users: Any, why: str) -> None:
    folder = home / "release"
    users(folder)
    before = sorted(map(str, home.rglob("*")))
    wanted = release_of(home, "new")
    for step in (lacking, place):
        with pytest.raises(InputError, match=f"{why}.*another place with istio_release_dir"):
            step([wanted])
    left = sorted(str(path) for path in home.rglob("*") if ".local" not in path.parts)
    assert (left, os.path.lexists(folder)) == (before, True)


@pytest.mark.parametrize("change", [
    lambda folder: younger(folder / "bin/my-script"),
    lambda folder: younger(folder / "bin/istioctl"),
    lambda folder: younger(folder / "mine/deep/notes.txt"),
    lambda folder: (younger(folder.parent / "mine/notes.txt"), os.utime(folder.parent / "mine/notes.txt", (1, 1)),
                    (folder.parent / "mine").rename(folder / "mine")),
])  # fmt: skip
def test_what_users_changed_in_a_folder_that_we_unpacked_stays(home: Path, change: Any) -> None:
    first = release_of(home, "1")
    place([first])
    change(home / "release")
    assert lacking([first]) == []
    before = sorted(map(str, (home / "release").rglob("*")))
    wanted = release_of(home, "2")
    with pytest.raises(InputError, match=r"something in that folder was changed since it was unpacked \((bin|mine)"):
        lacking([wanted])
    assert sorted(map(str, (home / "release").rglob("*"))) == before


def test_a_folder_that_an_earlier_release_unpacked_is_ours(home: Path) -> None:
    # As it was left: the files, then the mark with nothing but the checksum.
    (home / "release/bin").mkdir(parents=True)
    (home / "release/bin/istioctl").write_text("1")
    (home / "release/.meshlab-sha256").write_text("0" * 64)
    wanted = release_of(home, "2")
    assert len(lacking([wanted])) == 1
    place([wanted])
    assert (home / "release/bin/istioctl").read_text() == "2"


def test_a_tree_behind_a_link_of_the_users(home: Path) -> None:
    (home / "disk").mkdir()
    (home / "release").symlink_to(home / "disk")
    place([release_of(home, "1")])
    place([release_of(home, "2")])
    assert (home / "release").is_symlink()
    assert (home / "disk/bin/istioctl").read_text() == "2"


def test_an_archive_that_fails_half_way_leaves_the_folder_before_and_no_rest(home: Path, monkeypatch: Any) -> None:
    place([release_of(home, "1")])

    def full(_path: str, folder: str) -> None:
        Path(folder, "half").write_text("")
        raise OSError(errno.ENOSPC, "No space left on device", folder)

    wanted = release_of(home, "2")
    monkeypatch.setattr(_files, "_extract", full)
    with pytest.raises(InputError, match=r"bin/tool cannot be put in its place: No space left.*Make room there"):
        place([wanted])
    assert sorted(os.listdir(home)) == [".local", "release"]
    assert (home / "release/bin/istioctl").read_text() == "1"


def test_no_archive_at_all(home: Path) -> None:
    wanted = item(b"no tar", "~/tree", kind="tree")
    arrive(wanted, b"no tar")
    with pytest.raises(InputError, match="has the right checksum, but cannot be unpacked"):
        place([wanted])
    assert not (home / "tree").exists()


def test_a_full_disk_gets_rid_of_what_interrupted_runs_left(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = item(b"a" * 100, "~/tree", kind="tree", unpacked=400)
    arrive(wanted, b"a" * 10)
    forgotten = arrive(item(b"old", "~/old"), b"ol")
    partial = home / ".tree.meshlab-partial"
    (partial / "new").mkdir(parents=True)
    users = home / ".local/share/meshlab/arrivals/notes"
    users.touch()
    rest = [forgotten, partial]
    monkeypatch.setattr(
        _files.shutil, "disk_usage",
        lambda _folder: SimpleNamespace(free=490 - 200 * sum(path.exists() for path in rest)),
    )  # fmt: skip
    with pytest.raises(InputError, match="This host needs 1 MB"):
        lacking([wanted], check_mode=True)
    assert all(path.exists() for path in rest)
    assert lacking([wanted]) == [{"index": 0, "path": arrival(wanted), "arrived": 10}]
    assert not any(path.exists() for path in rest)
    assert users.exists()


def test_the_unpacked_size_is_counted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = item(b"a" * 100, "~/tree", kind="tree", unpacked=400)
    for free, fits in ((500, True), (499, False)):
        monkeypatch.setattr(_files.shutil, "disk_usage", lambda _folder, free=free: SimpleNamespace(free=free))
        if fits:
            assert len(lacking([wanted])) == 1
        else:
            with pytest.raises(InputError, match="This host needs 1 MB"):
                lacking([wanted])


def test_a_copy_that_fills_the_disk_is_removed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(_source: str, _target: str) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def copy(_source: str, target: str) -> None:
        Path(target).write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    wanted = item(b"program", "~/bin/tool")
    arrived = arrive(wanted, b"program")
    monkeypatch.setattr(_files.os, "replace", replace)
    monkeypatch.setattr(_files.shutil, "copy2", copy)
    with pytest.raises(InputError, match="No space left on device"):
        place([wanted])
    assert os.listdir(home / "bin") == []
    assert arrived.exists()


def link(target: str) -> dict[str, Any]:
    return {"kind": "link", "name": "istioctl", "target": target, "dest": "~/bin/istioctl", "variable": "istio_bin_dir"}


def test_a_link_is_made_once_and_follows_our_releases(home: Path) -> None:
    for release in ("1", "2"):
        data = archive(top__bin__istioctl=release)
        wanted = [item(data, f"~/istio-{release}", kind="tree"), link(str(home / f"istio-{release}/bin/istioctl"))]
        assert [entry["index"] for entry in lacking(wanted)] == [0, 1]
        arrive(wanted[0], data)
        place(wanted)
        assert lacking(wanted) == []
        assert (home / "bin/istioctl").read_text() == release


@pytest.mark.parametrize("users", [
    lambda path: path.write_text("mine"),
    lambda path: path.symlink_to("/opt/istio-1.20/bin/istioctl"),
    lambda path: path.symlink_to("../own-release/istioctl"),
    lambda path: path.mkdir(),
])  # fmt: skip
def test_a_program_or_link_of_the_users_is_not_pointed_elsewhere(home: Path, users: Any) -> None:
    place_of = home / "bin/istioctl"
    place_of.parent.mkdir()
    users(place_of)
    before = identity(place_of)
    for step in (lacking, place):
        with pytest.raises(InputError, match=r"istioctl belongs at .*another place with istio_bin_dir"):
            step([link(str(home / "istio-1/bin/istioctl"))])
    assert identity(place_of) == before


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
    (home / ".tree.meshlab-partial").mkdir()
    (home / ".tree.meshlab-partial/rest").touch()
    (home / "tree.partial").mkdir()
    assert len(lacking([wanted])) == 1
    arrive(wanted, data)
    place([wanted])
    assert sorted(os.listdir(home / "tree")) == [".meshlab-sha256", "file"]
    # A folder that only happens to be called so is the user's.
    assert sorted(os.listdir(home)) == [".local", "tree", "tree.partial"]


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
