# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring files to a host: ask what it lacks, stream only that, have it checked and put in place."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.meshlab.istio.plugins.module_utils._files import sha256_of
from ansible_collections.meshlab.istio.plugins.plugin_utils._sources import (
    Bundle,
    Item,
    download,
    download_wheels,
    inside,
    unpacked_size,
)

MODULE = "meshlab.istio.lab_files"
MODE = re.compile(r"(0o?)?[0-7]{3}")
CHUNK = 128 << 20
"""Bytes of one remote command. What arrived of an interrupted one is kept, so a large one loses nothing."""


class ActionModule(ActionBase):
    """Runs on the controller; the module of the same name runs on the host."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return changed, sent (list of name, bytes, seconds), checked and diff."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        started = time.monotonic()
        arguments = self._task.args
        bundle = Bundle(arguments["bundle"]) if arguments.get("bundle") else None
        items, sources = self._resolve(bundle, arguments)
        answer = self._module({"step": "lacking", "items": items}, task_vars)
        if answer.get("failed"):
            return {**result, **answer}
        lacking = answer["lacking"]
        names = [items[entry["index"]]["name"] for entry in lacking]
        result.update(
            changed=bool(lacking),
            diff={"before": "", "after": "".join(f"{name}\n" for name in names)},
            sent=[],
            checked=self._checked(bundle, arguments, items),
        )
        if self._task.check_mode or not lacking:
            return result
        for entry in lacking:
            item = items[entry["index"]]
            if item["kind"] == "link":
                continue
            begun = time.monotonic()
            self._display.v(f"{item['name']}: sending {item['size'] / 1e6:.0f} MB", host=self._connected_to(task_vars))
            self._send(sources[entry["index"]], entry["path"], entry["arrived"], item["size"])
            result["sent"].append(
                {"name": item["name"], "bytes": item["size"] - entry["arrived"],
                 "seconds": round(time.monotonic() - begun, 2)}
            )  # fmt: skip
        placed = self._module({"step": "place", "items": [items[entry["index"]] for entry in lacking]}, task_vars)
        if placed.get("failed"):
            return {**result, **placed}
        result["seconds"] = round(time.monotonic() - started, 2)
        return result

    def _resolve(self, bundle: Bundle | None, arguments: dict[str, Any]) -> tuple[list[Item], list[Path]]:
        """Return the items as the host's module takes them, and where each one's bytes are."""
        items: list[Item] = []
        sources: list[Path] = []
        for kind, wanted in (("file", arguments.get("files") or []), ("tree", arguments.get("trees") or [])):
            for want in map(_checked_want, wanted):
                if bundle is None:
                    source = self._released(want)
                    checksum, size = want["sha256"], source.stat().st_size
                elif kind == "tree":
                    source = bundle.tree(want["path"])
                    checksum, size = sha256_of(source), source.stat().st_size
                else:
                    entry = bundle.file(want["path"], want.get("version"))
                    source, checksum, size = bundle.directory / want["path"], entry["sha256"], entry["size"]
                items.append(
                    {"kind": kind, "name": want["path"], "sha256": checksum, "size": size, "dest": want["dest"],
                     "mode": str(want.get("mode") or "0644"), "variable": want.get("variable"),
                     **({"unpacked": unpacked_size(source)} if kind == "tree" else {})}
                )  # fmt: skip
                sources.append(source)
        wheels = arguments.get("wheels")
        if wheels:
            if bundle:
                found = [(bundle.directory / entry["path"], entry["sha256"]) for entry in bundle.wheels()]
            else:
                downloaded = download_wheels(wheels["requirements"], wheels["python_version"], wheels["architecture"])
                found = [(source, sha256_of(source)) for source in downloaded]
            for source, checksum in found:
                dest = f"{wheels['dest']}/{source.name}"
                items.append(
                    {"kind": "file", "name": source.name, "sha256": checksum, "size": source.stat().st_size,
                     "dest": dest, "mode": "0644"}
                )  # fmt: skip
                sources.append(source)
        if bundle is not None and arguments.get("images"):
            for entry in bundle.images():
                items.append(
                    {"kind": "image", "name": entry["reference"], "reference": entry["reference"],
                     "loader": arguments["images"], "sha256": entry["sha256"], "size": entry["size"]}
                )  # fmt: skip
                sources.append(bundle.directory / entry["path"])
        # Last, as they lead to what the others bring.
        items += [
            {"kind": "link", "name": str(want["dest"]).rpartition("/")[2], **want}
            for want in map(_checked_link, arguments.get("links") or [])
        ]
        return items, sources

    @staticmethod
    def _checked(bundle: Bundle | None, arguments: dict[str, Any], items: list[Item]) -> list[dict[str, Any]]:
        """Return what files, folders and images are checked against, with where they are from."""
        listed = bundle.files if bundle else {}
        found = []
        for want, item in zip([*(arguments.get("files") or []), *(arguments.get("trees") or [])], items):
            inside = [path for path in sorted(listed) if path.startswith(f"{want['path']}/")]
            entry = listed.get(inside[0] if inside else want["path"], {"origin": want.get("url")})
            version = {"version": entry.get("version") or want.get("version")}
            found.append(_named(item["kind"], want["path"], item["sha256"], {**entry, **version}))
            programs = [listed[path] for path in inside if path.startswith(f"{want['path']}/bin/")]
            found += [_named("file", program["path"], program["sha256"], program) for program in programs]
        found += [
            _named("image", entry["reference"], entry["sha256"], {**entry, "version": None})
            for entry in (bundle.images() if bundle and arguments.get("images") else [])
        ]
        return found

    @staticmethod
    def _released(want: dict[str, Any]) -> Path:
        if not want.get("url") or not want.get("sha256"):
            raise AnsibleError(
                f"The collection has no checksum for {want['path']} {want.get('version') or ''} on this architecture. "
                "Choose a version that the vars of the role list, or bring the file in a bundle (lab_bundle)."
            )
        return download(want["url"], want["sha256"])

    def _send(self, source: Path, path: str, arrived: int, size: int) -> None:
        """Stream a file's bytes from ``arrived`` on over the task's own connection."""
        if not source.is_file() or source.stat().st_size != size:
            raise AnsibleError(f"{source} is missing or not {size} bytes long: the bundle is damaged; make it again.")
        quoted = shlex.quote(path)
        make = f"umask 077 && mkdir -p {shlex.quote(str(Path(path).parent))}"
        if arrived > size:
            arrived, make = 0, f"{make} && : > {quoted}"
        with source.open("rb") as stream:
            stream.seek(arrived)
            for chunk in iter(lambda: stream.read(CHUNK), b""):
                done = self._low_level_execute_command(f"{make} && cat >> {quoted}", in_data=chunk)
                if done["rc"] != 0:
                    raise AnsibleError(f"{source.name} could not be sent: {done['stderr'].strip() or done['stdout']}")
                make = ":"

    def _module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        return answer

    @staticmethod
    def _connected_to(task_vars: dict[str, Any] | None) -> str:
        return str((task_vars or {}).get("inventory_hostname", ""))


def _checked_want(want: Any) -> dict[str, Any]:
    """Return a file or folder to have, as it was given.

    :raises AnsibleError: a value that cannot be what its name says.
    """
    if not isinstance(want, Mapping):
        raise AnsibleError(f"What is to be brought must be a map with path and dest, not {want!r}.")
    for name in ("path", "dest"):
        if not isinstance(want.get(name), str) or not want[name].strip():
            raise AnsibleError(f"{name} must be a path, not {want.get(name)!r}, in {dict(want)}.")
    if not inside(want["path"]):
        raise AnsibleError(f"path {want['path']} must be relative, and lead to a file of the bundle.")
    mode = want.get("mode") or "0644"
    if not isinstance(mode, str) or not MODE.fullmatch(mode):
        raise AnsibleError(f'mode of {want["path"]} must be octal and quoted, such as "0755", not {mode!r}.')
    return dict(want)


def _checked_link(want: Any) -> dict[str, Any]:
    """Return a link to have, as it was given.

    :raises AnsibleError: a value that cannot be what its name says.
    """
    known = {"target", "dest", "variable"}
    if not isinstance(want, Mapping) or not set(want) <= known:
        raise AnsibleError(f"A link must be a map of {', '.join(sorted(known))}, not {want!r}.")
    for name in ("target", "dest"):
        if not isinstance(want.get(name), str) or not want[name].strip():
            raise AnsibleError(f"{name} of a link must be a path, not {want.get(name)!r}.")
    return dict(want)


def _named(kind: str, name: str, sha256: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of ``checked``; of ``entry`` it has what is known."""
    known = {key: entry[key] for key in ("version", "origin", "stand_in") if entry.get(key)}
    return {"kind": kind, "name": name, "sha256": sha256, **known}
