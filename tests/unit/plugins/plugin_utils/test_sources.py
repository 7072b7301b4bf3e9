# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an item's bytes come from: a bundle that is held to its list, or a checked download."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.meshlab.istio.plugins.plugin_utils import _sources
from ansible_collections.meshlab.istio.plugins.plugin_utils._sources import (
    SCHEMA,
    Bundle,
    download,
    download_wheels,
    unpacked_size,
)
from requirements.lock import GLIBC
from tests.unit.plugins.loopback import Reply, Server, free_port


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/meshlab/downloads"


def make_bundle(folder: Path, files: dict[str, str], **more: Any) -> Path:
    entries = []
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        entry = {"path": path, "version": "v1.2", "size": len(text),
                 "sha256": hashlib.sha256(text.encode()).hexdigest()}  # fmt: skip
        if path.startswith("images/"):
            entry["reference"] = "registry/name:tag"
        entries.append(entry)
    (folder / "bundle.json").write_text(json.dumps({"schema": SCHEMA, "files": entries, **more}))
    return folder


FILES = {"bin/tool": "program", "istio-1/bin/istioctl": "ctl", "istio-1/a": "a", "images/i.tar": "i",
         "wheels/b.whl": "bb", "wheels/a.whl": "a"}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle", FILES)


@pytest.mark.parametrize("wanted", ["1.2", "v1.2", "", None])
def test_a_file_of_the_wanted_version(folder: Path, wanted: str | None) -> None:
    assert Bundle(str(folder)).file("bin/tool", wanted)["size"] == 7


def test_what_a_bundle_holds(folder: Path) -> None:
    bundle = Bundle(str(folder))
    assert [entry["path"] for entry in bundle.wheels()] == ["wheels/a.whl", "wheels/b.whl"]
    assert [entry["path"] for entry in bundle.images()] == ["images/i.tar"]


def test_what_a_bundle_does_not_hold(folder: Path) -> None:
    bundle = Bundle(str(folder))
    with pytest.raises(AnsibleError, match=r"has bin/tool in version v1\.2, and v1\.3 is asked for"):
        bundle.file("bin/tool", "v1.3")
    with pytest.raises(AnsibleError, match=r"has no bin/other\. Make a bundle that has it"):
        bundle.file("bin/other", None)
    with pytest.raises(AnsibleError, match=r"has no folder istio-2\. Make a bundle that has it"):
        bundle.tree("istio-2")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "is no usable bundle: .*No such file"),
        ("{half", "is no usable bundle: "),
        ("[]", "is no usable bundle: "),
        ('{"schema": "other/1", "files": []}', "has the schema 'other/1', not 'meshlab.istio/bundle/1'"),
    ],
)
def test_no_bundle(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(AnsibleError, match=sentence):
        Bundle(str(tmp_path))


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("cut")])
def test_a_damaged_bundle_is_named_before_anything_is_sent(folder: Path, damage: Any) -> None:
    damage(folder / "images/i.tar")
    with pytest.raises(AnsibleError, match=r"is damaged: 1 of its files .*the first: images/i\.tar\. Nothing was sent"):
        Bundle(str(folder))


def test_a_tree_is_packed_once_and_the_same_bytes_each_time(folder: Path, cache: Path) -> None:
    packed = Bundle(str(folder)).tree("istio-1")
    with tarfile.open(packed) as archive:
        assert archive.getnames() == ["istio-1/a", "istio-1/bin/istioctl"]
        assert {(entry.mtime, entry.uid, entry.uname) for entry in archive} == {(0, 0, "")}
    stamp, data = packed.stat().st_mtime_ns, packed.read_bytes()
    assert Bundle(str(folder)).tree("istio-1") == packed
    assert packed.stat().st_mtime_ns == stamp
    packed.unlink()
    assert Bundle(str(folder)).tree("istio-1").read_bytes() == data


def test_a_tree_with_a_damaged_file_of_the_same_size(folder: Path, cache: Path) -> None:
    (folder / "istio-1/bin/istioctl").write_text("CTL")
    with pytest.raises(AnsibleError, match=r"the first: istio-1/bin/istioctl"):
        Bundle(str(folder)).tree("istio-1")
    assert list(cache.glob("*.tar")) == []


BODY = b"a release" * 300_000
SUM = hashlib.sha256(BODY).hexdigest()


def test_a_download_for_twenty_hosts_is_one(cache: Path) -> None:
    found: list[Path] = []
    with Server(lambda _seen: Reply(body=BODY, delay=0.05)) as server:
        threads = [threading.Thread(target=lambda: found.append(download(server.url(), SUM))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.seen) == 1
    assert found == [cache / SUM] * 20
    assert found[0].read_bytes() == BODY


@pytest.mark.parametrize("damage", [
    lambda path: path.write_bytes(BODY[:-1]),
    lambda path: path.write_bytes(BODY[:-1] + b"X"),
    lambda path: (path.unlink(), path.mkdir()),
])  # fmt: skip
def test_a_kept_download_that_is_damaged_is_fetched_again(cache: Path, damage: Any) -> None:
    with Server(lambda _seen: Reply(body=BODY)) as server:
        damage(download(server.url(), SUM))
        assert download(server.url(), SUM).read_bytes() == BODY
        assert len(server.seen) == 2
        assert download(server.url(), SUM.upper()) == cache / SUM
        assert len(server.seen) == 2
    assert sorted(path.name for path in cache.iterdir()) == [SUM, f"{SUM}.lock"]


def test_what_an_interrupted_download_left_does_not_stay(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / f".{SUM}.partial").write_bytes(BODY[:7])
    with Server(lambda _seen: Reply(body=BODY)) as server:
        download(server.url(), SUM)
    assert sorted(path.name for path in cache.iterdir()) == [SUM, f"{SUM}.lock"]


@pytest.mark.parametrize("checksum", ["../../x", f"../{SUM}", SUM[:-1], "", None, 7, f"{SUM}\n"])
def test_a_checksum_that_is_none_makes_no_file(tmp_path: Path, cache: Path, checksum: Any) -> None:
    before = sorted(tmp_path.rglob("*"))
    with Server(lambda _seen: Reply(body=BODY)) as server:
        with pytest.raises(AnsibleError, match="must be 64 hexadecimal digits, not "):
            download(server.url(), checksum)
        assert server.seen == []
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_named_as_such(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_partial: Path, _final: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    sentence = r"No space left on device\. Make room in .* on the controller"
    with Server(lambda _seen: Reply(body=BODY)) as server, pytest.raises(AnsibleError, match=sentence):
        download(server.url(), SUM)
    assert [path.name for path in cache.iterdir()] == [f"{SUM}.lock"]


def test_a_cache_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(AnsibleError, match=r"cache .* cannot be used: .*Name another folder with XDG_CACHE_HOME"):
        download("http://127.0.0.1:1/", SUM)


def test_an_address_that_is_none() -> None:
    with pytest.raises(AnsibleError, match=r"no-url cannot be downloaded: .*Check the address"):
        download("no-url", SUM)


def test_how_much_an_archive_takes_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x" * 5000))
    (tmp_path / "a.tar").write_bytes(b"x" * 10)
    assert [unpacked_size(tmp_path / name) for name in ("a.gz", "a.tar")] == [5000, 10]


@pytest.mark.parametrize("change", [
    {"sha256": "../../x"}, {"sha256": None}, {"path": "../outside"}, {"path": "/etc/passwd"}, {"path": 7}, {"path": ""},
    {"size": "7"}, {"size": -1}, {"size": True}, {"version": 1.2}, {"reference": ["x"]},
])  # fmt: skip
def test_an_entry_of_a_bundle_that_cannot_be_used(folder: Path, change: dict[str, Any]) -> None:
    listed = json.loads((folder / "bundle.json").read_text())
    listed["files"][0].update(change)
    (folder / "bundle.json").write_text(json.dumps(listed))
    with pytest.raises(AnsibleError, match=r"bundle\.json has an entry .*Make the bundle again"):
        Bundle(str(folder))


@pytest.mark.parametrize("files", [None, {}, "x", ["x"]])
def test_a_bundle_without_files(tmp_path: Path, files: Any) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps({"schema": SCHEMA, "files": files}))
    with pytest.raises(AnsibleError, match="Make the bundle again"):
        Bundle(str(tmp_path))


@pytest.mark.parametrize("damage", [
    lambda packed: packed.write_bytes(packed.read_bytes().replace(b"ctl", b"CTL")),
    lambda packed: packed.write_bytes(packed.read_bytes()[:600]),
    lambda packed: packed.write_bytes(b""),
])  # fmt: skip
def test_a_packed_tree_that_is_damaged_is_packed_again(folder: Path, damage: Any) -> None:
    packed = Bundle(str(folder)).tree("istio-1")
    whole = packed.read_bytes()
    damage(packed)
    assert Bundle(str(folder)).tree("istio-1").read_bytes() == whole


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(body=b"<html>log in"), f"has the sha256 .*, and {SUM} is pinned in the collection. Nothing was kept"),
        (Reply(404), "cannot be downloaded: .*404"),
        (
            Reply(raw=b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nhalf"),
            f"has the sha256 .*, and {SUM} is pinned|cannot be",
        ),
    ],
)
def test_a_download_that_goes_wrong_leaves_nothing(cache: Path, reply: Reply, sentence: str) -> None:
    with Server(lambda _seen: reply) as server, pytest.raises(AnsibleError, match=sentence):
        download(server.url(), SUM)
    assert [path.name for path in cache.iterdir()] == [f"{SUM}.lock"]


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(AnsibleError, match=r"cannot be downloaded: .*use a bundle \(lab_bundle\)"):
        download(f"http://127.0.0.1:{free_port()}/", SUM)


PIP = """#!{python} -SE
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
open(here + "/calls", "a").write(" ".join(sys.argv[1:]) + "\\n")
if os.path.exists(here + "/fails"):
    sys.exit("ERROR: no matching distribution")
target = sys.argv[sys.argv.index("--dest") + 1]
for name in ("b.whl", "a.whl", "notes.txt"):
    open(os.path.join(target, name), "w").close()
"""


EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "python"
    program.write_text(PIP.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(_sources.sys, "executable", str(program))
    # The stand-in's wheels are empty files.
    (tmp_path / "requirements.txt").write_text("".join(f"{name}==1 --hash=sha256:{EMPTY}\n" for name in "ab"))
    return tmp_path


def test_wheels_are_downloaded_once_for_each_python_and_architecture(pip: Path) -> None:
    requirements = str(pip / "requirements.txt")
    for host in (("3.9", "x86_64"), ("3.9", "x86_64"), ("3.11", "x86_64"), ("3.9", "aarch64")):
        assert [path.name for path in download_wheels(requirements, *host)] == ["a.whl", "b.whl"]
    calls = (pip / "calls").read_text().splitlines()
    assert len(calls) == 3
    assert "--platform=manylinux_2_17_x86_64 --platform=manylinux_2_28_x86_64" in calls[0]
    assert "--platform=manylinux_2_17_aarch64 --platform=manylinux_2_28_aarch64" in calls[2]
    assert "x86_64" not in calls[2]
    assert calls[0].startswith(
        "-m pip download --quiet --require-hashes --no-deps --only-binary :all: --python-version 3.9"
    )
    (pip / "requirements.txt").write_text("library==2 --hash=sha256:2\n")
    download_wheels(requirements, "3.9", "x86_64")
    assert len((pip / "calls").read_text().splitlines()) == 4


@pytest.mark.parametrize("damage", [
    lambda wheels: wheels[0].write_text("damaged"),
    lambda wheels: wheels[0].unlink(),
    lambda wheels: wheels[0].with_name("c.whl").touch(),
])  # fmt: skip
def test_wheels_that_are_not_as_they_were_are_fetched_again(pip: Path, damage: Any) -> None:
    requirements = str(pip / "requirements.txt")
    damage(download_wheels(requirements, "3.9", "x86_64"))
    again = download_wheels(requirements, "3.9", "x86_64")
    assert [(path.name, path.read_text()) for path in again] == [("a.whl", ""), ("b.whl", "")]
    assert len((pip / "calls").read_text().splitlines()) == 2
    download_wheels(requirements, "3.9", "x86_64")
    assert len((pip / "calls").read_text().splitlines()) == 2


def test_wheels_are_asked_for_as_their_hashes_were_found() -> None:
    assert _sources.GLIBC == GLIBC


def test_wheels_that_cannot_be_downloaded(pip: Path, cache: Path) -> None:
    (pip / "fails").touch()
    with pytest.raises(
        AnsibleError, match=r"cannot be downloaded: ERROR: no matching distribution\. Check the controller"
    ):
        download_wheels(str(pip / "requirements.txt"), "3.9", "x86_64")
    assert [path.suffix for path in cache.iterdir()] == [".lock"]
    (pip / "fails").unlink()
    assert len(download_wheels(str(pip / "requirements.txt"), "3.9", "x86_64")) == 2
