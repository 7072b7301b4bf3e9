# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of bringing files: where an item's bytes come from, a bundle or a checked download."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.urls import open_url

from ansible_collections.meshlab.istio.plugins.module_utils._errors import words_of
from ansible_collections.meshlab.istio.plugins.module_utils._files import SHA256, sha256_of

Item = dict[str, Any]
SCHEMA = "meshlab.istio/bundle/1"
BLOCK = 1 << 20
GLIBC = ("manylinux1", "manylinux2010", "manylinux2014", "manylinux_2_17", "manylinux_2_28")
"""As in requirements/lock.py, which found out the hashes: pip does not infer that a newer glibc runs older wheels."""


def cache_directory() -> Path:
    """Return the controller's folder for downloads and packed trees."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meshlab" / "downloads"


class Bundle:
    """A bundle on the controller.

    :raises AnsibleError: no usable bundle.json there, or a file is missing or of another size than it says.
    """

    def __init__(self, directory: str) -> None:
        self.directory = Path(directory).expanduser()
        try:
            content = json.loads((self.directory / "bundle.json").read_text(encoding="utf-8"))
            schema = content.get("schema")
        except (OSError, ValueError, AttributeError) as error:
            raise AnsibleError(
                f"lab_bundle names {self.directory}, which is no usable bundle: {words_of(error)}. "
                "Give the directory that holds bundle.json, or leave lab_bundle out to download the releases."
            ) from error
        if schema != SCHEMA:
            raise AnsibleError(
                f"{self.directory}/bundle.json has the schema {schema!r}, not {SCHEMA!r}. "
                "Make the bundle with the same release of the collection that uses it."
            )
        entries = content.get("files")
        if not isinstance(entries, list):
            raise AnsibleError(f"{self.directory}/bundle.json lists no files. Make the bundle again.")
        for entry in entries:
            problem = _problem_of(entry)
            if problem:
                raise AnsibleError(f"{self.directory}/bundle.json has an entry {problem}. Make the bundle again.")
        self.files: dict[str, dict[str, Any]] = {entry["path"]: entry for entry in entries}
        self._refuse([path for path, entry in self.files.items() if _size_of(self.directory / path) != entry["size"]])

    def _refuse(self, damaged: list[str]) -> None:
        if damaged:
            raise AnsibleError(
                f"The bundle {self.directory} is damaged: {len(damaged)} of its files are missing or not as "
                f"bundle.json says, the first: {damaged[0]}. Nothing was sent. Copy or make the bundle again."
            )

    def file(self, path: str, version: str | None) -> dict[str, Any]:
        """Return a file's entry of bundle.json, refusing another version than the wanted one."""
        entry = self.files.get(path)
        if entry is None:
            raise AnsibleError(f"The bundle {self.directory} has no {path}. Make a bundle that has it.")
        if version and entry["version"].lstrip("v") != version.lstrip("v"):
            raise AnsibleError(
                f"The bundle {self.directory} has {path} in version {entry['version']}, and {version} is asked for. "
                "Ask for the bundle's version, or make a bundle with the other one."
            )
        return entry

    def wheels(self) -> list[dict[str, Any]]:
        """Return the entries of the Python wheels for hosts."""
        return [entry for path, entry in sorted(self.files.items()) if path.startswith("wheels/")]

    def images(self) -> list[dict[str, Any]]:
        """Return the entries of all container images."""
        return [entry for entry in self.files.values() if entry.get("reference")]

    def members(self, path: str) -> list[str]:
        """Return the paths of a folder's files, refusing a folder that is not there."""
        members = sorted(name for name in self.files if name.startswith(path + "/"))
        if not members:
            alike = sorted({name.split("/")[0] for name in self.files if name.startswith(path.split("-")[0] + "-")})
            choice = f", or ask for one of: {', '.join(alike)}" if alike else ""
            raise AnsibleError(f"The bundle {self.directory} has no folder {path}. Make a bundle that has it{choice}.")
        return members

    def tree(self, path: str) -> Path:
        """Return a packed tar of a folder of the bundle; packed once, and the same bytes for the same files."""
        members = self.members(path)
        key = hashlib.sha256("\n".join(f"{name} {self.files[name]['sha256']}" for name in members).encode()).hexdigest()
        packed = cache_directory() / f"tree-{key}.tar"
        with _only_one(packed):
            if not self._is_packed(packed, members):
                # A packed tree has a checksum of its own, so those of its files are looked at here.
                self._refuse(
                    [name for name in members if sha256_of(self.directory / name) != self.files[name]["sha256"]]
                )
                what = f"{path} of the bundle cannot be packed"
                with _beside(packed, what) as partial, tarfile.open(partial, "w") as archive:
                    for name in members:
                        archive.add(self.directory / name, arcname=name, filter=_anonymous)
        return packed

    def _is_packed(self, packed: Path, members: list[str]) -> bool:
        """Tell whether an archive of an earlier run holds just these files, each as bundle.json says."""
        try:
            with tarfile.open(packed) as archive:
                entries = archive.getmembers()
                return [entry.name for entry in entries] == members and all(
                    _sha256_in(archive, entry) == self.files[entry.name]["sha256"] for entry in entries
                )
        except (OSError, EOFError, tarfile.TarError):
            return False


def download(url: str, sha256: str) -> Path:
    """Return a release file in the cache; it is downloaded if it is not there, or no longer as it was.

    :raises AnsibleError: the server doesn't answer, the bytes are not those of the pinned checksum, or that is none.
    """
    # It is a file's name too.
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256.lower()):
        raise AnsibleError(f"sha256 of {url} must be 64 hexadecimal digits, not {sha256!r}.")
    sha256 = sha256.lower()
    final = cache_directory() / sha256
    with _only_one(final):
        # Compared each time: a disk can damage what was whole, and a host would only refuse it again and again.
        if final.is_file() and sha256_of(final) == sha256:
            return final
        with _beside(final, f"{url} cannot be downloaded") as partial:
            total = hashlib.sha256()
            try:
                with partial.open("wb") as target, open_url(url, timeout=60) as source:
                    for block in iter(lambda: source.read(BLOCK), b""):
                        total.update(block)
                        target.write(block)
            except (ValueError, http.client.HTTPException) as error:
                raise AnsibleError(
                    f"{url} cannot be downloaded: {type(error).__name__} {error}. Check the address, and the "
                    "controller's network, or use a bundle (lab_bundle)."
                ) from error
            if total.hexdigest() != sha256:
                raise AnsibleError(
                    f"{url} has the sha256 {total.hexdigest()}, and {sha256} is pinned in the collection. "
                    "Nothing was kept. A proxy may have answered with a page of its own; try again, or use a bundle."
                )
    return final


def download_wheels(requirements: str, python_version: str, architecture: str) -> list[Path]:
    """Let the controller's pip fetch the wheels of a requirements file with hashes, once; return them.

    What an earlier run fetched is compared with the hashes each time, and fetched again if it is not as it was.

    :param python_version: of the hosts, such as 3.11.
    :param architecture: of the hosts, such as aarch64; the controller may have another one, or be no Linux.
    :raises AnsibleError: pip is missing, doesn't get an answer, or a hash is not the pinned one.
    """
    text = Path(requirements).read_text(encoding="utf-8")
    key = hashlib.sha256(f"{python_version} {architecture}\n{text}".encode()).hexdigest()
    final = cache_directory() / f"wheels-{key}"
    with _only_one(final):
        if not _are_fetched(final, text):
            with _beside(final, "The hosts' Python libraries cannot be downloaded") as partial:
                partial.mkdir()
                done = subprocess.run(
                    [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps",
                     "--only-binary", ":all:", "--python-version", python_version,
                     *(f"--platform={glibc}_{architecture}" for glibc in GLIBC),
                     "--dest", str(partial), "--requirement", requirements],
                    capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                )  # fmt: skip
                if done.returncode != 0:
                    raise AnsibleError(
                        f"The hosts' Python libraries cannot be downloaded: {done.stderr.strip()[-500:]}. "
                        "Check the controller's network and that it has pip, or use a bundle (lab_bundle)."
                    )
    return sorted(final.glob("*.whl"))


def unpacked_size(archive: Path) -> int:
    """Return about how many bytes an archive takes when it is unpacked.

    A gzip file ends with the length of what was packed, modulo 2^32 (RFC 1952, ISIZE); no release comes near that.
    Other kinds are counted as they are.
    """
    with archive.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            return archive.stat().st_size
        stream.seek(-4, os.SEEK_END)
        return int.from_bytes(stream.read(4), "little")


def inside(path: str) -> bool:
    """Tell whether a path leads to something below the folder that it is joined to."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\0" not in path


def _problem_of(entry: Any) -> str:
    """Return what is wrong with an entry of bundle.json; "" if it can be used."""
    if not isinstance(entry, dict):
        return f"that is no map: {entry!r}"
    path = entry.get("path")
    if not isinstance(path, str) or not inside(path):
        return f"whose path leads out of the bundle, or is none: {path!r}"
    if not isinstance(entry.get("sha256"), str) or not SHA256.fullmatch(entry["sha256"]):
        return f"for {path} whose sha256 is not 64 hexadecimal digits: {entry.get('sha256')!r}"
    size = entry.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return f"for {path} whose size is no number of bytes: {size!r}"
    wrong = [name for name in ("version", "reference") if not isinstance(entry.get(name, ""), str)]
    return f"for {path} whose {wrong[0]} is no text: {entry[wrong[0]]!r}" if wrong else ""


def _are_fetched(folder: Path, requirements: str) -> bool:
    """Tell whether a folder has a wheel for each requirement, and each has one of the pinned hashes."""
    names = [_plain(name) for name in re.findall(r"^([A-Za-z0-9][\w.-]*)==", requirements, re.MULTILINE)]
    pinned = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", requirements))
    wheels = sorted(folder.glob("*.whl"))
    try:
        return (
            bool(wheels)
            and {_plain(wheel.stem.split("-", 1)[0]) for wheel in wheels} == set(names)
            and all(sha256_of(wheel) in pinned for wheel in wheels)
        )
    except OSError:
        return False


def _plain(name: str) -> str:
    """Return a package's name in its one form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _sha256_in(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> str:
    stream = archive.extractfile(entry)
    total = hashlib.sha256()
    for block in iter(lambda: stream.read(BLOCK) if stream else b"", b""):
        total.update(block)
    return total.hexdigest()


@contextlib.contextmanager
def _beside(final: Path, what: str) -> Iterator[Path]:
    """Give a path to write at, and rename it to ``final`` after that, in place of what is there.

    The path is the same in each run, so that what an interrupted one left does not fill the disk. The caller holds
    the lock.

    :raises AnsibleError: something could not be read or written.
    """
    partial = final.with_name(f".{final.name}.partial")
    try:
        _remove(partial)
        yield partial
        _remove(final)
        partial.replace(final)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = (
            f"Make room in {final.parent} on the controller, or name another folder with XDG_CACHE_HOME."
            if full
            else "Check the controller's network, or use a bundle (lab_bundle)."
        )
        raise AnsibleError(f"{what}: {error}. {remedy}") from error
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Take out what would make two packings of the same files differ."""
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


class _only_one:
    """Hold a lock, so that twenty hosts of one play don't fetch the same file twenty times."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".lock")

    def __enter__(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.stream = self.path.open("w")
            fcntl.flock(self.stream, fcntl.LOCK_EX)
        except OSError as error:
            raise AnsibleError(
                f"The controller's cache {self.path.parent} cannot be used: {words_of(error)}. "
                "Name another folder with XDG_CACHE_HOME."
            ) from error

    def __exit__(self, *problem: object) -> None:
        self.stream.close()
