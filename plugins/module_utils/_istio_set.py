# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``--set path=value`` as istioctl reads it, done in Python.

istioctl 1.19 refuses a value that holds ``=``, 1.24 to 1.30 mangle it silently, so nothing is ever passed as ``--set``.
Source of the rules: 1.31.0-dev operator/pkg/values/map.go (SetPaths, splitPath, parseValue); the same since 1.19.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.meshlab.istio.plugins.module_utils._errors import InputError
from ansible_collections.meshlab.istio.plugins.module_utils._yaml import decimal_float

ALWAYS_TEXT = (
    "values.compatibilityVersion",
    "compatibilityVersion",
    "tag",
    "values.global.tag",
    "meshConfig.defaultConfig.proxyMetadata.",
    "values.meshConfig.defaultConfig.proxyMetadata.",
)
"""Paths below which a value stays a string (map.go alwaysString, by prefix)."""

TRUTHS = {"true": True, "TRUE": True, "True": True, "t": True, "T": True,
          "false": False, "FALSE": False, "False": False, "f": False, "F": False}  # fmt: skip


def apply_set(spec: dict[str, Any], entry: str) -> None:
    """Change ``spec`` (the spec of an IstioOperator) in place as ``--set entry`` would.

    :param entry: ``path=value``, such as ``values.pilot.env.A=b`` or ``components.ingressGateways[0].enabled=false``.
    :raises InputError: no ``=``, or a list element that does not exist.
    """
    path, equals, value = entry.partition("=")
    path, value = path.strip(), value.strip()
    if not equals or not path:
        raise InputError(f"`set` takes entries of the form path=value, not {entry!r}.")
    typed = value if path.startswith(ALWAYS_TEXT) else parse_value(value)
    steps = split_path(path)
    if not steps:
        raise InputError(f"`set` takes entries of the form path=value, not {entry!r}.")
    target: Any = spec
    for position, step in enumerate(steps[:-1]):
        following = steps[position + 1]
        target = _descend(target, step, [] if following.startswith("[") else {}, entry)
    _put(target, steps[-1], typed, entry)


def parse_value(text: str) -> int | float | bool | str:
    """Return ``text`` typed as Go's Atoi, ParseFloat and ParseBool do in that order; otherwise the string."""
    if re.fullmatch(r"[+-]?0{0,99}[0-9]{1,19}", text) and -(2**63) <= int(text) < 2**63:
        return int(text)
    number = decimal_float(text)
    if number is not None:
        return number
    if text in TRUTHS:
        return TRUTHS[text]
    return text.replace("\\,", ",")


def split_path(path: str) -> list[str]:
    r"""Split at dots that no backslash escapes; ``name[expr]`` becomes two steps."""
    steps: list[str] = []
    for part in re.split(r"(?<!\\)\.", path):
        step = part.replace("\\.", ".")
        bracket = step.find("[")
        steps += [step] if bracket <= 0 else [step[:bracket], step[bracket:]]
    return [step for step in steps if step]


def _descend(target: Any, step: str, empty: Any, entry: str) -> Any:
    """Return the container that ``step`` names in ``target``, made as ``empty`` where it is missing."""
    if step.startswith("["):
        items = _as_list(target, entry)
        index = _index(items, step, entry)
        if index >= len(items):
            items.append(empty)
            return items[-1]
        return items[index]
    mapping = _as_dict(target, entry)
    if mapping.get(step) is None:
        mapping[step] = empty
    return mapping[step]


def _put(target: Any, step: str, value: Any, entry: str) -> None:
    if not step.startswith("["):
        _as_dict(target, entry)[step] = value
        return
    items = _as_list(target, entry)
    index = _index(items, step, entry)
    if index >= len(items):
        items.append(value)
    else:
        items[index] = value


def _index(items: list[Any], step: str, entry: str) -> int:
    """Find ``[3]`` or ``[name:value]``; an index past the end means that the item is appended."""
    inner = step.strip("[]")
    if re.fullmatch(r"[+-]?[0-9]{1,18}", inner):
        return int(inner) if int(inner) >= 0 else len(items)
    key, colon, wanted = inner.partition(":")
    for index, item in enumerate(items):
        if colon and isinstance(item, dict) and item.get(key) == wanted:
            return index
    raise InputError(f"`set` entry {entry!r}: there is no list element {step}.")


def _as_dict(value: Any, entry: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"`set` entry {entry!r} goes through a value that is no mapping.")
    return value


def _as_list(value: Any, entry: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"`set` entry {entry!r} has an index where there is no list.")
    return value
