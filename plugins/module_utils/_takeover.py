# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object becomes where server-side apply cannot replace what others wrote.

Server-side apply joins lists by keys: a port 16686 that a manifest names http-query stands beside a port 80 of that
name which ``kubectl apply`` or ``kubectl edit`` wrote, and the API server refuses the two. Then the older of the two
goes, and what ``kubectl apply`` set in the object and the manifest does not name any more, as kubectl does it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Object = dict[str, Any]
Fields = dict[str, Any]
"""A tree of ``managedFields``: ``f:NAME`` for a field, ``k:{…}`` for an item of a list by its keys."""

KUBECTL_APPLY = "kubectl-client-side-apply"
"""The field manager of ``kubectl apply`` without ``--server-side`` (k8s.io/kubectl v0.34.4, pkg/cmd/apply)."""

DUPLICATE = re.compile(r"([\w.\[\]-]+): Duplicate value")
"""How the API server names the field of two items that may not be the same (Kubernetes 1.34.4)."""

DEFAULTS = {"protocol": "TCP"}
"""Keys that a manifest may leave out: ports are joined by number and protocol."""


def duplicates(message: str) -> set[str]:
    """Return the names of the fields that an API server found twice in a list, such as ``name``."""
    return {path.rpartition(".")[2] for path in DUPLICATE.findall(message)}


def taken_over(live: Mapping[str, Any], wanted: Mapping[str, Any], unique: Iterable[str]) -> Object:
    """Return a live object with a manifest laid over it, without what the manifest replaces.

    :param unique: fields that no two items of a list may share, as ``duplicates`` found them.
    """
    entries = [entry for entry in live["metadata"].get("managedFields") or [] if not entry.get("subresource")]
    kubectl = _joined(entry.get("fieldsV1") or {} for entry in entries if entry.get("manager") == KUBECTL_APPLY)
    others = _joined(entry.get("fieldsV1") or {} for entry in entries if entry.get("manager") != KUBECTL_APPLY)
    # Labels and annotations are how others mark an object; they never stand in a manifest's way.
    kubectl.pop("f:metadata", None)
    result = _without({key: copy.deepcopy(value) for key, value in live.items()}, wanted, kubectl, others)
    return dict(_laid_over(result, wanted, _joined([kubectl, others]), set(unique)))


# -- inside --------------------------------------------------------------------------------------


def _joined(trees: Iterable[Mapping[str, Any]]) -> Fields:
    result: Fields = {}
    for tree in trees:
        for key, inner in tree.items():
            result[key] = _joined([result.get(key) or {}, inner or {}])
    return result


def _keys(fields: Mapping[str, Any]) -> list[str]:
    """Return by which keys the items of a list are joined; [] for a list that is replaced as a whole."""
    return sorted({name for key in fields if key.startswith("k:") for name in json.loads(key[2:])})


def _key(item: Any, keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(item.get(name, DEFAULTS.get(name)) for name in keys) if isinstance(item, dict) else (item,)


def _without(value: Any, wanted: Any, mine: Mapping[str, Any], others: Mapping[str, Any]) -> Any:
    """Return ``value`` without what only ``mine`` owns and the manifest does not have."""
    if isinstance(value, dict):
        for key, inner in mine.items():
            name, theirs = key[2:], others.get(key)
            if not key.startswith("f:") or name not in value:
                continue
            there = isinstance(wanted, Mapping) and name in wanted
            if not there and theirs is None:
                del value[name]
            elif inner:
                value[name] = _without(value[name], wanted[name] if there else None, inner, theirs or {})
    elif isinstance(value, list) and _keys(mine):
        keys = _keys(mine)
        owned = {_key(json.loads(key[2:]), keys): key for key in mine if key.startswith("k:")}
        named = {_key(item, keys): item for item in wanted} if isinstance(wanted, list) else {}
        left = []
        for item in value:
            place = _key(item, keys)
            field = owned.get(place, "")
            if place in named or not field or field in others:
                left.append(_without(item, named.get(place), mine.get(field) or {}, others.get(field) or {}))
        return left
    return value


def _laid_over(live: Any, wanted: Any, fields: Mapping[str, Any], unique: set[str]) -> Any:
    if isinstance(live, dict) and isinstance(wanted, Mapping):
        result = dict(live)
        for name, value in wanted.items():
            if value is None:
                result.pop(name, None)
            else:
                result[name] = _laid_over(live.get(name), value, fields.get(f"f:{name}") or {}, unique)
        return result
    keys = _keys(fields)
    if not (isinstance(live, list) and isinstance(wanted, list) and keys):
        return copy.deepcopy(wanted)
    old = {_key(item, keys): item for item in live}
    inner = {_key(json.loads(key[2:]), keys): tree for key, tree in fields.items() if key.startswith("k:")}
    new = {
        _key(item, keys): _laid_over(old.get(_key(item, keys)), item, inner.get(_key(item, keys)) or {}, unique)
        for item in wanted
    }
    taken = {(name, item.get(name)) for item in new.values() for name in unique - set(keys) if item.get(name)}
    kept = [
        new.pop(key) if key in new else item
        for key, item in old.items()
        if key in new or not taken & {(name, item.get(name)) for name in unique if isinstance(item, dict)}
    ]
    return [*kept, *new.values()]
