# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two states of a Kubernetes object: fields with old and new value, nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.meshlab.istio.plugins.module_utils._redact import REDACTED, redact

Object = dict[str, Any]

SERVER_OWNED = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
"""Metadata that only the API server writes."""

BOOKKEEPING = ("kubectl.kubernetes.io/last-applied-configuration",)
"""Annotations that repeat the object itself (and a Secret's data with it)."""

REDACTED_CHANGED = "(redacted, changed)"


class _Side(NamedTuple):
    """A value of one of the two states, and what of it may be printed: whether it is a secret is told by its context.

    None where there is none: the API server takes null for absent.
    """

    value: Any = None
    shown: Any = None


def reference(obj: Mapping[str, Any]) -> str:
    """Return how an object is called in messages and results: ``Deployment tutorial/reviews-v1``."""
    metadata = obj["metadata"]
    namespace = metadata.get("namespace")
    return f"{obj['kind']} {namespace + '/' if namespace else ''}{metadata['name']}"


def normalise(obj: Mapping[str, Any] | None) -> Object:
    """Return a copy without status and without what only the API server writes; {} for None.

    A Secret's values are still in it: only ``changed_fields`` and ``shown`` may leave a module.
    """
    if obj is None:
        return {}
    result = {key: copy.deepcopy(value) for key, value in obj.items() if key != "status"}
    metadata = result.get("metadata", {})
    for key in SERVER_OWNED:
        metadata.pop(key, None)
    annotations = metadata.get("annotations") or {}
    for key in BOOKKEEPING:
        annotations.pop(key, None)
    if not annotations:
        metadata.pop("annotations", None)
    return result


def shown(obj: Mapping[str, Any] | None) -> Object:
    """Return a normalised copy that may be printed: secrets are hidden."""
    result: Object = redact(normalise(obj))
    return result


def changed_fields(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return ``[{field, old, new}]`` for each field that differs, in the order of their names.

    :param before: the object as it was, None when it was not there.
    :param after: the object as it is or would be, None when it is or would be gone.
    :returns: ``field`` is a path such as ``spec.template.spec.containers[name=app].image``; ``old`` or
        ``new`` is None where the field is absent. An object that appears or goes is the one field ``""``
        with the whole object as its value. The values of a Secret are hidden.
    """
    if before is None or after is None:
        return [] if before is after else [{"field": "", "old": shown(before) or None, "new": shown(after) or None}]
    found: list[dict[str, Any]] = []
    old, new = normalise(before), normalise(after)
    if old != new or not _same_types(old, new):
        _compare(_Side(old, redact(old)), _Side(new, redact(new)), "", found)
    return found


def diff_entry(name: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one entry of Ansible's ``diff`` list: each changed field with its value before and after."""
    return {
        "before_header": name,
        "after_header": name,
        "before": _lines(fields, "old"),
        "after": _lines(fields, "new"),
    }


def _lines(fields: list[dict[str, Any]], side: str) -> str:
    lines = []
    for change in fields:
        value = change[side]
        if value is None:
            continue
        if change["field"]:
            lines.append(f"{change['field']}: {_text(value)}")
        else:
            lines.append(json.dumps(value, indent=2, sort_keys=True))
    return "".join(line + "\n" for line in lines)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _compare(old: _Side, new: _Side, path: str, found: list[dict[str, Any]]) -> None:
    if old.value == new.value and _same_types(old.value, new.value):
        return
    if isinstance(old.value, dict) and isinstance(new.value, dict):
        olds, news = _by_key(old), _by_key(new)
        for key in sorted({*olds, *news}):
            _compare(olds.get(key, _Side()), news.get(key, _Side()), _child(path, key), found)
        return
    if isinstance(old.value, list) and isinstance(new.value, list):
        named = _named(old.value) and _named(new.value)
        olds, news = _items(old, named), _items(new, named)
        if named and list(olds) != list(news) and sorted(olds) == sorted(news):
            # Only their order can differ in what follows, and it counts: env variables refer to earlier ones.
            found.append({"field": f"{path}[].name", "old": list(olds), "new": list(news)})
        for key in {**olds, **news}:
            label = f"name={key}" if named else key
            _compare(olds.get(key, _Side()), news.get(key, _Side()), f"{path}[{label}]", found)
        return
    hidden = new.shown == old.shown and _same_types(new.shown, old.shown)
    found.append({"field": path, "old": old.shown, "new": REDACTED_CHANGED if hidden else new.shown})


def _same_types(old: Any, new: Any) -> bool:
    """Tell whether no boolean stands for a number in values that Python calls equal: to it, true is 1."""
    if isinstance(old, dict):
        return all(_same_types(each, new[key]) for key, each in old.items())
    if isinstance(old, list):
        return all(map(_same_types, old, new))
    return isinstance(old, bool) == isinstance(new, bool)


def _child(path: str, key: str) -> str:
    if "." in key or "/" in key:
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def _by_key(side: _Side) -> dict[str, _Side]:
    return {key: _Side(value, side.shown.get(key, REDACTED)) for key, value in side.value.items()}


def _named(items: list[Any]) -> bool:
    """Tell whether each item of a list has a ``name`` of its own."""
    names = {item["name"] for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)}
    return len(names) == len(items)


def _items(side: _Side, named: bool) -> dict[str, _Side]:
    """Return the items of a list by their names, or by their places."""
    items = map(_Side, side.value, side.shown)
    return {item.value["name"] if named else str(place): item for place, item in enumerate(items)}
