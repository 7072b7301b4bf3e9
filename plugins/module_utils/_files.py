# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's side of bringing files: which are lacking, and putting what arrived in its place.

An item is a dict: kind (file, tree or image), sha256 (of what is sent), size (bytes), dest (file, tree),
mode (file, octal text), reference and loader (image).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError

Item = dict[str, Any]
ARRIVALS = "~/.local/share/meshlab/arrivals"
MARK = ".meshlab-sha256"
IMPORT_SECONDS = 600.0
MB = 10**6


class Containerd(CommandLineTool):
    """containerd's own client; Kubernetes' images live in the namespace k8s.io."""

    name = "ctr"
    install_hint = "Install containerd, which minikube's none driver needs here."

    def references(self) -> set[str]:
        """Return the images' names."""
        done = self.run(["--namespace", "k8s.io", "images", "list", "--quiet"], timeout=IMPORT_SECONDS)
        return set(done.stdout.split())

    def load(self, path: str) -> None:
        """Import a docker-archive."""
        self.run(["--namespace", "k8s.io", "images", "import", path], timeout=IMPORT_SECONDS)


LOADERS: dict[str, Callable[[], Any]] = {"containerd": Containerd}


def arrival(item: Item) -> str:
    """Return the path at which an item's bytes arrive.

    It names their checksum, so that a half-sent one can go on, and where they belong: the same bytes may be wanted
    at two places.
    """
    belongs = hashlib.sha256(str(item.get("dest") or item["reference"]).encode()).hexdigest()
    return os.path.join(os.path.expanduser(ARRIVALS), f"{item['sha256']}-{belongs[:8]}")


def lacking(items: list[Item]) -> list[dict[str, Any]]:
    """Return, for each item that is not there as wanted: index, arrived (bytes so far) and path of its arrival.

    :raises InputError: there is no room for them.
    """
    loaded = {
        name: LOADERS[name]().references() for name in {item["loader"] for item in items if item["kind"] == "image"}
    }
    known = _Checksums()
    found: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        if item["kind"] == "image":
            there = item["reference"] in loaded[item["loader"]]
        elif item["kind"] == "tree":
            there = _read(os.path.join(os.path.expanduser(item["dest"]), MARK)) == item["sha256"]
        else:
            there = known.matches(os.path.expanduser(item["dest"]), item)
        if not there:
            path = arrival(item)
            found.append(
                {"index": index, "path": path, "arrived": os.path.getsize(path) if os.path.exists(path) else 0}
            )
    known.save()
    _need_room([(items[entry["index"]], entry) for entry in found])
    return found


def place(items: list[Item]) -> None:
    """Check each item's arrived bytes against its checksum and put it where it belongs.

    :raises InputError: bytes are missing or damaged; damaged ones are removed, so that the next run sends them again.
    """
    known = _Checksums()
    for item in items:
        path = arrival(item)
        if not os.path.exists(path):
            raise InputError(f"Nothing of {item['name']} arrived on this host at {path}. Run the playbook again.")
        if sha256_of(path) != item["sha256"]:
            os.unlink(path)
            raise InputError(
                f"{item['name']} arrived damaged on this host: its sha256 is not {item['sha256']}. "
                "What arrived was removed; run the playbook again, and check the bundle if it happens twice."
            )
        if item["kind"] == "image":
            LOADERS[item["loader"]]().load(path)
            os.unlink(path)
        elif item["kind"] == "tree":
            _unpack(path, os.path.expanduser(item["dest"]), item["sha256"])
        else:
            destination = os.path.expanduser(item["dest"])
            os.makedirs(os.path.dirname(destination), exist_ok=True)
            os.chmod(path, int(item["mode"], 8))
            _move(path, destination)
            known.remember(destination, item["sha256"])
    known.save()


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return a file's sha256 as hexadecimal text."""
    total = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def _need_room(lacking: list[tuple[Item, dict[str, Any]]]) -> None:
    """Refuse what does not fit; what an archive or an image grows by when it is unpacked is not known here."""
    needed: dict[int, int] = {}
    folders: dict[int, str] = {}

    def need(path: str, size: int) -> None:
        device = os.stat(_existing(path)).st_dev
        needed[device] = needed.get(device, 0) + size
        folders.setdefault(device, _existing(path))

    for item, entry in lacking:
        need(entry["path"], max(item["size"] - entry["arrived"], 0))
        dest = os.path.expanduser(item.get("dest", entry["path"]))
        # A folder is unpacked beside its archive, and another file system gets a copy; else a file is only renamed.
        if item["kind"] == "tree" or os.stat(_existing(dest)).st_dev != os.stat(_existing(entry["path"])).st_dev:
            need(dest, item["size"])
    for device, folder in folders.items():
        free = shutil.disk_usage(folder).free
        if needed[device] > free:
            raise InputError(
                f"This host needs {-(-needed[device] // MB)} MB of free space in {folder} for what it lacks, and has "
                f"{free // MB} MB. Nothing was sent. Make room there and run the playbook again."
            )


def _existing(path: str) -> str:
    """Return the nearest folder above ``path`` that exists."""
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


class _Checksums:
    """Checksums computed earlier, valid while a file's size and time of change are the same.

    Reading 500 MB again in every run would take longer than the rest of a run that changes nothing.
    """

    def __init__(self) -> None:
        self.path = os.path.expanduser("~/.local/share/meshlab/checksums.json")
        try:
            self.known: dict[str, Any] = json.loads(_read(self.path) or "{}")
        except ValueError:
            self.known = {}
        self.before = dict(self.known)

    def matches(self, path: str, item: Item) -> bool:
        """Tell whether the file has the wanted mode and content."""
        try:
            status = os.stat(path)
        except OSError:
            return False
        if status.st_size != item["size"] or status.st_mode & 0o777 != int(item["mode"], 8):
            return False
        stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
        if self.known.get(path, [None])[:3] != stamp:
            self.known[path] = [*stamp, sha256_of(path)]
        return bool(self.known[path][3] == item["sha256"])

    def remember(self, path: str, checksum: str) -> None:
        """Note the checksum of a file that was just placed."""
        status = os.stat(path)
        self.known[path] = [status.st_size, status.st_mtime_ns, status.st_ino, checksum]

    def save(self) -> None:
        """Write the cache if it has news."""
        if self.known == self.before:
            return
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".partial", "w", encoding="utf-8") as stream:
            json.dump(self.known, stream)
        os.replace(self.path + ".partial", self.path)


def _unpack(path: str, destination: str, checksum: str) -> None:
    """Unpack an archive beside ``destination``, then swap the two. A single top folder of the archive is left out."""
    partial = destination + ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(partial)
    with tarfile.open(path) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(partial, filter="data")
        else:
            # An older Python of the host; what the archive holds is pinned by its checksum.
            archive.extractall(partial)  # noqa: S202
    inside = os.listdir(partial)
    top = os.path.join(partial, inside[0]) if len(inside) == 1 else ""
    source = top if os.path.isdir(top) else partial
    with open(os.path.join(source, MARK), "w", encoding="utf-8") as stream:
        stream.write(checksum)
    shutil.rmtree(destination, ignore_errors=True)
    os.replace(source, destination)
    shutil.rmtree(partial, ignore_errors=True)
    os.unlink(path)


def _move(path: str, destination: str) -> None:
    """Rename, or copy beside and rename where the two are on different file systems."""
    try:
        os.replace(path, destination)
    except OSError:
        shutil.copy2(path, destination + ".partial")
        os.replace(destination + ".partial", destination)
        os.unlink(path)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError:
        return ""
