# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's side of bringing files: which are lacking, and putting what arrived in its place.

An item is a dict: kind (file, tree, image or link), name, sha256 (of what is sent), size (bytes), unpacked (bytes,
tree), dest (file, tree, link), mode (file, octal text), reference and loader (image), target (link), and variable (the
variable of a role that says where it goes).

What stands at an item's place already is replaced only if it is ours: a folder with our mark in which nothing was
changed since, a file as we placed it, a link into such a folder, and whatever lies in the lab's own folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._command import CommandLineTool
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError

Item = dict[str, Any]
OWN = "~/.local/share/meshlab"
"""The lab's own folder. Every file in it is ours."""
ARRIVALS = f"{OWN}/arrivals"
ARRIVED = re.compile(r"[0-9a-f]{64}-[0-9a-f]{8}")
"""What arrival() calls a file."""
MARK = ".meshlab-sha256"
"""The file that is written last into a folder that we unpacked."""
CONTAINERD = "/var/lib/containerd"
"""Where containerd keeps images by default (its config.toml, `root`)."""
SHA256 = re.compile(r"[0-9a-f]{64}")
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


def lacking(items: list[Item], check_mode: bool = False) -> list[dict[str, Any]]:
    """Return, for each item that is not there as wanted: index, arrived (bytes so far) and path of its arrival.

    :param check_mode: remove nothing that an earlier run left half done, even if its room is needed.
    :raises InputError: there is no room for them, or something that is not ours stands in the place of one.
    """
    loaded = {
        name: LOADERS[name]().references() for name in {item["loader"] for item in items if item["kind"] == "image"}
    }
    with _told("What this host lacks cannot be found out"):
        known = _Checksums()
        found: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            if item["kind"] == "link":
                if not _leads_to(os.path.expanduser(item["dest"]), item["target"]):
                    found.append({"index": index, "path": "", "arrived": 0})
                continue
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
        if not check_mode:
            known.save()
        for entry in found:
            _refuse_foreign(items[entry["index"]], known)
        wanted = [(items[entry["index"]], entry) for entry in found if entry["path"]]
        short = _short_of_room(wanted)
        if short and not check_mode and _forget_half_done(wanted):
            short = _short_of_room(wanted)
        if short:
            raise InputError(short)
        return found


def place(items: list[Item]) -> None:
    """Check each item's arrived bytes against its checksum and put it where it belongs.

    :raises InputError: bytes are missing or damaged; damaged ones are removed, so that the next run sends them again.
        Or something that is not ours stands in an item's place, or the disk is full.
    """
    known = _Checksums()
    for item in items:
        with _told(f"{item['name']} cannot be put in its place"):
            _place(item, known)
    with _told("What was placed cannot be noted"):
        known.save()


def _place(item: Item, known: _Checksums) -> None:
    _refuse_foreign(item, known)
    destination = os.path.expanduser(item.get("dest", ""))
    if item["kind"] == "link":
        _link(item["target"], destination)
        return
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
        _unpack(path, destination, item["sha256"])
    else:
        os.makedirs(os.path.dirname(destination), exist_ok=True)
        os.chmod(path, int(item["mode"], 8))
        _move(path, destination)
        known.remember(destination, item["sha256"])


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what the system refused, and what to do."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        remedy = {
            errno.ENOSPC: "Make room there and run the playbook again; what arrived is kept.",
            errno.EDQUOT: "Make room there and run the playbook again; what arrived is kept.",
            errno.EROFS: "Choose a folder on another file system.",
        }.get(error.errno or 0, "Give this user the right to write there, or choose another folder.")
        raise InputError(f"{what}: {error.strerror or error}{where}. {remedy}") from error


def _refuse_foreign(item: Item, known: _Checksums) -> None:
    """Raise InputError if what stands in an item's place is not ours to replace."""
    if item["kind"] == "image":
        return
    path = os.path.expanduser(item["dest"])
    if not os.path.lexists(path):
        return
    why = {"tree": _foreign_tree, "link": _foreign_link}.get(item["kind"], known.foreign)(path)
    if why:
        other = f", or choose another place with {item['variable']}" if item.get("variable") else ""
        raise InputError(
            f"{item['name']} belongs at {path}, and {why}, so it may be yours. It was not touched, and nothing was "
            f"sent. Move it away or remove it{other}."
        )


def _foreign_tree(path: str) -> str:
    """Return why a folder is not ours to replace; "" if it is.

    The mark was written last, so all that is younger was put there by somebody else. The time of change (ctime) counts,
    which no program can set back. A folder that an earlier release of this collection unpacked has the same mark.
    """
    folder = os.path.realpath(path)
    if not os.path.isdir(folder):
        return "what is there is no folder"
    if not os.listdir(folder):
        return ""
    mark = os.path.join(folder, MARK)
    if not os.path.isfile(mark):
        return f"that folder was not unpacked by this collection, as it has no {MARK}"
    unpacked = os.lstat(mark).st_ctime_ns
    younger = [
        os.path.relpath(os.path.join(above, name), folder)
        for above, folders, files in os.walk(folder)
        for name in (*files, *folders)
        if os.lstat(os.path.join(above, name)).st_ctime_ns > unpacked
    ]
    return f"something in that folder was changed since it was unpacked ({min(younger)})" if younger else ""


def _foreign_link(path: str) -> str:
    """Return why a link is not ours to point elsewhere; "" if it is: it leads into a folder that we unpacked."""
    if not os.path.islink(path):
        return "what is there is no link"
    target = os.path.join(os.path.dirname(path), os.readlink(path))
    release = os.path.dirname(os.path.dirname(target))
    if _is_own(target) or os.path.isfile(os.path.join(release, MARK)):
        return ""
    return f"there is a link to {target}, which is no folder that this collection unpacked"


def _is_own(path: str) -> bool:
    """Tell whether a path leads into the lab's own folder."""
    own = os.path.realpath(os.path.expanduser(OWN))
    return os.path.realpath(path).startswith(own + os.sep)


def _leads_to(path: str, target: str) -> bool:
    return os.path.islink(path) and os.readlink(path) == target


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return a file's sha256 as hexadecimal text."""
    total = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def _short_of_room(lacking: list[tuple[Item, dict[str, Any]]]) -> str:
    """Return a sentence if what is lacking does not fit; "" if it does."""
    needed: dict[int, int] = {}
    folders: dict[int, str] = {}

    def need(path: str, size: int) -> None:
        device = os.stat(_existing(path)).st_dev
        needed[device] = needed.get(device, 0) + size
        folders.setdefault(device, _existing(path))

    for item, entry in lacking:
        need(entry["path"], max(item["size"] - entry["arrived"], 0))
        if item["kind"] == "image":
            # containerd keeps what it imports and unpacks it too. By then the archive is removed.
            apart = os.stat(_existing(f"{CONTAINERD}/.")).st_dev != os.stat(_existing(entry["path"])).st_dev
            need(f"{CONTAINERD}/.", 2 * item["size"] if apart else item["size"])
            continue
        dest = os.path.expanduser(item["dest"])
        # A folder is unpacked beside its archive, and another file system gets a copy; else a file is only renamed.
        if item["kind"] == "tree":
            need(dest, item.get("unpacked") or item["size"])
        elif os.stat(_existing(dest)).st_dev != os.stat(_existing(entry["path"])).st_dev:
            need(dest, item["size"])
    for device, folder in folders.items():
        free = shutil.disk_usage(folder).free
        if needed[device] > free:
            return (
                f"This host needs {-(-needed[device] // MB)} MB of free space in {folder} for what it lacks, and has "
                f"{free // MB} MB. Nothing was sent. Make room there and run the playbook again."
            )
    return ""


def _forget_half_done(lacking: list[tuple[Item, dict[str, Any]]]) -> bool:
    """Remove what interrupted runs left and nothing here goes on with; tell whether there was any."""
    folder = os.path.expanduser(ARRIVALS)
    wanted = {entry["path"] for _item, entry in lacking}
    names = os.listdir(folder) if os.path.isdir(folder) else []
    left = [os.path.join(folder, name) for name in names if ARRIVED.fullmatch(name)]
    left = [path for path in left if path not in wanted]
    for path in left:
        os.unlink(path)
    places = [os.path.realpath(os.path.expanduser(item["dest"])) for item, _entry in lacking if item["kind"] == "tree"]
    beside = [path for path in map(_beside, places) if os.path.lexists(path)]
    for path in beside:
        _remove(path)
    return bool(left or beside)


def _beside(path: str) -> str:
    """Return the path at which something is made ready before it is renamed to ``path``; only we use such a name."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.meshlab-partial")


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _existing(path: str) -> str:
    """Return the nearest folder above ``path`` that exists."""
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


class _Checksums:
    """Checksums computed earlier, valid while a file's size and time of change are the same; and which files we placed.

    Reading 500 MB again in every run would take longer than the rest of a run that changes nothing.

    Each file's path leads to a list: size, time of change, inode, sha256, and whether we placed it. An entry of an
    earlier release has no last item, and counts as placed: that release noted only files that had the size and mode of
    the wanted one, so what else stood there was never noted.
    """

    def __init__(self) -> None:
        self.path = os.path.expanduser(f"{OWN}/checksums.json")
        try:
            known = json.loads(_read(self.path) or "{}")
        except ValueError:
            known = {}
        entries = known.items() if isinstance(known, dict) else ()
        self.known: dict[str, list[Any]] = {
            path: entry if len(entry) == 5 else [*entry, True]
            for path, entry in entries
            if isinstance(entry, list) and len(entry) in (4, 5)
        }
        self.before = dict(self.known)

    def matches(self, path: str, item: Item) -> bool:
        """Tell whether the file has the wanted mode and content."""
        try:
            status = os.stat(path)
        except OSError:
            return False
        if status.st_size != item["size"] or status.st_mode & 0o777 != int(item["mode"], 8):
            return False
        return bool(self._sha256(path, status) == item["sha256"])

    def foreign(self, path: str) -> str:
        """Return why a file is not ours to replace; "" if it is as we placed it."""
        if _is_own(path):
            return ""
        if os.path.islink(path) or not os.path.isfile(path):
            return "what is there is no plain file"
        _size, _time, _inode, sha256, placed = self.known.get(path, [None] * 5)
        if not placed:
            return "that file was not put there by this collection"
        if self._sha256(path, os.stat(path)) != sha256:
            return "that file was changed since this collection put it there"
        return ""

    def _sha256(self, path: str, status: os.stat_result) -> Any:
        stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
        entry = self.known.get(path, [None] * 5)
        if entry[:3] != stamp:
            sha256 = sha256_of(path)
            # The same bytes are ours still. Others are not, and what we placed stays known.
            if entry[4] and sha256 != entry[3]:
                return sha256
            self.known[path] = [*stamp, sha256, bool(entry[4])]
        return self.known[path][3]

    def remember(self, path: str, checksum: str) -> None:
        """Note the checksum of a file that was just placed."""
        status = os.stat(path)
        self.known[path] = [status.st_size, status.st_mtime_ns, status.st_ino, checksum, True]

    def save(self) -> None:
        """Write the cache if it has news."""
        if self.known == self.before:
            return
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".partial", "w", encoding="utf-8") as stream:
            json.dump(self.known, stream)
        os.replace(self.path + ".partial", self.path)


def _unpack(path: str, destination: str, checksum: str) -> None:
    """Unpack an archive beside ``destination``, then swap the two. A single top folder of the archive is left out.

    The folder before goes last; if anything fails, it is still there, and nothing half done is.
    """
    destination = os.path.realpath(destination)
    partial = _beside(destination)
    new, old = os.path.join(partial, "new"), os.path.join(partial, "old")
    if os.path.lexists(partial):
        _remove(partial)
    try:
        os.makedirs(new)
        _extract(path, new)
        inside = os.listdir(new)
        top = os.path.join(new, inside[0]) if len(inside) == 1 else ""
        source = top if os.path.isdir(top) else new
        with open(os.path.join(source, MARK), "w", encoding="utf-8") as stream:
            stream.write(checksum)
        if os.path.lexists(destination):
            os.rename(destination, old)
        os.rename(source, destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    os.unlink(path)


def _extract(path: str, folder: str) -> None:
    try:
        with tarfile.open(path) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(folder, filter="data")
            else:
                # An older Python of the host; what the archive holds is pinned by its checksum.
                archive.extractall(folder)  # noqa: S202
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path} has the right checksum, but cannot be unpacked: {error}. Bring an archive that tar can read."
        ) from error


def _link(target: str, destination: str) -> None:
    """Make a link, or point it elsewhere, at once."""
    os.makedirs(os.path.dirname(destination), exist_ok=True)
    partial = _beside(destination)
    if os.path.lexists(partial):
        os.unlink(partial)
    os.symlink(target, partial)
    os.replace(partial, destination)


def _move(path: str, destination: str) -> None:
    """Rename, or copy beside and rename where the two are on different file systems."""
    try:
        os.replace(path, destination)
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    partial = _beside(destination)
    try:
        shutil.copy2(path, partial)
        os.replace(partial, destination)
    except OSError:
        # It may be all that fills the disk.
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
    os.unlink(path)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError):
        return ""
