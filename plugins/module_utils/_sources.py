# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load Kubernetes manifests from YAML text, objects, files, directories and URLs."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.urls import open_url

from ansible_collections.meshlab.istio.plugins.module_utils import _names
from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError, words_of
from ansible_collections.meshlab.istio.plugins.module_utils._identity import Identity, identity
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read

Object = dict[str, Any]

SUFFIXES = (".yaml", ".yml", ".json")
"""What is read of a directory, as kubectl does it: not the directories in it."""

URL_SECONDS = 30.0


def load(definition: Any, src: Sequence[Any]) -> list[Object]:
    """Return the objects of ``definition`` and then of each of ``src``, lists taken apart, empty documents left out.

    :param definition: YAML text, an object, a list of both, or None.
    :param src: paths of files and directories, or mappings of ``path`` or ``url`` with ``checksum`` (``sha256:HEX``;
        a URL must have one).
    :raises InputError: something cannot be read, is no manifest, has the wrong checksum, or is there twice with
        different content.
    """
    try:
        objects = _of_definition(definition, "definition")
        for source in src:
            for where, text in _texts(source):
                objects.extend(_documents(text, where))
    except RecursionError as error:
        raise InputError("A list among the manifests is nested too deeply, or holds itself.") from error
    return once(objects)


def once(objects: Sequence[Object]) -> list[Object]:
    """Drop repetitions; refuse two different objects of the same name, of which each run would apply both."""
    by_identity: dict[Identity, Object] = {}
    for obj in objects:
        if by_identity.setdefault(identity(obj), obj) != obj:
            raise InputError(f"{reference(obj)} is defined twice, and not in the same way. Leave one of them out.")
    return list(by_identity.values())


def missing_files(src: Sequence[Any]) -> list[str]:
    """Return the paths among ``src`` that do not exist on this host."""
    paths = [source.get("path") if isinstance(source, Mapping) else str(source) for source in src]
    return [
        path
        for path in paths
        if isinstance(path, str) and path and _field_of(path) == "path" and not os.path.exists(os.path.expanduser(path))
    ]


def checked(obj: Any, where: str) -> Object:
    """Return ``obj`` if it has what makes it a Kubernetes object, else raise InputError."""
    if not isinstance(obj, dict):
        raise InputError(f"{where} holds {type(obj).__name__} {str(obj)[:40]!r} where a Kubernetes object belongs.")
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    for field, value in (("apiVersion", obj.get("apiVersion")), ("kind", obj.get("kind")), ("metadata.name", name)):
        if not isinstance(value, str) or not value:
            raise InputError(f"An object in {where} has no {field}, so the cluster could not tell what it is.")
    if not isinstance(obj["metadata"].get("namespace"), (str, type(None))):
        raise InputError(f"metadata.namespace of {obj['kind']} {name} in {where} is not text.")
    try:
        _names.identity(obj["apiVersion"], obj["metadata"])
    except InputError as error:
        raise InputError(f"{reference(obj)} in {where}: {error.message}") from error
    labels = obj["metadata"].get("labels") or {}
    if not isinstance(labels, dict) or any(isinstance(value, (dict, list)) for value in labels.values()):
        raise InputError(f"metadata.labels of {reference(obj)} in {where} is not a mapping of names to text.")
    need_json(obj, f"{reference(obj)} in {where}")
    return obj


def need_json(value: Any, what: str) -> None:
    """Raise InputError if a value cannot be sent as JSON: YAML also has sets, bytes, and mappings that hold themselves.

    :param what: what the value is called in the message.
    """
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{what} holds what JSON has no form for: {error}.") from error


def load_texts(texts: Iterable[tuple[str, str]]) -> list[Object]:
    """Return the objects of manifests as ``load`` does.

    :param texts: (what it is called in messages, YAML or JSON) of each.
    :raises InputError: as for ``load``.
    """
    return once([obj for where, text in texts for obj in _documents(text, where)])


# -- inside --------------------------------------------------------------------------------------


def _of_definition(definition: Any, where: str) -> list[Object]:
    if definition is None:
        return []
    if isinstance(definition, str):
        return _documents(definition, where)
    if isinstance(definition, list):
        return [obj for item in definition for obj in _of_definition(item, where)]
    return _flat(definition, where)


def _documents(text: str, where: str) -> list[Object]:
    return [obj for document in read(text, where) for obj in _flat(document, where)]


def _flat(document: Any, where: str) -> list[Object]:
    if isinstance(document, list):
        return [obj for item in document for obj in _flat(item, where)]
    kind = str(document.get("kind", "")) if isinstance(document, dict) else ""
    if not kind.endswith("List") or "items" not in document:
        return [checked(document, where)]
    # Items of a DeploymentList need not say that they are Deployments, as for kubectl.
    common = {"apiVersion": document.get("apiVersion"), "kind": kind[: -len("List")]} if kind != "List" else {}
    items = document["items"] or []
    return [
        obj
        for item in (items if isinstance(items, list) else [items])
        for obj in _flat({**common, **item} if isinstance(item, dict) else item, where)
    ]


def _texts(source: Any) -> list[tuple[str, str]]:
    """Return (what it is called, its text) for each file of a source."""
    entry: Mapping[str, Any] = source if isinstance(source, Mapping) else {_field_of(str(source)): str(source)}
    entry = {key: value for key, value in entry.items() if value is not None}
    known = {"path", "url", "checksum"}
    if not {"path", "url"} & set(entry) or set(entry) - known or not all(isinstance(it, str) for it in entry.values()):
        raise InputError(
            f"An entry of `src` is a path, a URL, or a mapping of path or url with checksum; not {source}."
        )
    wanted = entry.get("checksum")
    if "url" in entry:
        if not wanted:
            raise InputError(
                f"Give the `checksum` (sha256:…) of {entry['url']}: what it serves may change at any time."
            )
        return [(entry["url"], _verified(_fetched(entry["url"]), wanted, entry["url"]))]
    path = entry["path"]
    try:
        path = os.path.expanduser(path)
        if os.path.isdir(path):
            if wanted:
                raise InputError(f"A checksum can be given for a file, but {path} is a directory.")
            names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIXES))
            return [(name, _verified(_read(os.path.join(path, name)), None, name)) for name in names]
        return [(path, _verified(_read(path), wanted, path))]
    except (OSError, ValueError) as error:
        raise InputError(f"The manifest {path} cannot be read on this host: {words_of(error)}.") from error


def _field_of(text: str) -> str:
    return "url" if text.startswith(("http://", "https://")) else "path"


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def _fetched(url: str) -> bytes:
    if _field_of(url) != "url":
        raise InputError(f"{url} is not a URL that starts with http:// or https://.")
    try:
        with open_url(url, timeout=URL_SECONDS) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError(f"{url} cannot be fetched from this host: {words_of(error)}.") from error


def _verified(body: bytes, wanted: str | None, where: str) -> str:
    found = hashlib.sha256(body).hexdigest()
    if wanted and wanted.lower() != f"sha256:{found}":
        raise InputError(f"{where} has the checksum sha256:{found}, not {wanted}. Nothing of it was used.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{where} cannot be read as text: {error}.") from error
