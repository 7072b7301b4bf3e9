# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change loaded objects before they are applied: JSON merge patches (RFC 7386) and JSON patches (RFC 6902)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.meshlab.istio.plugins.module_utils._diff import reference
from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._sources import checked
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import read, write

Object = dict[str, Any]


def patched(objects: Iterable[Object], patches: Sequence[Mapping[str, Any]]) -> list[Object]:
    """Return copies of ``objects`` with every patch applied, in order.

    :param patches: mappings of ``kind``, ``patch`` (a mapping: merge patch; a list of operations: JSON patch) and
        optionally ``name`` and ``namespace``; without a name every object of the kind is meant. With ``inside``, a
        JSON pointer to a string that is a YAML document itself, that document is patched. With ``optional``, a patch
        may fit no object.
    :raises InputError: a patch fits no object, an operation does not fit the object, or none is left.
    """
    result = copy.deepcopy(list(objects))
    for entry in patches:
        meant = [number for number, obj in enumerate(result) if _meant(entry, obj)]
        if not meant and not entry.get("optional"):
            raise InputError(
                f"The patch for {entry['kind']} {entry.get('name') or '(any name)'} fits none of the "
                f"{len(result)} objects. Correct its kind, name or namespace.",
            )
        for number in meant:
            obj, inside = result[number], entry.get("inside")
            obj = _inside(obj, inside, entry["patch"]) if inside else _patched(obj, entry["patch"], reference(obj))
            result[number] = checked(obj, "an object after its patches")
    return result


def patched_document(document: Any, patch: Any, where: str) -> Any:
    """Return a copy of any JSON-like data after one patch (a merge patch or a list of operations).

    :param where: what the data is called in messages.
    :raises InputError: an operation does not fit the data.
    """
    return _patched(copy.deepcopy(document), patch, where)


def merged(target: Any, patch: Any) -> Any:
    """Return ``target`` after a merge patch: mappings are merged, None removes, everything else replaces."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def difference(now: Any, then: Any) -> Any:
    """Return the merge patch (RFC 7386) that makes ``then`` of ``now``."""
    if not isinstance(now, Mapping) or not isinstance(then, Mapping):
        return then
    patch = {key: None for key in now if key not in then}
    for key, value in then.items():
        if key not in now:
            patch[key] = value
        elif now[key] != value:
            patch[key] = difference(now[key], value)
    return patch


def _meant(entry: Mapping[str, Any], obj: Object) -> bool:
    metadata = obj["metadata"]
    found = {"kind": obj["kind"], "name": metadata["name"], "namespace": metadata.get("namespace")}
    return all(entry.get(key) in (None, value) for key, value in found.items())


def _inside(obj: Object, pointer: str, patch: Any) -> Object:
    """Patch the YAML document that is a text of an object, such as a configuration file in a ConfigMap."""
    where = f"{pointer} of {reference(obj)}"
    try:
        text = _get(obj, _path(pointer))
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(f"There is no {where}, so `inside` cannot be right.") from error
    documents = read(str(text), where)
    if len(documents) != 1:
        raise InputError(f"{where} holds {len(documents)} YAML documents; a patch needs exactly one.")
    return _set(obj, _path(pointer), write(_patched(documents[0], patch, where)), insert=False)


def _patched(obj: Any, patch: Any, where: str) -> Any:
    if isinstance(patch, Mapping):
        return merged(obj, patch)
    if not isinstance(patch, list):
        raise InputError("A `patch` is either a mapping (merge patch) or a list of operations (JSON patch).")
    for operation in patch:
        try:
            _check_operation(operation)
            obj = _OPERATIONS[operation["op"]](obj, operation)
        except ValueError as error:
            raise InputError(f"The JSON patch operation {operation} does not fit {where}: {error}.") from error
        except (KeyError, IndexError, TypeError) as error:
            raise InputError(
                f"The JSON patch operation {operation} does not fit {where}: nothing is at this place."
            ) from error
    return obj


def _check_operation(operation: Any) -> None:
    """Raise ValueError unless something is an operation of a JSON patch (RFC 6902)."""
    op = operation.get("op") if isinstance(operation, Mapping) else None
    if not isinstance(op, str) or op not in _OPERATIONS:
        raise ValueError(f"its `op` has to be one of {', '.join(_OPERATIONS)}")
    for key in _NEEDS.get(op, ("path", "value")):
        if key not in operation:
            raise ValueError(f"{op} needs `{key}`")
        if key != "value" and not isinstance(operation[key], str):
            raise ValueError(f"`{key}` has to be a text")


def _add(obj: Object, operation: Mapping[str, Any]) -> Object:
    return _set(obj, _path(operation["path"]), copy.deepcopy(operation["value"]), insert=True)


def _replace(obj: Object, operation: Mapping[str, Any]) -> Object:
    path = _path(operation["path"])
    _get(obj, path)
    return _set(obj, path, copy.deepcopy(operation["value"]), insert=False)


def _remove(obj: Object, operation: Mapping[str, Any]) -> Object:
    *parents, last = _path(operation["path"])
    holder = _get(obj, parents)
    del holder[_index(holder, last)]
    return obj


def _move(obj: Object, operation: Mapping[str, Any]) -> Object:
    value = _get(obj, _path(operation["from"]))
    return _set(_remove(obj, {"path": operation["from"]}), _path(operation["path"]), value, insert=True)


def _copy(obj: Object, operation: Mapping[str, Any]) -> Object:
    value = copy.deepcopy(_get(obj, _path(operation["from"])))
    return _set(obj, _path(operation["path"]), value, insert=True)


def _test(obj: Object, operation: Mapping[str, Any]) -> Object:
    found = _get(obj, _path(operation["path"]))
    if found != operation["value"]:
        raise ValueError(f"it is {found!r}")
    return obj


_OPERATIONS: dict[str, Callable[[Object, Mapping[str, Any]], Object]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


_NEEDS = {"remove": ("path",), "move": ("from", "path"), "copy": ("from", "path")}
"""Operation → what it needs beside `op`; the others need `path` and `value`."""


def _path(pointer: str) -> list[str]:
    """Split a JSON pointer (RFC 6901)."""
    if not pointer.startswith("/"):
        raise ValueError("a path starts with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _index(holder: Any, part: str) -> Any:
    return _number(part) if isinstance(holder, list) else part


def _number(part: str) -> int:
    if not part.isdecimal():
        raise ValueError(f"{part!r} is no index of a list")
    return int(part)


def _get(obj: Any, path: Sequence[str]) -> Any:
    for part in path:
        obj = obj[_index(obj, part)]
    return obj


def _set(obj: Object, path: Sequence[str], value: Any, *, insert: bool) -> Object:
    *parents, last = path
    holder = _get(obj, parents)
    if isinstance(holder, list) and insert:
        holder.insert(len(holder) if last == "-" else _number(last), value)
    else:
        holder[_index(holder, last)] = value
    return obj
