# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write container images as docker-archive files (``ctr images import`` and ``minikube image load`` read them)."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.cache import LabError

USR_MERGE = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}


@dataclass(frozen=True)
class Image:
    """One image of a single layer.

    :param reference: the exact name that a manifest asks for.
    :param files: path in the image → file or folder on this machine.
    :param debian: programs and folders taken from the Debian root, with the shared libraries they load.
    :param links: symbolic links, path → target.
    :param texts: small files, path → content.
    :param stand_in: what it stands in for, when it isn't a build of upstream's source.
    """

    reference: str
    origin: str
    entrypoint: tuple[str, ...] = ()
    user: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    debian: tuple[str, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ("tmp",)
    stand_in: str = ""

    @property
    def file_name(self) -> str:
        """The archive's name in the bundle: the reference with everything special turned into an underscore."""
        return self.reference.replace("/", "_").replace(":", "_") + ".tar"


def write_archive(image: Image, root: Path, destination: Path) -> None:
    """Write the image's docker-archive. Times and owners are fixed, so the same input gives the same bytes.

    :param root: the Debian root that ``image.debian`` names paths in.
    """
    layer_path = destination.with_suffix(".layer")
    with tarfile.open(layer_path, "w") as layer:
        for path, target in {**(USR_MERGE if image.debian else {}), **image.links}.items():
            _add(layer, path, link=target)
        for folder in image.folders:
            _add(layer, folder, mode=0o1777 if folder == "tmp" else 0o755, folder=True)
        for path, text in image.texts.items():
            _add(layer, path, content=text.encode())
        for path, source in {**_from_debian(root, image.debian), **image.files}.items():
            _add(layer, path, source=source)
    with layer_path.open("rb") as stream:
        diff_id = hashlib.file_digest(stream, "sha256").hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Entrypoint": list(image.entrypoint) or None,
                "User": image.user,
                "Env": [f"{name}={value}" for name, value in
                        {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                         **image.environment}.items()],
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        }
    ).encode()  # fmt: skip
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.reference], "Layers": [f"{diff_id}/layer.tar"]}]
    with tarfile.open(destination, "w") as archive:
        _add(archive, "manifest.json", content=json.dumps(manifest).encode())
        _add(archive, config_name, content=config)
        _add(archive, f"{diff_id}/layer.tar", source=layer_path)
    layer_path.unlink()


def _add(archive: tarfile.TarFile, path: str, *, source: Path | None = None, content: bytes = b"", link: str = "",
         mode: int = 0o644, folder: bool = False) -> None:  # fmt: skip
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.mode = mode
    if link:
        entry.type, entry.linkname = tarfile.SYMTYPE, link
    elif folder:
        entry.type = tarfile.DIRTYPE
    elif source is not None:
        entry.size = source.stat().st_size
        entry.mode = 0o755 if os.access(source, os.X_OK) else 0o644
        with source.open("rb") as stream:
            archive.addfile(entry, stream)
        return
    else:
        entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _from_debian(root: Path, wanted: tuple[str, ...]) -> dict[str, Path]:
    """Return path in the image → file in the root, for programs, whole folders and the libraries they need.

    :raises LabError: one of them is not there; an image without it would only fail on the lab host.
    """
    found: dict[str, Path] = {}
    for path in wanted:
        source = root / path.lstrip("/")
        for name in sorted(source.rglob("*")) if source.is_dir() else [source]:
            file = _followed(root, name)
            if file.is_file():
                found[str(name.relative_to(root))] = file
            elif not file.is_dir():
                raise LabError(
                    f"The lab host's Debian has no {name.relative_to(root)}. "
                    "Name the package that has it in HOST_PACKAGES of tests/lab/parts.py."
                )
    programs = [f"/{path}" for path, file in found.items() if os.access(file, os.X_OK) or ".so" in path]
    if programs:
        listed = subprocess.run(["chroot", str(root), "ldd", *programs], capture_output=True, text=True)
        missing = [line.strip() for line in listed.stdout.splitlines() if "not found" in line]
        # 1 is that of ldd where one of the files is no dynamic program; chroot's own failures are these.
        if missing or listed.returncode >= 125:
            raise LabError(f"The libraries of {wanted} are not all in {root}: {missing or listed.stderr.strip()}")
        for word in listed.stdout.split():
            if word.startswith("/") and ".so" in word:
                library = word.rstrip(":").lstrip("/")
                merged = library if library.startswith("usr/") else f"usr/{library}"
                found.setdefault(merged, (root / merged).resolve(strict=True))
    return found


def _followed(root: Path, file: Path) -> Path:
    """Follow a link as it is meant inside the root: an absolute one, as Debian's /sbin/ip, would lead out of it."""
    while file.is_symlink():
        target = str(file.readlink())
        file = root / target.lstrip("/") if target.startswith("/") else file.parent / target
    return file
