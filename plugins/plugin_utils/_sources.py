# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of bringing files: where an item's bytes come from, a bundle or a checked download."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.urls import open_url

from ansible_collections.meshlab.istio.plugins.module_utils._files import sha256_of

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
                f"lab_bundle names {self.directory}, which is no usable bundle: {error}. "
                "Give the directory that holds bundle.json, or leave lab_bundle out to download the releases."
            ) from error
        if schema != SCHEMA:
            raise AnsibleError(
                f"{self.directory}/bundle.json has the schema {schema!r}, not {SCHEMA!r}. "
                "Make the bundle with the same release of the collection that uses it."
            )
        self.files: dict[str, dict[str, Any]] = {entry["path"]: entry for entry in content["files"]}
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
            if not packed.exists():
                # A packed tree has a checksum of its own, so those of its files are looked at here.
                self._refuse(
                    [name for name in members if sha256_of(self.directory / name) != self.files[name]["sha256"]]
                )
                partial = packed.with_suffix(".partial")
                with tarfile.open(partial, "w") as archive:
                    for name in members:
                        archive.add(self.directory / name, arcname=name, filter=_anonymous)
                partial.replace(packed)
        return packed


def download(url: str, sha256: str) -> Path:
    """Download a release file once per controller; return it.

    :raises AnsibleError: the server doesn't answer, or the bytes are not those of the pinned checksum.
    """
    final = cache_directory() / sha256
    with _only_one(final):
        if final.exists():
            return final
        handle, partial = tempfile.mkstemp(dir=final.parent, prefix=".download-")
        total = hashlib.sha256()
        try:
            with os.fdopen(handle, "wb") as target, open_url(url, timeout=60) as source:
                for block in iter(lambda: source.read(BLOCK), b""):
                    total.update(block)
                    target.write(block)
            if total.hexdigest() != sha256:
                raise AnsibleError(
                    f"{url} has the sha256 {total.hexdigest()}, and {sha256} is pinned in the collection. "
                    "Nothing was kept. A proxy may have answered with a page of its own; try again, or use a bundle."
                )
            os.replace(partial, final)
        except OSError as error:
            raise AnsibleError(
                f"{url} cannot be downloaded: {error}. Check the controller's network, or use a bundle (lab_bundle)."
            ) from error
        finally:
            if os.path.exists(partial):
                os.unlink(partial)
    return final


def download_wheels(requirements: str, python_version: str, architecture: str) -> list[Path]:
    """Let the controller's pip fetch the wheels of a requirements file with hashes, once; return them.

    :param python_version: of the hosts, such as 3.11.
    :param architecture: of the hosts, such as aarch64; the controller may have another one, or be no Linux.
    :raises AnsibleError: pip is missing, doesn't get an answer, or a hash is not the pinned one.
    """
    wanted = f"{python_version} {architecture}\n{Path(requirements).read_text(encoding='utf-8')}"
    key = hashlib.sha256(wanted.encode()).hexdigest()
    final = cache_directory() / f"wheels-{key}"
    with _only_one(final):
        if not final.exists():
            partial = Path(tempfile.mkdtemp(dir=final.parent, prefix=".wheels-"))
            done = subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps",
                 "--only-binary", ":all:", "--python-version", python_version,
                 *(f"--platform={glibc}_{architecture}" for glibc in GLIBC),
                 "--dest", str(partial), "--requirement", requirements],
                capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                shutil.rmtree(partial)
                raise AnsibleError(
                    f"The hosts' Python libraries cannot be downloaded: {done.stderr.strip()[-500:]}. "
                    "Check the controller's network and that it has pip, or use a bundle (lab_bundle)."
                )
            partial.replace(final)
    return sorted(final.glob("*.whl"))


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
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path.with_name(path.name + ".lock")

    def __enter__(self) -> None:
        self.stream = self.path.open("w")
        fcntl.flock(self.stream, fcntl.LOCK_EX)

    def __exit__(self, *problem: object) -> None:
        self.stream.close()
